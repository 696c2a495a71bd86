/* prinex: who plays: brokers, systems, identities, recipients, and the configuration that follows
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "cast.h"

#include <ctype.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"

/* --- making --- */

static int fresh_name(struct px_play *p, const char *name)
{
	if (!px_is_name(name))
		return px_fail(p, "a name of lower-case letters, digits, - and _", "%s", name);
	for (unsigned i = 0; i < p->n_brokers; i++) {
		if (strcmp(p->brokers[i]->name, name) == 0)
			return px_fail(p, "a name that is not taken", "%s is a broker", name);
	}
	for (unsigned i = 0; i < p->n_actors; i++) {
		if (strcmp(p->actors[i]->name, name) == 0)
			return px_fail(p, "a name that is not taken", "%s is an actor", name);
	}
	return PX_OK;
}

struct px_broker *px_broker_add(struct px_play *p, const char *name)
{
	struct px_broker *b = px_xcalloc(1, sizeof(*b));
	b->name = px_xstrdup(name);
	b->held[0] = b->held[1] = -1;
	p->brokers = px_xrealloc_array(p->brokers, p->n_brokers + 1, sizeof(struct px_broker *));
	p->brokers[p->n_brokers++] = b;
	return b;
}

struct px_actor *px_actor_add(struct px_play *p, const char *name)
{
	struct px_actor *a = px_xcalloc(1, sizeof(*a));
	a->name = px_xstrdup(name);
	p->actors = px_xrealloc_array(p->actors, p->n_actors + 1, sizeof(struct px_actor *));
	p->actors[p->n_actors++] = a;
	return a;
}

static char *in_dir(const struct px_broker *b, const char *name)
{
	struct px_buf path = PX_BUF_INIT;
	px_buf_addf(&path, "%s/%s", b->dir, name);
	return (char *)px_buf_detach(&path, &(size_t){0});
}

static bool known_authority(const struct px_play *p, const char *code)
{
	char list[512], *rest = list, *one;
	px_strlcpy(list, px_buf_str(&p->pki_list), sizeof(list));
	while ((one = strsep(&rest, " ")) != NULL) {
		if (strcmp(one, code) == 0)
			return true;
	}
	return false;
}

int px_cmd_broker(struct px_play *p, const struct px_call *call)
{
	const char *authority = px_call_key(call, "authority"),
		   *environment = px_call_key(call, "environment");
	if (fresh_name(p, px_call_word(call, 0)) != PX_OK)
		return PX_EINVAL;
	if (!known_authority(p, authority))
		return px_fail(p, "an authority of the command pki", "%s", authority);
	struct px_broker *b = px_broker_add(p, px_call_word(call, 0));
	px_strlcpy(b->authority, authority, sizeof(b->authority));
	snprintf(b->node, sizeof(b->node), "node-%s", authority);
	for (char *c = b->node; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	b->environment = px_xstrdup(environment != NULL ? environment : "test");
	struct px_buf text = PX_BUF_INIT;
	px_buf_addf(&text, "%s/%s", p->dir, b->name);
	b->dir = (char *)px_buf_detach(&text, &(size_t){0});
	(void)mkdir(b->dir, 0700);
	b->conf = in_dir(b, "prinex.conf");
	b->socket = in_dir(b, "control.sock");
	b->log = in_dir(b, "log");
	if (!p->script->is_virtual) {
		b->port = px_reserve_port(&b->held[0]);
		b->metrics_port = px_reserve_port(&b->held[1]);
	}
	if (p->script->is_virtual)
		px_buf_addf(&text, "https://%s:1", authority); /* where the world's network finds it */
	else
		px_buf_addf(&text, "https://127.0.0.1:%u", b->port);
	b->url = (char *)px_buf_detach(&text, &(size_t){0});
	if (call->body.s != NULL)
		px_buf_addf(&b->sections, "%s\n", call->body.s);
	return PX_OK;
}

static int new_actor(struct px_play *p, const struct px_call *call, enum px_actor_kind kind,
		     struct px_actor **out)
{
	struct px_broker *b = px_find_broker(p, px_call_key(call, "of"));
	const char *authority = px_call_key(call, "authority"), *role = px_call_key(call, "role"),
		   *version = px_call_key(call, "version"), *mode = px_call_key(call, "mode");
	if (b == NULL || fresh_name(p, px_call_word(call, 0)) != PX_OK)
		return PX_EINVAL;
	if (authority != NULL && !b->is_target && !known_authority(p, authority))
		return px_fail(p, "an authority of the command pki", "%s", authority);
	if (version != NULL && strcmp(version, "1.2") != 0 && strcmp(version, "1.3") != 0)
		return px_fail(p, "version=1.2 or version=1.3", "%s", version);
	struct px_actor *a = px_actor_add(p, px_call_word(call, 0));
	a->kind = kind;
	a->broker = b;
	px_strlcpy(a->authority,
		   authority != NULL ? authority
		   : b->is_target    ? p->venue->tester
				     : b->authority,
		   sizeof(a->authority));
	a->role = role != NULL ? px_role_parse(role) : PX_ROLE_SYSTEM;
	a->none = a->role == PX_ROLE_OFFICER || (mode != NULL && strcmp(mode, "none") == 0);
	a->tls_version = version != NULL && strcmp(version, "1.2") == 0 ? TLS1_2_VERSION : 0;
	if (call->body.s != NULL)
		px_buf_addf(&a->lines, "  %s\n", call->body.s);
	*out = a;
	return px_actor_certificates(p, a, px_call_key(call, "folder"), px_call_key(call, "tls"),
				     px_call_key(call, "sign"));
}

int px_cmd_system(struct px_play *p, const struct px_call *call)
{
	struct px_actor *a;
	return new_actor(p, call, PX_ACTOR_SYSTEM, &a);
}

int px_cmd_identity(struct px_play *p, const struct px_call *call)
{
	struct px_actor *a;
	return new_actor(p, call, PX_ACTOR_IDENTITY, &a);
}

/* Who signs where another signer is wanted: the broker's own system, or of a target the tester. */
int px_actor_peer(struct px_play *p, struct px_actor *a, unsigned port)
{
	const char *other = a->broker->is_target ? p->venue->tester : a->broker->authority;
	char *anchors = px_pki_path(p, "%s/tls-ca.pem", a->broker->authority);
	char *cert = px_pki_path(p, "%s/system/sign.pem", other),
	     *key = px_pki_path(p, "%s/system/sign.key", other);
	struct px_peer_setup setup = {
	    .tls = {.cert = a->tls_cert, .key = a->tls_key, .anchors = anchors},
	    .port = port,
	    .authority = a->authority,
	    .environment = a->broker->environment,
	    .sign_cert = a->sign_cert,
	    .sign_key = a->sign_key,
	    .other_authority = other,
	    .other_cert = cert,
	    .other_key = key,
	};
	struct px_buf why = PX_BUF_INIT;
	int rc = px_peer_start(&setup, &a->peer, &why);
	if (rc != PX_OK)
		rc = px_fail(p, "a recipient that listens", "%s", px_buf_str(&why));
	px_buf_free(&why);
	free(anchors);
	free(cert);
	free(key);
	return rc;
}

int px_cmd_recipient(struct px_play *p, const struct px_call *call)
{
	struct px_actor *a = NULL;
	int rc = new_actor(p, call, PX_ACTOR_RECIPIENT, &a);
	return rc == PX_OK && a != NULL ? px_actor_peer(p, a, 0) : rc;
}

/* --- configuration --- */

static void partner(struct px_play *p, struct px_buf *out, const char *name, const char *authority,
		    enum px_role role, const char *uri, const char *mode, const char *lines)
{
	px_buf_addf(out, "partner \"%s\" {\n  authority = \"%s\"\n  role = %s\n  uri = \"%s\"\n  %s\n", name,
		    authority, px_role_name(role), uri, mode);
	px_buf_addf(out, "  anchors = \"%s/%s/tls-ca.pem\"\n  crls = \"%s/%s/tls-ca.crl\"\n%s}\n", p->pki,
		    authority, p->pki, authority, lines);
}

void px_broker_link(struct px_play *p, struct px_broker *at, const struct px_broker *other, const char *lines)
{
	struct px_buf mode = PX_BUF_INIT, uri = PX_BUF_INIT;
	px_buf_addf(&mode, "mode = push\n  url = \"%s\"", other->url);
	px_buf_addf(&uri, "urn:prinex:%s:node:%s", other->authority, other->node);
	partner(p, &at->links, other->name, other->authority, PX_ROLE_NODE, px_buf_str(&uri),
		px_buf_str(&mode), lines);
	px_buf_free(&mode);
	px_buf_free(&uri);
}

static int connect_brokers(struct px_play *p, const struct px_call *call, bool both)
{
	struct px_broker *a = px_find_broker(p, px_call_word(call, 0)),
			 *b = px_find_broker(p, px_call_word(call, 1));
	struct px_buf lines = PX_BUF_INIT;
	if (a == NULL || b == NULL)
		return PX_EINVAL;
	if (call->body.s != NULL)
		px_buf_addf(&lines, "  %s\n", call->body.s);
	px_broker_link(p, a, b, px_buf_str(&lines));
	if (both)
		px_broker_link(p, b, a, px_buf_str(&lines));
	px_buf_free(&lines);
	return PX_OK;
}

int px_cmd_connect(struct px_play *p, const struct px_call *call)
{
	return connect_brokers(p, call, true);
}

int px_cmd_link(struct px_play *p, const struct px_call *call)
{
	return connect_brokers(p, call, false);
}

/* A section that the scenario has too gets our options put in front of its own: no section stands twice. */
static void section(struct px_buf *text, const char *name, const char *options)
{
	struct px_buf begin = PX_BUF_INIT, out = PX_BUF_INIT;
	px_buf_addf(&begin, "%s {", name);
	const char *have = px_buf_str(text), *at = strstr(have, px_buf_str(&begin));
	while (at != NULL && at > have && at[-1] != '\n')
		at = strstr(at + 1, px_buf_str(&begin));
	if (at != NULL) {
		px_buf_add(&out, have, (size_t)(at - have) + begin.len);
		px_buf_addf(&out, " %s %s", options, at + begin.len);
	} else {
		px_buf_addf(&out, "%s { %s }\n%s", name, options, have);
	}
	px_buf_free(&begin);
	px_buf_free(text);
	*text = out;
}

static void own_sections(struct px_play *p, const struct px_broker *b, struct px_buf *out)
{
	struct px_buf o = PX_BUF_INIT;
	bool workers = strstr(px_buf_str(out), "workers") != NULL;
	px_buf_addf(&o, "socket = \"%s\"", b->socket);
	section(out, "control", px_buf_str(&o));
	px_buf_setf(&o, "listen = \"127.0.0.1:%u\"", b->metrics_port);
	section(out, "metrics", px_buf_str(&o));
	px_buf_setf(&o, "%s catalogue = \"%s/schemas/catalogue/*.conf\"", workers ? "" : "workers = 1",
		    p->venue->root);
	section(out, "inspect", px_buf_str(&o));
	px_buf_setf(&o, "path = \"%s/store\" map-size = \"1G\"%s", b->dir,
		    strstr(px_buf_str(out), "watermark") != NULL ? "" : " watermark = \"1M\"");
	section(out, "store", px_buf_str(&o));
	px_buf_setf(&o, "addresses = \"127.0.0.1:%u\"", b->port);
	section(out, "listen", px_buf_str(&o));
	px_buf_setf(&o, "authority = \"%s\" name = \"%s\" environment = \"%s\"\n", b->authority, b->node,
		    b->environment);
	static const char *const files[] = {"tls-certificate",  "tls.pem",  "tls-key",  "tls.key",
					    "sign-certificate", "sign.pem", "sign-key", "sign.key"};
	for (unsigned i = 0; i < PX_ARRAY_LEN(files); i += 2)
		px_buf_addf(&o, "  %s = \"%s/%s/node/%s\"\n", files[i], p->pki, b->authority, files[i + 1]);
	section(out, "node", px_buf_str(&o));
	px_buf_free(&o);
}

static void authorities(struct px_play *p, struct px_buf *out)
{
	char list[512], *rest = list, *code;
	px_strlcpy(list, px_buf_str(&p->pki_list), sizeof(list));
	while ((code = strsep(&rest, " ")) != NULL) {
		px_buf_addf(out, "authority \"%s\" {\n", code);
		for (unsigned i = 0; i < 2; i++)
			px_buf_addf(
			    out, "  %s { anchors = \"%s/%s/anchors.pem\" crls = \"%s/%s/sign-crl.pem\" }\n",
			    i == 0 ? "system" : "node", p->pki, code, p->pki, code);
		px_buf_adds(out, "}\n");
	}
}

void px_broker_conf(struct px_play *p, const struct px_broker *b, struct px_buf *out)
{
	px_buf_add(out, b->sections.data, b->sections.len);
	own_sections(p, b, out);
	authorities(p, out);
	for (unsigned i = 0; i < p->n_actors; i++) {
		const struct px_actor *a = p->actors[i];
		struct px_buf mode = PX_BUF_INIT;
		if (a->broker != b || a->kind == PX_ACTOR_IDENTITY)
			continue;
		if (a->peer != NULL)
			px_buf_addf(&mode, "mode = push\n  url = \"https://127.0.0.1:%u\"",
				    px_peer_port(a->peer));
		else
			px_buf_addf(&mode, "mode = %s", a->none ? "none" : "pull");
		partner(p, out, a->name, a->authority, a->role, a->uri, px_buf_str(&mode),
			px_buf_str(&a->lines));
		px_buf_free(&mode);
	}
	px_buf_add(out, b->links.data, b->links.len);
}

/* --- the end --- */

static void actor_free(struct px_play *p, struct px_actor *a)
{
	if (a->peer != p->venue->peer)
		px_peer_stop(&a->peer);
	for (unsigned i = 0; i < a->n_taken; i++)
		px_buf_free(&a->taken[i].body);
	free(a->taken);
	free(a->name);
	free(a->tls_cert);
	free(a->tls_key);
	free(a->sign_cert);
	free(a->sign_key);
	px_buf_free(&a->lines);
	px_buf_free(&a->fetched);
	free(a);
}

static void broker_free(struct px_broker *b)
{
	for (unsigned i = 0; i < 2; i++) {
		if (b->held[i] >= 0)
			close(b->held[i]);
	}
	free(b->name);
	free(b->environment);
	free(b->dir);
	free(b->conf);
	free(b->socket);
	free(b->log);
	free(b->url);
	px_buf_free(&b->sections);
	px_buf_free(&b->links);
	free(b);
}

void px_cast_free(struct px_play *p)
{
	for (unsigned i = 0; i < p->n_actors; i++)
		actor_free(p, p->actors[i]);
	for (unsigned i = 0; i < p->n_brokers; i++)
		broker_free(p->brokers[i]);
	PX_FREE(p->actors);
	PX_FREE(p->brokers);
	p->n_actors = p->n_brokers = 0;
}
