// cli.h: the command line: words in, result and exit status out. Only main.c calls it.
#pragma once

// Runs the command. Returns the exit status: 0 done, 1 refused or failed, 2 wrong usage.
int cli_run(int argc, char **argv);
