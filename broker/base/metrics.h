/* prinex: counters, gauges and histograms, as Prometheus reads them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_METRICS_H
#define PX_BASE_METRICS_H

#include "base/buf.h"

/*
 * One registry per broker process, handed down; no global. What is measured stands in metrics.def. Label
 * values are given in the order of the table's label names. Thread: the loop.
 */
enum px_metric {
#define PX_METRIC(name, kind, wire, labels, help) PX_M_##name,
#include "base/metrics.def"
#undef PX_METRIC
	PX_METRIC_COUNT
};

#define PX_METRIC_LABELS_MAX 3

struct px_metrics;

struct px_metrics *px_metrics_new(void);
void px_metrics_free(struct px_metrics **m);
/** Add to a counter (or gauge). Missing labels are NULL. */
void px_metric_add(struct px_metrics *m, enum px_metric id, double by, const char *l1, const char *l2,
		   const char *l3);
/** Set a gauge. */
void px_metric_set(struct px_metrics *m, enum px_metric id, double value, const char *l1, const char *l2,
		   const char *l3);
/** Record one observation, in seconds, in a histogram. */
void px_metric_observe(struct px_metrics *m, enum px_metric id, double seconds, const char *l1,
		       const char *l2, const char *l3);
/** Current value of a counter or gauge, 0 if never touched (a histogram: its count). */
double px_metric_get(const struct px_metrics *m, enum px_metric id, const char *l1, const char *l2,
		     const char *l3);
/** Forget all label sets of one metric (gauges that are filled anew at each scrape). */
void px_metric_clear(struct px_metrics *m, enum px_metric id);
/** Append the whole registry in text format 0.0.4. */
void px_metrics_render(const struct px_metrics *m, struct px_buf *out);

#endif
