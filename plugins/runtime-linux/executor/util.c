/* The tools of util.h. They allocate nothing, so the child of a vfork may use them. */
#include "util.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>

void text_add_bytes(struct text *text, const char *bytes, size_t len) {
	if (text->len + len + 1 > text->cap) {
		text->over = true;
		return;
	}
	memcpy(text->data + text->len, bytes, len);
	text->len += len;
	text->data[text->len] = 0;
}

void text_add(struct text *text, const char *words) {
	text_add_bytes(text, words, strlen(words));
}

void text_add_number(struct text *text, int64_t number) {
	char digits[24];
	size_t at = sizeof digits;
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do digits[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0) digits[--at] = '-';
	text_add_bytes(text, digits + at, sizeof digits - at);
}

void text_add_json(struct text *text, const char *words) {
	static const char hex[] = "0123456789abcdef";

	text_add_bytes(text, "\"", 1);
	for (; *words; words++) {
		unsigned char c = (unsigned char)*words;
		char escaped[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

		if (c < 0x20) text_add_bytes(text, escaped, 6);
		else {
			if (c == '"' || c == '\\') text_add_bytes(text, "\\", 1);
			text_add_bytes(text, words, 1);
		}
	}
	text_add_bytes(text, "\"", 1);
}

int write_all(int fd, const void *data, size_t len) {
	const char *bytes = data;

	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0) {
			if (errno == EINTR) continue;
			return -1;
		}
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

ssize_t read_file_at(int dir, const char *path, char *out, size_t cap) {
	autofd fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t len = 0;

	if (fd < 0) return -1;
	while (len + 1 < cap) {
		ssize_t got = read(fd, out + len, cap - 1 - len);

		if (got < 0) return -1;
		if (got == 0) break;
		len += (size_t)got;
	}
	out[len] = 0;
	return (ssize_t)len;
}

int join_path(char *out, size_t cap, const char *dir, const char *name) {
	struct text text = { out, 0, cap, false };

	text_add(&text, dir);
	text_add(&text, "/");
	text_add(&text, name);
	if (!text.over) return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int64_t now_ms(void) {
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t monotonic_ms(void) {
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t process_start_time(int pid) {
	char path[40], stat[1024];
	struct text name = TEXT(path);
	char *at;

	text_add(&name, "/proc/");
	text_add_number(&name, pid);
	text_add(&name, "/stat");
	if (read_file_at(AT_FDCWD, path, stat, sizeof stat) <= 0) return 0;
	/* The second field is the command in brackets and may hold anything: count from the last bracket. */
	at = strrchr(stat, ')');
	for (int field = 2; at && field < 22; field++) {
		at = strchr(at + 1, ' ');
	}
	return at ? strtoull(at + 1, NULL, 10) : 0;
}
