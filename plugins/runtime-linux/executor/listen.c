/* Makes a listening socket: a folder and a name come in, an fd goes out. Called for executor.sock and for every ctl. */
#define _GNU_SOURCE
#include "listen.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "util.h"

/* An address holds 108 bytes: a longer path goes by way of the folder's descriptor. */
static int fill_address(struct sockaddr_un *address, int folder, const char *dir, const char *name) {
	struct text path = TEXT(address->sun_path);

	text_add(&path, dir);
	text_add(&path, "/");
	text_add(&path, name);
	if (!path.over) return 0;
	path = (struct text)TEXT(address->sun_path);
	text_add(&path, "/proc/self/fd/");
	text_add_number(&path, folder);
	text_add(&path, "/");
	text_add(&path, name);
	return path.over ? -1 : 0;
}

int listen_in(const char *dir, const char *name, struct err *err) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	autofd folder = openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	mode_t before;
	int ret;

	if (folder < 0) return err_sys(err, "cannot open %s", dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return err_sys(err, "cannot make a socket");
	if (fill_address(&address, folder, dir, name) < 0) return err_set(err, ENAMETOOLONG, "the socket's path is too long");
	(void)unlinkat(folder, name, 0);
	before = umask(0177);
	ret = bind(fd, (struct sockaddr *)&address, sizeof address);
	umask(before);
	if (ret < 0 || listen(fd, 128) < 0) return err_sys(err, "cannot listen on %s/%s", dir, name);
	return fd_take(&fd);
}
