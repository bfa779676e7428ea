/* What went wrong: every failing function takes a `struct err *` last, fills it and returns -1. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <errno.h>

struct err {
	int num;          /* errno of the failure */
	int index;        /* of the step in its list, -1 outside of one */
	const char *step; /* static text: the step's op, or the phase */
	char text[200];
};

#define ERR_INIT { 0, -1, "", "" }

/* Both return -1, so that a caller can `return err_set(...)`. */
int err_set(struct err *err, int num, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define err_sys(err, ...) err_set(err, errno, __VA_ARGS__)

/* Names the phase for failures that did not come from a step. Returns -1. */
int err_phase(struct err *err, const char *phase);

#endif
