#!/bin/sh
# selftest.sh — does the tester fail when it should? Plays that are wrong in one way each must end with the right status
# and say why. Needs no broker: two actors talk to each other, and a shell script with linnetd's manners stands in
# for it.
#
# usage: selftest.sh   (environment: PARLEY, the program under test; default ./parley; TALKS, the plays' directory)
parley=${PARLEY:-./parley}
dir=$(mktemp -d "${TMPDIR:-/tmp}/parley-selftest.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
talks=${TALKS:-$(dirname "$0")/../talks}
number=0
failures=0

# check WHAT STATUS [TEXT…]: performs $dir/play, options from $options; every TEXT must stand in what parley prints.
check() {
	what=$1
	want=$2
	shift 2
	# shellcheck disable=SC2086 # options are several words
	"$parley" -t 500ms -T 3s --linnetd "$dir/linnetd" $options "$dir/play" >"$dir/out" 2>&1
	got=$?
	options=
	number=$((number + 1))
	verdict=ok
	[ $got -eq "$want" ] || verdict="not ok"
	for text; do
		grep -qF -e "$text" "$dir/out" || { verdict="not ok"; echo "# missing: $text"; }
	done
	echo "$verdict $number - $what"
	[ "$verdict" = ok ] && return
	failures=$((failures + 1))
	echo "# status $got, expected $want"
	sed 's/^/# /' "$dir/out"
}

# play: the play is standard input, behind a title and a server that accepts one client of 5.0.
play() {
	cat - >"$dir/play"
}
with_server() {
	{
		printf 'parley "self-test"\nmqtt s -listen "127.0.0.1:0" {\n\texpect connect\n\tconnack\n'
		printf '%s\n' "$1"
		printf '} -start\nmqtt c -connect ${s} {\n\tconnect -v 5\n\texpect connack\n'
		cat -
		printf '} -start\n'
	} >"$dir/play"
}

# A stand-in for linnetd. FAKE says how it misbehaves.
cat >"$dir/linnetd" <<'END'
#!/bin/sh
[ "$1" = -c ] || exit 64
conf=$2		# in a trap, $2 may be a function's
stats=$(sed -n 's/^stats-file: //p' "$conf")
say() { echo "2026-11-24T02:50:42.123Z notice $1 [main] $2" >&2; }
requests=0
count() {
	requests=$((requests + 1))
	printf "mqtt.wills 1\nrequests %d\n" $requests >"$stats.new"
	mv "$stats.new" "$stats"
}
trap count USR2
trap 'say RELOADED "configuration is in force: $(cat "$conf" | tr "\n" " ")"' HUP
trap 'say STOPPING "got SIGTERM"; exit ${FAKE_EXIT:-0}' TERM
trap 'exit 7' USR1
case ${FAKE:-} in
never-ready) while :; do sleep 0.02; done ;;
early-exit) say BAD_CONFIG "linnet.conf:1:1: no"; exit 3 ;;
esac
say LISTENING "listener second listens on [::1]:4002"
say LISTENING "listener plain listens on 127.0.0.1:4001"
say READY "serving"
[ "${FAKE:-}" = asan ] && echo "==12==ERROR: AddressSanitizer: heap-use-after-free" >&2
[ "${FAKE:-}" = crash ] && { sleep 0.2; kill -SEGV $$; }
while :; do sleep 0.02; done
END
chmod +x "$dir/linnetd"

# --- plays that are ill-formed: status 2, file:line:column --------------------------------------------------------

ill() {	# ill WHAT PLACE-AND-TEXT; the play's second line is standard input
	{ printf 'parley "ill-formed"\n'; cat -; } >"$dir/play"
	check "ill-formed: $1" 2 "$dir/play:$2"
}
printf 'mqtt a -start\n' >"$dir/play"
check "ill-formed: no title" 2 "$dir/play:1:1: a play begins with"
ill "unknown statement" '2:1: unknown command "brokr"' <<'END'
brokr b1 -start
END
ill "unknown option" '2:11: broker has no option -sart' <<'END'
broker b1 -sart
END
ill "unknown command" '3:2: unknown command "conect"' <<'END'
mqtt a -connect x:1 {
	conect
}
END
ill "mqtt command in a raw actor" '3:2: unknown command "publish"' <<'END'
raw a -connect x:1 {
	publish a b
}
END
ill "bad QoS" '3:19: expected a QoS' <<'END'
mqtt a -connect x:1 {
	publish a b -qos 4
}
END
ill "missing value of an option" '3:18: -qos needs a QoS' <<'END'
mqtt a -connect x:1 {
	publish a b -qos
}
END
ill "unknown field" '3:9: this packet has no such field' <<'END'
mqtt a -connect x:1 {
	expect connack.topic == a
}
END
ill "unknown property" '3:9: unknown property' <<'END'
mqtt a -connect x:1 {
	expect publish.prop.colour == a
}
END
ill "property in the wrong packet" '3:9: this packet cannot have that property' <<'END'
mqtt a -connect x:1 {
	expect publish.prop.receive-maximum == 3
}
END
ill "unknown operator" '3:21: expected one of ==' <<'END'
mqtt a -connect x:1 {
	expect publish.qos =< 1
}
END
ill "text where a number is compared" '3:24: expected a number' <<'END'
mqtt a -connect x:1 {
	expect publish.qos == one
}
END
ill "unknown reason" '3:27: unknown reason code' <<'END'
mqtt a -connect x:1 {
	expect connack.reason == succes
}
END
ill "unknown macro" '2:17: unknown macro: ${b1}' <<'END'
mqtt a -connect ${b1} { } -run
END
ill "a lone barrier" '3:10: nobody else comes to this barrier' <<'END'
mqtt a -connect x:1 {
	barrier up
}
END
ill "two conditions about two packets" '3:28: the conditions of one expect' <<'END'
mqtt a -connect x:1 {
	expect publish.topic == a puback.id == 1
}
END
ill "no closing brace" '2:21: no closing brace' <<'END'
mqtt a -connect x:1 {
	pingreq
END
ill "open string" '3:10: a string without its closing quote' <<'END'
mqtt a -connect x:1 {
	publish "a
}
END
ill "one name for two" '3:5: a is a broker actor already' <<'END'
broker a
raw a -connect x:1 { }
END
ill "start without a block" '2:1: a starts but has no block' <<'END'
mqtt a -connect x:1 -run
END
ill "bad hexadecimal" '3:11: expected pairs of hexadecimal' <<'END'
raw a -connect x:1 {
	send-hex "10 0"
}
END
ill "bad duration" '2:7: expected a duration' <<'END'
delay 5
END

# --- expectations that must fail: status 1, what and why ----------------------------------------------------------

with_server 'publish "t" "hello" -qos 1' <<'END'
	expect publish.payload == "bye"
END
check "a wrong payload" 1 "$dir/play:10: expect publish.payload" 'expected: publish.payload == "bye"' \
	'found:    "hello"' 'received: PUBLISH id=1 topic="t" qos=1 size=5 payload="hello"' \
	'32 0b 00 01 74 00 01 00 68 65 6c 6c 6f' 'FAIL'

with_server 'publish "t" "hello"' <<'END'
	expect puback
END
check "another packet" 1 "expected: puback" "received: PUBLISH topic="

with_server 'publish "t" "hello"' <<'END'
	expect publish.topic == "t"
	expect publish.topic == "t"
END
check "a field asked twice needs a second packet" 1 "$dir/play:11:" "the end of the connection"

with_server 'delay 1s' <<'END'
	expect publish
END
check "nothing within the time-out" 1 "received: nothing within 0.5s"

with_server 'publish t x; delay 100ms' <<'END'
	quiet 50ms
END
check "quiet hears a packet" 1 "expected: nothing" "received: PUBLISH"

with_server '' <<'END'
	quiet 200ms
END
check "quiet hears the end of the connection" 1 "expected: nothing" "received: the end of the connection"

with_server 'publish t x' <<'END'
	expect-close
END
check "expect-close hears a packet first" 1 "expected: the end of the connection" "received: PUBLISH"

with_server 'delay 1s' <<'END'
	expect-close
END
check "expect-close waits in vain" 1 "expected: the end of the connection" "received: nothing"

with_server 'send-hex "30 03 00 01 23"' <<'END'
	expect publish
END
check "a malformed packet" 1 "a malformed packet: a wildcard in a topic name [MQTT-3.3.2-2]" "30 03 00 01 23"

with_server 'publish t "a"; publish t "c"' <<'END'
	expect-any-order { publish.payload == "b"; publish.payload == "a" }
END
check "any order, but not anything" 1 'expected: publish.payload == "b"' 'payload="c"'

with_server 'publish t x -prop content-type "text"' <<'END'
	expect publish.prop.content-type == absent
END
check "a property that should be absent" 1 'found:    "text"'

with_server 'publish t x' <<'END'
	expect publish.prop.content-type != absent
END
check "a property that should be there" 1 'found:    absent'

with_server 'delay 1s' <<'END'
	puback
END
check "an acknowledgement of nothing" 1 "no publish has been received"

with_server 'suback -id 1 -codes "0 0x80"; delay 100ms' <<'END'
	expect suback.codes == "0 not-authorized"
END
check "wrong codes" 1 'found:    "0 128"'

with_server 'delay 100ms' <<'END'
	cut
	publish t x
END
check "sending without a connection" 1 "there is no connection"

play <<'END'
parley "self-test"
raw s -listen "127.0.0.1:0" { send "\x01\x02\x03"; delay 200ms } -start
raw c -connect ${s} { expect-hex "01 .. 04" } -run
END
check "wrong bytes" 1 "expected: 01 .. 04" "received: 01 02 03"

play <<'END'
parley "self-test"
raw c -connect "127.0.0.1:1" { delay 1ms } -run
END
check "nobody listens" 1 "connection refused"

play <<'END'
parley "self-test"
limit 400ms
raw s -listen "127.0.0.1:0" { barrier up } -start
raw c -connect ${s} { delay 2s; barrier up } -start
END
check "the play's time is over" 1 "play's time"

# ws_server BYTES [PROTOCOL]: the play is a client of -ws and a server that sends BYTES after its upgrade; the client's
# commands are standard input.
ws_server() {
	{
		printf 'parley "self-test"\nraw s -listen "127.0.0.1:0" {\n\tskip-until "\\r\\n\\r\\n"\n'
		printf '\tsend "HTTP/1.1 101 x\\r\\nUpgrade: websocket\\r\\nConnection: upgrade\\r\\n"\n'
		printf '\tsend "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n"\n'
		printf '\tsend "Sec-WebSocket-Protocol: %s\\r\\n\\r\\n"\n' "${2-mqtt}"
		printf '\tsend-hex "%s"\n\tdelay 50ms\n} -start\nmqtt c -connect ${s} -ws "/" {\n' "$1"
		cat -
		printf '} -run\n'
	} >"$dir/play"
}

ws_server "81 02 d0 00" <<'END'
	expect pingresp
END
check "a text frame" 1 "received: a malformed frame: a text frame"

ws_server "82 02 d0 00" amqp <<'END'
	expect pingresp
END
check "another sub-protocol" 1 "not one of the sub-protocols asked for" 'received: "HTTP/1.1 101 x'

ws_server "88 02 03 e8" <<'END'
	expect-close -ws-code 1002
END
check "another close code" 1 "a close frame with code 1002" "received: 1000"

ws_server "82 00" <<'END'
	expect-close -ws-code 1002
END
check "no close frame" 1 "a close frame with code 1002" "received: 1006"

ws_server "8a 01 02" <<'END'
	expect-pong "01"
END
check "a pong with other bytes" 1 "expected: a pong with this payload" "received: 02"

play <<'END'
parley "self-test"
raw s -listen "127.0.0.1:0" { skip-until "\r\n\r\n"; send "HTTP/1.1 403 Forbidden\r\n\r\n" } -start
mqtt c -connect ${s} -ws "/" { delay 1ms } -run
END
check "a refused upgrade" 1 "the upgrade is refused" "403 Forbidden"

play <<'END'
parley "self-test"
raw c -connect "unix:/nonexistent/socket" { delay 1ms } -run
END
check "no such Unix socket" 1 "cannot connect"

# --- plays that must pass -----------------------------------------------------------------------------------------

for talk in auto-ack bytes expect-rule packets stage unix-proxy ws; do
	cp "$talks/a-$talk.parley" "$dir/a-$talk.parley"
	cp "$dir/a-$talk.parley" "$dir/play"
	check "a-$talk.parley" 0
done

play <<'END'
parley "self-test"
repeat ${env.PARLEY_NUMBER} { delay 1ms }
END
PARLEY_NUMBER=many check "a number that is none once its macro is known" 1 '"many" is not a number'
check "a macro without a value" 1 '${env.PARLEY_NUMBER} has no value here'

# --- brokers ------------------------------------------------------------------------------------------------------

play <<'END'
parley "self-test"
broker b1 -conf {
	listeners:
	  plain: { address: "127.0.0.1:0", stack: [mqtt] }
	auth: [acl]
} -start -expect mqtt.wills == 1 -expect requests >= 3
broker b1 -conf { auth: [passwd] } -reload -expect-log "auth: [passwd]" -expect-no-log "nonsense"
file "f" { ${b1} ${b1.port} ${b1.second} ${b1.second.port} ${b1.dir} }
shell "cat f" -expect-output "127.0.0.1:4001 4001 [::1]:4002 4002 ${tmp}/b1"
shell "cat b1/linnet.conf" -expect-output "workers: 2"
shell "exit 3" -expect-exit 3
broker b1 -stop -start -kill -start -signal USR1 -expect-exit 7 -start
END
check "a broker's whole life" 0

play <<'END'
parley "self-test"
broker b1 -start -expect mqtt.wills == 2
END
check "a wrong counter" 1 "expected: mqtt.wills == 2" "received: 1" "last lines of b1's log" "READY [main] serving"

play <<'END'
parley "self-test"
broker b1 -start -expect mqtt.nonsense == 0
END
check "a counter that does not exist" 1 "no such counter"

play <<'END'
parley "self-test"
broker b1 -start -expect-log "never said"
END
check "a log line that never comes" 1 'never says "never said"'

play <<'END'
parley "self-test"
broker b1 -start -expect-no-log "serving"
END
check "a log line that should not be" 1 'says "serving"'

play <<'END'
parley "self-test"
broker b1 -start
delay 100ms
END
FAKE=asan check "a sanitizer's report" 1 "a sanitizer reports about b1" "heap-use-after-free"
FAKE_EXIT=4 check "a bad exit status at the end" 1 "b1 ended with status 4"
FAKE=early-exit check "an end before it is ready" 1 "ended with status 3 before it was ready" "BAD_CONFIG"
FAKE=never-ready check "a broker that is never ready" 1 "is not ready in time"

play <<'END'
parley "self-test"
broker b1 -start
delay 500ms
END
FAKE=crash check "a crash nobody noticed" 1 "b1 ended with status 139 (a signal)"

play <<'END'
parley "self-test"
broker b1 -start -expect-exit 3
END
FAKE=early-exit check "an end that is expected" 0

options="--external 127.0.0.1:1"
check "no orders for an external broker" 77 "needs a broker of its own"

# --- results ------------------------------------------------------------------------------------------------------

play <<'END'
parley "self-test"
require program no-such-program-anywhere
END
check "skipped" 77 "skip $dir/play"
options=--tap
check "skipped, in TAP" 77 "ok 1 - $dir/play" "# SKIP"

play <<'END'
parley "the title"
shell "false"
END
options=--tap
check "failed, in TAP" 1 "1..1" "not ok 1 - $dir/play - the title" "# $dir/play:2: shell"

cp "$dir/play" "$dir/second"
options="-j 2 $dir/second"
check "two plays at a time" 1 "0 passed, 2 failed, 0 skipped"

options=-n
check "only read, not performed" 0

echo "1..$number"
[ $failures -eq 0 ]
