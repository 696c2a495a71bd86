/* prinex: checks between the options of a configuration
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "conf/verify.h"

#include <sys/un.h>

#include "base/strings.h"
#include "conf/table.h"

struct verifier {
	const struct px_conf *conf;
	struct px_problems *problems;
};

#define problem(v, field, ...) px_conf_problem((v)->problems, (v)->conf, NULL, field, __VA_ARGS__)

static const char *exact(struct px_buf *buf, int64_t ms)
{
	px_buf_clear(buf);
	px_format_duration(buf, ms);
	return px_buf_str(buf);
}

/* --- authorities
 * ------------------------------------------------------------------------------------------------- */

static void verify_trust(struct verifier *v, const struct px_conf_trust *t, const char *whose)
{
	if (t->crl_required && t->crls.n == 0 && t->anchors.n > 0)
		problem(v, &t->crls,
			"%s: crls are missing, so every certificate would be refused; name them, or say "
			"crl-required = false",
			whose);
}

/* Somebody that messages are for, connected or not. */
static bool is_recipient(const struct px_conf *conf, const char *authority)
{
	bool is = false;
	for (unsigned i = 0; i < conf->n_routes; i++)
		is |= px_strings_has(&conf->routes[i].recipients, authority);
	for (unsigned i = 0; i < conf->n_partners; i++)
		is |= px_strings_has(&conf->partners[i].relay_to, authority);
	return is;
}

static void verify_authority(struct verifier *v, const struct px_conf_authority *a)
{
	static const enum px_role roles[] = {PX_ROLE_SYSTEM, PX_ROLE_NODE};
	bool any = false;
	for (unsigned i = 0; i < PX_ARRAY_LEN(roles); i++) {
		char whose[64];
		const struct px_conf_trust *t = &a->trust[roles[i]];
		snprintf(whose, sizeof(whose), "authority \"%s\" %s", a->code, px_role_name(roles[i]));
		any |= t->configured;
		if (t->configured)
			verify_trust(v, t, whose);
	}
	if (!any && !is_recipient(v->conf, a->code))
		problem(v, &a->code,
			"authority \"%s\": has neither a system nor a node section, so it is trusted "
			"with nothing",
			a->code);
}

/* --- partners
 * ---------------------------------------------------------------------------------------------------- */

static bool takes_deliveries(const struct px_conf_partner *p)
{
	return (p->role == PX_ROLE_SYSTEM || p->role == PX_ROLE_NODE) && p->mode != PX_MODE_NONE;
}

static bool has_partner(const struct px_conf *conf, const char *authority)
{
	for (unsigned i = 0; i < conf->n_partners; i++) {
		if (takes_deliveries(&conf->partners[i]) &&
		    strcmp(conf->partners[i].authority, authority) == 0)
			return true;
	}
	return false;
}

static bool has_way(const struct px_conf *conf, const char *authority)
{
	for (unsigned i = 0; i < conf->n_routes; i++) {
		const struct px_conf_route *r = &conf->routes[i];
		if (*r->via != '\0' && px_strings_has(&r->recipients, authority))
			return true;
	}
	return false;
}

static void verify_mode(struct verifier *v, const struct px_conf_partner *p)
{
	if (p->role == PX_ROLE_OFFICER && p->mode != PX_MODE_NONE)
		problem(v, &p->mode, "partner \"%s\": an officer gets no deliveries; leave mode out",
			p->name);
	else if (p->mode == PX_MODE_PUSH && !px_where_given(v->conf->where, &p->url))
		problem(v, &p->mode, "partner \"%s\": mode = push needs a url", p->name);
	else if (p->mode != PX_MODE_PUSH && *p->url != '\0')
		problem(v, &p->url, "partner \"%s\": url is for mode = push only", p->name);
	else if (p->mode != PX_MODE_PUSH && *p->proxy != '\0')
		problem(v, &p->proxy, "partner \"%s\": proxy is for mode = push only", p->name);
}

static void verify_ages(struct verifier *v, const struct px_conf_partner *p)
{
	struct px_buf a = {0}, b = {0};
	if (p->maximum_age > 0 && v->conf->limits.horizon > 0 && p->maximum_age >= v->conf->limits.horizon)
		problem(
		    v, &p->maximum_age,
		    "partner \"%s\": maximum-age %s must be shorter than limits horizon %s, or a retry could "
		    "count as a new message",
		    p->name, exact(&a, p->maximum_age), exact(&b, v->conf->limits.horizon));
	if (p->maximum_age > 0 && p->cod_wait > 0 && p->cod_wait <= p->maximum_age)
		problem(v, &p->cod_wait, "partner \"%s\": cod-wait %s must be longer than maximum-age %s",
			p->name, exact(&a, p->cod_wait), exact(&b, p->maximum_age));
	px_buf_free(&a);
	px_buf_free(&b);
}

/* Whose signatures arrive over this partner must be believable. */
static void verify_signers(struct verifier *v, const struct px_conf_partner *p)
{
	const struct px_conf *conf = v->conf;
	bool signs = p->role == PX_ROLE_NODE ||
		     (p->role == PX_ROLE_SYSTEM && p->confirmation == PX_CONFIRM_SIGNED);
	if (signs && *p->authority != '\0' && px_conf_signing_trust(conf, p->authority, p->role) == NULL)
		problem(
		    v, &p->authority,
		    "partner \"%s\": nothing says whose signatures to believe; add authority \"%s\" { %s { "
		    "anchors = ... } }",
		    p->name, p->authority, px_role_name(p->role));
	for (unsigned i = 0; i < p->relays_for.n; i++) {
		const char *code = p->relays_for.items[i];
		if (px_conf_signing_trust(conf, code, PX_ROLE_SYSTEM) == NULL)
			problem(v, &p->relays_for,
				"partner \"%s\": relays-for names %s, but there is no authority \"%s\" { "
				"system { "
				"anchors = ... } }",
				p->name, code, code);
	}
}

static void verify_relay_to(struct verifier *v, const struct px_conf_partner *p)
{
	if (p->relay_to.n > 0 && p->role != PX_ROLE_NONE && p->role != PX_ROLE_NODE)
		problem(v, &p->relay_to,
			"partner \"%s\": relay-to is for nodes; what a system sends goes to any "
			"recipient",
			p->name);
	for (unsigned i = 0; i < p->relay_to.n; i++) {
		const char *code = p->relay_to.items[i];
		if (!has_partner(v->conf, code) && !has_way(v->conf, code) &&
		    px_conf_authority(v->conf, code) == NULL)
			problem(v, &p->relay_to,
				"partner \"%s\": relay-to names %s, but no partner of it gets deliveries and "
				"no route "
				"leads to it; if it is not connected, say authority \"%s\" { }",
				p->name, code, code);
	}
}

/* Two partners that cannot be told apart. */
static void verify_identity(struct verifier *v, unsigned index)
{
	const struct px_conf_partner *p = &v->conf->partners[index];
	const struct px_conf_node *n = &v->conf->node;
	if (p->role == PX_ROLE_NODE && strcmp(p->authority, n->authority) == 0 &&
	    strcmp(p->name, n->name) == 0)
		problem(v, &p->name, "partner \"%s\": is this node itself", p->name);
	for (unsigned i = 0; i < index; i++) {
		const struct px_conf_partner *q = &v->conf->partners[i];
		if (*p->san_uri != '\0' && strcmp(p->san_uri, q->san_uri) == 0 &&
		    strcmp(p->name, q->name) != 0)
			problem(v, &p->san_uri, "partner \"%s\": has the same uri as partner \"%s\": %s",
				p->name, q->name, p->san_uri);
		for (unsigned k = 0; k < p->tls.pins.n; k++) {
			if (px_strings_has(&q->tls.pins, p->tls.pins.items[k]))
				problem(v, &p->tls.pins,
					"partner \"%s\": has the same pin as partner \"%s\": %s", p->name,
					q->name, p->tls.pins.items[k]);
		}
	}
}

static void verify_partner(struct verifier *v, unsigned index)
{
	const struct px_conf_partner *p = &v->conf->partners[index];
	char whose[64];
	snprintf(whose, sizeof(whose), "partner \"%s\"", p->name);
	verify_trust(v, &p->tls, whose);
	verify_mode(v, p);
	verify_ages(v, p);
	verify_signers(v, p);
	verify_relay_to(v, p);
	verify_identity(v, index);
}

/* --- recipients
 * -------------------------------------------------------------------------------------------------- */

/* A recipient authority is served by the route's partner, else by its only system, else by its only node. */
static void verify_unambiguous(struct verifier *v, unsigned index)
{
	const struct px_conf_partner *p = &v->conf->partners[index], *first = NULL;
	unsigned systems = 0, nodes = 0;
	for (unsigned i = 0; i < v->conf->n_partners; i++) {
		const struct px_conf_partner *q = &v->conf->partners[i];
		if (!takes_deliveries(q) || strcmp(q->authority, p->authority) != 0)
			continue;
		if (i < index && q->role == p->role && first == NULL)
			first = q;
		systems += q->role == PX_ROLE_SYSTEM;
		nodes += q->role == PX_ROLE_NODE;
	}
	bool counts = takes_deliveries(p) && *p->authority != '\0' && first != NULL &&
		      strcmp(first->name, p->name) != 0;
	if (counts && (p->role == PX_ROLE_SYSTEM || (systems == 0 && nodes > 1)) &&
	    !has_way(v->conf, p->authority))
		problem(
		    v, &p->name,
		    "partner \"%s\": deliveries to %s could go to this partner or to \"%s\"; a route with "
		    "recipients = { \"%s\" } and via must choose",
		    p->name, p->authority, first->name, p->authority);
}

static void verify_route(struct verifier *v, const struct px_conf_route *r)
{
	const struct px_conf_partner *via = px_conf_partner(v->conf, r->via);
	if (*r->via != '\0' && via == NULL)
		problem(v, &r->via, "route \"%s\": via = \"%s\": there is no such partner", r->name, r->via);
	else if (via != NULL && via->role != PX_ROLE_NONE && !takes_deliveries(via))
		problem(v, &r->via, "route \"%s\": via = \"%s\": that partner gets no deliveries", r->name,
			r->via);
	else if (via != NULL && via->role == PX_ROLE_SYSTEM) {
		for (unsigned i = 0; i < r->recipients.n; i++) {
			if (strcmp(r->recipients.items[i], via->authority) != 0)
				problem(v, &r->via,
					"route \"%s\": via = \"%s\": that is a system of %s and passes "
					"nothing on to %s",
					r->name, r->via, via->authority, r->recipients.items[i]);
		}
	}
	for (unsigned i = 0; i < r->recipients.n && *r->via == '\0'; i++) {
		const char *code = r->recipients.items[i];
		if (!has_partner(v->conf, code) && !has_way(v->conf, code) &&
		    px_conf_authority(v->conf, code) == NULL)
			problem(v, &r->recipients,
				"route \"%s\": recipient %s has no partner that gets deliveries, and the "
				"route no via; if it is not connected, say authority \"%s\" { }",
				r->name, code, code);
	}
}

/* --- the rest
 * ------------------------------------------------------------------------------------------------------ */

static void verify_retention(struct verifier *v)
{
	const struct px_conf *conf = v->conf;
	for (unsigned i = 1; i < conf->n_retention; i++) {
		const struct px_conf_retention *r = &conf->retention[i];
		for (unsigned k = 0; k < i; k++) {
			const struct px_conf_retention *q = &conf->retention[k];
			bool hidden = (*q->type == '\0' || strcmp(q->type, r->type) == 0) &&
				      (*q->recipient == '\0' || strcmp(q->recipient, r->recipient) == 0);
			if (hidden) {
				problem(v, &r->name,
					"retention \"%s\": is never used, because \"%s\" before it fits "
					"all its messages",
					r->name, q->name);
				break;
			}
		}
	}
}

static void verify_sockets(struct verifier *v)
{
	const struct px_conf *conf = v->conf;
	size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	bool unix_metrics = px_str_starts(conf->metrics_listen, "unix:");
	if (strlen(conf->control_socket) > room)
		problem(v, &conf->control_socket,
			"control: socket: the name of a socket has at most %zu octets", room);
	if (unix_metrics && strlen(conf->metrics_listen) > room + strlen("unix:"))
		problem(v, &conf->metrics_listen,
			"metrics: listen: the name of a socket has at most %zu octets", room);
	const struct px_strings *a = &conf->listen.addresses;
	for (unsigned i = 0; i < a->n; i++) {
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(a->items[i], a->items[k]) == 0 && !px_str_ends(a->items[i], ":0"))
				problem(v, a, "listen: addresses: %s is named twice", a->items[i]);
		}
	}
}

void px_conf_verify(const struct px_conf *conf, struct px_problems *problems)
{
	struct verifier v = {conf, problems};
	for (unsigned i = 0; i < conf->n_authorities; i++)
		verify_authority(&v, &conf->authorities[i]);
	for (unsigned i = 0; i < conf->n_partners; i++) {
		verify_partner(&v, i);
		verify_unambiguous(&v, i);
	}
	for (unsigned i = 0; i < conf->n_routes; i++)
		verify_route(&v, &conf->routes[i]);
	verify_retention(&v);
	verify_sockets(&v);
}
