/* Any bytes come in as an archive; reader and decoders must get through them without a finding. A libFuzzer target, built by run.mjs with ASan and UBSan.
 *
 * The archive is read from a memfd, as the unpacker reads a file. Entries are walked, their names cleaned and their data taken, and nothing is written: what
 * the kernel does with a name is not this fuzzer's business. */
#define _GNU_SOURCE
#include "../tree.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIMIT (64u << 20)
#define ENTRIES 2000

static int archive = -1;

static int take_data(struct tar *tar, struct err *err) {
	const uint8_t *data;
	size_t len;
	volatile uint8_t sum = 0;

	do {
		if (tar_data(tar, UINT64_MAX, &data, &len, err) < 0) return -1;
		for (size_t i = 0; i < len; i += 512) sum = (uint8_t)(sum + data[i]);
	} while (len);
	return 0;
}

static void walk(struct stream *stream) {
	static struct tar tar;
	static struct place place;
	struct err err = ERR_INIT;
	int end;

	tar_begin(&tar, stream, ENTRIES);
	while ((end = tar_next(&tar, &err)) == 0) {
		(void)place_clean(&place, tar.entry.name, "path", &err);
		(void)place_clean(&place, tar.entry.link, "linkpath", &err);
		if (take_data(&tar, &err) < 0) break;
	}
	if (end > 0) (void)stream_drain(stream, &err);
	tar_free(&tar);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct stream stream;
	struct err err = ERR_INIT;
	struct stream_origin origin = { .fd = archive, .length = UINT64_MAX, .limit = LIMIT };

	if (archive < 0) origin.fd = archive = memfd_create("archive", MFD_CLOEXEC);
	if (archive < 0 || ftruncate(archive, 0) < 0 || pwrite(archive, data, size, 0) != (ssize_t)size || lseek(archive, 0, SEEK_SET) < 0) abort();
	if (stream_open(&stream, &origin, &err) == 0) walk(&stream);
	stream_close(&stream);
	return 0;
}
