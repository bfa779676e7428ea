/* Descriptors over sockets. */
#ifndef CORE_FDPASS_H
#define CORE_FDPASS_H

#include "err.h"

/* One descriptor in a message of one byte. */
int fd_send(int socket, int fd, struct err *err);
/* The descriptor of the next message, without waiting; -1 with errno, ENOMSG for a message without one. */
int fd_receive(int socket);

#endif
