# man.mk - the broker's manual pages.
#
# What they say about options and messages is printed by the linnetd that was just built, from the tables it works with, of the core and of every
# module beside it. That needs a linnetd that runs here: a cross build has linnetd(8) alone. They are made in man/, so that no tarball holds the
# pages of somebody's choice of modules.

LN_MAN_PAGES = man/linnetd.8
if !CROSS_COMPILING
LN_MAN_PAGES += man/linnet.conf.5 man/linnet-log.7
endif

nodist_man_MANS = $(LN_MAN_PAGES)
CLEANFILES += $(LN_MAN_PAGES)

LN_MAN_SED = sed -e 's|@linnetconfdir[@]|$(linnetconfdir)|g' -e 's|@moduledir[@]|$(moduleexecdir)|g' -e 's|@VERSION[@]|$(VERSION)|g'

man/linnetd.8: doc/man/linnetd.8.in Makefile
	$(AM_V_GEN)$(MKDIR_P) man && $(LN_MAN_SED) $(srcdir)/doc/man/linnetd.8.in > $@-t && mv -f $@-t $@

# Some kernels lay out memory in a way the sanitizers' runtimes cannot use; hence the second attempt.
man/linnet.conf.5 man/linnet-log.7: linnetd$(EXEEXT) $(moduleexec_LTLIBRARIES) doc/man/linnet.conf.5.in doc/man/linnet-log.7.in Makefile
	$(AM_V_GEN)$(MKDIR_P) man && echo 'module-path: ../.libs' > $@-c && \
	page=`echo $@ | sed 's|man/linnet.\([a-z]*\)\.[57]|\1|'` && \
	run="env ASAN_OPTIONS=$$ASAN_OPTIONS:detect_leaks=0 ./linnetd$(EXEEXT) -c $@-c --describe-man=$$page" && \
	{ $$run > $@-r || setarch -R $$run > $@-r; } && \
	$(LN_MAN_SED) -e '/^@REFERENCE[@]$$/{' -e 'r $@-r' -e 'd' -e '}' $(srcdir)/doc/$@.in > $@-t && \
	rm -f $@-c $@-r && mv -f $@-t $@

EXTRA_DIST += doc/man/linnetd.8.in doc/man/linnet.conf.5.in doc/man/linnet-log.7.in
