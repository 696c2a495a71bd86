/* prinex: what a service manager is told, and the sockets it hands over
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "daemon/systemd.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/strings.h"

#define FIRST_FD 3 /* sd_listen_fds(3): the first socket handed over */

void px_systemd_notify(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char text[512];
	va_list ap;
	if (path == NULL || (*path != '/' && *path != '@') ||
	    !px_strlcpy(to.sun_path, path, sizeof(to.sun_path)))
		return;
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (*path == '@') /* a name in the kernel, not in the file system */
		to.sun_path[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Who is to hear it may have gone: nothing that we could do about it. */
	ssize_t ignored =
	    sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to, len);
	(void)ignored;
	close(fd);
}

static bool is_ours(const char *name)
{
	const char *pid = getenv(name);
	uint64_t n;
	return pid != NULL && px_parse_u64(pid, 1, INT32_MAX, &n) == PX_OK && (pid_t)n == getpid();
}

int64_t px_systemd_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	uint64_t n;
	if (usec == NULL || px_parse_u64(usec, 1, INT64_MAX, &n) != PX_OK ||
	    (getenv("WATCHDOG_PID") != NULL && !is_ours("WATCHDOG_PID")))
		return 0;
	return (int64_t)(n / 1000);
}

unsigned px_systemd_sockets(int *fds, unsigned max)
{
	const char *count = getenv("LISTEN_FDS");
	uint64_t n;
	if (count == NULL || !is_ours("LISTEN_PID") || px_parse_u64(count, 0, 1024, &n) != PX_OK)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		int fd = FIRST_FD + (int)i;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (i < max)
			fds[i] = fd;
	}
	return PX_MIN((unsigned)n, max);
}
