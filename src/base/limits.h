// limits.h: every ceiling on input from outside, each with its reason. A number that bounds
// hostile input stands here and nowhere else.
#pragma once

// A ceiling as it stands in a sentence: "at most " LIMIT_TEXT(LIMIT_NAME) " bytes". For those that
// are plain numbers.
#define LIMIT_TEXT(limit) LIMIT_TEXT_(limit)
#define LIMIT_TEXT_(limit) #limit

// RFC 5321 section 4.5.3.1.3: a path is at most 256 octets with its brackets, so 254 inside them.
#define LIMIT_EMAIL 254

// Names of projects, configs, servers and keys: long enough for any team's convention, short
// enough for a table and an error message. Bytes of UTF-8.
#define LIMIT_NAME 128

// An API key of any shape, ours (48) or imported. Bytes.
#define LIMIT_API_KEY 512

// What `--search-term` and the audit filters take. Bytes.
#define LIMIT_TERM 256

// A file given as `@FILE` or on standard input for an option's value. Bytes.
#define LIMIT_INPUT_FILE (16u << 20)

// Held output (nothing is shown before the change is durable) must fit in memory. Bytes.
#define LIMIT_HELD_OUTPUT (512u << 20)

// `system import`: the file of the Python original. 100,000 users, each with a key and a
// membership, take some 40 MB of it; more would keep others waiting for the store. Bytes.
#define LIMIT_EXCHANGE_FILE (64u << 20)

// The tree of that file, see LIMIT_JSON_MEMORY. Bytes.
#define LIMIT_EXCHANGE_MEMORY (768u << 20)

// Users, projects, memberships, configs, servers and keys in it: some 20 seconds at worst, so that
// nobody waits for the store longer than LIMIT_BUSY_MS.
#define LIMIT_EXCHANGE_THINGS 400000

// What a report tells one by one; the rest is counted. Enough to mend a file by, and a hostile file
// cannot make a report that is larger than itself.
#define LIMIT_REPORT 1000

// Members of the original's file that are kept only to be given back: it has two of its own.
#define LIMIT_KEPT 64

// The tree of a JSON text from outside: a value takes 64 bytes and more, however short it is, so
// that a file of LIMIT_INPUT_FILE bytes fits when its values are not all of one digit. Bytes.
#define LIMIT_JSON_MEMORY (256u << 20)

// The record of one MCP server as JSON, with all its tools. Bytes.
#define LIMIT_SERVER_RECORD (1u << 20)

// The address of an MCP server; longer ones do not pass proxies (RFC 9110 section 4.1 asks for
// 8000, browsers and proxies stop earlier). Bytes.
#define LIMIT_URL 4096

// The size line of a chunk with its extension, and all trailers of a body: nobody needs either, and
// what is skipped must end. Bytes.
#define LIMIT_CHUNK_LINE 4096

// Size lines of a chunked body beyond 16 bytes each and twice the data: a body whose every byte
// brings an extension would cost us its limit a thousand times over. Bytes.
#define LIMIT_CHUNK_EXCESS (16u << 10)

// A call of so many bytes does not count in the ration of requests under way: a key has only so
// many calls. Bytes.
#define LIMIT_SMALL_CALL (16u << 10)

// What a server's `timeouts` may say: a day is longer than any connection lives. Seconds.
#define LIMIT_TIMEOUT_SECONDS 86400

// `--args A,B,C`: well below what a system takes as the arguments of a program. Bytes.
#define LIMIT_LIST 65536

// JSON nesting: deeper documents are refused before they can exhaust the stack (gateway contract).
#define LIMIT_JSON_DEPTH 128

// What `--max-depth` may make of that for messages: a level takes some 200 bytes of stack.
#define LIMIT_MESSAGE_DEPTH 1024

// The same for the record of an MCP server: `system export` puts four levels around it, and what
// was exported must be a file that can be imported.
#define LIMIT_RECORD_DEPTH (LIMIT_JSON_DEPTH - 4)

// The id of a JSON-RPC message, with its quotes; it is kept as long as the call lives. Real ones
// are numbers or UUIDs. Bytes.
#define LIMIT_RPC_ID 256

// The method of a JSON-RPC message; it goes to logs and headers. MCP's longest has 41. Bytes.
#define LIMIT_RPC_METHOD 128

// The capabilities and the clientInfo that a client sends with `initialize`: they are kept as long
// as its session, and told to the servers that it has for itself. Real ones have some hundred
// bytes, more with an icon. Bytes, of both together.
#define LIMIT_CLIENT_WORDS 65536

// `--limit N`: a page of a list.
#define LIMIT_PAGE 1000000

// Sizes such as `--max-body 10M`: no single piece of a conversation is larger. Bytes.
#define LIMIT_SIZE (1u << 30)

// Durations such as `--expires-in`: a hundred years, so that sums of times cannot overflow.
#define LIMIT_DURATION_DAYS 36500

// `user import`: rows of one file, so that nobody waits for the store longer than LIMIT_BUSY_MS.
#define LIMIT_IMPORT_ROWS 100000

// A file system path taken from options or environment. Bytes.
#define LIMIT_PATH 3072

// The notes of an audit record: three texts, the longest are paths, whose every byte may take six
// when it is written as an escape. Bytes.
#define LIMIT_AUDIT_DETAIL (3u * 6 * (LIMIT_PATH + 256))

// How long a command waits for another command's change to finish before it says `store_busy`.
#define LIMIT_BUSY_MS 30000
