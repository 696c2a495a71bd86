/* prinex: checks of what a configuration points at
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strings.h"
#include "conf/pem.h"
#include "conf/table.h"

struct checker {
	const struct px_conf *conf;
	struct px_problems *problems;
};

#define problem(c, field, ...) px_conf_problem((c)->problems, (c)->conf, NULL, field, __VA_ARGS__)

/* --- certificates
 * --------------------------------------------------------------------------------------------------- */

static void take(struct checker *c, const void *field, const char *whose, struct px_pem_findings *found)
{
	unsigned line;
	const char *file = px_conf_where(c->conf, field, &line);
	for (unsigned i = 0; i < found->errors.n; i++)
		px_problems_add(c->problems, file, line, "%s: %s", whose, found->errors.items[i]);
	for (unsigned i = 0; i < found->warnings.n; i++)
		px_problems_warn(c->problems, file, line, "%s: %s", whose, found->warnings.items[i]);
	px_pem_findings_free(found);
}

static void check_node(struct checker *c)
{
	const struct px_conf_node *n = &c->conf->node;
	const struct px_conf_trust *own = px_conf_signing_trust(c->conf, n->authority, PX_ROLE_NODE);
	struct px_pem_findings found = {0};
	char uri[96];
	snprintf(uri, sizeof(uri), "urn:prinex:%s:node:%s", n->authority, n->name);
	struct px_pem_pair pair = {n->tls_certificate, n->tls_key, PX_PEM_TLS, n->pinned ? NULL : uri, NULL};
	px_pem_check_pair(&pair, &found);
	take(c, &n->tls_certificate, "node", &found);
	pair = (struct px_pem_pair){n->sign_certificate, n->sign_key, PX_PEM_SIGN, pair.uri,
				    own != NULL ? &own->anchors : NULL};
	px_pem_check_pair(&pair, &found);
	take(c, &n->sign_certificate, "node", &found);
}

static void check_trust(struct checker *c, const struct px_conf_trust *t, const char *whose)
{
	struct px_pem_findings anchors = {0}, crls = {0};
	px_pem_check_trust(t, &anchors, &crls);
	take(c, &t->anchors, whose, &anchors);
	take(c, &t->crls, whose, &crls);
}

static void check_all_trust(struct checker *c)
{
	static const enum px_role roles[] = {PX_ROLE_SYSTEM, PX_ROLE_NODE};
	char whose[64];
	for (unsigned i = 0; i < c->conf->n_authorities; i++) {
		const struct px_conf_authority *a = &c->conf->authorities[i];
		for (unsigned k = 0; k < PX_ARRAY_LEN(roles); k++) {
			snprintf(whose, sizeof(whose), "authority \"%s\" %s", a->code,
				 px_role_name(roles[k]));
			if (a->trust[roles[k]].configured)
				check_trust(c, &a->trust[roles[k]], whose);
		}
	}
	for (unsigned i = 0; i < c->conf->n_partners; i++) {
		snprintf(whose, sizeof(whose), "partner \"%s\"", c->conf->partners[i].name);
		check_trust(c, &c->conf->partners[i].tls, whose);
	}
}

/* Days pass while a file stays as it is. */
static void check_profiles(struct checker *c)
{
	int64_t now = px_clock_wall(px_clock_real());
	for (unsigned i = 0; i < c->conf->n_partners; i++) {
		const struct px_conf_partner *p = &c->conf->partners[i];
		unsigned line, allowed = 0;
		const char *file = px_conf_where(c->conf, &p->signature_profiles, &line);
		for (unsigned n = 1; n <= PX_PROFILES_MAX; n++)
			allowed += px_conf_profile_allows(p, n, now);
		if (allowed == 0)
			px_problems_warn(c->problems, file, line,
					 "partner \"%s\": no signature profile is in force today: all its "
					 "exchanges are refused",
					 p->name);
	}
}

/* --- times
 * ----------------------------------------------------------------------------------------------------- */

static void warn_short(struct checker *c, const void *field, const char *whose, int64_t keep)
{
	const struct px_conf *conf = c->conf;
	struct px_buf kept = {0}, life = {0};
	unsigned line;
	const char *file = px_conf_where(conf, field, &line);
	px_format_duration(&kept, keep);
	px_format_duration(&life, conf->limits.movement_life);
	px_problems_warn(c->problems, *file != '\0' ? file : conf->file, line,
			 "%s %s is shorter than limits movement-life %s: amendments of what is gone, and "
			 "answers to it, will find no movement",
			 whose, px_buf_str(&kept), px_buf_str(&life));
	px_buf_free(&kept);
	px_buf_free(&life);
}

/* A movement's messages should outlive it. Legal, hence no error: storage may be dear. */
static void check_retention(struct checker *c)
{
	const struct px_conf *conf = c->conf;
	bool fits_all = false;
	for (unsigned i = 0; i < conf->n_retention; i++) {
		const struct px_conf_retention *r = &conf->retention[i];
		struct px_buf whose = {0};
		px_buf_addf(&whose, "retention \"%s\": keep", r->name);
		if (!r->hold && r->keep < conf->limits.movement_life)
			warn_short(c, &r->keep, px_buf_str(&whose), r->keep);
		px_buf_free(&whose);
		fits_all |= *r->type == '\0' && *r->recipient == '\0';
	}
	if (!fits_all && PX_RETENTION_DEFAULT < conf->limits.movement_life)
		warn_short(c, &conf->limits.movement_life, "retention: where no section fits,",
			   PX_RETENTION_DEFAULT);
}

/* --- folders, groups, addresses
 * --------------------------------------------------------------------------------------- */

/* There as a folder we may write, or in one where it can be made. */
static void check_store(struct checker *c)
{
	const char *path = c->conf->store.path;
	struct stat st;
	if (stat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			problem(c, &c->conf->store.path, "store: %s is not a folder", path);
		else if (access(path, R_OK | W_OK | X_OK) != 0)
			problem(c, &c->conf->store.path, "store: no right to write in %s", path);
		return;
	}
	if (errno != ENOENT) {
		problem(c, &c->conf->store.path, "store: %s: %s", path, strerror(errno));
		return;
	}
	const char *slash = strrchr(path, '/');
	char *up = slash == path ? px_xstrdup("/") : px_xstrndup(path, (size_t)(slash - path));
	if (access(up, W_OK | X_OK) != 0)
		problem(c, &c->conf->store.path, "store: %s is not there and cannot be made: %s: %s", path,
			up, strerror(errno));
	free(up);
}

static void check_official(struct checker *c)
{
	const char *path = c->conf->inspect.official;
	struct stat st;
	if (*path != '\0' && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
		problem(c, &c->conf->inspect.official, "inspect: official: there is no folder %s", path);
}

/* A default that does not exist means only that nobody but the daemon's own user has access. */
static void check_group(struct checker *c, const char *option, char *const *field)
{
	const struct px_table *t = px_conf_table();
	for (unsigned i = 0; i < t->n_opts; i++) {
		size_t offset = (size_t)((const char *)field - (const char *)c->conf);
		bool standard = t->opts[i].offset == offset &&
				t->sections[t->opts[i].section].kind == PX_SECTION_ONE &&
				strcmp(t->opts[i].value, *field) == 0;
		if (standard)
			return;
	}
	if (**field != '\0' && getgrnam(*field) == NULL)
		problem(c, field, "control: %s: there is no group \"%s\"", option, *field);
}

static bool is_local(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno != EAFNOSUPPORT;
	bool local = bind(fd, a->ai_addr, a->ai_addrlen) == 0 || errno != EADDRNOTAVAIL;
	close(fd);
	return local;
}

/* The port is left out, for it may be in use by the very daemon that asks for a reload. */
static void check_address(struct checker *c, const char *address)
{
	const struct px_strings *field = &c->conf->listen.addresses;
	bool v6 = *address == '[';
	const char *end = strrchr(address, ':');
	char *host = px_xstrndup(address + v6, (size_t)(end - address) - 2 * v6);
	struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *list = NULL;
	int rc = getaddrinfo(host, "0", &hints, &list);
	if (rc != 0)
		problem(c, field, "listen: addresses: %s: %s", address, gai_strerror(rc));
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		if (!is_local(a)) {
			problem(c, field, "listen: addresses: %s is not an address of this machine", address);
			break;
		}
	}
	if (list != NULL)
		freeaddrinfo(list);
	free(host);
}

int px_conf_check(const struct px_conf *conf, struct px_problems *problems)
{
	struct checker c = {conf, problems};
	struct px_strings files = {0};
	unsigned before = px_problems_errors(problems);
	check_node(&c);
	for (unsigned i = 0; i < conf->listen.addresses.n; i++)
		check_address(&c, conf->listen.addresses.items[i]);
	check_store(&c);
	check_official(&c);
	check_all_trust(&c);
	check_profiles(&c);
	check_retention(&c);
	check_group(&c, "admin", &conf->control_admin);
	check_group(&c, "observer", &conf->control_observer);
	px_where_files(conf->where, &files);
	px_problems_sort(problems, &files);
	px_strings_free(&files);
	return px_problems_errors(problems) > before ? PX_ECONF : PX_OK;
}
