/* The archive's bytes as they stand in the file, buffered, bounded and hashed. */
#ifndef CORE_UNPACK_SOURCE_H
#define CORE_UNPACK_SOURCE_H

#include "../err.h"
#include "sha256.h"

#include <stdbool.h>

#define SOURCE_BUFFER (256 * 1024)
#define SOURCE_FRONT 16 /* bytes before the first that a decoder may read, and not use */
#define SOURCE_BACK 8   /* bytes by which it may set `next` back */
#define SOURCE_PAD 64   /* and behind the last */

/* A fuzzer cannot guess checksums, and would never get past them. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define CHECKSUMS 0
#else
#define CHECKSUMS 1
#endif

struct source {
	int fd;
	uint64_t left;  /* bytes that may still be read from the file */
	uint64_t taken; /* bytes read from the file */
	bool ended;     /* nothing follows what is in the buffer */
	const uint8_t *next, *end;
	struct sha256 hash;
	uint8_t buffer[SOURCE_FRONT + SOURCE_BUFFER + SOURCE_PAD];
};

/* From `offset` on, `length` bytes or to the end of the file (UINT64_MAX). */
int source_open(struct source *s, int fd, uint64_t offset, uint64_t length, struct err *err);
/* Makes at least `want` (at most half a buffer) bytes available in next..end, or all that is left. SOURCE_PAD bytes of zeros follow the last. */
int source_fill(struct source *s, size_t want, struct err *err);
/* Reads what is left, for the hash. */
int source_drain(struct source *s, struct err *err);

static inline size_t source_has(const struct source *s) {
	return (size_t)(s->end - s->next);
}

#endif
