/* prinex: TLS: certificates, keys and CRLs from files
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/limits.h"
#include "base/strings.h"
#include "net/tls_internal.h"

static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return reason != NULL ? reason : "not readable";
}

/* Nobody is there to type a password. */
static int no_password(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;
}

static BIO *open_pem(struct px_buf *data, const char *file, size_t max, struct px_buf *why)
{
	if (px_buf_read_file(data, file, max, why) != PX_OK)
		return NULL;
	BIO *bio = BIO_new_mem_buf(data->data != NULL ? (void *)data->data : (void *)"", (int)data->len);
	px_assert(bio != NULL);
	return bio;
}

STACK_OF(X509_INFO) * px_tls_read_pem(const char *file, size_t max, struct px_buf *why)
{
	struct px_buf data = PX_BUF_INIT;
	BIO *bio = open_pem(&data, file, max, why);
	if (bio == NULL)
		return NULL;
	STACK_OF(X509_INFO) *list = PEM_X509_INFO_read_bio(bio, NULL, no_password, NULL);
	if (list == NULL)
		px_buf_setf(why, "%s: not a PEM file of certificates: %s", file, openssl_reason());
	BIO_free(bio);
	px_buf_free(&data);
	return list;
}

static EVP_PKEY *read_key(const char *file, struct px_buf *why)
{
	struct px_buf data = PX_BUF_INIT;
	BIO *bio = open_pem(&data, file, (size_t)PX_LIMIT_KEY_FILE, why);
	if (bio == NULL)
		return NULL;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	if (key == NULL)
		px_buf_setf(why, "%s: not a private key in PEM without a password: %s", file,
			    openssl_reason());
	BIO_free(bio);
	OPENSSL_cleanse(data.data, data.len);
	px_buf_free(&data);
	return key;
}

/* --- the list of what is in use --------------------------------------------------------------------- */

static int64_t wall_ms(const ASN1_TIME *t)
{
	struct tm tm;
	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm) * 1000;
}

static char *name_text(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	px_assert(bio != NULL);
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	/* an empty name, which is good where there are alternative ones, leaves no data at all */
	char *text = len > 0 ? px_xstrndup(data, (size_t)len) : px_xstrdup("");
	BIO_free(bio);
	return text;
}

static struct px_tls_certificate *list_add(struct px_tls *tls, const char *what, const char *file)
{
	if (tls->n_certificates == tls->room) {
		tls->room = PX_MAX(tls->room * 2, 16U);
		tls->certificates =
		    px_xrealloc_array(tls->certificates, tls->room, sizeof(tls->certificates[0]));
	}
	struct px_tls_certificate *c = &tls->certificates[tls->n_certificates++];
	*c = (struct px_tls_certificate){.what = px_xstrdup(what), .file = px_xstrdup(file)};
	return c;
}

static void list_certificate(struct px_tls *tls, const char *what, const char *file, X509 *cert)
{
	struct px_tls_certificate *c = list_add(tls, what, file);
	c->subject = name_text(X509_get_subject_name(cert));
	c->not_before = wall_ms(X509_get0_notBefore(cert));
	c->not_after = wall_ms(X509_get0_notAfter(cert));
}

static void list_crl(struct px_tls *tls, const char *what, const char *file, const X509_CRL *crl)
{
	struct px_tls_certificate *c = list_add(tls, what, file);
	c->subject = name_text(X509_CRL_get_issuer(crl));
	c->not_before = wall_ms(X509_CRL_get0_lastUpdate(crl));
	c->not_after = wall_ms(X509_CRL_get0_nextUpdate(crl));
	c->is_crl = true;
}

void px_tls_free_lists(struct px_tls *tls)
{
	for (unsigned i = 0; i < tls->n_certificates; i++) {
		PX_FREE(tls->certificates[i].what);
		PX_FREE(tls->certificates[i].file);
		PX_FREE(tls->certificates[i].subject);
	}
	PX_FREE(tls->certificates);
	for (unsigned i = 0; i < tls->n_trusts; i++) {
		X509_STORE_free(tls->trusts[i].store);
		free(tls->trusts[i].pins);
	}
	PX_FREE(tls->trusts);
}

/* --- the node's own --------------------------------------------------------------------------------- */

/* The first certificate of @file into @leaf, the others into @chain (either NULL: only listed). */
static int load_own(struct px_tls *tls, const char *file, const char *what, X509 **leaf,
		    STACK_OF(X509) * chain, struct px_buf *why)
{
	STACK_OF(X509_INFO) *list = px_tls_read_pem(file, (size_t)PX_LIMIT_KEY_FILE, why);
	if (list == NULL)
		return PX_ECONF;
	unsigned n = 0;
	char issuer[64];
	snprintf(issuer, sizeof(issuer), "%s chain", what);
	for (int i = 0; i < sk_X509_INFO_num(list); i++) {
		X509 *cert = sk_X509_INFO_value(list, i)->x509;
		if (cert == NULL)
			continue;
		list_certificate(tls, n == 0 ? what : issuer, file, cert);
		X509_up_ref(cert);
		if (n++ == 0)
			*leaf = cert;
		else
			px_assert(sk_X509_push(chain, cert) > 0);
	}
	sk_X509_INFO_pop_free(list, X509_INFO_free);
	if (n > 0)
		return PX_OK;
	px_buf_setf(why, "%s: no certificate in this file", file);
	return PX_ECONF;
}

static int check_own(X509 *leaf, const char *cert_file, const char *key_file, EVP_PKEY **key,
		     struct px_buf *why)
{
	*key = read_key(key_file, why);
	if (*key == NULL)
		return PX_ECONF;
	if (X509_check_private_key(leaf, *key) == 1)
		return PX_OK;
	ERR_clear_error();
	px_buf_setf(why, "%s: not the key of the certificate in %s", key_file, cert_file);
	return PX_ECONF;
}

int px_tls_load_node(struct px_tls *tls, struct px_buf *why)
{
	const struct px_conf_node *node = &tls->conf->node;
	tls->chain = sk_X509_new_null();
	px_assert(tls->chain != NULL);
	int rc = load_own(tls, node->tls_certificate, "node tls", &tls->leaf, tls->chain, why);
	if (rc == PX_OK)
		rc = check_own(tls->leaf, node->tls_certificate, node->tls_key, &tls->key, why);
	if (rc != PX_OK)
		return rc;
	/* The signing certificate is not used here, but belongs into the list of what may end. */
	X509 *sign = NULL;
	STACK_OF(X509) *chain = sk_X509_new_null();
	px_assert(chain != NULL);
	rc = load_own(tls, node->sign_certificate, "node sign", &sign, chain, why);
	X509_free(sign);
	sk_X509_pop_free(chain, X509_free);
	return rc;
}

/* --- the others' ------------------------------------------------------------------------------------ */

/* Adds the certificates (or the CRLs) of one file to @store (NULL: they are only listed). */
static int load_file(struct px_tls *tls, const char *file, bool crls, const char *whose, X509_STORE *store,
		     struct px_buf *why)
{
	size_t max = (size_t)(crls ? PX_LIMIT_CRL_FILE : PX_LIMIT_KEY_FILE);
	STACK_OF(X509_INFO) *list = px_tls_read_pem(file, max, why);
	if (list == NULL)
		return PX_ECONF;
	char what[128];
	snprintf(what, sizeof(what), "%s of %s", crls ? "crl" : "anchor", whose);
	unsigned n = 0;
	for (int i = 0; i < sk_X509_INFO_num(list); i++) {
		const X509_INFO *info = sk_X509_INFO_value(list, i);
		if (crls && info->crl != NULL) {
			list_crl(tls, what, file, info->crl);
			px_assert(store == NULL || X509_STORE_add_crl(store, info->crl) == 1);
			n++;
		} else if (!crls && info->x509 != NULL) {
			list_certificate(tls, what, file, info->x509);
			px_assert(store == NULL || X509_STORE_add_cert(store, info->x509) == 1);
			n++;
		}
	}
	sk_X509_INFO_pop_free(list, X509_INFO_free);
	if (n > 0)
		return PX_OK;
	px_buf_setf(why, "%s: no %s in this file", file, crls ? "revocation list" : "certificate");
	return PX_ECONF;
}

static int load_trust(struct px_tls *tls, const struct px_conf_trust *trust, const char *whose,
		      X509_STORE *store, struct px_buf *why)
{
	int rc = PX_OK;
	for (unsigned i = 0; i < trust->anchors.n && rc == PX_OK; i++)
		rc = load_file(tls, trust->anchors.items[i], false, whose, store, why);
	for (unsigned i = 0; i < trust->crls.n && rc == PX_OK; i++)
		rc = load_file(tls, trust->crls.items[i], true, whose, store, why);
	return rc;
}

static int load_partner(struct px_tls *tls, struct px_tls_trust *t, const struct px_conf_partner *partner,
			struct px_buf *why)
{
	t->partner = partner;
	t->store = X509_STORE_new(); /* without default paths: the system's CAs are unknown here */
	px_assert(t->store != NULL);
	t->n_pins = partner->tls.pins.n;
	t->pins = px_xcalloc(PX_MAX(t->n_pins, 1U), sizeof(t->pins[0]));
	for (unsigned i = 0; i < t->n_pins; i++) {
		if (px_unhex(partner->tls.pins.items[i], t->pins[i], PX_DIGEST_LEN) != PX_OK) {
			px_buf_setf(why, "partner \"%s\": pin '%s' is not a SHA-256 in hex", partner->name,
				    partner->tls.pins.items[i]);
			return PX_ECONF;
		}
	}
	char whose[80];
	snprintf(whose, sizeof(whose), "partner %s", partner->name);
	return load_trust(tls, &partner->tls, whose, t->store, why);
}

int px_tls_load_trusts(struct px_tls *tls, struct px_buf *why)
{
	const struct px_conf *conf = tls->conf;
	int rc = PX_OK;
	tls->trusts = px_xcalloc(PX_MAX(conf->n_partners, 1U), sizeof(tls->trusts[0]));
	tls->n_trusts = conf->n_partners;
	for (unsigned i = 0; i < conf->n_partners && rc == PX_OK; i++)
		rc = load_partner(tls, &tls->trusts[i], &conf->partners[i], why);
	/* Signing trust is the inspectors' to use; here it is only listed. */
	for (unsigned i = 0; i < conf->n_authorities; i++) {
		const struct px_conf_authority *a = &conf->authorities[i];
		for (unsigned role = 0; role < PX_ARRAY_LEN(a->trust) && rc == PX_OK; role++) {
			char whose[80];
			snprintf(whose, sizeof(whose), "authority %s %s", a->code,
				 px_role_name((enum px_role)role));
			rc = load_trust(tls, &a->trust[role], whose, NULL, why);
		}
	}
	return rc;
}
