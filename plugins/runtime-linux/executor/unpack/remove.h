/* Removal of whatever stands at a name. */
#ifndef CORE_UNPACK_REMOVE_H
#define CORE_UNPACK_REMOVE_H


/* A file, or a folder with all in it, by descriptor and never through a symlink; what is not there counts as removed. -1 with errno. */
int remove_tree(int parent, const char *name);

#endif
