/* prinex: verdicts to encode, made of a seed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/strings.h"
#include "sample_verdict.h"

static unsigned draw(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % below;
}

static void draw_octets(unsigned *seed, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)draw(seed, 256);
}

static void draw_id(unsigned *seed, char out[PX_MESSAGE_ID_MAX + 1])
{
	static const char set[] = "ABCXYZabcxyz0189._-";
	size_t len = draw(seed, PX_MESSAGE_ID_MAX + 1);
	for (size_t i = 0; i < len; i++)
		out[i] = set[draw(seed, i == 0 ? 16 : sizeof(set) - 1)];
	out[len] = '\0';
}

static void draw_authority(unsigned *seed, char out[PX_AUTHORITY_MAX + 1])
{
	static const char *const some[] = {"XA", "XB", "XC-BORDER", "XD.ABCDEFGHIJKL", "XE.1"};
	px_strlcpy(out, some[draw(seed, PX_ARRAY_LEN(some))], PX_AUTHORITY_MAX + 1);
}

/* Text in several scripts, cut at a character. */
static void draw_text(unsigned *seed, char *out, size_t size)
{
	static const char text[] =
	    "Мытная служба: вантаж, ўвоз & €50 <b>'\"žemė ș𐍈 plain text that goes on and on, "
	    "longer than any field that is to hold it, whichever that may be";
	size_t start = 2 * draw(seed, 5), want = draw(seed, (unsigned)size);
	size_t len = px_utf8_cut(text + start, sizeof(text) - 1 - start, PX_MIN(want, size - 1));
	px_strlcpy_n(out, text + start, len, size);
}

static int64_t draw_time(unsigned *seed)
{
	return (int64_t)draw(seed, 30000) * 100000000 + draw(seed, 1000);
}

static unsigned draw_recipients(unsigned *seed, char list[][PX_AUTHORITY_MAX + 1])
{
	unsigned n = draw(seed, PX_RECIPIENTS_MAX + 1);
	for (unsigned i = 0; i < n; i++)
		draw_authority(seed, list[i]);
	return n;
}

static void draw_header(unsigned *seed, struct px_header *h)
{
	draw_id(seed, h->message_id);
	h->message_id[0] = 'M';
	draw_text(seed, h->environment, sizeof(h->environment));
	draw_authority(seed, h->sender);
	h->n_recipients = draw_recipients(seed, h->recipients);
	draw_text(seed, h->type, sizeof(h->type));
	draw_text(seed, h->type_version, sizeof(h->type_version));
	h->created_at = draw_time(seed);
	h->expires_at = draw_time(seed);
	draw_id(seed, h->correlation_id);
}

static void draw_signer(unsigned *seed, struct px_signer *s)
{
	draw_authority(seed, s->authority);
	s->role = draw(seed, 2) ? PX_ROLE_SYSTEM : PX_ROLE_NODE;
	draw_text(seed, s->name, sizeof(s->name));
	draw_octets(seed, s->cert_sha256, PX_DIGEST_LEN);
	s->not_after = draw_time(seed);
}

static void draw_keys(unsigned *seed, struct px_keys *keys, unsigned n)
{
	keys->ends_movement = draw(seed, 2);
	keys->n = n;
	keys->items = n > 0 ? px_xcalloc(n, sizeof(keys->items[0])) : NULL;
	for (unsigned i = 0; i < n; i++) {
		keys->items[i].kind = (enum px_key_kind)draw(seed, PX_KEY_COUNT);
		draw_text(seed, keys->items[i].value, sizeof(keys->items[i].value));
	}
}

static void draw_range(unsigned *seed, uint32_t *offset, uint32_t *len)
{
	*offset = draw(seed, SAMPLE_DOC_LEN / 4);
	*len = 1 + draw(seed, SAMPLE_DOC_LEN / 4);
}

static void draw_entry(unsigned *seed, struct px_confirmation *e)
{
	e->kind = (enum px_conf_kind)draw(seed, PX_CONF_KINDS);
	e->permanent = draw(seed, 2);
	draw_id(seed, e->confirmation_id);
	draw_authority(seed, e->issuer);
	draw_authority(seed, e->ref_sender);
	draw_id(seed, e->ref_message_id);
	draw_octets(seed, e->ref_digest, PX_DIGEST_LEN);
	e->at = draw_time(seed);
	e->n_recipients = draw_recipients(seed, e->recipients);
	draw_text(seed, e->route, sizeof(e->route));
	e->cod_follows = draw(seed, 2);
	draw_id(seed, e->supersedes);
	e->has_checkpoint = draw(seed, 2);
	draw_octets(seed, e->checkpoint, PX_DIGEST_LEN);
	draw_range(seed, &e->evidence_offset, &e->evidence_len);
	e->evidence_ok = draw(seed, 2);
	e->evidence_kind = (enum px_conf_kind)draw(seed, PX_CONF_KINDS);
	draw_authority(seed, e->evidence_issuer);
	e->evidence_role = (enum px_role)draw(seed, PX_ROLE_OFFICER + 1);
	draw_text(seed, e->error_code, sizeof(e->error_code));
	draw_text(seed, e->error_text, sizeof(e->error_text));
	draw_range(seed, &e->offset, &e->len);
}

static void draw_findings(unsigned *seed, struct px_findings *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char pointer[200], value[PX_VALUE_MAX], text[200];
		draw_text(seed, pointer, sizeof(pointer));
		draw_text(seed, text, sizeof(text));
		draw_octets(seed, (uint8_t *)value, sizeof(value)); /* whatever was sent, up to a NUL */
		value[draw(seed, sizeof(value))] = '\0';
		if (draw(seed, 4) == 0)
			px_findings_add_rule(f, "R-MRN-CHECK", PX_CODE_RULE_MRN, draw(seed, 70000), pointer,
					     value, text);
		else
			px_findings_add(f, (enum px_code)draw(seed, PX_CODE_COUNT), draw(seed, 70000),
					draw(seed, 4) ? pointer : NULL, draw(seed, 4) ? value : NULL, "%s",
					text);
	}
}

static struct px_verdict *make(unsigned *seed, enum px_doc_kind kind, enum px_stage stage, unsigned n_keys,
			       unsigned n_entries, unsigned n_errors)
{
	struct px_verdict *v = px_xcalloc(1, sizeof(*v));
	v->kind = kind;
	v->stage = stage;
	v->has_header = true;
	draw_header(seed, &v->header);
	draw_signer(seed, &v->signer);
	draw_text(seed, v->version, sizeof(v->version));
	v->profile = 1 + draw(seed, 1000);
	draw_keys(seed, &v->keys, n_keys);
	draw_range(seed, &v->payload_offset, &v->payload_len);
	v->n_entries = n_entries;
	v->entries = n_entries > 0 ? px_xcalloc(n_entries, sizeof(v->entries[0])) : NULL;
	for (unsigned i = 0; i < n_entries; i++)
		draw_entry(seed, &v->entries[i]);
	draw_findings(seed, &v->errors, stage == PX_STAGE_OK ? 0 : n_errors);
	draw_findings(seed, &v->warnings, draw(seed, 4));
	return v;
}

struct px_verdict *sample_verdict(enum px_doc_kind kind, enum px_stage stage)
{
	unsigned seed = 4711;
	return make(&seed, kind, stage, 5, kind == PX_DOC_CONFIRMATION ? 1 : 2, 3);
}

struct px_verdict *random_verdict(unsigned *seed)
{
	enum px_doc_kind kind = (enum px_doc_kind)draw(seed, 2);
	enum px_stage stage = (enum px_stage)draw(seed, PX_STAGE_OK + 1);
	unsigned entries = kind == PX_DOC_CONFIRMATION ? 1 : draw(seed, PX_ENTRIES_MAX + 1);
	struct px_verdict *v = make(seed, kind, stage, draw(seed, 4) ? draw(seed, 20) : PX_KEYS_MAX, entries,
				    1 + draw(seed, 150));
	if (!px_verdict_is_signed(v) && draw(seed, 2)) { /* before the signature all may be missing */
		v->has_header = false;
		v->header = (struct px_header){0};
		v->signer = (struct px_signer){0};
		v->profile = 0;
	}
	return v;
}

static void same_string(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		assert_string_equal(a, b);
}

static void same_findings(const struct px_findings *a, const struct px_findings *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->total, b->total);
	for (unsigned i = 0; i < a->n; i++) {
		assert_int_equal(a->items[i].code, b->items[i].code);
		assert_int_equal(a->items[i].line, b->items[i].line);
		same_string(a->items[i].rule, b->items[i].rule);
		same_string(a->items[i].pointer, b->items[i].pointer);
		same_string(a->items[i].value, b->items[i].value);
		same_string(a->items[i].text, b->items[i].text);
	}
}

void assert_same_verdict(const struct px_verdict *a, const struct px_verdict *b)
{
	/* Both come from zeroed memory and strings are set once, so that fixed parts compare as memory. */
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->stage, b->stage);
	assert_int_equal(a->has_header, b->has_header);
	assert_memory_equal(&a->header, &b->header, sizeof(a->header));
	assert_memory_equal(&a->signer, &b->signer, sizeof(a->signer));
	assert_string_equal(a->version, b->version);
	assert_int_equal(a->profile, b->profile);
	assert_int_equal(a->keys.n, b->keys.n);
	assert_int_equal(a->keys.ends_movement, b->keys.ends_movement);
	if (a->keys.n > 0)
		assert_memory_equal(a->keys.items, b->keys.items, a->keys.n * sizeof(a->keys.items[0]));
	assert_int_equal(a->payload_offset, b->payload_offset);
	assert_int_equal(a->payload_len, b->payload_len);
	assert_int_equal(a->n_entries, b->n_entries);
	if (a->n_entries > 0)
		assert_memory_equal(a->entries, b->entries, a->n_entries * sizeof(a->entries[0]));
	same_findings(&a->errors, &b->errors);
	same_findings(&a->warnings, &b->warnings);
}
