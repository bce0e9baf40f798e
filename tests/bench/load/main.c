/* main.c - linnet-bench: options, one mode, one result.
 *
 * A load generator must be cheaper than what it measures, or it measures itself. So: one thread, prebuilt frames, one
 * system call for many messages, no clock and no allocation per message; and it says what it used itself, so that its
 * user can see whether it was the limit. No MQTT library: they call the socket once per packet.
 */
#include "modes.h"

int main(int argc, char **argv)
{
	static bench_options_t options;
	static bench_result_t result;

	bench_options_parse(argc, argv, &options);
	if (options.idle > 0)
		bench_idle_run(&options, &result);
	else if (options.storm > 0)
		bench_storm_run(&options, &result);
	else if (options.retained > 0)
		bench_retained_run(&options, &result);
	else
		bench_load_run(&options, &result);
	if (!options.quiet && !(options.json && options.json[0] == '-' && options.json[1] == 0))
		bench_result_print(&result);
	if (options.json)
		bench_result_write(&result, options.json);
	if (result.broken)
		return 1;
	return options.strict && result.faulty ? 3 : 0;
}
