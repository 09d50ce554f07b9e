// front.c: see front.h: who a key is. What a message is, is intake.c's.
#include "gateway/front.h"

#include "gateway/gateway.h"
#include "gateway/principals.h"

enum front_answer front_authenticate(struct gateway *gateway, struct view api_key,
                                     struct principal **ret_principal)
{
    enum front_answer answer = principals_find(gateway->principals, api_key, ret_principal);
    gateway->counters.denied += answer == FRONT_DENIED;
    gateway->counters.unavailable += answer == FRONT_UNAVAILABLE;
    if (answer == FRONT_DENIED) {
        const struct grant_refusal *refusal = principals_refusal(gateway->principals);
        journal_event(gateway->journal, "denied", "reason", refusal->reason,
                      refusal->key_id[0] ? "key_id" : NULL, refusal->key_id,
                      refusal->successor[0] ? "successor" : NULL, refusal->successor, NULL);
    }
    return answer;
}

void front_principal_unref(struct principal **principal)
{
    principal_unref(principal);
}

bool front_agrees(struct gateway *gateway, const struct principal *principal,
                  struct view project_id, struct view user_id)
{
    const struct grant *grant = &principal->grant;
    const char *other = user_id.data && !view_is(user_id, grant->user_id) ? "other_user" : NULL;
    if (project_id.data && !view_is(project_id, grant->project_id))
        other = "other_project";
    if (!other)
        return true;
    gateway->counters.denied++;
    journal_event(gateway->journal, "denied", "reason", other, "key_id", grant->key_id, NULL);
    return false;
}

void front_unread(struct gateway *gateway, const struct principal *principal)
{
    journal_event(gateway->journal, "answer_unread", "key_id", principal->grant.key_id,
                  "project_id", principal->grant.project_id, NULL);
}

uint64_t front_key(const struct principal *principal)
{
    return (uint64_t)principal->credential->number;
}

struct ration *front_asked(struct gateway *gateway)
{
    return &gateway->asked;
}

unsigned front_owner(const struct principal *principal, unsigned workers)
{
    return (unsigned)((uint64_t)principal->grant.project_n % workers);
}
