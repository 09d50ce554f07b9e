// principals.c: see principals.h.
#include "gateway/principals.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "gateway/tasks.h"
#include "os/loop.h"

// SLICE: how long others wait for a sweep; microseconds.
enum { SLICE = 4000, KEPT_CREDENTIALS = 1 << 17, NOTED = 256 };

static const char DAMAGED[] = "the store's file is damaged";

// A key's digest, which is the same whatever becomes of the key. It is found by a tag, so no clear
// key is kept.
struct noted {
    uint8_t tag[VAULT_TAG], digest[VAULT_DIGEST];
};

struct principals {
    struct store *store;
    const struct settings *settings;
    const struct principals_events *events;
    void *context;
    struct table credentials; // by the beginning of the digest
    struct projects projects;
    struct credential *newest, *oldest;
    struct credential *sweep_at; // where the present sweep is; NULL: done
    struct db_version swept;     // the version that the last whole sweep began at
    // Loop time, so that a clock that is set puts nothing off; only keys end by the wall clock.
    int64_t next_expiry_sweep; // expiry comes without a commit
    int64_t consulted;         // when the store last answered
    int64_t next_look;         // at its files
    struct grant_refusal refusal;
    const char *trouble; // NULL: the store answers
    bool damaged;        // so its files looked: what it answers is from before that
    // Of answers that wait for clients, of requests that have not come whole; NULL: not bounded.
    const struct ration *unread, *asked;
    uint8_t tag_key[VAULT_TAG];
    struct noted noted[NOTED]; // by the first byte of the tag
};

static uint64_t number_of(const uint8_t digest[VAULT_DIGEST])
{
    uint64_t number;
    memcpy(&number, digest, sizeof number);
    return number;
}

// Row numbers are given again, ids are not.
static int64_t number_of_key(const struct grant *grant)
{
    uint64_t hash = text_hash(TEXT_HASH, view_of(grant->key_id));
    return (int64_t)(text_hash(hash, view_of(grant->user_id)) >> 1);
}

// --- principals ---------------------------------------------------------------------------------

struct principal *principal_ref(struct principal *principal)
{
    principal->references++;
    return principal;
}

void principal_unref(struct principal **principal)
{
    struct principal *gone = TAKE(*principal);
    if (!gone || --gone->references > 0)
        return;
    credential_release(gone->credential);
    access_unref(&gone->access);
    free(gone);
}

bool principals_is_current(const struct principals *principals, const struct principal *principal)
{
    return projects_known(&principals->projects, principal->grant.project_n) == principal->access;
}

struct access *principals_access(const struct principals *principals, int64_t project_n)
{
    return projects_known(&principals->projects, project_n);
}

void principal_is_used(const struct principal *principal)
{
    if (principal->credential->judged != principal->access->number)
        principal->credential->judged = 0;
}

void credential_hold(struct credential *credential)
{
    credential->holds++;
}

void credential_release(struct credential *credential)
{
    credential->holds--;
}

static bool same_grant(const struct grant *a, const struct grant *b)
{
    return a->key_n == b->key_n && a->user_n == b->user_n && a->project_n == b->project_n &&
           a->config_n == b->config_n && a->expires_at == b->expires_at &&
           a->enabled_at == b->enabled_at;
}

static void unlink_credential(struct principals *principals, struct credential *credential)
{
    if (principals->sweep_at == credential)
        principals->sweep_at = credential->newer;
    if (credential->newer)
        credential->newer->older = credential->older;
    else
        principals->newest = credential->older;
    if (credential->older)
        credential->older->newer = credential->newer;
    else
        principals->oldest = credential->newer;
    table_remove(&principals->credentials, number_of(credential->digest));
}

// A credential's own principal does not count as a hold: a credential with no other is idle.
static void drop_principal(struct credential *credential)
{
    if (!credential->principal)
        return;
    credential->holds++; // so that it outlives the principal's reference
    principal_unref(&credential->principal);
    credential->holds--;
}

static bool holds(const struct ration *ration, const struct credential *credential)
{
    return ration && ration_holds(ration, (uint64_t)credential->number);
}

// A parked call has neither a session nor an exchange, an answer that waits for its client no call,
// and a request that has not come whole is only its connection's.
static bool is_live(const struct principals *principals, const struct credential *credential)
{
    return !list_empty(&credential->open) || credential->first_exchange || credential->calls > 0 ||
           credential->parked > 0 || holds(principals->unread, credential) ||
           holds(principals->asked, credential);
}

static bool is_idle(const struct principals *principals, const struct credential *credential)
{
    unsigned own = credential->principal ? 1 : 0;
    bool shared = credential->principal && credential->principal->references > 1;
    return credential->holds == own && !shared && credential->uses == 0 &&
           !is_live(principals, credential);
}

static void forget(struct principals *principals, struct credential *credential)
{
    unlink_credential(principals, credential);
    drop_principal(credential);
    tasks_free(&credential->tasks);
    free(credential);
}

static void forget_oldest(struct principals *principals)
{
    struct credential *credential = principals->oldest;
    for (int tries = 0; credential && tries < 16; tries++, credential = credential->newer) {
        if (!is_idle(principals, credential))
            continue;
        forget(principals, credential);
        return;
    }
}

static struct credential *add_credential(struct principals *principals,
                                         const uint8_t digest[VAULT_DIGEST],
                                         const struct grant *grant)
{
    if (principals->credentials.count >= KEPT_CREDENTIALS)
        forget_oldest(principals);
    struct credential *credential = (struct credential *)calloc(1, sizeof *credential);
    if (!credential || !table_add(&principals->credentials, number_of(digest), credential)) {
        free(credential);
        return NULL;
    }
    memcpy(credential->digest, digest, VAULT_DIGEST);
    list_init(&credential->open);
    list_init(&credential->parked_calls);
    credential->key_n = grant->key_n;
    credential->number = number_of_key(grant);
    credential->older = principals->newest;
    if (principals->newest)
        principals->newest->newer = credential;
    else
        principals->oldest = credential;
    principals->newest = credential;
    return credential;
}

// Gives the credential its present principal: the same object when nothing has changed for it.
static bool renew(struct credential *credential, const struct grant *grant, struct access *access)
{
    struct principal *old = credential->principal;
    if (old && old->access == access && same_grant(&old->grant, grant))
        return true;
    struct principal *fresh = (struct principal *)malloc(sizeof *fresh);
    if (!fresh)
        return false;
    *fresh = (struct principal){.references = 1,
                                .credential = credential,
                                .grant = *grant,
                                .user = (int64_t)text_hash(TEXT_HASH, view_of(grant->user_id)),
                                .access = access_ref(access)};
    credential->holds++;
    drop_principal(credential);
    credential->principal = fresh;
    return true;
}

struct principal *principals_follow(const struct principals *principals,
                                    const struct principal *principal)
{
    struct credential *credential = principal->credential;
    const struct principal *latest = credential->principal;
    struct access *access =
        latest ? projects_known(&principals->projects, latest->grant.project_n) : NULL;
    // `seen` stays: its next request is decided afresh.
    if (!access || !renew(credential, &latest->grant, access))
        return NULL;
    return principal_ref(credential->principal);
}

static void lose_tasks(struct principals *principals, struct credential *credential)
{
    principals->events->tasks_lost(principals->context, credential);
}

static void revoke(struct principals *principals, struct credential *credential, const char *reason)
{
    struct principal *last = TAKE(credential->principal);
    if (!last)
        return;
    credential_hold(credential);
    principals->events->revoked(principals->context, credential, &last->grant, reason);
    principal_unref(&last);
    credential_release(credential);
}

static enum front_answer unavailable(struct principals *principals, const char *reason)
{
    principals->trouble = reason;
    return FRONT_UNAVAILABLE;
}

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

// A store that was put in the place of another may have the same key for somebody else, and so may
// one that was restored. Row numbers alone do not tell: they are given again.
static bool is_of_the_same(const struct credential *credential, const struct grant *now)
{
    const struct grant *last = credential->principal ? &credential->principal->grant : now;
    return credential->key_n == now->key_n && credential->number == number_of_key(now) &&
           last->user_n == now->user_n && last->project_n == now->project_n &&
           is_same_text(last->key_id, now->key_id) && is_same_text(last->user_id, now->user_id) &&
           is_same_text(last->project_id, now->project_id);
}

// It may have been disabled and enabled again before anybody looked.
static bool was_disabled(const struct credential *credential, const struct grant *now)
{
    return credential->principal && credential->principal->grant.enabled_at != now->enabled_at;
}

// Ends what it had as another key, or before it was disabled. Its uses stay: they are of this key,
// wherever it is recorded.
static void start_over(struct principals *principals, struct credential *credential,
                       const struct grant *grant)
{
    if (is_of_the_same(credential, grant) && !was_disabled(credential, grant))
        return;
    lose_tasks(principals, credential);
    revoke(principals, credential,
           is_of_the_same(credential, grant)
               ? "the key was disabled meanwhile"
               : "the store has the key for another user or project now");
    credential->key_n = grant->key_n;
    credential->number = number_of_key(grant);
}

// Asks the store, and remembers what it says. `*credential` is NULL for a key that is not known
// here.
static enum front_answer ask(struct principals *principals, const uint8_t digest[VAULT_DIGEST],
                             struct credential **credential)
{
    struct grant grant;
    struct err err = {0};
    struct access *access = NULL;
    if (!store_is_in_place(principals->store))
        return unavailable(principals, "the store's file is gone or was replaced");
    if (principals->damaged)
        return unavailable(principals, DAMAGED);
    struct db_version seen = store_version(principals->store); // before the question
    enum grant_answer answer =
        grant_find(principals->store, digest, &grant, &principals->refusal, &err);
    if (answer == GRANT_FAILED)
        return unavailable(principals, "the store cannot be read");
    principals->consulted = loop_clock();
    principals->trouble = NULL;
    if (answer == GRANT_NO) {
        if (*credential) {
            lose_tasks(principals, *credential);
            revoke(principals, *credential, NULL);
        }
        return FRONT_DENIED;
    }
    if (*credential)
        start_over(principals, *credential, &grant);
    if (!projects_ask(&principals->projects, principals->store, &grant, seen, &access, &err))
        return FRONT_UNAVAILABLE; // this one's config; the store answers
    if (!*credential)
        *credential = add_credential(principals, digest, &grant);
    if (!*credential || !renew(*credential, &grant, access))
        return unavailable(principals, "out of memory");
    (*credential)->seen = seen;
    return FRONT_GRANTED;
}

static void digest_of(struct principals *principals, struct view api_key,
                      uint8_t ret_digest[VAULT_DIGEST])
{
    uint8_t tag[VAULT_TAG];
    vault_tag(principals->tag_key, api_key, tag);
    struct noted *noted = &principals->noted[tag[0]];
    if (!vault_equal(noted->tag, tag, sizeof tag)) {
        grant_digest(principals->store, api_key, noted->digest);
        memcpy(noted->tag, tag, sizeof tag);
    }
    memcpy(ret_digest, noted->digest, VAULT_DIGEST);
}

static struct credential *find_credential(struct principals *principals,
                                          const uint8_t digest[VAULT_DIGEST])
{
    struct credential *credential =
        (struct credential *)table_find(&principals->credentials, number_of(digest));
    return credential && vault_equal(credential->digest, digest, VAULT_DIGEST) ? credential : NULL;
}

static bool is_expired(const struct credential *credential, int64_t now)
{
    int64_t expires_at = credential->principal->grant.expires_at;
    return expires_at != 0 && expires_at <= now;
}

// `now`: of the wall.
static bool is_fresh(const struct principals *principals, const struct credential *credential,
                     int64_t now)
{
    return credential && credential->principal &&
           loop_clock() - principals->consulted < principals->settings->lease &&
           !is_expired(credential, now) &&
           db_version_equal(credential->seen, store_version(principals->store));
}

enum front_answer principals_find(struct principals *principals, struct view api_key,
                                  struct principal **ret_principal)
{
    uint8_t digest[VAULT_DIGEST];
    int64_t now = clock_now();
    digest_of(principals, api_key, digest);
    struct credential *credential = find_credential(principals, digest);
    if (!is_fresh(principals, credential, now)) {
        enum front_answer answer = ask(principals, digest, &credential);
        if (answer != FRONT_GRANTED)
            return answer;
    }
    credential->used_at = now;
    *ret_principal = principal_ref(credential->principal);
    return FRONT_GRANTED;
}

// --- the passing of time ------------------------------------------------------------------------

// What the store has to be asked again anyway is not kept for a key that rests; which tasks are
// whose only we know.
static bool is_forgettable(const struct principals *principals, const struct credential *credential,
                           int64_t now)
{
    return !credential->tasks && !is_fresh(principals, credential, now) &&
           is_idle(principals, credential);
}

// Who has something open, and whose tasks are kept: those of a key that is gone are not.
static bool is_to_be_asked(const struct principals *principals, const struct credential *credential,
                           int64_t now)
{
    bool open = credential->principal && is_live(principals, credential);
    return (open || credential->tasks) && !is_fresh(principals, credential, now);
}

// Nothing is judged twice by the same access. It counts as judged first: who judges may take that
// back.
static void confirm(struct principals *principals, struct credential *credential)
{
    uint64_t number = credential->principal->access->number;
    if (credential->judged == number)
        return;
    credential->judged = number;
    principals->events->confirmed(principals->context, credential);
}

// Has what the key has open end, when it may not have it any more. True: the store has answered, or
// need not be asked.
static bool look_after(struct principals *principals, struct credential *credential, int64_t now)
{
    enum front_answer answer = FRONT_GRANTED;
    credential_hold(credential);
    if (is_to_be_asked(principals, credential, now))
        answer = ask(principals, credential->digest, &credential);
    if (answer == FRONT_UNAVAILABLE && !principals->trouble) {
        lose_tasks(principals, credential); // or it would be asked for in every sweep
        revoke(principals, credential, "the servers of the key's config cannot be read");
    }
    if (answer == FRONT_GRANTED && credential->principal &&
        (credential->tasks || is_live(principals, credential)))
        confirm(principals, credential);
    credential_release(credential);
    return answer != FRONT_UNAVAILABLE || !principals->trouble;
}

bool principals_sweep(struct principals *principals)
{
    const int64_t now = clock_now(), until = loop_clock_now() + SLICE;
    while (principals->sweep_at && loop_clock_now() < until) {
        struct credential *credential = principals->sweep_at;
        principals->sweep_at = credential->newer;
        if (is_forgettable(principals, credential, now)) {
            forget(principals, credential);
            continue;
        }
        // Who rests does not keep the servers of an earlier config; its next request asks anyway.
        // One with tasks is asked for at once, and compared with what it was.
        if (credential->principal && !credential->tasks && !is_live(principals, credential) &&
            !principals_is_current(principals, credential->principal))
            drop_principal(credential);
        if (!look_after(principals, credential, now)) {
            principals->sweep_at = NULL;
            principals->swept = (struct db_version){0}; // again, from the start
        }
    }
    return principals->sweep_at != NULL;
}

// Of the files, not of what was read of them before.
static void look_at_store(struct principals *principals)
{
    static const uint8_t nobody[VAULT_DIGEST];
    struct grant grant;
    struct grant_refusal refusal;
    struct err err = {0};
    principals->damaged = false;
    if (!store_is_in_place(principals->store))
        principals->trouble = "the store's file is gone or was replaced";
    else if (!store_reread(principals->store, &err)) {
        principals->trouble = DAMAGED;
        principals->damaged = true;
    } else if (grant_find(principals->store, nobody, &grant, &refusal, &err) == GRANT_FAILED)
        principals->trouble = "the store cannot be read";
    else {
        principals->trouble = NULL;
        principals->consulted = loop_clock();
    }
}

// Nobody keeps access that cannot be confirmed.
static void revoke_all(struct principals *principals)
{
    struct credential *next;
    for (struct credential *credential = principals->oldest; credential; credential = next) {
        next = credential->newer;
        if (is_live(principals, credential))
            revoke(principals, credential, "the store is out of reach");
    }
}

void principals_tick(struct principals *principals)
{
    int64_t now = loop_clock();
    if (now >= principals->next_look) {
        principals->next_look = now + principals->settings->lease / 4;
        look_at_store(principals);
    }
    if (principals->trouble && now - principals->consulted > principals->settings->lease)
        revoke_all(principals);
    struct db_version version = store_version(principals->store);
    bool due = now >= principals->next_expiry_sweep;
    if (!principals->sweep_at && (due || !db_version_equal(version, principals->swept))) {
        principals->swept = version;
        principals->sweep_at = principals->oldest;
        principals->next_expiry_sweep = now + TIME_SECOND / 2;
    }
    // As long as an unused server is kept, and its keys.
    projects_forget_one(&principals->projects, now, principals->settings->idle_child);
}

void principals_use(struct principals *principals, struct store *store)
{
    principals->store = store;
    principals->damaged = false;
    memset(principals->noted, 0, sizeof principals->noted); // it may have another index.key
    projects_distrust(&principals->projects);
    for (struct credential *each = principals->oldest; each; each = each->newer)
        each->seen = (struct db_version){0};
    principals->sweep_at = NULL;
    principals->swept = (struct db_version){0};
}

bool principals_consultable(const struct principals *principals, const char **ret_reason)
{
    if (!principals->trouble)
        return true;
    *ret_reason = principals->trouble;
    return false;
}

const struct grant_refusal *principals_refusal(const struct principals *principals)
{
    return &principals->refusal;
}

size_t principals_count(const struct principals *principals)
{
    return principals->credentials.count;
}

size_t principals_project_count(const struct principals *principals)
{
    return principals->projects.by_number.count;
}

size_t principals_take_uses(struct principals *principals, struct key_use *into, size_t room)
{
    size_t count = 0;
    for (struct credential *credential = principals->newest; credential && count < room;
         credential = credential->older) {
        if (credential->uses == 0)
            continue;
        struct key_use *use = &into[count++];
        *use = (struct key_use){
            .key_n = credential->key_n, .uses = credential->uses, .at = credential->used_at};
        memcpy(use->digest, credential->digest, sizeof use->digest);
        credential->uses = 0;
    }
    return count;
}

// --- beginning and end --------------------------------------------------------------------------

struct principals *principals_new(struct store *store, const struct settings *settings,
                                  const struct ration *unread, const struct ration *asked,
                                  const struct principals_events *events, void *context)
{
    struct principals *principals = (struct principals *)calloc(1, sizeof *principals);
    if (!principals)
        return NULL;
    principals->store = store;
    vault_new_tag_key(principals->tag_key);
    principals->settings = settings;
    principals->unread = unread;
    principals->asked = asked;
    principals->events = events;
    principals->context = context;
    principals->projects.changed = events->access_changed;
    principals->projects.context = context;
    return principals;
}

void principals_free(struct principals **principals)
{
    struct principals *gone = TAKE(*principals);
    if (!gone)
        return;
    while (gone->oldest)
        forget(gone, gone->oldest);
    projects_done(&gone->projects);
    table_done(&gone->credentials);
    free(gone);
}
