/* house.h — a broker of one worker inside the measuring program, its turns taken by hand, and clients beside it.
 *
 * Everything happens on one thread, in an order that is the same in every run: what clients send is in the sockets before a turn is
 * taken, and only turns (and the beginning of connections) are counted. Times are not: the clock stands still.
 */
#ifndef BENCH_INSTR_HOUSE_H
#define BENCH_INSTR_HOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A client's end of a connection. */
typedef struct house_client {
	int fd;
	uint64_t publishes;        /* PUBLISH packets received */
	uint16_t id;               /* the next packet identifier */
	uint8_t version;
	uint8_t in[65536];
	size_t have;
} house_client_t;

/* Opens the house. Exits with a sentence on standard error when that fails. */
void house_open(void);
void house_close(void);

/* One turn of the worker, counted between house_count(true) and house_count(false). */
void house_turn(void);
void house_count(bool on);
/* Names what was counted since the last call, in the profile. */
void house_dump(const char *name);

/* A client that has had its CONNACK. */
house_client_t *house_connect(const char *id, uint8_t version);
/* Says DISCONNECT and waits for the end. */
void house_leave(house_client_t *c);
/* Subscribes and waits for SUBACK. */
void house_subscribe(house_client_t *c, const char *filter, uint8_t qos);
/* Puts COUNT PUBLISH packets of 64 bytes to TOPIC into the socket, in one write. */
void house_publish(house_client_t *c, const char *topic, uint8_t qos, unsigned count);
/* Takes what has come and answers it as its QoS asks; answers are in the socket when it returns. */
void house_take(house_client_t *c);

#endif
