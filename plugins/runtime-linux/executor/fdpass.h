/* Descriptors over sockets. */
#ifndef CORE_FDPASS_H
#define CORE_FDPASS_H

#include <stddef.h>

#include "err.h"

/* One descriptor in a message of one byte. */
int fd_send(int socket, int fd, struct err *err);
/* The same with bytes of the caller's, of which there must be one at least. */
int fd_send_with(int socket, int fd, const char *bytes, size_t len, struct err *err);
/* The descriptor of the next message, without waiting; -1 with errno, ENOMSG for a message without one. */
int fd_receive(int socket);

#endif
