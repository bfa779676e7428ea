/* Births by way of namespaces that are there already. */
#ifndef CORE_THROUGH_H
#define CORE_THROUGH_H

#include "clone.h"
#include "launch.h"

struct through {
	const struct node *enter; /* [slot, CLONE_NEW*] each, in their order */
	const int *slots;
	struct outcome *outcome; /* in memory that forks share */
};

int clone_through(const struct through *through, const struct clone_request *request, struct err *err);

#endif
