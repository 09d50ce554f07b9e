// main.c: the command-line program. Makes the process safe to hold secrets, then runs the command.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doors/cli.h"

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

int main(int argc, char **argv)
{
    // No core dumps and no tracing by other processes of this user: there will be keys in memory.
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)umask(077);
    occupy_standard_descriptors();
    return cli_run(argc, argv);
}
