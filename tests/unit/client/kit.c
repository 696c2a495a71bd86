/* prinex: what the tests of the client share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

void kit_make_key(const char *key_file, const char *cert_file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	FILE *f = fopen(key_file, "w");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	f = fopen(cert_file, "w");
	PEM_write_X509(f, cert);
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
}

const char *kit_path(const char *folder, const char *name)
{
	static char path[8][512];
	static unsigned turn;
	char *to = path[turn++ % 8];
	snprintf(to, sizeof(path[0]), "%s/%s", folder, name);
	return to;
}

void kit_put(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}
