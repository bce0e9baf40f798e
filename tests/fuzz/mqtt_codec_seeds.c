/* mqtt_codec_seeds.c — writes the seeds of mqtt_codec.c into a directory: every packet the unit tests know by hand. */
#include <stdio.h>
#include "modules/mqtt/packets.h"

static bool write_seed(const char *directory, size_t i)
{
	const sample_t *s = &samples[i];
	const uint8_t head[3] = { (uint8_t)(s->version - 3), 0, 0 };
	char path[4096];
	FILE *file;
	bool written;

	snprintf(path, sizeof(path), "%s/packet-%02zu", directory, i);
	file = fopen(path, "wb");
	if (!file)
		return perror(path), false;
	written = fwrite(head, sizeof(head), 1, file) == 1 && fwrite(s->bytes, s->len, 1, file) == 1;
	return fclose(file) == 0 && written;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]), 2;
	for (size_t i = 0; i < SAMPLES; i++)
		if (!write_seed(argv[1], i))
			return 1;
	return 0;
}
