// address.c: see address.h.
#include "model/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/text.h"

enum { HOST_LONGEST = 253 }; // RFC 1035 section 2.3.4

static bool is_one_of(char c, const char *marks)
{
    return c != '\0' && strchr(marks, c) != NULL;
}

static const char *read_port(struct view text, struct url *url)
{
    unsigned port = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || port > 65535)
            return "its port is not a number from 1 to 65535";
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    if (port < 1 || port > 65535)
        return "its port is not a number from 1 to 65535";
    url->port = (uint16_t)port;
    return NULL;
}

static bool is_host_name(struct view host)
{
    if (host.size == 0 || host.size > HOST_LONGEST || host.data[0] == '.')
        return false;
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !is_one_of(c, "-._"))
            return false;
        if (c == '.' && host.data[i - 1] == '.')
            return false;
    }
    return true;
}

static bool read_ipv6(struct view host, struct in6_addr *ret_address)
{
    char text[INET6_ADDRSTRLEN];
    return text_copy(text, sizeof text, host) && inet_pton(AF_INET6, text, ret_address) == 1;
}

static const char *read_authority(struct view authority, struct url *url)
{
    struct in6_addr address;
    size_t at = authority.size;
    while (at > 0 && authority.data[at - 1] != '@')
        at--;
    url->credentials = at > 0;
    authority = view_skip(authority, at);
    bool bracketed = authority.size > 0 && authority.data[0] == '[';
    size_t size = text_before(view_skip(authority, bracketed), bracketed ? "]" : ":");
    url->host = (struct view){authority.data + bracketed, size};
    struct view rest = view_skip(authority, size + bracketed);
    if (bracketed && (rest.size == 0 || !read_ipv6(url->host, &address)))
        return "its host is not a valid IPv6 address";
    if (!bracketed && !is_host_name(url->host))
        return "its host is missing or not valid";
    rest = view_skip(rest, bracketed);
    if (rest.size == 0)
        return NULL;
    return rest.data[0] == ':' ? read_port(view_skip(rest, 1), url) : "its host is not valid";
}

static bool has_scheme(struct view text, const char *scheme)
{
    size_t size = strlen(scheme);
    return text.size >= size && strncasecmp(text.data, scheme, size) == 0;
}

const char *url_read(struct view text, struct url *ret_url)
{
    struct url url = {.https = has_scheme(text, "https://")};
    if (text.size > LIMIT_URL)
        return "it is longer than " LIMIT_TEXT(LIMIT_URL) " bytes";
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~' || is_one_of(text.data[i], "\"<>\\^`{|}"))
            return "it holds a character that must be written as %XX";
    if (!url.https && !has_scheme(text, "http://"))
        return "it does not begin with https:// or http://";
    url.port = url.https ? 443 : 80;
    struct view rest = view_skip(text, url.https ? 8 : 7);
    size_t size = text_before(rest, "/?#");
    const char *reason = read_authority((struct view){rest.data, size}, &url);
    if (reason)
        return reason;
    rest = view_skip(rest, size);
    url.target = (struct view){rest.data, text_before(rest, "#")};
    *ret_url = url;
    return NULL;
}

struct network {
    uint32_t address;
    unsigned bits;
    enum reach reach;
};

// The registry of special addresses (RFC 6890 and its updates), the narrower first.
static const struct network networks[] = {
    {0xa9fea9fe, 32, REACH_METADATA},   // 169.254.169.254: AWS, Google, Azure and others
    {0xa9feaa02, 32, REACH_METADATA},   // 169.254.170.2: credentials of AWS containers
    {0x646464c8, 32, REACH_METADATA},   // 100.100.100.200: Alibaba
    {0xa83f8110, 32, REACH_METADATA},   // 168.63.129.16: Azure's host
    {0x00000000, 8, REACH_NOWHERE},     // this network
    {0x0a000000, 8, REACH_PRIVATE},     // 10/8
    {0x64400000, 10, REACH_PRIVATE},    // 100.64/10: shared by providers
    {0x7f000000, 8, REACH_LOOPBACK},    // 127/8
    {0xa9fe0000, 16, REACH_LINK_LOCAL}, // 169.254/16
    {0xac100000, 12, REACH_PRIVATE},    // 172.16/12
    {0xc0000000, 24, REACH_NOWHERE},    // 192.0.0/24: protocols
    {0xc0a80000, 16, REACH_PRIVATE},    // 192.168/16
    {0xc6120000, 15, REACH_PRIVATE},    // 198.18/15: benchmarks
    {0xe0000000, 3, REACH_NOWHERE},     // multicast, reserved, broadcast
};

static enum reach reach_of_ipv4(uint32_t address)
{
    for (size_t i = 0; i < COUNT_OF(networks); i++)
        if ((address ^ networks[i].address) >> (32 - networks[i].bits) == 0)
            return networks[i].reach;
    return REACH_PUBLIC;
}

static uint32_t ipv4_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum reach reach_of_ipv6(const uint8_t bytes[16])
{
    static const uint8_t zeros[15] = {0}, mapped[12] = {[10] = 0xff, 0xff},
                         translated[12] = {0, 0x64, 0xff, 0x9b}, // RFC 6052
        metadata[16] = {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54};
    if (memcmp(bytes, zeros, 15) == 0)
        return bytes[15] == 1 ? REACH_LOOPBACK : REACH_NOWHERE;
    if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, translated, 12) == 0 ||
        memcmp(bytes, zeros, 12) == 0)
        return reach_of_ipv4(ipv4_at(bytes + 12));
    if (bytes[0] == 0x20 && bytes[1] == 0x02) // 6to4
        return reach_of_ipv4(ipv4_at(bytes + 2));
    if (memcmp(bytes, metadata, 16) == 0)
        return REACH_METADATA;
    if ((bytes[0] & 0xfe) == 0xfc || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0))
        return REACH_PRIVATE;
    if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
        return REACH_LINK_LOCAL;
    return (bytes[0] & 0xe0) == 0x20 ? REACH_PUBLIC : REACH_NOWHERE;
}

// `name` itself or something below it.
static bool is_within(struct view host, const char *name)
{
    size_t size = strlen(name);
    if (host.size < size || strncasecmp(host.data + host.size - size, name, size) != 0)
        return false;
    return host.size == size || host.data[host.size - size - 1] == '.';
}

enum reach address_reach(struct view host)
{
    struct in6_addr six;
    struct in_addr four;
    char text[HOST_LONGEST + 1];
    if (host.size > 0 && memchr(host.data, ':', host.size))
        return read_ipv6(host, &six) ? reach_of_ipv6(six.s6_addr) : REACH_NOWHERE;
    if (host.size > 0 && host.data[host.size - 1] == '.')
        host.size--;
    if (!text_copy(text, sizeof text, host))
        return REACH_NOWHERE;
    if (inet_aton(text, &four))
        return reach_of_ipv4(ntohl(four.s_addr));
    if (is_within(host, "localhost"))
        return REACH_LOOPBACK;
    if (is_within(host, "metadata.google.internal") || is_within(host, "metadata"))
        return REACH_METADATA;
    return is_within(host, "internal") || is_within(host, "local") ? REACH_PRIVATE : REACH_NAME;
}

const char *reach_text(enum reach reach)
{
    static const char *const texts[] = {
        [REACH_PUBLIC] = "a public address",
        [REACH_NAME] = "a name",
        [REACH_LOOPBACK] = "this machine itself",
        [REACH_PRIVATE] = "a private address",
        [REACH_LINK_LOCAL] = "a link-local address",
        [REACH_METADATA] = "a metadata service",
        [REACH_NOWHERE] = "no address that can be reached",
    };
    return texts[reach];
}
