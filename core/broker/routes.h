/* routes.h — the router's own structures, shared by router.c and group.c (writing), match.c (reading) and publish.c (between workers). */
#ifndef LN_BROKER_ROUTES_H
#define LN_BROKER_ROUTES_H

#include <pthread.h>
#include <linnet/router.h>

#define SUB_MAGIC 0x5ab5ab01u
#define EXACT_GENERATIONS 4096u

typedef struct ln__filter ln__filter_t;
typedef struct ln__place ln__place_t;
typedef struct ln__group ln__group_t;

/* A subscription. Its links belong to the writer; `next` is read under RCU. */
struct ln_sub {
	uint32_t magic;
	uint32_t refs;            /* atomic: the router's own, and one per parcel under way */
	uint32_t id;
	uint32_t slot;            /* for the owner: where it stands among its own */
	uint8_t qos, flags;
	bool dead;                /* home only */
	ln_sink_t *sink;
	ln_sub_t *next, *prev;    /* in filter->subs */
	ln__filter_t *filter;
	ln__group_t *group;       /* NULL: not shared */
	void *replay;             /* for the owner: the retained messages on their way */
	ln_rcu_head_t rcu;
};

/* The members of a group, replaced whole under RCU. */
typedef struct ln__members {
	ln_rcu_head_t rcu;
	uint32_t count;
	ln_sub_t *sub[];
} ln__members_t;

struct ln__group {
	uint32_t refs;            /* atomic: the filter's list and every member */
	uint32_t turn;            /* atomic: whose turn it is */
	ln_sub_t *favourite;      /* atomic: the last pick of the sticky strategy; never followed */
	ln__members_t *members;   /* RCU */
	ln__group_t *next;        /* in filter->groups, RCU */
	uint32_t name_len;
	char name[];
};

/* A filter somebody subscribed to. */
struct ln__filter {
	uint64_t hash;            /* of the text */
	ln_sub_t *subs;           /* RCU */
	ln__group_t *groups;      /* RCU */
	ln__place_t *place;       /* in the tree; NULL for a literal filter */
	ln_rcu_head_t rcu;
	uint32_t len;
	char text[];
};

/* A place in the tree of filters with wildcards: one level under a parent. */
struct ln__place {
	uint64_t hash;            /* of parent and level */
	uint64_t salt;            /* what children mix into their hash */
	ln__place_t *parent, *plus;   /* plus: the child '+', RCU */
	ln__filter_t *here;       /* the filter that ends at this level, RCU */
	ln__filter_t *rest;       /* the filter that goes on with '#', RCU */
	uint32_t children;        /* in the map, without plus */
	uint32_t len;
	ln_rcu_head_t rcu;
	char level[];
};

/* A map of pointers that readers walk without a lock: 256 open-addressing tables, so that growing one of them is short even at a million
 * entries. Slots are never reused before a rebuild. */
typedef struct ln__slots {
	ln_rcu_head_t rcu;
	uint32_t cap, used;       /* used: full and deleted ones */
	struct { uint64_t hash; void *item; } at[];
} ln__slots_t;

#define MAP_PARTS 256u
typedef struct ln__map {
	ln__slots_t *part[MAP_PARTS];   /* RCU; NULL: empty */
	uint32_t live[MAP_PARTS];
} ln__map_t;

#define MAP_DELETED ((void *)1)

typedef bool (*ln__map_eq_fn)(const void *item, const void *key);
void *ln__map_find(const ln__map_t *map, uint64_t hash, ln__map_eq_fn eq, const void *key);
void ln__map_insert(ln__map_t *map, uint64_t hash, void *item);
void ln__map_remove(ln__map_t *map, uint64_t hash, const void *item);
void ln__map_fini(ln__map_t *map);

/* The whole. */
typedef struct ln__routes {
	pthread_mutex_t lock;     /* writers */
	ln__map_t filters;        /* text → filter */
	ln__map_t places;         /* parent and level → place */
	uint64_t wild_generation;
	uint64_t exact_generation[EXACT_GENERATIONS];
	uint64_t filter_count, sub_count;
	size_t slot;              /* per worker: ln__router_worker_t */
	uint32_t stat;            /* first counter */
	ln_shared_t strategy;     /* atomic */
} ln__routes_t;

extern ln__routes_t ln__routes;
extern ln__place_t ln__root;      /* of the tree */

typedef struct ln__level_key {
	const ln__place_t *parent;
	ln_slice_t level;
} ln__level_key_t;

ln__place_t *ln__place_child(const ln__place_t *parent, ln_slice_t level, uint64_t level_hash);
ln__filter_t *ln__filter_find(ln_slice_t text, uint64_t hash);

/* What a topic comes to on one worker. */
typedef struct ln__match {
	uint64_t hash;
	uint64_t wild_generation, exact_generation;
	uint32_t topic_len;
	uint32_t target_count, sub_count, group_count;
	uint64_t remote[LN_WORKERS_MAX / 64];  /* workers with targets, the own not among them */
	bool any_remote;
	bool cached;
	ln_target_t *targets;
	ln_sub_t **subs;
	ln__group_t **groups;
	uint8_t *topic;
} ln__match_t;

#define CACHE_SLOTS 8192u

typedef struct ln__vector {
	void **at;
	uint32_t count, cap;
} ln__vector_t;

static inline void ln__vector_push(ln__vector_t *v, void *p)
{
	if (v->count == v->cap) {
		v->cap = v->cap ? v->cap * 2 : 64;
		v->at = ln_realloc(v->at, sizeof(void *) * v->cap);
	}
	v->at[v->count++] = p;
}

typedef struct ln__parcel ln__parcel_t;

typedef struct ln__router_worker {
	ln_worker_t *worker;                       /* NULL: not started */
	bool routing;                              /* inside a publish */
	ln__match_t *last;                         /* the last match used, when cached */
	struct { uint64_t seen; ln__match_t *match; } *cache;
	ln__match_t scratch;
	ln__vector_t front, next, filters, subs, groups, targets;
	ln__parcel_t *out[LN_WORKERS_MAX];         /* being filled, by receiver */
	uint32_t under_way;                        /* messages sent to other workers and not yet routed there */
	uint32_t touched_count;
	uint16_t touched[LN_WORKERS_MAX];
	ln_list_t waiters;
} ln__router_worker_t;

/* The worker's part of the router; begins it at the first call. */
ln__router_worker_t *ln__router_worker(ln_worker_t *w);
/* The match of TOPIC on this worker, good until the next call. */
const ln__match_t *ln__match(ln__router_worker_t *rw, ln_slice_t topic);
void ln__match_cache_fini(ln__router_worker_t *rw);
/* Sends M (sealed, shared; a reference is taken) to worker TO: for all its own targets, or for SUB alone (a reference is taken). */
void ln__parcel_add(ln__router_worker_t *rw, uint32_t to, ln_msg_t *m, ln_sub_t *sub);
void ln__parcels_send(ln__router_worker_t *rw);
/* A parcel's item has arrived. */
void ln__router_arrived(ln__router_worker_t *rw, ln_msg_t *m, ln_sub_t *sub);

/* SUB becomes a member of F's group NAME, or leaves its group. Under the lock. */
void ln__group_join(ln__filter_t *f, ln_sub_t *sub, ln_slice_t name);
void ln__group_leave(ln__filter_t *f, ln_sub_t *sub);
void ln__group_unref(ln__group_t *g);
/* The member that gets MSG, borrowed until the return to the loop; NULL when there is none. Thread: any worker. */
ln_sub_t *ln__group_pick(ln__group_t *g, const ln_msg_t *msg);
/* Sends M (shared from now on) from member FROM, or one that was, to another: one that is ready, or any when FROM has left. False: there is
 * none. Thread: FROM's home. */
bool ln__group_hand_over(ln__router_worker_t *rw, const ln_sub_t *from, ln_msg_t *m);

void ln__sub_ref(ln_sub_t *sub);
void ln__sub_unref(ln_sub_t *sub);

enum {
	STAT_MESSAGES_IN, STAT_MESSAGES_OUT, STAT_UNMATCHED, STAT_PARCELS, STAT_DROPPED_QOS0, STAT_DROPPED_FULL, STAT_DROPPED_LARGE,
	STAT_EXPIRED, STAT_SESSIONS, STAT_SESSIONS_ATTACHED, STAT_SUBSCRIPTIONS, STAT_TAKEOVERS, STAT_RETAINED, STAT_RETAIN_REFUSED,
	STAT_WILLS, STAT_QUEUED, STAT_OVERRUN
};

#endif
