/* prinex: log lines: level domain key=value ... text
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/strings.h"

#define LINE_SIZE 2048

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
	struct timespec ts;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	int n = snprintf(out, room, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %s[%d] %s ", tm.tm_year + 1900,
			 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000,
			 level_names[level], log_process, (int)getpid(), domain);
	return n < 0 ? 0 : PX_MIN((size_t)n, room - 1);
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
	ssize_t ignored = write(log_fd, line, len);
	(void)ignored; /* there is nowhere left to report to */
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
