/* The steps by which a container's first process waits for others: its executor (`sync`), whoever starts it (`hold`), and the
 * search for the command that comes before. Called through the table in ops.c, in plain forks only. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "conn.h"
#include "fds.h"
#include "step.h"
#include "sys.h"
#include "util.h"

int step_sync(struct ctx *ctx, const struct node *args, struct err *err) {
	if (args[0].len == 0 || args[0].len > 63) return err_set(err, EINVAL, "a name has 1 to 63 bytes");
	return gate_ask(ctx, args[0].str, args[0].len, err);
}

/* By read and write, which every profile allows. */
int gate_ask(struct ctx *ctx, const char *words, size_t len, struct err *err) {
	char byte;
	ssize_t got;

	if (ctx->gate < 0) return err_set(err, EINVAL, "nobody is there to wait for");
	if (write(ctx->gate, words, len) < 0) return err_sys(err, "cannot reach the executor");
	while ((got = read(ctx->gate, &byte, 1)) < 0 && errno == EINTR) continue;
	return got == 1 ? 0 : err_set(err, ECANCELED, "the executor gave up");
}

int step_lookup(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)args;
	return command_find(ctx, err);
}

/* Descriptors of the machine's may have been opened on the way: none of them waits along. Those to be kept come in; -1 is none. */
static void keep_only(const struct ctx *ctx, const int *kept, size_t count) {
	unsigned from = 3 + ctx->io->fds;

	for (;;) {
		int next = -1;

		for (size_t i = 0; i < count; i++)
			if (kept[i] >= (int)from && (next < 0 || kept[i] < next)) next = kept[i];
		if (next != (int)from) (void)fds_range(from, next < 0 ? ~0u : (unsigned)next - 1, 0);
		if (next < 0) break;
		from = (unsigned)next + 1;
	}
}

static void shed(struct ctx *ctx, const struct node *hold) {
	uint64_t go = hold[0].number, result = hold[1].number;

	keep_only(ctx, (const int[]){ ctx->slots[go], ctx->slots[result], ctx->init, ctx->gate, ctx->root, ctx->tty }, 6);
	for (uint64_t slot = 0; slot < SLOTS; slot++)
		if (slot != go && slot != result) ctx->slots[slot] = -1;
}

void hold_prepare(struct ctx *ctx) {
	for (uint32_t i = ctx->at + 1; i < ctx->steps->count; i++)
		if (ctx->steps->list[i].op->run == step_hold) shed(ctx, ctx->steps->list[i].args);
}

/* From here on the executor counts it as made, and is gone. The two fifos were opened in `prepare`, and only bytes pass
 * through them: a filter may be in force that allows little else. */
int step_hold(struct ctx *ctx, const struct node *args, struct err *err) {
	int go = slot_get(ctx, args[0].number, err), result = slot_get(ctx, args[1].number, err);
	char byte;
	ssize_t got;

	if (go < 0 || result < 0) return -1;
	*ctx->executing = true;
	ctx->result = result;
	if (!ctx->ready) shed(ctx, args);
	fd_close(&ctx->root);
	fd_close(&ctx->tty);
	/* Last: it is what the executor waits for. */
	fd_close(&ctx->gate);
	while ((got = read(go, &byte, 1)) < 0 && errno == EINTR) continue;
	return got == 1 ? 0 : err_sys(err, "cannot wait to be started");
}

void held_failed(struct ctx *ctx, const struct err *err) {
	uint8_t bytes[4 + ENVELOPE];
	struct enc enc = { bytes + 4, 0, ENVELOPE, false };
	uint32_t size;

	enc_error(&enc, 1, err);
	size = (uint32_t)enc.len;
	memcpy(bytes, &size, 4);
	(void)write_all(ctx->result, bytes, 4 + enc.len);
}
