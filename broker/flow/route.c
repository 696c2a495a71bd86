/* prinex: recipients and their partners
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/route.h"

#include "base/strings.h"

struct routing_job {
	const struct px_conf *conf;
	const struct px_cat_type *type;
	const struct px_conf_partner *from;
	const struct px_header *header;
	const struct px_keys *keys;
	int64_t now;
	struct px_routing *out;
	struct px_findings *errors;
};

static bool has_key(const struct px_keys *keys, const struct px_strings *wanted, enum px_key_kind kind)
{
	for (unsigned i = 0; i < keys->n; i++) {
		if (keys->items[i].kind == kind && px_strings_has(wanted, keys->items[i].value))
			return true;
	}
	return false;
}

/* "UA209*" matches every office that starts so. */
static bool office_matches(const char *pattern, const char *office)
{
	size_t n = strlen(pattern);
	if (n > 0 && pattern[n - 1] == '*')
		return strncmp(office, pattern, n - 1) == 0;
	return strcmp(office, pattern) == 0;
}

static bool has_office(const struct px_keys *keys, const struct px_strings *wanted)
{
	for (unsigned i = 0; i < keys->n; i++) {
		enum px_key_kind kind = keys->items[i].kind;
		if (kind != PX_KEY_OFFICE_DEPARTURE && kind != PX_KEY_OFFICE_TRANSIT &&
		    kind != PX_KEY_OFFICE_DESTINATION && kind != PX_KEY_OFFICE_EXIT)
			continue;
		for (unsigned k = 0; k < wanted->n; k++) {
			if (office_matches(wanted->items[k], keys->items[i].value))
				return true;
		}
	}
	return false;
}

static bool route_matches(const struct routing_job *job, const struct px_conf_route *route)
{
	return (route->senders.n == 0 || px_strings_has(&route->senders, job->header->sender)) &&
	       (route->types.n == 0 || px_strings_has(&route->types, job->header->type)) &&
	       (route->destinations.n == 0 ||
		has_key(job->keys, &route->destinations, PX_KEY_COUNTRY_DESTINATION)) &&
	       (route->countries.n == 0 || has_key(job->keys, &route->countries, PX_KEY_COUNTRY_ROUTING)) &&
	       (route->offices.n == 0 || has_office(job->keys, &route->offices));
}

/* The first route that matches and speaks of @recipient (or of everybody). */
static const struct px_conf_route *route_for(const struct routing_job *job, const char *recipient)
{
	for (unsigned i = 0; i < job->conf->n_routes; i++) {
		const struct px_conf_route *route = &job->conf->routes[i];
		bool speaks = route->recipients.n == 0 || px_strings_has(&route->recipients, recipient);
		if (speaks && route_matches(job, route))
			return route;
	}
	return NULL;
}

/* The only partner of (authority, role); NULL when there is none or several (px_conf_load refuses several
 * without via). */
static const struct px_conf_partner *only(const struct px_conf *conf, const char *authority,
					  enum px_role role)
{
	const struct px_conf_partner *found = NULL;
	for (unsigned i = 0; i < conf->n_partners; i++) {
		const struct px_conf_partner *p = &conf->partners[i];
		if (p->role != role || strcmp(p->authority, authority) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = p;
	}
	return found;
}

static bool has_system(const struct px_conf *conf, const char *authority)
{
	for (unsigned i = 0; i < conf->n_partners; i++) {
		if (conf->partners[i].role == PX_ROLE_SYSTEM &&
		    strcmp(conf->partners[i].authority, authority) == 0)
			return true;
	}
	return false;
}

static const struct px_conf_partner *partner_for(const struct routing_job *job, const char *recipient,
						 const struct px_conf_route *route)
{
	if (route != NULL && route->via[0] != '\0')
		return px_conf_partner(job->conf, route->via);
	const struct px_conf_partner *p = only(job->conf, recipient, PX_ROLE_SYSTEM);
	return p != NULL ? p : only(job->conf, recipient, PX_ROLE_NODE);
}

static bool already(const struct px_routing *out, const char *recipient)
{
	for (unsigned i = 0; i < out->n_reached; i++) {
		if (strcmp(out->reached[i], recipient) == 0)
			return true;
	}
	return false;
}

static void reach(struct routing_job *job, const char *recipient, const struct px_conf_partner *to,
		  const struct px_conf_route *route)
{
	struct px_routing *out = job->out;
	px_strlcpy(out->reached[out->n_reached++], recipient, sizeof(out->reached[0]));
	if (route != NULL && out->route[0] == '\0')
		px_strlcpy(out->route, route->name, sizeof(out->route));
	/* A Ping walks the whole path and stops before the recipient's back end. */
	if (to->role == PX_ROLE_SYSTEM && strcmp(job->type->name, "Ping") == 0)
		return;
	struct px_new_delivery *d = &out->deliveries[out->n++];
	*d = (struct px_new_delivery){.deadline = job->now + to->maximum_age};
	px_strlcpy(d->recipient, recipient, sizeof(d->recipient));
	px_strlcpy(d->partner, to->name, sizeof(d->partner));
	if (route != NULL)
		px_strlcpy(d->route, route->name, sizeof(d->route));
	if (job->header->expires_at != 0)
		d->deadline = PX_MIN(d->deadline, job->header->expires_at);
}

/* @named: the sender wrote it into the header, so it is an error when it cannot be reached from the first
 * broker. */
static void consider(struct routing_job *job, const char *recipient, bool named)
{
	bool from_node = job->from->role == PX_ROLE_NODE;
	if (strcmp(recipient, job->header->sender) == 0 || already(job->out, recipient) ||
	    job->out->n_reached == PX_RECIPIENTS_MAX)
		return;
	if (from_node && !has_system(job->conf, recipient) &&
	    !px_strings_has(&job->from->relay_to, recipient))
		return;
	const struct px_conf_route *route = route_for(job, recipient);
	const struct px_conf_partner *to = partner_for(job, recipient, route);
	if (to == NULL) {
		bool ends_here = strcmp(job->type->name, "Ping") == 0 &&
				 strcmp(recipient, job->conf->node.authority) == 0;
		if (named && !from_node && !ends_here)
			px_findings_add(job->errors, PX_CODE_ROUTE, 0, "/px:Exchange/px:Header/px:Recipient",
					recipient, "recipient %s is not reached from this node", recipient);
		return;
	}
	if (to == job->from || to->role == PX_ROLE_OFFICER)
		return;
	if (to->types.n > 0 && !px_strings_has(&to->types, job->header->type)) {
		px_findings_add(job->errors, PX_CODE_ROUTE, 0, "/px:Exchange/px:Header/px:MessageType",
				job->header->type,
				"partner %s for recipient %s does not take messages of type %s", to->name,
				recipient, job->header->type);
		return;
	}
	if (job->type->domain == PX_DOMAIN_EXTERNAL && to->role == PX_ROLE_NODE &&
	    !(route != NULL && route->allow_external)) {
		px_findings_add(job->errors, PX_CODE_ROUTE_DOMAIN, 0, "/px:Exchange/px:Header/px:MessageType",
				job->header->type, "messages of type %s may not go to partner %s of %s: %s",
				job->header->type, to->name, recipient, px_code_remedy(PX_CODE_ROUTE_DOMAIN));
		return;
	}
	reach(job, recipient, to, route);
}

static void consider_routes(struct routing_job *job)
{
	for (unsigned i = 0; i < job->conf->n_routes; i++) {
		const struct px_conf_route *route = &job->conf->routes[i];
		if (!route_matches(job, route))
			continue;
		for (unsigned k = 0; k < route->recipients.n; k++)
			consider(job, route->recipients.items[k], false);
	}
}

int px_route(const struct px_conf *conf, const struct px_cat_type *type,
	     const struct px_conf_partner *partner, const struct px_header *header,
	     const struct px_keys *keys, int64_t now, struct px_routing *out, struct px_findings *errors)
{
	struct routing_job job = {conf, type, partner, header, keys, now, out, errors};
	*out = (struct px_routing){0};
	for (unsigned i = 0; i < header->n_recipients; i++)
		consider(&job, header->recipients[i], true);
	if (header->n_recipients == 0)
		consider_routes(&job);
	/* The first broker resolved an empty list and cannot write it into signed octets: what reaches an
	 * authority's own node is for that authority unless a route here says otherwise. */
	if (header->n_recipients == 0 && partner->role == PX_ROLE_NODE && out->n_reached == 0 &&
	    errors->total == 0)
		consider(&job, conf->node.authority, false);
	/* A Ping that names this node's own authority ends here, whether or not a system is attached. */
	if (strcmp(type->name, "Ping") == 0 && errors->total == 0 && out->n_reached == 0) {
		px_strlcpy(out->reached[out->n_reached++], conf->node.authority, sizeof(out->reached[0]));
		return 0;
	}
	if (errors->total > 0)
		return 422;
	if (out->n_reached == 0) {
		px_findings_add(errors, PX_CODE_ROUTE, 0, "/px:Exchange/px:Header/px:Recipient", NULL,
				header->n_recipients > 0 ? "none of the recipients is reached from this node"
							 : "no recipient is named and no route resolves one");
		return 422;
	}
	return 0;
}
