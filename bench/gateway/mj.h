/* mj.h - tiny non-allocating JSON span scanner shared by the null servers.
 * It trusts nothing about lengths, never copies, and only looks at the keys it needs. */
#ifndef MJ_H
#define MJ_H
#include <stddef.h>
#include <string.h>
typedef struct {
    const char *p;
    size_t n;
} span;
static inline const char *mj_ws(const char *p, const char *e)
{
    while (p < e && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}
/* p at opening quote; returns one past closing quote or NULL */
static inline const char *mj_str(const char *p, const char *e)
{
    for (p++; p < e; p++) {
        if (*p == '\\') {
            p++;
            continue;
        }
        if (*p == '"')
            return p + 1;
    }
    return NULL;
}
static inline const char *mj_skip(const char *p, const char *e)
{
    p = mj_ws(p, e);
    if (p >= e)
        return NULL;
    if (*p == '"')
        return mj_str(p, e);
    if (*p == '{' || *p == '[') {
        int d = 0;
        while (p < e) {
            if (*p == '"') {
                p = mj_str(p, e);
                if (!p)
                    return NULL;
                continue;
            }
            if (*p == '{' || *p == '[')
                d++;
            else if (*p == '}' || *p == ']') {
                if (--d == 0)
                    return p + 1;
            }
            p++;
        }
        return NULL;
    }
    while (p < e && *p != ',' && *p != '}' && *p != ']' && *p != ' ' && *p != '\n' && *p != '\r' &&
           *p != '\t')
        p++;
    return p;
}
/* find key in object span; value span out (raw, quotes included) */
static inline int mj_get(span o, const char *key, span *v)
{
    const char *p = o.p, *e = o.p + o.n;
    size_t kl = strlen(key);
    p = mj_ws(p, e);
    if (p >= e || *p != '{')
        return 0;
    p++;
    for (;;) {
        p = mj_ws(p, e);
        if (p >= e || *p != '"')
            return 0;
        const char *k = p + 1;
        p = mj_str(p, e);
        if (!p)
            return 0;
        size_t n = (size_t)(p - 1 - k);
        p = mj_ws(p, e);
        if (p >= e || *p != ':')
            return 0;
        p = mj_ws(p + 1, e);
        const char *q = mj_skip(p, e);
        if (!q)
            return 0;
        if (n == kl && !memcmp(k, key, kl)) {
            v->p = p;
            v->n = (size_t)(q - p);
            return 1;
        }
        p = mj_ws(q, e);
        if (p < e && *p == ',') {
            p++;
            continue;
        }
        return 0;
    }
}
static inline int mj_is(span v, const char *lit)
{ /* v is a raw JSON string */
    size_t n = strlen(lit);
    return v.n == n + 2 && v.p[0] == '"' && !memcmp(v.p + 1, lit, n);
}
#endif
