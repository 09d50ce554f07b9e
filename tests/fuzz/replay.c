// replay.c: runs a fuzz target without a fuzzer: every file of the given folders as it is, cut at
// every length when it is small, and with a few bytes changed. The changes come from a generator
// with a fixed seed, so that a failure today is the same failure tomorrow; the last line printed
// tells which input it was.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum {
    SMALL_FILE = 2048, // cut at every length up to here
    FLIPPED_COPIES = 200,
    FLIPS_PER_COPY = 4, // at most
};

struct input {
    uint8_t *data;
    size_t size;
};

// xorshift64: small, and the same everywhere.
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "replay: %s: %s\n", what, name);
    exit(1);
}

// The target gets a block of exactly SIZE bytes: one byte too far is seen by the sanitizer.
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size);

    if (!copy && size > 0)
        fail("no memory", "input");
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_cut(const struct input *in)
{
    for (size_t size = 0; size < in->size; size++)
        run(in->data, size);
}

static void run_flipped(const struct input *in)
{
    uint64_t state = 0x9e3779b97f4a7c15;

    for (int copies = 0; copies < FLIPPED_COPIES; copies++) {
        uint8_t was[FLIPS_PER_COPY];
        size_t at[FLIPS_PER_COPY];
        size_t flips = 1 + next_random(&state) % FLIPS_PER_COPY;

        for (size_t i = 0; i < flips; i++) {
            at[i] = next_random(&state) % in->size;
            was[i] = in->data[at[i]];
            in->data[at[i]] = (uint8_t)next_random(&state);
        }
        run(in->data, in->size);
        while (flips-- > 0)
            in->data[at[flips]] = was[flips];
    }
}

static struct input read_file(const char *path, size_t size)
{
    struct input in = {.data = malloc(size + 1), .size = size};
    FILE *file = fopen(path, "rb");

    if (!in.data || !file || fread(in.data, 1, size, file) != size)
        fail("cannot read", path);
    fclose(file);
    return in;
}

static void say(const char *what, const char *path)
{
    printf("%s %s\n", what, path);
    fflush(stdout);
}

// Returns 1 for a file that was run, 0 for what is not a file.
static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    struct stat st;
    struct input in;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (stat(path, &st) != 0)
        fail("cannot read", path);
    if (!S_ISREG(st.st_mode))
        return 0;
    in = read_file(path, (size_t)st.st_size);
    say("whole  ", path);
    run(in.data, in.size);
    if (in.size > 0 && in.size <= SMALL_FILE) {
        say("cut    ", path);
        run_cut(&in);
    }
    if (in.size > 0) {
        say("flipped", path);
        run_flipped(&in);
    }
    free(in.data);
    return 1;
}

static int replay_folder(const char *folder)
{
    struct dirent **entries;
    int files = 0;
    int count = scandir(folder, &entries, NULL, alphasort);

    if (count < 0)
        fail("cannot read the folder", folder);
    for (int i = 0; i < count; i++) {
        files += replay_file(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return files;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        fail("usage", "replay FOLDER...");
    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i]) == 0)
            fail("no inputs in", argv[i]);
    return 0;
}
