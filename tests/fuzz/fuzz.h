// fuzz.h: the one function of a fuzz target. In the preset fuzz libFuzzer calls it; elsewhere
// replay.c feeds it the stored inputs. It must accept any bytes, keep no state and return 0.
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
