# core.mk - the core, floor by floor: its public headers, its files, and the archive they become.
#
# This is also the map scripts/check-floors works with: a header belongs to the floor whose <floor>_headers names it.

base_headers = \
	core/include/linnet/buf.h \
	core/include/linnet/hash.h \
	core/include/linnet/list.h \
	core/include/linnet/mem.h \
	core/include/linnet/result.h \
	core/include/linnet/str.h

loop_headers = \
	core/include/linnet/clock.h \
	core/include/linnet/rcu.h \
	core/include/linnet/worker.h

registry_headers = \
	core/include/linnet/conf.h \
	core/include/linnet/hook.h \
	core/include/linnet/log.h \
	core/include/linnet/module.h \
	core/include/linnet/self.h \
	core/include/linnet/stat.h

broker_headers = \
	core/include/linnet/identity.h \
	core/include/linnet/msg.h \
	core/include/linnet/queue.h \
	core/include/linnet/retain.h \
	core/include/linnet/router.h \
	core/include/linnet/session.h \
	core/include/linnet/sink.h \
	core/include/linnet/topic.h

net_headers = \
	core/include/linnet/conn.h

linnetinclude_HEADERS += $(base_headers) $(loop_headers) $(registry_headers) $(broker_headers) $(net_headers)

# --- archives -------------------------------------------------------------------------------------
# One per floor, never installed.

# From the top floor down: each asks only those after it, so this is the linker's order too.
LN_CORE_LIBS = \
	core/libln_net.a \
	core/libln_broker.a \
	core/libln_registry.a \
	core/libln_loop.a \
	core/libln_base.a

noinst_LIBRARIES += $(LN_CORE_LIBS)

core_libln_base_a_SOURCES = \
	core/base/buf.c \
	core/base/hash.c \
	core/base/mem.c \
	core/base/result.c \
	core/base/siphash.h \
	core/base/str.c

core_libln_loop_a_SOURCES = \
	core/loop/clock.c \
	core/loop/inside.h \
	core/loop/job.c \
	core/loop/loop.c \
	core/loop/loop.h \
	core/loop/mail.c \
	core/loop/mail.h \
	core/loop/rcu.c \
	core/loop/rcu_builtin.c \
	core/loop/rcu_start.h \
	core/loop/turn.c \
	core/loop/wheel.c \
	core/loop/wheel.h \
	core/loop/worker.c

core_libln_registry_a_SOURCES = \
	core/registry/conf.c \
	core/registry/conf_bind.c \
	core/registry/conf_read.c \
	core/registry/conf_tree.c \
	core/registry/conf_tree.h \
	core/registry/conf_value.c \
	core/registry/conf_value.h \
	core/registry/describe.c \
	core/registry/describe.h \
	core/registry/hook.c \
	core/registry/log.c \
	core/registry/module.c \
	core/registry/modules.c \
	core/registry/modules.h \
	core/registry/modules_conf.c \
	core/registry/modules_conf.h \
	core/registry/stat.c

core_libln_broker_a_SOURCES = \
	core/broker/auth.c \
	core/broker/deliver.c \
	core/broker/group.c \
	core/broker/map.c \
	core/broker/match.c \
	core/broker/msg.c \
	core/broker/publish.c \
	core/broker/queue.c \
	core/broker/retain.c \
	core/broker/router.c \
	core/broker/routes.h \
	core/broker/session.c \
	core/broker/sessions.h \
	core/broker/subscribe.c \
	core/broker/tags.c \
	core/broker/tags.h \
	core/broker/topic.c \
	core/broker/window.c \
	core/broker/window.h

core_libln_net_a_SOURCES = \
	core/net/addr.c \
	core/net/addr.h \
	core/net/conn.c \
	core/net/conn_in.c \
	core/net/conn_move.c \
	core/net/conn_out.c \
	core/net/conn_turn.c \
	core/net/layer.c \
	core/net/limit.c \
	core/net/listener.c \
	core/net/listeners.c \
	core/net/log.def \
	core/net/net.c \
	core/net/net.h \
	core/net/outq.c \
	core/net/outq.h \
	core/net/port.c \
	core/net/stat.def \
	core/net/tcp.c \
	core/net/unix.c

# --- linnetd --------------------------------------------------------------------------------------

sbin_PROGRAMS += linnetd
linnetd_SOURCES = \
	core/main/broker.c \
	core/main/broker.h \
	core/main/describe.c \
	core/main/drop.c \
	core/main/drop.h \
	core/main/dump.c \
	core/main/house.h \
	core/main/log.def \
	core/main/main.c \
	core/main/notify.c \
	core/main/notify.h \
	core/main/reload.c \
	core/main/settings.c \
	core/main/settings.h
nodist_linnetd_SOURCES = core/modules_static.c

# The archives whole, because modules ask for functions that nothing here calls. One word, because libtool sorts words.
linnetd_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--whole-archive,core/libln_net.a,core/libln_broker.a,core/libln_registry.a,core/libln_loop.a,core/libln_base.a,--no-whole-archive \
	-Wl,--dynamic-list=$(srcdir)/core/linnet.dynlist
linnetd_LDADD = $(LN_STATIC_LIBS) $(LN_STATIC_NEEDS) $(EV_LIBS) $(URCU_LIBS) $(FYAML_LIBS)
linnetd_DEPENDENCIES = $(LN_CORE_LIBS) $(LN_STATIC_LIBS) core/linnet.dynlist

# The list the loader asks for a module before it looks in $(moduleexecdir). Empty when every module is shared.
CLEANFILES += core/modules_static.c

core/modules_static.c: Makefile
	$(AM_V_GEN)$(MKDIR_P) core && { \
		echo '/* modules_static.c - the modules that are linked in, as configure was told. Made by make. */'; \
		echo '#include <linnet/module.h>'; \
		echo; \
		echo 'extern const ln_module_t *const ln_static_modules[];'; \
		for m in $(LN_STATIC_MODULES); do echo "extern const ln_module_t ln_module_$$m;"; done; \
		echo; \
		echo 'const ln_module_t *const ln_static_modules[] = {'; \
		for m in $(LN_STATIC_MODULES); do echo "	&ln_module_$$m,"; done; \
		echo '	NULL'; \
		echo '};'; \
	} > $@-t && mv -f $@-t $@

LN_CONF_FILES += conf.d/linnet.conf

EXTRA_DIST += conf.d/linnet.conf core/linnet.dynlist
