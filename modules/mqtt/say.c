/* say.c — how often strangers may make the broker write a line.
 *
 * Anybody who reaches a listener can be refused or send rubbish a thousand times a second; each time a line in the log would fill the disk
 * and bury what matters. Each worker has a token bucket for such lines. Those without a token are only counted, and a timer sums them up in
 * one line. At level debug all are written: who looks for a fault wants each. A bucket per address was not done: an attacker has many.
 */
#include "mqtt.h"

#define AT_ONCE 50u
#define EVERY_MS 100u
#define SUM_AFTER_MS 5000u

static void sum_up(ln_worker_t *w, ln_timer_t *t)
{
	mqtt_worker_t *mine = LN_CONTAINER(t, mqtt_worker_t, timer);

	ln_log(w, MQTT_LEFT_OUT, mine->left_out);
	mine->left_out = 0;
}

void mqtt_worker_stop(ln_worker_t *w, void *state)
{
	mqtt_worker_t *mine = state;

	if (!mine->left_out)
		return;
	ln_timer_cancel(w, &mine->timer);
	sum_up(w, &mine->timer);
}

bool mqtt_may_say(const mqtt_conn_t *c)
{
	ln_worker_t *w = ln_conn_worker(c->conn);
	mqtt_worker_t *mine = ln_worker_slot(w, mqtt_self.worker_slot);

	if (__atomic_load_n(&ln_log_level, __ATOMIC_RELAXED) >= LN_LOG_DEBUG)
		return true;
	if (mine->full_at < w->now)
		mine->full_at = w->now;
	if (mine->full_at - w->now + EVERY_MS <= AT_ONCE * EVERY_MS) {
		mine->full_at += EVERY_MS;
		return true;
	}
	mqtt_count(c, MQTT_STAT_lines_left_out);
	if (mine->left_out++ == 0)
		ln_timer_set(w, &mine->timer, SUM_AFTER_MS, sum_up);
	return false;
}
