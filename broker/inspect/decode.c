/* prinex: octets that a hostile process may have written become a verdict
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/codec.h"

#include "base/strings.h"
#include "inspect/codec_parts.h"

/* The first thing wrong makes every later call a no-op that yields zero, so that one check at the end does.
 */
struct in {
	const uint8_t *p;
	size_t left;
	bool bad;
};

size_t px_verdict_char(const char *s, size_t room)
{
	size_t n = px_utf8_length(s, room);
	const uint8_t *p = (const uint8_t *)s;
	if (n == 1 && (p[0] < 0x20 || p[0] == 0x7f))
		return 0;
	if (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return 0;
	return n;
}

size_t px_verdict_plain(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && s[n] >= 0x20 && s[n] < 0x7f)
		n++;
	return n;
}

static const uint8_t *take(struct in *in, size_t len)
{
	if (in->bad || len > in->left) {
		in->bad = true;
		return NULL;
	}
	const uint8_t *p = in->p;
	in->p += len;
	in->left -= len;
	return p;
}

static uint64_t get(struct in *in, unsigned octets, uint64_t max)
{
	const uint8_t *p = take(in, octets);
	uint64_t v = 0;
	for (unsigned i = 0; p != NULL && i < octets; i++)
		v |= (uint64_t)p[i] << (8 * i);
	if (v > max) {
		in->bad = true;
		return 0;
	}
	return v;
}

static bool get_bool(struct in *in)
{
	return get(in, 1, 1) != 0;
}

static void get_digest(struct in *in, uint8_t out[PX_DIGEST_LEN])
{
	const uint8_t *p = take(in, PX_DIGEST_LEN);
	if (p != NULL)
		memcpy(out, p, PX_DIGEST_LEN);
}

static bool is_clean(const uint8_t *p, size_t len)
{
	for (size_t i = px_verdict_plain((const char *)p, len), n; i < len; i += n) {
		n = px_verdict_char((const char *)p + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

static void get_text(struct in *in, char *out, size_t size)
{
	size_t len = get(in, 2, size - 1);
	const uint8_t *p = take(in, len);
	if (p == NULL || !is_clean(p, len)) {
		in->bad = true;
		return;
	}
	memcpy(out, p, len);
	out[len] = '\0';
}

static void get_id(struct in *in, char out[PX_MESSAGE_ID_MAX + 1])
{
	get_text(in, out, PX_MESSAGE_ID_MAX + 1);
	if (out[0] != '\0' && !px_is_message_id(out))
		in->bad = true;
}

static void get_authority(struct in *in, char out[PX_AUTHORITY_MAX + 1])
{
	get_text(in, out, PX_AUTHORITY_MAX + 1);
	if (out[0] != '\0' && !px_is_authority(out))
		in->bad = true;
}

static int64_t get_time(struct in *in)
{
	return (int64_t)get(in, 8, PX_TIME_MAX);
}

static unsigned get_recipients(struct in *in, char list[][PX_AUTHORITY_MAX + 1])
{
	unsigned n = (unsigned)get(in, 1, PX_RECIPIENTS_MAX);
	for (unsigned i = 0; i < n && !in->bad; i++) {
		get_authority(in, list[i]);
		if (list[i][0] == '\0')
			in->bad = true;
	}
	return n;
}

static bool get_header(struct in *in, struct px_header *h)
{
	bool has_header = get_bool(in);
	get_id(in, h->message_id);
	get_text(in, h->environment, sizeof(h->environment));
	get_authority(in, h->sender);
	h->n_recipients = get_recipients(in, h->recipients);
	get_text(in, h->type, sizeof(h->type));
	get_text(in, h->type_version, sizeof(h->type_version));
	h->created_at = get_time(in);
	h->expires_at = get_time(in);
	get_id(in, h->correlation_id);
	if (has_header && (h->sender[0] == '\0' || h->message_id[0] == '\0'))
		in->bad = true;
	return has_header;
}

static void get_signer(struct in *in, struct px_signer *s)
{
	get_authority(in, s->authority);
	s->role = (enum px_role)get(in, 1, PX_ROLE_OFFICER);
	get_text(in, s->name, sizeof(s->name));
	get_digest(in, s->cert_sha256);
	s->not_after = get_time(in);
}

static void get_keys(struct in *in, struct px_keys *keys)
{
	keys->ends_movement = get_bool(in);
	unsigned n = (unsigned)get(in, 2, PX_KEYS_MAX);
	if (in->bad || n == 0)
		return;
	keys->items = px_xcalloc(n, sizeof(keys->items[0]));
	keys->n = n;
	for (unsigned i = 0; i < n && !in->bad; i++) {
		keys->items[i].kind = (enum px_key_kind)get(in, 1, PX_KEY_COUNT - 1);
		get_text(in, keys->items[i].value, sizeof(keys->items[i].value));
	}
}

/* A range of the document. */
static void get_range(struct in *in, uint32_t *offset, uint32_t *len, size_t doc_len)
{
	*offset = (uint32_t)get(in, 4, UINT32_MAX);
	*len = (uint32_t)get(in, 4, UINT32_MAX);
	if ((uint64_t)*offset + *len > doc_len)
		in->bad = true;
}

static void get_entry(struct in *in, struct px_confirmation *e, size_t doc_len)
{
	e->kind = (enum px_conf_kind)get(in, 1, PX_CONF_KINDS - 1);
	e->permanent = get_bool(in);
	get_id(in, e->confirmation_id);
	get_authority(in, e->issuer);
	get_authority(in, e->ref_sender);
	get_id(in, e->ref_message_id);
	get_digest(in, e->ref_digest);
	e->at = get_time(in);
	e->n_recipients = get_recipients(in, e->recipients);
	get_text(in, e->route, sizeof(e->route));
	e->cod_follows = get_bool(in);
	get_id(in, e->supersedes);
	e->has_checkpoint = get_bool(in);
	get_digest(in, e->checkpoint);
	get_range(in, &e->evidence_offset, &e->evidence_len, doc_len);
	e->evidence_ok = get_bool(in);
	e->evidence_kind = (enum px_conf_kind)get(in, 1, PX_CONF_KINDS - 1);
	get_authority(in, e->evidence_issuer);
	e->evidence_role = (enum px_role)get(in, 1, PX_ROLE_OFFICER);
	get_text(in, e->error_code, sizeof(e->error_code));
	get_text(in, e->error_text, sizeof(e->error_text));
	get_range(in, &e->offset, &e->len, doc_len);
	if (e->evidence_ok && (e->evidence_len == 0 || e->evidence_issuer[0] == '\0'))
		in->bad = true;
}

static void get_entries(struct in *in, struct px_verdict *v, size_t doc_len)
{
	unsigned most = v->kind == PX_DOC_CONFIRMATION ? 1 : PX_ENTRIES_MAX;
	unsigned n = (unsigned)get(in, 1, most);
	if (in->bad || n == 0)
		return;
	v->entries = px_xcalloc(n, sizeof(v->entries[0]));
	v->n_entries = n;
	for (unsigned i = 0; i < n && !in->bad; i++)
		get_entry(in, &v->entries[i], doc_len);
}

static char *get_optional(struct in *in, size_t max, bool raw)
{
	size_t len = get(in, 2, PX_VERDICT_ABSENT);
	if (in->bad || len == PX_VERDICT_ABSENT)
		return NULL;
	const uint8_t *p = len <= max ? take(in, len) : NULL;
	if (p == NULL || (raw ? memchr(p, '\0', len) != NULL : !is_clean(p, len))) {
		in->bad = true;
		return NULL;
	}
	return px_xstrndup((const char *)p, len);
}

/* It goes where a code goes: onto the wire and into logs. */
static char *get_rule(struct in *in)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	char *rule = get_optional(in, PX_RULE_ID_MAX, false);
	if (rule != NULL && (rule[0] == '\0' || strspn(rule, letters) != strlen(rule)))
		in->bad = true;
	return rule;
}

static void get_findings(struct in *in, struct px_findings *f)
{
	f->total = (unsigned)get(in, 4, UINT32_MAX);
	unsigned n = (unsigned)get(in, 2, PX_ERRORS_MAX);
	if (n > f->total)
		in->bad = true;
	if (in->bad || n == 0)
		return;
	f->items = px_xcalloc(n, sizeof(f->items[0]));
	f->n = n;
	for (unsigned i = 0; i < n && !in->bad; i++) {
		struct px_finding *item = &f->items[i];
		item->code = (enum px_code)get(in, 2, PX_CODE_COUNT - 1);
		item->rule = get_rule(in);
		item->line = (unsigned)get(in, 4, UINT32_MAX);
		item->pointer = get_optional(in, PX_VERDICT_POINTER_MAX, false);
		item->value = get_optional(in, PX_VALUE_MAX, true);
		item->text = get_optional(in, PX_VERDICT_TEXT_MAX, false);
	}
}

static bool is_consistent(const struct px_verdict *v)
{
	if (v->stage == PX_STAGE_OK ? v->errors.total != 0 : v->errors.n == 0)
		return false;
	if (!px_verdict_is_signed(v))
		return true;
	if (v->profile == 0 || v->signer.authority[0] == '\0' ||
	    (v->signer.role != PX_ROLE_SYSTEM && v->signer.role != PX_ROLE_NODE))
		return false;
	if (v->kind == PX_DOC_EXCHANGE) {
		bool carries = strcmp(v->header.type, "Confirmations") == 0;
		return v->has_header && (v->stage != PX_STAGE_OK || !carries || v->n_entries > 0);
	}
	return v->stage != PX_STAGE_OK || v->n_entries == 1;
}

int px_verdict_decode(const uint8_t *data, size_t len, size_t doc_len, struct px_verdict **out)
{
	struct in in = {.p = data, .left = len, .bad = len > (size_t)PX_LIMIT_VERDICT};
	struct px_verdict *v = px_xcalloc(1, sizeof(*v));
	if (get(&in, 4, UINT32_MAX) != PX_VERDICT_MAGIC)
		in.bad = true;
	v->kind = (enum px_doc_kind)get(&in, 1, PX_DOC_CONFIRMATION);
	v->stage = (enum px_stage)get(&in, 1, PX_STAGE_OK);
	v->has_header = get_header(&in, &v->header);
	get_text(&in, v->version, sizeof(v->version));
	get_signer(&in, &v->signer);
	v->profile = (unsigned)get(&in, 2, UINT16_MAX);
	get_keys(&in, &v->keys);
	get_range(&in, &v->payload_offset, &v->payload_len, doc_len);
	get_entries(&in, v, doc_len);
	get_findings(&in, &v->errors);
	get_findings(&in, &v->warnings);
	if (in.bad || in.left != 0 || !is_consistent(v)) {
		px_verdict_free(&v);
		return PX_EPARSE;
	}
	*out = v;
	return PX_OK;
}
