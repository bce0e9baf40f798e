/* ws.h — the module's own: its configuration, a connection's state, and which file does what.
 *
 * ws.c        descriptor, tables
 * layer.c     a connection: the request, then frames, then the close
 * request.c   is the HTTP request one we let in?      pure
 * answer.c    what is answered to it                  pure
 * frame.c     frames out of bytes, headers            pure
 */
#ifndef WS_WS_H
#define WS_WS_H

#include <linnet/buf.h>
#include <linnet/conf.h>
#include <linnet/conn.h>
#include <linnet/log.h>
#include <linnet/self.h>
#include <linnet/stat.h>
#include "frame.h"
#include "request.h"

#define LN_LOGDEF LN_LOGDEF_DECLARE
#include "log.def"
#undef LN_LOGDEF

extern ln_self_t ws_self;
extern const ln_layer_t ws_layer;

typedef struct ws_conf {
	ln_strings_t protocols;
	bool protocol_required;
	ln_strings_t paths;
	ln_strings_t origins;
	ln_bytes_t head_max;
	ln_bytes_t frame_max;
	uint32_t pings_max;
} ws_conf_t;

enum {
#define STAT(name, kind, help) WS_STAT_##name,
#include "stat.def"
#undef STAT
	WS_STAT_COUNT
};

/* Readers that no connection needs now. */
typedef struct ws_worker {
	unsigned count;
	ws_reader_t *spare[4];
} ws_worker_t;

typedef enum ws_phase {
	WS_ASKED,         /* the request is not complete */
	WS_FRAMES,        /* frames both ways */
	WS_DONE           /* refused, or our close frame is out: nothing more is sent */
} ws_phase_t;

/* A connection's slice. */
typedef struct ws_conn {
	uint32_t magic;
	uint8_t phase;
	bool opened;              /* counted in ws.connections */
	ws_message_t message;
	uint16_t code;            /* to close with; 0: as the connection's end says */
	uint16_t pings;           /* in PING_SECOND */
	uint32_t ping_second;
	const char *why;          /* goes into the close frame; NULL: nothing */
	union {
		ln_buf_t head;        /* WS_ASKED: of the request, as far as it came */
		ws_reader_t *reader;  /* later: while a frame is under way, else NULL */
	} u;
} ws_conn_t;

#define WS_CONN_MAGIC 0x5e55c0cau

/* Frees what WORKER keeps. Thread: its. */
void ws_worker_stop(ln_worker_t *worker, void *state);

#endif
