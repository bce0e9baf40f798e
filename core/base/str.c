/* str.c — UTF-8 judged, printed for humans; numbers read.
 *
 * Topics are nearly always ASCII and every publish is judged, so eight bytes are looked at in one register: no high
 * bit, no byte below 0x20, no 0x7F. Only what is not ASCII is decoded, one character at a time, with the
 * shortest-form, surrogate and range rules of RFC 3629. A finding never ends the pass early except the worst one;
 * vector instructions were not used, because topics are shorter than their set-up.
 */
#include <linnet/str.h>
#include <linnet/result.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH EACH(0x80)

static uint64_t load8(const uint8_t *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof(w));
	return w;
}

/* All of 1 to 7 bytes, some perhaps twice, none left out; what is left over is 'a'. */
static uint64_t load_short(const uint8_t *at, size_t len)
{
	uint32_t first, last;

	if (len < 4)
		return (EACH('a') << 24) | at[0] | (uint64_t)at[len / 2] << 8 | (uint64_t)at[len - 1] << 16;
	memcpy(&first, at, sizeof(first));
	memcpy(&last, at + len - sizeof(last), sizeof(last));
	return (uint64_t)first << 32 | last;
}

/* What ASCII words held, in the high bits: gathered over many of them, judged once. */
typedef struct ascii {
	uint64_t odd, zero;
} ascii_t;

/* The subtractions borrow only above a byte that is a finding itself, so the answer is exact. Requires: W is ASCII. */
static inline void gather(ascii_t *seen, uint64_t w)
{
	seen->odd |= ((w - EACH(0x20)) & ~w) | (w + EACH(0x01));
	seen->zero |= (w - EACH(0x01)) & ~w;
}

static ln_utf8_t judge_ascii(const ascii_t *seen)
{
	if (LN_LIKELY((seen->odd & HIGH) == 0))
		return LN_UTF8_OK;
	return seen->zero & HIGH ? LN_UTF8_NUL : LN_UTF8_CONTROL;
}

static ln_utf8_t judge_point(uint32_t c)
{
	if (c == 0)
		return LN_UTF8_NUL;
	if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
		return LN_UTF8_CONTROL;
	if ((c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe)
		return LN_UTF8_CONTROL;
	return LN_UTF8_OK;
}

/* Decodes the character at AT. Returns its length, 0 when it is not well-formed. */
static unsigned decode(const uint8_t *at, const uint8_t *end, uint32_t *ret_point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned len = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
	uint32_t c = len > 1 ? at[0] & (0x7fu >> len) : at[0];

	if (len == 0 || (size_t)(end - at) < len)
		return 0;
	for (unsigned i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (at[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_point = c;
	return len;
}

static inline bool is_ascii(uint64_t w)
{
	return (w & HIGH) == 0;
}

/* Gathers whole words of ASCII; returns where they end. */
static inline const uint8_t *skip_ascii(const uint8_t *at, const uint8_t *end, ascii_t *seen)
{
	uint64_t w;

	for (; end - at >= 8 && is_ascii(w = load8(at)); at += 8)
		gather(seen, w);
	return at;
}

ln_utf8_t ln_utf8_check(ln_slice_t s)
{
	const uint8_t *at = s.data, *end = s.len ? at + s.len : at;
	ln_utf8_t worst = LN_UTF8_OK, found;
	ascii_t seen = { 0, 0 };

	while ((at = skip_ascii(at, end, &seen)) < end) {
		uint32_t c = 0;
		unsigned len;

		if (end - at < 8) {
			/* The last bytes, together with some that were gathered before: twice changes nothing. */
			uint64_t w = s.len >= 8 ? load8(end - 8) : load_short(s.data, s.len);
			if (is_ascii(w)) {
				gather(&seen, w);
				break;
			}
		}
		len = decode(at, end, &c);
		if (len == 0)
			return LN_UTF8_BAD;
		found = judge_point(c);
		worst = found > worst ? found : worst;
		at += len;
	}
	found = judge_ascii(&seen);
	return found > worst ? found : worst;
}

/* What the next character of [AT, END) looks like; *ret_taken bytes of input become the *ret_len bytes written to
 * PIECE. */
static void print_one(const uint8_t *at, const uint8_t *end, char piece[16], unsigned *ret_taken, unsigned *ret_len)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t c = 0;
	unsigned len = decode(at, end, &c), n = 0;

	*ret_taken = len ? len : 1;
	if (len > 0 && judge_point(c) == LN_UTF8_OK) {
		memcpy(piece, at, len);
		*ret_len = len;
		return;
	}
	for (unsigned i = 0; i < *ret_taken; i++) {
		piece[n++] = '\\';
		piece[n++] = 'x';
		piece[n++] = digits[at[i] >> 4];
		piece[n++] = digits[at[i] & 15];
	}
	*ret_len = n;
}

char *ln_slice_print(ln_slice_t s, char *dst, size_t size)
{
	static const char more[] = "…";
	const uint8_t *at = s.data, *end = s.len ? at + s.len : at;
	size_t len = 0, cut = 0, room = size ? size - 1 : 0, dots = sizeof(more) - 1;

	while (at < end) {
		char piece[16];
		unsigned taken, n;

		print_one(at, end, piece, &taken, &n);
		if (len + n > room) {
			if (cut + dots <= room)
				memcpy(dst + cut, more, dots);
			len = cut + dots <= room ? cut + dots : 0;
			break;
		}
		memcpy(dst + len, piece, n);
		len += n;
		cut = len + dots <= room ? len : cut;
		at += taken;
	}
	if (size > 0)
		dst[len] = '\0';
	return dst;
}

bool ln_parse_u64(ln_slice_t s, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)s.data[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (value > max)
		return false;
	*ret_value = value;
	return true;
}
