// json_cases.h: texts that are JSON and texts that are not, for the tests of the reader.
#pragma once

#include "base/view.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

// clang-format off
static const struct view accepted_cases[] = {
    // numbers
    TEXT("0"), TEXT("-0"), TEXT("7"), TEXT("-7"), TEXT("10"), TEXT("90071992547409931"),
    TEXT("0.0"), TEXT("-0.0"), TEXT("0.125"), TEXT("12.5"), TEXT("-12.50"), TEXT("1e1"), TEXT("1E1"),
    TEXT("1e+1"), TEXT("1E-1"), TEXT("-1.25e-03"), TEXT("0e0"), TEXT("0E+00"), TEXT("0.000000000000001"),
    TEXT("-9223372036854775808"), TEXT("9223372036854775807"), TEXT("18446744073709551616"),
    TEXT("[1e0,2e00,3e000]"), TEXT("[-1]"), TEXT("[ 4 ]"), TEXT("[1\n]"), TEXT("{\"n\":1}"),
    TEXT("123456789012345678901234567890.5"),
    // words
    TEXT("true"), TEXT("false"), TEXT("null"), TEXT("[true]"), TEXT("[null,false]"),
    TEXT("{\"a\":null}"), TEXT(" null "),
    // texts
    TEXT("\"\""), TEXT("\"a\""), TEXT("\"with blank\""), TEXT("\"/\""), TEXT("\"'\""), TEXT("\"\x7f\""),
    TEXT("\"null\""), TEXT("\"[\""), TEXT("\"{}\""), TEXT("\"//no comment\""), TEXT("\"/* nor this */\""),
    TEXT("\"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&()*+,-.:;<=>?@[]^_`{|}~\""),
    // escapes
    TEXT("\"\\\"\""), TEXT("\"\\\\\""), TEXT("\"\\/\""), TEXT("\"\\b\\f\\n\\r\\t\""), TEXT("\"a\\nb\""),
    TEXT("\"\\u0000\""), TEXT("\"\\u001f\""), TEXT("\"\\u0041\""), TEXT("\"\\u00e9\""), TEXT("\"\\u00E9\""),
    TEXT("\"\\u2028\""), TEXT("\"\\uFFFF\""), TEXT("\"\\uFFFE\""), TEXT("\"\\ufdd0\""), TEXT("\"\\uD834\\uDD1E\""),
    TEXT("\"\\ud800\\udc00\""), TEXT("\"\\udbff\\udfff\""), TEXT("\"\\ud7ff\""), TEXT("\"\\ue000\""),
    TEXT("\"\\\\u0041\""), TEXT("\"\\\\n\""), TEXT("\"\\u005C\""), TEXT("\"\\u0022\""), TEXT("\"x\\u200Fy\""),
    TEXT("{\"\\u006b\":\"\\u0076\"}"),
    // UTF-8
    TEXT("\"\xc2\x80\""), TEXT("\"\xc3\xa9\""), TEXT("\"\xdf\xbf\""), TEXT("\"\xe0\xa0\x80\""),
    TEXT("\"\xe2\x82\xac\""), TEXT("\"\xe2\x80\xa8\""), TEXT("\"\xed\x9f\xbf\""), TEXT("\"\xee\x80\x80\""),
    TEXT("\"\xef\xbb\xbf\""), TEXT("\"\xef\xbf\xbf\""), TEXT("\"\xf0\x90\x80\x80\""),
    TEXT("\"\xf0\x9f\x98\x80\""), TEXT("\"\xf4\x8f\xbf\xbf\""), TEXT("{\"\xc3\xbc\":\"\xe6\x97\xa5\"}"),
    // structure
    TEXT("[]"), TEXT("{}"), TEXT("[[]]"), TEXT("[{}]"), TEXT("{\"a\":{}}"), TEXT("{\"a\":[]}"),
    TEXT("[[],[],{}]"), TEXT("[1,2,3]"), TEXT("[1,\"a\",true,null,[],{}]"), TEXT("{\"\":0}"),
    TEXT("{\"a\":1,\"b\":2}"), TEXT("{\"a\":1,\"A\":2}"), TEXT("{\"a\":{\"a\":{\"a\":1}}}"),
    TEXT("[{\"a\":1},{\"a\":1}]"), TEXT("{\"a\":1,\"a\\u0000\":2}"), TEXT("{\"a\":1,\"aa\":2,\"\":3}"),
    TEXT("{\"a b\":1,\"a\\tb\":2}"), TEXT("[\"a\",\"a\"]"),
    // blanks
    TEXT(" [ ] "), TEXT("\t{\n}\r\n"), TEXT("[ 1 , 2 ]"), TEXT("{ \"a\" : 1 }"), TEXT("\n\n\n0\n\n"),
    TEXT("{\r\n\t\"a\"\r\n:\t[\r\n]\r\n}"), TEXT("\"a\" "), TEXT(" \"a\""),
};

static const struct view refused_cases[] = {
    // nothing
    TEXT(""), TEXT(" "), TEXT("\n"), TEXT("\t\r\n "), TEXT("\0"),
    // numbers
    TEXT("-"), TEXT("--1"), TEXT("+1"), TEXT("+"), TEXT("01"), TEXT("-01"), TEXT("00"), TEXT("-00"), TEXT("0123"),
    TEXT("1."), TEXT("-1."), TEXT(".5"), TEXT("-.5"), TEXT("0.e1"), TEXT("1.e1"), TEXT("1..2"), TEXT("1.2.3"),
    TEXT("1e"), TEXT("1E"), TEXT("1e+"), TEXT("1e-"), TEXT("1ee1"), TEXT("1e1.5"), TEXT("1e1e1"), TEXT("0e"),
    TEXT("1e+-1"), TEXT("1eE1"), TEXT("0x1F"), TEXT("0b1"), TEXT("0o7"), TEXT("1_000"), TEXT("1,000"),
    TEXT("1 000"), TEXT("1 2"), TEXT("Infinity"), TEXT("-Infinity"), TEXT("NaN"), TEXT("-NaN"), TEXT("inf"),
    TEXT("nan"), TEXT("1f"), TEXT("1L"), TEXT("1a"), TEXT("- 1"), TEXT("1 e1"), TEXT("1e 1"), TEXT("$1"),
    TEXT("\xd9\xa1"), TEXT("\xef\xbc\x91"), TEXT("[1.]"), TEXT("[-]"), TEXT("[01]"), TEXT("[1e]"), TEXT("[0.]"),
    TEXT("[.1]"), TEXT("[+1]"), TEXT("[1+2]"), TEXT("[1-2]"), TEXT("{\"a\":01}"), TEXT("{\"a\":-}"), TEXT("1\0"),
    // words
    TEXT("t"), TEXT("tru"), TEXT("True"), TEXT("TRUE"), TEXT("truee"), TEXT("true1"), TEXT("f"), TEXT("fals"),
    TEXT("False"), TEXT("n"), TEXT("nul"), TEXT("Null"), TEXT("nulll"), TEXT("nil"), TEXT("none"),
    TEXT("undefined"), TEXT("yes"), TEXT("true false"), TEXT("truefalse"), TEXT("[tru]"), TEXT("[nul,1]"),
    TEXT("tr\\u0075e"), TEXT("word"), TEXT("[a]"), TEXT("{\"a\":b}"),
    // texts
    TEXT("\""), TEXT("\"a"), TEXT("a\""), TEXT("\"a\"b\""), TEXT("\"a\" \"b\""), TEXT("'a'"), TEXT("`a`"),
    TEXT("\"\n\""), TEXT("\"\t\""), TEXT("\"\0\""), TEXT("\"a\0b\""), TEXT("\"\x1f\""), TEXT("\"\r\""),
    TEXT("\"\x01\""), TEXT("[\"a]"), TEXT("[\"a\n\"]"), TEXT("\"\"\""), TEXT("\"a\",") , TEXT("\xe2\x80\x9c" "a\xe2\x80\x9d"),
    // escapes
    TEXT("\"\\"), TEXT("\"\\\""), TEXT("\"\\a\""), TEXT("\"\\0\""), TEXT("\"\\x41\""), TEXT("\"\\'\""),
    TEXT("\"\\v\""), TEXT("\"\\e\""), TEXT("\"\\ \""), TEXT("\"\\\n\""), TEXT("\"\\\0\""), TEXT("\"\\N\""),
    TEXT("\"\\u\""), TEXT("\"\\u0\""), TEXT("\"\\u00\""), TEXT("\"\\u004\""), TEXT("\"\\u004g\""),
    TEXT("\"\\u 041\""), TEXT("\"\\u+041\""), TEXT("\"\\U0041\""), TEXT("\"\\u{41}\""), TEXT("\"\\u0x41\""),
    TEXT("\"\\u00"), TEXT("\"\\u"), TEXT("\"\\ud834\\udd\""), TEXT("\"\\ud834\\uddx0\""), TEXT("\"\\ud800\\"),
    TEXT("\"\\ud800\\u"), TEXT("\"\\ud83\""), TEXT("\"\\ud83g\""), TEXT("\"\\udc0"), TEXT("\"\\ud800\\x\""),
    TEXT("\"\\ud800"), TEXT("\"\\ud800\\ud8\""), TEXT("\\u0022a\""), TEXT("{\"\\x\":1}"), TEXT("[\\n]"), TEXT("\"\\\xc3\xa9\""),
    // UTF-8
    TEXT("\"\x80\""), TEXT("\"\xbf\""), TEXT("\"\xc3\""), TEXT("\"\xc3("), TEXT("\"\xc3(\""), TEXT("\"\xc0\x80\""),
    TEXT("\"\xc0\xaf\""), TEXT("\"\xc1\xbf\""), TEXT("\"\xe0\x80\x80\""), TEXT("\"\xe0\x9f\xbf\""),
    TEXT("\"\xe2\x82\""), TEXT("\"\xe2(\xa1\""), TEXT("\"\xe2\x82(\""), TEXT("\"\xed\xa0\x80\""),
    TEXT("\"\xed\xbf\xbf\""), TEXT("\"\xed\xa0\xb4\xed\xb4\x9e\""), TEXT("\"\xf0\x80\x80\x80\""),
    TEXT("\"\xf0\x8f\xbf\xbf\""), TEXT("\"\xf0\x9f\x98\""), TEXT("\"\xf0(\x8c\xbc\""), TEXT("\"\xf4\x90\x80\x80\""),
    TEXT("\"\xf5\x80\x80\x80\""), TEXT("\"\xf8\x88\x80\x80\x80\""), TEXT("\"\xfc\x84\x80\x80\x80\x80\""),
    TEXT("\"\xfe\""), TEXT("\"\xff\""), TEXT("\"a\xe9z\""), TEXT("{\"\xff\":1}"), TEXT("\xff"), TEXT("[\xc3\xa9]"),
    TEXT("\xc2\xa0" "1"), TEXT("[1\xe2\x80\xa8]"), TEXT("\xef\xbb\xbf" "1"), TEXT("\xef\xbb\xbf"),
    TEXT("\xef\xbb\xbf{}"), TEXT("{}\xef\xbb\xbf"), TEXT("\xfe\xff\0[\0]"), TEXT("[\0]\0"), TEXT("\xff\xfe[\0]\0"),
    // structure
    TEXT("["), TEXT("]"), TEXT("{"), TEXT("}"), TEXT("[}"), TEXT("{]"), TEXT("[["), TEXT("[[]"), TEXT("[]]"),
    TEXT("{}}"), TEXT("[,]"), TEXT("[1,]"), TEXT("[,1]"), TEXT("[1,,2]"), TEXT("[1 2]"), TEXT("[1;2]"), TEXT("[1:2]"),
    TEXT("[\"a\":1]"), TEXT("[1"), TEXT("[1,"), TEXT("[\"a\""), TEXT("[\"a\","), TEXT("[1}"), TEXT("[{]}"),
    TEXT("{,}"), TEXT("{\"a\"}"), TEXT("{\"a\":}"), TEXT("{:1}"), TEXT("{\"a\":1,}"), TEXT("{,\"a\":1}"),
    TEXT("{\"a\":1,,\"b\":2}"), TEXT("{\"a\":1 \"b\":2}"), TEXT("{\"a\":1;\"b\":2}"), TEXT("{\"a\" 1}"),
    TEXT("{\"a\"=1}"), TEXT("{\"a\"::1}"), TEXT("{\"a\",1}"), TEXT("{a:1}"), TEXT("{'a':1}"), TEXT("{1:1}"),
    TEXT("{null:1}"), TEXT("{[]:1}"), TEXT("{{}:1}"), TEXT("{\"a\":1"), TEXT("{\"a\":"), TEXT("{\"a\""), TEXT("{\"a"),
    TEXT("{\"a\":1]"), TEXT("{\"a\":1}}"), TEXT("{\"a\":1,\"b\"}"), TEXT("{\"a\" \"b\"}"), TEXT("{\"a\":1:2}"),
    TEXT("{\"a\":\"b\":\"c\"}"), TEXT("(1)"), TEXT("<null>"), TEXT("*"), TEXT(":"), TEXT(","), TEXT("[...]"),
    TEXT("{...}"), TEXT("[1]x"), TEXT("{}x"), TEXT("[] []"), TEXT("{} {}"), TEXT("[],"), TEXT("1,"), TEXT("null,null"),
    TEXT("{}#"), TEXT("[]/**/"), TEXT("[/**/]"), TEXT("[1]//x"), TEXT("// x\n1"), TEXT("/* x */1"), TEXT("#x\n1"),
    TEXT("[]\0"), TEXT("{}\0"), TEXT("{\"a\":\"\0\"}"), TEXT("{\0}"), TEXT("[1,\0" "2]"), TEXT("[\f]"), TEXT("[\v1]"), TEXT("\b1"),
    // equal names
    TEXT("{\"a\":1,\"a\":1}"), TEXT("{\"a\":1,\"\\u0061\":2}"), TEXT("{\"\":1,\"\":2}"),
    TEXT("{\"a\":1,\"b\":2,\"a\":3}"), TEXT("{\"\\n\":1,\"\\u000a\":2}"), TEXT("[{\"x\":{\"y\":1,\"y\":2}}]"),
    TEXT("{\"\xc3\xa9\":1,\"\\u00E9\":2}"), TEXT("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
    TEXT("{\"\\ud83d\":1,\"\\ud83d\":2}"), TEXT("{\"\\uDE00\":1,\"\\ude00\":2}"),
    TEXT("{\"a\\ud83d\":1,\"\\u0061\\uD83D\":2}"), TEXT("{\"\\ud83d\\ud83d\\ude00\":1,\"\\uD83D\xf0\x9f\x98\x80\":2}"),
};

// JSON, but with halves of surrogate pairs, which stand for no character: accepted where texts are
// passed on, refused where they are taken apart.
static const struct view half_cases[] = {
    TEXT("\"\\ud800\""), TEXT("\"\\udc00\""), TEXT("\"\\udfff\""), TEXT("\"\\uDBFF\""), TEXT("\"\\ud800x\""),
    TEXT("\"\\ud800\\n\""), TEXT("\"\\ud800\\u0041\""), TEXT("\"\\ud800\\ud800\""), TEXT("\"\\udc00\\ud800\""),
    TEXT("\"\\uD800\\uDBFF\""), TEXT("\"\\ud800\\ue000\""), TEXT("\"\\ud800\\\\udc00\""), TEXT("\"a cut one: \\ud83d\""),
    TEXT("\"\\ud83d\\ud83d\\ude00\""), TEXT("\"\\ud83d\\ude00\\ude00\""), TEXT("\"\\ud83d\xf0\x9f\x98\x80\""),
    TEXT("{\"\\ud800\":1}"), TEXT("{\"\\ud800\":1,\"\\ud801\":2,\"\\udc00\":3,\"\\ufffd\":4,\"\":5}"),
    TEXT("{\"\\ud83d\":{\"\\ud83d\":[\"\\ud83d\"]}}"), TEXT("{\"\\ud83d\\ude00\":1,\"\\ude00\\ud83d\":2,\"\\ud83d\":3}"),
};
// clang-format on
