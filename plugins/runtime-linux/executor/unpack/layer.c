/* A request comes in, a verified folder or nothing goes out; called by unpack.c and by the command for tests. */
#define _GNU_SOURCE
#include "confine.h"
#include "remove.h"
#include "tree.h"
#include "unpack.h"

#include "../sys.h"
#include "../util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define PROGRESS_STEP (4u << 20)
#define NAME_SIZE 256

struct work {
	const struct unpack_request *request;
	int archive, above, root; /* the file; the folder the target is in; the folder being filled */
	char temporary[64];
	char final[NAME_SIZE];
	uint64_t total, told;
	unpack_progress *progress;
	void *context;
	struct stream stream;
	struct tar tar;
	struct tree tree;
};

static volatile sig_atomic_t cancelled;

static int open_all(struct work *w, struct err *err);
static int fill(struct work *w, struct unpack_result *result, struct err *err);
static int check(const struct work *w, const struct unpack_result *result, struct err *err);
static int publish(struct work *w, struct err *err);

static void cancel(int signal) {
	(void)signal;
	cancelled = 1;
}

int unpack_layer(const struct unpack_request *request, struct unpack_result *result, int report_fd, unpack_progress *progress, void *context, struct err *err) {
	static struct work w; /* too large for a stack; the process unpacks one layer */
	const struct sigaction on_term = {.sa_handler = cancel};
	memset(&w, 0, sizeof w);
	w.request = request;
	w.progress = progress;
	w.context = context;
	w.archive = w.above = w.root = -1;
	sigaction(SIGTERM, &on_term, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int r = open_all(&w, err);
	if (r == 0) {
		const int keep[] = {w.archive, w.above, w.root, report_fd};
		r = confine(w.root, keep, sizeof keep / sizeof keep[0], err);
		if (r == 0) r = fill(&w, result, err);
		if (r == 0) r = check(&w, result, err);
		if (r == 0) r = publish(&w, err);
		if (r < 0) remove_tree(w.above, w.temporary);
	}
	fd_close(&w.archive);
	fd_close(&w.above);
	fd_close(&w.root);
	return r;
}

/* Splits the target into the folder above it and its own name. */
static int open_above(struct work *w, struct err *err) {
	char path[TAR_PATH_MAX];
	size_t len = strlen(w->request->target);
	if (w->request->target[0] != '/' || len >= sizeof path) return err_set(err, EINVAL, "unpack: target is no absolute path");
	memcpy(path, w->request->target, len + 1);
	char *slash = strrchr(path, '/');
	if (!slash[1] || strlen(slash + 1) >= sizeof w->final) return err_set(err, EINVAL, "unpack: target has no name");
	if (strcmp(slash + 1, ".") == 0 || strcmp(slash + 1, "..") == 0) return err_set(err, EINVAL, "unpack: target has no name");
	strcpy(w->final, slash + 1);
    *slash = 0;
	w->above = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return w->above < 0 ? err_sys(err, "unpack: cannot open the folder above the target") : 0;
}

static int open_archive(struct work *w, struct err *err) {
	struct stat st;
	const struct unpack_request *q = w->request;
	w->archive = open(q->path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (w->archive < 0) return err_sys(err, "unpack: cannot open the archive");
	if (fstat(w->archive, &st) < 0) return err_sys(err, "unpack: cannot look at the archive");
	if (!S_ISREG(st.st_mode)) return err_set(err, EINVAL, "unpack: the archive is no regular file");
	uint64_t size = (uint64_t)st.st_size;
	if (q->offset > size || (q->length != UINT64_MAX && q->length > size - q->offset)) return err_set(err, EBADMSG, "archive: offset and length lie outside of the file");
	w->total = q->length == UINT64_MAX ? size - q->offset : q->length;
	return 0;
}

/* The temporary folder's name says whose it is, so that what a killed process left can be told from what is being filled. */
static int open_all(struct work *w, struct err *err) {
	if (open_archive(w, err) < 0 || open_above(w, err) < 0) return -1;
	int pid = (int)getpid();
	snprintf(w->temporary, sizeof w->temporary, ".unpack-%d-%" PRIu64, pid, process_start_time(pid));
	if (mkdirat(w->above, w->temporary, 0755) < 0) return err_sys(err, "unpack: cannot make a folder beside the target");
	w->root = openat(w->above, w->temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return w->root < 0 ? err_sys(err, "unpack: cannot open the folder it made") : 0;
}

static int tick(void *context, const struct stream *stream, struct err *err) {
	struct work *w = context;
	uint64_t taken = stream->source.taken;
	if (cancelled) return err_set(err, ECANCELED, "unpack: cancelled");
	if (!w->progress || taken - w->told < PROGRESS_STEP) return 0;
	w->told = taken;
	return w->progress(w->context, taken, w->total, err);
}

static int fill(struct work *w, struct unpack_result *result, struct err *err) {
	const struct unpack_request *q = w->request;
	const struct stream_origin origin = {.fd = w->archive, .offset = q->offset, .length = w->total, .limit = q->max_bytes};
	int end = 0;
	tree_begin(&w->tree, w->root, q->max_bytes);
	w->tree.squash = q->squash;
	if (stream_open(&w->stream, &origin, err) < 0) return -1;
	w->stream.tick = tick;
	w->stream.context = w;
	tar_begin(&w->tar, &w->stream, q->max_entries);
	while ((end = tar_next(&w->tar, err)) == 0) {
		if (tree_write(&w->tree, &w->tar, err) < 0) end = -1;
		if (end < 0) break;
		result->entries++;
	}
	if (end > 0 && (tree_finish(&w->tree, err) < 0 || stream_drain(&w->stream, err) < 0)) end = -1;
	if (end > 0) {
		sha256_text(&w->stream.source.hash, result->digest);
		sha256_text(&w->stream.hash, result->diff_id);
		result->size = w->tree.size;
		result->opaque = w->tree.opaque;
	}
	tar_free(&w->tar);
	tree_free(&w->tree);
	stream_close(&w->stream);
	return end > 0 ? 0 : -1;
}

static int check(const struct work *w, const struct unpack_result *result, struct err *err) {
	const struct unpack_request *q = w->request;
	if (q->digest && strcmp(q->digest, result->digest) != 0) return err_set(err, EBADMSG, "archive: digest is %s, not what was said", result->digest);
	if (q->diff_id && strcmp(q->diff_id, result->diff_id) != 0) return err_set(err, EBADMSG, "layer: diffID is %s, not what was said", result->diff_id);
	return 0;
}

/* Durable before it is visible. Whoever was faster with the same target did the same work. */
static int publish(struct work *w, struct err *err) {
	if (cancelled) return err_set(err, ECANCELED, "unpack: cancelled");
	if (syncfs(w->root) < 0) return err_sys(err, "unpack: cannot write the layer to the disk");
	if (syscall(SYS_renameat2, w->above, w->temporary, w->above, w->final, 1u /* RENAME_NOREPLACE */) == 0) {
		if (fsync(w->above) < 0) return err_sys(err, "unpack: cannot write the target's name to the disk");
		return 0;
	}
	if (errno != EEXIST) return err_sys(err, "unpack: cannot move the layer to its target");
	if (remove_tree(w->above, w->temporary) < 0) return err_sys(err, "unpack: cannot remove what was done twice");
	return 0;
}
