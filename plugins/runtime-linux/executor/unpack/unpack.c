/* A request in MessagePack comes in, frames of progress and an answer go out; called by the executor in a process of its own. */
#include "unpack.h"

#include "../msgpack.h"
#include "../util.h"

#include <string.h>

#define MAX_BYTES (64ull << 30)
#define MAX_ENTRIES 4000000

struct report {
	uint64_t seq;
	int fd;
};

enum { REPLY_RESULT = 0, REPLY_ERROR = 1, REPLY_ITEM = 2 };

static int decode(const uint8_t *arg, size_t len, struct arena *arena, struct unpack_request *request, struct err *err);
static unpack_progress report_progress;
static int report_result(const struct report *report, const struct unpack_result *result);
static int report_error(const struct report *report, const struct err *err);

int unpack_run(uint64_t seq, const uint8_t *arg, size_t len, int report_fd) {
	struct report report = {seq, report_fd};
	struct unpack_request request;
	struct unpack_result result = {0};
	struct arena arena = {0};
	struct err err = ERR_INIT;
	int r = decode(arg, len, &arena, &request, &err);
	if (r == 0) r = unpack_layer(&request, &result, report_fd, report_progress, &report, &err);
	int told = r == 0 ? report_result(&report, &result) : report_error(&report, &err);
	arena_free(&arena);
	return r < 0 || told < 0 ? -1 : 0;
}

static int text_of(const struct node *map, const char *key, const char **to, struct err *err) {
	const struct node *n = node_get(map, key);
    *to = NULL;
	if (!n || n->type == NODE_NIL) return 0;
	if (n->type != NODE_STR || strlen(n->str) != n->len) return err_set(err, EINVAL, "unpack: %s is no text", key);
    *to = n->str;
	return 0;
}

static int number_of(const struct node *map, const char *key, uint64_t *to, struct err *err) {
	const struct node *n = node_get(map, key);
	if (!n || n->type == NODE_NIL) return 0;
	if (n->type != NODE_UINT) return err_set(err, EINVAL, "unpack: %s is no number", key);
    *to = n->number;
	return 0;
}

static int decode(const uint8_t *arg, size_t len, struct arena *arena, struct unpack_request *q, struct err *err) {
	struct node map;
    *q = (struct unpack_request){.length = UINT64_MAX, .max_bytes = MAX_BYTES, .max_entries = MAX_ENTRIES};
	if (arena_open(arena, arena_size_for(len) + len + 64, err) < 0) return -1;
	uint8_t *copy = arena_take(arena, len);
	if (!copy) return err_set(err, ENOMEM, "unpack: no memory for the request");
	memcpy(copy, arg, len);
	if (msgpack_decode(arena, copy, len, &map, err) < 0) return -1;
	if (map.type != NODE_MAP) return err_set(err, EINVAL, "unpack: the request is no map");
	if (text_of(&map, "path", &q->path, err) < 0 || text_of(&map, "target", &q->target, err) < 0) return -1;
	if (text_of(&map, "digest", &q->digest, err) < 0 || text_of(&map, "diffId", &q->diff_id, err) < 0) return -1;
	if (number_of(&map, "offset", &q->offset, err) < 0 || number_of(&map, "length", &q->length, err) < 0) return -1;
	if (number_of(&map, "maxBytes", &q->max_bytes, err) < 0 || number_of(&map, "maxEntries", &q->max_entries, err) < 0) return -1;
	const struct node *squash = node_get(&map, "squash");
	q->squash = squash && squash->type == NODE_BOOL && squash->yes;
	if (!q->path || !q->target) return err_set(err, EINVAL, "unpack: path or target is missing");
	return 0;
}

static void enc_key_number(struct enc *enc, const char *key, uint64_t value) {
	enc_str(enc, key);
	enc_uint(enc, value);
}

static void enc_key_text(struct enc *enc, const char *key, const char *value) {
	enc_str(enc, key);
	enc_str(enc, value);
}

static void begin(struct enc *enc, const struct report *report, unsigned kind) {
	enc->len = 4; /* the frame's length, filled in by send_frame */
	enc_array(enc, 3);
	enc_uint(enc, report->seq);
	enc_uint(enc, kind);
}

static int send_frame(const struct report *report, struct enc *enc) {
	uint32_t length = (uint32_t)(enc->len - 4);
	for (int i = 0; i < 4; i++) enc->data[i] = (uint8_t)(length >> 8 * i);
	return enc->over ? -1 : write_all(report->fd, enc->data, enc->len);
}

static int report_progress(void *context, uint64_t bytes, uint64_t total, struct err *err) {
	uint8_t frame[64];
	struct enc enc = ENC(frame);
	begin(&enc, context, REPLY_ITEM);
	enc_map(&enc, 2);
	enc_key_number(&enc, "bytes", bytes);
	enc_key_number(&enc, "total", total);
	return send_frame(context, &enc) < 0 ? err_set(err, ECANCELED, "unpack: nobody listens any more") : 0;
}

static int report_result(const struct report *report, const struct unpack_result *result) {
	uint8_t frame[512];
	struct enc enc = ENC(frame);
	begin(&enc, report, REPLY_RESULT);
	enc_map(&enc, 5);
	enc_key_text(&enc, "digest", result->digest);
	enc_key_text(&enc, "diffId", result->diff_id);
	enc_key_number(&enc, "size", result->size);
	enc_key_number(&enc, "entries", result->entries);
	enc_str(&enc, "opaque");
	enc_bool(&enc, result->opaque);
	return send_frame(report, &enc);
}

/* Names out of the archive may hold anything; what is shown on a terminal may not. */
static void printable(char *words) {
	for (; *words; words++)
		if ((unsigned char)*words < ' ' || (unsigned char)*words > '~') *words = '?';
}

static int report_error(const struct report *report, const struct err *err) {
	uint8_t frame[512];
	char words[sizeof err->text];
	struct enc enc = ENC(frame);
	memcpy(words, err->text, sizeof words);
	printable(words);
	begin(&enc, report, REPLY_ERROR);
	enc_map(&enc, 4);
	enc_key_text(&enc, "step", "unpack");
	enc_str(&enc, "index");
	enc_int(&enc, -1);
	enc_key_number(&enc, "errno", (uint64_t)err->num);
	enc_key_text(&enc, "message", words);
	return send_frame(report, &enc);
}
