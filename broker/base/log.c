/* prinex: log lines: level domain key=value ... text
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/strings.h"

#define LINE_SIZE 2048
/* Lines of several threads and processes meet in one pipe: up to PIPE_BUF octets stay together (pipe(7)). */
#define GATHER_SIZE PIPE_BUF

/* Lines of a thread that writes them together. */
struct gathered {
	void (*begun)(void *arg);
	void *arg;
	size_t len;
	char lines[GATHER_SIZE];
};

static _Thread_local struct gathered *gathered;

static const char *const level_names[] = {"err", "warn", "notice", "info", "debug"};

static const char *log_process = "prinex";
static int log_fd = STDERR_FILENO;
static atomic_int log_level = PX_LOG_INFO;

int px_log_level_parse(const char *name)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0)
			return (int)i;
	}
	return -1;
}

const char *px_log_level_name(enum px_log_level level)
{
	px_assert((size_t)level < PX_ARRAY_LEN(level_names));
	return level_names[level];
}

void px_log_init(const char *process, int fd, enum px_log_level level)
{
	log_process = process;
	log_fd = fd;
	atomic_store(&log_level, (int)level);
}

void px_log_set_level(enum px_log_level level)
{
	atomic_store(&log_level, (int)level);
}

enum px_log_level px_log_get_level(void)
{
	return (enum px_log_level)atomic_load(&log_level);
}

/* Octets at @p that may be shown as they are; 0: control characters (C1 too: terminals obey them), no UTF-8.
 */
static size_t printable(const unsigned char *p, size_t room)
{
	if (p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && room > 1 && p[1] < 0xa0))
		return 0;
	return px_utf8_length((const char *)p, room);
}

/* Copies @in to @out of @room octets, escaping what could forge or garble a line. @return octets written. */
static size_t escape(const char *in, char *out, size_t room)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0, left = strlen(in);
	for (const unsigned char *p = (const unsigned char *)in; left > 0 && n + 4 < room;) {
		if (*p >= 0x20 && *p < 0x7f) { /* nearly all there is */
			out[n++] = (char)*p++;
			left--;
			continue;
		}
		size_t len = printable(p, left);
		if (len > 0) {
			memcpy(out + n, p, len);
			n += len;
		} else {
			len = 1;
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = hex[*p >> 4];
			out[n++] = hex[*p & 15];
		}
		p += len;
		left -= len;
	}
	return n;
}

static size_t prefix(enum px_log_level level, const char *domain, char *out, size_t room)
{
	static _Thread_local char second[24];
	static _Thread_local time_t made;
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (ts.tv_sec != made) {
		px_time_format((int64_t)ts.tv_sec * 1000, second, sizeof(second));
		second[strcspn(second, "Z")] = '\0';
		made = ts.tv_sec;
	}
	int n = snprintf(out, room, "%s.%03ldZ %s %s[%d] %s ", second, ts.tv_nsec / 1000000,
			 level_names[level], log_process, (int)getpid(), domain);
	return n < 0 ? 0 : PX_MIN((size_t)n, room - 1);
}

static void write_out(const char *lines, size_t len)
{
	ssize_t ignored = write(log_fd, lines, len);
	(void)ignored; /* there is nowhere left to report to */
}

static void add_line(struct gathered *g, const char *line, size_t len)
{
	if (g->len + len > sizeof(g->lines))
		px_log_flush();
	if (g->len == 0 && g->begun != NULL)
		g->begun(g->arg);
	memcpy(g->lines + g->len, line, len);
	g->len += len;
}

void px_log_flush(void)
{
	if (gathered == NULL || gathered->len == 0)
		return;
	write_out(gathered->lines, gathered->len);
	gathered->len = 0;
}

void px_log_gather(void (*begun)(void *arg), void *arg)
{
	px_assert(gathered == NULL);
	gathered = px_xcalloc(1, sizeof(*gathered));
	gathered->begun = begun;
	gathered->arg = arg;
}

void px_log_scatter(void)
{
	px_log_flush();
	PX_FREE(gathered);
}

PX_PRINTF(4, 0)
static void log_line(enum px_log_level level, const char *domain, int err, const char *fmt, va_list ap)
{
	if ((int)level > atomic_load(&log_level))
		return;
	char text[LINE_SIZE], line[LINE_SIZE + 256];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		return;
	if (err != 0 && (size_t)n < sizeof(text)) {
		char reason[128];
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s", strerror_r(err, reason, sizeof(reason)));
	}
	size_t len = prefix(level, domain, line, 200);
	len += escape(text, line + len, sizeof(line) - len - 1);
	line[len++] = '\n';
	if (gathered == NULL) {
		write_out(line, len);
		return;
	}
	add_line(gathered, line, len);
	if (level <= PX_LOG_NOTICE)
		px_log_flush();
}

void px_log(enum px_log_level level, const char *domain, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(level, domain, 0, fmt, ap);
	va_end(ap);
}

void px_warn(const char *domain, const char *fmt, ...)
{
	int err = errno;
	va_list ap;
	va_start(ap, fmt);
	log_line(PX_LOG_WARN, domain, err, fmt, ap);
	va_end(ap);
}

void px_warnx(const char *domain, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(PX_LOG_WARN, domain, 0, fmt, ap);
	va_end(ap);
}

bool px_log_allowed(struct px_log_limit *limit, unsigned burst, unsigned *dropped)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	int64_t minute = ts.tv_sec / 60 + 1;
	*dropped = 0;
	if (minute != limit->minute) {
		*dropped = limit->dropped;
		*limit = (struct px_log_limit){.minute = minute};
	}
	if (limit->used >= burst) {
		limit->dropped++;
		return false;
	}
	limit->used++;
	return true;
}
