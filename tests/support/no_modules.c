/* no_modules.c — unit tests link no module in: the loader's list is empty, whatever configure was told. In linnetd the list is made by make
 * (core/core.mk). */
#include <linnet/module.h>

extern const ln_module_t *const ln_static_modules[];
const ln_module_t *const ln_static_modules[] = { NULL };
