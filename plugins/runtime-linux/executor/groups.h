/* The groups a container made below its own. See groups.c. */
#ifndef CORE_GROUPS_H
#define CORE_GROUPS_H

/* Removes those without processes; what cannot be removed stays. */
void groups_remove_below(const char *path);

#endif
