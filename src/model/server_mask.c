// server_mask.c: what of a record may be shown, see server_record.h.
#include <strings.h>

#include "base/text.h"
#include "model/server_public.h"
#include "model/server_record.h"

static bool contains(struct view text, struct view part)
{
    for (size_t i = 0; i + part.size <= text.size; i++)
        if (strncasecmp(text.data + i, part.data, part.size) == 0)
            return true;
    return false;
}

bool server_name_is_url(struct view name)
{
    static const struct view end = {"url", 3};
    return name.size >= end.size && contains(view_skip(name, name.size - end.size), end);
}

static struct view take(struct view *rest, size_t size)
{
    struct view taken = {rest->data, size};
    *rest = view_skip(*rest, size);
    return taken;
}

// Where a masked URL goes: into `buf`, or, without one, against `rest`.
struct sink {
    struct buf *buf;
    struct view rest;
    bool differs;
};

static void put(struct sink *sink, struct view piece)
{
    if (sink->buf)
        buf_add(sink->buf, piece);
    else if (!sink->differs && view_starts(sink->rest, piece))
        sink->rest = view_skip(sink->rest, piece.size);
    else
        sink->differs = true;
}

// `user:password@` becomes `****@`.
static void mask_authority(struct sink *sink, struct view authority)
{
    size_t end = authority.size;
    while (end > 0 && authority.data[end - 1] != '@')
        end--;
    if (end > 0)
        put(sink, VIEW(SERVER_MASK "@"));
    put(sink, view_skip(authority, end));
}

// `v=1&sig=…` becomes `v=1&sig=****`: whatever its name does not tell to be harmless, and what has
// no name at all.
static void mask_query(struct sink *sink, struct view query)
{
    while (query.size > 0) {
        struct view pair = take(&query, text_before(query, "&;#?"));
        size_t size = text_before(pair, "=");
        bool named = size < pair.size;
        if (named && server_parameter_is_public((struct view){pair.data, size})) {
            put(sink, pair);
        } else {
            put(sink, (struct view){pair.data, named ? size + 1 : 0});
            put(sink, pair.size > 0 ? VIEW(SERVER_MASK) : VIEW(""));
        }
        put(sink, take(&query, query.size > 0));
    }
}

static void mask_into(struct sink *sink, struct view url)
{
    struct view rest = url;
    size_t scheme = text_before(rest, ":/?#");
    if (view_starts(view_skip(rest, scheme), VIEW("://")))
        put(sink, take(&rest, scheme + 3));
    mask_authority(sink, take(&rest, text_before(rest, "/?#")));
    put(sink, take(&rest, text_before(rest, "?#")));
    mask_query(sink, rest);
}

bool server_mask_stands_for(struct view given, const struct json_value *present)
{
    struct sink sink = {.rest = given};
    if (view_is(given, SERVER_MASK))
        return true;
    if (!json_is(present, JSON_TEXT) || !contains(given, VIEW(SERVER_MASK)))
        return false;
    mask_into(&sink, present->text);
    return !sink.differs && sink.rest.size == 0;
}

// Where the masked form goes.
struct masker {
    struct out *out;
    bool failed; // for want of memory
};

static void mask_url(struct masker *masker, struct view url)
{
    struct buf buf AUTO(buf_done);
    struct sink sink = {.buf = &buf};
    buf_init(&buf, 5 * url.size + 64); // every byte between two `&` becomes a mask
    buf.secret = true;
    mask_into(&sink, url);
    masker->failed = masker->failed || buf.failed;
    out_text(masker->out, buf_view(&buf));
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

static void mask_member(struct masker *masker, const struct json_value *member,
                        enum server_room room);

// Masks texts and numbers unless they are `shown`, and in objects what the names of members do not
// tell to be public. Whether something is on or off is no secret.
static void mask_value(struct masker *masker, const struct json_value *value, bool shown,
                       enum server_room inside)
{
    struct out *out = masker->out;
    if (value->type == JSON_OBJECT || value->type == JSON_ARRAY) {
        bool named = value->type == JSON_OBJECT;
        out_begin(out, named ? '{' : '[');
        for (const struct json_value *child = value->first; child; child = child->next) {
            if (named) {
                out_key_view(out, child->key);
                mask_member(masker, child, inside);
            } else {
                mask_value(masker, child, shown, inside);
            }
        }
        out_end(out, named ? '}' : ']');
    } else if (value->type != JSON_TEXT && value->type != JSON_NUMBER) {
        json_copy_to_out(value, out);
    } else if (!shown) {
        out_text(out, VIEW(SERVER_MASK));
    } else if (contains(json_text(value), VIEW("://"))) {
        mask_url(masker, value->text);
    } else {
        json_copy_to_out(value, out);
    }
}

// A member of any object, by its name.
static void mask_member(struct masker *masker, const struct json_value *member,
                        enum server_room room)
{
    if (is_vessel(member->key))
        mask_all(masker->out, member);
    else
        mask_value(masker, member, server_member_is_public(member, room),
                   server_room_inside(member, room));
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
            mask_member(masker, member, ROOM_CONFIG);
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
            mask_member(&masker, member, ROOM_RECORD);
    }
    out_end(out, '}');
    return !masker.failed;
}

bool server_mask_other(const struct json_value *value, struct out *out)
{
    struct masker masker = {.out = out};
    mask_member(&masker, value, ROOM_OTHER);
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

size_t server_masks(const struct json_value *object, const char *const *except)
{
    size_t count = 0;
    for (const struct json_value *member = json_first(object); member; member = member->next) {
        size_t i = 0;
        while (except[i] && !view_is(member->key, except[i]))
            i++;
        count += except[i] ? 0 : count_masks(member);
    }
    return count;
}
