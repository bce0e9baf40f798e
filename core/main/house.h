/* house.h — what the phases in broker.c and the reload in reload.c share. */
#ifndef LN_MAIN_HOUSE_H
#define LN_MAIN_HOUSE_H

#include <linnet/worker.h>
#include "drop.h"
#include "net/net.h"
#include "settings.h"

#undef LN_LOGDEF
#define LN_LOGDEF LN_LOGDEF_DECLARE
#include "log.def"
#undef LN_LOGDEF

typedef struct ln__house {
	const char *path;
	ln_conf_file_t *file;         /* open while it is read */
	ln__settings_t settings;
	ln__listeners_t *listeners;
	ln__drop_t drop;
	unsigned workers;
	bool built, jobs, running, stopping;
	uint64_t drain_until;
	ln_timer_t timer;
} ln__house_t;

extern ln__house_t ln__house;

/* Makes the core's options, counters and messages known, and reserves what needs a slot in every worker; before there are workers. */
void ln__house_prepare(void);
void ln__house_print_errors(const ln_conf_errors_t *errors);
void ln__house_close_configuration(void);

/* SIGHUP: the file at ln__house.path again, as a whole or not at all; the log says which. Thread: main. */
void ln__reload(void);
/* dump.c: `listeners:` as YAML, to standard output. */
void ln__dump_listeners(const ln__listeners_t *set);

#endif
