// catalog.h: what the servers offer: their tools, prompts, resources and templates, fetched page by
// page, kept until the server says they changed or their time is over.
//
// A list that cannot be had is empty and `absent`: one dead server never fails a list.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"
#include "gateway/waiters.h"
#include "upstream/upstream.h"
#include "wire/mcp.h"

enum list { LIST_TOOLS, LIST_PROMPTS, LIST_RESOURCES, LIST_TEMPLATES, LISTS };

// What is wanted of a server: a list, only its facts, or whether it speaks the asker's era.
enum { WANT_FACTS = LISTS, WANT_ERA };

// The list that a method asks for; LISTS when it is none.
enum list list_of(enum mcp_method method);
// `tools`, `prompts`, `resources`, `resourceTemplates`.
const char *list_member(enum list list);

struct list_item {
    struct view raw;      // the whole item
    struct view raw_name; // the slice of it that is its `name` (`uri`, `uriTemplate`), with quotes
    struct view name;     // unescaped
    bool parameters;      // of a tool: its schema has x-mcp-header, all of them in order
};

struct catalogs; // of a loop
struct catalog;  // of one upstream

// A list is back that could not be had before (`what`: …/list_changed).
typedef void catalogs_back(void *context, struct upstream *upstream, enum mcp_method what);

MUST_CHECK struct catalogs *catalogs_new(struct upstreams *upstreams,
                                         const struct settings *settings, catalogs_back *back,
                                         void *context);
void catalogs_free(struct catalogs **catalogs);

// The catalog of a server of a project. NULL when memory is short.
struct catalog *catalog_get(struct catalogs *catalogs, int64_t project_n, struct server_spec *spec);
struct upstream *catalog_upstream(const struct catalog *catalog);

// Sees to it that `want` (an enum list, or as above) is there. True: it is, or it cannot be had.
// False: `waiter` (zeroed or done before; NULL: nobody) will be told, later than now.
bool catalog_want(struct catalog *catalog, unsigned want, const struct asker *asker,
                  struct waiter *waiter);

// The items; none while the list is absent.
const struct list_item *catalog_items(const struct catalog *catalog, enum list list,
                                      size_t *ret_count);
const struct list_item *catalog_find(const struct catalog *catalog, enum list list,
                                     struct view name);
// Changes whenever the list does. Never the same for two states of any catalogs.
uint64_t catalog_generation(const struct catalog *catalog, enum list list);
// How long from now the list may be used, in milliseconds.
int64_t catalog_ttl(const struct catalog *catalog, enum list list);
// Whether the server declares the capability that the list needs.
bool catalog_offers(const struct catalog *catalog, enum list list, enum mcp_era client);

// The server said that a list changed (`what`: …/list_changed).
void catalogs_changed(struct catalogs *catalogs, struct upstream *upstream, enum mcp_method what);
// The server answered as if its list were another one: true when it will be read again, which is
// the case when that was not done a moment ago.
bool catalog_doubt(struct catalog *catalog, enum list list);
// A config changed: catalogs of the project for other servers than these are dropped.
void catalogs_retain(struct catalogs *catalogs, int64_t project_n,
                     const struct server_specs *specs);
