// test_naming.c: the names of tools where all servers of a config meet.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "gateway/naming.h"

enum { SERVERS = 6 };

// Servers of these names, as a config has them.
struct world {
    struct server_spec specs[SERVERS];
    struct server_spec *list[SERVERS];
    struct server_specs all;
    char prefixes[SERVERS][NAMING_PREFIX];
};

static void make(struct world *world, const char *const names[], size_t count)
{
    memset(world, 0, sizeof *world);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(world->specs[i].server_name, sizeof world->specs[i].server_name, "%s",
                       names[i]);
        world->list[i] = &world->specs[i];
    }
    world->all = (struct server_specs){.list = world->list, .count = count};
    naming_prefixes(&world->all, world->prefixes);
}

static void prefixes_are_plain_and_distinct(void **state)
{
    (void)state;
    struct world world;
    const char *const names[] = {"files", "my files!", "my_files_", "__", "a__b", "Größe"};
    make(&world, names, COUNT_OF(names));
    assert_string_equal(world.prefixes[0], "files");
    assert_string_equal(world.prefixes[1], "my_files-e91492cf");
    assert_memory_equal(world.prefixes[4], "a_b-", 4);
    for (size_t i = 0; i < SERVERS; i++) {
        assert_null(strstr(world.prefixes[i], "__"));
        assert_true(world.prefixes[i][0] &&
                    world.prefixes[i][strlen(world.prefixes[i]) - 1] != '_');
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(world.prefixes[i], world.prefixes[j]);
    }
}

// A server's name is the same whatever others there are, so it is never another one's later.
static void prefixes_depend_on_no_other(void **state)
{
    (void)state;
    struct world all, some;
    const char *const names[] = {"prod/db", "prod db", "prod_db", "my files!", "my_files-e91492cf"};
    make(&all, names, COUNT_OF(names));
    assert_string_equal(all.prefixes[2], "prod_db");
    assert_string_equal(all.prefixes[3], "my_files-e91492cf"); // and not who is called so
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        make(&some, names + i, 1);
        assert_string_equal(some.prefixes[0], all.prefixes[i]);
    }
}

// A tool that is called as another one is listed gets a name of its own.
static void no_tool_is_called_like_a_cut_one(void **state)
{
    (void)state;
    char room[NAMING_MAX + 1], decoy[NAMING_MAX + 1];
    const char *const name =
        "delete_all_qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    struct view cut = naming_expose("plain", view_of(name), room);
    struct view twin = naming_expose("plain", view_skip(cut, strlen("plain__")), decoy);
    assert_int_equal(cut.size, NAMING_MAX);
    assert_int_equal(twin.size, NAMING_MAX);
    assert_false(view_equal(cut, twin));
}

// Whatever is exposed leads back to its server and name, and to no other.
static void names_lead_back(void **state)
{
    (void)state;
    struct world world;
    const char *const names[] = {"a",
                                 "a_",
                                 "a__b",
                                 "b",
                                 "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm",
                                 "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"};
    const char *const tools[] = {"x", "_x", "__x", "b__x", "_", "search-files"};
    make(&world, names, COUNT_OF(names));
    for (size_t i = 0; i < SERVERS; i++) {
        for (size_t j = 0; j < COUNT_OF(tools); j++) {
            char room[NAMING_MAX + 1];
            struct view rest, exposed = naming_expose(world.prefixes[i], view_of(tools[j]), room);
            bool cut;
            assert_true(exposed.size <= NAMING_MAX);
            assert_int_equal(naming_find(world.prefixes, SERVERS, exposed, &rest, &cut), i);
            assert_true(cut || view_is(rest, tools[j]));
        }
    }
    struct view rest;
    bool cut;
    assert_int_equal(naming_find(world.prefixes, SERVERS, VIEW("a_x"), &rest, &cut), -1);
    assert_int_equal(naming_find(world.prefixes, SERVERS, VIEW("c__x"), &rest, &cut), -1);
    assert_int_equal(naming_find(world.prefixes, SERVERS, VIEW("__x"), &rest, &cut), -1);
    assert_int_equal(naming_find(world.prefixes, SERVERS, VIEW(""), &rest, &cut), -1);
}

static void long_names_are_cut_the_same_way_every_time(void **state)
{
    (void)state;
    char name[200], other[200], first[NAMING_MAX + 1], second[NAMING_MAX + 1];
    memset(name, 'n', sizeof name);
    memset(other, 'n', sizeof other);
    other[199] = 'm';
    struct view cut = naming_expose("files", view_bytes(name, sizeof name), first);
    assert_int_equal(cut.size, NAMING_MAX);
    assert_true(view_equal(cut, naming_expose("files", view_bytes(name, sizeof name), second)));
    assert_false(view_equal(cut, naming_expose("files", view_bytes(other, sizeof other), second)));
    for (size_t size = 50; size < 64; size++)
        assert_true(naming_expose("files", view_bytes(name, size), first).size <= NAMING_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_are_plain_and_distinct),
        cmocka_unit_test(prefixes_depend_on_no_other),
        cmocka_unit_test(no_tool_is_called_like_a_cut_one),
        cmocka_unit_test(names_lead_back),
        cmocka_unit_test(long_names_are_cut_the_same_way_every_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
