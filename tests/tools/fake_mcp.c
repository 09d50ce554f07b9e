// fake_mcp: an MCP server over stdio that does what its arguments say: pairs of MATCH and ACTION.
// For each line that has MATCH in it all its actions are done, in order; "" is the start.
//   r:JSON  a result       e:JSON  an error       l:TEXT  a line       p:TEXT  without a line end
//   x:N     exit           s:MS    sleep          b:N     N bytes      f:N     N pings
//   c:      closes its input             o:      closes its output
// In texts @ID@ is the request's id and @TOKEN@ its progress token.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char id[300], token[300];

// The raw value after `name":` in the line.
static void member(const char *line, const char *name, char *into, size_t size)
{
    const char *at = strstr(line, name);
    into[0] = '\0';
    if (!at)
        return;
    at += strlen(name);
    size_t length = strcspn(at, ",}");
    snprintf(into, size, "%.*s", (int)length, at);
}

static void text(const char *at)
{
    while (*at) {
        if (strncmp(at, "@ID@", 4) == 0) {
            fputs(id, stdout);
            at += 4;
        } else if (strncmp(at, "@TOKEN@", 7) == 0) {
            fputs(token, stdout);
            at += 7;
        } else {
            fputc(*at++, stdout);
        }
    }
}

static void act(const char *action)
{
    const char *rest = action + 2;
    if (action[0] == 'r' || action[0] == 'e') {
        printf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"%s\":", id, action[0] == 'r' ? "result" : "error");
        text(rest);
        fputs("}\n", stdout);
    } else if (action[0] == 'l') {
        text(rest);
        fputc('\n', stdout);
    } else if (action[0] == 'p') {
        text(rest);
    } else if (action[0] == 'x') {
        fflush(stdout);
        _exit((int)strtol(rest, NULL, 10));
    } else if (action[0] == 's') {
        fflush(stdout);
        usleep((useconds_t)strtol(rest, NULL, 10) * 1000);
    } else if (action[0] == 'c') {
        (void)close(STDIN_FILENO);
    } else if (action[0] == 'o') {
        fflush(stdout);
        (void)close(STDOUT_FILENO);
    } else if (action[0] == 'b') {
        for (long left = strtol(rest, NULL, 10); left > 0; left--)
            fputc('x', stdout);
    } else if (action[0] == 'f') {
        for (long left = strtol(rest, NULL, 10); left > 0; left--)
            puts("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2)
        if (argv[i][0] == '\0')
            act(argv[i + 1]);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        member(line, "\"id\":", id, sizeof(id));
        member(line, "\"progressToken\":", token, sizeof(token));
        for (int i = 1; i + 1 < argc; i += 2)
            if (argv[i][0] != '\0' && strstr(line, argv[i]))
                act(argv[i + 1]);
    }
    free(line);
    return 0;
}
