/* prinex: store suite: one random run, and how it is compared with its model
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TEST_STORE_SUITE_RANDOM_H
#define PX_TEST_STORE_SUITE_RANDOM_H

#include "suite_kit.h"
#include "suite_model.h"

/* What the model's numbers stand for. */
extern const char *const suite_authorities[MODEL_AUTHORITIES],
    *const suite_partners[MODEL_PARTNERS],
	*const suite_declarants[MODEL_DECLARANTS],
	    *const suite_mrns[MODEL_KEYS], *const suite_lrns[MODEL_KEYS], *const suite_errors[MODEL_ERRORS];

/** One run. */
struct run {
	struct suite *t;
	struct model m;
	uint64_t random;
	unsigned step;
	const char *doing;
	int numbers[MODEL_AUTHORITIES];
	uint64_t last_owed;
};

/** Fail with all that is needed to see it again. */
#define WRONG(r, ...) suite_fail_random((r), __FILE__, __LINE__, __VA_ARGS__)
#define SAME(r, what, got, want)                                                       \
	do {                                                                           \
		long long got_ = (long long)(got), want_ = (long long)(want);          \
		if (got_ != want_)                                                     \
			WRONG((r), "%s is %lld, should be %lld", (what), got_, want_); \
	} while (0)

void suite_fail_random(const struct run *r, const char *file, int line, const char *fmt, ...) PX_PRINTF(4, 5);
unsigned suite_draw(struct run *r, unsigned below);
bool suite_chance(struct run *r, unsigned percent);
/** -1 in @none percent, else below @n. */
int suite_maybe(struct run *r, unsigned none, unsigned n);

/** After each step: every delivery, and the counts. */
void suite_compare(struct run *r);
/** Now and then: messages, movements, what is overdue and owed, filtered scans. */
void suite_compare_all(struct run *r);

#endif
