#!/bin/bash
# The framing of HTTP at the door of a running gateway: whatever could be read in two ways is answered with 400, and the
# connection is closed, so that nothing behind it is taken for a request. And the answers that need no MCP server.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

new_key alice@example.com "Team Project"
: >"$T/serve.log"
"$SMG" serve --listen 127.0.0.1:0 2>"$T/serve.log" &
gateway=$!
at_end "kill $gateway 2>/dev/null"
for ((i = 0; i < 100; i++)); do
    port=$(sed -nE 's/.*"event":"listening".*"address":"127\.0\.0\.1:([0-9]+)".*/\1/p' "$T/serve.log")
    [ "$port" ] && break
    sleep 0.1
done
check 'the gateway says where it listens' test "$port"
export port KEY

cat >"$T/probe.pl" <<'PERL'
use strict; use warnings; use IO::Socket::INET;
my ($port, $key) = @ENV{qw(port KEY)};
my $ok = "Host: 127.0.0.1:$port\r\n";
my $mcp = "Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\nAuthorization: Bearer $key\r\n";
my $ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
my $size = length $ping;
sub ask {    # all that comes back until the end; '' after 5 s without an end
    my ($request) = @_;
    my $to = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die "connect: $!";
    syswrite $to, $request;
    my ($answer, $more) = ('', '');
    eval {
        local $SIG{ALRM} = sub { die "late\n" };
        alarm 5;
        $answer .= $more while sysread $to, $more, 65536;
        alarm 0;
        1;
    } or return "LATE $answer";
    return $answer;
}
my $smuggled = "GET /healthz HTTP/1.1\r\n${ok}Connection: close\r\n\r\n";
my %bad = (
    'bare LF in the request line'  => "POST /mcp HTTP/1.1\n${ok}\r\n",
    'bare LF behind a field'       => "POST /mcp HTTP/1.1\r\n${ok}X: y\n\r\n",
    'bare CR in a value'           => "POST /mcp HTTP/1.1\r\n${ok}X: a\rb\r\n\r\n",
    'obs-fold'                     => "POST /mcp HTTP/1.1\r\n${ok}X: a\r\n b\r\n\r\n",
    'blank before the colon'       => "POST /mcp HTTP/1.1\r\n${ok}Content-Length : $size\r\n\r\n$ping",
    'second Content-Length'        => "POST /mcp HTTP/1.1\r\n$ok${mcp}Content-Length: $size\r\nContent-Length: $size\r\n\r\n$ping",
    'other second Content-Length'  => "POST /mcp HTTP/1.1\r\n$ok${mcp}Content-Length: 0\r\nContent-Length: $size\r\n\r\n$ping",
    'length and chunked'           => "POST /mcp HTTP/1.1\r\n$ok${mcp}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    'length +5'                    => "POST /mcp HTTP/1.1\r\n$ok${mcp}Content-Length: +$size\r\n\r\n$ping",
    'length 0x5'                   => "POST /mcp HTTP/1.1\r\n$ok${mcp}Content-Length: 0x28\r\n\r\n$ping",
    'length 5,5'                   => "POST /mcp HTTP/1.1\r\n$ok${mcp}Content-Length: $size,$size\r\n\r\n$ping",
    'gzip, chunked'                => "POST /mcp HTTP/1.1\r\n$ok${mcp}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    'xchunked'                     => "POST /mcp HTTP/1.1\r\n$ok${mcp}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    'identity'                     => "POST /mcp HTTP/1.1\r\n$ok${mcp}Transfer-Encoding: identity\r\n\r\n",
    'no Host'                      => "POST /mcp HTTP/1.1\r\n${mcp}Content-Length: $size\r\n\r\n$ping",
    'second Host'                  => "POST /mcp HTTP/1.1\r\n$ok$ok${mcp}Content-Length: $size\r\n\r\n$ping",
    'NUL in a value'               => "POST /mcp HTTP/1.1\r\n${ok}X: a\0b\r\n\r\n",
    'control character in a name'  => "POST /mcp HTTP/1.1\r\n${ok}X\x01: a\r\n\r\n",
    'control character in a value' => "POST /mcp HTTP/1.1\r\n${ok}X: \x7f\r\n\r\n",
    'control character in a target' => "POST /m\x01cp HTTP/1.1\r\n${ok}\r\n",
    'HTTP/2.0'                     => "POST /mcp HTTP/2.0\r\n${ok}\r\n",
    'chunk size with LF alone'     => "POST /mcp HTTP/1.1\r\n$ok${mcp}Transfer-Encoding: chunked\r\n\r\n5\nabcde\r\n0\r\n\r\n",
    'chunk size with a sign'       => "POST /mcp HTTP/1.1\r\n$ok${mcp}Transfer-Encoding: chunked\r\n\r\n+5\r\nabcde\r\n0\r\n\r\n",
    'chunk without its line end'   => "POST /mcp HTTP/1.1\r\n$ok${mcp}Transfer-Encoding: chunked\r\n\r\n5\r\nabcdeX\r\n0\r\n\r\n",
);
for my $name (sort keys %bad) {
    my $answer = ask($bad{$name} . $smuggled);
    my $fine = $answer =~ /^HTTP\/1\.1 400 / && $answer !~ /HTTP\/1\.1 200/;
    print $fine ? "ok" : "FAIL", " $name", $fine ? "\n" : ": $answer\n";
}
my %other = (
    'health' => ["GET /healthz HTTP/1.1\r\n${ok}Connection: close\r\n\r\n", 200],
    'ready' => ["GET /readyz HTTP/1.1\r\n${ok}Connection: close\r\n\r\n", 200],
    'no key' => ["POST /mcp HTTP/1.1\r\n${ok}Connection: close\r\nContent-Length: 0\r\n\r\n", 401],
    'bad key' => ["POST /mcp HTTP/1.1\r\n${ok}apikey: smg_x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 401],
    'key in the URL' => ["POST /mcp?apikey=$key HTTP/1.1\r\n${ok}Connection: close\r\nContent-Length: 0\r\n\r\n", 400],
    'foreign origin' => ["POST /mcp HTTP/1.1\r\n${ok}${mcp}Origin: http://evil.example\r\nConnection: close\r\nContent-Length: $size\r\n\r\n$ping", 403],
    'foreign host' => ["POST /mcp HTTP/1.1\r\nHost: evil.example\r\n${mcp}Connection: close\r\nContent-Length: $size\r\n\r\n$ping", 403],
    'no JSON' => ["POST /mcp HTTP/1.1\r\n${ok}${mcp}Connection: close\r\nContent-Length: 4\r\n\r\n{\"a\"", 400],
    'too large' => ["POST /mcp HTTP/1.1\r\n${ok}${mcp}Content-Length: 99999999\r\n\r\n", 413],
    'a large head' => ["POST /mcp HTTP/1.1\r\n${ok}X: " . 'x' x 20000 . "\r\n\r\n", 431],
    'initialize' => ["POST /mcp HTTP/1.1\r\n${ok}${mcp}Connection: close\r\nContent-Length: 152\r\n\r\n"
        . sprintf('%-152s', '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}'), 200],
);
for my $name (sort keys %other) {
    my ($request, $status) = @{ $other{$name} };
    my $answer = ask($request);
    my $fine = $answer =~ /^HTTP\/1\.1 $status /;
    print $fine ? "ok" : "FAIL", " $name", $fine ? "\n" : ": $answer\n";
}
PERL
while IFS= read -r line; do
    case $line in
    'ok '*) pass "${line#ok }" ;;
    *) fail "$line" ;;
    esac
done < <(perl "$T/probe.pl")
check 'no key is in the journal' test "$(grep -c -F "$KEY" "$T/serve.log")" = 0
kill "$gateway"
wait "$gateway"
check 'SIGTERM ends it well' test $? = 0
summary
