// memory.c: see memory.h.
#include "os/memory.h"

#include <malloc.h>

void memory_trim(void)
{
    (void)malloc_trim(0);
}
