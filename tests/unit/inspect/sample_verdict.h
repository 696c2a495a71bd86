/* prinex: verdicts to encode, made of a seed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_TEST_SAMPLE_VERDICT_H
#define PX_TEST_SAMPLE_VERDICT_H

#include "base/exchange.h"

/** Length of the document that sample verdicts are about. */
#define SAMPLE_DOC_LEN 100000

/** A verdict with every field in use, all of it valid. @return to be freed with px_verdict_free. */
struct px_verdict *sample_verdict(enum px_doc_kind kind, enum px_stage stage);
/** Any valid verdict: counts, lengths and presence of fields are drawn with *@seed. */
struct px_verdict *random_verdict(unsigned *seed);
/** Fails the test at the first field that differs. */
void assert_same_verdict(const struct px_verdict *a, const struct px_verdict *b);

#endif
