/* check.h — what can only be judged once the whole play has been read. */
#ifndef PARLEY_CHECK_H
#define PARLEY_CHECK_H

#include "play.h"

/* Collects the play's names and barriers and checks them, and every macro; ends the program when something is wrong. */
void play_check(play_t *play);

#endif
