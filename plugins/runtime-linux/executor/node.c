/* Works on decoded trees: a node comes in, its size, a copy or the value of a key goes out. Called after decoding. */
#include <string.h>

#include "msgpack.h"

static size_t item_count(const struct node *node) {
	return node->type == NODE_MAP ? (size_t)node->len * 2 : node->len;
}

static size_t rounded(size_t size) {
	return (size + 7) & ~(size_t)7;
}

static size_t inner_size(const struct node *node) {
	size_t size = 0;

	if (node->type == NODE_STR || node->type == NODE_BIN) return rounded(node->len + 1);
	if (node->type != NODE_ARRAY && node->type != NODE_MAP) return 0;
	size = rounded(item_count(node) * sizeof *node);
	for (size_t i = 0; i < item_count(node); i++) size += inner_size(&node->items[i]);
	return size;
}

size_t node_size(const struct node *node) {
	return rounded(sizeof *node) + inner_size(node);
}

static int copy_into(struct arena *arena, const struct node *from, struct node *to) {
	*to = *from;
	if (from->type == NODE_STR || from->type == NODE_BIN) {
		char *text = arena_take(arena, from->len + 1);

		if (!text) return -1;
		memcpy(text, from->str, from->len);
		text[from->len] = 0;
		to->str = text;
	}
	if (from->type != NODE_ARRAY && from->type != NODE_MAP) return 0;
	to->items = arena_take(arena, item_count(from) * sizeof *to);
	if (!to->items) return -1;
	for (size_t i = 0; i < item_count(from); i++)
		if (copy_into(arena, &from->items[i], &to->items[i]) < 0) return -1;
	return 0;
}

struct node *node_copy(struct arena *arena, const struct node *from) {
	struct node *to = arena_take(arena, sizeof *to);

	return to && copy_into(arena, from, to) == 0 ? to : NULL;
}

const struct node *node_get(const struct node *map, const char *key) {
	if (map->type != NODE_MAP) return NULL;
	for (uint32_t i = 0; i < map->len; i++) {
		const struct node *name = &map->items[(size_t)i * 2];

		if (name->type == NODE_STR && strcmp(name->str, key) == 0) return name + 1;
	}
	return NULL;
}
