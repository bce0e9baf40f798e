/* job.c — blocking work on a few threads, answered by letter.
 *
 * One queue, one lock, one condition: a job is a disk write or a password hash, next to which a lock is nothing, and
 * the first in is the first begun. A thread is online for RCU while it works and offline while it waits; work that
 * sleeps long on something may go offline itself (ln_rcu_offline), else it holds back the freeing of old objects,
 * though nothing more.
 *
 * When no pool runs (before ln_jobs_start, after ln_jobs_stop) the submitter does the work at once and the answer
 * still comes by letter: at the end of the process there are always a few files to close.
 */
#include <pthread.h>
#include <signal.h>
#include <linnet/mem.h>
#include <linnet/rcu.h>
#include <linnet/worker.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static ln_job_t *queue, **queue_end = &queue;
static bool running;
static pthread_t *threads;
static unsigned thread_count;

static void on_done(ln_letter_t *letter)
{
	ln_job_t *job = LN_CONTAINER(letter, ln_job_t, letter);

	job->done(job);
}

static void perform(ln_job_t *job)
{
	job->work(job);
	job->letter.fn = on_done;
	ln_post(job->home, &job->letter);
}

/* The next job, after a wait if need be; NULL when the pool is to end and the queue is empty. */
static ln_job_t *next_job(void)
{
	ln_job_t *job;

	pthread_mutex_lock(&lock);
	while (!queue && running)
		pthread_cond_wait(&changed, &lock);
	job = queue;
	if (job) {
		queue = job->next;
		if (!queue)
			queue_end = &queue;
	}
	pthread_mutex_unlock(&lock);
	return job;
}

static void *job_thread(void *unused)
{
	ln_job_t *job;

	ln_rcu_register();
	for (;;) {
		ln_rcu_offline();
		job = next_job();
		ln_rcu_online();
		if (!job)
			break;
		perform(job);
	}
	ln_rcu_unregister();
	return unused;
}

void ln_jobs_start(unsigned count)
{
	sigset_t all, before;

	ln_require(!threads);
	thread_count = count ? count : 1;
	threads = ln_new_n(pthread_t, thread_count);
	pthread_mutex_lock(&lock);
	running = true;
	pthread_mutex_unlock(&lock);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < thread_count; i++) {
		ln_insist(pthread_create(&threads[i], NULL, job_thread, NULL) == 0);
		pthread_setname_np(threads[i], "linnet-job");
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void ln_jobs_stop(void)
{
	if (!threads)
		return;
	pthread_mutex_lock(&lock);
	running = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	ln_rcu_offline();
	for (unsigned i = 0; i < thread_count; i++)
		pthread_join(threads[i], NULL);
	ln_rcu_online();
	ln_free(threads);
	threads = NULL;
}

void ln_job_submit(ln_job_t *job)
{
	bool queued;

	ln_require(job->home && job->work && job->done);
	job->next = NULL;
	pthread_mutex_lock(&lock);
	queued = running;
	if (queued) {
		*queue_end = job;
		queue_end = &job->next;
		pthread_cond_signal(&changed);
	}
	pthread_mutex_unlock(&lock);
	if (!queued)
		perform(job);
}
