/* prinex: one run of the client: settings and what is made from them when needed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/client.h"

#include <libgen.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <unistd.h>

#include "base/strings.h"
#include "conf/table.h"
#include "xml/sign.h"

/* No certificate carries it: with a pin alone the URI is not looked at. */
#define NO_URI "urn:prinex:pinned"

struct px_client {
	struct px_settings *settings;
	struct px_conf *conf;
	struct px_catalogue *cat;
	struct px_examiner *examiner;
	pthread_mutex_t examining;
	struct px_seal_key *key;
	struct px_tls *tls;
	char sender[PX_AUTHORITY_MAX + 1];
	char server_authority[PX_AUTHORITY_MAX + 1];
	enum px_role server_role;
};

volatile int px_client_stop;

bool px_client_parse_uri(const char *uri, size_t len, char *out, enum px_role *role)
{
	char text[128], *rest = text;
	if (!px_strlcpy_n(text, uri, len, sizeof(text)) || strlen(text) != len ||
	    !px_str_starts(text, "urn:prinex:"))
		return false;
	rest += strlen("urn:prinex:");
	const char *authority = strsep(&rest, ":");
	const char *role_name = strsep(&rest, ":");
	if (!px_is_authority(authority) || role_name == NULL || rest == NULL)
		return false;
	px_strlcpy(out, authority, PX_AUTHORITY_MAX + 1);
	*role = px_role_parse(role_name);
	return *role != PX_ROLE_NONE;
}

/* --- the configuration that the broker's code works under --- */

static void set(char **field, const char *value)
{
	free(*field);
	*field = px_xstrdup(value);
}

static void add_all(struct px_strings *to, const struct px_strings *from)
{
	for (unsigned i = 0; i < from->n; i++)
		px_strings_add(to, from->items[i]);
}

/* A checkout has the schemas above the folder its programs are built in; else they are where `make install`
 * puts them. */
static void find_catalogue(struct px_strings *out)
{
	char exe[4096];
	struct px_buf path = PX_BUF_INIT;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	for (unsigned up = 0; up < 4 && n > 0; up++) {
		px_buf_setf(&path, "%s/schemas/catalogue", dirname(exe));
		if (access(px_buf_str(&path), R_OK) == 0)
			break;
		px_buf_clear(&path);
	}
	if (path.len == 0)
		px_buf_setf(&path, "%s/schemas/catalogue", PX_DATADIR);
	px_buf_adds(&path, "/*.conf");
	px_strings_add(out, px_buf_str(&path));
	px_buf_free(&path);
}

static struct px_conf_trust *trust_of(struct px_conf *conf, const char *authority, enum px_role role)
{
	unsigned i = 0;
	while (i < conf->n_authorities && strcmp(conf->authorities[i].code, authority) != 0)
		i++;
	if (i == conf->n_authorities) {
		conf->authorities = px_xrealloc_array(conf->authorities, i + 1, sizeof(conf->authorities[0]));
		conf->authorities[i] =
		    (struct px_conf_authority){.code = px_xstrdup(authority), .title = px_xstrdup("")};
		conf->n_authorities++;
	}
	return &conf->authorities[i].trust[role];
}

/* `[AUTHORITY[:ROLE]=]FILE` */
static int parse_trust(const struct px_client *c, const char *option, const char *text, char *authority,
		       enum px_role *role, const char **file, struct px_buf *why)
{
	const char *eq = strchr(text, '=');
	char head[PX_AUTHORITY_MAX + 16], *role_name = head;
	*role = PX_ROLE_NODE;
	*file = text;
	px_strlcpy(authority, c->server_authority, PX_AUTHORITY_MAX + 1);
	if (eq != NULL && px_strlcpy_n(head, text, (size_t)(eq - text), sizeof(head))) {
		const char *code = strsep(&role_name, ":");
		enum px_role named = role_name != NULL ? px_role_parse(role_name) : PX_ROLE_NODE;
		if (px_is_authority(code) && (named == PX_ROLE_NODE || named == PX_ROLE_SYSTEM)) {
			px_strlcpy(authority, code, PX_AUTHORITY_MAX + 1);
			*role = named;
			*file = eq + 1;
		}
	}
	if (authority[0] != '\0')
		return PX_OK;
	px_buf_setf(why, "--%s %s: whose? Say AUTHORITY=FILE, or give --server-uri", option, text);
	return PX_ECONF;
}

static int add_trust(struct px_client *c, const char *option, const struct px_strings *list, bool crls,
		     struct px_buf *why)
{
	for (unsigned i = 0; i < list->n; i++) {
		char authority[PX_AUTHORITY_MAX + 1];
		enum px_role role;
		const char *file;
		int rc = parse_trust(c, option, list->items[i], authority, &role, &file, why);
		if (rc != PX_OK)
			return rc;
		struct px_conf_trust *t = trust_of(c->conf, authority, role);
		px_strings_add(crls ? &t->crls : &t->anchors, file);
		t->configured = true;
		t->crl_required = t->crls.n > 0;
	}
	return PX_OK;
}

static void add_server(struct px_conf *conf, const struct px_settings *s, const char *authority)
{
	struct px_conf_partner *p = px_xcalloc(1, sizeof(*p));
	p->name = px_xstrdup("server");
	p->authority = px_xstrdup(authority);
	p->role = PX_ROLE_NODE;
	p->mode = PX_MODE_PUSH;
	p->url = px_xstrdup(s->url);
	p->proxy = px_xstrdup(s->proxy);
	p->san_uri = px_xstrdup(s->server_uri[0] != '\0' ? s->server_uri : NO_URI);
	p->tls12 = s->tls12;
	p->tls.configured = true;
	p->tls.crl_required = s->crls.n > 0;
	add_all(&p->tls.anchors, &s->anchors);
	add_all(&p->tls.crls, &s->crls);
	add_all(&p->tls.pins, &s->pins);
	conf->partners = p;
	conf->n_partners = 1;
}

/* Defaults come from the broker's own table; what must be given there and has no meaning here stays empty. */
static struct px_conf *base_conf(void)
{
	struct px_conf *conf = px_xcalloc(1, sizeof(*conf));
	struct px_problems missing = {0};
	struct px_tree nothing = {.root = {.file = "client"}};
	conf->file = px_xstrdup("client");
	conf->where = px_where_new();
	px_table_fill(px_conf_table(), conf, &nothing, conf->where, &missing);
	px_problems_free(&missing);
	free(conf->authorities);
	conf->authorities = NULL;
	free(conf->partners);
	conf->partners = NULL;
	return conf;
}

static int make_conf(struct px_client *c, struct px_buf *why)
{
	struct px_settings *s = c->settings;
	struct px_conf *conf = c->conf = base_conf();
	if (!px_client_parse_uri(s->server_uri, strlen(s->server_uri), c->server_authority,
				 &c->server_role)) {
		c->server_authority[0] = '\0';
		c->server_role = PX_ROLE_NODE;
	}
	set(&conf->node.environment, s->environment);
	set(&conf->node.tls_certificate, s->cert);
	set(&conf->node.tls_key, s->key);
	/* ping and status need none; TLS wants to list one */
	set(&conf->node.sign_certificate, s->sign_cert[0] != '\0' ? s->sign_cert : s->cert);
	set(&conf->node.sign_key, s->sign_key[0] != '\0' ? s->sign_key : s->key);
	set(&conf->inspect.official, s->official);
	px_strings_free(&conf->inspect.catalogue);
	if (s->catalogue.n > 0)
		add_all(&conf->inspect.catalogue, &s->catalogue);
	else
		find_catalogue(&conf->inspect.catalogue);
	conf->authorities = s->authorities;
	conf->n_authorities = s->n_authorities;
	s->authorities = NULL;
	s->n_authorities = 0;
	add_server(conf, s, c->server_authority);
	int rc = add_trust(c, "trust", &s->trust, false, why);
	if (rc == PX_OK)
		rc = add_trust(c, "trust-crl", &s->trust_crl, true, why);
	return rc;
}

int px_client_new(struct px_settings **settings, struct px_client **out, struct px_buf *why)
{
	struct px_client *c = px_xcalloc(1, sizeof(*c));
	c->settings = *settings;
	*settings = NULL;
	pthread_mutex_init(&c->examining, NULL);
	px_xml_init();
	int rc = make_conf(c, why);
	if (rc != PX_OK)
		px_client_free(&c);
	*out = c;
	return rc;
}

void px_client_free(struct px_client **client)
{
	struct px_client *c = *client;
	if (c == NULL)
		return;
	px_examiner_free(&c->examiner);
	px_catalogue_free(&c->cat);
	px_tls_unref(&c->tls);
	px_seal_key_free(&c->key);
	px_conf_free(&c->conf);
	px_settings_free(&c->settings);
	pthread_mutex_destroy(&c->examining);
	PX_FREE(*client);
}

const struct px_settings *px_client_settings(const struct px_client *c)
{
	return c->settings;
}

const char *px_client_server_authority(const struct px_client *c)
{
	return c->server_authority;
}

enum px_role px_client_server_role(const struct px_client *c)
{
	return c->server_role;
}

/* Where else a setting could stand, so that a newcomer finds out. */
static void add_where(const struct px_client *c, const char *as, struct px_buf *out)
{
	const char *here = px_setting_mark[0] != '\0' ? "it here, or " : "";
	if (c->settings->file != NULL)
		px_buf_addf(out, ": give %s%s in %s", here, as, c->settings->file);
	else
		px_buf_addf(out,
			    ": give it here, or %s in the file that --conf or the environment variable "
			    "PRINEX_CONF names (neither is given)",
			    as);
}

int px_client_need_trust(const struct px_client *c, struct px_buf *why)
{
	const char *whose = c->server_authority;
	bool any = false;
	for (unsigned i = 0; i < c->conf->n_authorities; i++)
		any |= c->conf->authorities[i].trust[c->server_role].configured;
	if (whose[0] != '\0' ? px_conf_signing_trust(c->conf, whose, c->server_role) != NULL : any)
		return PX_OK;
	char section[128];
	px_buf_setf(why,
		    "%s missing (without CA certificates for the signatures of %s (%s) no confirmation "
		    "can be believed)",
		    px_setting_mark[0] != '\0' ? "--trust is" : "anchors are",
		    whose[0] != '\0' ? whose : "the broker's authority", px_role_name(c->server_role));
	snprintf(section, sizeof(section), "authority \"%s\" { %s { anchors = ... } }",
		 whose[0] != '\0' ? whose : "CODE", px_role_name(c->server_role));
	add_where(c, section, why);
	return PX_ECONF;
}

/* --- what is loaded when needed --- */

int px_client_load_examiner(struct px_client *c, struct px_buf *why)
{
	if (c->examiner != NULL)
		return PX_OK;
	struct px_problems problems = {0};
	int rc = px_catalogue_load(c->conf, &c->cat, &problems);
	/* named as prinexd's configuration would name it */
	if (rc != PX_OK && problems.n == 1 && px_str_starts(problems.items[0].text, "inspect: "))
		px_buf_addf(why, "%s; %scatalogue names others", problems.items[0].text + strlen("inspect: "),
			    px_setting_mark);
	else if (rc != PX_OK)
		px_problems_print(&problems, why);
	while (why->len > 0 && why->data[why->len - 1] == '\n')
		why->data[--why->len] = '\0';
	px_problems_free(&problems);
	return rc == PX_OK ? px_examiner_new(c->conf, c->cat, &c->examiner, why) : rc;
}

int px_client_load_key(struct px_client *c, struct px_buf *why)
{
	const struct px_settings *s = c->settings;
	if (c->key != NULL)
		return PX_OK;
	if (s->sign_cert[0] == '\0' || s->sign_key[0] == '\0') {
		px_buf_setf(why, "%ssign-cert and %ssign-key are needed to sign", px_setting_mark,
			    px_setting_mark);
		add_where(c, "client { sign-cert = ...  sign-key = ... }", why);
		return PX_ECONF;
	}
	return px_seal_key_load(s->sign_key, s->sign_cert, &c->key, why);
}

int px_client_load_tls(struct px_client *c, struct px_buf *why)
{
	const struct px_settings *s = c->settings;
	if (c->tls != NULL)
		return PX_OK;
	const char *mark = px_setting_mark;
	const char *missing = s->url[0] == '\0'                            ? "url"
			      : s->cert[0] == '\0'                         ? "cert"
			      : s->key[0] == '\0'                          ? "key"
			      : s->anchors.n == 0                          ? "anchors"
			      : s->server_uri[0] == '\0' && s->pins.n == 0 ? "server-uri"
									   : NULL;
	if (missing != NULL) {
		char as[64];
		snprintf(as, sizeof(as), "client { %s = ... }", missing);
		px_buf_setf(why, "%s%s is missing", mark, missing);
		if (strcmp(missing, "server-uri") == 0)
			px_buf_addf(why,
				    " (or %spin; without it any machine with a certificate of that CA could "
				    "pass for the broker)",
				    mark);
		add_where(c, as, why);
		return PX_ECONF;
	}
	return px_tls_new(c->conf, &c->tls, why);
}

const struct px_catalogue *px_client_catalogue(const struct px_client *c)
{
	px_assert(c->cat != NULL);
	return c->cat;
}

const struct px_seal_key *px_client_key(const struct px_client *c)
{
	px_assert(c->key != NULL);
	return c->key;
}

const struct px_tls *px_client_tls(const struct px_client *c, const struct px_conf_partner **server)
{
	px_assert(c->tls != NULL);
	*server = &c->conf->partners[0];
	return c->tls;
}

static bool authority_of(const X509 *cert, char *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;
	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		enum px_role role;
		if (name->type == GEN_URI)
			found = px_client_parse_uri((const char *)ASN1_STRING_get0_data(name->d.ia5),
						    (size_t)ASN1_STRING_length(name->d.ia5), out, &role);
	}
	GENERAL_NAMES_free(names);
	return found;
}

int px_client_sender(struct px_client *c, const char **out, struct px_buf *why)
{
	*out = c->settings->sender;
	if (c->settings->sender[0] != '\0')
		return PX_OK;
	*out = c->sender;
	if (c->sender[0] != '\0')
		return PX_OK;
	if (c->settings->sign_cert[0] == '\0') {
		px_buf_setf(why,
			    "%ssender is missing (or %ssign-cert and %ssign-key, whose certificate names it)",
			    px_setting_mark, px_setting_mark, px_setting_mark);
		return PX_ECONF;
	}
	int rc = px_client_load_key(c, why);
	if (rc != PX_OK || authority_of(sk_X509_value(px_seal_key_chain(c->key), 0), c->sender))
		return rc;
	px_buf_setf(why, "%s carries no URI urn:prinex:AUTHORITY:ROLE:NAME, so %ssender is needed",
		    c->settings->sign_cert, px_setting_mark);
	return PX_ECONF;
}

/* --- work that takes turns --- */

struct px_verdict *px_client_examine(struct px_client *c, const struct px_exam *exam, const uint8_t *data,
				     size_t len)
{
	px_assert(c->examiner != NULL);
	pthread_mutex_lock(&c->examining);
	struct px_verdict *v = px_examine(c->examiner, exam, data, len);
	pthread_mutex_unlock(&c->examining);
	return v;
}

struct px_verdict *px_client_examine_payload(struct px_client *c, const char *type, const char *version,
					     const uint8_t *data, size_t len)
{
	px_assert(c->examiner != NULL);
	pthread_mutex_lock(&c->examining);
	struct px_verdict *v = px_examine_payload(c->examiner, type, version, data, len);
	pthread_mutex_unlock(&c->examining);
	return v;
}

void px_client_guess_type(struct px_client *c, const uint8_t *data, size_t len, char *out, size_t size)
{
	px_assert(c->examiner != NULL);
	pthread_mutex_lock(&c->examining);
	px_examiner_guess_type(c->examiner, data, len, out, size);
	pthread_mutex_unlock(&c->examining);
}

int px_client_choose_type(struct px_client *c, const uint8_t *root, size_t len, char *out, struct px_buf *why)
{
	const struct px_settings *s = px_client_settings(c);
	if (px_strlcpy(out, s->type, PX_TYPE_MAX + 1) && out[0] != '\0')
		return PX_OK;
	int rc = px_client_load_examiner(c, why);
	if (rc != PX_OK)
		return rc;
	px_client_guess_type(c, root, len, out, PX_TYPE_MAX + 1);
	if (out[0] != '\0')
		return PX_OK;
	px_buf_setf(why, "no message type, or more than one, has this root element: %s",
		    px_setting_mark[0] != '\0' ? "give --type"
					       : "make an exchange of it (prinex wrap --type)");
	if (s->official[0] == '\0')
		px_buf_addf(why, " (types of official schemas are known with %sofficial only)",
			    px_setting_mark);
	return PX_ECONF;
}

int px_client_sign(struct px_client *c, const uint8_t *data, size_t len, struct px_buf *out,
		   struct px_buf *why)
{
	const struct px_seal_key *key = px_client_key(c);
	return px_xml_sign(data, len, px_seal_key_private(key), px_seal_key_chain(key), PX_SIGN_SHA256, out,
			   why);
}
