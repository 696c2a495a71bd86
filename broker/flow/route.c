/* prinex: recipients and their partners
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/route.h"

#include "base/strings.h"
#include "flow/match.h"

struct routing_job {
	const struct px_route_ask *ask;
	struct px_routing *out;
	struct px_findings *errors;
};

const char *px_route_outcome_name(enum px_route_outcome outcome)
{
	static const char *const names[] = {"matches", "differs", "delivers", "ends-here",
					    "absent",  "passed",  "refuses"};
	return names[outcome];
}

static bool is_ping(const struct routing_job *job)
{
	return strcmp(job->ask->type->name, "Ping") == 0;
}

static bool from_node(const struct routing_job *job)
{
	return job->ask->from->role == PX_ROLE_NODE;
}

/* --- telling
 * --------------------------------------------------------------------------------------------------- */

static void tell(const struct routing_job *job, const char *recipient, enum px_route_outcome outcome,
		 const struct px_conf_partner *to, const struct px_conf_route *route, const char *fmt, ...)
    PX_PRINTF(6, 7);
static void tell(const struct routing_job *job, const char *recipient, enum px_route_outcome outcome,
		 const struct px_conf_partner *to, const struct px_conf_route *route, const char *fmt, ...)
{
	if (job->ask->told == NULL)
		return;
	struct px_buf why = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&why, fmt, ap);
	va_end(ap);
	struct px_route_step step = {
	    .name = recipient,
	    .outcome = outcome,
	    .partner = to != NULL ? to->name : "",
	    .route = route != NULL ? route->name : "",
	    .why = px_buf_str(&why),
	};
	job->ask->told(job->ask->told_arg, &step);
	px_buf_free(&why);
}

static void tell_routes(const struct routing_job *job)
{
	const struct px_route_ask *ask = job->ask;
	for (unsigned i = 0; ask->told != NULL && i < ask->conf->n_routes; i++) {
		const struct px_conf_route *route = &ask->conf->routes[i];
		struct px_buf why = PX_BUF_INIT;
		bool matches = px_match_route(route, ask->header, ask->keys, &why);
		struct px_route_step step = {
		    .about_route = true,
		    .name = route->name,
		    .outcome = matches ? PX_ROUTE_MATCHES : PX_ROUTE_DIFFERS,
		    .partner = route->via,
		    .route = "",
		    .why = px_buf_str(&why),
		};
		ask->told(ask->told_arg, &step);
		px_buf_free(&why);
	}
}

/* --- the way to a recipient
 * ------------------------------------------------------------------------------------ */

/* The first route that matches and speaks of @recipient (or of everybody). */
static const struct px_conf_route *route_for(const struct routing_job *job, const char *recipient)
{
	const struct px_route_ask *ask = job->ask;
	for (unsigned i = 0; i < ask->conf->n_routes; i++) {
		const struct px_conf_route *route = &ask->conf->routes[i];
		bool speaks = route->recipients.n == 0 || px_strings_has(&route->recipients, recipient);
		if (speaks && px_match_route(route, ask->header, ask->keys, NULL))
			return route;
	}
	return NULL;
}

/* The only partner of (authority, role) that gets deliveries; NULL when there is none or several
 * (px_conf_load refuses several without via). */
static const struct px_conf_partner *only(const struct px_conf *conf, const char *authority,
					  enum px_role role)
{
	const struct px_conf_partner *found = NULL;
	for (unsigned i = 0; i < conf->n_partners; i++) {
		const struct px_conf_partner *p = &conf->partners[i];
		if (p->role != role || p->mode == PX_MODE_NONE || strcmp(p->authority, authority) != 0)
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
		return px_conf_partner(job->ask->conf, route->via);
	const struct px_conf_partner *p = only(job->ask->conf, recipient, PX_ROLE_SYSTEM);
	return p != NULL ? p : only(job->ask->conf, recipient, PX_ROLE_NODE);
}

/* --- decisions
 * ------------------------------------------------------------------------------------------------- */

static bool already(const struct px_routing *out, const char *recipient)
{
	for (unsigned i = 0; i < out->n_reached; i++) {
		if (strcmp(out->reached[i], recipient) == 0)
			return true;
	}
	return false;
}

/* Recipients that get nothing, and rightly so. @return whether @recipient is one. */
static bool pass_over(const struct routing_job *job, const char *recipient)
{
	const struct px_route_ask *ask = job->ask;
	if (already(job->out, recipient))
		return true;
	if (strcmp(recipient, ask->header->sender) == 0) {
		tell(job, recipient, PX_ROUTE_PASSED, NULL, NULL, "it is the Sender");
		return true;
	}
	if (job->out->n_reached == PX_RECIPIENTS_MAX) {
		tell(job, recipient, PX_ROUTE_PASSED, NULL, NULL, "there are %d recipients already",
		     PX_RECIPIENTS_MAX);
		return true;
	}
	if (from_node(job) && !has_system(ask->conf, recipient) &&
	    !px_strings_has(&ask->from->relay_to, recipient)) {
		tell(job, recipient, PX_ROUTE_PASSED, NULL, NULL,
		     "the message came from node %s, no system of %s is a partner here, and relay-to of %s "
		     "does not name it",
		     ask->from->name, recipient, ask->from->name);
		return true;
	}
	return false;
}

/* The whole message is refused because of @recipient. */
static void refuse(struct routing_job *job, const char *recipient, const struct px_conf_partner *to,
		   const struct px_conf_route *route, enum px_code code, const char *element,
		   const char *value, const char *why)
{
	char pointer[64];
	snprintf(pointer, sizeof(pointer), "/px:Exchange/px:Header/px:%s", element);
	px_findings_add(job->errors, code, 0, pointer, value, "%s", why);
	tell(job, recipient, PX_ROUTE_REFUSES, to, route, "%s", why);
}

/* What the partner does not take. @return whether there is something. */
static bool refuse_kind(struct routing_job *job, const char *recipient, const struct px_conf_partner *to,
			const struct px_conf_route *route)
{
	const struct px_route_ask *ask = job->ask;
	const char *type = ask->type->name;
	struct px_buf why = PX_BUF_INIT, taken = PX_BUF_INIT;
	bool wrong = true;
	if (to->types.n > 0 && !px_strings_has(&to->types, type)) {
		px_buf_addf(&why, "partner %s for recipient %s does not take messages of type %s", to->name,
			    recipient, type);
		refuse(job, recipient, to, route, PX_CODE_ROUTE, "MessageType", type, px_buf_str(&why));
	} else if (!px_conf_takes_version(to, type, ask->version, &taken)) {
		px_buf_addf(&why,
			    "the message is %s in version %s, but partner %s for recipient %s takes %s in "
			    "version %s",
			    type, ask->version, to->name, recipient, type, px_buf_str(&taken));
		refuse(job, recipient, to, route, PX_CODE_ROUTE_VERSION, "TypeVersion", ask->version,
		       px_buf_str(&why));
	} else if (ask->type->domain == PX_DOMAIN_EXTERNAL && to->role == PX_ROLE_NODE &&
		   !(route != NULL && route->allow_external)) {
		px_buf_addf(&why, "messages of type %s may not go to partner %s of %s: %s", type, to->name,
			    recipient, px_code_remedy(PX_CODE_ROUTE_DOMAIN));
		refuse(job, recipient, to, route, PX_CODE_ROUTE_DOMAIN, "MessageType", type,
		       px_buf_str(&why));
	} else {
		wrong = false;
	}
	px_buf_free(&why);
	px_buf_free(&taken);
	return wrong;
}

/* @to NULL: not connected. */
static void reach(struct routing_job *job, const char *recipient, const struct px_conf_partner *to,
		  const struct px_conf_route *route)
{
	const struct px_route_ask *ask = job->ask;
	struct px_routing *out = job->out;
	px_strlcpy(out->reached[out->n_reached++], recipient, sizeof(out->reached[0]));
	if (route != NULL && to != NULL && out->route[0] == '\0')
		px_strlcpy(out->route, route->name, sizeof(out->route));
	struct px_new_delivery *d = &out->deliveries[out->n++];
	*d = (struct px_new_delivery){.deadline = ask->now + (to != NULL ? to->maximum_age : 0)};
	px_strlcpy(d->recipient, recipient, sizeof(d->recipient));
	px_strlcpy(d->partner, to != NULL ? to->name : "", sizeof(d->partner));
	if (route != NULL)
		px_strlcpy(d->route, route->name, sizeof(d->route));
	if (ask->header->expires_at != 0)
		d->deadline = PX_MIN(d->deadline, ask->header->expires_at);
}

static void not_connected(struct routing_job *job, const char *recipient, const struct px_conf_partner *to,
			  const struct px_conf_route *route)
{
	job->out->n_absent++;
	reach(job, recipient, NULL, route);
	if (to != NULL)
		tell(job, recipient, PX_ROUTE_ABSENT, NULL, route,
		     "it is reached by partner %s only, which the message comes from", to->name);
	else
		tell(
		    job, recipient, PX_ROUTE_ABSENT, NULL, route,
		    "no partner of %s gets deliveries here, and no route that matches leads to it by another",
		    recipient);
}

static void deliver(struct routing_job *job, const char *recipient, const struct px_conf_partner *to,
		    const struct px_conf_route *route)
{
	if (to->role == PX_ROLE_SYSTEM && is_ping(job)) {
		/* It walks the whole path and stops before the recipient's back end. */
		struct px_routing *out = job->out;
		px_strlcpy(out->reached[out->n_reached++], recipient, sizeof(out->reached[0]));
		tell(job, recipient, PX_ROUTE_ENDS_HERE, to, route,
		     "a Ping stops before the recipient's own system");
		return;
	}
	reach(job, recipient, to, route);
	if (route != NULL && route->via[0] != '\0')
		tell(job, recipient, PX_ROUTE_DELIVERS, to, route, "route %s leads to it via %s", route->name,
		     to->name);
	else
		tell(job, recipient, PX_ROUTE_DELIVERS, to, route, "%s is its only %s here", to->name,
		     px_role_name(to->role));
}

/* @named: the sender wrote it into the header. */
static void consider(struct routing_job *job, const char *recipient, bool named)
{
	const struct px_route_ask *ask = job->ask;
	if (pass_over(job, recipient))
		return;
	const struct px_conf_route *route = route_for(job, recipient);
	const struct px_conf_partner *to = partner_for(job, recipient, route);
	if (to == NULL && is_ping(job) && strcmp(recipient, ask->conf->node.authority) == 0)
		return; /* ends here: px_route */
	if (to == NULL || (to == ask->from && named && !from_node(job)))
		not_connected(job, recipient, to, route);
	else if (to == ask->from)
		tell(job, recipient, PX_ROUTE_PASSED, to, route, "the message comes from its partner %s",
		     to->name);
	else if (!refuse_kind(job, recipient, to, route))
		deliver(job, recipient, to, route);
}

static void consider_routes(struct routing_job *job)
{
	const struct px_route_ask *ask = job->ask;
	for (unsigned i = 0; i < ask->conf->n_routes; i++) {
		const struct px_conf_route *route = &ask->conf->routes[i];
		if (!px_match_route(route, ask->header, ask->keys, NULL))
			continue;
		for (unsigned k = 0; k < route->recipients.n; k++)
			consider(job, route->recipients.items[k], false);
	}
}

/* Nobody is left to whom it could go. */
static void refuse_all(struct routing_job *job)
{
	static const char pointer[] = "/px:Exchange/px:Header/px:Recipient";
	const struct px_routing *out = job->out;
	for (unsigned i = 0; i < out->n_reached; i++)
		px_findings_add(job->errors, PX_CODE_ROUTE, 0, pointer, out->reached[i],
				"recipient %s is not reached from this node", out->reached[i]);
	if (out->n_reached == 0)
		px_findings_add(job->errors, PX_CODE_ROUTE, 0, pointer, NULL,
				job->ask->header->n_recipients > 0
				    ? "none of the recipients is reached from this node"
				    : "no recipient is named and no route resolves one");
}

int px_route(const struct px_route_ask *ask, struct px_routing *out, struct px_findings *errors)
{
	struct routing_job job = {ask, out, errors};
	const struct px_header *header = ask->header;
	const char *own = ask->conf->node.authority;
	*out = (struct px_routing){0};
	tell_routes(&job);
	for (unsigned i = 0; i < header->n_recipients; i++)
		consider(&job, header->recipients[i], true);
	if (header->n_recipients == 0)
		consider_routes(&job);
	/* The first broker resolved an empty list and cannot write it into signed octets: what reaches an
	 * authority's own node is for that authority unless a route here says otherwise. */
	if (header->n_recipients == 0 && from_node(&job) && out->n_reached == 0 && errors->total == 0)
		consider(&job, own, false);
	/* A Ping that names this node's own authority ends here, whether or not a system is attached. */
	if (is_ping(&job) && errors->total == 0 && out->n_reached == 0) {
		px_strlcpy(out->reached[out->n_reached++], own, sizeof(out->reached[0]));
		tell(&job, own, PX_ROUTE_ENDS_HERE, NULL, NULL, "a Ping for nobody else ends at this node");
		return 0;
	}
	if (errors->total == 0 && out->n_reached == out->n_absent)
		refuse_all(&job);
	return errors->total > 0 ? 422 : 0;
}
