/* track.c - the uncommon half of the stream checks; see track.h. */
#include "track.h"

#include "fail.h"

void bench_track_init(bench_track_t *track, uint32_t publishers, uint32_t subscribers)
{
	*track = (bench_track_t){ .publishers = publishers };
	track->streams = bench_alloc((uint64_t)publishers * subscribers + 1, sizeof(*track->streams));
	for (uint64_t i = 0; i < (uint64_t)publishers * subscribers; i++)
		track->streams[i].seen = 1;  /* number 0 does not exist: as if it had come */
}

void bench_track_fini(bench_track_t *track)
{
	bench_free(track->streams);
	track->streams = 0;
}

void bench_track_late(bench_track_t *track, bench_stream_t *stream, uint32_t number)
{
	uint32_t behind = stream->top - number;

	if (behind >= 64 || (stream->seen >> behind & 1)) {
		track->duplicates++;
		return;
	}
	stream->seen |= UINT64_C(1) << behind;
	track->reordered++;
	track->unique++;
}
