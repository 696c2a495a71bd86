/* prinex: a verdict becomes octets
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/codec.h"

#include "base/strings.h"
#include "inspect/codec_parts.h"

static void put(struct px_buf *b, uint64_t v, unsigned octets)
{
	uint8_t *to = px_buf_reserve(b, octets);
	for (unsigned i = 0; i < octets; i++)
		to[i] = (uint8_t)(v >> (8 * i));
	px_buf_grown(b, octets);
}

static void put_octets(struct px_buf *b, const char *s, size_t len)
{
	put(b, len, 2);
	px_buf_add(b, s, len);
}

/* Any string: malformed sequences and control characters become '?', cut at @max. */
static void put_text(struct px_buf *b, const char *s, size_t max)
{
	size_t at = b->len, len = strlen(s);
	put(b, 0, 2);
	size_t plain = px_verdict_plain(s, PX_MIN(len, max));
	px_buf_add(b, s, plain);
	for (size_t i = plain; i < len;) {
		size_t n = px_verdict_char(s + i, len - i);
		if (b->len - at - 2 + PX_MAX(n, (size_t)1) > max)
			break;
		if (n == 0)
			px_buf_addc(b, '?');
		else
			px_buf_add(b, s + i, n);
		i += PX_MAX(n, (size_t)1);
	}
	size_t written = b->len - at - 2;
	b->data[at] = (uint8_t)written;
	b->data[at + 1] = (uint8_t)(written >> 8);
}

static void put_optional(struct px_buf *b, const char *s, size_t max)
{
	if (s == NULL)
		put(b, PX_VERDICT_ABSENT, 2);
	else
		put_text(b, s, max);
}

static const char *id_or_empty(const char *s)
{
	return px_is_message_id(s) ? s : "";
}

static const char *authority_or_empty(const char *s)
{
	return px_is_authority(s) ? s : "";
}

static void put_id(struct px_buf *b, const char *s)
{
	s = id_or_empty(s);
	put_octets(b, s, strlen(s));
}

static void put_authority(struct px_buf *b, const char *s)
{
	s = authority_or_empty(s);
	put_octets(b, s, strlen(s));
}

static void put_time(struct px_buf *b, int64_t ms)
{
	put(b, ms < 0 || ms > PX_TIME_MAX ? 0 : (uint64_t)ms, 8);
}

static void put_recipients(struct px_buf *b, const char list[][PX_AUTHORITY_MAX + 1], unsigned n)
{
	unsigned valid = 0;
	n = PX_MIN(n, (unsigned)PX_RECIPIENTS_MAX);
	for (unsigned i = 0; i < n; i++)
		valid += px_is_authority(list[i]);
	put(b, valid, 1);
	for (unsigned i = 0; i < n; i++) {
		if (px_is_authority(list[i]))
			put_authority(b, list[i]);
	}
}

static void put_header(struct px_buf *b, const struct px_header *h, bool has_header)
{
	put(b, has_header && px_is_authority(h->sender) && px_is_message_id(h->message_id), 1);
	put_id(b, h->message_id);
	put_text(b, h->environment, PX_NAME_MAX);
	put_authority(b, h->sender);
	put_recipients(b, h->recipients, h->n_recipients);
	put_text(b, h->type, PX_TYPE_MAX);
	put_text(b, h->type_version, PX_TYPE_MAX);
	put_time(b, h->created_at);
	put_time(b, h->expires_at);
	put_id(b, h->correlation_id);
}

static void put_signer(struct px_buf *b, const struct px_signer *s)
{
	put_authority(b, s->authority);
	put(b, s->role, 1);
	put_text(b, s->name, PX_NAME_MAX);
	px_buf_add(b, s->cert_sha256, PX_DIGEST_LEN);
	put_time(b, s->not_after);
}

static void put_keys(struct px_buf *b, const struct px_keys *keys)
{
	unsigned n = PX_MIN(keys->n, (unsigned)PX_KEYS_MAX);
	put(b, keys->ends_movement, 1);
	put(b, n, 2);
	for (unsigned i = 0; i < n; i++) {
		put(b, keys->items[i].kind, 1);
		put_text(b, keys->items[i].value, PX_KEY_VALUE_MAX);
	}
}

static void put_entry(struct px_buf *b, const struct px_confirmation *e)
{
	put(b, e->kind, 1);
	put(b, e->permanent, 1);
	put_id(b, e->confirmation_id);
	put_authority(b, e->issuer);
	put_authority(b, e->ref_sender);
	put_id(b, e->ref_message_id);
	px_buf_add(b, e->ref_digest, PX_DIGEST_LEN);
	put_time(b, e->at);
	put_recipients(b, e->recipients, e->n_recipients);
	put_text(b, e->route, PX_NAME_MAX);
	put(b, e->cod_follows, 1);
	put_id(b, e->supersedes);
	put(b, e->has_checkpoint, 1);
	px_buf_add(b, e->checkpoint, PX_DIGEST_LEN);
	put(b, e->evidence_offset, 4);
	put(b, e->evidence_len, 4);
	put(b, e->evidence_ok, 1);
	put(b, e->evidence_kind, 1);
	put_authority(b, e->evidence_issuer);
	put(b, e->evidence_role, 1);
	put_text(b, e->error_code, PX_TYPE_MAX);
	put_text(b, e->error_text, PX_VALUE_MAX);
	put(b, e->offset, 4);
	put(b, e->len, 4);
}

static void put_finding(struct px_buf *b, const struct px_finding *f)
{
	put(b, f->code, 2);
	put_optional(b, f->rule, PX_RULE_ID_MAX);
	put(b, f->line, 4);
	put_optional(b, f->pointer, PX_VERDICT_POINTER_MAX);
	if (f->value == NULL)
		put(b, PX_VERDICT_ABSENT, 2);
	else
		put_octets(b, f->value, px_utf8_cut(f->value, strlen(f->value), PX_VALUE_MAX));
	put_optional(b, f->text, PX_VERDICT_TEXT_MAX);
}

/* As many as fit below @end, leaving the total as it is. */
static void put_findings(struct px_buf *b, const struct px_findings *f, size_t end)
{
	put(b, PX_MAX(f->total, f->n), 4);
	size_t at = b->len;
	put(b, 0, 2);
	unsigned n = 0;
	while (n < f->n && n < PX_ERRORS_MAX) {
		size_t before = b->len;
		put_finding(b, &f->items[n]);
		if (b->len > end) {
			b->len = before;
			break;
		}
		n++;
	}
	b->data[at] = (uint8_t)n;
	b->data[at + 1] = (uint8_t)(n >> 8);
}

/* The least that warnings take: total and count. */
#define NO_FINDINGS ((size_t)6)

void px_verdict_encode(const struct px_verdict *verdict, struct px_buf *out)
{
	size_t end = out->len + (size_t)PX_LIMIT_VERDICT;
	put(out, PX_VERDICT_MAGIC, 4);
	put(out, verdict->kind, 1);
	put(out, verdict->stage, 1);
	put_header(out, &verdict->header, verdict->has_header);
	put_text(out, verdict->version, PX_TYPE_MAX);
	put_signer(out, &verdict->signer);
	put(out, verdict->profile, 2);
	put_keys(out, &verdict->keys);
	put(out, verdict->payload_offset, 4);
	put(out, verdict->payload_len, 4);
	unsigned n = PX_MIN(verdict->n_entries, (unsigned)PX_ENTRIES_MAX);
	put(out, n, 1);
	for (unsigned i = 0; i < n; i++)
		put_entry(out, &verdict->entries[i]);
	put_findings(out, &verdict->errors, end - NO_FINDINGS);
	put_findings(out, &verdict->warnings, end);
	px_assert(out->len <= end);
}
