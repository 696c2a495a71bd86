/* prinex: what an exchange kept from an earlier run means for this one
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/kept.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/strings.h"
#include "client/files.h"

/* --- the answers beside it --- */

static bool read_answer(const struct px_outgoing *o, const char *suffix, struct px_buf *doc)
{
	struct px_buf path = PX_BUF_INIT, why = PX_BUF_INIT;
	px_outgoing_beside(o, suffix, &path);
	int rc = px_buf_read_file(doc, px_buf_str(&path), (size_t)PX_LIMIT_CONFIRMATION, &why);
	px_buf_free(&path);
	px_buf_free(&why);
	return rc == PX_OK;
}

/* Both were verified when they were written. */
static bool answer_holds(const struct px_outgoing *o, const char *suffix, const char *text, const char *more)
{
	struct px_buf doc = PX_BUF_INIT;
	bool found = read_answer(o, suffix, &doc) && memmem(doc.data, doc.len, text, strlen(text)) != NULL &&
		     memmem(doc.data, doc.len, more, strlen(more)) != NULL;
	px_buf_free(&doc);
	return found;
}

bool px_kept_is_answer(const struct px_outgoing *o, const char *suffix, const uint8_t digest[PX_DIGEST_LEN])
{
	char hex[PX_DIGEST_HEX];
	px_hex(digest, PX_DIGEST_LEN, hex);
	return answer_holds(o, suffix, hex, "");
}

/* --- what differs --- */

/* Whether @kept is @from with one piece (the Signature) put in. */
static bool is_signed_form(const struct px_buf *kept, const struct px_buf *from)
{
	size_t head = 0, tail = 0;
	if (kept->len < from->len)
		return false;
	while (head < from->len && kept->data[head] == from->data[head])
		head++;
	while (tail < from->len - head &&
	       kept->data[kept->len - 1 - tail] == from->data[from->len - 1 - tail])
		tail++;
	return head + tail == from->len;
}

static bool is_same_document(const struct px_document *kept, const struct px_document *now)
{
	if (now->is == PX_DOC_IS_EXCHANGE)
		return is_signed_form(&kept->octets, &now->octets);
	return kept->payload_len == now->root_len &&
	       memcmp(kept->octets.data + kept->payload, now->octets.data + now->root, now->root_len) == 0;
}

static void add_difference(struct px_buf *out, const char *what, const char *then, const char *now)
{
	px_buf_addf(out, "%s%s %s then, %s now", out->len > 0 ? "; " : "", what,
		    then[0] != '\0' ? then : "none", now[0] != '\0' ? now : "none");
}

static void compare(struct px_buf *out, const char *what, const char *then, const char *now)
{
	if (strcmp(then, now) != 0)
		add_difference(out, what, then, now);
}

static void list_recipients(const struct px_header *h, struct px_buf *out)
{
	for (unsigned i = 0; i < h->n_recipients; i++)
		px_buf_addf(out, "%s%s", i > 0 ? ", " : "", h->recipients[i]);
}

static void compare_recipients(struct px_buf *out, const struct px_header *then, const struct px_header *now)
{
	struct px_buf a = PX_BUF_INIT, b = PX_BUF_INIT;
	list_recipients(then, &a);
	list_recipients(now, &b);
	compare(out, "recipients", px_buf_str(&a), px_buf_str(&b));
	px_buf_free(&a);
	px_buf_free(&b);
}

/* A span such as 48h counts from when the exchange was made. */
static void compare_expiry(struct px_buf *out, const struct px_settings *s, const struct px_header *then)
{
	char a[32] = "", b[32] = "";
	int64_t now = 0;
	if (s->expires[0] != '\0')
		(void)px_parse_expiry(s->expires, then->created_at, &now);
	if (now == then->expires_at)
		return;
	if (then->expires_at != 0)
		px_time_format(then->expires_at, a, sizeof(a));
	if (now != 0)
		px_time_format(now, b, sizeof(b));
	add_difference(out, "expiry", a, b);
}

static int compare_header(struct px_client *c, const struct px_document *kept, const struct px_document *now,
			  struct px_buf *out, struct px_buf *why)
{
	struct px_header h;
	const struct px_header *then = &kept->header;
	const struct px_settings *s = px_client_settings(c);
	int rc = px_outgoing_header(c, now->octets.data + now->root, now->root_len, &h, why);
	if (rc != PX_OK)
		return rc;
	compare(out, "environment", then->environment, h.environment);
	compare(out, "sender", then->sender, h.sender);
	compare_recipients(out, then, &h);
	compare(out, "type", then->type, h.type);
	compare(out, "type version", then->type_version, h.type_version);
	compare(out, "correlation", then->correlation_id, h.correlation_id);
	compare_expiry(out, s, then);
	if (s->id[0] != '\0')
		compare(out, "id", then->message_id, h.message_id);
	return PX_OK;
}

/* --- who signed it --- */

/* The certificate at or behind *@at, which moves behind it; NULL when there is none. */
static X509 *next_certificate(const struct px_buf *octets, size_t *at)
{
	static const char tag[] = "X509Certificate>";
	struct px_buf der = PX_BUF_INIT;
	const uint8_t *found = memmem(octets->data + *at, octets->len - *at, tag, strlen(tag));
	if (found == NULL)
		return NULL;
	const uint8_t *text = found + strlen(tag), *end = octets->data + octets->len;
	const uint8_t *stop = memchr(text, '<', (size_t)(end - text));
	stop = stop != NULL ? stop : end;
	const uint8_t *close = memmem(stop, (size_t)(end - stop), tag, strlen(tag));
	*at = (size_t)((close != NULL ? close + strlen(tag) : end) - octets->data);
	X509 *cert = NULL;
	if (px_unbase64(&der, (const char *)text, (size_t)(stop - text)) == PX_OK) {
		const unsigned char *p = der.data;
		cert = d2i_X509(NULL, &p, (long)der.len);
	}
	px_buf_free(&der);
	return cert;
}

static void describe_certificate(const X509 *cert, struct px_buf *out)
{
	char name[128];
	uint8_t digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	unsigned n = sizeof(digest);
	X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof(name));
	px_assert(X509_digest(cert, EVP_sha256(), digest, &n) == 1);
	px_hex(digest, sizeof(digest), hex);
	px_buf_addf(out, "\"%s\" (SHA-256 %.16s...)", name, hex);
}

/* prinex writes the leaf first; what other tools signed is searched whole. */
static void compare_signer(const struct px_client *c, const struct px_buf *octets, struct px_buf *out)
{
	const X509 *ours = sk_X509_value(px_seal_key_chain(px_client_key(c)), 0);
	struct px_buf then = PX_BUF_INIT, now = PX_BUF_INIT;
	bool same = false;
	X509 *cert;
	for (size_t at = 0; !same && (cert = next_certificate(octets, &at)) != NULL; X509_free(cert)) {
		same = X509_cmp(cert, ours) == 0;
		if (then.len == 0)
			describe_certificate(cert, &then);
	}
	if (!same) {
		describe_certificate(ours, &now);
		add_difference(out, "signing certificate", px_buf_str(&then), px_buf_str(&now));
	}
	px_buf_free(&then);
	px_buf_free(&now);
}

/* --- the judgement --- */

static int differences(struct px_client *c, const struct px_outgoing *o, const struct px_buf *octets,
		       const struct px_document *kept, struct px_buf *out, struct px_buf *why)
{
	int rc = px_client_load_key(c, why);
	if (rc != PX_OK)
		return rc;
	if (!is_same_document(kept, &o->doc))
		px_buf_adds(out, "the document has been changed");
	if (o->doc.is == PX_DOC_IS_PAYLOAD)
		rc = compare_header(c, kept, &o->doc, out, why);
	if (rc == PX_OK)
		compare_signer(c, octets, out);
	return rc;
}

/* @refused, nothing else @different: the same octets are judged anew, unless time itself is against them. */
static enum px_kept after_refusal(const struct px_outgoing *o, const char *id, const struct px_buf *different,
				  struct px_buf *remark)
{
	bool late = answer_holds(o, "coe", "code=\"PX-TIME-", "");
	if (different->len == 0 && !late)
		return PX_KEPT_SAME;
	px_buf_setf(remark, "%s was refused (%s): sent as a new exchange", id,
		    different->len > 0 ? px_buf_str(different) : "too old by now");
	return PX_KEPT_REPLACED;
}

int px_kept_judge(struct px_client *c, const struct px_outgoing *o, const struct px_buf *octets,
		  const struct px_document *kept, enum px_kept *out, struct px_buf *remark,
		  struct px_buf *why)
{
	const struct px_settings *s = px_client_settings(c);
	const char *id = kept->header.message_id;
	struct px_buf different = PX_BUF_INIT;
	uint8_t digest[PX_DIGEST_LEN];
	px_sha256(octets->data, octets->len, digest);
	bool accepted = px_kept_is_answer(o, "coa", digest), refused = px_kept_is_answer(o, "coe", digest);
	int rc = differences(c, o, octets, kept, &different, why);
	*out = PX_KEPT_SAME;
	if (rc != PX_OK)
		;
	else if (s->anew) {
		*out = PX_KEPT_ASIDE;
		px_buf_setf(remark, "sent as a new exchange (--anew); the one before is kept as %s.%s.px",
			    o->base, id);
	} else if (refused && !accepted) {
		*out = after_refusal(o, id, &different, remark);
	} else if (different.len > 0 && accepted && o->of_folder && is_same_document(kept, &o->doc)) {
		px_buf_setf(remark, "not as asked for now: %s", px_buf_str(&different));
	} else if (different.len > 0) {
		rc = PX_ECONFLICT;
		px_buf_setf(
		    why,
		    accepted
			? "it was accepted as %s, and what you ask for now differs: %s. A change of what "
			  "was declared is a message of its own, from another file; --anew sends it all the "
			  "same as a "
			  "new exchange"
			: "an earlier run made %s of it, no answer is known, and what you ask for now "
			  "differs: %s. Send "
			  "%s.px to "
			  "learn what became of it; --anew makes a new exchange, if it is certain that the "
			  "broker "
			  "never got this one",
		    id, px_buf_str(&different), o->base);
	}
	px_buf_free(&different);
	return rc;
}

int px_kept_aside(const struct px_outgoing *o, const char *id, struct px_buf *why)
{
	static const char *const suffixes[] = {"px", "coa", "coe"};
	struct px_buf from = PX_BUF_INIT, to = PX_BUF_INIT;
	int rc = PX_OK;
	for (size_t i = 0; rc == PX_OK && i < PX_ARRAY_LEN(suffixes); i++) {
		px_outgoing_beside(o, suffixes[i], &from);
		px_buf_setf(&to, "%s.%s.%s", o->base, id, suffixes[i]);
		if (rename(px_buf_str(&from), px_buf_str(&to)) != 0 && errno != ENOENT) {
			px_buf_setf(why, "cannot rename %s: %s", px_buf_str(&from), strerror(errno));
			rc = PX_ESYS;
		}
	}
	px_buf_free(&from);
	px_buf_free(&to);
	return rc;
}
