// access.h: what a project gives: the servers of its config, under the names they go by at `/mcp`.
//
// An *access* is immutable and counted. All principals of a project share the one it has at
// present; it is replaced when the config changes, and lives on with whoever still goes by it.
//
// *Projects* are those that were asked about lately, each with its access and the store's version
// that it was read at. While that version stands nothing is read again; when it moved, the config's
// stamp is compared, which is much cheaper than reading its servers. Whoever has an access here has
// seen the key's grant before: nothing here decides what a key may do.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/table.h"
#include "gateway/naming.h"
#include "model/grant.h"
#include "model/server_spec.h"
#include "model/store.h"

struct rendering;

struct access {
    unsigned references;
    uint64_t number; // from 1 on; no other access of this gateway ever has it
    int64_t project_n, config_n;
    char project_id[UUID_TEXT]; // tells projects apart that have had the same number
    struct server_specs specs;
    char (*prefixes)[NAMING_PREFIX]; // per server
    struct rendering *renderings;    // see lists.c
};

struct access *access_ref(struct access *access);
void access_unref(struct access **access); // accepts NULL in it

struct projects {
    struct table by_number;
    size_t at;       // which of them is looked at next, see projects_forget_one
    uint64_t loaded; // accesses so far
    // The project's servers are others now: none when it is forgotten.
    void (*changed)(void *context, const struct access *now);
    void *context;
};

void projects_done(struct projects *projects);

// The access that the grant's project has at the version `seen`; borrowed from the project. Tells
// `changed` when that is another one than before. False when its config cannot be read.
MUST_CHECK bool projects_ask(struct projects *projects, struct store *store,
                             const struct grant *grant, struct db_version seen,
                             struct access **ret_access, struct err *err);

// The access that was found last; borrowed. NULL: the project is not known.
struct access *projects_known(const struct projects *projects, int64_t project_n);

// Nothing is taken to be as it was seen: the store is another one.
void projects_distrust(struct projects *projects);

// Looks at one project, the next of them each time: it is forgotten, with what its servers listed,
// when all its keys are and nobody has asked for it for `idle` microseconds.
void projects_forget_one(struct projects *projects, int64_t now, int64_t idle);
