/* prinex: messages over a socket pair, with descriptors
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(PX_WIRE_FDS_MAX * sizeof(int))];
};

static int translate(int err)
{
	switch (err) {
	case EAGAIN: return PX_EAGAIN;
	case EPIPE:
	case ECONNRESET: return PX_ECLOSED;
	default: return PX_ESYS;
	}
}

int px_wire_send(int fd, const void *msg, size_t len, const int *fds, unsigned n_fds, int flags)
{
	px_assert(n_fds <= PX_WIRE_FDS_MAX);
	struct iovec iov = {.iov_base = (void *)msg, .iov_len = len};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;
	memset(&control, 0, sizeof(control));
	if (n_fds > 0) {
		hdr.msg_control = control.room;
		hdr.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	ssize_t n;
	do {
		n = sendmsg(fd, &hdr, flags | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? translate(errno) : PX_OK;
}

/* Everything that was received must be looked at: a descriptor left in the message is a leak. */
static unsigned take_fds(struct msghdr *hdr, int *fds, unsigned max)
{
	unsigned got = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (got < max)
				fds[got++] = fd;
			else
				close(fd);
		}
	}
	return got;
}

int px_wire_recv(int fd, void *msg, size_t len, int *fds, unsigned *n_fds, int flags)
{
	struct iovec iov = {.iov_base = msg, .iov_len = len};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;
	if (fds != NULL) {
		px_assert(*n_fds <= PX_WIRE_FDS_MAX);
		hdr.msg_control = control.room;
		hdr.msg_controllen = sizeof(control.room);
	}
	ssize_t n;
	do {
		n = recvmsg(fd, &hdr, flags | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return translate(errno);
	unsigned got = fds != NULL ? take_fds(&hdr, fds, *n_fds) : 0;
	if (fds != NULL)
		*n_fds = got;
	uint32_t magic = 0;
	if ((size_t)n >= sizeof(magic))
		memcpy(&magic, msg, sizeof(magic));
	if (n > 0 && (size_t)n == len && (hdr.msg_flags & MSG_TRUNC) == 0 && magic == PX_WIRE_MAGIC)
		return PX_OK;
	if (fds != NULL) {
		for (unsigned i = 0; i < got; i++)
			close(fds[i]);
		*n_fds = 0;
	}
	return n == 0 ? PX_ECLOSED : PX_EPARSE;
}
