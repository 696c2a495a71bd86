/* prinex: what a run says: TAP, JUnit XML, a page to file
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_HARNESS_REPORT_H
#define PX_HARNESS_REPORT_H

#include <jansson.h>

#include "base/buf.h"

/* A report is what px_case_play returns. */

/** One line of TAP, and for a failure what was expected and what came. */
void px_report_tap(const json_t *report, unsigned number, bool verbose);
/** Of all reports (an array). */
void px_report_junit(const json_t *reports, struct px_buf *out);
/** @about: of the run (name: text), for the head of the page. */
void px_report_html(const json_t *reports, const json_t *about, struct px_buf *out);

/** Text of a member, "" when there is none. */
const char *px_report_text(const json_t *object, const char *name);
/** Append text for XML and HTML, quotes included; what XML cannot carry is replaced. */
void px_report_escape(struct px_buf *out, const char *s);

#endif
