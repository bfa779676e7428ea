/* Where a decoder writes: a buffer that keeps the last `history` bytes for matches to refer to. */
#ifndef CORE_UNPACK_WINDOW_H
#define CORE_UNPACK_WINDOW_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Wide copies may write as far beyond the end. */
#define WINDOW_SLACK 320

struct window {
	uint8_t *buffer;
	size_t capacity; /* without the slack */
	size_t history;
	size_t floor; /* matches may not reach below */
	size_t start; /* start..end is decoded and not yet taken */
	size_t end;
};

/* Room for at least `want` more bytes, by forgetting what no match may refer to. All decoded bytes must have been taken. */
static inline void window_make_room(struct window *w, size_t want) {
	if (w->capacity - w->end >= want) return;
	size_t keep = w->end - w->floor < w->history ? w->end - w->floor : w->history;
	memmove(w->buffer, w->buffer + w->end - keep, keep);
	w->floor = 0;
	w->start = w->end = keep;
}

#endif
