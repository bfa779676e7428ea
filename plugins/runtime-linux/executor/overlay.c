/* Mounts an overlay by mount(2), for kernels whose overlay lacks `lowerdir+` and for values longer than fsconfig takes.
 * The step's options come in, an fd of the attached mount goes out. Called by step_fs. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "step.h"
#include "sys.h"
#include "util.h"

enum { DATA = 4096 }; /* mount(2) takes one page */

/* Colons part the lower folders and commas the options, so those of a path are escaped. */
static void add_path(struct text *data, const char *path, bool lower) {
	for (; *path; path++) {
		if (*path == '\\' || *path == ',' || (lower && *path == ':')) text_add_bytes(data, "\\", 1);
		text_add_bytes(data, path, 1);
	}
}

static int add_value(struct ctx *ctx, struct text *data, const char *value, bool lower, struct err *err) {
	int slot = option_slot(value), fd;

	if (slot < 0) {
		add_path(data, value, lower);
		return 0;
	}
	fd = slot_get(ctx, (uint64_t)slot, err);
	if (fd < 0) return -1;
	text_add(data, "/proc/self/fd/");
	text_add_number(data, fd);
	return 0;
}

static int add_lowers(struct ctx *ctx, struct text *data, const struct node *options, struct err *err) {
	bool first = true;

	for (uint32_t i = 0; i < options->len; i++) {
		const struct node *option = options->items[i].items;

		if (strcmp(option[0].str, "lowerdir+") != 0 || option[1].type == NODE_NIL) continue;
		text_add(data, first ? "lowerdir=" : ":");
		first = false;
		if (add_value(ctx, data, option[1].str, true, err) < 0) return -1;
	}
	return 0;
}

static int add_options(struct ctx *ctx, struct text *data, const struct node *options, struct err *err) {
	for (uint32_t i = 0; i < options->len; i++) {
		const struct node *option = options->items[i].items;

		if (strcmp(option[0].str, "lowerdir+") == 0) continue;
		if (data->len) text_add(data, ",");
		text_add(data, option[0].str);
		if (option[1].type == NODE_NIL) continue;
		text_add(data, "=");
		if (add_value(ctx, data, option[1].str, false, err) < 0) return -1;
	}
	return 0;
}

int overlay_mount_old(struct ctx *ctx, const struct node *options, uint64_t attrs, struct err *err) {
	struct core_mount_attr attr = { .attr_set = attrs };
	char array[DATA];
	struct text data = TEXT(array);
	autofd fd = -1;

	if (add_lowers(ctx, &data, options, err) < 0 || add_options(ctx, &data, options, err) < 0) return -1;
	if (data.over) return err_set(err, E2BIG, "the overlay's options exceed one page");
	if (mount("overlay", ctx->dir, "overlay", 0, array) < 0) return err_sys(err, "cannot mount the overlay");
	fd = sys_open_tree(AT_FDCWD, ctx->dir, OPEN_TREE_CLOEXEC);
	if (fd < 0) return err_sys(err, "cannot open the overlay");
	if (attrs && sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr) < 0) return err_sys(err, "cannot set the overlay's attributes");
	return fd_take(&fd);
}
