// first: the time from starting a server to its first answer.
//
//   first PORT PATH HEADER -- COMMAND ARGS...
//
// Starts the command, connects again and again, sends one tools/call of 2026-07-28 and prints the
// milliseconds until it is answered with 200. Then ends the command by SIGTERM.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 20000, PAUSE_US = 200 };

static double now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static const char body[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
    "\"arguments\":{\"message\":\"m\"},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
    "\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"first\",\"version\":\"1\"},"
    "\"io.modelcontextprotocol/clientCapabilities\":{}}}}";

// The status of one call over a new connection; 0 when there was no connection or no answer.
static int ask(const char *port, const char *path, const char *header)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char text[2048];
    int status = 0;
    at.sin_port = htons((in_port_t)strtoul(port, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int size = snprintf(text, sizeof text,
                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n%s\r\n"
                        "Content-Type: application/json\r\n"
                        "Accept: application/json, text/event-stream\r\n"
                        "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
                        "Mcp-Name: echo\r\nContent-Length: %zu\r\n\r\n%s",
                        path, port, header, sizeof body - 1, body);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
        write(fd, text, (size_t)size) == size) {
        ssize_t got = read(fd, text, sizeof text - 1);
        text[got > 0 ? got : 0] = '\0';
        if (strncmp(text, "HTTP/1.1 ", 9) == 0)
            status = (int)strtol(text + 9, NULL, 10);
    }
    close(fd);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fputs("usage: first PORT PATH HEADER -- COMMAND ARGS...\n", stderr);
        return 2;
    }
    double start = now_ms();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[5], argv + 5);
        _exit(127);
    }
    int status = 0;
    for (int i = 0; i < TRIES && status != 200; i++) {
        status = ask(argv[1], argv[2], argv[3]);
        if (status != 200)
            usleep(PAUSE_US);
    }
    printf("%.1f\n", now_ms() - start);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    return status == 200 ? 0 : 1;
}
