/* prinex: what is to be sent, and what is kept beside it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/outbox.h"

#include <errno.h>
#include <openssl/rand.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/strings.h"
#include "client/files.h"
#include "client/kept.h"

#define STDIN "-"

/* --- the header of a new exchange --- */

static int choose_id(const struct px_settings *s, struct px_header *h, struct px_buf *why)
{
	uint64_t random;
	px_assert(RAND_bytes((unsigned char *)&random, sizeof(random)) == 1);
	px_fresh_id(h->sender, h->created_at, random, h->message_id);
	if (s->id[0] != '\0' && !px_is_message_id(s->id)) {
		px_buf_setf(
		    why,
		    "--id \"%s\": a MessageId is a letter or digit, then up to 34 of these, '.', '_', "
		    "'-'",
		    s->id);
		return PX_ECONF;
	}
	if (s->correlation[0] != '\0' && !px_is_message_id(s->correlation)) {
		px_buf_setf(why, "--correlation \"%s\" is not a MessageId", s->correlation);
		return PX_ECONF;
	}
	if (s->id[0] != '\0')
		px_strlcpy(h->message_id, s->id, sizeof(h->message_id));
	px_strlcpy(h->correlation_id, s->correlation, sizeof(h->correlation_id));
	return PX_OK;
}

int px_outgoing_header(struct px_client *c, const uint8_t *root, size_t root_len, struct px_header *h,
		       struct px_buf *why)
{
	const struct px_settings *s = px_client_settings(c);
	const char *sender;
	*h = (struct px_header){.created_at = px_clock_wall(px_clock_real()) / 1000 * 1000};
	int rc = px_client_sender(c, &sender, why);
	if (rc == PX_OK) {
		px_strlcpy(h->sender, sender, sizeof(h->sender));
		px_strlcpy(h->type_version, s->type_version, sizeof(h->type_version));
		rc = px_client_choose_type(c, root, root_len, h->type, why);
	}
	if (rc == PX_OK)
		rc = choose_id(s, h, why);
	if (rc != PX_OK)
		return rc;
	px_strlcpy(h->environment, s->environment[0] != '\0' ? s->environment : "production",
		   sizeof(h->environment));
	for (unsigned i = 0; i < s->recipients.n; i++) {
		if (h->n_recipients == PX_RECIPIENTS_MAX) {
			px_buf_setf(why, "more than %d recipients", PX_RECIPIENTS_MAX);
			return PX_ECONF;
		}
		px_strlcpy(h->recipients[h->n_recipients++], s->recipients.items[i],
			   sizeof(h->recipients[0]));
	}
	if (s->expires[0] != '\0' && px_parse_expiry(s->expires, h->created_at, &h->expires_at) != PX_OK) {
		px_buf_setf(why,
			    "%sexpires \"%s\" is neither a time such as 2026-11-23T08:15:00Z nor a "
			    "duration such as 48h, 30min or 90s",
			    px_setting_mark, s->expires);
		return PX_ECONF;
	}
	return PX_OK;
}

/* --- reading --- */

static int read_stdin(struct px_buf *out, struct px_buf *why)
{
	for (;;) {
		ssize_t n = read(STDIN_FILENO, px_buf_reserve(out, 65536), 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			px_buf_setf(why, "cannot read standard input: %s", strerror(errno));
			return PX_ESYS;
		}
		if (n == 0)
			return PX_OK;
		px_buf_grown(out, (size_t)n);
		if (out->len > (size_t)PX_LIMIT_BODY_MAX) {
			px_buf_setf(why, "standard input is longer than %ld octets", PX_LIMIT_BODY_MAX);
			return PX_ELIMIT;
		}
	}
}

static void choose_base(const struct px_settings *s, struct px_outgoing *o, const char *name)
{
	struct px_buf base = PX_BUF_INIT;
	const char *slash = strrchr(name, '/');
	if (s->keep[0] != '\0')
		px_buf_addf(&base, "%s/%s", s->keep, slash != NULL ? slash + 1 : name);
	else
		px_buf_adds(&base, name);
	/* FILE.px itself was named: its answer stands beside FILE, as it would have */
	if (px_str_ends(px_buf_str(&base), ".px"))
		base.data[base.len - 3] = '\0';
	o->base = px_xstrdup(px_buf_str(&base));
	px_buf_free(&base);
}

/* Documents that will be refused have no keys that could be read; they stand alone. */
static void read_keys(struct px_client *c, struct px_outgoing *o)
{
	const struct px_settings *s = px_client_settings(c);
	const struct px_document *d = &o->doc;
	bool bare = d->is == PX_DOC_IS_PAYLOAD;
	const uint8_t *root = d->octets.data + (bare ? d->root : d->payload);
	size_t len = bare ? d->root_len : d->payload_len;
	char type[PX_TYPE_MAX + 1];
	px_strlcpy(type, bare ? s->type : d->header.type, sizeof(type));
	if (type[0] == '\0')
		px_client_guess_type(c, root, len, type, sizeof(type));
	if (type[0] == '\0' || len == 0)
		return;
	struct px_verdict *v =
	    px_client_examine_payload(c, type, bare ? s->type_version : d->header.type_version, root, len);
	free(o->keys.items);
	o->keys = v->keys;
	v->keys = (struct px_keys){0};
	px_verdict_free(&v);
}

int px_outgoing_read(struct px_client *c, struct px_outgoing *o, struct px_buf *why)
{
	const struct px_settings *s = px_client_settings(c);
	struct px_buf data = PX_BUF_INIT;
	bool piped = strcmp(o->input, STDIN) == 0;
	int rc = piped ? read_stdin(&data, why)
		       : px_buf_read_file(&data, o->input, (size_t)PX_LIMIT_BODY_MAX, why);
	if (rc == PX_OK)
		rc = px_document_read(data.data, data.len, s->from_encoding, &o->doc, why);
	px_buf_free(&data);
	if (rc == PX_OK && o->doc.is != PX_DOC_IS_PAYLOAD && o->doc.is != PX_DOC_IS_EXCHANGE) {
		px_document_free(&o->doc);
		px_buf_setf(why,
			    "this is no exchange but an answer; only exchanges and payloads can be sent");
		rc = PX_EPARSE;
	}
	if (rc != PX_OK)
		return rc;
	if (o->doc.is == PX_DOC_IS_EXCHANGE)
		o->header = o->doc.header;
	if (!piped && o->base == NULL)
		choose_base(s, o, o->input);
	read_keys(c, o);
	return PX_OK;
}

void px_outgoing_forget(struct px_outgoing *o)
{
	if (strcmp(o->input, STDIN) != 0)
		px_document_free(&o->doc);
}

/* --- FILE.px --- */

void px_outgoing_beside(const struct px_outgoing *o, const char *suffix, struct px_buf *path)
{
	px_buf_setf(path, "%s.%s", o->base, suffix);
}

/* @reuse: whether the octets of FILE.px are those to send. */
static int load_kept(struct px_client *c, struct px_outgoing *o, const char *path, bool *reuse,
		     struct px_buf *why)
{
	struct px_buf data = PX_BUF_INIT;
	struct px_document kept;
	enum px_kept verdict = PX_KEPT_SAME;
	int rc = px_buf_read_file(&data, path, (size_t)PX_LIMIT_BODY_MAX, why);
	if (rc != PX_OK)
		return rc;
	if (px_document_read(data.data, data.len, "", &kept, why) != PX_OK) {
		px_buf_setf(why, "%s is damaged: look at it, then remove it", path);
		px_buf_free(&data);
		return PX_ECONFLICT;
	}
	rc = px_kept_judge(c, o, &data, &kept, &verdict, &o->remark, why);
	if (rc == PX_OK && verdict == PX_KEPT_ASIDE)
		rc = px_kept_aside(o, kept.header.message_id, why);
	*reuse = rc == PX_OK && verdict == PX_KEPT_SAME;
	if (*reuse) {
		o->octets = data;
		data = (struct px_buf)PX_BUF_INIT;
		o->header = kept.header;
	}
	px_document_free(&kept);
	px_buf_free(&data);
	return rc;
}

static int make_exchange(struct px_client *c, struct px_outgoing *o, struct px_buf *why)
{
	struct px_buf plain = PX_BUF_INIT;
	const struct px_document *d = &o->doc;
	const uint8_t *root = d->octets.data + d->root;
	int rc = px_client_load_key(c, why);
	if (rc == PX_OK && d->is == PX_DOC_IS_PAYLOAD) {
		rc = px_outgoing_header(c, root, d->root_len, &o->header, why);
		if (rc == PX_OK)
			px_wrap(&plain, &o->header, root, d->root_len);
	} else if (rc == PX_OK) {
		px_buf_add(&plain, d->octets.data, d->octets.len);
	}
	if (rc == PX_OK)
		rc = px_client_sign(c, plain.data, plain.len, &o->octets, why);
	px_buf_free(&plain);
	return rc;
}

static int keep(struct px_client *c, struct px_outgoing *o, struct px_buf *why)
{
	struct px_buf path = PX_BUF_INIT;
	if (o->base == NULL) {
		px_buf_setf(&path, "%s_%s.xml", o->header.sender, o->header.message_id);
		choose_base(px_client_settings(c), o, px_buf_str(&path));
	}
	px_outgoing_beside(o, "px", &path);
	int rc = px_file_put(px_buf_str(&path), o->octets.data, o->octets.len, why);
	if (rc == PX_OK) {
		/* an exception about an exchange that this one replaces */
		px_outgoing_beside(o, "coe", &path);
		unlink(px_buf_str(&path));
	}
	px_buf_free(&path);
	return rc;
}

static int flush_kept(const struct px_outgoing *o, struct px_buf *why)
{
	struct px_buf path = PX_BUF_INIT;
	px_outgoing_beside(o, "px", &path);
	int rc = px_file_flush(px_buf_str(&path), why);
	px_buf_free(&path);
	return rc;
}

/* @reuse: whether they come from FILE.px of an earlier run. */
static int take_octets(struct px_client *c, struct px_outgoing *o, bool *reuse, struct px_buf *why)
{
	struct px_buf path = PX_BUF_INIT;
	int rc = PX_OK;
	if (o->doc.is == PX_DOC_IS_EXCHANGE && o->doc.is_signed) {
		if (px_client_settings(c)->anew) {
			px_buf_setf(why, "it is signed already and goes as it is: --anew is for documents");
			return PX_ECONFLICT;
		}
		px_buf_add(&o->octets, o->doc.octets.data, o->doc.octets.len);
		if (o->base == NULL)
			rc = keep(c, o, why); /* from a pipe: nothing else keeps it */
		return rc;
	}
	if (o->base != NULL) {
		px_outgoing_beside(o, "px", &path);
		if (px_file_exists(px_buf_str(&path)))
			rc = load_kept(c, o, px_buf_str(&path), reuse, why);
	}
	if (rc == PX_OK && !*reuse)
		rc = make_exchange(c, o, why);
	if (rc == PX_OK && !*reuse)
		rc = keep(c, o, why);
	px_buf_free(&path);
	return rc;
}

/* Errors name lines of the exchange; people look into the file. */
static void map_lines(struct px_outgoing *o)
{
	const char *slash = strrchr(o->base, '/');
	struct px_buf name = PX_BUF_INIT;
	o->lines = (struct px_line_map){0};
	px_payload_lines(o->octets.data, o->octets.len, &o->lines);
	if (o->doc.is == PX_DOC_IS_PAYLOAD) {
		px_buf_addf(&name, "%s.px", slash != NULL ? slash + 1 : o->base);
		free(o->exchange_name);
		o->exchange_name = (char *)px_buf_detach(&name, NULL);
		o->lines.other = o->doc.root_line;
		o->lines.to_file = true;
		o->lines.exchange = o->exchange_name;
	}
}

int px_outgoing_prepare(struct px_client *c, struct px_outgoing *o, struct px_buf *why)
{
	bool reuse = false;
	int rc = o->doc.octets.len > 0 ? PX_OK : px_outgoing_read(c, o, why);
	if (rc == PX_OK)
		rc = take_octets(c, o, &reuse, why);
	if (rc == PX_OK)
		map_lines(o);
	px_document_free(&o->doc);
	if (rc != PX_OK)
		return rc;
	px_sha256(o->octets.data, o->octets.len, o->digest);
	o->accepted_before = px_kept_is_answer(o, "coa", o->digest);
	/* a run that was cut off may have left it unflushed */
	return reuse && !o->accepted_before ? flush_kept(o, why) : PX_OK;
}

int px_outgoing_answered(const struct px_outgoing *o, enum px_conf_kind kind, const void *doc, size_t len,
			 struct px_buf *why)
{
	struct px_buf path = PX_BUF_INIT;
	px_outgoing_beside(o, kind == PX_COE ? "coe" : "coa", &path);
	int rc = px_file_put(px_buf_str(&path), doc, len, why);
	if (rc == PX_OK && kind != PX_COE) {
		/* an exception about an earlier attempt is settled */
		px_outgoing_beside(o, "coe", &path);
		unlink(px_buf_str(&path));
	}
	px_buf_free(&path);
	return rc;
}

void px_outgoing_free(struct px_outgoing *o)
{
	free(o->input);
	free(o->base);
	free(o->keys.items);
	free(o->exchange_name);
	px_document_free(&o->doc);
	px_buf_free(&o->octets);
	px_buf_free(&o->remark);
	*o = (struct px_outgoing){0};
}
