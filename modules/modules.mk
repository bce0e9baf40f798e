# modules.mk - the modules of this tree, one line each; the same name stands in configure.ac as LN_MODULE. scripts/new-module writes both.
include modules/mqtt/module.mk
include modules/probe/module.mk
include modules/scram/module.mk
include modules/ws/module.mk
include modules/proxy/module.mk
