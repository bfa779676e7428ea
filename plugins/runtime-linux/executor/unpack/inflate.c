/* A DEFLATE stream comes in, its bytes go out into a window; called by the gzip reader. The tables are inflate_table.c's. */
#include "inflate.h"

#include "inflate_table.h"

#include <errno.h>
#include <string.h>

/* The most one turn of the inner loop writes beyond its limit: three literals and a match. */
#define TURN 264

static int header(struct inflate *z, struct source *in, struct err *err);
static int stored_header(struct inflate *z, struct source *in, struct err *err);
static int stored(struct inflate *z, struct source *in, struct window *out, struct err *err);
static int codes(struct inflate *z, struct source *in, struct window *out, struct err *err);
static int unread(struct inflate *z, struct source *in, struct err *err);

void inflate_begin(struct inflate *z) {
	z->bits = 0;
	z->count = 0;
	z->state = INFLATE_HEADER;
	z->last = false;
}

int inflate_step(struct inflate *z, struct source *in, struct window *out, struct err *err) {
	for (;;) {
		int r = 0;
		if (z->state == INFLATE_HEADER) {
			if (z->last) return unread(z, in, err) < 0 ? -1 : 1;
			if (header(z, in, err) < 0) return -1;
		}
		if (z->state == INFLATE_STORED) r = stored(z, in, out, err);
		else r = codes(z, in, out, err);
		if (r <= 0) return r;
		z->state = INFLATE_HEADER;
	}
}

/* Bits enter at the top of what is there; `count` says how many are valid, those above are the stream's too. */
static inline uint64_t load64(const uint8_t *p) {
	uint64_t v;
	memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* At least 48 bits, unless the archive has ended: then zeros, and an error once they are used. */
static int need(struct inflate *z, struct source *in, struct err *err) {
	if (in->next < in->end + 8 && !in->ended && source_has(in) < 8 && source_fill(in, 8, err) < 0) return -1;
	if (in->next > in->end + 8) return err_set(err, EBADMSG, "gzip: the archive ends in the middle of a block");
	z->bits |= load64(in->next) << z->count;
	in->next += (63 - z->count) >> 3;
	z->count |= 56;
	return 0;
}

static uint32_t take(struct inflate *z, unsigned n) {
	uint32_t v = (uint32_t)(z->bits & ((1u << n) - 1));
	z->bits >>= n;
	z->count -= n;
	return v;
}

/* Gives whole bytes back that were loaded and not used. */
static int unread(struct inflate *z, struct source *in, struct err *err) {
	in->next -= z->count / 8;
	z->bits = 0;
	z->count = 0;
	return in->next > in->end ? err_set(err, EBADMSG, "gzip: the archive ends in the middle of a block") : 0;
}

static int lengths(struct inflate *z, struct source *in, uint8_t *lens, size_t total, struct err *err) {
	uint32_t *table = z->distances; /* not needed yet */
	size_t i = 0;
	while (i < total) {
		if (need(z, in, err) < 0) return -1;
		uint32_t e = table[z->bits & 127];
		uint32_t symbol = e >> 16;
		if (e & TABLE_INVALID) return err_set(err, EBADMSG, "gzip: an unassigned code in the code lengths");
		take(z, e & 255);
		if (symbol < 16) {
			lens[i++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16 && i == 0) return err_set(err, EBADMSG, "gzip: a repeated code length without one before it");
		uint8_t value = symbol == 16 ? lens[i - 1] : 0;
		size_t times = symbol == 16 ? 3 + take(z, 2) : symbol == 17 ? 3 + take(z, 3) : 11 + take(z, 7);
		if (times > total - i) return err_set(err, EBADMSG, "gzip: more code lengths than codes");
		memset(lens + i, value, times);
		i += times;
	}
	return 0;
}

static int dynamic(struct inflate *z, struct source *in, struct err *err) {
	static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
	uint8_t lens[288 + 32] = {0};
	if (need(z, in, err) < 0) return -1;
	size_t literals = 257 + take(z, 5), distances = 1 + take(z, 5), count = 4 + take(z, 4);
	if (literals > 286 || distances > 30) return err_set(err, EBADMSG, "gzip: too many codes in a block");
	for (size_t i = 0; i < count; i++) {
		if (need(z, in, err) < 0) return -1;
		lens[order[i]] = (uint8_t)take(z, 3);
	}
	if (table_code_lengths(z->distances, lens) < 0) return err_set(err, EBADMSG, "gzip: bad code lengths in a block");
	memset(lens, 0, sizeof lens);
	if (lengths(z, in, lens, literals + distances, err) < 0) return -1;
	if (!lens[256]) return err_set(err, EBADMSG, "gzip: a block without an end");
	if (table_literals(z->literals, lens, literals) < 0) return err_set(err, EBADMSG, "gzip: bad literal codes in a block");
	if (table_distances(z->distances, lens + literals, distances) < 0) return err_set(err, EBADMSG, "gzip: bad distance codes in a block");
	z->state = INFLATE_CODES;
	return 0;
}

static int fixed(struct inflate *z) {
	uint8_t lens[288];
	memset(lens, 8, 144);
	memset(lens + 144, 9, 112);
	memset(lens + 256, 7, 24);
	memset(lens + 280, 8, 8);
	table_literals(z->literals, lens, 288);
	memset(lens, 5, 32);
	table_distances(z->distances, lens, 32);
	z->state = INFLATE_CODES;
	return 0;
}

static int header(struct inflate *z, struct source *in, struct err *err) {
	if (need(z, in, err) < 0) return -1;
	z->last = take(z, 1);
	switch (take(z, 2)) {
	case 0: return stored_header(z, in, err);
	case 1: return fixed(z);
	case 2: return dynamic(z, in, err);
	default: return err_set(err, EBADMSG, "gzip: a block of a type that does not exist");
	}
}

static int stored_header(struct inflate *z, struct source *in, struct err *err) {
	if (unread(z, in, err) < 0) return -1;
	if (source_fill(in, 4, err) < 0) return -1;
	if (source_has(in) < 4) return err_set(err, EBADMSG, "gzip: the archive ends in the middle of a block");
	const uint8_t *p = in->next;
	uint32_t length = (uint32_t)(p[0] | p[1] << 8);
	if ((length ^ 0xffff) != (uint32_t)(p[2] | p[3] << 8)) return err_set(err, EBADMSG, "gzip: the length of a stored block is damaged");
	in->next += 4;
	z->stored = length;
	z->state = INFLATE_STORED;
	return 0;
}

static int stored(struct inflate *z, struct source *in, struct window *out, struct err *err) {
	while (z->stored) {
		if (out->end == out->capacity) return 0;
		if (source_fill(in, 1, err) < 0) return -1;
		size_t n = source_has(in);
		if (!n) return err_set(err, EBADMSG, "gzip: the archive ends in the middle of a block");
		if (n > z->stored) n = z->stored;
		if (n > out->capacity - out->end) n = out->capacity - out->end;
		memcpy(out->buffer + out->end, in->next, n);
		in->next += n;
		out->end += n;
		z->stored -= (uint32_t)n;
	}
	return 1;
}

/* What the inner loop keeps in registers. */
struct run {
	const uint8_t *next;
	uint64_t bits;
	unsigned count;
	uint8_t *to;
};

enum turn { TURN_ON, TURN_END, TURN_CODE, TURN_DISTANCE, TURN_REACH };

static inline enum turn one_turn(const struct inflate *z, struct run *r, const uint8_t *floor);
static int refill_source(struct run *r, struct source *in, const uint8_t **safe, struct err *err);
static int fault(enum turn turn, struct err *err);

/* 1: end of the block; 0: the window is full. */
static int codes(struct inflate *z, struct source *in, struct window *out, struct err *err) {
	const uint8_t *floor = out->buffer + out->floor, *limit = out->buffer + out->capacity - TURN, *safe = NULL;
	struct run r = {.next = in->next, .bits = z->bits, .count = z->count, .to = out->buffer + out->end};
	enum turn turn = TURN_ON;
	if (refill_source(&r, in, &safe, err) < 0) return -1;
	while (turn == TURN_ON && r.to < limit) {
		if (__builtin_expect(r.next >= safe, 0) && refill_source(&r, in, &safe, err) < 0) return -1;
		turn = one_turn(z, &r, floor);
	}
	if (turn > TURN_END) return fault(turn, err);
	in->next = r.next;
	z->bits = r.bits & ~(~0ull << r.count);
	z->count = r.count;
	out->end = (size_t)(r.to - out->buffer);
	return turn == TURN_END;
}

static int fault(enum turn turn, struct err *err) {
	switch (turn) {
	case TURN_DISTANCE: return err_set(err, EBADMSG, "gzip: an unassigned distance in a block");
	case TURN_REACH: return err_set(err, EBADMSG, "gzip: a match refers to before the beginning");
	default: return err_set(err, EBADMSG, "gzip: an unassigned code in a block");
	}
}

/* One turn reads at most 24 bytes from `next` on. Behind the end of the archive stand zeros; reading more than
 * eight of them means that it ended too early. */
static int refill_source(struct run *r, struct source *in, const uint8_t **safe, struct err *err) {
	if (r->next > in->end + 8) return err_set(err, EBADMSG, "gzip: the archive ends in the middle of a block");
	size_t beyond = r->next > in->end ? (size_t)(r->next - in->end) : 0;
	in->next = r->next - beyond;
	if (source_fill(in, 64, err) < 0) return -1;
	r->next = in->next + beyond;
    *safe = in->ended ? in->end + 8 : in->end - 24;
	return 0;
}

#define FETCH(r)                                       \
	do {                                               \
		(r)->bits |= load64((r)->next) << (r)->count;  \
		(r)->next += (63 - (r)->count) >> 3;           \
		(r)->count |= 56;                              \
	} while (0)

static inline void drop(struct run *r, unsigned n) {
	r->bits >>= n;
	r->count -= n;
}

/* The value of an entry plus the extra bits behind its code; both are consumed. */
static inline size_t value_of(struct run *r, uint32_t e) {
	uint64_t saved = r->bits;
	drop(r, e & 255);
	return (e >> 16) + ((saved & ((1ull << (e & 255)) - 1)) >> (e >> 8 & 15));
}

/* Copies in words and may write up to 15 bytes beyond; the window's slack takes them. */
static inline void copy_match(uint8_t *to, size_t distance, size_t length) {
	const uint8_t *from = to - distance, *end = to + length;
	if (distance >= 16) {
		for (; to < end; to += 16, from += 16) memcpy(to, from, 16);
	} else if (distance >= 8) {
		for (; to < end; to += 8, from += 8) memcpy(to, from, 8);
	} else if (distance == 1) {
		memset(to, *from, length);
	} else {
		while (to < end) *to++ = *from++;
	}
}

static inline enum turn match(const struct inflate *z, struct run *r, uint32_t e, const uint8_t *floor) {
	size_t length = value_of(r, e);
	FETCH(r);
	e = z->distances[r->bits & (TABLE_DISTANCE_SIZE - 1)];
	if (__builtin_expect(e & (TABLE_SECOND | TABLE_INVALID), 0)) {
		if (e & TABLE_INVALID) return TURN_DISTANCE;
		drop(r, TABLE_DISTANCE_BITS);
		e = z->distances[(e >> 16) + (r->bits & ((1u << (e & 255)) - 1))];
		if (e & TABLE_INVALID) return TURN_DISTANCE;
	}
	size_t distance = value_of(r, e);
	if (distance > (size_t)(r->to - floor)) return TURN_REACH;
	copy_match(r->to, distance, length);
	r->to += length;
	return TURN_ON;
}

/* Up to three literals, or up to two and a match: what the bits of one fetch are enough for. */
static inline enum turn one_turn(const struct inflate *z, struct run *r, const uint8_t *floor) {
	FETCH(r);
	uint32_t e = z->literals[r->bits & (TABLE_LITERAL_SIZE - 1)];
	for (int i = 0; i < 3 && (e & TABLE_LITERAL); i++) {
		drop(r, e & 255);
        *r->to++ = (uint8_t)(e >> 16);
		if (i == 2) return TURN_ON;
		e = z->literals[r->bits & (TABLE_LITERAL_SIZE - 1)];
	}
	if (__builtin_expect(e & (TABLE_SECOND | TABLE_END | TABLE_INVALID), 0)) {
		if (e & TABLE_SECOND) {
			drop(r, TABLE_LITERAL_BITS);
			e = z->literals[(e >> 16) + (r->bits & ((1u << (e & 255)) - 1))];
		}
		if (e & TABLE_INVALID) return TURN_CODE;
		if (e & (TABLE_LITERAL | TABLE_END)) {
			drop(r, e & 255);
			if (e & TABLE_END) return TURN_END;
            *r->to++ = (uint8_t)(e >> 16);
			return TURN_ON;
		}
	}
	return match(z, r, e, floor);
}
