// test_exchange.c: the file of the Python original: read, brought over, given back.
#include "temp_store.h"

#include "base/json_out.h"
#include "model/exchange.h"
#include "model/exchange_read.h"
#include "model/removal.h"

#define USER "11111111-0000-4000-8000-000000000001"
#define OTHER "11111111-0000-4000-8000-000000000002"
#define PROJECT "22222222-0000-4000-8000-000000000001"
#define CONFIG "33333333-0000-4000-8000-000000000001"
#define TIME "2025-07-16T17:02:00.406902"

static struct arena arena;
static struct exchange_notes notes;

static void fresh_notes(void)
{
    arena_done(&arena);
    arena_init(&arena, 64 << 20);
    notes = (struct exchange_notes){.arena = &arena};
}

static int set_up(void **state)
{
    return make_store(state);
}

static int tear_down(void **state)
{
    arena_done(&arena);
    return remove_home(state);
}

// JSON with ' for " is easier to read in C.
static const struct json_value *json(const char *text)
{
    const struct json_value *value = NULL;
    size_t size = strlen(text);
    char *copy = (char *)arena_take(&arena, size + 1);
    assert_non_null(copy);
    memcpy(copy, text, size + 1);
    for (char *at = copy; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    if (!json_parse(view_of(copy), &arena, &value, &err))
        fail_msg("%s: %s", copy, err.message);
    return value;
}

static void import(const char *text)
{
    fresh_notes();
    begin();
    WORKS(exchange_import(store, json(text), false, &notes, &err));
    commit();
}

static void assert_tally(enum exchange_kind kind, int made, int unchanged, int missed)
{
    const struct exchange_tally *tally = &notes.tallies[kind];
    assert_int_equal(tally->created, made);
    assert_int_equal(tally->unchanged, unchanged);
    assert_int_equal(tally->missed, missed);
}

static void assert_problem(const char *reason)
{
    for (const struct exchange_problem *problem = notes.first_problem; problem;
         problem = problem->next)
        if (view_is(problem->reason, reason))
            return;
    fail_msg("none of %lld problems says: %s", (long long)notes.problems, reason);
}

static void gives_ids_of_its_own(void **state)
{
    (void)state;
    char one[UUID_TEXT], two[UUID_TEXT], long_id[LIMIT_NAME + 2];
    assert_true(exchange_read_id(EXCHANGE_USER, VIEW("6469A670-1d64-4da5-b2b3-790de21ac726"), one));
    assert_string_equal(one, "6469a670-1d64-4da5-b2b3-790de21ac726");
    assert_true(exchange_read_id(EXCHANGE_USER, VIEW("alice"), one));
    assert_true(text_is_uuid(view_of(one)));
    assert_int_equal(one[14], '8');
    assert_true(exchange_read_id(EXCHANGE_USER, VIEW("alice"), two));
    assert_string_equal(one, two);
    assert_true(exchange_read_id(EXCHANGE_PROJECT, VIEW("alice"), two));
    assert_string_not_equal(one, two);
    assert_true(exchange_read_id(EXCHANGE_USER, VIEW("bob"), two));
    assert_string_not_equal(one, two);
    assert_false(exchange_read_id(EXCHANGE_USER, VIEW(""), two));
    memset(long_id, 'x', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    assert_false(exchange_read_id(EXCHANGE_USER, view_of(long_id), two));
    assert_true(exchange_read_id(EXCHANGE_USER, (struct view){long_id, sizeof long_id - 2}, two));
}

static void reads_a_key(void **state)
{
    (void)state;
    struct exchange_key key = {0};
    fresh_notes();
    const struct json_value *entries =
        json("{'-abc':{'user_id':'" USER "','project_id':'" PROJECT "','created_at':'" TIME
             "','disabled':true,'disabled_at':'2025-08-01T00:00:00+00:00','name':'n',"
             "'expires_at':1785600000,'enabled_at':1}}");
    assert_true(exchange_read_key(&notes, json_first(entries), 1, &key));
    assert_true(view_is(key.clear, "-abc"));
    assert_string_equal(key.called, "number 1: -a...");
    assert_string_equal(key.user_id, USER);
    assert_string_equal(key.project_id, PROJECT);
    assert_int_equal(key.created_at, NOW);
    assert_true(key.disabled);
    assert_int_equal(key.disabled_at, INT64_C(1754006400) * TIME_SECOND);
    assert_int_equal(key.expires_at, INT64_C(1785600000) * TIME_SECOND);
    assert_string_equal(key.name, "n");
    assert_int_equal(notes.problems, 0);
    assert_int_equal(notes.losses, 0);
}

// What cannot be read must never make a key more than the file wants it to be.
static void doubts_make_no_key_stronger(void **state)
{
    (void)state;
    static const char *const bad[] = {"'expires_at':'soon'", "'expires_at':true", "'expires_at':-1",
                                      "'expires_at':'1960-01-01'"};
    struct exchange_key key;
    char text[400];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        fresh_notes();
        (void)snprintf(text, sizeof text,
                       "{'key1':{'user_id':'" USER "','project_id':'" PROJECT "',%s}}", bad[i]);
        assert_false(exchange_read_key(&notes, json_first(json(text)), 1, &key));
        assert_int_equal(notes.tallies[EXCHANGE_API_KEY].missed, 1);
        assert_problem("its expires_at is no time");
    }
    fresh_notes();
    assert_true(exchange_read_key(&notes,
                                  json_first(json("{'key1':{'user_id':'" USER "','project_id':"
                                                  "'" PROJECT "','disabled':'yes'}}")),
                                  1, &key));
    assert_true(key.disabled);
    assert_problem("its disabled is neither true nor false: the key is taken for disabled");
}

// Every value of a good file in turn replaced by values of all types: never a failure, always a
// note, and each thing is counted once.
static void reports_wrong_types_everywhere(void **state)
{
    (void)state;
    static const char *const fields[][2] = {
        {"'mcp_configs':{'" CONFIG "':", "}"},
        {"'mcp_configs':{'" CONFIG "':{'mcp_config_name':", "}}"},
        {"'mcp_configs':{'" CONFIG "':{'mcp_config_name':'c','mcp_config':", "}}"},
        {"'mcp_configs':{'" CONFIG "':{'mcp_config_name':'c','mcp_config':[", "]}}"},
        {"'projects':{'" PROJECT "':", "}"},
        {"'projects':{'" PROJECT "':{'project_name':", "}}"},
        {"'projects':{'" PROJECT "':{'project_name':'p','mcp_config_id':", "}}"},
        {"'projects':{'" PROJECT "':{'project_name':'p','users':", "}}"},
        {"'projects':{'" PROJECT "':{'project_name':'p','users':[", "]}}"},
        {"'projects':{'" PROJECT "':{'project_name':'p','created_at':", "}}"},
        {"'users':{'" USER "':", "}"},
        {"'users':{'" USER "':{'email':", "}}"},
        {"'users':{'" USER "':{'email':'a@example.com','created_at':", "}}"},
        {"'apikeys':{'key':", "}"},
        {"'apikeys':{'key':{'user_id':", "}}"},
        {"'apikeys':{'key':{'user_id':'" USER "','project_id':", "}}"},
        {"'users':", ""},
        {"'projects':", ""},
        {"'mcp_configs':", ""},
        {"'apikeys':", ""},
        {"'apikeys':{},'masked_apikeys':", ""},
        {"'apikeys':{},'masked_apikeys':[", "]"},
    };
    static const char *const values[] = {"true", "0.5", "'\\u0000'", "[[]]", "{'':[{}]}"};
    char text[500];
    for (size_t i = 0; i < COUNT_OF(fields) * COUNT_OF(values); i++) {
        const char *const *field = fields[i / COUNT_OF(values)];
        (void)snprintf(text, sizeof text, "{%s%s%s}", field[0], values[i % COUNT_OF(values)],
                       field[1]);
        fresh_notes();
        begin();
        if (!exchange_import(store, json(text), false, &notes, &err))
            fail_msg("%s: %s", text, err.message);
        db_rollback(store->db);
        if (notes.problems == 0 && notes.losses == 0 && notes.new_ids == 0 && i % 5 < 3)
            fail_msg("nothing said of %s", text);
    }
    fresh_notes();
    begin();
    REFUSED(exchange_import(store, json("[]"), false, &notes, &err), ERR_USAGE, "invalid_import");
    REFUSED(exchange_import(store, json("{'mcpServers':{}}"), false, &notes, &err), ERR_USAGE,
            "invalid_import");
    db_rollback(store->db);
}

static const char whole[] =
    "{'common_mcp_gateway_config':{'level':'INFO','api_key':'secret-1'},"
    "'mcp_configs':{'" CONFIG "':{'mcp_config_name':'c','mcp_config':["
    "{'server_name':'one','config':{'command':'sh','env':{'A':'secret-2'}}},"
    "{'server_name':'bad','config':{}}]}},"
    "'projects':{'" PROJECT "':{'project_name':'p','mcp_config_id':'" CONFIG "','users':['" USER
    "'],'created_at':'" TIME "'}},"
    "'users':{'" USER "':{'email':'Alice@example.com','created_at':'" TIME "'},"
    "'" OTHER "':{'email':'alice@EXAMPLE.com','created_at':'" TIME "'}},"
    "'apikeys':{'-a-key-of-another-shape':{'user_id':'" USER "','project_id':'" PROJECT
    "','created_at':'" TIME "'},"
    "'key-of-the-other':{'user_id':'" OTHER "','project_id':'" PROJECT "'},"
    "'key without shape':{}},"
    "'admin_apikey':'secret-3','extra':[1,2]}";

static void brings_over_what_it_can(void **state)
{
    (void)state;
    import(whole);
    assert_tally(EXCHANGE_CONFIG, 1, 0, 0);
    assert_tally(EXCHANGE_SERVER, 1, 0, 1);
    assert_tally(EXCHANGE_PROJECT, 1, 0, 0);
    assert_tally(EXCHANGE_USER, 1, 0, 1);
    assert_tally(EXCHANGE_MEMBERSHIP, 1, 0, 0);
    assert_tally(EXCHANGE_API_KEY, 1, 0, 2);
    assert_tally(EXCHANGE_KEPT, 2, 0, 0);
    assert_int_equal(notes.problems, 4);
    assert_problem("User with email already exists: Alice@example.com");
    assert_problem("there is no such user");
    assert_problem("the key is not 1 to 512 printable ASCII characters without blanks");
    assert_true(view_is(notes.first_loss->member, "admin_apikey"));

    const struct api_key key = find_key("-a-key-of-another-shape");
    assert_string_equal(key.user_id, USER);
    assert_int_equal(key.created_at, NOW);
    assert_int_equal(key.status, KEY_ACTIVE);
    store_free(&store); // so that everything is in the files
    assert_false(is_in_files("secret-1"));
    assert_false(is_in_files("secret-2"));
    assert_false(is_in_files("secret-3"));
    assert_false(is_in_files("a-key-of-another-shape"));
    store = open_store();
}

static void changes_nothing_twice(void **state)
{
    (void)state;
    import(whole);
    int64_t records = number_of("SELECT count(*) FROM audit");
    import(whole);
    assert_tally(EXCHANGE_CONFIG, 0, 1, 0);
    assert_tally(EXCHANGE_SERVER, 0, 1, 1);
    assert_tally(EXCHANGE_PROJECT, 0, 1, 0);
    assert_tally(EXCHANGE_USER, 0, 1, 1);
    assert_tally(EXCHANGE_MEMBERSHIP, 0, 1, 0);
    assert_tally(EXCHANGE_API_KEY, 0, 1, 2);
    assert_tally(EXCHANGE_KEPT, 0, 2, 0);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records + 1);
}

// The store is what people have worked with since: it wins, and what was revoked stays so.
static void leaves_the_store_as_it_is(void **state)
{
    (void)state;
    import(whole);
    struct api_key key = find_key("-a-key-of-another-shape");
    begin();
    WORKS(api_key_set_enabled(store, &key, false, &err));
    commit();
    import(whole);
    assert_tally(EXCHANGE_API_KEY, 0, 0, 3);
    assert_problem("is disabled in the store, and stays as it is there");
    key = find_key("-a-key-of-another-shape");
    assert_int_equal(key.status, KEY_DISABLED);
    begin();
    WORKS(api_key_delete(store, &key, &err));
    commit();
    import(whole);
    assert_tally(EXCHANGE_API_KEY, 0, 0, 3);
    assert_problem("the key was deleted from this store and is not brought back");
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 0);
    assert_int_equal(notes.deleted_keys, 1);
    fresh_notes();
    begin();
    WORKS(exchange_import(store, json(whole), true, &notes, &err));
    commit();
    assert_tally(EXCHANGE_API_KEY, 1, 0, 2);
    assert_int_equal(find_key("-a-key-of-another-shape").status, KEY_ACTIVE);
}

// A user of the same address under another id is somebody else: nothing is given to them.
static void matches_by_id_alone(void **state)
{
    (void)state;
    const struct user alice = new_user("alice@example.com");
    import(whole);
    assert_tally(EXCHANGE_USER, 0, 0, 2);
    assert_tally(EXCHANGE_MEMBERSHIP, 0, 0, 1);
    assert_tally(EXCHANGE_API_KEY, 0, 0, 3);
    assert_int_equal(number_of("SELECT count(*) FROM members"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM users"), 1);
    assert_string_not_equal(alice.user_id, USER);
}

static const char *export_text(struct buf *buf, bool reveal)
{
    struct json_out out;
    buf_clear(buf);
    json_out_init(&out, buf, JSON_COMPACT);
    begin();
    struct exchange_tampered tampered;
    WORKS(exchange_export(store, reveal, &out.out, &tampered, &err));
    commit();
    buf_add_char(buf, '\0');
    assert_false(buf->failed);
    return buf->data;
}

static void gives_back_what_it_took(void **state)
{
    (void)state;
    struct buf buf, again;
    buf_init(&buf, 1 << 20);
    buf_init(&again, 1 << 20);
    import(whole);
    const char *masked = export_text(&buf, false);
    assert_null(strstr(masked, "secret-"));
    assert_null(strstr(masked, "-a-key-of-another-shape"));
    assert_non_null(
        strstr(masked, "\"apikeys\":{},\"masked_apikeys\":[{\"api_key\":\"-a-key-of-a"));
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE action = 'api_key.reveal'"), 0);

    const char *text = export_text(&buf, true);
    assert_non_null(strstr(text, "\"-a-key-of-another-shape\":{"));
    assert_non_null(strstr(text, "secret-1"));
    assert_non_null(strstr(text, "\"extra\":[1,2]"));
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE action = 'api_key.reveal'"), 1);

    assert_int_equal(remove_home(NULL), 0);
    assert_int_equal(make_store(NULL), 0);
    import(text);
    assert_int_equal(notes.problems, 0);
    assert_string_equal(export_text(&again, true), text);
    buf_done(&buf);
    buf_done(&again);
}

// What has no meaning here comes back in exports, masked like secrets, and goes with its owner.
static void keeps_further_members(void **state)
{
    (void)state;
    static const char file[] =
        "{'mcp_configs':{'" CONFIG "':{'mcp_config_name':'c','mcp_config':[],'team':'t'}},"
        "'projects':{'" PROJECT "':{'project_name':'p','users':['" USER "'],'cost':[1.50]}},"
        "'users':{'" USER "':{'email':'a@example.com','nick':{'a':'n'}}},"
        "'apikeys':{'-a-key-of-another-shape':{'user_id':'" USER "','project_id':'" PROJECT
        "','disabled_at':'" TIME "','enabled_at':'" TIME "'}}}";
    struct buf buf, again;
    buf_init(&buf, 1 << 20);
    buf_init(&again, 1 << 20);
    import(file);
    assert_int_equal(notes.problems, 0);
    assert_int_equal(notes.losses, 0);
    assert_tally(EXCHANGE_KEPT, 4, 0, 0);
    const char *masked = export_text(&buf, false);
    assert_non_null(strstr(masked, "\"team\":\"****\""));
    const char *text = export_text(&buf, true);
    assert_non_null(strstr(text, "\"cost\":[1.50]"));
    assert_non_null(strstr(text, "\"nick\":{\"a\":\"n\"}"));
    assert_non_null(strstr(text, "\"disabled_at\":\"" TIME "\",\"enabled_at\":\"" TIME "\""));
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE action = 'system.reveal_member'"),
                     4);
    import(text);
    assert_tally(EXCHANGE_KEPT, 0, 4, 0);
    assert_int_equal(remove_home(NULL), 0);
    assert_int_equal(make_store(NULL), 0);
    import(text);
    assert_string_equal(export_text(&again, true), text);

    struct user user;
    struct user_removal removal;
    WORKS(user_select(store, (struct view){NULL, 0}, VIEW(USER), &user, &err));
    begin();
    WORKS(user_delete(store, &user, true, &removal, &err));
    commit();
    assert_int_equal(number_of("SELECT count(*) FROM kept_of"), 2);
    buf_done(&buf);
    buf_done(&again);
}

// A key whose row was changed is not given away, and the export says so.
static void tells_of_tampered_keys(void **state)
{
    (void)state;
    struct buf buf;
    struct json_out out;
    struct exchange_tampered tampered = {0};
    buf_init(&buf, 1 << 20);
    import(whole);
    script("UPDATE api_keys SET name = 'x'");
    json_out_init(&out, &buf, JSON_COMPACT);
    begin();
    WORKS(exchange_export(store, true, &out.out, &tampered, &err));
    commit();
    buf_add_char(&buf, '\0');
    assert_int_equal(tampered.count, 1);
    assert_non_null(strstr(buf.data, tampered.first_key_id));
    assert_non_null(strstr(buf.data, "\"status\":\"tampered\""));
    assert_non_null(strstr(buf.data, "\"apikeys\":{}"));
    buf_done(&buf);
}

// The text of a key may be any UUID, but not the key_id of another key; if it is so all the same,
// the name means nothing.
static void takes_no_key_that_is_a_name(void **state)
{
    (void)state;
    static const char file[] =
        "{'projects':{'" PROJECT "':{'project_name':'p','users':['" USER "']}},'users':{'" USER
        "':{'email':'a@example.com'}},'apikeys':{'" OTHER "':{'user_id':'" USER
        "','project_id':'" PROJECT "'}}}";
    struct api_key key;
    import(whole);
    script("UPDATE api_keys SET key_id = '" OTHER "'");
    import(file);
    assert_tally(EXCHANGE_API_KEY, 0, 0, 1);
    script("UPDATE api_keys SET key_id = '" USER "'");
    import(file);
    assert_tally(EXCHANGE_API_KEY, 1, 0, 0);
    WORKS(api_key_select(store, VIEW(OTHER), &key, &err));
    script("UPDATE api_keys SET key_id = '" OTHER "' WHERE key_id = '" USER "'");
    assert_false(api_key_select(store, VIEW(OTHER), &key, &err));
}

// A masked export brings no key over, and none of what it lists is taken for one.
static void takes_no_key_from_a_masked_export(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    import(whole);
    const char *text = export_text(&buf, false);
    import(text); // here it is there already
    assert_tally(EXCHANGE_API_KEY, 0, 1, 0);
    assert_int_equal(remove_home(NULL), 0);
    assert_int_equal(make_store(NULL), 0);
    import(text);
    assert_tally(EXCHANGE_API_KEY, 0, 0, 1);
    assert_problem("the file does not show the key, it is masked or was shown only once");
    assert_int_equal(notes.masked_secrets, 5);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 0);
    buf_done(&buf);
}

// A key that the file only lists is compared with the store's, as one that it shows.
static void compares_masked_keys(void **state)
{
    (void)state;
    static const struct {
        const char *user, *rest;
    } differences[] = {
        {"'" OTHER "'", ",'name':'laptop'"},
        {NULL, ",'name':'laptop','disabled':true"},
        {NULL, ",'name':'laptop','created_at':'2020-01-01T00:00:00'"},
        {NULL, ",'name':'other'"},
        {NULL, ",'name':'laptop','expires_at':'2099-01-01T00:00:00'"},
        {NULL, ",'name':'laptop','expires_at':'soon'"},
        {NULL, ",'name':'laptop','disabled':5"},
        {"5", ",'name':'laptop'"},
        {"null", ",'name':'laptop'"},
    };
    struct user user = new_user("alice@example.com");
    struct project project = new_project("P");
    join(&project, &user);
    struct api_key key = new_key(&user, &project);
    char text[800], said[64];
    (void)snprintf(text, sizeof text,
                   "{'apikeys':{},'masked_apikeys':[{'api_key':'%s','key_id':'%s','user_id':'%s',"
                   "'project_id':'%s','created_at':'" TIME "','name':'laptop','status':'active'}]}",
                   key.masked, key.key_id, user.user_id, project.project_id);
    import(text);
    assert_tally(EXCHANGE_API_KEY, 0, 1, 0);
    assert_int_equal(notes.losses, 0);
    for (size_t i = 0; i < COUNT_OF(differences); i++) {
        (void)snprintf(said, sizeof said, "'%s'", user.user_id);
        (void)snprintf(text, sizeof text,
                       "{'apikeys':{},'masked_apikeys':[{'key_id':'%s','user_id':%s,'project_id':"
                       "'%s'%s}]}",
                       key.key_id, differences[i].user ? differences[i].user : said,
                       project.project_id, differences[i].rest);
        import(text);
        if (notes.problems == 0)
            fail_msg("nothing is said of %s", text);
    }
}

// Members that nobody knows come back, be there something in them or not.
static void keeps_empty_members(void **state)
{
    (void)state;
    static const char file[] =
        "{'users':{},'plugins':{},'x':{},'y':null,'z':[],'common_mcp_gateway_config':null}";
    struct buf buf;
    struct json_out json_out;
    import(file);
    assert_tally(EXCHANGE_KEPT, 3, 0, 0);
    import(file);
    assert_tally(EXCHANGE_KEPT, 0, 3, 0);
    buf_init(&buf, 1 << 20);
    json_out_init(&json_out, &buf, JSON_COMPACT);
    struct exchange_tampered tampered;
    WORKS(exchange_export(store, false, &json_out.out, &tampered, &err));
    buf_add_char(&buf, '\0');
    assert_non_null(strstr(buf.data, "\"x\":{},\"y\":null,\"z\":[]}"));
    buf_done(&buf);
}

static void bounds_its_report(void **state)
{
    (void)state;
    fresh_notes();
    for (int i = 0; i < 3 * LIMIT_REPORT; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "n%d", i);
        exchange_note_miss(&notes, EXCHANGE_USER, view_of(name), "reason");
        exchange_note_loss(&notes, "users.*", view_of(name), "reason");
    }
    assert_int_equal(notes.problems, 3 * LIMIT_REPORT);
    assert_int_equal(notes.tallies[EXCHANGE_USER].missed, 3 * LIMIT_REPORT);
    int shown = 0;
    for (const struct exchange_problem *at = notes.first_problem; at; at = at->next)
        shown++;
    assert_int_equal(shown, LIMIT_REPORT);
    int64_t lost = 0;
    for (const struct exchange_loss *at = notes.first_loss; at; at = at->next)
        lost += at->count;
    assert_int_equal(lost, 3 * LIMIT_REPORT);
    assert_int_equal(notes.losses, 101);
    assert_true(view_is(notes.last_loss->member, "users.*.(others)"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(gives_ids_of_its_own),        CASE(reads_a_key),
        CASE(doubts_make_no_key_stronger), CASE(reports_wrong_types_everywhere),
        CASE(brings_over_what_it_can),     CASE(changes_nothing_twice),
        CASE(leaves_the_store_as_it_is),   CASE(matches_by_id_alone),
        CASE(gives_back_what_it_took),     CASE(takes_no_key_from_a_masked_export),
        CASE(compares_masked_keys),        CASE(keeps_empty_members),
        CASE(keeps_further_members),       CASE(tells_of_tampered_keys),
        CASE(takes_no_key_that_is_a_name), CASE(bounds_its_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
