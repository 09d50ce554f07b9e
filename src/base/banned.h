// banned.h: functions that have caused too many bugs to be used again. Including this file makes
// any use of them a compile error. It is included by the compiler's command line, so no file can
// forget it (the idea is git's).
#pragma once

// These headers declare the banned names; they must be read before the names are poisoned.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strncpy strcat strncat sprintf vsprintf strtok strtok_r
#pragma GCC poison atoi atol atoll gets system popen rand srand tmpnam mktemp
