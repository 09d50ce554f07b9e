// temp_store.h: for tests: a store of its own for each test, in a folder under /tmp, and short ways
// to fill and to damage it.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "model/api_key.h"
#include "model/project.h"
#include "model/removal.h"
#include "model/store.h"
#include "model/user.h"

#define NOW INT64_C(1752685320406902) // 2025-07-16T17:02:00.406902

static char home[] = "/tmp/smg_test.XXXXXX";
static struct store *store;
static struct err err;

// What must work, with the error when it does not; and what must be refused, with its code.
#define WORKS(call)                                                                                \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, err.message);                                                \
    } while (0)

#define REFUSED(call, expected_kind, expected_code)                                                \
    do {                                                                                           \
        err = (struct err){.kind = ERR_NONE};                                                      \
        assert_false(call);                                                                        \
        assert_string_equal(err.code, expected_code);                                              \
        assert_int_equal(err.kind, expected_kind);                                                 \
        assert_true(err.message[0] != '\0');                                                       \
    } while (0)

static inline const char *path_of(const char *name)
{
    static char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

static inline struct store *open_store(void)
{
    const struct store_config config = {.home = home};
    struct store *opened = NULL;
    WORKS(store_open(&config, &opened, &err));
    opened->now = NOW;
    opened->command = "test run";
    (void)snprintf(opened->actor, sizeof opened->actor, "uid:0");
    return opened;
}

static inline int make_home(void **state)
{
    (void)state;
    memcpy(home + sizeof home - 7, "XXXXXX", 6);
    err = (struct err){.kind = ERR_NONE};
    (void)umask(077);
    return vault_start(&err) && mkdtemp(home) ? 0 : -1;
}

static inline int remove_home(void **state)
{
    (void)state;
    char command[100];
    store_free(&store);
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command);
}

static inline int make_store(void **state)
{
    if (make_home(state) != 0)
        return -1;
    store = open_store();
    return 0;
}

// Runs statements made for the occasion. (The other ways into the database keep a statement under
// the address of its text, so they take only constants.)
static inline void script(const char *format, ...) PRINTF_LIKE(1, 2);
static inline void script(const char *format, ...)
{
    char sql[2048];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    assert_true(size > 0 && size < (int)sizeof sql);
    if (!db_script(store->db, sql, &err))
        fail_msg("%s: %s", sql, err.message);
}

static inline int64_t number_of(const char *sql)
{
    int64_t number = 0;
    WORKS(store_number(store, sql, BIND_NOTHING, &number, &err));
    return number;
}

static inline void begin(void)
{
    WORKS(db_begin_change(store->db, &err));
}

static inline void commit(void)
{
    WORKS(db_commit(store->db, &err));
}

// Whether a key's text stands in the clear in any file of the home.
static inline bool is_in_files(const char *text)
{
    char command[300];
    (void)snprintf(command, sizeof command, "grep -rqF -e '%.200s' %s", text, home);
    int status = system(command);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    return WEXITSTATUS(status) == 0;
}

static inline struct user new_user(const char *email)
{
    struct user user = {0};
    begin();
    WORKS(user_create(store, view_of(email), &user, &err));
    commit();
    return user;
}

static inline struct project new_project(const char *name)
{
    struct project project = {0};
    begin();
    WORKS(project_create(store, view_of(name), &project, &err));
    commit();
    return project;
}

static inline void join(const struct project *project, const struct user *user)
{
    bool changed = false;
    begin();
    WORKS(project_add_user(store, project, user, &changed, &err));
    commit();
    assert_true(changed);
}

// A key, its text in `clear_text`.
static char clear_text[LIMIT_API_KEY + 1];

static inline struct api_key make_key(const struct key_order *order)
{
    struct clear_key *clear = clear_key_new();
    struct api_key key = {0};
    assert_non_null(clear);
    begin();
    WORKS(api_key_generate(store, order, clear, &key, &err));
    commit();
    assert_true(text_copy(clear_text, sizeof clear_text, clear_key_view(clear)));
    clear_key_free(&clear);
    return key;
}

static inline struct api_key new_key(const struct user *user, const struct project *project)
{
    return make_key(&(struct key_order){.user = user, .project = project, .name = VIEW("laptop")});
}

// The key as the store has it now.
static inline struct api_key find_key(const char *named)
{
    struct api_key key = {0};
    WORKS(api_key_select(store, view_of(named), &key, &err));
    return key;
}
