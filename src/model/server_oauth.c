// server_oauth.c: see server_oauth.h.
#include "model/server_oauth.h"

#include <string.h>

#include "model/server_public.h"
#include "model/server_record.h"

enum kind { A_TEXT, A_LIST, A_SWITCH, A_TIME, AN_OBJECT };

static const struct known {
    const char *plain, *name;
    enum kind kind;
} known[] = {
    {"enabled", "enabled", A_SWITCH},
    {"isremote", "is_remote", A_SWITCH},
    {"version", "version", A_TEXT},
    {"granttype", "grant_type", A_TEXT},
    {"clientid", "client_id", A_TEXT},
    {"clientsecret", "client_secret", A_TEXT},
    {"tokenurl", "token_url", A_TEXT},
    {"authorizationurl", "authorization_url", A_TEXT},
    {"redirecturi", "redirect_uri", A_TEXT},
    {"revocationurl", "revocation_url", A_TEXT},
    {"audience", "audience", A_LIST},
    {"resource", "resource", A_LIST},
    {"scope", "scope", A_LIST},
    {"scopes", "scopes", A_LIST},
    {"organization", "organization", A_TEXT},
    {"codechallengemethod", "code_challenge_method", A_TEXT},
    {"clientcertpath", "client_cert_path", A_TEXT},
    {"clientkeypath", "client_key_path", A_TEXT},
    {"cabundlepath", "ca_bundle_path", A_TEXT},
    {"usepkce", "use_pkce", A_SWITCH},
    {"usebasicauth", "use_basic_auth", A_SWITCH},
    {"enforcehttps", "enforce_https", A_SWITCH},
    {"tokeninheaderonly", "token_in_header_only", A_SWITCH},
    {"validatescopes", "validate_scopes", A_SWITCH},
    {"usemtls", "use_mtls", A_SWITCH},
    {"tokenexpirybuffer", "token_expiry_buffer", A_TIME},
    {"additionalparams", "additional_params", AN_OBJECT},
    {"customheaders", "custom_headers", AN_OBJECT},
};

static const char *const expected[] = {
    [A_TEXT] = "a text",
    [A_LIST] = "a text or a list of texts",
    [A_SWITCH] = "true or false",
    [A_TIME] = "a whole number of seconds",
    [AN_OBJECT] = "an object of texts, numbers and truth values",
};

static bool has_kind(const struct json_value *value, enum kind kind)
{
    int64_t seconds;
    bool good = true;
    switch (kind) {
    case A_TEXT:
        return value->type == JSON_TEXT;
    case A_SWITCH:
        return value->type == JSON_BOOL;
    case A_TIME:
        return json_int(value, &seconds) && seconds >= 0;
    case A_LIST:
        for (const struct json_value *item = json_first(value); item; item = item->next)
            good = good && item->type == JSON_TEXT;
        return good && (value->type == JSON_TEXT || value->type == JSON_ARRAY);
    default:
        for (const struct json_value *item = json_first(value); item; item = item->next)
            good = good && item->type < JSON_ARRAY;
        return good && value->type == JSON_OBJECT;
    }
}

static const struct known *find_known(struct view name)
{
    char plain[PLAIN_NAME];
    server_plain_name(name, plain);
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(plain, known[i].plain) == 0)
            return &known[i];
    return NULL;
}

bool server_oauth_check(const struct json_value *record, struct err *err)
{
    bool seen[COUNT_OF(known)] = {false};
    struct view server = json_text(server_member(record, "server_name"));
    const struct json_value *oauth = server_member(record, "oauth_config");
    for (const struct json_value *member = json_first(oauth); member; member = member->next) {
        const struct known *is = find_known(member->key);
        if (!is || member->type == JSON_NULL)
            continue;
        // What is masked is to be given again, see server_validate.h.
        if (!has_kind(member, is->kind) && !view_is(json_text(member), SERVER_MASK))
            return err_set(err, ERR_USAGE, "invalid_oauth",
                           "Server %.*s: oauth_config needs %s to be %s", VIEW_ARG(server),
                           is->name, expected[is->kind]);
        if (seen[is - known])
            return err_set(err, ERR_USAGE, "invalid_oauth",
                           "Server %.*s: oauth_config has %s twice, by two spellings",
                           VIEW_ARG(server), is->name);
        seen[is - known] = true;
    }
    return true;
}

static const struct json_value *member_of(const struct json_value *oauth, const char *wanted)
{
    char plain[PLAIN_NAME];
    for (const struct json_value *member = json_first(oauth); member; member = member->next) {
        server_plain_name(member->key, plain);
        if (strcmp(plain, wanted) == 0 && member->type != JSON_NULL)
            return member;
    }
    return NULL;
}

struct view server_oauth_text(const struct json_value *oauth, const char *plain)
{
    return json_text(member_of(oauth, plain));
}

static bool is_code(struct view grant)
{
    return view_is(grant, "authorization_code");
}

bool server_oauth_knows_grant(struct view grant)
{
    return grant.size == 0 || view_is(grant, "client_credentials") || is_code(grant);
}

static bool is_on(const struct json_value *oauth, const char *plain)
{
    bool on;
    return json_bool(member_of(oauth, plain), &on) && on;
}

bool server_oauth_needs(const struct json_value *oauth, size_t i, const char **ret_missing)
{
    bool code = is_code(server_oauth_text(oauth, "granttype")), tls = is_on(oauth, "usemtls");
    // A client that proves itself by a certificate or by PKCE needs no secret.
    const struct {
        const char *plain, *name;
        bool needed;
    } needs[] = {
        {"tokenurl", "token_url", true},
        {"clientid", "client_id", true},
        {"clientsecret", "client_secret", !tls && !code && !member_of(oauth, "clientassertion")},
        {"authorizationurl", "authorization_url", code},
        {"redirecturi", "redirect_uri", code},
        {"clientcertpath", "client_cert_path", tls},
        {"clientkeypath", "client_key_path", tls},
    };
    if (i >= COUNT_OF(needs))
        return false;
    bool missing = needs[i].needed && server_oauth_text(oauth, needs[i].plain).size == 0;
    *ret_missing = missing ? needs[i].name : NULL;
    return true;
}
