/* Tests core/loop/job.c: every job is done once, at home, whenever it was submitted. */
#include <pthread.h>
#include <stdatomic.h>
#include <linnet/mem.h>
#include <linnet/worker.h>
#include "unit.h"

#define JOBS 2000

typedef struct task {
	ln_job_t job;
	pthread_t submitted_by, worked_by;
	unsigned number, worked, done;
} task_t;

static task_t tasks[JOBS];
static _Atomic unsigned done_count, wrong;
static unsigned begun;

static void work(ln_job_t *job)
{
	task_t *t = LN_CONTAINER(job, task_t, job);

	t->worked++;
	t->worked_by = pthread_self();
	atomic_fetch_add(&wrong, ln_worker_self() != NULL && !pthread_equal(t->submitted_by, pthread_self()));
}

static void done(ln_job_t *job)
{
	task_t *t = LN_CONTAINER(job, task_t, job);

	t->done++;
	atomic_fetch_add(&wrong, ln_worker_self() != job->home || t->worked != 1 || t->done != 1);
	atomic_fetch_add(&done_count, 1);
}

static void submit(unsigned i, unsigned home)
{
	tasks[i] = (task_t){ .number = i, .submitted_by = pthread_self() };
	tasks[i].job.home = ln_worker_at(home);
	tasks[i].job.work = work;
	tasks[i].job.done = done;
	ln_job_submit(&tasks[i].job);
}

START_TEST(done_at_home)
{
	ln_workers_create(2, 4096);
	ln_jobs_start(3);
	ln_unit_ok(ln_workers_start());
	for (unsigned i = 0; i < JOBS; i++)
		submit(i, i % 2);
	ln_unit_until(atomic_load(&done_count) == JOBS);
	ln_jobs_stop();
	ln_workers_stop();
	ck_assert_uint_eq(atomic_load(&wrong), 0);
	for (unsigned i = 0; i < JOBS; i++)
		ck_assert(!pthread_equal(tasks[i].worked_by, pthread_self()));
	ln_workers_destroy();
}
END_TEST

static void slow_work(ln_job_t *job)
{
	ln_unit_sleep_ms(2);
	ck_assert_uint_eq(LN_CONTAINER(job, task_t, job)->number, begun);
	begun++;
}

START_TEST(stop_finishes_what_is_queued)
{
	ln_workers_create(1, 4096);
	ln_jobs_start(0);
	for (unsigned i = 0; i < 50; i++) {
		tasks[i] = (task_t){ .number = i, .worked = 1 };
		tasks[i].job.home = ln_worker_at(LN_MAIN_INDEX);
		tasks[i].job.work = slow_work;
		tasks[i].job.done = done;
		ln_job_submit(&tasks[i].job);
	}
	ln_jobs_stop();
	ck_assert_uint_eq(begun, 50);
	ck_assert_uint_eq(atomic_load(&done_count), 0);
	ln_workers_stop();
	ck_assert_uint_eq(atomic_load(&done_count), 50);
	ck_assert_uint_eq(atomic_load(&wrong), 0);
	ln_jobs_stop();
	ln_workers_destroy();
}
END_TEST

START_TEST(without_a_pool_the_submitter_works)
{
	ln_workers_create(1, 4096);
	submit(0, 0);
	ck_assert_uint_eq(tasks[0].worked, 1);
	ck_assert_uint_eq(tasks[0].done, 0);
	ln_worker_turn(ln_worker_at(0), false);
	ck_assert_uint_eq(tasks[0].done, 1);
	ck_assert_uint_eq(atomic_load(&wrong), 0);
	ln_workers_destroy();
}
END_TEST

LN_UNIT_MAIN("loop/job", done_at_home, stop_finishes_what_is_queued, without_a_pool_the_submitter_works)
