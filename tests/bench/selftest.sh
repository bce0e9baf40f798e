#!/bin/sh
# selftest.sh - does linnet-bench measure, and does it notice what it is there to notice?
#
# Needs $LINNET_BENCH. What needs a broker runs against $LINNETD with the modules in $LINNET_MODULES, or against a
# broker that already listens on 127.0.0.1:$BENCH_PORT; without either it is skipped. Faults are simulated by the
# generator itself (--fault), because no broker here loses messages on demand. Prints TAP.

bench=${LINNET_BENCH:-linnet-bench}
dir=$(mktemp -d) || exit 99
broker=
count=0
failed=0

cleanup() {
	[ -z "$broker" ] || kill "$broker" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# check NAME STATUS: one line of TAP; what the last command said follows when it failed.
check() {
	count=$((count + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $count - $1"
		return
	fi
	echo "not ok $count - $1"
	failed=1
	sed 's/^/# /' "$dir/out"
}

# refuses NAME WORD OPTION...: status 2, and WORD in the message.
refuses() {
	name=$1 word=$2
	shift 2
	"$bench" "$@" >"$dir/out" 2>&1
	status=$?
	[ $status -eq 2 ] && grep -q -e "$word" "$dir/out"
	check "$name" $?
}

start_broker() {
	[ -x "$LINNETD" ] || return 1
	for try in 1 2 3 4 5; do
		port=$((20000 + ($$ * 7 + try * 1009) % 12000))
		cat >"$dir/linnet.conf" <<-CONF
			workers: 1
			module-path: $LINNET_MODULES
			modules: [mqtt]
			listeners: { plain: { address: "127.0.0.1:$port", stack: [mqtt] } }
			log: { level: notice }
		CONF
		"$LINNETD" -c "$dir/linnet.conf" >"$dir/log" 2>&1 &
		broker=$!
		wait_ready && return 0
		kill $broker 2>/dev/null
		wait $broker 2>/dev/null
		broker=
	done
	sed 's/^/# linnetd: /' "$dir/log"
	return 1
}

wait_ready() {
	for _ in $(seq 100); do
		grep -q ' READY ' "$dir/log" && return 0
		kill -0 $broker 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

# run OPTION...: a short strict run; its JSON is in $dir/json.
run() {
	rm -f "$dir/json"
	"$bench" --port "$port" ${broker:+--pid "$broker"} --quiet --json "$dir/json" --strict --drain 5s --timeout 20s \
		"$@" >"$dir/out" 2>&1
}

# value KEY NUMBER: the JSON says so.
value() {
	grep -q "\"$1\": $2,\{0,1\}\$" "$dir/json" || {
		cat "$dir/json" >>"$dir/out"
		return 1
	}
}

# clean NAME OPTION...: everything arrives, once, in order.
clean() {
	name=$1
	shift
	run "$@" --warmup 0.1s --duration 0.4s && value lost 0 && value duplicates 0 && value out_of_order 0 &&
		! grep -q '"received": 0,' "$dir/json"
	check "$name" $?
}

# spoiled NAME KIND KEY COUNT: a simulated fault in every 100th of 1000 messages ends with status 3 and is counted under KEY.
spoiled() {
	run --messages 1000 --fault "$2:100" --drain 300ms
	[ $? -eq 3 ] && grep -q "\"$3\": [1-9]" "$dir/json" && value "$3" "$4"
	check "$1" $?
}

with_broker() {
	clean "pairs, QoS 0" --publishers 3
	clean "fan-out" --pattern fan-out --subscribers 7
	clean "fan-in, wildcard" --pattern fan-in --publishers 7 --wildcard
	clean "random topics" --pattern random --topics 500 --subscribers 3 --filters 100
	clean "paced" --pattern fan-in --publishers 20 --rate 2000
	clean "QoS 1" --publishers 2 --qos 1
	clean "QoS 2" --publishers 2 --qos 2
	clean "MQTT 5.0, QoS 1, payload larger than a read" --version 5 --qos 1 --payload 300000 --window 3
	clean "MQTT 3.1" --version 3
	run --messages 5000 --qos 1
	[ $? -eq 0 ] && value sent 5000 && value received 5000
	check "exactly --messages are sent" $?
	spoiled "a lost message is noticed" lose lost 10
	spoiled "a repeated message is noticed" repeat duplicates 10
	spoiled "a message out of order is noticed" swap out_of_order 9
	run --idle 50 --idle-subscribe --duration 0.1s && value connections 50
	check "idle connections" $?
	run --storm 200 && value connections 200 && value failed 0
	check "connections come and go" $?
	run --retained 300 --qos 1 && value lost 0
	check "retained messages are there" $?
	if command -v python3 >/dev/null; then
		python3 -m json.tool "$dir/json" >"$dir/out" 2>&1
		check "the JSON parses" $?
	fi
}

refuses "unknown option" frob --frob
refuses "no number" "not a number" --publishers many
refuses "out of range" "out of range" --qos 3
refuses "unknown pattern" zigzag --pattern zigzag
refuses "options that exclude each other" exclude --idle 5 --storm 5
refuses "payload too small for --in-flight" payload --payload 8 --in-flight 5
refuses "stray word" "not an option" stray
"$bench" --help >"$dir/out" 2>&1 && grep -q -e --in-flight "$dir/out"
check "help" $?
"$bench" --port 1 --timeout 2s >"$dir/out" 2>&1
[ $? -eq 1 ] && grep -q '127.0.0.1:1:.*refused' "$dir/out"
check "nobody listens: address and reason" $?

if [ -n "$BENCH_PORT" ]; then
	port=$BENCH_PORT
	with_broker
elif start_broker; then
	with_broker
	kill -0 $broker 2>/dev/null
	check "the broker still lives" $?
else
	if [ -x "$LINNETD" ]; then
		echo "it did not start" >"$dir/out"
		check "linnetd starts" 1
	else
		count=$((count + 1))
		echo "ok $count - load # SKIP no broker: set LINNETD and LINNET_MODULES, or BENCH_PORT"
	fi
fi
echo "1..$count"
exit $failed
