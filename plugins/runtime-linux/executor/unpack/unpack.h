/* The unpacker's door: one layer archive becomes one folder, or nothing. See README.md. */
#ifndef CORE_UNPACK_H
#define CORE_UNPACK_H

#include "../err.h"
#include "sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpack_request {
	const char *path;
	uint64_t offset, length; /* length UINT64_MAX: to the end of the file */
	const char *digest, *diff_id; /* NULL: not checked */
	const char *target;
	uint64_t max_bytes, max_entries;
	bool squash; /* what cannot be given its owner stays root's */
};

struct unpack_result {
	char digest[SHA256_TEXT], diff_id[SHA256_TEXT];
	uint64_t size, entries;
	bool opaque;
};

/* Called now and then with the bytes of the archive done and to do (0: unknown); -1 ends the work. */
typedef int unpack_progress(void *context, uint64_t bytes, uint64_t total, struct err *err);

/* Carries out `arg`, a request in MessagePack, in a process of its own that it confines and that should end afterwards. Frames of progress and the
 * answer to request `seq` go to `report_fd`. 0, or -1 when the answer was a failure. */
int unpack_run(uint64_t seq, const uint8_t *arg, size_t len, int report_fd);

/* The work itself, which confines the process for good. SIGTERM ends it with ECANCELED. */
int unpack_layer(const struct unpack_request *request, struct unpack_result *result, int report_fd, unpack_progress *progress, void *context, struct err *err);

#endif
