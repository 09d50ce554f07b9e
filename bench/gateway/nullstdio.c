// nullstdio: an MCP server over stdin and stdout that does no work.
//
//   nullstdio [-n tools] [-b bytes]     as nullup has them
#include "mcpnull.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int wr(const char *b, size_t n)
{
    while (n) {
        ssize_t w = write(1, b, n);
        if (w < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        b += w;
        n -= (size_t)w;
    }
    return 0;
}
int main(int argc, char **argv)
{
    int c;
    while ((c = getopt(argc, argv, "n:b:")) != -1) {
        if (c == 'n')
            mcp_ntools = atoi(optarg);
        else if (c == 'b')
            mcp_pad = atoi(optarg);
        else
            return 2;
    }
    if (mcp_pad) {
        mcp_padbuf = malloc((size_t)mcp_pad);
        memset(mcp_padbuf, 'x', (size_t)mcp_pad);
    }
    size_t cap = 1 << 20, n = 0, ocap = (4u << 20) + (size_t)mcp_pad;
    char *in = malloc(cap), *out = malloc(ocap);
    for (;;) {
        if (n == cap) {
            cap *= 2;
            in = realloc(in, cap);
            if (!in)
                return 1;
        }
        ssize_t r = read(0, in + n, cap - n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return 0;
        n += (size_t)r;
        size_t off = 0, on = 0;
        char *nl;
        while ((nl = memchr(in + off, '\n', n - off))) {
            span m = {in + off, (size_t)(nl - (in + off))};
            int h, ii;
            if (ocap - on < (2u << 20) + (size_t)mcp_pad) {
                if (wr(out, on))
                    return 0;
                on = 0;
            }
            long l = mcp_answer(m, out + on, ocap - on - 1, &h, &ii);
            if (l > 0) {
                on += (size_t)l;
                out[on++] = '\n';
            }
            off = (size_t)(nl + 1 - in);
        }
        if (on && wr(out, on))
            return 0;
        memmove(in, in + off, n - off);
        n -= off;
    }
}
