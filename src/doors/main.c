// main.c: the command-line program.
#include "doors/cli.h"
#include "doors/program.h"

int main(int argc, char **argv)
{
    program_prepare();
    return cli_run(argc, argv);
}
