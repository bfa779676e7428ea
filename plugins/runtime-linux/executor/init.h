/* The small init of containers that ask for one. */
#ifndef CORE_INIT_H
#define CORE_INIT_H

/* The whole of pid 1: argv is "core-init", the path to execute, then the command's own argv. */
int init_main(char **argv);
/* A sealed copy of this binary in memory, which a container may execute but never change; -1 with errno. */
int init_image(void);

#endif
