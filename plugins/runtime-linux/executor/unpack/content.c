/* An entry's data comes in, a file's content goes out; called by tree.c. */
#include "content.h"

#include <errno.h>
#include <unistd.h>

static int write_piece(int fd, const uint8_t *data, size_t len, struct err *err);
static int write_sparse(struct tar *tar, int fd, uint64_t *written, struct err *err);

int content_write(struct tar *tar, int fd, uint64_t *written, struct err *err) {
	const uint8_t *data;
	size_t len;
	if (tar->entry.sparse) return write_sparse(tar, fd, written, err);
	for (;;) {
		if (tar_data(tar, UINT64_MAX, &data, &len, err) < 0) return -1;
		if (!len) return 0;
		if (write_piece(fd, data, len, err) < 0) return -1;
        *written += len;
	}
}

static int write_sparse(struct tar *tar, int fd, uint64_t *written, struct err *err) {
	if (ftruncate(fd, (off_t)tar->entry.size) < 0) return err_set(err, errno == EFBIG ? EBADMSG : errno, "layer: size is more than a file may have");
	for (uint32_t i = 0; i < tar->entry.segments; i++) {
		struct tar_segment s = tar->segment[i];
		if (s.length && lseek(fd, (off_t)s.offset, SEEK_SET) < 0) return err_set(err, errno, "layer: cannot seek in a sparse file");
		while (s.length) {
			const uint8_t *data;
			size_t len;
			if (tar_data(tar, s.length, &data, &len, err) < 0) return -1;
			if (!len) return err_set(err, EBADMSG, "layer: the map of a sparse file does not match its data");
			if (write_piece(fd, data, len, err) < 0) return -1;
			s.length -= len;
            *written += len;
		}
	}
	return 0;
}

static int write_piece(int fd, const uint8_t *data, size_t len, struct err *err) {
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return err_set(err, errno, "layer: cannot write a file");
		data += n;
		len -= (size_t)n;
	}
	return 0;
}
