// user_listing.c: see user_listing.h.
#include "model/user_listing.h"

#include <stdlib.h>

// A cursor whose first column is a user's row number, in rising order.
struct cursor {
    struct stmt *stmt;
    int64_t user; // of the row it stands on
    bool ended;
    bool fresh; // the row has not been handed out yet
};

struct user_listing {
    struct stmt *users;
    struct cursor projects, keys;
    int64_t user;
};

static bool cursor_move(struct cursor *cursor, struct err *err)
{
    enum step step = stmt_step(cursor->stmt, err);
    cursor->ended = step == STEP_END;
    cursor->user = step == STEP_ROW ? stmt_int(cursor->stmt, 0) : 0;
    cursor->fresh = true;
    return step != STEP_FAILED;
}

// Moves to the first row of `user` or of a later one.
static bool cursor_seek(struct cursor *cursor, int64_t user, struct err *err)
{
    while (!cursor->ended && cursor->user < user)
        if (!cursor_move(cursor, err))
            return false;
    return true;
}

bool user_listing_open(struct store *store, struct page page, struct user_listing **ret_listing,
                       struct err *err)
{
    struct user_listing *listing AUTO(user_listing_free) =
        (struct user_listing *)calloc(1, sizeof *listing);
    if (!listing)
        return err_memory(err);
    if (!user_query(store, page, &listing->users, err) ||
        !db_query(store->db,
                  "SELECT m.user, p.project_id, p.project_name FROM members m"
                  " CROSS JOIN projects p ON p.n = m.project WHERE m.user > ?"
                  " ORDER BY m.user, m.project",
                  BIND(v_int(page.after)), &listing->projects.stmt, err) ||
        !db_query(store->db,
                  "SELECT user, count(*) FROM api_keys WHERE user > ? GROUP BY user ORDER BY user",
                  BIND(v_int(page.after)), &listing->keys.stmt, err) ||
        !cursor_move(&listing->projects, err) || !cursor_move(&listing->keys, err))
        return false;
    *ret_listing = TAKE(listing);
    return true;
}

void user_listing_free(struct user_listing **listing)
{
    if (*listing) {
        stmt_free(&(*listing)->users);
        stmt_free(&(*listing)->projects.stmt);
        stmt_free(&(*listing)->keys.stmt);
        free(*listing);
    }
    *listing = NULL;
}

enum step user_listing_next(struct user_listing *listing, struct user *ret_user,
                            int64_t *ret_api_keys, struct err *err)
{
    struct user user;
    enum step step = user_next(listing->users, &user, err);
    if (step != STEP_ROW)
        return step;
    if (!cursor_seek(&listing->projects, user.n, err) || !cursor_seek(&listing->keys, user.n, err))
        return STEP_FAILED;
    listing->user = user.n;
    bool has_keys = !listing->keys.ended && listing->keys.user == user.n;
    *ret_api_keys = has_keys ? stmt_int(listing->keys.stmt, 1) : 0;
    *ret_user = user;
    return STEP_ROW;
}

enum step user_listing_project(struct user_listing *listing, struct view *ret_id,
                               struct view *ret_name, struct err *err)
{
    struct cursor *projects = &listing->projects;
    if (!projects->fresh && !projects->ended && !cursor_move(projects, err))
        return STEP_FAILED;
    if (projects->ended || projects->user != listing->user)
        return STEP_END;
    projects->fresh = false;
    *ret_id = stmt_text(projects->stmt, 1);
    *ret_name = stmt_text(projects->stmt, 2);
    return STEP_ROW;
}
