/* track.h - finds lost, repeated and reordered messages.
 *
 * Every message carries its publisher's number and a sequence number that grows by one per message of that publisher.
 * What one subscriber receives from one publisher is a stream; a stream remembers the highest number seen and which of
 * the 64 numbers up to it have come. A number above the highest is in order (a gap is no fault by itself: with random
 * topics and shared subscriptions the rest goes to others); one below it that had not come yet is out of order; one
 * that had come is a duplicate. Older than 64 it is taken for a duplicate, which can only make a loss visible, never
 * hide one.
 *
 * Loss is a matter of counting: copies expected minus messages that were first of their number.
 */
#ifndef BENCH_TRACK_H
#define BENCH_TRACK_H

#include <stdint.h>

typedef struct bench_stream {
	uint64_t seen;  /* bit i: number top - i has come */
	uint32_t top;   /* highest number seen; numbers start with 1 */
} bench_stream_t;

typedef struct bench_track {
	uint32_t publishers;
	bench_stream_t *streams;  /* subscriber-major */
	uint64_t unique;
	uint64_t duplicates;
	uint64_t reordered;
} bench_track_t;

void bench_track_init(bench_track_t *track, uint32_t publishers, uint32_t subscribers);
void bench_track_fini(bench_track_t *track);

/* The rare case of bench_track_note: not above the highest number. */
void bench_track_late(bench_track_t *track, bench_stream_t *stream, uint32_t number);

/* Subscriber SUBSCRIBER received message NUMBER of PUBLISHER. */
static inline void bench_track_note(bench_track_t *track, uint32_t subscriber, uint32_t publisher, uint32_t number)
{
	bench_stream_t *s = &track->streams[(uint64_t)subscriber * track->publishers + publisher];
	uint32_t ahead = number - s->top;

	if (ahead - 1 >= UINT32_MAX / 2) {
		bench_track_late(track, s, number);
		return;
	}
	s->seen = (ahead < 64 ? s->seen << ahead : 0) | 1;
	s->top = number;
	track->unique++;
}

#endif
