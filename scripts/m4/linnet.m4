# linnet.m4 - what configure.ac says about modules, flags and its summary.

# LN_SUMMARY(NAME, TEXT): one line of the summary at configure's end.
AC_DEFUN([LN_SUMMARY],
[AS_VAR_APPEND([ln_summary], ["$(printf '  %-14s %s' "$1:" "$2")
"])])

# LN_FLAGS_IF_KNOWN(VARIABLE, FLAG...): appends each flag the compiler takes without complaint.
AC_DEFUN([LN_FLAGS_IF_KNOWN],
[for ln_flag in m4_normalize([$2]); do
  AC_MSG_CHECKING([whether $CC takes $ln_flag])
  ln_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $ln_flag"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes])
     AS_VAR_APPEND([$1], [" $ln_flag"])],
    [AC_MSG_RESULT([no])])
  CFLAGS=$ln_save_CFLAGS
done
AC_SUBST([$1])])

# LN_MODULE(NAME, DEFAULT, [LIBRARIES])
#
# Declares the module in modules/NAME/. DEFAULT is what happens without --with-NAME: `shared' or `no'. LIBRARIES is shell code that
# looks for what the module needs and puts what is missing into $ln_missing. A module nobody asked for by name is then left out and the
# summary says so; one that was asked for stops configure.
#
# Gives: the conditionals MODULE_NAME (built at all), MODULE_NAME_SHARED, MODULE_NAME_STATIC; a static one's name in LN_STATIC_MODULES.
AC_DEFUN([LN_MODULE],
[AC_ARG_WITH([$1],
  [AS_HELP_STRING([--with-$1=shared|static|no], [module $1 (default: $2)])],
  [], [with_$1=default])
AS_CASE([$with_$1],
  [default], [ln_kind=$2; ln_asked=no],
  [yes],     [ln_kind=shared; ln_asked=yes],
  [shared|static], [ln_kind=$with_$1; ln_asked=kind],
  [no],      [ln_kind=no; ln_asked=yes],
  [AC_MSG_ERROR([--with-$1 is shared, static or no, not "$with_$1"])])
AS_IF([test "$ln_asked" != kind && test "$ln_kind" = shared && test "$ln_all_static" = yes], [ln_kind=static])
AS_IF([test "$ln_kind" = shared && test "$enable_shared" = no],
  [AC_MSG_ERROR([--disable-shared leaves no shared modules: add --enable-static-modules or --with-$1=static])])
ln_missing=
ln_shown=$ln_kind
m4_ifnblank([$3], [AS_IF([test "$ln_kind" != no], [$3])])
AS_IF([test -n "$ln_missing"],
  [AS_IF([test "$ln_asked" != no], [AC_MSG_ERROR([module $1 was asked for and needs $ln_missing])])
   ln_kind=no
   ln_shown="no (needs $ln_missing)"])
AM_CONDITIONAL([MODULE_$1], [test "$ln_kind" != no])
AM_CONDITIONAL([MODULE_$1_SHARED], [test "$ln_kind" = shared])
AM_CONDITIONAL([MODULE_$1_STATIC], [test "$ln_kind" = static])
AS_IF([test "$ln_kind" = static], [AS_VAR_APPEND([LN_STATIC_MODULES], [" $1"])])
AS_VAR_APPEND([ln_modules_summary], ["$(printf '  %-14s %s' "$1:" "$ln_shown")
"])])
