/* prinex: variables of a scenario
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <ctype.h>

#include "base/strings.h"
#include "play.h"

void px_let(struct px_play *p, const char *name, const char *value)
{
	json_t *text = json_string(value);
	json_object_set_new(p->vars, name, text != NULL ? text : json_string("(not UTF-8)"));
}

static bool doc_field(struct px_play *p, const char *name, const char *field, struct px_buf *out)
{
	for (unsigned i = 0; i < p->n_docs; i++) {
		const struct px_doc *d = p->docs[i];
		char hex[PX_DIGEST_LEN * 2 + 1];
		if (strcmp(d->name, name) != 0)
			continue;
		px_hex(d->digest, PX_DIGEST_LEN, hex);
		if (strcmp(field, "id") == 0)
			px_buf_adds(out, d->id);
		else if (strcmp(field, "digest") == 0)
			px_buf_adds(out, hex);
		else if (strcmp(field, "file") == 0)
			px_buf_adds(out, d->file);
		else
			return false;
		return true;
	}
	return false;
}

static bool broker_field(struct px_play *p, const char *name, const char *field, struct px_buf *out)
{
	for (unsigned i = 0; i < p->n_brokers; i++) {
		const struct px_broker *b = p->brokers[i];
		if (strcmp(b->name, name) != 0)
			continue;
		const char *text = strcmp(field, "authority") == 0 ? b->authority
				   : strcmp(field, "url") == 0     ? b->url
				   : strcmp(field, "dir") == 0     ? b->dir
				   : strcmp(field, "conf") == 0    ? b->conf
				   : strcmp(field, "socket") == 0  ? b->socket
				   : strcmp(field, "node") == 0    ? b->node
								   : NULL;
		if (text != NULL)
			px_buf_adds(out, text);
		else if (strcmp(field, "port") == 0)
			px_buf_addf(out, "%u", b->port);
		else if (strcmp(field, "metrics") == 0)
			px_buf_addf(out, "%u", b->metrics_port);
		else
			return false;
		return true;
	}
	return false;
}

static bool actor_field(struct px_play *p, const char *name, const char *field, struct px_buf *out)
{
	for (unsigned i = 0; i < p->n_actors; i++) {
		const struct px_actor *a = p->actors[i];
		if (strcmp(a->name, name) != 0)
			continue;
		unsigned port = a->peer != NULL ? px_peer_port(a->peer) : 0;
		if (strcmp(field, "port") == 0)
			px_buf_addf(out, "%u", port);
		else if (strcmp(field, "url") == 0)
			px_buf_addf(out, "https://127.0.0.1:%u", port);
		else if (strcmp(field, "uri") == 0)
			px_buf_adds(out, a->uri);
		else if (strcmp(field, "cert") == 0 && a->tls_cert != NULL)
			px_buf_adds(out, a->tls_cert);
		else if (strcmp(field, "key") == 0 && a->tls_key != NULL)
			px_buf_adds(out, a->tls_key);
		else if (strcmp(field, "sign-cert") == 0)
			px_buf_adds(out, a->sign_cert);
		else if (strcmp(field, "sign-key") == 0)
			px_buf_adds(out, a->sign_key);
		else
			return false;
		return true;
	}
	return false;
}

static int expand_one(struct px_play *p, const char *name, struct px_buf *out)
{
	json_t *v = json_object_get(p->vars, name);
	if (v != NULL) {
		px_buf_add(out, json_string_value(v), json_string_length(v));
		return PX_OK;
	}
	if (strcmp(name, "status") == 0 && p->n_answers > 0) {
		px_buf_addf(out, "%d", p->answers[0].reply.status);
		return PX_OK;
	}
	if (strcmp(name, "body") == 0 && p->seen != NULL) {
		px_buf_add(out, p->seen->data, p->seen->len);
		return PX_OK;
	}
	if (strcmp(name, "output") == 0) {
		px_buf_add(out, p->output.data, p->output.len);
		return PX_OK;
	}
	const char *dot = strrchr(name, '.');
	char owner[64];
	if (dot != NULL && px_strlcpy_n(owner, name, (size_t)(dot - name), sizeof(owner)) &&
	    (doc_field(p, owner, dot + 1, out) || broker_field(p, owner, dot + 1, out) ||
	     actor_field(p, owner, dot + 1, out)))
		return PX_OK;
	return px_fail(p, "a variable that is there", "$%s is not", name);
}

int px_expand(struct px_play *p, const char *s, size_t n, struct px_buf *out)
{
	const char *end = s + n;
	while (s < end) {
		const char *dollar = memchr(s, '$', (size_t)(end - s));
		px_buf_add(out, s, (size_t)((dollar != NULL ? dollar : end) - s));
		if (dollar == NULL)
			break;
		s = dollar + 1;
		if (s < end && *s == '$') {
			px_buf_addc(out, '$');
			s++;
			continue;
		}
		bool braces = s < end && *s == '{';
		s += braces;
		size_t len = 0;
		while (
		    s + len < end &&
		    (braces ? s[len] != '}' : isalnum((unsigned char)s[len]) || strchr("-_", s[len]) != NULL))
			len++;
		char name[96];
		if (len == 0 || !px_strlcpy_n(name, s, len, sizeof(name)))
			return px_fail(p, "$name or ${name} ($$ is a dollar sign)", "%.*s",
				       (int)PX_MIN(end - dollar, 20), dollar);
		int rc = expand_one(p, name, out);
		if (rc != PX_OK)
			return rc;
		s += len + braces;
	}
	return PX_OK;
}
