/* prinex: answers of flow: text and documents
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <stdarg.h>

#include "flow/internal.h"

void px_answer_text(px_flow_answered *answered, void *arg, int status, int retry_after, const char *fmt, ...)
{
	struct px_buf text = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	struct px_flow_answer answer = {
	    .status = status, .body = px_buf_str(&text), .len = text.len, .retry_after = retry_after};
	answered(arg, &answer);
	px_buf_free(&text);
}

void px_answer_xml(px_flow_answered *answered, void *arg, int status, const void *doc, size_t len)
{
	struct px_flow_answer answer = {.status = status, .xml = true, .body = doc, .len = len};
	answered(arg, &answer);
}
