/* The unpacker as a command, for tests and measurements: `core-unpack ARCHIVE TARGET [DIGEST [DIFFID]]` unpacks, `core-unpack --list ARCHIVE` prints what
 * the reader sees, `core-unpack --cat ARCHIVE` the tar stream within, `core-unpack --attributes FILE` a file's extended attributes. No part of the executor. */
#include "../tar.h"
#include "../unpack.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static int fail(const struct err *err) {
	fprintf(stderr, "%s: %s\n", strerror(err->num), err->text);
	return 1;
}

static int unpack(char **argv, int count) {
	struct err err = ERR_INIT;
	struct unpack_result result = {0};
	struct unpack_request request = {.path = argv[0], .target = argv[1], .length = UINT64_MAX, .max_bytes = 64ull << 30, .max_entries = 4000000};
	const char *bytes = getenv("MAX_BYTES"), *entries = getenv("MAX_ENTRIES");
	if (bytes) request.max_bytes = strtoull(bytes, NULL, 10);
	if (entries) request.max_entries = strtoull(entries, NULL, 10);
	if (count > 2) request.digest = argv[2];
	if (count > 3) request.diff_id = argv[3];
	if (unpack_layer(&request, &result, -1, NULL, NULL, &err) < 0) return fail(&err);
	dprintf(1, "{\"digest\":\"%s\",\"diffId\":\"%s\",\"size\":%" PRIu64 ",\"entries\":%" PRIu64 ",\"opaque\":%s}\n", result.digest, result.diff_id, result.size,
		result.entries, result.opaque ? "true" : "false");
	return 0;
}

static int list(struct stream *stream) {
	static struct tar tar;
	struct err err = ERR_INIT;
	int end;
	tar_begin(&tar, stream, 4000000);
	while ((end = tar_next(&tar, &err)) == 0) {
		const struct tar_entry *e = &tar.entry;
		printf("%c %04o %" PRIu64 ":%" PRIu64 " %" PRIu64 " %" PRId64 ".%09ld %s%s%s", e->type, e->mode, e->uid, e->gid, e->size, (int64_t)e->mtime.tv_sec,
			e->mtime.tv_nsec, e->name, *e->link && (e->type == '1' || e->type == '2') ? " -> " : "", e->type == '1' || e->type == '2' ? e->link : "");
		for (uint32_t i = 0; e->sparse && i < e->segments; i++) printf(" %" PRIu64 "+%" PRIu64, tar.segment[i].offset, tar.segment[i].length);
		for (uint32_t i = 0; i < e->xattrs; i++) printf(" %.*s", (int)e->xattr[i].name_len, e->xattr[i].name);
		putchar('\n');
	}
	fflush(stdout);
	tar_free(&tar);
	return end < 0 ? fail(&err) : 0;
}

static int cat(struct stream *stream) {
	struct err err = ERR_INIT;
	while (stream_more(stream, &err) == 0) {
		if (stream->next == stream->end) return 0;
		if (write(1, stream->next, stream_has(stream)) < 0) return 1;
		stream->next = stream->end;
	}
	return fail(&err);
}

static int attributes(const char *path) {
	char names[65536], value[65536];
	ssize_t len = llistxattr(path, names, sizeof names);

	for (const char *name = names; name < names + len; name += strlen(name) + 1) {
		ssize_t n = lgetxattr(path, name, value, sizeof value);

		printf("%s=%.*s\n", name, (int)(n < 0 ? 0 : n), value);
	}
	return len < 0;
}

int main(int argc, char **argv) {
	static struct stream stream;
	struct err err = ERR_INIT;
	if (argc > 2 && argv[1][0] != '-') return unpack(argv + 1, argc - 1);
	if (argc != 3) return 2;
	if (strcmp(argv[1], "--attributes") == 0) return attributes(argv[2]);
	struct stream_origin origin = {.fd = open(argv[2], O_RDONLY | O_CLOEXEC), .length = UINT64_MAX, .limit = UINT64_MAX};
	int r = stream_open(&stream, &origin, &err) < 0 ? fail(&err) : strcmp(argv[1], "--list") == 0 ? list(&stream) : cat(&stream);
	stream_close(&stream);
	close(origin.fd);
	return r;
}
