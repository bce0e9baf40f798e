/* hook.c — hooks compiled to one flat array per point.
 *
 * Registering only remembers whose table it is. Compiling counts the hooks of each point, sorts them by band and then
 * by the order the modules came, and marks where the OBSERVE band begins. Asking walks that array: one load, one
 * indirect call and one compare for each hook, no lock, no list. The place of a call that waits is a number in the call
 * itself, so any number of calls can stand at the same point, and an answer from another thread needs no look-up: it
 * arrives as a letter and goes on where it stopped.
 *
 * Observers run last, once the verdict is known, whatever it is. They see it in call->settled and cannot change it or
 * wait.
 *
 * Not done: adding or removing hooks while workers run. Modules are never unloaded, and a module that wants to be
 * silent says LN_NEXT.
 */
#include <string.h>
#include <linnet/hook.h>
#include <linnet/mem.h>

#define HOOKS_PER_POINT_MAX 255

typedef struct table {
	const char *module;
	const ln_hook_t *hooks;
} table_t;

static struct {
	table_t *item;
	unsigned count;
} tables;

static ln_hook_fn nothing[1];
ln_hook_fn *ln_hook_slots[LN_HOOK_POINT_COUNT] = { [0 ... LN_HOOK_POINT_COUNT - 1] = nothing };
static uint8_t observe_from[LN_HOOK_POINT_COUNT];  /* index of the first observer */

static const uint8_t defaults[] = {
#define X(name, def, help) def,
	LN_HOOK_POINTS(X)
#undef X
};

/* Asks from call->position on. Returns LN_VERDICT_WAIT or the verdict, which call->settled then holds. */
static ln_verdict_t go_on(ln_call_t *call)
{
	ln_hook_fn *slots = ln_hook_slots[call->point];
	unsigned i = call->position, observers = observe_from[call->point];
	ln_verdict_t verdict = call->settled;

	while (i < observers && verdict == LN_NEXT) {
		verdict = slots[i++](call);
		if (LN_LIKELY(verdict == LN_NEXT))
			continue;
		ln_require(verdict <= LN_VERDICT_WAIT);
		if (verdict == LN_VERDICT_WAIT) {
			ln_require(call->done);
			call->position = (uint8_t)i;
			call->waiting = true;
			return LN_VERDICT_WAIT;
		}
	}
	call->settled = verdict == LN_NEXT ? defaults[call->point] : (uint8_t)verdict;
	for (i = observers; slots[i]; i++)
		slots[i](call);
	return call->settled;
}

ln_verdict_t ln_hook_ask(ln_hook_point_t point, ln_call_t *call)
{
	ln_require(point < LN_HOOK_POINT_COUNT && !call->waiting);
	call->point = (uint8_t)point;
	call->position = 0;
	call->settled = LN_NEXT;
	return go_on(call);
}

void ln_hook_resume(ln_call_t *call, ln_verdict_t verdict)
{
	ln_require(call->waiting && verdict < LN_VERDICT_WAIT);
	call->waiting = false;
	call->settled = verdict;
	verdict = go_on(call);
	if (verdict != LN_VERDICT_WAIT)
		call->done(call, verdict);
}

void ln_hook_register(const char *module, const ln_hook_t *table)
{
	ln_require(module && table);
	for (const ln_hook_t *h = table; h->fn; h++)
		ln_require(h->point < LN_HOOK_POINT_COUNT);
	tables.item = ln_realloc(tables.item, (tables.count + 1) * sizeof(table_t));
	tables.item[tables.count++] = (table_t){ module, table };
}

/* Collects POINT's hooks in order of registration; returns how many. */
static unsigned collect(unsigned point, const ln_hook_t *dst[HOOKS_PER_POINT_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < tables.count; i++) {
		for (const ln_hook_t *h = tables.item[i].hooks; h->fn; h++) {
			if (h->point != point)
				continue;
			ln_require(n < HOOKS_PER_POINT_MAX);
			dst[n++] = h;
		}
	}
	return n;
}

/* Insertion sort by band: stable, and a point has a handful of hooks. */
static void sort(const ln_hook_t **hooks, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		const ln_hook_t *moving = hooks[i];
		unsigned at = i;
		for (; at > 0 && hooks[at - 1]->prio > moving->prio; at--)
			hooks[at] = hooks[at - 1];
		hooks[at] = moving;
	}
}

static void free_slots(unsigned point)
{
	if (ln_hook_slots[point] != nothing)
		ln_free(ln_hook_slots[point]);
	ln_hook_slots[point] = nothing;
	observe_from[point] = 0;
}

static void compile(unsigned point)
{
	const ln_hook_t *hooks[HOOKS_PER_POINT_MAX];
	unsigned count = collect(point, hooks);

	free_slots(point);
	if (count == 0)
		return;
	sort(hooks, count);
	ln_hook_slots[point] = ln_new_n(ln_hook_fn, count + 1);
	for (unsigned i = 0; i < count; i++) {
		ln_hook_slots[point][i] = hooks[i]->fn;
		if (hooks[i]->prio < LN_PRIO_OBSERVE)
			observe_from[point] = (uint8_t)(i + 1);
	}
}

void ln_hooks_compile(void)
{
	for (unsigned point = 0; point < LN_HOOK_POINT_COUNT; point++)
		compile(point);
}

void ln_hooks_clear(void)
{
	for (unsigned point = 0; point < LN_HOOK_POINT_COUNT; point++)
		free_slots(point);
	ln_free(tables.item);
	memset(&tables, 0, sizeof(tables));
}

void ln_hook_each(void (*fn)(const char *module, const ln_hook_t *, void *ctx), void *ctx)
{
	for (unsigned i = 0; i < tables.count; i++)
		for (const ln_hook_t *h = tables.item[i].hooks; h->fn; h++)
			fn(tables.item[i].module, h, ctx);
}

const char *ln_hook_point_name(ln_hook_point_t point)
{
	static const char *const names[] = {
#define X(name, def, help) #name,
		LN_HOOK_POINTS(X)
#undef X
	};

	ln_require(point < LN_HOOK_POINT_COUNT);
	return names[point];
}

const char *ln_hook_point_help(ln_hook_point_t point)
{
	static const char *const helps[] = {
#define X(name, def, help) help,
		LN_HOOK_POINTS(X)
#undef X
	};

	ln_require(point < LN_HOOK_POINT_COUNT);
	return helps[point];
}
