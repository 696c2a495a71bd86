/* prinex: documents of a case: made, signed, changed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libgen.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strings.h"
#include "cast.h"
#include "client/files.h"
#include "client/payload.h"
#include "peer_answer.h"
#include "xml/sign.h"

#define DOCUMENT_MAX (64 << 20)
#define DEFAULT_TYPE "PreArrivalNotice"

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

/* --- payloads --- */

static bool readable(struct px_buf *path, const char *folder, const char *name)
{
	px_buf_setf(path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
	return access(px_buf_str(path), R_OK) == 0;
}

static int find_file(struct px_play *p, const char *name, struct px_buf *path)
{
	struct px_buf examples = PX_BUF_INIT;
	px_buf_addf(&examples, "%s/schemas/examples", p->venue->root);
	bool found = name[0] == '/'
			 ? readable(path, "", name)
			 : readable(path, p->here, name) || readable(path, px_buf_str(&examples), name);
	px_buf_free(&examples);
	return found
		   ? PX_OK
		   : px_fail(p, "a file beside the scenario or in schemas/examples", "there is no %s", name);
}

int px_read_file(struct px_play *p, const char *name, struct px_buf *out)
{
	struct px_buf path = PX_BUF_INIT, why = PX_BUF_INIT;
	int rc = find_file(p, name, &path);
	if (rc == PX_OK && px_buf_read_file(out, px_buf_str(&path), DOCUMENT_MAX, &why) != PX_OK)
		rc = px_fail(p, "a file that can be read", "%s", px_buf_str(&why));
	px_buf_free(&path);
	px_buf_free(&why);
	return rc;
}

/* Text of all elements of this name. */
static int set_all(struct px_play *p, struct px_buf *doc, const char *name, const char *value)
{
	struct px_buf out = PX_BUF_INIT;
	char open[64];
	unsigned found = 0;
	snprintf(open, sizeof(open), "<%s>", name);
	const char *at = px_buf_str(doc), *hit;
	while ((hit = strstr(at, open)) != NULL) {
		hit += strlen(open);
		px_buf_add(&out, at, (size_t)(hit - at));
		px_buf_add_xml_text(&out, value, strlen(value));
		at = hit + strcspn(hit, "<");
		found++;
	}
	px_buf_adds(&out, at);
	px_buf_free(doc);
	*doc = out;
	return found > 0 ? PX_OK
			 : px_fail(p, "an element whose text can be set", "the payload has no <%s>", name);
}

static void add_padding(struct px_buf *root, int64_t octets)
{
	struct px_buf out = PX_BUF_INIT;
	size_t open = 0;
	while (open < root->len && root->data[open] != '>')
		open++;
	px_buf_add(&out, root->data, open + 1);
	px_buf_adds(&out, "<!--");
	for (int64_t i = 0; i < octets; i++)
		px_buf_addc(&out, (char)('a' + i % 26));
	px_buf_adds(&out, "-->");
	px_buf_add(&out, root->data + open + 1, root->len - open - 1);
	px_buf_free(root);
	*root = out;
}

static void type_of_file(const char *from, char *out, size_t size)
{
	char *copy = px_xstrdup(from), *name = basename(copy);
	px_strlcpy_n(out, name, strcspn(name, "-."), size);
	free(copy);
}

/* The root element of what is to be sent. */
static int payload(struct px_play *p, const struct px_call *call, const char *type, struct px_buf *out)
{
	struct px_buf raw = PX_BUF_INIT, name = PX_BUF_INIT, why = PX_BUF_INIT;
	const char *from = px_call_key(call, "from");
	struct px_document doc;
	int rc = PX_OK;
	px_buf_addf(&name, "%s-small.xml", type);
	if (call->body.s != NULL)
		px_buf_add(&raw, call->body.s, call->body.n);
	else
		rc = px_read_file(p, from != NULL ? from : px_buf_str(&name), &raw);
	if (rc == PX_OK && px_document_read(raw.data, raw.len, "", &doc, &why) != PX_OK) {
		rc = px_fail(p, "a payload that is XML", "%s", px_buf_str(&why));
	} else if (rc == PX_OK) {
		px_buf_add(out, doc.octets.data + doc.root, doc.root_len);
		px_document_free(&doc);
	}
	px_buf_free(&raw);
	px_buf_free(&name);
	px_buf_free(&why);
	return rc;
}

static void numbered(const char *pattern, unsigned number, struct px_buf *out)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '%' && number > 0)
			px_buf_addf(out, "%u", number);
		else
			px_buf_addc(out, *pattern);
	}
}

/* --- keys: each document about a consignment of its own, unless it is said --- */

static unsigned digit_value(char c)
{
	if (c <= '9')
		return (unsigned)(c - '0');
	unsigned v = 10 + (unsigned)(c - 'A');
	/* A10 B12 ... K21 L23 ... U32 V34: multiples of eleven are left out */
	return v + 1 - (c == 'A') + (c > 'K') + (c > 'U');
}

/* Another MRN of the same year, country and kind: twelve characters by chance, and the check character. */
static bool fresh_mrn(const struct px_buf *root, char out[19])
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
	unsigned char chance[12];
	unsigned long sum = 0;
	const char *at = strstr(px_buf_str(root), "<MRN>");
	if (at == NULL || strcspn(at + 5, "<") != 18)
		return false;
	px_strlcpy_n(out, at + 5, 18, 19);
	px_assert(RAND_bytes(chance, sizeof(chance)) == 1);
	for (unsigned i = 0; i < sizeof(chance); i++)
		out[4 + i] = alphabet[chance[i] % (sizeof(alphabet) - 1)];
	for (unsigned i = 0; i < 17; i++)
		sum += (unsigned long)digit_value(out[i]) << i;
	out[17] = (char)('0' + sum % 11 % 10);
	return true;
}

static void fresh_keys(struct px_play *p, const struct px_call *call, struct px_buf *root)
{
	unsigned char chance[6];
	char hex[13], lrn[20], mrn[19];
	if (call->body.s != NULL)
		return;
	px_assert(RAND_bytes(chance, sizeof(chance)) == 1);
	px_hex(chance, sizeof(chance), hex);
	snprintf(lrn, sizeof(lrn), "SCN-%s", hex);
	if (px_call_key(call, "lrn") == NULL && strstr(px_buf_str(root), "<LRN>") != NULL)
		(void)set_all(p, root, "LRN", lrn);
	if (px_call_key(call, "mrn") == NULL && fresh_mrn(root, mrn))
		(void)set_all(p, root, "MRN", mrn);
}

static int fill_payload(struct px_play *p, const struct px_call *call, const char *type, unsigned number,
			struct px_buf *root)
{
	static const char *const keys[] = {"lrn", "LRN", "mrn", "MRN"};
	int rc = payload(p, call, type, root);
	if (rc == PX_OK)
		fresh_keys(p, call, root);
	for (unsigned i = 0; rc == PX_OK && i < PX_ARRAY_LEN(keys); i += 2) {
		const char *value = px_call_key(call, keys[i]);
		struct px_buf text = PX_BUF_INIT;
		if (value == NULL || strcmp(value, "as-is") == 0)
			continue;
		numbered(value, number, &text);
		rc = set_all(p, root, keys[i + 1], px_buf_str(&text));
		px_buf_free(&text);
	}
	if (rc == PX_OK && px_call_key(call, "pad") != NULL)
		add_padding(root, px_call_number(call, "pad", 0));
	if (rc == PX_OK &&
	    (px_call_key(call, "declarant") != NULL || px_call_key(call, "destination") != NULL))
		rc = px_fail(p, "the payload to say declarant and destination",
			     "these words are for virtual scenarios");
	return rc;
}

int px_make_payload(struct px_play *p, const struct px_call *call, struct px_buf *out)
{
	const char *type = px_call_key(call, "type"), *from = px_call_key(call, "from");
	char guessed[PX_TYPE_MAX + 1] = "";
	if (type == NULL && from == NULL)
		type = DEFAULT_TYPE;
	if (type == NULL)
		type_of_file(from, guessed, sizeof(guessed));
	return fill_payload(p, call, type != NULL ? type : guessed, 0, out);
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
		numbered(id, number, &text);
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
		type = DEFAULT_TYPE;
	if (type == NULL)
		type_of_file(from, guessed, sizeof(guessed));
	type = type != NULL ? type : guessed;
	int rc = header(p, call, d->by, type, number, &h);
	if (rc == PX_OK)
		rc = fill_payload(p, call, type, number, &root);
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
	struct px_actor *by = p->last;
	const char *named = px_call_key(call, "by");
	struct px_buf id = PX_BUF_INIT;
	by = named != NULL ? px_find_actor(p, named) : p->n_actors > 0 ? p->actors[0] : NULL;
	if (by == NULL)
		return named != NULL ? PX_EINVAL : px_fail(p, "a system, declared before", "there is none");
	struct px_doc *d = px_doc_add(p, name);
	d->by = by;
	if (px_call_key(call, "id") != NULL)
		numbered(px_call_key(call, "id"), number, &id);
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
	if (rc == PX_OK && once.len * (uint64_t)times > DOCUMENT_MAX)
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
