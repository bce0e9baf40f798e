/* drop.h — from root to somebody harmless. */
#ifndef LN_MAIN_DROP_H
#define LN_MAIN_DROP_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct ln__drop {
	bool wanted;
	uid_t uid;
	gid_t gid;
	char user[64], group[64];
} ln__drop_t;

/* Looks USER and GROUP up (either may be NULL; GROUP's default is the user's own). NULL, or why not. Thread: main. */
const char *ln__drop_find(const char *user, const char *group, ln__drop_t *ret);
/* No new privileges from now on, for this thread and all it starts. NULL, or what failed. Does nothing when not wanted or
 * not root. Thread: main, before there are others. */
const char *ln__drop_begin(const ln__drop_t *drop);
/* Acts as that user for a moment (ON), or as root again: a file that is opened meanwhile can be opened again after
 * ln__drop_now. NULL, or what failed. Does nothing when not wanted or not root. Thread: main, before there are others. */
const char *ln__drop_try(const ln__drop_t *drop, bool on);
/* Becomes that user, for good: groups, ids, no new privileges. NULL, or what failed. Does nothing when not wanted or not
 * root and already that user. Thread: main, before others run. */
const char *ln__drop_now(const ln__drop_t *drop);

#endif
