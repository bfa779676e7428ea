/* Hands a descriptor over: an fd goes into a socket, another process takes it out. Called for terminals and for spares. */
#define _GNU_SOURCE
#include "fdpass.h"

#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

int fd_send(int socket, int fd, struct err *err) {
	union control control = { 0 };
	struct iovec byte = { "f", 1 };
	struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : err_sys(err, "cannot hand a descriptor over");
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
