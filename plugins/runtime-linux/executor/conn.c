/* Frames over a socket: bytes come in and go out through bounded queues. Used by executor and monitor for their clients. */
#define _GNU_SOURCE
#include "conn.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util.h"

bool conn_peer_allowed(int fd) {
	struct ucred peer;
	socklen_t size = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

int conn_read(struct conn *conn, size_t limit) {
	enum { CHUNK = 4096 };
	size_t total = 0, want = CHUNK;

	while (total < limit) {
		uint8_t *room;
		ssize_t got;

		/* A long frame that has begun is read in one go. */
		if (conn->in.len >= 4) {
			uint32_t size;

			memcpy(&size, buf_head(&conn->in), 4);
			want = size > CHUNK && size <= conn->max ? size + 4 : CHUNK;
		}
		room = buf_room(&conn->in, want);
		if (!room) return -1;
		got = recv(conn->fd, room, want, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return errno == EAGAIN ? 0 : -1;
		if (got == 0) return -1;
		buf_grow(&conn->in, (size_t)got);
		total += (size_t)got;
		if ((size_t)got < want) return 0;
	}
	return 0;
}

int conn_next(struct conn *conn, uint8_t **frame, size_t *len, struct err *err) {
	uint32_t size;

	if (conn->in.len < 4) return 0;
	memcpy(&size, buf_head(&conn->in), 4);
	if (size > conn->max) return err_set(err, EMSGSIZE, "a frame of %u bytes; the limit is %u", size, conn->max);
	if (conn->in.len - 4 < size) return 0;
	*frame = buf_head(&conn->in) + 4;
	*len = size;
	return 1;
}

void conn_done(struct conn *conn, size_t len) {
	buf_drop(&conn->in, len + 4);
}

static void send_parts(struct conn *conn, struct iovec *parts, int count) {
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = (size_t)count };
	ssize_t sent = 0;

	if (conn->broken || conn->fd < 0) return;
	if (conn->out.len == 0) {
		sent = sendmsg(conn->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			conn->broken = true;
			return;
		}
		if (sent < 0) sent = 0;
	}
	for (int i = 0; i < count; i++) {
		size_t skip = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;

		sent -= (ssize_t)skip;
		if (skip < parts[i].iov_len && buf_add(&conn->out, (uint8_t *)parts[i].iov_base + skip, parts[i].iov_len - skip) < 0) conn->broken = true;
	}
}

void conn_send(struct conn *conn, const uint8_t *body, size_t len) {
	uint32_t size = (uint32_t)len;
	struct iovec parts[2] = { { &size, 4 }, { (void *)(uintptr_t)body, len } };

	send_parts(conn, parts, 2);
}

void conn_send_two(struct conn *conn, const struct enc *head, const void *data, size_t len) {
	uint32_t size = (uint32_t)(head->len + len);
	struct iovec parts[3] = { { &size, 4 }, { head->data, head->len }, { (void *)(uintptr_t)data, len } };

	send_parts(conn, parts, 3);
}

void conn_send_raw(struct conn *conn, const void *data, size_t len) {
	struct iovec part = { (void *)(uintptr_t)data, len };

	send_parts(conn, &part, 1);
}

void conn_flush(struct conn *conn) {
	while (conn->out.len && !conn->broken) {
		ssize_t sent = send(conn->fd, buf_head(&conn->out), conn->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR) continue;
		if (sent < 0 && errno == EAGAIN) return;
		if (sent < 0) {
			conn->broken = true;
			return;
		}
		buf_drop(&conn->out, (size_t)sent);
		conn->stalled_at = 0;
	}
	if (!conn->out.len) buf_free(&conn->out);
}

void conn_close(struct conn *conn) {
	fd_close(&conn->fd);
	buf_free(&conn->in);
	buf_free(&conn->out);
}

bool conn_stalled(struct conn *conn, int64_t now) {
	if (conn->out.len < HIGH_WATER) conn->stalled_at = 0;
	else if (!conn->stalled_at) conn->stalled_at = now;
	return conn->stalled_at && now - conn->stalled_at >= STALL_MS;
}

void reply_begin(struct enc *enc, uint64_t seq, int status) {
	enc_array(enc, 3);
	enc_uint(enc, seq);
	enc_uint(enc, (uint64_t)status);
}

void reply_empty(struct conn *conn, uint64_t seq) {
	uint8_t bytes[32];
	struct enc enc = ENC(bytes);

	reply_begin(&enc, seq, 0);
	enc_map(&enc, 0);
	conn_send(conn, bytes, enc.len);
}

void enc_error(struct enc *enc, uint64_t seq, const struct err *err) {
	reply_begin(enc, seq, 1);
	enc_map(enc, 4);
	enc_str(enc, "step");
	enc_str(enc, err->step);
	enc_str(enc, "index");
	enc_int(enc, err->index);
	enc_str(enc, "errno");
	enc_int(enc, err->num);
	enc_str(enc, "message");
	enc_str(enc, err->text);
}

void reply_error(struct conn *conn, uint64_t seq, const struct err *err) {
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);

	enc_error(&enc, seq, err);
	conn_send(conn, bytes, enc.len);
}

int request_check(const struct node *frame, struct request *out, struct err *err) {
	err->step = "frame";
	if (frame->type != NODE_ARRAY || frame->len != 3 || frame->items[0].type != NODE_UINT || frame->items[0].number == 0 ||
	    frame->items[1].type != NODE_STR)
		return err_set(err, EBADMSG, "a frame must be [seq, op, arg]");
	out->seq = frame->items[0].number;
	out->op = frame->items[1].str;
	out->arg = &frame->items[2];
	return 0;
}
