/* Tests core/loop/rcu.c or rcu_builtin.c, whichever was built: nothing is freed while a reader may hold it,
 * everything is freed in the end. Freed objects are overwritten, so that a reader that came too late sees it even
 * without a sanitizer. */
#include <pthread.h>
#include <stdatomic.h>
#include <linnet/mem.h>
#include <linnet/rcu.h>
#include "unit.h"

#define READERS 3
#define SWAPS 2000

typedef struct object {
	ln_rcu_head_t rcu;
	uint64_t value, twice;
} object_t;

static object_t *shared;
static _Atomic unsigned freed;
static _Atomic bool stop;
static _Atomic unsigned steps;

static void release(ln_rcu_head_t *head)
{
	object_t *o = LN_CONTAINER(head, object_t, rcu);

	o->value = 1;
	o->twice = 1;
	ln_free(o);
	atomic_fetch_add(&freed, 1);
}

static object_t *make(uint64_t value)
{
	object_t *o = ln_new(object_t);

	o->value = value;
	o->twice = 2 * value;
	return o;
}

static void swap_in(object_t *fresh)
{
	object_t *old = shared;

	ln_rcu_set(&shared, fresh);
	ln_rcu_call(&old->rcu, release);
}

static void *read_on(void *arg)
{
	uint64_t *wrong = arg, last = 0;

	ln_rcu_register();
	while (!atomic_load(&stop)) {
		for (int i = 0; i < 20; i++) {
			const object_t *o = ln_rcu_get(&shared);
			uint64_t value = o->value;
			*wrong += o->twice != 2 * value || value < last;
			last = value;
		}
		ln_rcu_offline();
		ln_rcu_online();
	}
	ln_rcu_unregister();
	return NULL;
}

START_TEST(readers_never_see_a_freed_object)
{
	pthread_t reader[READERS];
	uint64_t wrong[READERS] = { 0 };

	ln_rcu_register();
	shared = make(1000);
	for (int i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&reader[i], NULL, read_on, &wrong[i]), 0);
	for (uint64_t i = 1; i <= SWAPS; i++) {
		swap_in(make(1000 + i));
		if (i % 100 == 0)
			ln_unit_sleep_ms(1);
	}
	atomic_store(&stop, true);
	ln_rcu_offline();
	for (int i = 0; i < READERS; i++) {
		pthread_join(reader[i], NULL);
		ck_assert_uint_eq(wrong[i], 0);
	}
	ln_rcu_online();
	ln_rcu_barrier();
	ck_assert_uint_eq(atomic_load(&freed), SWAPS);
	ln_free(shared);
	ln_rcu_unregister();
}
END_TEST

static void *hold(void *arg)
{
	object_t *held;

	(void)arg;
	ln_rcu_register();
	held = ln_rcu_get(&shared);
	atomic_store(&steps, 1);
	while (atomic_load(&steps) != 2)
		ln_unit_sleep_ms(1);
	ck_assert_uint_eq(held->value, 5);
	ln_rcu_offline();
	atomic_store(&steps, 3);
	while (atomic_load(&steps) != 4)
		ln_unit_sleep_ms(1);
	ln_rcu_online();
	ln_rcu_unregister();
	return NULL;
}

START_TEST(a_reader_online_holds_it_back)
{
	pthread_t thread;

	ln_rcu_register();
	shared = make(5);
	ck_assert_int_eq(pthread_create(&thread, NULL, hold, NULL), 0);
	ln_unit_until(atomic_load(&steps) == 1);
	swap_in(make(6));
	ln_rcu_offline();
	ln_unit_sleep_ms(100);
	ck_assert_uint_eq(atomic_load(&freed), 0);
	atomic_store(&steps, 2);
	ln_unit_until(atomic_load(&freed) == 1);
	ln_unit_until(atomic_load(&steps) == 3);
	ln_rcu_online();
	swap_in(make(7));
	ln_rcu_barrier();
	ck_assert_uint_eq(atomic_load(&freed), 2);
	atomic_store(&steps, 4);
	pthread_join(thread, NULL);
	ln_free(shared);
	ln_rcu_unregister();
}
END_TEST

START_TEST(barrier_without_anything)
{
	ln_rcu_register();
	ln_rcu_barrier();
	ln_rcu_unregister();
}
END_TEST

LN_UNIT_MAIN("loop/rcu", readers_never_see_a_freed_object, a_reader_online_holds_it_back, barrier_without_anything)
