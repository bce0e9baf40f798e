/* echo.h — the protocol echo. */
#ifndef PROBE_ECHO_H
#define PROBE_ECHO_H

#include <linnet/conn.h>

extern const ln_protocol_t probe_echo;

#endif
