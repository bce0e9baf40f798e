/* Tests linnet/list.h: the ring keeps its order whatever is taken out of it. */
#include <linnet/list.h>
#include "unit.h"

typedef struct item {
	int value;
	ln_node_t node;
} item_t;

static void check_order(const ln_list_t *l, const int *want, size_t count)
{
	const ln_node_t *n = l->next;

	for (size_t i = 0; i < count; i++, n = n->next) {
		const item_t *item = (const void *)((const char *)n - offsetof(item_t, node));
		ck_assert_ptr_ne(n, l);
		ck_assert_int_eq(item->value, want[i]);
		ck_assert_ptr_eq(n->next->prev, n);
	}
	ck_assert_ptr_eq(n, l);
}

START_TEST(order)
{
	item_t i[4] = { { .value = 0 }, { .value = 1 }, { .value = 2 }, { .value = 3 } };
	ln_list_t l;

	ln_list_init(&l);
	ck_assert(ln_list_empty(&l));
	ck_assert_ptr_null(ln_list_first(&l));
	ck_assert_ptr_null(ln_list_take(&l));
	ln_list_append(&l, &i[1].node);
	ln_list_append(&l, &i[3].node);
	ln_list_prepend(&l, &i[0].node);
	ln_list_insert_before(&i[3].node, &i[2].node);
	check_order(&l, (int[]){ 0, 1, 2, 3 }, 4);
	ln_list_remove(&i[2].node);
	ck_assert(!ln_node_linked(&i[2].node));
	ln_list_remove(&i[2].node);
	check_order(&l, (int[]){ 0, 1, 3 }, 3);
	ck_assert_ptr_eq(LN_CONTAINER(ln_list_take(&l), item_t, node), &i[0]);
	check_order(&l, (int[]){ 1, 3 }, 2);
	ln_unit_aborts(ln_list_append(&l, &i[3].node));
}
END_TEST

START_TEST(moving)
{
	item_t i[4] = { { .value = 0 }, { .value = 1 }, { .value = 2 }, { .value = 3 } };
	ln_list_t a, b;

	ln_list_init(&a);
	ln_list_init(&b);
	ln_list_move(&a, &b);
	ck_assert(ln_list_empty(&a));
	ln_list_append(&a, &i[0].node);
	ln_list_append(&b, &i[1].node);
	ln_list_append(&b, &i[2].node);
	ln_list_move(&a, &b);
	ck_assert(ln_list_empty(&b));
	check_order(&a, (int[]){ 0, 1, 2 }, 3);
	ln_list_append(&b, &i[3].node);
	ln_list_move(&b, &a);
	check_order(&b, (int[]){ 3, 0, 1, 2 }, 4);
	ck_assert(ln_list_empty(&a));
}
END_TEST

LN_UNIT_MAIN("base/list", order, moving)
