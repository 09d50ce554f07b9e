// hold: opens connections that do nothing and holds them.
//
//   hold PORT COUNT SECONDS [PATH HEADER]
//
// With PATH and HEADER each connection first sends one GET of the path with that header and reads
// the answer, so that it is a connection between two requests; else it only connects. They come
// from several addresses of this machine, since one has ports for 28,000 only. Prints how many
// are open, and after the time how many still are.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PER_ADDRESS = 20000, SPARE = 16 };

static int dial(in_port_t port, unsigned number)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + number / PER_ADDRESS);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    if (fd < 0)
        return -1;
    // The port is chosen at connect, so that it need be free only towards this peer.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int ask_once(int fd, const char *path, const char *header)
{
    char text[4096];
    int size = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n\r\n", path,
                        header);
    return write(fd, text, (size_t)size) == size && read(fd, text, sizeof text) > 0 ? 0 : -1;
}

static long still_open(const int *fds, long count)
{
    long open = 0;
    char byte;
    for (long i = 0; i < count; i++)
        open += recv(fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
    return open;
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    if (argc != 4 && argc != 6) {
        fputs("usage: hold PORT COUNT SECONDS [PATH HEADER]\n", stderr);
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    long wanted = strtol(argv[2], NULL, 10), count = 0;
    if (wanted > (long)limit.rlim_max - SPARE)
        wanted = (long)limit.rlim_max - SPARE;
    int *fds = calloc((size_t)wanted, sizeof *fds);
    if (!fds)
        return 1;
    while (count < wanted) {
        fds[count] = dial((in_port_t)strtoul(argv[1], NULL, 10), (unsigned)count);
        if (fds[count] < 0 || (argc == 6 && ask_once(fds[count], argv[4], argv[5]) != 0))
            break;
        count++;
    }
    printf("%ld\n", count);
    fflush(stdout);
    sleep((unsigned)strtoul(argv[3], NULL, 10));
    printf("%ld\n", still_open(fds, count));
    return 0;
}
