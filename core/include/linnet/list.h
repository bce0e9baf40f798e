/* list.h — an intrusive doubly linked ring.
 *
 * A head is a node that points at itself; a node that is in no ring has next == NULL.
 */
#ifndef LINNET_LIST_H
#define LINNET_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <linnet/result.h>

typedef struct ln_node {
	struct ln_node *next, *prev;
} ln_node_t;

typedef ln_node_t ln_list_t;

static inline void ln_list_init(ln_list_t *l)
{
	l->next = l->prev = l;
}

static inline bool ln_list_empty(const ln_list_t *l)
{
	return l->next == l;
}

static inline bool ln_node_linked(const ln_node_t *n)
{
	return n->next != NULL;
}

/* Puts N before AT: before the head is the end of the list. Requires: N is in no list. */
static inline void ln_list_insert_before(ln_node_t *at, ln_node_t *n)
{
	ln_require(!ln_node_linked(n));
	n->next = at;
	n->prev = at->prev;
	at->prev->next = n;
	at->prev = n;
}

static inline void ln_list_append(ln_list_t *l, ln_node_t *n)
{
	ln_list_insert_before(l, n);
}

static inline void ln_list_prepend(ln_list_t *l, ln_node_t *n)
{
	ln_list_insert_before(l->next, n);
}

/* Takes N out of its list; does nothing when it is in none. */
static inline void ln_list_remove(ln_node_t *n)
{
	if (!ln_node_linked(n))
		return;
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->next = n->prev = NULL;
}

/* The first node, or NULL. */
static inline ln_node_t *ln_list_first(const ln_list_t *l)
{
	return ln_list_empty(l) ? NULL : l->next;
}

/* Takes the first node out and returns it, or NULL. */
static inline ln_node_t *ln_list_take(ln_list_t *l)
{
	ln_node_t *n = ln_list_first(l);
	if (n)
		ln_list_remove(n);
	return n;
}

/* Moves every node of FROM to the end of TO. */
static inline void ln_list_move(ln_list_t *to, ln_list_t *from)
{
	if (ln_list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	ln_list_init(from);
}

#endif
