/* prinex: log lines: level domain key=value ... text
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_LOG_H
#define PX_BASE_LOG_H

#include "base/base.h"

/*
 * One line a call, written with one write(2) (but see px_log_gather): `TIME LEVEL PROCESS domain text`. The
 * text begins with key=value pairs (`msg=` and `partner=` wherever there is one) and never holds a payload or
 * a key. From INFO upwards an administrator who has not read the source understands each line. Control
 * characters and octets that are not printable ASCII/UTF-8 are written as \xHH, so that no peer can forge a
 * line.
 *
 * Thread: any. The level and the process name are set once at start (level again by `log LEVEL`).
 */

enum px_log_level { PX_LOG_ERR, PX_LOG_WARN, PX_LOG_NOTICE, PX_LOG_INFO, PX_LOG_DEBUG };

/** Names are "err", "warn", "notice", "info", "debug". @return the level, or -1. */
int px_log_level_parse(const char *name);
const char *px_log_level_name(enum px_log_level level);

/** @process is borrowed for ever (a literal). Output goes to @fd (2 by default). */
void px_log_init(const char *process, int fd, enum px_log_level level);
void px_log_set_level(enum px_log_level level);
enum px_log_level px_log_get_level(void);

void px_log(enum px_log_level level, const char *domain, const char *fmt, ...) PX_PRINTF(3, 4);
/** As px_log at WARN; px_warn appends ": " and the text of errno, px_warnx does not. */
void px_warn(const char *domain, const char *fmt, ...) PX_PRINTF(2, 3);
void px_warnx(const char *domain, const char *fmt, ...) PX_PRINTF(2, 3);

/**
 * From now on lines of this thread below NOTICE wait for px_log_flush, for the next line from NOTICE upwards,
 * or until they are PIPE_BUF octets: one write(2) for all of them, in order. @begun is called when the first
 * one waits. px_log_scatter ends that. Nobody gathers twice.
 */
void px_log_gather(void (*begun)(void *arg), void *arg);
void px_log_flush(void);
void px_log_scatter(void);

/**
 * A limiter for lines a peer can provoke: at most @burst lines per minute for each limiter, then one line
 * that counts what was left out when the minute ends. Zero-initialise one per peer and kind.
 */
struct px_log_limit {
	int64_t minute;
	unsigned used;
	unsigned dropped;
};
/** @return whether the line may be written; *@dropped gets the number left out in the minute before. */
bool px_log_allowed(struct px_log_limit *limit, unsigned burst, unsigned *dropped);

#endif
