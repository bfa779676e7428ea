/* Encodes MessagePack into a fixed array: values come in, bytes go out. Called for replies, notices and items. */
#include <string.h>

#include "msgpack.h"

static void put(struct enc *enc, const void *data, size_t len) {
	if (len > enc->cap - enc->len) {
		enc->over = true;
		return;
	}
	memcpy(enc->data + enc->len, data, len);
	enc->len += len;
}

static void put_tagged(struct enc *enc, uint8_t tag, uint64_t number, int size) {
	uint8_t bytes[9] = { tag };

	for (int i = 0; i < size; i++) bytes[1 + i] = (uint8_t)(number >> (8 * (size - 1 - i)));
	put(enc, bytes, (size_t)size + 1);
}

void enc_array(struct enc *enc, uint32_t count) {
	if (count < 16) put_tagged(enc, (uint8_t)(0x90 | count), 0, 0);
	else put_tagged(enc, 0xdd, count, 4);
}

void enc_map(struct enc *enc, uint32_t count) {
	if (count < 16) put_tagged(enc, (uint8_t)(0x80 | count), 0, 0);
	else put_tagged(enc, 0xdf, count, 4);
}

void enc_uint(struct enc *enc, uint64_t number) {
	if (number < 0x80) put_tagged(enc, (uint8_t)number, 0, 0);
	else if (number <= UINT32_MAX) put_tagged(enc, 0xce, number, 4);
	/* A float, because JavaScript would read a 64-bit integer as a BigInt. */
	else if (number <= 1ULL << 53) {
		double value = (double)number;
		uint64_t bits;

		memcpy(&bits, &value, sizeof bits);
		put_tagged(enc, 0xcb, bits, 8);
	} else put_tagged(enc, 0xcf, number, 8);
}

void enc_int(struct enc *enc, int64_t number) {
	if (number >= 0) enc_uint(enc, (uint64_t)number);
	else if (number >= -32) put_tagged(enc, (uint8_t)number, 0, 0);
	else put_tagged(enc, 0xd2, (uint32_t)number, 4);
}

void enc_bool(struct enc *enc, bool yes) {
	put_tagged(enc, yes ? 0xc3 : 0xc2, 0, 0);
}

void enc_nil(struct enc *enc) {
	put_tagged(enc, 0xc0, 0, 0);
}

void enc_str(struct enc *enc, const char *words) {
	size_t len = strlen(words);

	if (len < 32) put_tagged(enc, (uint8_t)(0xa0 | len), 0, 0);
	else put_tagged(enc, 0xdb, len, 4);
	put(enc, words, len);
}

void enc_bin_head(struct enc *enc, uint32_t len) {
	put_tagged(enc, 0xc6, len, 4);
}

void enc_bin(struct enc *enc, const void *data, uint32_t len) {
	enc_bin_head(enc, len);
	put(enc, data, len);
}
