/* prinex: documents of a case: made, signed, changed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/pem.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "base/strings.h"
#include "cast.h"
#include "client/files.h"
#include "client/payload.h"
#include "make.h"
#include "peer_answer.h"
#include "xml/sign.h"

struct px_doc *px_doc_add(struct px_play *p, const char *name)
{
	struct px_doc *d = NULL;
	for (unsigned i = 0; i < p->n_docs; i++) {
		if (strcmp(p->docs[i]->name, name) == 0)
			d = p->docs[i];
	}
	if (d != NULL) { /* in a `repeat` the name is given again */
		px_buf_clear(&d->octets);
		px_buf_clear(&d->unsigned_octets);
		return d;
	}
	d = px_xcalloc(1, sizeof(*d));
	d->name = px_xstrdup(name);
	p->docs = px_xrealloc_array(p->docs, p->n_docs + 1, sizeof(struct px_doc *));
	p->docs[p->n_docs++] = d;
	return d;
}

void px_doc_read(struct px_doc *d)
{
	px_sha256(d->octets.data, d->octets.len, d->digest);
	px_peer_first(d->octets.data, d->octets.len, "Sender", d->sender, sizeof(d->sender));
	px_peer_first(d->octets.data, d->octets.len, "MessageId", d->id, sizeof(d->id));
	px_peer_first(d->octets.data, d->octets.len, "MessageType", d->type, sizeof(d->type));
}

void px_doc_free(struct px_doc *d)
{
	px_buf_free(&d->octets);
	px_buf_free(&d->unsigned_octets);
	free(d->name);
	free(d->sign_cert);
	free(d->sign_key);
	free(d->file);
	free(d);
}

/* Beside configurations and logs, for whoever looks at a failure. */
static int finish(struct px_play *p, struct px_doc *d)
{
	struct px_buf path = PX_BUF_INIT, why = PX_BUF_INIT;
	px_doc_read(d);
	px_buf_addf(&path, "%s/%s.xml", p->dir, d->name);
	int rc = px_file_put(px_buf_str(&path), d->octets.data, d->octets.len, &why);
	free(d->file);
	d->file = (char *)px_buf_detach(&path, &(size_t){0});
	if (rc != PX_OK)
		rc = px_fail(p, "a file in the case's folder", "%s", px_buf_str(&why));
	px_buf_free(&why);
	return rc;
}

/* --- signing --- */

/* Loads whatever is there, fit or not: px_seal_key_load would refuse what a test wants to show. */
static int load_pair(const char *cert, const char *key, EVP_PKEY **pkey, STACK_OF(X509) * *chain)
{
	FILE *f = fopen(key, "re");
	X509 *x;
	*pkey = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (f != NULL)
		fclose(f);
	*chain = sk_X509_new_null();
	f = fopen(cert, "re");
	while (f != NULL && (x = PEM_read_X509(f, NULL, NULL, NULL)) != NULL)
		sk_X509_push(*chain, x);
	if (f != NULL)
		fclose(f);
	return *pkey != NULL && sk_X509_num(*chain) > 0 ? PX_OK : PX_ECONF;
}

/* KeyInfo is covered by no signature: these certificates take the place of those in it. */
static void swap_certificates(struct px_buf *doc, const STACK_OF(X509) * chain)
{
	static const char start[] = "<ds:X509Data>", end[] = "</ds:X509Data>";
	struct px_buf out = PX_BUF_INIT;
	const char *text = px_buf_str(doc), *from = strstr(text, start), *to = strstr(text, end);
	px_assert(from != NULL && to != NULL);
	px_buf_add(&out, text, (size_t)(from - text) + sizeof(start) - 1);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		unsigned char *der = NULL;
		int len = i2d_X509(sk_X509_value(chain, i), &der);
		px_buf_adds(&out, "<ds:X509Certificate>");
		px_base64(&out, der, (size_t)len);
		px_buf_adds(&out, "</ds:X509Certificate>");
		OPENSSL_free(der);
	}
	px_buf_add(&out, to, doc->len - (size_t)(to - text));
	px_buf_free(doc);
	*doc = out;
}

/* With a key that our own code does not sign with: the maker's key, and the certificates asked for.
 * Certificates are judged before the signature value is. */
static int sign_unfit(struct px_doc *d, const STACK_OF(X509) * unfit, struct px_buf *why)
{
	EVP_PKEY *key = NULL;
	STACK_OF(X509) *chain = NULL;
	int rc = load_pair(d->by->sign_cert, d->by->sign_key, &key, &chain);
	if (rc == PX_OK)
		rc = px_xml_sign(d->unsigned_octets.data, d->unsigned_octets.len, key, chain,
				 (enum px_sign_digest)d->digest_kind, &d->octets, why);
	if (rc == PX_OK)
		swap_certificates(&d->octets, unfit);
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
	return rc;
}

static int sign(struct px_play *p, struct px_doc *d)
{
	EVP_PKEY *key = NULL;
	STACK_OF(X509) *chain = NULL;
	struct px_buf why = PX_BUF_INIT;
	px_buf_clear(&d->octets);
	int rc = PX_OK;
	if (d->sign_cert == NULL) {
		px_buf_add(&d->octets, d->unsigned_octets.data, d->unsigned_octets.len);
		return rc;
	}
	if (load_pair(d->sign_cert, d->sign_key, &key, &chain) != PX_OK) {
		rc = PX_ECONF;
		px_buf_setf(&why, "%s, %s: cannot be read", d->sign_cert, d->sign_key);
	} else {
		rc = px_xml_sign(d->unsigned_octets.data, d->unsigned_octets.len, key, chain,
				 (enum px_sign_digest)d->digest_kind, &d->octets, &why);
	}
	if (rc == PX_EINVAL)
		rc = sign_unfit(d, chain, &why);
	if (rc != PX_OK)
		rc = px_fail(p, "a document that can be signed, a certificate and a key", "%s",
			     px_buf_str(&why));
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
	px_buf_free(&why);
	return rc;
}

/* --- headers --- */

int px_when(struct px_play *p, const char *text, int64_t now, int64_t *out)
{
	int64_t ms;
	if ((text[0] == '-' || text[0] == '+') && px_time_word(text + 1, &ms) == PX_OK) {
		*out = now + (text[0] == '-' ? -ms : ms);
		return PX_OK;
	}
	if (px_time_parse(text, out) == PX_OK)
		return PX_OK;
	return px_fail(p, "a time: 2026-11-23T08:15:00Z, or from now: -31d, +2h", "%s", text);
}

static int recipients(struct px_play *p, const struct px_call *call, struct px_header *h)
{
	const char *to = px_call_key(call, "to");
	char list[PX_RECIPIENTS_MAX * (PX_AUTHORITY_MAX + 1)], *rest = list, *one;
	if (to == NULL && p->script->profiles != 0)
		to = px_venue_to(p->venue);
	if (to == NULL)
		return px_fail(p, "to=AUTHORITY, or to=none where the routes decide", "neither");
	px_strlcpy(list, to, sizeof(list));
	while (strcmp(to, "none") != 0 && (one = strsep(&rest, ",")) != NULL) {
		if (h->n_recipients == PX_RECIPIENTS_MAX)
			return px_fail(p, "at most 16 recipients", "%s", to);
		px_strlcpy(h->recipients[h->n_recipients++], one, sizeof(h->recipients[0]));
	}
	return PX_OK;
}

static int header(struct px_play *p, const struct px_call *call, const struct px_actor *by, const char *type,
		  unsigned number, struct px_header *h)
{
	const char *id = px_call_key(call, "id"), *sender = px_call_key(call, "sender"),
		   *created = px_call_key(call, "created"), *expires = px_call_key(call, "expires"),
		   *environment = px_call_key(call, "environment"), *version = px_call_key(call, "version"),
		   *correlation = px_call_key(call, "correlation");
	int64_t now = px_clock_wall(px_clock_real());
	uint64_t chance;
	px_assert(RAND_bytes((unsigned char *)&chance, sizeof(chance)) == 1);
	*h = (struct px_header){.created_at = now - now % 1000};
	px_strlcpy(h->sender, sender != NULL ? sender : by->authority, sizeof(h->sender));
	px_strlcpy(h->environment, environment != NULL ? environment : by->broker->environment,
		   sizeof(h->environment));
	px_strlcpy(h->type, type, sizeof(h->type));
	px_strlcpy(h->type_version, version != NULL ? version : "", sizeof(h->type_version));
	px_strlcpy(h->correlation_id, correlation != NULL ? correlation : "", sizeof(h->correlation_id));
	px_fresh_id(by->authority, now, chance, h->message_id);
	if (id != NULL) {
		struct px_buf text = PX_BUF_INIT;
		px_numbered(id, number, &text);
		px_strlcpy(h->message_id, px_buf_str(&text), sizeof(h->message_id));
		px_buf_free(&text);
	}
	int rc = recipients(p, call, h);
	if (rc == PX_OK && created != NULL)
		rc = px_when(p, created, h->created_at, &h->created_at);
	if (rc == PX_OK && expires != NULL)
		rc = px_when(p, expires, now - now % 1000, &h->expires_at);
	return rc;
}

/* --- make --- */

static int choose_key(struct px_play *p, const struct px_call *call, struct px_doc *d)
{
	const char *spec = px_call_key(call, "signed"), *kind = px_call_key(call, "key"),
		   *digest = px_call_key(call, "digest");
	const struct px_actor *by = d->by;
	PX_FREE(d->sign_cert);
	PX_FREE(d->sign_key);
	d->digest_kind = digest == NULL || strcmp(digest, "sha256") == 0 ? PX_SIGN_SHA256
			 : strcmp(digest, "sha384") == 0                 ? PX_SIGN_SHA384
									 : PX_SIGN_SHA512;
	if (spec != NULL && strcmp(spec, "no") == 0)
		return PX_OK;
	if (spec != NULL && strchr(spec, '/') != NULL) {
		px_sign_pair(p, by, spec, &d->sign_cert, &d->sign_key);
		return PX_OK;
	}
	const struct px_actor *signer = spec != NULL ? px_find_actor(p, spec) : by;
	if (signer == NULL)
		return PX_EINVAL;
	d->sign_cert = px_xstrdup(signer->sign_cert);
	d->sign_key = px_xstrdup(signer->sign_key);
	if (kind != NULL && strcmp(kind, "ec") == 0) {
		char *folder = px_pki_path(p, "%s/system", signer->authority);
		struct px_buf path = PX_BUF_INIT;
		px_buf_addf(&path, "%s/sign-ec.pem", folder);
		free(d->sign_cert);
		d->sign_cert = (char *)px_buf_detach(&path, &(size_t){0});
		px_buf_addf(&path, "%s/sign-ec.key", folder);
		free(d->sign_key);
		d->sign_key = (char *)px_buf_detach(&path, &(size_t){0});
		free(folder);
	}
	return PX_OK;
}

static int make_real(struct px_play *p, const struct px_call *call, struct px_doc *d, unsigned number)
{
	const char *type = px_call_key(call, "type"), *from = px_call_key(call, "from");
	char guessed[PX_TYPE_MAX + 1] = "";
	struct px_header h;
	struct px_buf root = PX_BUF_INIT;
	if (type == NULL && from == NULL)
		type = PX_DEFAULT_TYPE;
	if (type == NULL)
		px_type_of_file(from, guessed, sizeof(guessed));
	type = type != NULL ? type : guessed;
	int rc = header(p, call, d->by, type, number, &h);
	if (rc == PX_OK)
		rc = px_fill_payload(p, call, type, number, &root);
	if (rc == PX_OK)
		rc = choose_key(p, call, d);
	if (rc == PX_OK) {
		if (px_call_yes(call, "bom"))
			px_buf_adds(&d->unsigned_octets, "\xef\xbb\xbf");
		px_wrap(&d->unsigned_octets, &h, root.data, root.len);
		rc = sign(p, d);
	}
	px_buf_free(&root);
	return rc;
}

static int make_one(struct px_play *p, const struct px_call *call, const char *name, unsigned number)
{
	const char *named = px_call_key(call, "by");
	struct px_buf id = PX_BUF_INIT;
	struct px_actor *by = named != NULL ? px_find_actor(p, named) : p->n_actors > 0 ? p->actors[0] : NULL;
	if (by == NULL)
		return named != NULL ? PX_EINVAL : px_fail(p, "a system, declared before", "there is none");
	struct px_doc *d = px_doc_add(p, name);
	d->by = by;
	if (px_call_key(call, "id") != NULL)
		px_numbered(px_call_key(call, "id"), number, &id);
	int rc = p->sim != NULL ? px_sim_compose(p, call, d, px_buf_str(&id)) : make_real(p, call, d, number);
	px_buf_free(&id);
	return rc == PX_OK ? finish(p, d) : rc;
}

int px_cmd_make(struct px_play *p, const struct px_call *call)
{
	int64_t count = px_call_number(call, "count", 0);
	int rc = PX_OK;
	if (count == 0)
		return make_one(p, call, px_call_word(call, 0), 0);
	for (int64_t i = 1; rc == PX_OK && i <= count; i++) {
		char name[80];
		snprintf(name, sizeof(name), "%s.%u", px_call_word(call, 0), (unsigned)i);
		rc = make_one(p, call, name, (unsigned)i);
	}
	return rc;
}

int px_cmd_bytes(struct px_play *p, const struct px_call *call)
{
	struct px_doc *d = px_doc_add(p, px_call_word(call, 0));
	const char *file = px_call_key(call, "file");
	int64_t times = px_call_number(call, "times", 1);
	struct px_buf once = PX_BUF_INIT;
	int rc = file != NULL ? px_read_file(p, file, &once) : PX_OK;
	if (call->body.s != NULL)
		px_buf_add(&once, call->body.s, call->body.n);
	if (rc == PX_OK && once.len * (uint64_t)times > PX_DOCUMENT_MAX)
		rc = px_fail(p, "at most 64 MiB", "%llu octets",
			     (unsigned long long)(once.len * (uint64_t)times));
	for (int64_t i = 0; rc == PX_OK && i < times; i++)
		px_buf_add(&d->octets, once.data, once.len);
	px_buf_free(&once);
	return rc == PX_OK ? finish(p, d) : rc;
}

int px_cmd_copy(struct px_play *p, const struct px_call *call)
{
	const struct px_doc *from = px_find_doc(p, px_call_word(call, 1));
	if (from == NULL)
		return PX_EINVAL;
	struct px_doc *d = px_doc_add(p, px_call_word(call, 0));
	px_buf_add(&d->octets, from->octets.data, from->octets.len);
	px_buf_add(&d->unsigned_octets, from->unsigned_octets.data, from->unsigned_octets.len);
	d->by = from->by;
	d->digest_kind = from->digest_kind;
	d->sign_cert = from->sign_cert != NULL ? px_xstrdup(from->sign_cert) : NULL;
	d->sign_key = from->sign_key != NULL ? px_xstrdup(from->sign_key) : NULL;
	return finish(p, d);
}

/* --- edit, mutate --- */

/* Where to put what: [from, to) of the octets is replaced. */
static int place(struct px_play *p, const struct px_buf *doc, const struct px_call *call, size_t *from,
		 size_t *to)
{
	const char *how = px_call_word(call, 1);
	const struct px_word *what = &call->words[2];
	struct px_buf open = PX_BUF_INIT;
	bool set = strcmp(how, "set") == 0;
	if (set)
		px_buf_addf(&open, "<%s>", what->s);
	const void *find = set ? (const void *)open.data : what->s;
	size_t len = set ? open.len : what->n;
	const uint8_t *hit = len > 0 ? memmem(doc->data, doc->len, find, len) : NULL;
	px_buf_free(&open);
	if (hit == NULL)
		return px_fail(p, "a place to change", "the document has no %s%s%s", set ? "<" : "", what->s,
			       set ? ">" : "");
	*from = (size_t)(hit - doc->data);
	*to = *from + len;
	if (strcmp(how, "before") == 0)
		*to = *from;
	if (strcmp(how, "after") == 0 || set)
		*from = *to;
	while (set && *to < doc->len && doc->data[*to] != '<')
		++*to;
	return PX_OK;
}

static int change(struct px_play *p, struct px_buf *doc, const struct px_call *call)
{
	size_t from = 0, to = 0;
	struct px_buf out = PX_BUF_INIT;
	bool two = strcmp(px_call_word(call, 1), "delete") != 0;
	if (two != (call->n == 4))
		return px_fail(p, two ? "what to put there" : "only what to delete", "%u words", call->n - 2);
	int rc = place(p, doc, call, &from, &to);
	if (rc != PX_OK)
		return rc;
	px_buf_add(&out, doc->data, from);
	if (two)
		px_buf_add(&out, call->words[3].s, call->words[3].n);
	px_buf_add(&out, doc->data + to, doc->len - to);
	px_buf_free(doc);
	*doc = out;
	return PX_OK;
}

int px_cmd_edit(struct px_play *p, const struct px_call *call)
{
	struct px_doc *d = px_find_doc(p, px_call_word(call, 0));
	if (d == NULL)
		return PX_EINVAL;
	if (d->unsigned_octets.len == 0)
		return px_fail(p, "an exchange of make", "%s is none (mutate changes any octets)", d->name);
	int rc = change(p, &d->unsigned_octets, call);
	if (rc == PX_OK)
		rc = sign(p, d);
	return rc == PX_OK ? finish(p, d) : rc;
}

int px_cmd_mutate(struct px_play *p, const struct px_call *call)
{
	struct px_doc *d = px_find_doc(p, px_call_word(call, 0));
	if (d == NULL)
		return PX_EINVAL;
	int rc = change(p, &d->octets, call);
	return rc == PX_OK ? finish(p, d) : rc;
}
