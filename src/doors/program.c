// program.c: see program.h.
#include "doors/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

// A closed standard descriptor would be taken by the first file opened, the store perhaps, and data
// written into it. Opened for reading only, so that writing to it fails and is noticed.
static void occupy_standard_descriptors(void)
{
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDONLY);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor > STDERR_FILENO)
        (void)close(descriptor);
}

void program_prepare(void)
{
    // No core dumps and no tracing by other processes of this user: there will be keys in memory.
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)umask(077);
    // A file size limit is an error of the one write, not the end of the process.
    (void)signal(SIGXFSZ, SIG_IGN);
    occupy_standard_descriptors();
}

const char *program_own_path(char ret_path[LIMIT_PATH])
{
    ssize_t size = readlink("/proc/self/exe", ret_path, LIMIT_PATH - 1);
    ret_path[size > 0 ? size : 0] = '\0';
    return ret_path;
}

bool program_find(const char *name, char ret_path[LIMIT_PATH], struct err *err)
{
    static const char *const places[] = {"", "../libexec/secure-mcp-gateway/"};
    char own[LIMIT_PATH], path[LIMIT_PATH];
    char *slash = strrchr(program_own_path(own), '/');
    if (slash)
        slash[1] = '\0';
    for (size_t i = 0; slash && i < COUNT_OF(places); i++) {
        int size = snprintf(path, sizeof path, "%s%s%s", own, places[i], name);
        if (size > 0 && size < LIMIT_PATH && access(path, X_OK) == 0) {
            memcpy(ret_path, path, (size_t)size + 1);
            return true;
        }
    }
    err_set(err, ERR_IO, "program_missing", "The program %s is missing", name);
    return err_hint(err,
                    "it belongs into %.900s or %.900s../libexec/secure-mcp-gateway/: install "
                    "both programs together",
                    own, own);
}

bool program_become(const char *name, char **argv, struct err *err)
{
    char path[LIMIT_PATH];
    if (!program_find(name, path, err))
        return false;
    (void)execv(path, argv);
    return err_set(err, ERR_IO, "program_unusable", "The program %.900s cannot be started: %s",
                   path, strerror(errno));
}
