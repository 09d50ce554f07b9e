// list.h: a ring of nodes that stand inside the things they list. A thing is in a state by being on
// that state's list. The thing that a node stands in: OUTER (attr.h).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct node {
    struct node *next, *previous; // NULL: on no list
};

// A list is a node of its own; it must be initialised.
static inline void list_init(struct node *list)
{
    list->next = list->previous = list;
}

static inline bool list_empty(const struct node *list)
{
    return list->next == list;
}

static inline bool node_listed(const struct node *node)
{
    return node->next;
}

static inline void list_prepend(struct node *list, struct node *node)
{
    node->next = list->next;
    node->previous = list;
    list->next->previous = node;
    list->next = node;
}

static inline void list_append(struct node *list, struct node *node)
{
    list_prepend(list->previous, node);
}

// Accepts a node that is on no list.
static inline void node_remove(struct node *node)
{
    if (!node->next)
        return;
    node->next->previous = node->previous;
    node->previous->next = node->next;
    node->next = node->previous = NULL;
}

// Moves all of `from`, in order, to the empty list `to`.
static inline void list_move(struct node *from, struct node *to)
{
    list_append(from, to);
    node_remove(from);
    list_init(from);
}
