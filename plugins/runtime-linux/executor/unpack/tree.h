/* The tree being written: one root folder, everything below it by descriptor. */
#ifndef CORE_UNPACK_TREE_H
#define CORE_UNPACK_TREE_H

#include "tar.h"

struct folder;

struct tree {
	int root;
	int parent; /* of the last entry, or the last folder made; -1 when not known */
	char parent_path[TAR_PATH_MAX];
	uint64_t limit; /* bytes a file may have */
	uint64_t size;  /* bytes of content written */
	bool opaque;    /* the whole layer hides those below it */
	bool squash;    /* an owner that is not mapped is left out */
	struct folder *folders; /* whose times and modes wait for the end */
	size_t folder_count, folder_room;
};

/* A name of an entry, cleaned: no leading or doubled slashes, no ".", never "..". */
struct place {
	char parent[TAR_PATH_MAX]; /* "" is the root */
	const char *base;          /* "" when the entry is the root itself */
	char path[TAR_PATH_MAX];
};

void tree_begin(struct tree *t, int root, uint64_t limit);
void tree_free(struct tree *t);
/* Writes the reader's current entry. */
int tree_write(struct tree *t, struct tar *tar, struct err *err);
/* Gives the folders the times and modes they shall have. */
int tree_finish(struct tree *t, struct err *err);

/* Cleans a name; -1 when it holds "..", names nothing, or is too long. `field` is what the error calls it. */
int place_clean(struct place *p, const char *name, const char *field, struct err *err);
/* The descriptor of `path`'s folder, made with its parents where missing. It stays the tree's own. */
int tree_parent(struct tree *t, const char *path, struct err *err);
/* Remembers a folder that was just opened as the likely next parent; takes the descriptor. */
void tree_remember(struct tree *t, int fd, const char *path);
/* A failed system call on an entry: the archive's fault if a name or kind can cause it, the machine's otherwise. */
int tree_fault(struct err *err, int num, const char *what, const char *path);

#endif
