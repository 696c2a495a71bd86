/* prinex: certificates of a case, and who is given which
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <ctype.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/strings.h"
#include "cast.h"

char *px_pki_path(struct px_play *p, const char *fmt, ...)
{
	struct px_buf path = PX_BUF_INIT;
	va_list ap;
	px_buf_addf(&path, "%s/", p->pki);
	va_start(ap, fmt);
	px_buf_vaddf(&path, fmt, ap);
	va_end(ap);
	return (char *)px_buf_detach(&path, &(size_t){0});
}

static int make_pki(struct px_play *p, const char *const *more)
{
	struct px_buf program = PX_BUF_INIT, output = PX_BUF_INIT;
	char *argv[24] = {0};
	unsigned n = 0;
	px_buf_addf(&program, "%s/certs/make-pki", p->venue->root);
	argv[n++] = (char *)program.data;
	argv[n++] = (char *)"--quiet";
	while (*more != NULL && n + 1 < PX_ARRAY_LEN(argv))
		argv[n++] = (char *)*more++;
	int status = px_run(p, argv, NULL, 120000, &output);
	if (status != 0)
		px_fail(p, "certificates", "make-pki: exit status %d: %s", status, px_buf_str(&output));
	px_buf_free(&program);
	px_buf_free(&output);
	return status == 0 ? PX_OK : PX_EINVAL;
}

static int copy_tree(struct px_play *p, const char *from, const char *to)
{
	char *argv[] = {(char *)"cp", (char *)"-a", (char *)from, (char *)to, NULL};
	struct px_buf output = PX_BUF_INIT;
	int status = px_run(p, argv, NULL, 30000, &output);
	int rc = status == 0 ? PX_OK : px_fail(p, "a copy of the certificates", "%s", px_buf_str(&output));
	px_buf_free(&output);
	return rc;
}

/* Cases of one run that ask for the same authorities share the work; each has its own copy to spoil. */
int px_cmd_pki(struct px_play *p, const struct px_call *call)
{
	struct px_buf cached = PX_BUF_INIT, lock = PX_BUF_INIT;
	const char *argv[20] = {0};
	unsigned n = 0;
	bool wrong = px_call_yes(call, "wrong");
	px_buf_addf(&cached, "%s/pki%s", p->venue->cache, wrong ? "-wrong" : "");
	for (unsigned i = 0; i < call->n; i++) {
		const char *code = px_call_word(call, i);
		if (!px_is_authority(code) || i + 4 > PX_ARRAY_LEN(argv))
			return px_fail(p, "an authority's code such as BY", "%s", code);
		px_buf_addf(&cached, "-%s", code);
		px_buf_addf(&p->pki_list, "%s%s", p->pki_list.len > 0 ? " " : "", code);
	}
	int rc = PX_OK;
	if (!p->script->is_virtual) {
		px_buf_addf(&lock, "%s.lock", px_buf_str(&cached));
		int fd = open(px_buf_str(&lock), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		px_assert(fd >= 0 && flock(fd, LOCK_EX) == 0);
		if (access(px_buf_str(&cached), R_OK) != 0) {
			struct px_buf fresh = PX_BUF_INIT;
			px_buf_addf(&fresh, "%s.new", px_buf_str(&cached));
			if (wrong)
				argv[n++] = "--wrong";
			argv[n++] = px_buf_str(&fresh);
			for (unsigned i = 0; i < call->n; i++)
				argv[n++] = px_call_word(call, i);
			rc = make_pki(p, argv);
			if (rc == PX_OK && rename(px_buf_str(&fresh), px_buf_str(&cached)) != 0)
				rc = px_fail(p, "certificates", "%s: cannot be renamed", px_buf_str(&fresh));
			px_buf_free(&fresh);
		}
		close(fd);
		if (rc == PX_OK)
			rc = copy_tree(p, px_buf_str(&cached), p->pki);
	}
	px_buf_free(&cached);
	px_buf_free(&lock);
	return rc;
}

/* --- who gets which --- */

static const char *default_folder(enum px_role role)
{
	return px_role_name(role); /* system, node, officer: as make-pki names them */
}

static void lower(const char *from, char *to, size_t size)
{
	px_strlcpy(to, from, size);
	for (; *to != '\0'; to++)
		*to = (char)tolower((unsigned char)*to);
}

static bool taken(struct px_play *p, const struct px_actor *a)
{
	for (unsigned i = 0; i < p->n_actors; i++) {
		const struct px_actor *o = p->actors[i];
		if (o != a && o->broker == a->broker && o->role == a->role &&
		    strcmp(o->authority, a->authority) == 0 && o->kind != PX_ACTOR_IDENTITY)
			return true;
	}
	return false;
}

/* `none`, `wrong/CASE`, `AUTHORITY/FOLDER`; the files may be missing, then whoever opens them says so. */
static void chosen(struct px_play *p, const struct px_actor *a, const char *use, const char *spec,
		   char **cert, char **key)
{
	PX_FREE(*cert);
	PX_FREE(*key);
	if (strcmp(spec, "none") == 0)
		return;
	if (px_str_starts(spec, "wrong/")) {
		*cert = px_pki_path(p, "wrong/%s/%s-%s.pem", a->authority, use, spec + 6);
		*key = px_pki_path(p, "wrong/%s/%s-%s.key", a->authority, use, spec + 6);
	} else {
		*cert = px_pki_path(p, "%s/%s.pem", spec, use);
		*key = px_pki_path(p, "%s/%s.key", spec, use);
	}
}

void px_sign_pair(struct px_play *p, const struct px_actor *a, const char *spec, char **cert, char **key)
{
	chosen(p, a, "sign", spec, cert, key);
}

int px_actor_certificates(struct px_play *p, struct px_actor *a, const char *folder, const char *tls,
			  const char *sign)
{
	char code[PX_AUTHORITY_MAX + 1];
	bool own = folder == NULL && a->kind != PX_ACTOR_IDENTITY && !p->script->is_virtual && taken(p, a);
	if (own)
		folder = a->name;
	char *path = px_pki_path(p, "%s/%s", a->authority, folder != NULL ? folder : default_folder(a->role));
	int rc = PX_OK;
	if (folder != NULL && !p->script->is_virtual && !a->broker->is_target && access(path, R_OK) != 0) {
		const char *argv[] = {"--use", "tls",        "--add-partner",
				      p->pki,  a->authority, px_role_name(a->role),
				      folder,  NULL};
		rc = make_pki(p, argv);
	}
	lower(a->authority, code, sizeof(code));
	if (folder != NULL && strcmp(folder, default_folder(a->role)) != 0)
		snprintf(a->uri, sizeof(a->uri), "urn:prinex:%s:%s:%s", a->authority, px_role_name(a->role),
			 folder);
	else
		snprintf(a->uri, sizeof(a->uri), "urn:prinex:%s:%s:%s-%s", a->authority,
			 px_role_name(a->role), px_role_name(a->role), code);
	struct px_buf at = PX_BUF_INIT;
	px_buf_addf(&at, "%s/%s", a->authority, folder != NULL ? folder : default_folder(a->role));
	chosen(p, a, "tls", tls != NULL ? tls : px_buf_str(&at), &a->tls_cert, &a->tls_key);
	chosen(p, a, "sign", px_buf_str(&at), &a->sign_cert, &a->sign_key);
	if (sign == NULL && !p->script->is_virtual && access(a->sign_cert, R_OK) != 0) {
		px_buf_setf(&at, "%s/system", a->authority);
		sign = px_buf_str(&at);
	}
	if (sign != NULL)
		chosen(p, a, "sign", sign, &a->sign_cert, &a->sign_key);
	px_buf_free(&at);
	free(path);
	return rc;
}
