// user.c: see user.h.
#include "model/user.h"

#include <stdio.h>

#include "model/audit.h"
#include "model/hint.h"

#define USER_COLUMNS "n, user_id, email, created_at"

static void lower_copy(char *ret_text, size_t size, struct view text)
{
    if (text_copy(ret_text, size, text))
        text_lower(ret_text, text.size);
}

static bool read_user(struct stmt *stmt, struct user *ret_user, struct err *err)
{
    ret_user->n = stmt_int(stmt, 0);
    ret_user->created_at = stmt_int(stmt, 3);
    if (text_copy(ret_user->user_id, sizeof ret_user->user_id, stmt_text(stmt, 1)) &&
        text_copy(ret_user->email, sizeof ret_user->email, stmt_text(stmt, 2)))
        return true;
    return err_set(err, ERR_INTEGRITY, "store_corrupt", "A user's record is damaged");
}

// One user by a statement with one value; `*ret_found` tells.
static bool find_user(struct store *store, const char *sql, struct view wanted, bool *ret_found,
                      struct user *ret_user, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!db_query(store->db, sql, BIND(v_view(wanted)), &stmt, err))
        return false;
    enum step step = user_next(stmt, ret_user, err);
    *ret_found = step == STEP_ROW;
    return step != STEP_FAILED;
}

static bool find_by_email(struct store *store, struct view email, bool *ret_found,
                          struct user *ret_user, struct err *err)
{
    char lowered[LIMIT_EMAIL + 1] = "";
    lower_copy(lowered, sizeof lowered, email);
    return find_user(store, "SELECT " USER_COLUMNS " FROM users WHERE email_key = ?",
                     view_of(lowered), ret_found, ret_user, err);
}

static bool find_by_id(struct store *store, struct view user_id, bool *ret_found,
                       struct user *ret_user, struct err *err)
{
    char lowered[UUID_TEXT] = "";
    lower_copy(lowered, sizeof lowered, user_id);
    return find_user(store, "SELECT " USER_COLUMNS " FROM users WHERE user_id = ?",
                     view_of(lowered), ret_found, ret_user, err);
}

static bool user_not_found(struct view wanted, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "user_not_found", "User not found: %.*s", VIEW_ARG(wanted));
    return hint_command(err, "user list", NULL);
}

bool user_select(struct store *store, struct view email, struct view user_id, struct user *ret_user,
                 struct err *err)
{
    struct user by_email = {0}, by_id = {0}; // number 0: not found
    bool found = false;
    if ((email.data && !find_by_email(store, email, &found, &by_email, err)) ||
        (user_id.data && !find_by_id(store, user_id, &found, &by_id, err)))
        return false;
    if (email.data && user_id.data && by_email.n != by_id.n)
        return err_set(err, ERR_USAGE, "selectors_disagree",
                       "--email and --user-id do not name the same user");
    const struct user *chosen = email.data ? &by_email : &by_id;
    if (chosen->n == 0)
        return user_not_found(email.data ? email : user_id, err);
    *ret_user = *chosen;
    return true;
}

static bool check_address_free(struct store *store, struct view email, int64_t except,
                               struct err *err)
{
    struct user holder;
    bool found;
    if (!find_by_email(store, email, &found, &holder, err))
        return false;
    if (!found || holder.n == except)
        return true;
    err_set(err, ERR_CONFLICT, "user_exists", "User with email already exists: %s", holder.email);
    return hint_command(err, "user get", "--email", view_of(holder.email), NULL);
}

bool user_bring(struct store *store, struct user *user, struct err *err)
{
    char email_key[LIMIT_EMAIL + 1] = "";
    struct view email = view_of(user->email);
    if (!check_address_free(store, email, 0, err))
        return false;
    lower_copy(email_key, sizeof email_key, email);
    if (!db_run(
            store->db,
            "INSERT INTO users(user_id, email, email_key, created_at) VALUES(?, ?, ?, ?)",
            BIND(v_text(user->user_id), v_view(email), v_text(email_key), v_int(user->created_at)),
            err))
        return false;
    user->n = db_last_id(store->db);
    const struct audit_event event = {
        .action = "user.create", .user_id = user->user_id, .notes = {{"email", email}}};
    return audit_write(store, &event, err);
}

bool user_create(struct store *store, struct view email, struct user *ret_user, struct err *err)
{
    struct user user = {.created_at = store->now};
    vault_new_uuid(user.user_id);
    if (!text_copy(user.email, sizeof user.email, email))
        return err_set(err, ERR_USAGE, "invalid_email", "The e-mail address is too long");
    if (!user_bring(store, &user, err))
        return false;
    *ret_user = user;
    return true;
}

bool user_set_email(struct store *store, struct user *user, struct view new_email, struct err *err)
{
    char email_key[LIMIT_EMAIL + 1] = "";
    struct user changed = *user;
    if (!check_address_free(store, new_email, user->n, err))
        return false;
    lower_copy(email_key, sizeof email_key, new_email);
    if (!text_copy(changed.email, sizeof changed.email, new_email))
        return err_set(err, ERR_USAGE, "invalid_email", "The e-mail address is too long");
    const struct audit_event event = {
        .action = "user.update",
        .user_id = user->user_id,
        .notes = {{"email", new_email}, {"previous_email", view_of(user->email)}}};
    if (!db_run(store->db, "UPDATE users SET email = ?, email_key = ? WHERE n = ?",
                BIND(v_view(new_email), v_text(email_key), v_int(user->n)), err) ||
        !audit_write(store, &event, err))
        return false;
    *user = changed;
    return true;
}

bool user_query(struct store *store, struct page page, struct stmt **ret_stmt, struct err *err)
{
    return db_query(store->db, "SELECT " USER_COLUMNS " FROM users WHERE n > ? ORDER BY n LIMIT ?",
                    BIND(v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}

enum step user_next(struct stmt *stmt, struct user *ret_user, struct err *err)
{
    struct user user;
    enum step step = stmt_step(stmt, err);
    if (step != STEP_ROW)
        return step;
    if (!read_user(stmt, &user, err))
        return STEP_FAILED;
    *ret_user = user;
    return STEP_ROW;
}

bool user_search(struct store *store, struct view term, struct page page, struct stmt **ret_stmt,
                 struct err *err)
{
    return db_query(store->db,
                    "SELECT " USER_COLUMNS ", instr(email_key, lower(?1)) > 0,"
                    " (SELECT count(*) FROM members WHERE user = users.n),"
                    " (SELECT count(*) FROM api_keys WHERE user = users.n) FROM users"
                    " WHERE n > ?2 AND (instr(email_key, lower(?1)) > 0 OR n IN ("
                    "SELECT m.user FROM projects p JOIN members m ON m.project = p.n"
                    " WHERE instr(lower(p.project_name), lower(?1)) > 0)) ORDER BY n LIMIT ?3",
                    BIND(v_view(term), v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}

enum step user_match_next(struct stmt *stmt, struct user_match *ret_match, struct err *err)
{
    enum step step = user_next(stmt, &ret_match->user, err);
    if (step != STEP_ROW)
        return step;
    ret_match->by_email = stmt_int(stmt, 4) != 0;
    ret_match->projects = stmt_int(stmt, 5);
    ret_match->api_keys = stmt_int(stmt, 6);
    return step;
}
