/* tar archives: ustar, PAX (local and global), GNU long names, base-256 numbers, sparse files of all four forms. */
#ifndef CORE_UNPACK_TAR_H
#define CORE_UNPACK_TAR_H

#include "stream.h"

#include <sys/types.h>
#include <time.h>

#define TAR_BLOCK 512
#define TAR_PATH_MAX 4096
#define TAR_PAX_MAX (1u << 20)
#define TAR_GLOBAL_MAX (16u << 10) /* it is laid over every entry that follows */
#define TAR_XATTRS_MAX 64
#define TAR_SEGMENTS_MAX (1u << 20)

struct tar_xattr {
	const char *name; /* without the prefix SCHILY.xattr. */
	size_t name_len;
	const uint8_t *value;
	size_t value_len;
};

/* A stretch of a sparse file that has data. */
struct tar_segment {
	uint64_t offset, length;
};

struct tar_entry {
	char type; /* '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' folder, '6' fifo */
	char name[TAR_PATH_MAX];
	char link[TAR_PATH_MAX];
	mode_t mode; /* permission and set-id bits */
	uint64_t uid, gid;
	uint64_t stored; /* bytes of data in the archive */
	uint64_t size;   /* of the file */
	struct timespec mtime;
	uint64_t major, minor;
	bool sparse;
	uint32_t segments;
	uint32_t xattrs;
	struct tar_xattr xattr[TAR_XATTRS_MAX];
};

struct pax_text {
	uint8_t *data;
	size_t len;
};

struct tar {
	struct stream *in;
	uint64_t left; /* data of the current entry not yet taken */
	unsigned padding;
	uint64_t headers, limit; /* read so far, and how many are too many */
	struct pax_text local, global;
	char long_name[TAR_PATH_MAX], long_link[TAR_PATH_MAX];
	struct tar_segment *segment;
	uint32_t segment_room;
	struct {
		uint64_t major, real, offset;
		bool has_real, has_offset;
	} pax_sparse;
	struct tar_entry entry;
};

void tar_begin(struct tar *t, struct stream *in, uint64_t limit);
void tar_free(struct tar *t);
/* Passes to the next entry, `t->entry`: 0, or 1 at the end of the archive. */
int tar_next(struct tar *t, struct err *err);
/* The next piece of the entry's data, at most `max` bytes; length 0 at its end. The piece is consumed. */
int tar_data(struct tar *t, uint64_t max, const uint8_t **data, size_t *len, struct err *err);

#endif
