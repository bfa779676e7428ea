/* The program that is a container's user-mode network, as its monitor holds it. */
#ifndef CORE_NETWORK_H
#define CORE_NETWORK_H

struct network {
	int pid;  /* of its keeper; 0: there is none */
	int life; /* as long as this end is open, the keeper and all its processes live */
};

#define NETWORK_INIT { 0, -1 }

/* Ends the program and all it has started. */
void network_end(struct network *network);

#endif
