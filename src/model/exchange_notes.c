// exchange_notes.c: see exchange_notes.h.
#include "model/exchange_notes.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "model/rules.h"

enum { SHOWN_NAME = 80, SHOWN_REASON = 400 }; // bytes

const char *const exchange_kind_names[EXCHANGE_KINDS] = {
    [EXCHANGE_CONFIG] = "mcp_configs",     [EXCHANGE_SERVER] = "servers",
    [EXCHANGE_PROJECT] = "projects",       [EXCHANGE_USER] = "users",
    [EXCHANGE_MEMBERSHIP] = "memberships", [EXCHANGE_API_KEY] = "apikeys",
    [EXCHANGE_KEPT] = "kept_members",
};

static void *take(struct exchange_notes *notes, size_t size)
{
    void *taken = arena_take(notes->arena, size);
    notes->failed = notes->failed || !taken;
    return taken;
}

// A copy that may be shown: whole characters, at most `maximum` bytes, no API key of our form.
static struct view copy(struct exchange_notes *notes, struct view text, size_t maximum)
{
    struct view rest = rule_cut(text, maximum);
    size_t length;
    while ((length = utf8_length(rest)) > 0)
        rest = view_skip(rest, length);
    size_t size = (size_t)(rest.data - text.data);
    // With a word for what was cut off.
    char *copied = (char *)take(notes, size + 4);
    if (!copied)
        return VIEW("");
    (void)snprintf(copied, size + 4, "%.*s%s", (int)size, text.data ? text.data : "",
                   size < text.size ? "..." : "");
    rule_redact_api_keys(copied);
    return view_of(copied);
}

void exchange_note_problem(struct exchange_notes *notes, enum exchange_kind kind, struct view name,
                           const char *reason)
{
    struct exchange_problem *problem;
    if (notes->problems++ >= LIMIT_REPORT ||
        !(problem = (struct exchange_problem *)take(notes, sizeof *problem)))
        return;
    struct view shown = rule_holds_api_key(name) ? VIEW("(holds an API key)") : name;
    *problem = (struct exchange_problem){
        .kind = kind,
        .name = copy(notes, shown, SHOWN_NAME),
        .reason = copy(notes, view_of(reason), SHOWN_REASON),
    };
    if (notes->last_problem)
        notes->last_problem->next = problem;
    else
        notes->first_problem = problem;
    notes->last_problem = problem;
}

void exchange_note_miss(struct exchange_notes *notes, enum exchange_kind kind, struct view name,
                        const char *reason)
{
    notes->tallies[kind].missed++;
    exchange_note_problem(notes, kind, name, reason);
}

static bool is_loss_of(const struct exchange_loss *loss, const char *parent, struct view name)
{
    size_t size = parent ? strlen(parent) + 1 : 0;
    return loss->member.size == size + name.size &&
           (!parent || view_starts(loss->member, view_of(parent))) &&
           view_equal(view_skip(loss->member, size), name);
}

void exchange_note_loss(struct exchange_notes *notes, const char *parent, struct view name,
                        const char *reason)
{
    enum { APART = 100 }; // names that are told apart; of more, nobody wants to know each
    char member[2 * SHOWN_NAME];
    struct exchange_loss *loss = notes->first_loss;
    bool shown = !rule_holds_api_key(name) && name.size > 0 && name.size <= SHOWN_NAME &&
                 text_is_printable(name) && notes->losses < APART;
    struct view wanted = shown ? name : VIEW("(others)");
    while (loss && !is_loss_of(loss, parent, wanted))
        loss = loss->next;
    if (loss) {
        loss->count++;
        return;
    }
    loss = (struct exchange_loss *)take(notes, sizeof *loss);
    if (!loss)
        return;
    (void)snprintf(member, sizeof member, "%s%s%.*s", parent ? parent : "", parent ? "." : "",
                   VIEW_ARG(wanted));
    *loss = (struct exchange_loss){
        .member = copy(notes, view_of(member), sizeof member),
        .reason = view_of(shown ? reason : "members that have no place in the store"),
        .count = 1,
    };
    notes->losses++;
    if (notes->last_loss)
        notes->last_loss->next = loss;
    else
        notes->first_loss = loss;
    notes->last_loss = loss;
}

void exchange_note_new_id(struct exchange_notes *notes, enum exchange_kind kind, struct view id,
                          const char new_id[UUID_TEXT])
{
    struct exchange_new_id *entry;
    if (notes->new_ids++ >= LIMIT_REPORT ||
        !(entry = (struct exchange_new_id *)take(notes, sizeof *entry)))
        return;
    *entry = (struct exchange_new_id){.kind = kind, .id = copy(notes, id, LIMIT_NAME)};
    memcpy(entry->new_id, new_id, UUID_TEXT);
    if (notes->last_new_id)
        notes->last_new_id->next = entry;
    else
        notes->first_new_id = entry;
    notes->last_new_id = entry;
}
