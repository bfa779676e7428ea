/* Decodes MessagePack: bytes of a client come in, a tree of bounded depth goes out. Called for every frame; fuzzed. */
#define _GNU_SOURCE
#include "msgpack.h"

#include <string.h>
#include <sys/mman.h>

enum { DEPTH = 8 };

struct reader {
	struct arena *arena;
	uint8_t *at, *end;
};

static int read_node(struct reader *in, struct node *out, int depth, struct err *err);

int arena_open(struct arena *arena, size_t cap, struct err *err) {
	void *base = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED) return err_sys(err, "no memory for a message");
	*arena = (struct arena){ base, 0, cap };
	return 0;
}

void *arena_take(struct arena *arena, size_t size) {
	void *taken = arena->base + arena->used;

	size = (size + 7) & ~(size_t)7;
	if (size > arena->cap - arena->used) return NULL;
	arena->used += size;
	return taken;
}

void arena_free(struct arena *arena) {
	if (arena->base) munmap(arena->base, arena->cap);
	*arena = (struct arena){ 0 };
}

size_t arena_size_for(size_t len) {
	return len * 64 + 16384;
}

int msgpack_decode(struct arena *arena, uint8_t *data, size_t len, struct node *out, struct err *err) {
	struct reader in = { arena, data, data + len };

	if (read_node(&in, out, 0, err) < 0) return -1;
	if (in.at != in.end) return err_set(err, EBADMSG, "%zu bytes follow the message", (size_t)(in.end - in.at));
	return 0;
}

static int read_number(struct reader *in, size_t size, uint64_t *out, struct err *err) {
	uint64_t number = 0;

	if ((size_t)(in->end - in->at) < size) return err_set(err, EBADMSG, "the message ends inside a number");
	for (size_t i = 0; i < size; i++) number = number << 8 | *in->at++;
	*out = number;
	return 0;
}

static void set_signed(struct node *out, int64_t number) {
	out->type = number < 0 ? NODE_INT : NODE_UINT;
	out->negative = number;
}

static int read_text(struct reader *in, struct node *out, uint64_t len, struct err *err) {
	if ((uint64_t)(in->end - in->at) < len) return err_set(err, EBADMSG, "the message ends inside a string");
	/* The header takes at least one byte, so one to the front is always ours. */
	memmove(in->at - 1, in->at, len);
	out->str = (const char *)in->at - 1;
	out->len = (uint32_t)len;
	in->at[-1 + (ptrdiff_t)len] = 0;
	in->at += len;
	return 0;
}

static int read_list(struct reader *in, struct node *out, uint64_t count, int depth, struct err *err) {
	uint64_t nodes = out->type == NODE_MAP ? count * 2 : count;

	if (depth >= DEPTH) return err_set(err, EBADMSG, "nested more than %d deep", DEPTH);
	if ((uint64_t)(in->end - in->at) < nodes) return err_set(err, EBADMSG, "the message ends inside a list");
	out->len = (uint32_t)count;
	out->items = arena_take(in->arena, nodes * sizeof(struct node));
	if (!out->items) return err_set(err, EMSGSIZE, "the message holds too many values");
	for (uint64_t i = 0; i < nodes; i++)
		if (read_node(in, &out->items[i], depth + 1, err) < 0) return -1;
	return 0;
}

/* Whole numbers above 2^32 leave JavaScript as floats. */
static int set_float(struct node *out, double value, struct err *err) {
	if (!(value >= -9007199254740992.0 && value <= 18446744073709549568.0))
		return err_set(err, EBADMSG, "a number out of range");
	if (value < 0) {
		set_signed(out, (int64_t)value);
		if ((double)out->negative != value) return err_set(err, EBADMSG, "a number that is not whole");
	} else {
		out->type = NODE_UINT;
		out->number = (uint64_t)value;
		if ((double)out->number != value) return err_set(err, EBADMSG, "a number that is not whole");
	}
	return 0;
}

static int read_float(struct reader *in, struct node *out, size_t size, struct err *err) {
	uint64_t bits = 0;
	uint32_t half;
	double value;
	float single;

	if (read_number(in, size, &bits, err) < 0) return -1;
	if (size == 8) {
		memcpy(&value, &bits, sizeof value);
		return set_float(out, value, err);
	}
	half = (uint32_t)bits;
	memcpy(&single, &half, sizeof single);
	return set_float(out, (double)single, err);
}

static int read_sized(struct reader *in, struct node *out, uint8_t tag, int depth, struct err *err) {
	static const struct { uint8_t tag, size, type; } forms[] = {
		{ 0xc4, 1, NODE_BIN }, { 0xc5, 2, NODE_BIN }, { 0xc6, 4, NODE_BIN },
		{ 0xd9, 1, NODE_STR }, { 0xda, 2, NODE_STR }, { 0xdb, 4, NODE_STR },
		{ 0xdc, 2, NODE_ARRAY }, { 0xdd, 4, NODE_ARRAY }, { 0xde, 2, NODE_MAP }, { 0xdf, 4, NODE_MAP },
	};
	uint64_t size = 0;

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (forms[i].tag != tag) continue;
		if (read_number(in, forms[i].size, &size, err) < 0) return -1;
		out->type = forms[i].type;
		return out->type == NODE_STR || out->type == NODE_BIN ? read_text(in, out, size, err)
		                                                     : read_list(in, out, size, depth, err);
	}
	return err_set(err, EBADMSG, "0x%02x is no type this protocol uses", tag);
}

static int read_integer(struct reader *in, struct node *out, uint8_t tag, struct err *err) {
	size_t size = (size_t)1 << (tag & 3);
	uint64_t bits = 0;

	if (read_number(in, size, &bits, err) < 0) return -1;
	out->type = NODE_UINT;
	out->number = bits;
	if (tag < 0xd0) return 0;
	set_signed(out, size == 1 ? (int8_t)bits : size == 2 ? (int16_t)bits : size == 4 ? (int32_t)bits : (int64_t)bits);
	return 0;
}

static int read_node(struct reader *in, struct node *out, int depth, struct err *err) {
	uint8_t tag;

	if (in->at == in->end) return err_set(err, EBADMSG, "the message ends where a value belongs");
	tag = *in->at++;
	*out = (struct node){ .type = NODE_UINT, .number = tag };
	if (tag < 0x80) return 0;
	if (tag < 0xa0) {
		out->type = tag < 0x90 ? NODE_MAP : NODE_ARRAY;
		return read_list(in, out, tag & 15, depth, err);
	}
	if (tag < 0xc0) {
		out->type = NODE_STR;
		return read_text(in, out, tag & 31, err);
	}
	if (tag >= 0xe0) {
		set_signed(out, (int8_t)tag);
		return 0;
	}
	if (tag == 0xc0 || tag == 0xc2 || tag == 0xc3) {
		out->type = tag == 0xc0 ? NODE_NIL : NODE_BOOL;
		out->number = tag == 0xc3;
		return 0;
	}
	/* msgpackr's form of undefined: an extension of type 0 with one byte. */
	if (tag == 0xd4 && in->end - in->at >= 2 && in->at[0] == 0) {
		in->at += 2;
		out->type = NODE_NIL;
		return 0;
	}
	if (tag == 0xca || tag == 0xcb) return read_float(in, out, tag == 0xca ? 4 : 8, err);
	if (tag >= 0xcc && tag <= 0xd3) return read_integer(in, out, tag, err);
	return read_sized(in, out, tag, depth, err);
}
