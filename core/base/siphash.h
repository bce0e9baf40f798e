/* siphash.h — the keyed hash itself, for its test vectors. */
#ifndef LN_BASE_SIPHASH_H
#define LN_BASE_SIPHASH_H

#include <linnet/str.h>

/* SipHash-1-3 of S under the key {k0, k1}. Thread: any. */
uint64_t ln__siphash13(const uint64_t key[2], ln_slice_t s);

#endif
