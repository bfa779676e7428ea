/* Who speaks to a monitor over `dir/ctl`: connections and frames come in, items go out. Called by the monitor's loop. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "ask.h"
#include "monitor.h"
#include "sys.h"
#include "util.h"

enum { READ_LIMIT = 64 * 1024, INPUT_HIGH = 64 * 1024 };

void client_accept(struct monitor *monitor) {
	int fd;

	while ((fd = accept4(monitor->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct client *client = conn_peer_allowed(fd) && monitor->client_count < MAX_CLIENTS ? calloc(1, sizeof *client) : NULL;

		if (!client) {
			close(fd);
			continue;
		}
		client->conn = (struct conn)CONN_INIT(fd, MAX_FRAME);
		client->next = monitor->clients;
		monitor->clients = client;
		monitor->client_count++;
	}
}

void client_send_item(struct client *client, int stream, const void *data, size_t len) {
	uint8_t bytes[32];
	struct enc enc = ENC(bytes);

	reply_begin(&enc, client->seq, 2);
	enc_array(&enc, 2);
	enc_uint(&enc, (uint64_t)stream);
	enc_bin_head(&enc, (uint32_t)len);
	conn_send_two(&client->conn, &enc, data, len);
}

void client_send_exit(struct client *client, const struct exit_record *record) {
	uint8_t bytes[64];
	struct enc enc = ENC(bytes);

	reply_begin(&enc, client->seq, 2);
	enc_array(&enc, 2);
	enc_uint(&enc, 0);
	enc_map(&enc, record->signal ? 2 : 1);
	enc_str(&enc, "exitCode");
	enc_int(&enc, record->code);
	if (record->signal) {
		enc_str(&enc, "signal");
		enc_int(&enc, record->signal);
	}
	conn_send(&client->conn, bytes, enc.len);
}

/* False when the frame was so wrong that the connection must end. */
static bool take_frame(struct monitor *monitor, struct client *client, uint8_t *data, size_t len) {
	struct err err = ERR_INIT;
	struct arena arena = { 0 };
	struct node frame;
	struct ask ask = { .monitor = monitor, .client = client, .arena = &arena };
	bool good = true;

	if (arena_open(&arena, arena_size_for(len), &err) < 0 || msgpack_decode(&arena, data, len, &frame, &err) < 0 ||
	    request_check(&frame, &ask.request, &err) < 0) {
		err.step = "frame";
		reply_error(&client->conn, 0, &err);
		good = false;
	} else if (client_answer(&ask, &err) < 0) {
		reply_error(&client->conn, ask.request.seq, &err);
		good = err.num != EBADMSG;
	}
	arena_free(&arena);
	return good;
}

static bool input_full(const struct monitor *monitor, const struct client *client) {
	const struct job *job = client->exec ? client->exec : client->attached && client->feeds ? &monitor->first : NULL;

	return job && job->input.len >= INPUT_HIGH;
}

void client_read(struct monitor *monitor, struct client *client) {
	struct err err = ERR_INIT;
	uint8_t *frame;
	size_t len;
	int got = 0;

	if (conn_read(&client->conn, READ_LIMIT) < 0) client->conn.broken = true;
	while (!client->conn.closing && !input_full(monitor, client) && (got = conn_next(&client->conn, &frame, &len, &err)) > 0) {
		if (!take_frame(monitor, client, frame, len)) client->conn.closing = true;
		conn_done(&client->conn, len);
	}
	if (got < 0) {
		err.step = "frame";
		reply_error(&client->conn, 0, &err);
		client->conn.closing = true;
	}
	if (!client->conn.in.len) buf_free(&client->conn.in);
}

static void leave(struct monitor *monitor, struct client *client) {
	struct job *job = client->exec;

	if (job) {
		job->owner = NULL;
		if (!job->detached) (void)job_signal(job, SIGKILL);
		else job->input_ended = true;
	} else if (client->attached && client->feeds && monitor->stdin_once) monitor->first.input_ended = true;
	conn_close(&client->conn);
	monitor->client_count--;
	free(client);
}

void clients_sweep(struct monitor *monitor, int64_t now) {
	for (struct client **link = &monitor->clients; *link;) {
		struct client *client = *link;

		if (client->conn.broken || conn_stalled(&client->conn, now) || (client->conn.closing && !client->conn.out.len)) {
			*link = client->next;
			leave(monitor, client);
		} else link = &client->next;
	}
}
