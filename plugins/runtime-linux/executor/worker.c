/* The worker's side of a request: a result goes out as a whole frame. Called in forked processes only. */
#define _GNU_SOURCE
#include "worker.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "conn.h"
#include "server.h"
#include "unpack/unpack.h"

enum { UNPACK_ARG = 64 * 1024 };

void worker_allow_term(void) {
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int worker_enter_machine(struct err *err) {
	return setns(FD_MACHINE, CLONE_NEWNS) < 0 ? err_sys(err, "cannot enter the machine's mount namespace") : 0;
}

int worker_answer(uint64_t seq, int ret, const struct err *err) {
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);
	uint32_t size;
	struct iovec parts[2] = { { &size, 4 }, { bytes, 0 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	if (ret < 0) enc_error(&enc, seq, err);
	else {
		reply_begin(&enc, seq, 0);
		enc_map(&enc, 0);
	}
	size = (uint32_t)enc.len;
	parts[1].iov_len = enc.len;
	return sendmsg(FD_REPORT, &message, MSG_NOSIGNAL) < 0;
}

static void encode_again(struct enc *enc, const struct node *node) {
	size_t count = node->type == NODE_MAP ? (size_t)node->len * 2 : node->len;

	switch ((enum node_type)node->type) {
	case NODE_NIL: enc_nil(enc); return;
	case NODE_BOOL: enc_bool(enc, node->yes); return;
	case NODE_UINT: enc_uint(enc, node->number); return;
	case NODE_INT: enc_int(enc, node->negative); return;
	case NODE_STR: enc_str(enc, node->str); return;
	case NODE_BIN: enc_bin(enc, node->str, node->len); return;
	case NODE_ARRAY: enc_array(enc, node->len); break;
	case NODE_MAP: enc_map(enc, node->len); break;
	}
	for (size_t i = 0; i < count; i++) encode_again(enc, &node->items[i]);
}

/* Decoding changed the message's bytes, so the unpacker gets them made anew. */
int worker_unpack(uint64_t seq, const struct node *arg) {
	struct err err = { .num = 0, .index = -1, .step = "unpack" };
	struct enc enc = { .data = malloc(UNPACK_ARG), .cap = UNPACK_ARG };
	int ret;

	if (!enc.data) return worker_answer(seq, err_set(&err, ENOMEM, "no memory"), &err);
	encode_again(&enc, arg);
	if (enc.over) ret = worker_answer(seq, err_set(&err, E2BIG, "the request is too long"), &err);
	else if (worker_enter_machine(&err) < 0) ret = worker_answer(seq, -1, &err);
	else ret = unpack_run(seq, enc.data, enc.len, FD_REPORT) < 0;
	free(enc.data);
	return ret;
}
