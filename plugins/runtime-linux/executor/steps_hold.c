/* The steps by which a container's first process waits for others: its executor (`sync`), whoever starts it (`hold`), and the
 * search for the command that comes before. Called through the table in ops.c, in plain forks only. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "conn.h"
#include "fds.h"
#include "step.h"
#include "sys.h"
#include "util.h"

int step_sync(struct ctx *ctx, const struct node *args, struct err *err) {
	char byte;
	ssize_t got;

	if (ctx->gate < 0) return err_set(err, EINVAL, "nobody is there to wait for");
	if (args[0].len == 0 || args[0].len > 63) return err_set(err, EINVAL, "a name has 1 to 63 bytes");
	if (send(ctx->gate, args[0].str, args[0].len, MSG_NOSIGNAL) < 0) return err_sys(err, "cannot reach the executor");
	while ((got = recv(ctx->gate, &byte, 1, 0)) < 0 && errno == EINTR) continue;
	return got == 1 ? 0 : err_set(err, ECANCELED, "the executor gave up");
}

int step_lookup(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)args;
	return command_find(ctx, err);
}

/* Descriptors of the machine's may have been opened on the way: none of them waits along. */
static void keep_only(struct ctx *ctx, int go, int result) {
	int kept[] = { go, result, ctx->init };
	unsigned from = 3 + ctx->io->fds;

	for (;;) {
		int next = -1;

		for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
			if (kept[i] >= (int)from && (next < 0 || kept[i] < next)) next = kept[i];
		if (next != (int)from) (void)fds_range(from, next < 0 ? ~0u : (unsigned)next - 1, 0);
		if (next < 0) break;
		from = (unsigned)next + 1;
	}
	ctx->gate = ctx->root = ctx->tty = -1;
}

/* From here on the executor counts it as made, and is gone. The two fifos were opened in `prepare`, and only bytes pass
 * through them: a filter may be in force that allows little else. */
int step_hold(struct ctx *ctx, const struct node *args, struct err *err) {
	int go = slot_get(ctx, args[0].number, err), result = slot_get(ctx, args[1].number, err);
	char byte;
	ssize_t got;

	if (go < 0 || result < 0) return -1;
	*ctx->executing = true;
	keep_only(ctx, go, result);
	ctx->result = result;
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
