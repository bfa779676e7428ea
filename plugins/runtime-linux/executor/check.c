/* Checks shapes: decoded nodes come in, typed values or a refusal go out. Called by plan.c for every map and step. */
#include <string.h>

#include "plan.h"

bool is_text(const struct node *node) {
	return node->type == NODE_STR && !memchr(node->str, 0, node->len);
}

bool is_path(const struct node *node) {
	return is_text(node) && node->len > 0 && node->len < 4096 && node->str[0] == '/';
}

static bool each(const struct node *list, bool (*good)(const struct node *)) {
	if (list->type != NODE_ARRAY) return false;
	for (uint32_t i = 0; i < list->len; i++)
		if (!good(&list->items[i])) return false;
	return true;
}

bool is_texts(const struct node *node) {
	return each(node, is_text);
}

static bool is_id(const struct node *node) {
	return node->type == NODE_UINT && node->number < UINT32_MAX;
}

static bool is_option(const struct node *node) {
	return node->type == NODE_ARRAY && node->len == 2 && is_text(&node->items[0]) && node->items[0].len > 0 &&
	       (node->items[1].type == NODE_NIL || is_text(&node->items[1]));
}

static bool is_program(const struct node *node) {
	return node->type == NODE_BIN && node->len > 0 && node->len % 8 == 0;
}

static bool is_integer(const struct node *node) {
	return (node->type == NODE_UINT && node->number <= INT32_MAX) || (node->type == NODE_INT && node->negative >= INT32_MIN);
}

/* s text, S text or nil, p absolute path, d text or bytes, u 64-bit number, U 32-bit number, D user or group id, i signed number,
 * b flag, k slot, L texts, P paths, I ids, K mount options, F program of 8-byte instructions. */
static bool is_shape(char letter, const struct node *node) {
	switch (letter) {
	case 's': return is_text(node);
	case 'S': return node->type == NODE_NIL || is_text(node);
	case 'p': return is_path(node);
	case 'd': return node->type == NODE_STR || node->type == NODE_BIN;
	case 'u': return node->type == NODE_UINT;
	case 'U': return node->type == NODE_UINT && node->number <= UINT32_MAX;
	case 'D': return is_id(node);
	case 'i': return is_integer(node);
	case 'b': return node->type == NODE_BOOL;
	case 'k': return node->type == NODE_UINT && node->number < SLOTS;
	case 'L': return is_texts(node);
	case 'P': return each(node, is_path);
	case 'I': return each(node, is_id);
	case 'K': return each(node, is_option);
	case 'F': return is_program(node);
	default: return false;
	}
}

static int check_args(const struct step *step, struct err *err) {
	const char *shape = step->op->shape;
	uint32_t given = 0;
	bool optional = false;

	for (; *shape; shape++) {
		if (*shape == '|') {
			optional = true;
			continue;
		}
		if (given == step->argc) {
			if (optional) return 0;
			return err_set(err, EINVAL, "%s wants more than %u arguments", step->op->name, given);
		}
		if (!is_shape(*shape, &step->args[given]))
			return err_set(err, EINVAL, "argument %u of %s has the wrong type", given + 1, step->op->name);
		given++;
	}
	if (given < step->argc) return err_set(err, EINVAL, "%s takes %u arguments, not %u", step->op->name, given, step->argc);
	return 0;
}

static int check_step(const struct node *source, enum place place, struct step *out, struct err *err) {
	err->step = "plan";
	if (source->type != NODE_ARRAY || source->len == 0 || !is_text(&source->items[0]))
		return err_set(err, EINVAL, "a step must be a list that begins with its name");
	out->op = op_find(source->items[0].str);
	if (!out->op) return err_set(err, EINVAL, "there is no step %.40s", source->items[0].str);
	err->step = out->op->name;
	if (!(out->op->places & place)) return err_set(err, EINVAL, "%s does not belong in this list", out->op->name);
	out->args = source->items + 1;
	out->argc = source->len - 1;
	return check_args(out, err);
}

int steps_check(struct arena *arena, const struct node *list, enum place place, struct steps *out, struct err *err) {
	out->list = arena_take(arena, (list->len + 1) * sizeof *out->list);
	if (!out->list) return err_set(err, EMSGSIZE, "too many steps");
	out->count = list->len;
	for (uint32_t i = 0; i < list->len; i++) {
		err->index = (int)i;
		if (check_step(&list->items[i], place, &out->list[i], err) < 0) return -1;
	}
	err->index = -1;
	err->step = "plan";
	return 0;
}

static int want(const struct node *map, const char *key, const struct node **out, struct err *err) {
	*out = node_get(map, key);
	return *out ? 0 : err_set(err, EINVAL, "\"%s\" is missing", key);
}

int map_text(const struct node *map, const char *key, const char **out, struct err *err) {
	const struct node *value;

	if (want(map, key, &value, err) < 0) return -1;
	if (!is_text(value) || value->len == 0) return err_set(err, EINVAL, "\"%s\" must be text", key);
	*out = value->str;
	return 0;
}

int map_text_or_null(const struct node *map, const char *key, const char **out, struct err *err) {
	const struct node *value = node_get(map, key);

	*out = NULL;
	return !value || value->type == NODE_NIL ? 0 : map_text(map, key, out, err);
}

int map_number(const struct node *map, const char *key, uint64_t max, uint64_t *out, struct err *err) {
	const struct node *value;

	if (want(map, key, &value, err) < 0) return -1;
	if (value->type != NODE_UINT || value->number > max) return err_set(err, EINVAL, "\"%s\" must be a number up to %llu", key, (unsigned long long)max);
	*out = value->number;
	return 0;
}

int map_flag(const struct node *map, const char *key, bool *out, struct err *err) {
	const struct node *value = node_get(map, key);

	*out = false;
	if (!value || value->type == NODE_NIL) return 0;
	if (value->type != NODE_BOOL) return err_set(err, EINVAL, "\"%s\" must be true or false", key);
	*out = value->yes;
	return 0;
}

int map_list(const struct node *map, const char *key, const struct node **out, struct err *err) {
	static const struct node empty = { .type = NODE_ARRAY };

	*out = node_get(map, key);
	if (!*out || (*out)->type == NODE_NIL) *out = &empty;
	return (*out)->type == NODE_ARRAY ? 0 : err_set(err, EINVAL, "\"%s\" must be a list", key);
}

int map_texts(const struct node *map, const char *key, const struct node **out, struct err *err) {
	if (map_list(map, key, out, err) < 0) return -1;
	return is_texts(*out) ? 0 : err_set(err, EINVAL, "\"%s\" must be a list of texts", key);
}
