// http1_bytes.c: see http1_bytes.h.
#include "wire/http1_bytes.h"

enum {
    X = HTTP_TEXT,
    VX = HTTP_TARGET | X,
    VXH = HTTP_HOST | VX,
    TX = HTTP_TOKEN | X,
    TVX = HTTP_TOKEN | VX,
    ALL = HTTP_TOKEN | VXH,
};

const unsigned char http_bytes[256] = {
    ['\t'] = X,          [' '] = X,           ['!'] = ALL,
    ['"'] = VX,          ['#'] = TX,          ['$' ... '\''] = ALL,
    ['(' ... ')'] = VXH, ['*' ... '+'] = ALL, [','] = VXH,
    ['-' ... '.'] = ALL, ['/'] = VX,          ['0' ... '9'] = ALL,
    [':' ... ';'] = VXH, ['<'] = VX,          ['='] = VXH,
    ['>' ... '@'] = VX,  ['A' ... 'Z'] = ALL, ['['] = VXH,
    ['\\'] = VX,         [']'] = VXH,         ['^'] = TVX,
    ['_'] = ALL,         ['`'] = TVX,         ['a' ... 'z'] = ALL,
    ['{'] = VX,          ['|'] = TVX,         ['}'] = VX,
    ['~'] = ALL,         [0x80 ... 0xff] = X,
};
