/* prinex: fuzz target of the HTTP codec
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: net */

#include "net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	int status;
	bool complete;
	size_t used;
	uint64_t body; /* a cheap hash and the length */
	size_t body_len;
};

static void look(const struct px_http *p)
{
	char out[32];
	px_assert(p->path[0] == '/' && p->n_fields <= PX_ARRAY_LEN(p->fields));
	px_assert(!(p->chunked && p->has_length));
	px_assert(px_http_field(p, "host") != NULL);
	(void)px_http_query(p, "wait", out, sizeof(out));
	px_assert(strlen(out) < sizeof(out));
}

/* One request, fed in pieces of @step octets. */
static struct result run(struct px_http *p, const uint8_t *data, size_t size, size_t step)
{
	struct result r = {.body = 5381};
	size_t end = PX_MIN(step, size);
	for (;;) {
		size_t used;
		enum px_http_event ev = px_http_feed(p, data + r.used, end - r.used, &used);
		r.used += used;
		px_assert(r.used <= end);
		switch (ev) {
		case PX_HTTP_HEADERS: look(p); break;
		case PX_HTTP_BODY:
			px_assert(p->span_len > 0 && p->span >= data && p->span + p->span_len <= data + end);
			for (size_t i = 0; i < p->span_len; i++)
				r.body = r.body * 33 + p->span[i];
			r.body_len += p->span_len;
			px_assert(!p->has_length || r.body_len <= p->length);
			break;
		case PX_HTTP_MORE:
			px_assert(r.used == end);
			if (end == size)
				return r;
			end = PX_MIN(end + step, size);
			break;
		case PX_HTTP_DONE:
			px_assert(!p->has_length || r.body_len == p->length);
			r.complete = true;
			return r;
		case PX_HTTP_ERROR:
			px_assert(p->status == 400 || p->status == 405);
			px_assert(p->reason[0] != '\0');
			r.status = p->status;
			r.used = 0; /* where an error is noticed may depend on the pieces */
			return r;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = {1, 3, 1000};
	struct px_http p;
	px_http_init(&p);
	struct result whole = run(&p, data, size, size);
	for (size_t i = 0; i < PX_ARRAY_LEN(steps); i++) {
		px_http_reset(&p);
		struct result cut = run(&p, data, size, steps[i]);
		px_assert(cut.status == whole.status && cut.complete == whole.complete &&
			  cut.used == whole.used);
		if (cut.status == 0)
			px_assert(cut.body == whole.body && cut.body_len == whole.body_len);
	}
	px_http_free(&p);
	return 0;
}
