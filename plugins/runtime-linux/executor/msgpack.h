/* MessagePack: decoding in place to a tree of nodes, and an encoder into a fixed array. */
#ifndef CORE_MSGPACK_H
#define CORE_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum node_type { NODE_NIL, NODE_BOOL, NODE_UINT, NODE_INT, NODE_STR, NODE_BIN, NODE_ARRAY, NODE_MAP };

/* A map's items are key, value, key, value: 2 * len of them. NODE_INT is negative; whole floats become integers. */
struct node {
	uint32_t type;
	uint32_t len;
	union {
		bool yes;
		uint64_t number;
		int64_t negative;
		const char *str; /* ended by NUL, which `len` does not count */
		struct node *items;
	};
};

/* Memory of one decoded message; its pages come from the kernel when they are touched, and go with arena_free. */
struct arena {
	uint8_t *base;
	size_t used, cap;
};

int arena_open(struct arena *arena, size_t cap, struct err *err);
void *arena_take(struct arena *arena, size_t size);
void arena_free(struct arena *arena);
/* Arena bytes that the tree of a message of `len` bytes can need at most. */
size_t arena_size_for(size_t len);

/* Decodes exactly one value. `data` is changed: strings move one byte to the front, to make room for their NUL. */
int msgpack_decode(struct arena *arena, uint8_t *data, size_t len, struct node *out, struct err *err);
/* A copy of a tree that no longer needs the message's bytes; NULL when the arena is full. */
struct node *node_copy(struct arena *arena, const struct node *from);
size_t node_size(const struct node *node);
/* The value of a key, or NULL. */
const struct node *node_get(const struct node *map, const char *key);

struct enc {
	uint8_t *data;
	size_t len, cap;
	bool over;
};

#define ENC(array) { (array), 0, sizeof(array), false }

void enc_array(struct enc *enc, uint32_t count);
void enc_map(struct enc *enc, uint32_t count);
void enc_uint(struct enc *enc, uint64_t number);
void enc_int(struct enc *enc, int64_t number);
void enc_bool(struct enc *enc, bool yes);
void enc_nil(struct enc *enc);
void enc_str(struct enc *enc, const char *words);
void enc_bin(struct enc *enc, const void *data, uint32_t len);
/* Only the header: the bytes follow by other means. */
void enc_bin_head(struct enc *enc, uint32_t len);

#endif
