/* prinex: for tests of what flow writes: temporary keys, xmllint, xmlsec1, canonical form
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xmlkit.h"

#include <dirent.h>
#include <fcntl.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"

void kit_open(struct kit *kit)
{
	px_strlcpy(kit->dir, "/tmp/prinex-test.XXXXXX", sizeof(kit->dir));
	assert_non_null(mkdtemp(kit->dir));
}

void kit_close(struct kit *kit)
{
	char path[256];
	DIR *dir = opendir(kit->dir);
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		kit_path(kit, e->d_name, path);
		unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(kit->dir);
}

void kit_path(const struct kit *kit, const char *name, char *path)
{
	assert_true(snprintf(path, 256, "%s/%s", kit->dir, name) < 256);
}

void kit_write(const struct kit *kit, const char *name, const void *data, size_t len)
{
	char path[256];
	kit_path(kit, name, path);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static EVP_PKEY *make_key(const char *kind)
{
	if (strcmp(kind, "rsa-2048") == 0)
		return EVP_RSA_gen(2048);
	if (strcmp(kind, "rsa-1024") == 0)
		return EVP_RSA_gen(1024);
	if (strcmp(kind, "ed25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_EC_gen(kind);
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);
	assert_non_null(ext);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

static X509 *make_cert(EVP_PKEY *key, const char *cn, X509 *issuer, EVP_PKEY *issuer_key, bool ca)
{
	X509 *cert = X509_new();
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), issuer != NULL ? 2 : 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME *name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : name);
	add_extension(cert, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(cert, NID_key_usage, ca ? "keyCertSign" : "digitalSignature");
	bool plain = EVP_PKEY_is_a(issuer_key, "ED25519");
	assert_true(X509_sign(cert, issuer_key, plain ? NULL : EVP_sha256()) > 0);
	return cert;
}

static FILE *open_in(const struct kit *kit, const char *name, const char *suffix)
{
	char file[128], path[256];
	snprintf(file, sizeof(file), "%s%s", name, suffix);
	kit_path(kit, file, path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	return f;
}

void kit_identity(const struct kit *kit, const char *name, const char *kind)
{
	EVP_PKEY *ca = EVP_EC_gen("P-256"), *key = make_key(kind);
	assert_non_null(ca);
	assert_non_null(key);
	X509 *root = make_cert(ca, "Root", NULL, ca, true);
	X509 *middle = make_cert(ca, "Middle", root, ca, true);
	X509 *leaf = make_cert(key, name, middle, ca, false);
	FILE *f = open_in(kit, name, ".key");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	f = open_in(kit, name, ".pem");
	PEM_write_X509(f, leaf);
	PEM_write_X509(f, middle);
	PEM_write_X509(f, root);
	fclose(f);
	f = open_in(kit, name, "-root.pem");
	PEM_write_X509(f, root);
	fclose(f);
	X509_free(root);
	X509_free(middle);
	X509_free(leaf);
	EVP_PKEY_free(ca);
	EVP_PKEY_free(key);
}

void kit_need(const char *program)
{
	const char *path = getenv("PATH");
	char dirs[4096], *rest = dirs;
	px_strlcpy(dirs, path != NULL ? path : "/usr/bin", sizeof(dirs));
	for (char *dir; (dir = strsep(&rest, ":")) != NULL;) {
		char file[4200];
		snprintf(file, sizeof(file), "%s/%s", dir, program);
		if (access(file, X_OK) == 0)
			return;
	}
	skip();
}

static void show_output(const char *path)
{
	struct px_buf text = PX_BUF_INIT;
	px_buf_read_file(&text, path, 65536, NULL);
	print_message("%s\n", px_buf_str(&text));
	px_buf_free(&text);
}

int kit_run(const struct kit *kit, bool show, const char *program, ...)
{
	char *argv[20] = {(char *)program}, out[256];
	kit_path(kit, "out", out);
	va_list ap;
	va_start(ap, program);
	for (size_t i = 1; (argv[i] = va_arg(ap, char *)) != NULL; i++)
		assert_true(i + 1 < PX_ARRAY_LEN(argv));
	va_end(ap);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		execvp(program, argv);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	int rc = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	if (rc != 0 && show)
		show_output(out);
	return rc;
}

void kit_assert_valid(const struct kit *kit, const struct px_buf *doc)
{
	char path[256];
	kit_path(kit, "doc.xml", path);
	kit_write(kit, "doc.xml", doc->data, doc->len);
	assert_int_equal(kit_run(kit, true, "xmllint", "--nonet", "--noout", "--schema",
				 "schemas/xsd/exchange-1.xsd", path, NULL),
			 0);
}

void kit_assert_canonical(const struct px_buf *doc)
{
	xmlDoc *parsed = xmlReadMemory((const char *)doc->data, (int)doc->len, NULL, NULL, XML_PARSE_NONET);
	assert_non_null(parsed);
	xmlChar *canonical = NULL;
	int len = xmlC14NDocDumpMemory(parsed, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, &canonical);
	xmlFreeDoc(parsed);
	assert_true(len > 0);
	assert_string_equal((const char *)canonical, px_buf_str(doc));
	assert_int_equal(len, doc->len);
	xmlFree(canonical);
}
