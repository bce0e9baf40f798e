/* broker_log.c — a broker's log: collected by a thread, read line by line for what parley must know, searched by
 * plays. */
#include <ctype.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"

static size_t address_length(bytes_t text)
{
	size_t n = 0;

	if (bytes_starts(text, "unix:")) {
		while (n < text.len && !isspace((unsigned char)text.at[n]))
			n++;
		return n;
	}
	while (n < text.len && (isxdigit((unsigned char)text.at[n]) || memchr(".:[]", text.at[n], 4)))
		n++;
	return n;
}

static void copy_text(char *to, size_t room, bytes_t text)
{
	size_t n = text.len < room - 1 ? text.len : room - 1;

	memcpy(to, text.at, n);
	to[n] = 0;
}

/* "… LISTENING … listener NAME listens on ADDRESS": notes the address. A later line for the same name replaces it. */
static void note_listener(broker_t *b, bytes_t line)
{
	static const char before[] = "listener ", between[] = " listens on ";
	ptrdiff_t start = bytes_find(line, bytes_of(before)), middle = bytes_find(line, bytes_of(between));
	bytes_t name, address;
	size_t i;

	if (start < 0 || middle < start || bytes_find(line, bytes_of("LISTENING")) < 0)
		return;
	start += (ptrdiff_t)strlen(before);
	name = (bytes_t){ line.at + start, (size_t)(middle - start) };
	address = bytes_from(line, (size_t)middle + strlen(between));
	address.len = address_length(address);
	for (i = 0; i < b->listener_count; i++)
		if (bytes_is(name, b->listeners[i].name))
			break;
	if (i == BROKER_LISTENERS)
		return;
	copy_text(b->listeners[i].name, sizeof(b->listeners[i].name), name);
	copy_text(b->listeners[i].address, sizeof(b->listeners[i].address), address);
	if (i == b->listener_count)
		b->listener_count++;
}

/* Whether the line carries the log id READY as a word of its own. */
static bool says_ready(bytes_t line)
{
	ptrdiff_t at = bytes_find(line, bytes_of("READY"));

	if (at < 0)
		return false;
	if (at > 0 && (isalnum((unsigned char)line.at[at - 1]) || line.at[at - 1] == '_'))
		return false;
	return (size_t)at + 5 == line.len || !(isalnum((unsigned char)line.at[at + 5]) || line.at[at + 5] == '_');
}

/* Requires: log_lock. */
static void parse_lines(broker_t *b)
{
	for (;;) {
		bytes_t rest = bytes_from(buf_bytes(&b->log), b->parsed);
		ptrdiff_t end = bytes_find(rest, bytes_of("\n"));
		bytes_t line = { rest.at, end < 0 ? 0 : (size_t)end };

		if (end < 0)
			return;
		b->parsed += line.len + 1;
		note_listener(b, line);
		b->ready |= says_ready(line);
		stage_say(b->stage, b->name, "| %.*s", BYTES_ARG(line));
	}
}

static bool is_draining(broker_t *b)
{
	bool draining;

	pthread_mutex_lock(&b->log_lock);
	draining = b->draining;
	pthread_mutex_unlock(&b->log_lock);
	return draining;
}

/* Reads until the pipe ends; once the process has ended, until it is empty (a grandchild may hold it open). */
static void *reader_main(void *arg)
{
	broker_t *b = arg;
	char piece[4096];

	for (;;) {
		struct pollfd p = { .fd = b->pipe, .events = POLLIN };
		bool draining = is_draining(b);
		ssize_t n;

		if (poll(&p, 1, draining ? 0 : 50) == 0) {
			if (draining)
				break;
			continue;
		}
		n = read(b->pipe, piece, sizeof(piece));
		if (n <= 0)
			break;
		pthread_mutex_lock(&b->log_lock);
		buf_add(&b->log, piece, (size_t)n);
		parse_lines(b);
		pthread_mutex_unlock(&b->log_lock);
	}
	return NULL;
}

bool broker_log_open(broker_t *b, int fd)
{
	broker_log_close(b);
	b->pipe = fd;
	b->run_start = b->parsed = b->log.len;
	b->ready = b->draining = false;
	b->listener_count = 0;
	b->reading = pthread_create(&b->reader, NULL, reader_main, b) == 0;
	return b->reading;
}

void broker_log_close(broker_t *b)
{
	if (!b->reading)
		return;
	pthread_mutex_lock(&b->log_lock);
	b->draining = true;
	pthread_mutex_unlock(&b->log_lock);
	pthread_join(b->reader, NULL);
	b->reading = false;
	close(b->pipe);
}

bool broker_log_ready(broker_t *b)
{
	bool ready;

	pthread_mutex_lock(&b->log_lock);
	ready = b->ready;
	pthread_mutex_unlock(&b->log_lock);
	return ready;
}

bool broker_log_has(broker_t *b, bytes_t text)
{
	bool found;

	pthread_mutex_lock(&b->log_lock);
	found = b->log.len && bytes_find(bytes_from(buf_bytes(&b->log), b->run_start), text) >= 0;
	pthread_mutex_unlock(&b->log_lock);
	return found;
}

void broker_log_tail(broker_t *b, size_t lines, buf_t *out)
{
	size_t at;

	pthread_mutex_lock(&b->log_lock);
	at = b->log.len;
	while (at > 0 && (b->log.at[at - 1] != '\n' || at == b->log.len || --lines > 0))
		at--;
	if (b->log.len)
		buf_add(out, b->log.at + at, b->log.len - at);
	if (out->len && out->at[out->len - 1] != '\n')
		buf_add_byte(out, '\n');
	pthread_mutex_unlock(&b->log_lock);
}

bool broker_log_report(broker_t *b, buf_t *out)
{
	static const char *const marks[] = {
		"ERROR: AddressSanitizer", "runtime error:", "WARNING: ThreadSanitizer", "LeakSanitizer",
		"WARNING: MemorySanitizer",
	};
	bytes_t log;
	ptrdiff_t first = -1;

	pthread_mutex_lock(&b->log_lock);
	log = buf_bytes(&b->log);
	for (size_t i = 0; i < PARLEY_COUNT(marks); i++) {
		ptrdiff_t at = bytes_find(log, bytes_of(marks[i]));

		if (at >= 0 && (first < 0 || at < first))
			first = at;
	}
	if (first >= 0) {
		log = bytes_from(log, (size_t)first);
		buf_add(out, log.at, log.len < 8000 ? log.len : 8000);
		buf_add_byte(out, '\n');
	}
	pthread_mutex_unlock(&b->log_lock);
	return first >= 0;
}
