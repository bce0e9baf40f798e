#!/bin/sh
# mosquitto.sh - mosquitto_sub, mosquitto_pub and mosquitto_rr against linnetd, in every version of MQTT they speak.
#
# $LINNETD and $LINNET_MODULES name the broker and the folder of its modules. A subscriber runs in the background with
# its debug output on: it says when its subscription stands, and each message in a line that begins with MSG. Nothing
# is waited for longer than half a minute. Prints TAP.

dir=$(mktemp -d) || exit 99
broker=
clients=
count=0
failed=0

cleanup() {
	for pid in $clients $broker; do
		kill -9 "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- TAP ------------------------------------------------------------------------------------------------------------

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# check NAME STATUS [FILE]: one line of TAP; FILE is shown when it failed.
check() {
	count=$((count + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	failed=1
	[ ! -f "$3" ] || sed 's/^/# /' "$3"
}

# same NAME WANTED GOT [FILE]
same() {
	[ "$2" = "$3" ]
	status=$?
	check "$1" $status "$4"
	[ $status -eq 0 ] || printf 'wanted:\n%s\ngot:\n%s\n' "$2" "$3" | head -40 | sed 's/^/# /'
}

# --- broker and clients ---------------------------------------------------------------------------------------------

start_broker() {
	cat >"$dir/linnet.conf" <<-CONF
		workers: 2
		module-path: $LINNET_MODULES
		modules: [mqtt]
		listeners: { plain: { address: "127.0.0.1:0", stack: [mqtt] } }
		log: { level: debug }
	CONF
	: >"$dir/log"
	"$LINNETD" -c "$dir/linnet.conf" >"$dir/log" 2>&1 &
	broker=$!
	for _ in $(seq 300); do
		port=$(sed -n 's/.* LISTENING .*127\.0\.0\.1:\([0-9]*\)$/\1/p' "$dir/log")
		[ -z "$port" ] || return 0
		kill -0 $broker 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

# until_true COMMAND...: tries for half a minute.
until_true() {
	for _ in $(seq 600); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}

pub() {
	timeout 30 mosquitto_pub -h 127.0.0.1 -p "$port" -V $v "$@" >"$dir/pub" 2>&1
}

# sub OPTION...: in the foreground; what it prints is in $dir/sub.
sub() {
	timeout 40 mosquitto_sub -h 127.0.0.1 -p "$port" -V $v -W 30 "$@" >"$dir/sub" 2>"$dir/sub.err"
}

# listen NAME OPTION...: in the background, from when its subscriptions stand; $pid is it.
listen() {
	out=$dir/$1
	shift
	: >"$out"
	stdbuf -oL mosquitto_sub -d -h 127.0.0.1 -p "$port" -V $v -W 60 "$@" >"$out" 2>&1 &
	pid=$!
	clients="$clients $pid"
	until_true grep -q '^Subscribed (mid' "$out"
}

# heard NAME: the messages so far.
heard() {
	sed -n 's/^MSG //p' "$dir/$1"
}

has_heard() {
	[ "$(heard "$1" | wc -l)" -ge "$2" ]
}

# told TITLE NAME WANTED: the listener NAME hears exactly that, or more lines than that, which is wrong too.
told() {
	lines=$(printf '%s\n' "$3" | wc -l)
	until_true has_heard "$2" "$lines"
	same "$1" "$3" "$(heard "$2")" "$dir/$2"
}

stop_listener() {
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# --- every version --------------------------------------------------------------------------------------------------

F='MSG %t %q %r %p'

qos() {
	for q in 0 1 2; do
		listen qos -t "$v/qos/#" -q 2 -F "$F"
		pub -t "$v/qos/x" -q $q -m "hello $q"
		told "$v: QoS $q out and in" qos "$v/qos/x $q 0 hello $q"
		stop_listener $pid
	done
	listen qos -t "$v/qos/#" -q 1 -F "$F"
	pub -t "$v/qos/x" -q 2 -m lowered
	pub -t "$v/qos/x" -q 0 -m "as it is"
	told "$v: QoS is the lower of both" qos "$v/qos/x 1 0 lowered
$v/qos/x 0 0 as it is"
	stop_listener $pid
}

payloads() {
	head -c 100000 /dev/urandom >"$dir/payload"
	od -An -v -tx1 "$dir/payload" | tr -d ' \n' >"$dir/hex"
	echo >>"$dir/hex"
	for q in 0 2; do
		listen big -t "$v/big" -q 2 -F 'MSG %x'
		pub -t "$v/big" -q $q -f "$dir/payload"
		until_true has_heard big 1
		heard big | cmp - "$dir/hex" >"$dir/cmp" 2>&1
		check "$v: 100,000 random bytes, QoS $q" $? "$dir/cmp"
		stop_listener $pid
	done
	listen empty -t "$v/empty" -q 1 -F "$F"
	pub -t "$v/empty" -q 1 -n
	told "$v: an empty payload" empty "$v/empty 1 0 "
	stop_listener $pid
}

many() {
	listen many -t "$v/many" -q 2 -F 'MSG %p'
	seq 200 >"$dir/numbers"
	timeout 30 mosquitto_pub -h 127.0.0.1 -p "$port" -V $v -t "$v/many" -q 2 -l <"$dir/numbers" >"$dir/pub" 2>&1
	told "$v: 200 messages of QoS 2 arrive once and in order" many "$(cat "$dir/numbers")"
	stop_listener $pid
}

filters() {
	listen filters -t "$v/f/+/x" -t "$v/f/#" -t "$v/f/a/x" -q 1 -F "$F"
	pub -t "$v/f/a/x" -q 1 -m three
	pub -t "$v/f" -q 1 -m parent
	pub -t "$v/g/a/x" -q 1 -m other
	pub -t "$v/f/end" -q 1 -m end
	told "$v: overlapping filters, one copy" filters "$v/f/a/x 1 0 three
$v/f 1 0 parent
$v/f/end 1 0 end"
	stop_listener $pid
}

retained() {
	pub -t "$v/kept/1" -q 1 -r -m one
	pub -t "$v/kept/2" -q 2 -r -m two
	pub -t "$v/kept/2" -q 2 -m "not kept"
	sub -t "$v/kept/#" -q 2 -C 2 -F "$F"
	same "$v: retained messages come first" "$v/kept/1 1 1 one
$v/kept/2 2 1 two" "$(sed 's/^MSG //' "$dir/sub" | sort)"
	pub -t "$v/kept/1" -q 1 -r -n
	sub -t "$v/kept/1" -t "$v/kept/2" -q 2 -C 1 -F "$F"
	same "$v: an empty one takes them away" "MSG $v/kept/2 2 1 two" "$(cat "$dir/sub")"
	listen live -t "$v/live" -q 1 -F "$F"
	pub -t "$v/live" -q 1 -r -m now
	told "$v: who is there already gets it without the flag" live "$v/live 1 0 now"
	stop_listener $pid
}

wills() {
	listen watch -t "$v/will/#" -q 2 -F "$F"
	watch=$pid
	listen dies -t nothing -i "$v-dies" --will-topic "$v/will/dies" --will-payload "gone away" --will-qos 2 --will-retain
	kill -9 $pid
	wait $pid 2>/dev/null
	told "$v: who is killed leaves a will" watch "$v/will/dies 2 0 gone away"
	sub -t "$v/will/dies" -q 1 -C 1 -F "$F"
	same "$v: which is retained when asked" "MSG $v/will/dies 1 1 gone away" "$(cat "$dir/sub")"
	sub -t nothing -i "$v-leaves" --will-topic "$v/will/leaves" --will-payload never --will-qos 1 -E
	pub -t "$v/will/end" -q 2 -m end
	told "$v: who takes leave leaves none" watch "$v/will/dies 2 0 gone away
$v/will/end 2 0 end"
	stop_listener $watch
}

# kept OPTION...: a subscriber whose session stays.
kept() {
	sub -c -i "$v-session" "$@"
}

sessions() {
	kept -t "$v/s/a" -q 2 -E
	for i in 1 2 3; do
		pub -t "$v/s/a" -q 2 -m "waits $i"
	done
	pub -t "$v/s/b" -q 1 -m "not subscribed"
	kept -t "$v/s/b" -q 2 -C 3 -F 'MSG %p %q'
	same "$v: what waited for a session comes in order" "MSG waits 1 2
MSG waits 2 2
MSG waits 3 2" "$(cat "$dir/sub")"
	kept -t "$v/s/b" -U "$v/s/a" -q 1 -E
	pub -t "$v/s/a" -q 1 -m "unsubscribed"
	pub -t "$v/s/b" -q 1 -m "still subscribed"
	kept -t "$v/s/b" -C 1 -F 'MSG %p'
	same "$v: unsubscribed is unsubscribed" "MSG still subscribed" "$(cat "$dir/sub")"
	sub -i "$v-session" -t nothing -E
	pub -t "$v/s/b" -q 1 -m "nobody is there"
	listen clean -c -i "$v-session" -t "$v/s/end" -F 'MSG %p'
	pub -t "$v/s/b" -q 1 -m "nobody is subscribed"
	pub -t "$v/s/end" -q 1 -m end
	told "$v: a clean start ends the session" clean "end"
	stop_listener $pid
}

takeover() {
	listen first -i "$v-twin" -t "$v/twin" -F 'MSG %p'
	first=$pid
	listen second -i "$v-twin" -t "$v/twin" -F 'MSG %p'
	second=$pid
	until_true grep -q "MQTT_TAKEN_OVER .*$v-twin" "$dir/log"
	check "$v: a second client of the same name takes over" $? "$dir/log"
	# The first one comes back by itself after a second and takes over in turn.
	kill -9 $first 2>/dev/null
	wait $first 2>/dev/null
	stop_listener $second
}

shared() {
	listen one -t "\$share/group/$v/shared" -q 1 -F 'MSG %p'
	one=$pid
	listen two -t "\$share/group/$v/shared" -q 1 -F 'MSG %p'
	two=$pid
	listen all -t "$v/shared" -q 1 -F 'MSG %p'
	seq 40 >"$dir/numbers"
	timeout 30 mosquitto_pub -h 127.0.0.1 -p "$port" -V $v -t "$v/shared" -q 1 -l <"$dir/numbers" >"$dir/pub" 2>&1
	told "$v: shared subscription: who is not in the group gets all" all "$(cat "$dir/numbers")"
	until_true has_all_shared
	same "$v: the group gets all between them, once" "$(cat "$dir/numbers")" "$(shared_lines)"
	has_heard one 1 && has_heard two 1
	check "$v: and each of them some" $?
	stop_listener $one
	stop_listener $two
	stop_listener $pid
}

shared_lines() {
	{
		heard one
		heard two
	} | sort -n
}

has_all_shared() {
	[ "$(shared_lines | wc -l)" -ge 40 ]
}

# --- several versions at once ---------------------------------------------------------------------------------------

mixed() {
	clients_mixed=
	for v in mqttv31 mqttv311 mqttv5; do
		listen "mixed-$v" -t mixed -q 2 -F "MSG %p %q"
		clients_mixed="$clients_mixed $pid"
	done
	for v in mqttv31 mqttv311 mqttv5; do
		pub -t mixed -q 2 -m "from $v"
	done
	for v in mqttv31 mqttv311 mqttv5; do
		told "$v hears all versions" "mixed-$v" "from mqttv31 2
from mqttv311 2
from mqttv5 2"
	done
	for pid in $clients_mixed; do
		stop_listener "$pid"
	done
}

# --- 5.0 alone ------------------------------------------------------------------------------------------------------

properties() {
	listen props -t props -q 1 -F 'MSG %p|%C|%R|%D|%F|%P|%E' -D subscribe subscription-identifier 77
	pub -t props -q 1 -m all -D publish content-type text/plain -D publish response-topic the/answer \
		-D publish correlation-data c0rr -D publish payload-format-indicator 1 \
		-D publish user-property one 1 -D publish user-property two "2 b" -D publish user-property one again \
		-D publish message-expiry-interval 600
	told "properties arrive as they were sent, user properties in order" props \
		"all|text/plain|the/answer|c0rr|1|one:1 two:2 b one:again|600"
	stop_listener $pid
	listen ids -t 'ids/#' -q 1 -F 'MSG %p %S' -D subscribe subscription-identifier 268435455
	pub -t ids/1 -q 1 -m here
	told "subscription identifiers come along" ids "here 268435455"
	stop_listener $pid
	listen rap -t rap -q 1 --retain-as-published -F "$F"
	pub -t rap -q 1 -r -m flag
	told "retain as published" rap "rap 1 1 flag"
	stop_listener $pid
}

aliases() {
	listen alias -t alias/topic -q 1 -F "$F"
	printf '%s\n' first second third >"$dir/lines"
	timeout 30 mosquitto_pub -h 127.0.0.1 -p "$port" -V $v -t alias/topic -q 1 -l -D publish topic-alias 3 \
		<"$dir/lines" >"$dir/pub" 2>&1
	told "a topic alias stands for its topic" alias "alias/topic 1 0 first
alias/topic 1 0 second
alias/topic 1 0 third"
	stop_listener $pid
}

limits() {
	listen small -t small -q 1 -F 'MSG %p' -D connect maximum-packet-size 100
	pub -t small -q 1 -m "$(seq 100)"
	pub -t small -q 1 -m fits
	told "what is larger than the client's maximum packet size is left out" small fits
	stop_listener $pid
	listen window -t window -q 2 -F 'MSG %p' -D connect receive-maximum 2
	seq 50 >"$dir/numbers"
	timeout 30 mosquitto_pub -h 127.0.0.1 -p "$port" -V $v -t window -q 2 -l -D connect receive-maximum 1 \
		<"$dir/numbers" >"$dir/pub" 2>&1
	told "a receive maximum of 2 does not hold up 50 messages" window "$(cat "$dir/numbers")"
	stop_listener $pid
}

expiry() {
	sub -c -x 60 -i expires-later -t expiry -q 1 -E
	sub -c -x 0 -i expires-now -t expiry -q 1 -E
	pub -t expiry -q 1 -m short -D publish message-expiry-interval 1
	pub -t expiry -q 1 -m long -D publish message-expiry-interval 600
	sleep 2.1
	sub -c -x 60 -i expires-later -t expiry -q 1 -C 1 -F 'MSG %p'
	same "a message whose time is over is not sent, another is" "MSG long" "$(cat "$dir/sub")"
	listen now -c -x 60 -i expires-now -t expiry -q 1 -F 'MSG %p'
	pub -t expiry -q 1 -m afresh
	told "a session that expires at once keeps nothing" now afresh
	stop_listener $pid
	listen watch -t delayed/# -q 1 -F 'MSG %p %P %C'
	watch=$pid
	listen dies -t nothing -i dies-delayed -x 600 --will-topic delayed/will --will-payload late --will-qos 1 \
		-D will will-delay-interval 1 -D will user-property who me -D will content-type a/b
	kill -9 $pid
	wait $pid 2>/dev/null
	pub -t delayed/first -q 1 -m before
	told "a will waits for its delay and has its properties" watch "before  
late who:me a/b"
	stop_listener $watch
}

requests() {
	for v in mqttv311 mqttv5; do
		listen server -t "$v/request" -q 1 -F 'MSG %p|%R'
		server=$pid
		timeout 30 mosquitto_rr -h 127.0.0.1 -p "$port" -V $v -t "$v/request" -e "$v/response" -m question -q 1 -W 30 \
			>"$dir/rr" 2>&1 &
		rr=$!
		clients="$clients $rr"
		told "$v: mosquitto_rr asks" server "question|$([ $v = mqttv5 ] && echo "$v/response")"
		pub -t "$v/response" -q 1 -m "answer to $v"
		wait $rr
		same "$v: and is answered" "answer to $v" "$(cat "$dir/rr")"
		stop_listener $server
	done
}

reasons() {
	pub -d -t '$SYS/forged' -q 1 -m x
	grep -qi 'not authorized' "$dir/pub"
	check "publishing to \$SYS is refused, and the client says why" $? "$dir/pub"
	pub -d -t nobody/listens -q 1 -m x
	grep -q 'RC:16' "$dir/pub"
	check "nobody listens: PUBACK says so" $? "$dir/pub"
}

# --- all of it ------------------------------------------------------------------------------------------------------

ends_well() {
	kill -0 $broker 2>/dev/null
	check "the broker still lives" $? "$dir/log"
	kill $broker
	wait $broker
	status=$?
	broker=
	check "SIGTERM ends it with 0" $status "$dir/log"
	grep -E 'Sanitizer|runtime error:|ln_require|ln_insist' "$dir/log" >"$dir/reports"
	[ ! -s "$dir/reports" ]
	check "no sanitizer report, no failed assertion" $? "$dir/reports"
}

[ -x "$LINNETD" ] || skip_all "no broker: set LINNETD and LINNET_MODULES"
for program in mosquitto_sub mosquitto_pub mosquitto_rr; do
	command -v $program >/dev/null || skip_all "mosquitto-clients missing"
done
mosquitto_sub --help | grep -q mqttv5 || skip_all "mosquitto-clients are older than MQTT 5.0"

start_broker
check "linnetd starts" $? "$dir/log"
for v in mqttv31 mqttv311 mqttv5; do
	qos
	payloads
	many
	filters
	retained
	wills
	sessions
	takeover
	shared
done
mixed
v=mqttv5
properties
aliases
limits
expiry
reasons
requests
ends_well
echo "1..$count"
exit $failed
