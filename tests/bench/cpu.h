/* prinex: clocks for programs that measure the store's own threads
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BENCH_CPU_H
#define PX_BENCH_CPU_H

#include <time.h>

/** A clock's reading, us. */
static inline double clock_us(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/** CPU us that all threads but this one used. */
static inline double others_us(void)
{
	return clock_us(CLOCK_PROCESS_CPUTIME_ID) - clock_us(CLOCK_THREAD_CPUTIME_ID);
}

#endif
