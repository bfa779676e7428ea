/* A file comes in, its bytes go out through a buffer, hashed on the way; called by the decoders. */
#include "source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int source_open(struct source *s, int fd, uint64_t offset, uint64_t length, struct err *err) {
	s->fd = fd;
	s->left = length;
	s->taken = 0;
	s->ended = false;
	s->next = s->end = s->buffer + SOURCE_FRONT;
	memset(s->buffer, 0, SOURCE_FRONT);
	sha256_init(&s->hash);
	if (offset && lseek(fd, (off_t)offset, SEEK_SET) < 0) return err_set(err, errno, "archive: cannot seek to its beginning");
	return 0;
}

int source_fill(struct source *s, size_t want, struct err *err) {
	size_t has = source_has(s);
	uint8_t *to = s->buffer + SOURCE_FRONT;
	if (has >= want || s->ended) return 0;
	/* The bytes before `next` go along: a decoder that read ahead may step back. */
	memmove(to - SOURCE_BACK, s->next - SOURCE_BACK, has + SOURCE_BACK);
	while (has < want && !s->ended) {
		size_t room = SOURCE_BUFFER - has;
		ssize_t n = read(s->fd, to + has, s->left < room ? (size_t)s->left : room);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return err_set(err, errno, "archive: cannot be read");
		sha256_update(&s->hash, to + has, (size_t)n);
		has += (size_t)n;
		s->left -= (uint64_t)n;
		s->taken += (uint64_t)n;
		s->ended = n == 0 || s->left == 0;
	}
	memset(to + has, 0, SOURCE_PAD);
	s->next = to;
	s->end = to + has;
	return 0;
}

int source_drain(struct source *s, struct err *err) {
	do {
		s->next = s->end;
		if (source_fill(s, 1, err) < 0) return -1;
	} while (source_has(s));
	return 0;
}
