/* Hands a descriptor over: an fd goes into a socket, another process takes it out. Called for terminals and for spares. */
#define _GNU_SOURCE
#include "fdpass.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

int fd_send(int socket, int fd, struct err *err) {
	return fd_send_with(socket, fd, "f", 1, err);
}

int fd_send_with(int socket, int fd, const char *bytes, size_t len, struct err *err) {
	union control control = { 0 };
	struct iovec data = { (char *)(uintptr_t)bytes, len };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t sent;

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	if (sent < 0) return err_sys(err, "cannot hand a descriptor over");
	/* The rest of a long message goes without the descriptor, which came with its first byte. */
	while ((size_t)sent < len) {
		ssize_t more = send(socket, bytes + sent, len - (size_t)sent, MSG_NOSIGNAL);

		if (more < 0 && errno != EINTR) return err_sys(err, "cannot hand a descriptor over");
		if (more > 0) sent += more;
	}
	return 0;
}

int fd_receive(int socket) {
	union control control;
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd;

	if (got < 0) return -1;
	if (got == 0 || !CMSG_FIRSTHDR(&message)) {
		errno = got == 0 ? EPIPE : ENOMSG;
		return -1;
	}
	memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
	return fd;
}
