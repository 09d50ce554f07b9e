// lists.h: what is kept of the lists that clients were given; see lists.c.
#pragma once

struct rendering;

// Frees all of a chain; accepts an empty one.
void renderings_free(struct rendering **renderings);
