/* rules.c — the language as data: every command, where it may stand, its options, what runs it.
 *
 * The parser checks a play against these tables, so a mistake in a play is found before anything is started, and a new
 * command is a line here and one function. doc/man/parley.1 tells the same for people.
 */
#include "act.h"
#include "perform.h"

#define ANY SIZE_MAX

#define LAYER_OPTS { "-ws", "s" }, { "-ws-protocol", "s" }, { "-ws-header", "s" }, { "-proxy", "s" }, { "-proxy-hex", "x" }
#define ACK_OPTS { "-id", "n" }, { "-reason", "r" }, { "-prop", "p" }, { "-flags", "n" }, { "-length", "n" }

static const opt_rule_t broker_opts[] = {
	{ "-conf", "R" }, { "-workers", "n" }, { "-arg", "s" }, { "-start", "" }, { "-stop", "" }, { "-kill", "" },
	{ "-reload", "" }, { "-signal", "s" }, { "-wait", "" }, { "-expect", "sos" }, { "-expect-log", "s" },
	{ "-expect-no-log", "s" }, { "-expect-exit", "n" }, { 0 }
};

static const opt_rule_t mqtt_opts[] = {
	{ "-connect", "s" }, { "-listen", "s" }, { "-rcvbuf", "n" }, { "-auto-ack", "" }, LAYER_OPTS,
	{ "-start", "" }, { "-run", "" }, { "-wait", "" }, { 0 }
};

static const opt_rule_t raw_opts[] = {
	{ "-connect", "s" }, { "-listen", "s" }, { "-rcvbuf", "n" }, LAYER_OPTS,
	{ "-start", "" }, { "-run", "" }, { "-wait", "" }, { 0 }
};

static const opt_rule_t shell_opts[] = { { "-expect-exit", "n" }, { "-expect-output", "s" }, { 0 } };

static const opt_rule_t connect_opts[] = {
	{ "-v", "n" }, { "-id", "s" }, { "-clean", "b" }, { "-keepalive", "n" }, { "-user", "s" }, { "-password", "s" },
	{ "-will", "ss" }, { "-will-qos", "q" }, { "-will-retain", "" }, { "-will-delay", "d" }, { "-will-prop", "p" },
	{ "-prop", "p" }, { "-scram", "ss" }, { "-protocol-name", "s" }, { "-level", "n" }, { "-connect-flags", "n" },
	{ "-flags", "n" }, { "-length", "n" }, { 0 }
};

static const opt_rule_t connack_opts[] = {
	{ "-reason", "r" }, { "-session-present", "" }, { "-prop", "p" }, { "-flags", "n" }, { "-length", "n" }, { 0 }
};

static const opt_rule_t publish_opts[] = {
	{ "-qos", "q" }, { "-retain", "" }, { "-dup", "" }, { "-id", "n" }, { "-prop", "p" }, { "-size", "n" },
	{ "-flags", "n" }, { "-length", "n" }, { 0 }
};

static const opt_rule_t ack_opts[] = { ACK_OPTS, { 0 } };
static const opt_rule_t auth_opts[] = { ACK_OPTS, { "-scram", "ss" }, { 0 } };
static const opt_rule_t codes_opts[] = { ACK_OPTS, { "-codes", "c" }, { 0 } };

static const opt_rule_t subscribe_opts[] = {
	{ "-qos", "q" }, { "-no-local", "" }, { "-rap", "" }, { "-rh", "n" }, { "-options", "n" }, { "-id", "n" },
	{ "-prop", "p" }, { "-dup", "" }, { "-flags", "n" }, { "-length", "n" }, { 0 }
};

static const opt_rule_t unsubscribe_opts[] = {
	{ "-id", "n" }, { "-prop", "p" }, { "-dup", "" }, { "-flags", "n" }, { "-length", "n" }, { 0 }
};

static const opt_rule_t header_opts[] = { { "-flags", "n" }, { "-length", "n" }, { 0 } };
static const opt_rule_t expect_opts[] = { { "-same", "" }, { 0 } };
static const opt_rule_t close_opts[] = { { "-drain", "" }, { "-ws-code", "n" }, { 0 } };
static const opt_rule_t frame_opts[] = { { "-more", "" }, { "-rsv", "n" }, { "-unmasked", "" }, { 0 } };
static const opt_rule_t cut_opts[] = { { "-rst", "" }, { 0 } };

static const command_rule_t rules[] = {
	/* name, where, positional, min, max, body, options, in an actor, as a statement */
	{ "broker", IN_PLAY, "s", 1, 1, BODY_NONE, broker_opts, NULL, perform_broker },
	{ "mqtt", IN_PLAY, "s", 1, 1, BODY_COMMANDS, mqtt_opts, NULL, perform_actor },
	{ "raw", IN_PLAY, "s", 1, 1, BODY_COMMANDS, raw_opts, NULL, perform_actor },
	{ "file", IN_PLAY, "s", 1, 1, BODY_RAW, NULL, NULL, perform_file },
	{ "shell", IN_PLAY, "s", 1, 1, BODY_NONE, shell_opts, NULL, perform_shell },
	{ "require", IN_PLAY, "s", 1, 2, BODY_NONE, NULL, NULL, perform_require },
	{ "limit", IN_PLAY, "d", 1, 1, BODY_NONE, NULL, NULL, perform_limit },

	{ "timeout", IN_PLAY | IN_ACTOR, "d", 1, 1, BODY_NONE, NULL, act_timeout, perform_timeout },
	{ "delay", IN_PLAY | IN_ACTOR, "d", 1, 1, BODY_NONE, NULL, act_delay, perform_delay },
	{ "barrier", IN_PLAY | IN_ACTOR, "s", 1, 1, BODY_NONE, NULL, act_barrier, perform_barrier },
	{ "repeat", IN_PLAY | IN_ACTOR, "n", 1, 1, BODY_COMMANDS, NULL, act_repeat, perform_repeat },

	{ "connect", IN_MQTT, "", 0, 0, BODY_NONE, connect_opts, act_connect, NULL },
	{ "connack", IN_MQTT, "", 0, 0, BODY_NONE, connack_opts, act_connack, NULL },
	{ "publish", IN_MQTT, "s", 1, 2, BODY_NONE, publish_opts, act_publish, NULL },
	{ "puback", IN_MQTT, "", 0, 0, BODY_NONE, ack_opts, act_ack, NULL },
	{ "pubrec", IN_MQTT, "", 0, 0, BODY_NONE, ack_opts, act_ack, NULL },
	{ "pubrel", IN_MQTT, "", 0, 0, BODY_NONE, ack_opts, act_ack, NULL },
	{ "pubcomp", IN_MQTT, "", 0, 0, BODY_NONE, ack_opts, act_ack, NULL },
	{ "subscribe", IN_MQTT, "s", 0, ANY, BODY_NONE, subscribe_opts, act_subscribe, NULL },
	{ "suback", IN_MQTT, "", 0, 0, BODY_NONE, codes_opts, act_ack, NULL },
	{ "unsubscribe", IN_MQTT, "s", 0, ANY, BODY_NONE, unsubscribe_opts, act_subscribe, NULL },
	{ "unsuback", IN_MQTT, "", 0, 0, BODY_NONE, codes_opts, act_ack, NULL },
	{ "pingreq", IN_MQTT, "", 0, 0, BODY_NONE, header_opts, act_simple, NULL },
	{ "pingresp", IN_MQTT, "", 0, 0, BODY_NONE, header_opts, act_simple, NULL },
	{ "disconnect", IN_MQTT, "", 0, 0, BODY_NONE, ack_opts, act_simple, NULL },
	{ "auth", IN_MQTT, "", 0, 0, BODY_NONE, auth_opts, act_simple, NULL },
	{ "scram-answer", IN_MQTT, "", 0, 0, BODY_NONE, NULL, act_scram_answer, NULL },
	{ "scram-verify", IN_MQTT, "k", 1, 1, BODY_NONE, NULL, act_scram_verify, NULL },

	{ "expect", IN_MQTT, "s", 1, ANY, BODY_NONE, expect_opts, act_expect, NULL },
	{ "expect-any-order", IN_MQTT, "", 0, 0, BODY_CONDITIONS, NULL, act_expect_any_order, NULL },
	{ "ignore", IN_MQTT, "k", 0, ANY, BODY_NONE, NULL, act_ignore, NULL },

	{ "expect-close", IN_ACTOR, "", 0, 0, BODY_NONE, close_opts, act_expect_close, NULL },
	{ "quiet", IN_ACTOR, "d", 1, 1, BODY_NONE, NULL, act_quiet, NULL },
	{ "cut", IN_ACTOR, "", 0, 0, BODY_NONE, cut_opts, act_cut, NULL },
	{ "reconnect", IN_ACTOR, "", 0, 0, BODY_NONE, NULL, act_reconnect, NULL },
	{ "shutdown-write", IN_ACTOR, "", 0, 0, BODY_NONE, NULL, act_shutdown_write, NULL },
	{ "slow", IN_ACTOR, "nd", 2, 2, BODY_NONE, NULL, act_slow, NULL },
	{ "send", IN_ACTOR, "s", 1, 1, BODY_NONE, NULL, act_send, NULL },
	{ "send-hex", IN_ACTOR, "x", 1, 1, BODY_NONE, NULL, act_send_hex, NULL },
	{ "expect-hex", IN_ACTOR, "X", 1, 1, BODY_NONE, NULL, act_expect_hex, NULL },
	{ "expect-text", IN_ACTOR, "s", 1, 1, BODY_NONE, NULL, act_expect_text, NULL },
	{ "ws-split", IN_ACTOR, "n", 2, 2, BODY_NONE, NULL, act_ws_split, NULL },
	{ "ws-frame", IN_ACTOR, "nx", 1, 2, BODY_NONE, frame_opts, act_ws_frame, NULL },
	{ "send-wire-hex", IN_ACTOR, "x", 1, 1, BODY_NONE, NULL, act_send_wire_hex, NULL },
	{ "expect-pong", IN_ACTOR, "x", 0, 1, BODY_NONE, NULL, act_expect_pong, NULL },
	{ "skip-until", IN_ACTOR, "s", 1, 1, BODY_NONE, NULL, act_skip_until, NULL },
};

const command_rule_t *rule_find(bytes_t name, unsigned where)
{
	for (size_t i = 0; i < PARLEY_COUNT(rules); i++)
		if (rules[i].where & where && bytes_is(name, rules[i].name))
			return &rules[i];
	return NULL;
}
