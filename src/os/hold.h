// hold.h: what the holder (hold_main.c) and its owner (child.c) say to each other.
//
//   secure-mcp-gateway-hold [--NAME VALUE]... -- COMMAND [ARGUMENT]...
//
// Descriptors 0, 1 and 2 and the environment are the child's; descriptor HOLD_CONTROL is a socket
// whose other end only the owner has. When that ends, so does everything here. The holder's own
// exit status is the child's.
#pragma once

enum { HOLD_CONTROL = 3 };

// From the owner, a byte each.
enum hold_order {
    HOLD_TERMINATE = 'T', // SIGTERM to the child's group
    HOLD_KILL = 'K',      // SIGKILL to all
};

// To the owner, a byte, before exit status 127: why the child was not started.
enum hold_reason {
    HOLD_NOT_FOUND = 'n',
    HOLD_NOT_ALLOWED = 'a',
    HOLD_FOLDER = 'f',
    HOLD_LIMITS = 'l',
    HOLD_MEMORY = 'm',
    HOLD_OTHER = 'o',
};
