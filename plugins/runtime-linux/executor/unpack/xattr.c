/* An entry's attributes come in and are set on its descriptor; called by tree.c. */
#include "xattr.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#define NAME_MAX_LEN 255
#define VALUE_MAX_LEN 65536

static bool allowed(const struct tar_xattr *x);

int xattr_set(int fd, const struct tar_entry *e, struct err *err) {
	for (uint32_t i = 0; i < e->xattrs; i++) {
		const struct tar_xattr *x = &e->xattr[i];
		char name[NAME_MAX_LEN + 1];
		if (!allowed(x)) continue;
		if (x->name_len > NAME_MAX_LEN || x->value_len > VALUE_MAX_LEN) return err_set(err, EBADMSG, "layer: an extended attribute is too long: %.100s", e->name);
		memcpy(name, x->name, x->name_len);
		name[x->name_len] = 0;
		if (fsetxattr(fd, name, x->value, x->value_len, 0) == 0) continue;
		/* The file system may know none; a capability set that is malformed is the archive's fault. */
		if (errno == ENOTSUP) continue;
		if (errno == EINVAL || errno == ERANGE || errno == E2BIG) return err_set(err, EBADMSG, "layer: extended attribute %.60s is malformed: %.100s", name, e->name);
		return err_set(err, errno, "layer: cannot set extended attribute %.60s: %.100s", name, e->name);
	}
	return 0;
}

static bool begins(const struct tar_xattr *x, const char *prefix) {
	size_t n = strlen(prefix);
	return x->name_len >= n && memcmp(x->name, prefix, n) == 0;
}

static bool allowed(const struct tar_xattr *x) {
	if (begins(x, "user.")) return x->name_len > 5 && !begins(x, "user.overlay.");
	return x->name_len == 19 && begins(x, "security.capability");
}
