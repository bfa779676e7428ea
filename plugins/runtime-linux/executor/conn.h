/* One connection that carries frames: u32 length, little-endian, then one MessagePack array. */
#ifndef CORE_CONN_H
#define CORE_CONN_H

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "msgpack.h"

enum {
	MAX_REQUEST = 4 * 1024 * 1024, /* bytes of a frame to the executor */
	MAX_FRAME = 128 * 1024,        /* of any other */
	HIGH_WATER = 256 * 1024,       /* bytes waiting for a client at which its process is held back */
	STALL_MS = 10000,              /* a client that takes nothing for so long then is dropped */
	ENVELOPE = 512,                /* bytes that any reply of ours but data fits in */
};

struct conn {
	int fd;
	uint32_t max;
	struct buf in, out;
	bool broken;        /* nothing more can be sent or received */
	bool closing;       /* nothing more is read; closed once `out` is empty */
	int64_t stalled_at; /* since when HIGH_WATER has been waiting untouched; 0: it is not */
};

#define CONN_INIT(descriptor, limit) { .fd = (descriptor), .max = (limit) }

/* The other end's user must be ours, or root. */
bool conn_peer_allowed(int fd);
/* Reads what is there, at most `limit` bytes; -1 at the end of the connection. */
int conn_read(struct conn *conn, size_t limit);
/* 1 and the next whole frame (its bytes may be changed, and are dropped by conn_done), 0 when none is there, -1 when it is too long. */
int conn_next(struct conn *conn, uint8_t **frame, size_t *len, struct err *err);
void conn_done(struct conn *conn, size_t len);
/* Sends or queues a body under its length. */
void conn_send(struct conn *conn, const uint8_t *body, size_t len);
/* A body in two parts, for data behind its header. */
void conn_send_two(struct conn *conn, const struct enc *head, const void *data, size_t len);
/* Bytes that are frames already. */
void conn_send_raw(struct conn *conn, const void *data, size_t len);
void conn_flush(struct conn *conn);
void conn_close(struct conn *conn);
/* Notes when a client stops taking; true when it has done so for too long. */
bool conn_stalled(struct conn *conn, int64_t now);

/* Replies. */
void reply_begin(struct enc *enc, uint64_t seq, int status);
void reply_empty(struct conn *conn, uint64_t seq);
void reply_error(struct conn *conn, uint64_t seq, const struct err *err);
/* The same as a body, for those that have no connection at hand. */
void enc_error(struct enc *enc, uint64_t seq, const struct err *err);

struct request {
	uint64_t seq;
	const char *op;
	const struct node *arg;
};

/* Checks the frame's shape: [seq, op, arg]. */
int request_check(const struct node *frame, struct request *out, struct err *err);

#endif
