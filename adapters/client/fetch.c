/* prinex: fetch exchanges from the broker's inbox, keep them, confirm them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/fetch.h"

#include <openssl/rand.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/strings.h"
#include "client/files.h"
#include "client/payload.h"
#include "client/show.h"
#include "flow/confirm.h"

struct fetching {
	struct px_client *c;
	const struct px_settings *settings;
	struct px_link *link;
	const struct px_fetch_how *how;
	struct px_fetch_totals *totals;
	const char *authority; /* ours, for confirmations */
};

/* One exchange on its way to the disk. */
struct catch
{
	struct px_reply *reply;
	uint8_t digest[PX_DIGEST_LEN];
	struct px_header header;
	bool has_header;
	struct px_buf path, why;
	enum px_fetched fetched;
	bool confirmed, barred;
};

/* --- to the disk --- */

/* @name: what it is to be called. */
static void name_it(struct catch *k, struct px_buf *name)
{
	struct px_document doc;
	struct px_buf why = PX_BUF_INIT;
	char hex[PX_DIGEST_HEX];
	px_sha256(k->reply->body.data, k->reply->body.len, k->digest);
	px_hex(k->digest, PX_DIGEST_LEN, hex);
	if (px_document_read(k->reply->body.data, k->reply->body.len, "", &doc, &why) == PX_OK) {
		k->has_header = doc.is == PX_DOC_IS_EXCHANGE && doc.has_header;
		k->header = doc.header;
		px_document_free(&doc);
	}
	px_buf_free(&why);
	/* sender and id were checked: no separator, no dot in front */
	if (k->has_header)
		px_buf_setf(name, "%s_%s.xml", k->header.sender, k->header.message_id);
	else
		px_buf_setf(name, "unknown_%.16s.bad", hex);
}

bool px_same_octets(const char *path, const struct px_buf *body)
{
	struct px_buf old = PX_BUF_INIT, why = PX_BUF_INIT;
	bool same = px_buf_read_file(&old, path, (size_t)PX_LIMIT_BODY_MAX, &why) == PX_OK &&
		    old.len == body->len && memcmp(old.data, body->data, body->len) == 0;
	px_buf_free(&old);
	px_buf_free(&why);
	return same;
}

static bool examine(struct fetching *f, struct catch *k)
{
	const struct px_exam exam = {.kind = PX_DOC_EXCHANGE, .now = px_clock_wall(px_clock_real())};
	struct px_verdict *v = px_client_examine(f->c, &exam, k->reply->body.data, k->reply->body.len);
	bool good = v->stage == PX_STAGE_OK;
	if (!good) {
		px_buf_setf(&k->why, "fails examination (%s):\n", px_stage_name(v->stage));
		px_show_findings(&k->why, &v->errors, NULL, "  ");
		k->why.data[--k->why.len] = '\0';
	}
	px_verdict_free(&v);
	return good;
}

static enum px_fetched put_aside(struct px_buf *path, const struct px_buf *body, enum px_fetched as,
				 struct px_buf *why)
{
	struct px_buf reason = PX_BUF_INIT;
	if (px_file_put(px_buf_str(path), body->data, body->len, &reason) != PX_OK) {
		as = PX_FETCHED_UNWRITTEN;
		px_buf_addf(why, "; and %s", px_buf_str(&reason));
	}
	px_buf_free(&reason);
	return as;
}

/* Where --out says. */
static enum px_fetched keep_in_folder(const char *out, const char *name, const struct px_buf *body, bool bad,
				      struct px_buf *path, struct px_buf *why)
{
	uint8_t digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	size_t len = strlen(out);
	px_buf_setf(path, "%s%s%s", len > 0 ? out : ".", len > 0 && out[len - 1] == '/' ? "" : "/", name);
	if (bad) {
		px_buf_adds(path, px_str_ends(name, ".bad") ? "" : ".bad");
		return put_aside(path, body, PX_FETCHED_BAD, why);
	}
	if (!px_file_exists(px_buf_str(path)))
		return px_file_put(px_buf_str(path), body->data, body->len, why) == PX_OK
			   ? PX_FETCHED_NEW
			   : PX_FETCHED_UNWRITTEN;
	if (px_same_octets(px_buf_str(path),
			   body)) /* an earlier run may have been cut off before it flushed */
		return px_file_flush(px_buf_str(path), why) == PX_OK ? PX_FETCHED_KNOWN
								     : PX_FETCHED_UNWRITTEN;
	px_sha256(body->data, body->len, digest);
	px_hex(digest, PX_DIGEST_LEN, hex);
	px_buf_setf(why, "%s is there already with other octets", px_buf_str(path));
	px_buf_addf(path, ".%.16s.conflict", hex);
	return put_aside(path, body, PX_FETCHED_CONFLICT, why);
}

static void keep(struct fetching *f, struct catch *k)
{
	struct px_buf name = PX_BUF_INIT;
	const struct px_buf *body = &k->reply->body;
	name_it(k, &name);
	bool bad = !k->has_header || (f->settings->verify && !examine(f, k));
	if (!k->has_header)
		px_buf_setf(&k->why, "has no header with Sender and MessageId, so it has no name");
	k->fetched = f->how->keep != NULL
			 ? f->how->keep(f->how->arg, px_buf_str(&name), body, bad, &k->path, &k->why)
			 : keep_in_folder(f->settings->out, px_buf_str(&name), body, bad, &k->path, &k->why);
	px_buf_free(&name);
}

/* --- the confirmation --- */

static void write_confirmation(struct fetching *f, const struct catch *k, struct px_buf *doc)
{
	char id[PX_MESSAGE_ID_MAX + 1];
	uint64_t random;
	struct px_findings errors = {0};
	const struct px_strings *refuse = &f->settings->refuse;
	int64_t now = px_clock_wall(px_clock_real());
	px_assert(RAND_bytes((unsigned char *)&random, sizeof(random)) == 1);
	px_fresh_id(f->authority, now, random, id);
	struct px_confirm c = {
	    .kind = PX_COA,
	    .confirmation_id = id,
	    .issuer = f->authority,
	    .ref_sender = k->header.sender,
	    .ref_message_id = k->header.message_id,
	    .ref_digest = k->digest,
	    .at = now,
	};
	if (refuse->n >= 2) {
		px_findings_add(&errors, px_code_parse(refuse->items[0]), 0, NULL, NULL, "%s",
				refuse->items[1]);
		c.kind = PX_COE;
		c.permanent = true;
		c.errors = &errors;
	}
	px_confirm_write(doc, &c, true);
	px_findings_free(&errors);
}

static void confirm(struct fetching *f, struct catch *k)
{
	struct px_buf doc = PX_BUF_INIT, path = PX_BUF_INIT;
	struct px_reply reply = {0};
	write_confirmation(f, k, &doc);
	if (px_seal(px_client_key(f->c), &doc) != PX_OK) {
		px_buf_setf(&k->why, "not confirmed: the key cannot sign");
	} else {
		px_buf_addf(&path, "/v1/inbox/%s", k->reply->delivery);
		px_link_request(f->link, px_buf_str(&path), doc.data, doc.len, 0,
				(size_t)PX_LIMIT_CONFIRMATION, &reply);
		k->confirmed = reply.end == PX_LINK_ANSWERED && reply.status == 204;
		if (!k->confirmed) {
			px_buf_setf(&k->why, "not confirmed (it will be offered again): ");
			px_reply_describe(&reply, &k->why);
			/* 404, 409: the lease has passed on, which happens */
			k->barred = !px_reply_is_temporary(&reply) && reply.end != PX_LINK_STOPPED &&
				    reply.status != 404 && reply.status != 409;
		}
	}
	px_reply_free(&reply);
	px_buf_free(&doc);
	px_buf_free(&path);
}

/* The id goes into a path: the broker's, but no need to trust it. */
static bool is_delivery(const char *id)
{
	return id[0] != '\0' &&
	       id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-")] == '\0';
}

/* @return whether it is on disk. */
static bool take(struct fetching *f, struct px_reply *reply)
{
	struct catch k = {.reply = reply};
	bool wanted = f->settings->confirm || f->settings->refuse.n > 0;
	keep(f, &k);
	if (wanted && (k.fetched == PX_FETCHED_NEW || k.fetched == PX_FETCHED_KNOWN)) {
		if (is_delivery(reply->delivery))
			confirm(f, &k);
		else
			px_buf_setf(&k.why, "not confirmed: the broker gave no Prinex-Delivery");
	}
	f->totals->by[k.fetched]++;
	f->totals->confirmed += k.confirmed;
	f->totals->unconfirmed += wanted && !k.confirmed;
	f->totals->barred += k.barred;
	const struct px_fetched_report r = {.fetched = k.fetched,
					    .file = px_buf_str(&k.path),
					    .header = &k.header,
					    .confirmed = k.confirmed,
					    .why = px_buf_str(&k.why)};
	f->how->report(f->how->arg, &r);
	px_buf_free(&k.path);
	px_buf_free(&k.why);
	return k.fetched != PX_FETCHED_UNWRITTEN;
}

/* --- the loop --- */

static int begin(struct fetching *f, struct px_buf *why)
{
	const struct px_settings *s = f->settings;
	struct stat st;
	int rc = px_client_load_tls(f->c, why);
	if (rc == PX_OK && s->out[0] != '\0' && (stat(s->out, &st) != 0 || !S_ISDIR(st.st_mode))) {
		px_buf_setf(why, "--out %s: no such folder", s->out);
		rc = PX_ECONF;
	}
	if (rc == PX_OK && s->refuse.n > 0 && px_code_parse(s->refuse.items[0]) == PX_CODE_COUNT) {
		px_buf_setf(why, "--refuse %s: no such code (docs/errors.md lists them)", s->refuse.items[0]);
		rc = PX_ECONF;
	}
	if (rc == PX_OK && s->verify)
		rc = px_client_load_examiner(f->c, why);
	if (rc == PX_OK && (s->confirm || s->refuse.n > 0)) {
		rc = px_client_load_key(f->c, why);
		if (rc == PX_OK)
			rc = px_client_sender(f->c, &f->authority, why);
	}
	return rc;
}

/* @return whether to ask again. */
static bool next(struct fetching *f, struct px_reply *reply, unsigned *failures, int *rc, struct px_buf *why)
{
	const struct px_settings *s = f->settings;
	/* for ever: a long poll, or an idle inbox would be asked without pause */
	int64_t wait = s->forever && s->wait == 0 ? 30000 : s->wait;
	struct px_buf path = PX_BUF_INIT;
	px_buf_addf(&path, "/v1/inbox?wait=%d", (int)(wait / 1000));
	px_link_request(f->link, px_buf_str(&path), NULL, 0, wait, (size_t)PX_LIMIT_BODY_MAX, reply);
	px_buf_free(&path);
	if (reply->end == PX_LINK_ANSWERED && reply->status == 200) {
		*failures = 0;
		if (take(f, reply))
			return true;
		/* a full disk gets no better by fetching more */
		px_buf_setf(why, "what was fetched cannot be kept");
		*rc = PX_ESYS;
		return s->forever && px_client_sleep(px_client_backoff(6, -1));
	}
	if (reply->end == PX_LINK_ANSWERED && reply->status == 204) {
		*failures = 0;
		return s->forever;
	}
	if (px_client_stop)
		return false;
	px_buf_clear(why);
	px_reply_describe(reply, why);
	if (s->forever && px_reply_is_temporary(reply)) {
		f->how->note(f->how->arg, px_buf_str(why));
		return px_client_sleep(px_client_backoff((*failures)++, reply->retry_after));
	}
	*rc = px_reply_is_temporary(reply) ? PX_ECLOSED : PX_EACCESS;
	return false;
}

int px_fetch(struct px_client *c, const struct px_fetch_how *how, struct px_fetch_totals *totals,
	     struct px_buf *why)
{
	struct fetching f = {.c = c, .settings = px_client_settings(c), .how = how, .totals = totals};
	struct px_reply reply = {0};
	unsigned failures = 0;
	*totals = (struct px_fetch_totals){0};
	int rc = begin(&f, why);
	if (rc != PX_OK)
		return PX_ECONF;
	f.link = px_link_new(c);
	for (bool more = true; more && !px_client_stop;) {
		unsigned n = 0;
		more = next(&f, &reply, &failures, &rc, why);
		for (unsigned i = 0; i < PX_FETCHED_COUNT; i++)
			n += totals->by[i];
		more = more && (f.settings->max == 0 || n < f.settings->max);
	}
	px_reply_free(&reply);
	px_link_free(&f.link);
	return rc;
}
