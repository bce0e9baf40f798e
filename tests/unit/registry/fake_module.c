/* fake_module.c — modules for the loader to judge, one source for all: -DFAKE_NAME=<name> says which.
 *
 *     good      everything a module can have              needy     needs good
 *     major     built for the next major                  ring_a    needs ring_b
 *     minor     built for a newer minor                   ring_b    needs ring_a
 *     small     an older, shorter descriptor              rival     provides what good provides
 *     tiny      too short for anything                    strange   a hook at a point that does not exist
 *     large     longer than the core's                    noself    no self
 *     nosymbol  no descriptor                             misnamed  calls itself otherwise
 *
 * Unlike a real module it exports more than its descriptor: what its functions were called for (fake_trace), what they
 * shall answer, and the core's functions it may call, so that it needs no symbol of the program that opens it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef LN_VERSION
#define LN_VERSION "1.2.3"
#include <linnet/module.h>

#define KIND_good 1
#define KIND_major 2
#define KIND_minor 3
#define KIND_small 4
#define KIND_tiny 5
#define KIND_large 6
#define KIND_nosymbol 7
#define KIND_misnamed 8
#define KIND_needy 9
#define KIND_ring_a 10
#define KIND_ring_b 11
#define KIND_rival 12
#define KIND_strange 13
#define KIND_noself 14
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)
#define KIND JOIN(KIND_, FAKE_NAME)
#if KIND == 0
#error FAKE_NAME is none of the above
#endif

LN_EXPORT extern char fake_trace[1024];
LN_EXPORT extern int fake_answer;
LN_EXPORT extern void (*fake_say)(ln_conf_errors_t *, const ln_conf_node_t *, const char *, ...);
char fake_trace[1024];
int fake_answer;
void (*fake_say)(ln_conf_errors_t *, const ln_conf_node_t *, const char *, ...);

typedef struct fake_conf {
	uint32_t low, high;
	char *name;
	ln_strings_t list;
} fake_conf_t;

static ln_self_t self;

__attribute__((unused)) static const ln_conf_item_t conf[] = {
	LN_CONF(fake_conf_t, low, "1", "The least.", .max = 100, .reload = true, .listener = true),
	LN_CONF(fake_conf_t, high, "10", "The most.", .max = 100, .reload = true, .listener = true),
	LN_CONF(fake_conf_t, name, "fake", "A fixed name."),
	LN_CONF(fake_conf_t, list, "[a, b]", "Some texts.", .reload = true),
	LN_CONF_END,
};

__attribute__((unused)) static const ln_stat_t stats[] = {
	{ "asked", LN_STAT_COUNTER, "How often it was asked." },
	{ "here", LN_STAT_GAUGE, "How many are here." },
	LN_STAT_END,
};

__attribute__((unused)) static const ln_logdef_t logs[] = {
	LN_LOGDEF_ROW(FAKE_SPEAKS, NOTICE, "the fake says \"%s\"", "Nothing to worry about.")
	LN_LOGDEF_END
};

__attribute__((format(printf, 1, 2))) static void trace(const char *format, ...)
{
	size_t len = strlen(fake_trace);
	va_list args;

	va_start(args, format);
	vsnprintf(fake_trace + len, sizeof(fake_trace) - len, format, args);
	va_end(args);
}

static ln_verdict_t on_accept(ln_call_t *call)
{
	(void)call;
	trace("accept ");
	return LN_NEXT;
}

__attribute__((unused)) static const ln_hook_t hooks[] = {
	{ KIND == KIND_strange ? LN_HOOK_POINT_COUNT : LN_HOOK_ACCEPT, LN_PRIO_GUARD, on_accept,
	  "looks at the address" },
	{ 0, 0, NULL, NULL },
};

static const int thing = 42;
__attribute__((unused)) static const ln_provide_t provides[] = {
	{ LN_PROVIDE_PROTOCOL, "fake", &thing },
	{ LN_PROVIDE_LAYER, "wrap", &thing },
	{ LN_PROVIDE_END, NULL, NULL },
};

__attribute__((unused)) static const char *const needs[] = {
	KIND == KIND_needy ? "good" : KIND == KIND_ring_a ? "ring_b" : KIND == KIND_ring_b ? "ring_a" : NULL,
	NULL,
};

static void check(const void *c, const ln_conf_node_t *node, ln_conf_errors_t *errors)
{
	const fake_conf_t *f = c;

	trace("check:%u-%u ", f->low, f->high);
	if (f->low > f->high && fake_say)
		fake_say(errors, node, "low is above high");
}

static ln_result_t load(const void *c)
{
	/* In the module "small" this function is behind the end of the descriptor. */
	if (KIND == KIND_small)
		abort();
	trace("load:%u%s ", ((const fake_conf_t *)c)->low, c == self.conf ? "" : "!");
	return (ln_result_t)fake_answer;
}

static void worker_start(ln_worker_t *w, void *state)
{
	uint64_t *room = state;

	trace("start:%u%s ", w->index, room[0] == 0 && room[1] == 0 ? "" : "!");
	room[0] = room[1] = w->index + 1;
}

static void worker_stop(ln_worker_t *w, void *state)
{
	trace("stop:%u%s ", w->index, ((uint64_t *)state)[1] == w->index + 1 ? "" : "!");
}

static ln_result_t reload(const void *old_conf, const void *new_conf)
{
	trace("reload:%u>%u ", ((const fake_conf_t *)old_conf)->low, ((const fake_conf_t *)new_conf)->low);
	return (ln_result_t)fake_answer;
}

static void unload(void)
{
	trace("unload ");
}

#if KIND != KIND_nosymbol
extern const ln_module_t ln_module;
LN_EXPORT const ln_module_t ln_module = {
	.abi_major = LN_ABI_MAJOR + (KIND == KIND_major),
	.abi_minor = LN_ABI_MINOR + (KIND == KIND_minor),
	.size = KIND == KIND_small ? offsetof(ln_module_t, load) :
		KIND == KIND_tiny  ? 16 :
		KIND == KIND_large ? sizeof(ln_module_t) + 64 :
				     sizeof(ln_module_t),
	.name = KIND == KIND_misnamed ? "other" : TEXT(FAKE_NAME),
	.version = LN_VERSION,
	.summary = "A module for tests.",
	.self = KIND == KIND_noself ? NULL : &self,
	.conf = conf,
	.conf_size = sizeof(fake_conf_t),
	.stats = stats,
	.logs = logs,
	.hooks = hooks,
	.provides = KIND == KIND_good || KIND == KIND_rival ? provides : NULL,
	.needs = needs,
	.worker_size = 2 * sizeof(uint64_t),
	.session_size = 24,
	.check = check,
	.load = load,
	.worker_start = worker_start,
	.worker_stop = worker_stop,
	.reload = reload,
	.unload = unload,
};
#else
LN_EXPORT extern void *const fake_keep[];
void *const fake_keep[] = { (void *)check,       (void *)load,   (void *)worker_start,
			    (void *)worker_stop, (void *)reload, (void *)unload };
#endif
