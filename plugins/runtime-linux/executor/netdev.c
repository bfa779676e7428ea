/* Moves a link of the machine's into the network namespace of a container, with its lasting addresses, and brings it up there.
 * A name and a new name come in. Called through the table in ops.c, while the container's process waits to go on. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "step.h"
#include "sys.h"
#include "util.h"

enum { MAX_ADDRESSES = 64, MAX_ATTRS = 256, MESSAGE = 1024 };

/* An address as the kernel told it; what it is given back as. */
struct address {
	struct ifaddrmsg head;
	uint32_t len;
	char attrs[MAX_ATTRS];
};

struct addresses {
	struct address list[MAX_ADDRESSES];
	uint32_t count;
};

struct request {
	_Alignas(NLMSG_ALIGNTO) char bytes[MESSAGE];
};

static struct nlmsghdr *head_of(struct request *request) {
	return (struct nlmsghdr *)(void *)request->bytes;
}

static void begin(struct request *request, uint16_t type, uint16_t flags, const void *body, size_t len) {
	struct nlmsghdr *head = head_of(request);

	memset(request, 0, sizeof *request);
	*head = (struct nlmsghdr){ .nlmsg_len = (uint32_t)NLMSG_LENGTH(len), .nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags) };
	memcpy(NLMSG_DATA(head), body, len);
}

static void add(struct request *request, uint16_t type, const void *data, size_t len) {
	struct nlmsghdr *head = head_of(request);
	struct rtattr *attr = (struct rtattr *)(void *)(request->bytes + NLMSG_ALIGN(head->nlmsg_len));

	*attr = (struct rtattr){ .rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type };
	memcpy(RTA_DATA(attr), data, len);
	head->nlmsg_len = (uint32_t)(NLMSG_ALIGN(head->nlmsg_len) + RTA_ALIGN(attr->rta_len));
}

/* Sent, and its answer waited for; -1 with errno. */
static int carry_out(int netlink, struct request *request) {
	_Alignas(NLMSG_ALIGNTO) char bytes[4096];
	struct nlmsghdr *answer = (struct nlmsghdr *)(void *)bytes;
	struct nlmsgerr *verdict = NLMSG_DATA(answer);
	ssize_t got;

	head_of(request)->nlmsg_flags |= NLM_F_ACK;
	if (send(netlink, request->bytes, head_of(request)->nlmsg_len, 0) < 0) return -1;
	while ((got = recv(netlink, bytes, sizeof bytes, 0)) < 0 && errno == EINTR) continue;
	if (got < (ssize_t)NLMSG_LENGTH(sizeof *verdict) || answer->nlmsg_type != NLMSG_ERROR) {
		errno = EBADMSG;
		return -1;
	}
	errno = -verdict->error;
	return verdict->error ? -1 : 0;
}

/* Of the whole scope and not for a time: the others come from somewhere that will give them again. */
static void keep_address(struct addresses *addresses, const struct nlmsghdr *message, int index) {
	const struct ifaddrmsg *head = NLMSG_DATA(message);
	size_t len = IFA_PAYLOAD(message);
	struct address *address = &addresses->list[addresses->count];

	if ((int)head->ifa_index != index || head->ifa_scope != RT_SCOPE_UNIVERSE || !(head->ifa_flags & IFA_F_PERMANENT)) return;
	if (addresses->count == MAX_ADDRESSES || len > MAX_ATTRS) return;
	address->head = *head;
	address->len = (uint32_t)len;
	memcpy(address->attrs, IFA_RTA(head), len);
	addresses->count++;
}

static int learn_addresses(int netlink, int index, struct addresses *addresses, struct err *err) {
	_Alignas(NLMSG_ALIGNTO) char bytes[16384];
	struct ifaddrmsg all = { .ifa_family = AF_UNSPEC };
	struct request request;

	begin(&request, RTM_GETADDR, NLM_F_DUMP, &all, sizeof all);
	if (send(netlink, request.bytes, head_of(&request)->nlmsg_len, 0) < 0) return err_sys(err, "cannot ask for addresses");
	for (;;) {
		ssize_t got = recv(netlink, bytes, sizeof bytes, 0);
		unsigned left = got > 0 ? (unsigned)got : 0;

		if (got < 0 && errno == EINTR) continue;
		if (got <= 0) return err_sys(err, "cannot learn the addresses");
		for (struct nlmsghdr *message = (struct nlmsghdr *)(void *)bytes; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
			if (message->nlmsg_type == NLMSG_DONE) return 0;
			if (message->nlmsg_type == NLMSG_ERROR) return err_set(err, EIO, "the kernel does not tell the addresses");
			if (message->nlmsg_type == RTM_NEWADDR) keep_address(addresses, message, index);
		}
	}
}

static int move_link(int netlink, int index, int netns, const char *name, struct err *err) {
	struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	uint32_t fd = (uint32_t)netns;
	struct request request;

	begin(&request, RTM_NEWLINK, 0, &link, sizeof link);
	add(&request, IFLA_NET_NS_FD, &fd, sizeof fd);
	add(&request, IFLA_IFNAME, name, strlen(name) + 1);
	return carry_out(netlink, &request) < 0 ? err_sys(err, "cannot move the link in as %s", name) : 0;
}

static int bring_up(int netlink, int index, struct err *err) {
	struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct request request;

	begin(&request, RTM_NEWLINK, 0, &link, sizeof link);
	return carry_out(netlink, &request) < 0 ? err_sys(err, "cannot bring the link up") : 0;
}

static int give_addresses(int netlink, int index, const struct addresses *addresses, struct err *err) {
	for (uint32_t i = 0; i < addresses->count; i++) {
		const struct address *address = &addresses->list[i];
		struct ifaddrmsg head = { .ifa_family = address->head.ifa_family, .ifa_prefixlen = address->head.ifa_prefixlen, .ifa_index = (unsigned)index };
		size_t left = address->len;
		struct request request;

		begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof head);
		for (const struct rtattr *attr = (const struct rtattr *)(const void *)address->attrs; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
			if (attr->rta_type == IFA_LOCAL || attr->rta_type == IFA_ADDRESS || attr->rta_type == IFA_BROADCAST) add(&request, attr->rta_type, RTA_DATA(attr), RTA_PAYLOAD(attr));
		if (carry_out(netlink, &request) < 0) return err_sys(err, "cannot give the link its address");
	}
	return 0;
}

/* In the container's network namespace. */
static int settle_link(const char *name, const struct addresses *addresses, struct err *err) {
	autofd netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int index = (int)if_nametoindex(name);

	if (netlink < 0 || index == 0) return err_sys(err, "cannot find the link %s in the container", name);
	return bring_up(netlink, index, err) < 0 ? -1 : give_addresses(netlink, index, addresses, err);
}

static int open_netns(struct ctx *ctx, const struct node *args, struct err *err) {
	char path[48];
	struct text text = TEXT(path);
	int fd;

	if (ctx->steps->list[ctx->at].argc > 2) {
		fd = slot_get(ctx, args[2].number, err);
		fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? err_sys(err, "cannot open the container's network") : fd;
	}
	text_add(&text, "/proc/");
	text_add_number(&text, ctx->born);
	text_add(&text, "/ns/net");
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "cannot open the container's network") : fd;
}

int step_netdev(struct ctx *ctx, const struct node *args, struct err *err) {
	autofd netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), netns = open_netns(ctx, args, err);
	autofd own = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int index = (int)if_nametoindex(args[0].str), ret;
	autofree struct addresses *addresses = calloc(1, sizeof *addresses);

	if (netns < 0) return -1;
	if (netlink < 0 || own < 0 || !addresses) return err_sys(err, "cannot begin to move a link");
	if (index == 0) return err_set(err, ENODEV, "there is no link %s", args[0].str);
	if (learn_addresses(netlink, index, addresses, err) < 0 || move_link(netlink, index, netns, args[1].str, err) < 0) return -1;
	if (setns(netns, CLONE_NEWNET) < 0) return err_sys(err, "cannot enter the container's network");
	ret = settle_link(args[1].str, addresses, err);
	if (setns(own, CLONE_NEWNET) < 0) return err_sys(err, "cannot leave the container's network");
	return ret;
}
