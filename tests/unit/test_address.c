// test_address.c: what is a URL, and where a host leads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/address.h"

static void reads_urls(void **state)
{
    (void)state;
    struct url url;
    assert_null(url_read(VIEW("https://Example.com"), &url));
    assert_true(url.https && url.port == 443 && !url.credentials);
    assert_true(view_is(url.host, "Example.com") && url.target.size == 0);
    assert_null(url_read(VIEW("HTTP://u:p@[::1]:8080/a/b?c=d@e#f"), &url));
    assert_true(!url.https && url.port == 8080 && url.credentials);
    assert_true(view_is(url.host, "::1") && view_is(url.target, "/a/b?c=d@e"));
    assert_null(url_read(VIEW("http://a.b?x"), &url));
    assert_true(view_is(url.host, "a.b") && url.port == 80 && view_is(url.target, "?x"));
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "a.b",
        "//a.b",
        "ftp://a.b",
        "https:a.b",
        "https://",
        "https:///x",
        "https://:80",
        "https://u@",
        "https://a b",
        "https://a.b/\n",
        "https://a.b/\x7f",
        "https://\xc3\xa9.com",
        "https://a..b",
        "https://.a",
        "https://a_b!c",
        "https://a.b:",
        "https://a.b:0",
        "https://a.b:65536",
        "https://a.b:99999999999",
        "https://a.b:1x",
        "https://[::1",
        "https://[]",
        "https://[::1]x",
        "https://[::g]",
        "https://[1.2.3.4]",
        "https://[::1%25lo]",
        "https://a.b\\@c.d",
        "https://a.b/{x}",
        "javascript://a.b",
    };
    struct url url;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (!url_read(view_of(bad[i]), &url))
            fail_msg("accepted: %s", bad[i]);
}

static void knows_where_hosts_lead(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        enum reach reach;
    } cases[] = {
        {"example.com", REACH_NAME},
        {"8.8.8.8", REACH_PUBLIC},
        {"2001:4860:4860::8888", REACH_PUBLIC},
        {"172.15.255.255", REACH_PUBLIC},
        {"172.32.0.0", REACH_PUBLIC},
        {"localhost", REACH_LOOPBACK},
        {"LOCALHOST.", REACH_LOOPBACK},
        {"a.localhost", REACH_LOOPBACK},
        {"notlocalhost", REACH_NAME},
        {"127.0.0.1", REACH_LOOPBACK},
        {"127.1", REACH_LOOPBACK},
        {"2130706433", REACH_LOOPBACK},
        {"0x7f000001", REACH_LOOPBACK},
        {"017700000001", REACH_LOOPBACK},
        {"127.0.0.1.", REACH_LOOPBACK},
        {"::1", REACH_LOOPBACK},
        {"0:0:0:0:0:0:0:1", REACH_LOOPBACK},
        {"::ffff:127.0.0.1", REACH_LOOPBACK},
        {"::127.0.0.1", REACH_LOOPBACK},
        {"64:ff9b::7f00:1", REACH_LOOPBACK},
        {"2002:7f00:1::", REACH_LOOPBACK},
        {"10.0.0.1", REACH_PRIVATE},
        {"10.1", REACH_PRIVATE},
        {"172.16.0.0", REACH_PRIVATE},
        {"172.31.255.255", REACH_PRIVATE},
        {"192.168.0.1", REACH_PRIVATE},
        {"100.64.0.1", REACH_PRIVATE},
        {"::ffff:10.0.0.1", REACH_PRIVATE},
        {"fd12::1", REACH_PRIVATE},
        {"fec0::1", REACH_PRIVATE},
        {"printer.local", REACH_PRIVATE},
        {"db.internal", REACH_PRIVATE},
        {"169.254.1.1", REACH_LINK_LOCAL},
        {"fe80::1", REACH_LINK_LOCAL},
        {"169.254.169.254", REACH_METADATA},
        {"0xa9fea9fe", REACH_METADATA},
        {"::ffff:169.254.169.254", REACH_METADATA},
        {"100.100.100.200", REACH_METADATA},
        {"168.63.129.16", REACH_METADATA},
        {"fd00:ec2::254", REACH_METADATA},
        {"metadata.google.internal", REACH_METADATA},
        {"0.0.0.0", REACH_NOWHERE},
        {"0", REACH_NOWHERE},
        {"::", REACH_NOWHERE},
        {"224.0.0.1", REACH_NOWHERE},
        {"255.255.255.255", REACH_NOWHERE},
        {"ff02::1", REACH_NOWHERE},
        {"1:2", REACH_NOWHERE},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum reach reach = address_reach(view_of(cases[i].host));
        if (reach != cases[i].reach)
            fail_msg("%s: %s", cases[i].host, reach_text(reach));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_urls),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(knows_where_hosts_lead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
