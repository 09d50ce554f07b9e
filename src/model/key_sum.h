// key_sum.h: the set of all API key rows in 32 bytes, as the sum of their MACs, lane by lane.
//
// A row's own MAC tells that this program once wrote it, the sum that it is what was written last:
// whoever removes a row or puts back an older one changes the sum, which the audit's seal covers.
// Only whoever can make MACs can choose rows for a given sum.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "vault/vault.h"

struct key_sum {
    uint64_t lanes[VAULT_DIGEST / 8];
};

// Puts a row's MAC into the sum (`added`) or takes it out.
static inline void key_sum_add(struct key_sum *sum, const uint8_t mac[VAULT_DIGEST], bool added)
{
    struct key_sum row;
    memcpy(&row, mac, sizeof row);
    for (size_t i = 0; i < COUNT_OF(row.lanes); i++)
        sum->lanes[i] += added ? row.lanes[i] : 0 - row.lanes[i];
}
