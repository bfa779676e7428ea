/* What must be remembered of a container for as long as it lives: how to end it and what to tear down. */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include "plan.h"

struct keep {
	struct arena arena;
	const char *id, *dir;
	const struct node *cgroups;
	struct steps teardown;
};

/* Copies out of a message that may go. `keep` is emptied first; keep_free on a zeroed one does nothing. */
int keep_plan(struct keep *keep, const struct plan *plan, struct err *err);
/* The same from the argument of `reap`: {id, dir, cgroups, teardown}. */
int keep_request(struct keep *keep, const struct node *map, struct err *err);
void keep_free(struct keep *keep);

/* Kills every process of the groups until they are empty, at most 5 s. */
void keep_kill(const struct keep *keep);
/* Every step of `teardown`, after keep_kill. */
void keep_tear_down(const struct keep *keep);
/* Removes the run folder with the records in it. */
void keep_remove_dir(const struct keep *keep);

#endif
