/* Runs a list of steps: a checked list comes in, its effects go out, or the step that failed. Called by monitor and child. */
#include <errno.h>

#include "step.h"
#include "util.h"

int steps_run(struct ctx *ctx, const struct steps *steps, struct err *err) {
	ctx->steps = steps;
	for (uint32_t i = 0; i < steps->count; i++) {
		const struct step *step = &steps->list[i];

		ctx->at = i;
		if (step->op->run(ctx, step->args, err) == 0) continue;
		err->index = (int)i;
		err->step = step->op->name;
		return -1;
	}
	return 0;
}

void steps_try_all(struct ctx *ctx, const struct steps *steps) {
	struct err ignored = ERR_INIT;

	ctx->steps = steps;
	for (uint32_t i = 0; i < steps->count; i++) {
		ctx->at = i;
		(void)steps->list[i].op->run(ctx, steps->list[i].args, &ignored);
	}
}

int slot_fill(struct ctx *ctx, uint64_t slot, int fd, struct err *err) {
	if (ctx->slots[slot] >= 0) {
		close(fd);
		return err_set(err, EINVAL, "slot %d is filled already", (int)slot);
	}
	ctx->slots[slot] = fd;
	return 0;
}

int slot_get(struct ctx *ctx, uint64_t slot, struct err *err) {
	if (slot >= SLOTS || ctx->slots[slot] < 0) return err_set(err, EINVAL, "slot %d is empty", (int)slot);
	return ctx->slots[slot];
}
