// server_mask.c: what of a record may be shown, see server_record.h.
#include <string.h>
#include <strings.h>

#include "model/server_record.h"

static bool contains(struct view text, struct view part)
{
    for (size_t i = 0; i + part.size <= text.size; i++)
        if (strncasecmp(text.data + i, part.data, part.size) == 0)
            return true;
    return false;
}

static bool ends_with(struct view text, struct view end)
{
    return text.size >= end.size &&
           strncasecmp(text.data + text.size - end.size, end.data, end.size) == 0;
}

bool server_name_is_secret(struct view name)
{
    static const struct view signs[] = {{"secret", 6},     {"password", 8},  {"token", 5},
                                        {"key", 3},        {"assertion", 9}, {"passphrase", 10},
                                        {"credential", 10}};
    for (size_t i = 0; i < COUNT_OF(signs); i++)
        if (contains(name, signs[i]))
            return true;
    return false;
}

// How many bytes of `text` come before the first of `marks`.
static size_t before_any(struct view text, const char *marks)
{
    size_t size = 0;
    while (size < text.size && (text.data[size] == '\0' || !strchr(marks, text.data[size])))
        size++;
    return size;
}

static struct view take(struct view *rest, size_t size)
{
    struct view taken = {rest->data, size};
    *rest = view_skip(*rest, size);
    return taken;
}

// `user:password@` becomes `****@`.
static void mask_authority(struct buf *buf, struct view authority)
{
    size_t end = authority.size;
    while (end > 0 && authority.data[end - 1] != '@')
        end--;
    if (end > 0)
        buf_add(buf, VIEW(SERVER_MASK "@"));
    buf_add(buf, view_skip(authority, end));
}

// `a=1&api_key=…` becomes `a=1&api_key=****`.
static void mask_query(struct buf *buf, struct view query)
{
    while (query.size > 0) {
        struct view pair = take(&query, before_any(query, "&;#"));
        size_t name = before_any(pair, "=");
        bool secret = name < pair.size && server_name_is_secret((struct view){pair.data, name});
        buf_add(buf, secret ? (struct view){pair.data, name + 1} : pair);
        buf_add(buf, secret ? VIEW(SERVER_MASK) : VIEW(""));
        buf_add(buf, take(&query, query.size > 0));
    }
}

// Where the masked form goes.
struct masker {
    struct out *out;
    bool failed; // for want of memory
};

static void mask_url(struct masker *masker, struct view url)
{
    struct buf buf AUTO(buf_done);
    struct view rest = url;
    buf_init(&buf, 2 * url.size + 64);
    buf.secret = true;
    size_t scheme = before_any(rest, ":/?#");
    if (view_starts(view_skip(rest, scheme), VIEW("://")))
        buf_add(&buf, take(&rest, scheme + 3));
    mask_authority(&buf, take(&rest, before_any(rest, "/?#")));
    buf_add(&buf, take(&rest, before_any(rest, "?")));
    mask_query(&buf, rest);
    masker->failed = masker->failed || buf.failed;
    out_text(masker->out, buf_view(&buf));
}

// token_url and its like say where, not what.
static bool is_address(const struct json_value *value)
{
    struct view name = value->key, text = json_text(value);
    return (ends_with(name, VIEW("url")) || ends_with(name, VIEW("uri")) ||
            ends_with(name, VIEW("endpoint"))) &&
           (view_starts(text, VIEW("https://")) || view_starts(text, VIEW("http://")));
}

// All values of it are secret, whatever they are called.
static bool is_vessel(struct view name)
{
    return view_is(name, "env") || view_is(name, "headers");
}

// Every value of a vessel, booleans and addresses too, however deep.
static void mask_all(struct out *out, const struct json_value *value)
{
    if (value->type != JSON_OBJECT) {
        out_text(out, value->type == JSON_NULL ? (struct view){NULL, 0} : VIEW(SERVER_MASK));
        return;
    }
    out_begin(out, '{');
    for (const struct json_value *member = value->first; member; member = member->next) {
        out_key_view(out, member->key);
        out_text(out, VIEW(SERVER_MASK));
    }
    out_end(out, '}');
}

static void mask_member(struct masker *masker, const struct json_value *member, bool secret);

// Masks texts and numbers, all of them when `secret`, else those whose name or whose parent's name
// says so. Whether something is on or off is no secret.
static void mask_tree(struct masker *masker, const struct json_value *value, bool secret)
{
    struct out *out = masker->out;
    if (value->type == JSON_OBJECT || value->type == JSON_ARRAY) {
        bool named = value->type == JSON_OBJECT;
        out_begin(out, named ? '{' : '[');
        for (const struct json_value *child = value->first; child; child = child->next) {
            if (named)
                out_key_view(out, child->key);
            (named ? mask_member : mask_tree)(masker, child, secret);
        }
        out_end(out, named ? '}' : ']');
    } else if (is_address(value)) {
        mask_url(masker, value->text);
    } else if (secret && (value->type == JSON_TEXT || value->type == JSON_NUMBER)) {
        out_text(out, VIEW(SERVER_MASK));
    } else {
        json_copy_to_out(value, out);
    }
}

// A member of any object, by its name.
static void mask_member(struct masker *masker, const struct json_value *member, bool secret)
{
    if (is_vessel(member->key))
        mask_all(masker->out, member);
    else
        mask_tree(masker, member, secret || server_name_is_secret(member->key));
}

static void mask_config(struct masker *masker, const struct json_value *config)
{
    struct out *out = masker->out;
    out_begin(out, '{');
    for (const struct json_value *member = json_first(config); member; member = member->next) {
        out_key_view(out, member->key);
        if (view_is(member->key, "url") && member->type == JSON_TEXT)
            mask_url(masker, member->text);
        else if (view_is(member->key, "command") || view_is(member->key, "args"))
            json_copy_to_out(member, out);
        else
            mask_member(masker, member, false);
    }
    out_end(out, '}');
}

static bool is_open(struct view name)
{
    static const char *const names[] = {"server_name", "description", "tools",
                                        "enable_server_info_validation"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (view_is(name, names[i]))
            return true;
    for (size_t i = 0; i < POLICY_COUNT; i++)
        if (view_is(name, server_policy_names[i]))
            return true;
    return false;
}

bool server_record_mask(const struct json_value *record, struct out *out)
{
    struct masker masker = {out, false};
    out_begin(out, '{');
    for (const struct json_value *member = json_first(record); member; member = member->next) {
        out_key_view(out, member->key);
        if (view_is(member->key, "config"))
            mask_config(&masker, member);
        else if (is_open(member->key))
            json_copy_to_out(member, out);
        else
            mask_member(&masker, member, false);
    }
    out_end(out, '}');
    return !masker.failed;
}

bool server_mask_other(const struct json_value *value, struct out *out)
{
    struct masker masker = {.out = out};
    mask_member(&masker, value, false);
    return !masker.failed;
}

static size_t count_masks(const struct json_value *value)
{
    size_t count = contains(json_text(value), VIEW(SERVER_MASK)); // also as a part of a URL
    for (const struct json_value *child = json_first(value); child; child = child->next)
        count += count_masks(child);
    return count;
}

size_t server_record_masked(const struct json_value *record)
{
    size_t count = 0;
    for (const struct json_value *member = json_first(record); member; member = member->next)
        count += is_open(member->key) ? 0 : count_masks(member);
    return count;
}
