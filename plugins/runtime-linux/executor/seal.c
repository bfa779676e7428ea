/* Runs the executor from a copy nobody can write to. Called first thing by main.c for every mode that enters containers.
 *
 * A process of a container can make an executor that enters it execute /proc/self/exe (as the interpreter of a script), open
 * what then runs, and write to it once it has ended. So what runs is never the file on the disk. */
#define _GNU_SOURCE
#include "seal.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

#include "init.h"
#include "sys.h"
#include "util.h"

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif

enum { SEAL_WRITE = 8 };

extern char **environ;

/* Either a sealed memory file, or a file seen through a read-only mount. */
static bool is_sealed(int exe) {
	struct statvfs fs;
	int seals = fcntl(exe, F_GET_SEALS);

	if (seals >= 0 && seals & SEAL_WRITE) return true;
	return fstatvfs(exe, &fs) == 0 && fs.f_flag & ST_RDONLY;
}

/* Where memory files may not be executed (vm.memfd_noexec): the file through a read-only mount that lies nowhere. */
static int readonly_image(int exe) {
	struct core_mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	autofd tree = sys_open_tree(exe, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree < 0 || sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr) < 0) return -1;
	return fd_take(&tree);
}

static void become(int image, char **argv) {
	if (image >= 0) (void)syscall(SYS_execveat, image, "", argv, environ, AT_EMPTY_PATH);
}

int seal_self(char **argv, struct err *err) {
	autofd exe = openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC), image = -1;

	if (exe < 0) return err_sys(err, "cannot open the own program");
	/* What was executed by its descriptor is called by its number. */
	(void)prctl(PR_SET_NAME, "core-executor", 0, 0, 0);
	if (is_sealed(exe)) return 0;
	image = init_image();
	become(image, argv);
	fd_close(&image);
	image = readonly_image(exe);
	become(image, argv);
	return err_sys(err, "cannot run from a copy that containers cannot write to");
}
