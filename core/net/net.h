/* net.h — what core/net shares inside, and what core/main may call.
 *
 * One worker has one ln__net_t in its block: its connections, those touched in this turn, its free pages, its
 * acceptors. Everything a connection needs beyond its callbacks happens in one place, ln__conn_settle at the turn's
 * end: flush, watch, move away, close, free. Callbacks only set flags and put the connection on the list of the
 * touched, so none of them can pull the ground away under another.
 */
#ifndef LN_NET_NET_H
#define LN_NET_NET_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <linnet/conf.h>
#include <linnet/conn.h>
#include <linnet/hook.h>
#include <linnet/log.h>
#include <linnet/mem.h>
#include <linnet/stat.h>
#include "addr.h"
#include "outq.h"

#define LN_LOGDEF LN_LOGDEF_DECLARE
#include "log.def"
#undef LN_LOGDEF

enum {
#define LN__NET_STAT(NAME, name, kind, help) LN__STAT_##NAME,
#include "stat.def"
#undef LN__NET_STAT
	LN__STAT_COUNT
};

#define LN__CONN_MAGIC 0x4c6e436fu
#define LN__LISTENER_MAGIC 0x4c6e4c69u
#define LN__LAYERS_MAX 6u
#define LN__NO_STATE UINT32_MAX

#define LN__FLUSH_EARLY 65536u      /* so much output is written before the turn's end */
#define LN__FLUSH_BUDGET 1048576u   /* and so much at most of one connection in a turn */
#define LN__FLUSH_MS 5000u          /* how long a closing connection's output is tried */
#define LN__LINGER_MS 1000u         /* how long its input is read away after that */
#define LN__LINGER_BYTES 8388608u
#define LN__ACCEPTS_PER_TURN 64u
#define LN__ACCEPTS_SHARED 4u         /* from a socket that other workers watch too */
#define LN__ACCEPT_RETRY_MS 100u
#define LN__SURPLUS_MAX 64u         /* connections of a worker above a limit that are still told so */
#define LN__STRANGER_MS 1000        /* who shows nothing for so long may have to make room for another */
#define LN__STRANGERS_SEEN 256u     /* how many connections are looked at to find one */
#define LN__QUIET_MS 10000u         /* between two log lines of the same complaint */

/* --- a worker's part ---------------------------------------------------------------------------------------------- */

typedef struct ln__complaint {
	uint64_t last;              /* worker->now of the last line, 0: none yet */
} ln__complaint_t;

typedef struct ln__net {
	ln_list_t conns;            /* open ones */
	ln_list_t ending;           /* the protocol is done with them */
	ln_conn_t *touched, **touched_end;
	ln__pages_t pages;
	uint64_t ids;
	bool draining;              /* what arrives is told to end */
	bool killed;                /* what arrives is ended */

	ln_list_t acceptors;
	ln_timer_t retry;
	uint64_t paused_since;      /* 0: accepting */
	bool paused_said;
	ln__complaint_t said_paused, said_full, said_rate;
	unsigned surplus;           /* surplus connections that stand now */
} ln__net_t;

extern size_t ln__net_slot;
extern uint32_t ln__net_stat_base;

static inline ln__net_t *ln__net(ln_worker_t *w)
{
	return ln_worker_slot(w, ln__net_slot);
}

static inline void ln__net_count(ln_worker_t *w, unsigned stat, uint64_t n)
{
	ln_stat_add(w, ln__net_stat_base + stat, n);
}

/* May the complaint be said again? */
bool ln__complaint_due(ln__complaint_t *c, uint64_t now);

/* Registers counters and log, reserves the slot. Before ln_workers_create. */
void ln__net_init(void);
/* Adds the turn-end function that settles connections, to every worker: before those of the broker and the modules.
 * Thread: main, before the workers start. */
void ln__net_attach(void);
/* Adds the one that looks for connections touched since: after all others. */
void ln__net_attach_last(void);
/* No new connections; everyone gets protocol->end(LN_CLOSED). For ln_workers_each. */
void ln__net_drain(ln_worker_t *w, void *ctx);
/* Closes and frees all that is left, and what still arrives by letter, without waiting. For ln_workers_each. */
void ln__net_kill(ln_worker_t *w, void *ctx);
/* Connections of all workers. Thread: any. */
uint64_t ln__net_open_count(void);

/* --- listeners ---------------------------------------------------------------------------------------------------- */

typedef struct ln__listener_conf {
	char *address;
	ln_strings_t stack;
	bool allow_anonymous;
	char *socket_mode, *socket_user, *socket_group;
	uint32_t connections_max, connection_rate, connection_burst, backlog;
	ln_bytes_t out_high, out_max;
} ln__listener_conf_t;

extern const ln_conf_item_t ln__listener_items[];

/* Who may connect to a Unix socket; uid, gid -1: as the system has it. */
typedef struct ln__rights {
	mode_t mode;
	uid_t uid;
	gid_t gid;
} ln__rights_t;

/* What a listener is made of. Everything is borrowed; the listener keeps copies. */
typedef struct ln__listener_parts {
	const char *name;
	const ln__listener_conf_t *conf;
	ln__addr_t addr;
	ln__rights_t rights;                        /* of a Unix socket */
	const ln_protocol_t *protocol;
	const ln_layer_t *layers[LN__LAYERS_MAX];   /* from the wire up */
	unsigned layer_count;
	uint32_t module_count;                      /* loaded modules */
	const size_t *module_conn_size;             /* module_count of them; 0: no slice */
	void **module_conf;                         /* module_count of them, taken; may be NULL */
	void (*module_conf_free)(uint32_t index, void *conf);
} ln__listener_parts_t;

struct ln_listener {
	uint32_t magic;
	uint32_t refs;                /* atomic */
	uint32_t connections;         /* atomic; without surplus ones */
	uint64_t paid_until;          /* atomic; see limit.c */
	uint32_t block_size;          /* of a connection: header, stack, slices */
	size_t out_high, out_max;
	const ln_protocol_t *protocol;
	const ln_layer_t *layers[LN__LAYERS_MAX];
	uint32_t layer_at[LN__LAYERS_MAX], protocol_at;
	uint8_t layer_count;
	ln__addr_t addr;
	ln__rights_t rights;
	ln__listener_conf_t conf;
	char *name;
	uint32_t module_count;
	uint32_t *module_at;          /* LN__NO_STATE: no slice */
	void **module_conf;
	void (*module_conf_free)(uint32_t index, void *conf);
};

ln_listener_t *ln__listener_new(const ln__listener_parts_t *parts);
/* Thread: any. */
ln_listener_t *ln__listener_ref(ln_listener_t *l);
void ln__listener_unref(ln_listener_t *l);
/* Do both listen in the same place, one that only one of them can have? */
bool ln__listener_clash(const ln_listener_t *a, const ln_listener_t *b);
/* Is one of the layers to say who the peer is? Whom the socket's address keeps out may come through such a one. */
bool ln__layers_proxied(const ln_layer_t *const *layers, unsigned count);
static inline bool ln__listener_proxied(const ln_listener_t *l)
{
	return ln__layers_proxied(l->layers, l->layer_count);
}
/* The path of its Unix socket, NULL when it has none. */
const char *ln__listener_path(const ln_listener_t *l);

/* A port: one listening socket per worker on one address, or one that all share on a Unix path. Outlives the listener in
 * front of it when a reload keeps the address. */
typedef struct ln__port ln__port_t;
/* Opens the sockets, does not accept yet. LN_SYSTEM: see errno. Thread: main. */
ln_result_t LN_MUST_USE ln__port_open(const ln__addr_t *addr, uint32_t backlog, ln__port_t **ret_port);
/* The same on a Unix path; ENOTSOCK: there is a file of another kind. */
ln_result_t LN_MUST_USE ln__port_open_unix(const char *path, const ln__rights_t *rights, uint32_t backlog,
					   ln__port_t **ret_port);
/* Accepts for L from now on (a reference is taken), on every worker. Thread: main. */
void ln__port_serve(ln__port_t *port, ln_listener_t *l);
/* Stops accepting and closes the sockets. Accepts NULL. Thread: main. */
void ln__port_close(ln__port_t *port);
/* The address with the port the system gave. */
const ln__addr_t *ln__port_addr(const ln__port_t *port);
/* A connection's descriptor is free again: accepting may go on. */
void ln__accept_retry(ln_worker_t *w);
/* Stops accepting on this worker for good and closes its listening sockets. */
void ln__accept_stop(ln_worker_t *w);

/* --- the configured set: listeners.c ------------------------------------------------------------------------------ */

typedef struct ln__listeners ln__listeners_t;
/* What FILE's `listeners:` asks for; every error is said. Modules are bound (or pending). No socket yet. Thread:
 * main. */
ln__listeners_t *ln__listeners_bind(const ln_conf_file_t *file, ln_conf_errors_t *errors);
/* Opens the sockets that OLD (may be NULL) does not have. False after saying errors. Requires: FILE still there.
 * Thread: main. */
bool ln__listeners_open(ln__listeners_t *set, const ln__listeners_t *old, ln_conf_errors_t *errors);
/* SET serves from now on, with OLD's sockets where the address is the same; OLD is destroyed. Thread: main. */
void ln__listeners_serve(ln__listeners_t *set, ln__listeners_t *old);
/* Closes what belongs to SET and to nobody else. Accepts NULL. Thread: main. */
void ln__listeners_destroy(ln__listeners_t *set);
/* Walks the set. */
void ln__listeners_each(const ln__listeners_t *set, void (*fn)(const ln_listener_t *, void *ctx), void *ctx);

/* --- the system's part: tcp.c ------------------------------------------------------------------------------------- */

/* A listening socket with SO_REUSEPORT, or -1 and errno. */
int ln__tcp_listen(const ln__addr_t *addr, uint32_t backlog);
/* May ADDR be bound, and nobody listens on it? False and errno. */
bool ln__tcp_free(const ln__addr_t *addr);
/* The address a socket is bound to. */
bool ln__tcp_local(int fd, ln__addr_t *ret_addr);
/* A new connection's descriptor, -1 and errno. */
int ln__tcp_accept(int fd, ln__addr_t *ret_peer);
/* Bytes read, 0: nothing now, -1: end of input, -2: error. */
#define LN__TCP_END (-1)
#define LN__TCP_ERROR (-2)
ssize_t ln__tcp_read(int fd, void *dst, size_t size);
/* Bytes written, 0: not now, LN__TCP_ERROR. */
ssize_t ln__tcp_write(int fd, struct iovec *iov, unsigned count);

/* --- Unix sockets: unix.c ----------------------------------------------------------------------------------------- */

typedef struct ln__file_id {
	dev_t dev;
	ino_t ino;
} ln__file_id_t;

/* Whose socket files are where the configuration does not say: the user the broker becomes. Thread: main. */
void ln__unix_set_owner(uid_t uid, gid_t gid);
/* What CONF says. NULL and *ret_rights, or what is wrong with *ret_option. Thread: main. */
const char *ln__unix_rights(const ln__listener_conf_t *conf, const char **ret_option, ln__rights_t *ret_rights);
/* A listening socket, or -1 and errno. A file that nobody listens on any more is removed first. */
int ln__unix_listen(const char *path, const ln__rights_t *rights, uint32_t backlog, ln__file_id_t *ret_id);
/* Gives the file at PATH its mode and owner. False and errno. */
bool ln__unix_dress(const char *path, const ln__rights_t *rights);
/* Removes the file if it is still that one. */
void ln__unix_remove(const char *path, const ln__file_id_t *id);
/* Who is at the other end of FD. */
void ln__unix_peer(int fd, ln__addr_t *addr);

/* --- connections -------------------------------------------------------------------------------------------------- */

typedef enum ln__conn_state {
	LN__CONN_OPEN,
	LN__CONN_CLOSING,     /* somebody asked for the end; settled at the turn's end */
	LN__CONN_FLUSHING,    /* protocol->closed was called; output remains */
	LN__CONN_LINGERING,   /* write side shut; the peer's input is read away */
	LN__CONN_DEAD         /* to be freed */
} ln__conn_state_t;

enum {
	LN__F_TOUCHED = 1,      /* on the list of the touched */
	LN__F_BLOCKED = 2,      /* the peer takes nothing now */
	LN__F_HIGH = 4,         /* output was above out-high since `writable` was last called */
	LN__F_MOVING = 8,       /* ln_conn_move was asked */
	LN__F_RESUMED = 16,     /* input is to be offered again */
	LN__F_OPENED = 32,      /* protocol->open said yes */
	LN__F_CLEAN = 64,       /* the protocol closed it */
	LN__F_EOF = 128,        /* the peer has closed */
	LN__F_ABORT = 256,      /* output is worthless */
	LN__F_TRUSTED = 512,    /* ln_conn_trust was called */
	LN__F_TOO_MANY = 1024,  /* surplus: above connections-max */
	LN__F_TOO_FAST = 2048   /* surplus: above connection-rate */
};

/* What was read and not consumed. A peer's memory: exactly its size unless it is growing towards NEED. */
typedef struct ln__in {
	uint8_t *data;
	uint32_t len, cap;
	uint32_t need;                /* while lingering: how many bytes may still be read away */
} ln__in_t;

struct ln_conn {
	uint32_t magic;
	int fd;
	ln_worker_t *worker;
	ln_listener_t *listener;
	uint64_t id;
	union {
		ln_io_t io;
		struct {
			ln_letter_t letter;
			ln_worker_t *to;
			void (*fn)(ln_conn_t *, void *state);
		} move;                       /* io is stopped from ln_conn_move on */
	} u;
	ln_timer_t timer;
	uint64_t due;                         /* when protocol->timer is wanted, LN__NEVER: not */
	ln_node_t node;
	ln_conn_t *touched_next;
	ln__outq_t out;                       /* the protocol's; without layers also the wire's */
	ln__in_t in;
	uint8_t state, why, watched, layers_open;
	uint32_t since;                       /* the low half of worker->now when it was accepted */
	uint64_t last_input;
	ln__addr_t peer;
	uint16_t flags, pauses;
};

#define LN__NEVER UINT64_MAX

_Static_assert(sizeof(ln_conn_t) <= 256, "an idle connection is small");

/* What only a connection with layers has; stands right behind the header. */
typedef struct ln__stack {
	ln__outq_t wire;              /* what the layers made of the protocol's output */
} ln__stack_t;

static inline ln__stack_t *ln__conn_stack(ln_conn_t *c)
{
	return (ln__stack_t *)(void *)(c + 1);
}

static inline bool ln__conn_layered(const ln_conn_t *c)
{
	return c->listener->layer_count > 0;
}

/* The queue the socket is written from. */
static inline ln__outq_t *ln__conn_wire(ln_conn_t *c)
{
	return ln__conn_layered(c) ? &ln__conn_stack(c)->wire : &c->out;
}

static inline void *ln__conn_layer_state(ln_conn_t *c, unsigned at)
{
	return (char *)c + c->listener->layer_at[at];
}

static inline void *ln__conn_protocol_state(ln_conn_t *c)
{
	return (char *)c + c->listener->protocol_at;
}

/* No input may be offered now. */
static inline bool ln__conn_deaf(const ln_conn_t *c)
{
	return c->state != LN__CONN_OPEN || c->pauses || (c->flags & LN__F_MOVING);
}

/* conn.c */
/* Takes FD. SURPLUS: what ln_conn_surplus is to say. NULL when memory or a hook refused (FD is closed then). */
ln_conn_t *ln__conn_accept(ln_worker_t *w, ln_listener_t *l, int fd, const ln__addr_t *peer, ln_result_t surplus);
void ln__conn_touch(ln_conn_t *c);
/* Ends it for a reason of our own; ABORT: output is worthless. */
void ln__conn_fail(ln_conn_t *c, ln_result_t why, bool abort);

/* limit.c */
/* May one more connection come to L on W? LN_OK, LN_LIMIT (connections-max), LN_AGAIN (connection-rate); counts and
 * says a refusal. Another connection may have been closed to make room. */
ln_result_t ln__limit_ask(ln_worker_t *w, ln_listener_t *l);
/* C stands, or is gone. */
void ln__limit_enter(ln_conn_t *c);
void ln__limit_leave(ln_conn_t *c);

/* conn_move.c */
/* The room that ln_conn_move uses for its letter is the watcher's. */
void ln__conn_use_io(ln_conn_t *c);
/* The letter of ln_conn_move leaves. */
void ln__conn_send_off(ln_conn_t *c);

/* conn_turn.c */
/* The turn's end for one connection. */
void ln__conn_settle(ln_conn_t *c);
void ln__conn_on_io(ln_io_t *io, unsigned events);
void ln__conn_on_timer(ln_worker_t *w, ln_timer_t *t);

/* conn_in.c */
/* One read and what follows from it. */
void ln__conn_read(ln_conn_t *c);
/* Offers kept input again. */
void ln__conn_offer_kept(ln_conn_t *c);
/* Bytes for the protocol, from the wire or the topmost layer. */
void ln__conn_feed(ln_conn_t *c, ln_slice_t bytes);
void ln__in_fini(ln__in_t *in);

/* conn_out.c */
/* Writes what can be written. */
void ln__conn_flush(ln_conn_t *c);
void ln__conn_drop_output(ln_conn_t *c);
size_t ln__conn_unsent(const ln_conn_t *c);

/* layer.c */
ln_result_t LN_MUST_USE ln__layers_open(ln_conn_t *c);
void ln__layers_shut(ln_conn_t *c);
void ln__layers_closed(ln_conn_t *c);
/* Passes the protocol's output through the layers; all of it, or only as long as the wire is not full. */
void ln__layers_push(ln_conn_t *c, bool all);

#endif
