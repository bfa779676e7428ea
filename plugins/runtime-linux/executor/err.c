/* Fills `struct err`: a number and words come in, -1 goes out. Called from everywhere, only on failure. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>

/* Leaves errno at `num`, for callers that go on by it. */
int err_set(struct err *err, int num, const char *format, ...) {
	va_list args;

	err->num = num;
	va_start(args, format);
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	errno = num;
	return -1;
}

int err_phase(struct err *err, const char *phase) {
	if (err->index < 0 && (!err->step || !*err->step)) err->step = phase;
	return -1;
}
