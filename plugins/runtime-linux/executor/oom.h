/* Watches a memory group for kills by the OOM killer. */
#ifndef CORE_OOM_H
#define CORE_OOM_H

#include <stdbool.h>
#include <stdint.h>

struct oom {
	int events; /* becomes readable when something happened; -1: not watched */
	int counts; /* the file with the number of kills */
	uint64_t seen;
};

#define OOM_INIT { -1, -1, 0 }

/* `version` 1 or 2; a group that cannot be watched is no failure. */
void oom_open(struct oom *oom, unsigned version, const char *path);
/* True when there have been kills since the last call. */
bool oom_check(struct oom *oom);
void oom_close(struct oom *oom);

#endif
