/* str.h — slices: bytes that somebody else owns.
 *
 * A slice never ends in NUL by promise and never owns. It is passed by value. An empty slice may have data == NULL.
 */
#ifndef LINNET_STR_H
#define LINNET_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct ln_slice {
	const uint8_t *data;
	size_t len;
} ln_slice_t;

#define LN_STR(lit) ((ln_slice_t){ (const uint8_t *)(lit), sizeof(lit) - 1 })

static inline ln_slice_t ln_slice(const void *data, size_t len)
{
	return (ln_slice_t){ (const uint8_t *)data, len };
}

static inline ln_slice_t ln_slice_of(const char *s)
{
	return ln_slice(s, s ? strlen(s) : 0);
}

static inline bool ln_slice_eq(ln_slice_t a, ln_slice_t b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool ln_slice_starts(ln_slice_t s, ln_slice_t head)
{
	return s.len >= head.len && (head.len == 0 || memcmp(s.data, head.data, head.len) == 0);
}

/* What ln_utf8_check found. */
typedef enum ln_utf8 {
	LN_UTF8_OK,       /* well-formed, nothing odd */
	LN_UTF8_CONTROL,  /* well-formed, holds U+0001..U+001F, U+007F..U+009F or a non-character */
	LN_UTF8_NUL,      /* well-formed, holds U+0000 */
	LN_UTF8_BAD       /* overlong, surrogate, truncated, above U+10FFFF, stray byte */
} ln_utf8_t;

/* Judges S as UTF-8 (RFC 3629); the worst finding wins. One pass, eight bytes at a time through ASCII. Thread: any. */
ln_utf8_t ln_utf8_check(ln_slice_t s);

/* Writes S for a human into DST (always NUL-terminated when SIZE > 0): control and invalid bytes become \xNN; cut
 * with "…" when too long. Returns DST. For log lines. Thread: any. */
char *ln_slice_print(ln_slice_t s, char *dst, size_t size);

/* Parses a whole decimal number in [0, MAX]. Returns false for anything else. */
bool ln_parse_u64(ln_slice_t s, uint64_t max, uint64_t *ret_value);

#endif
