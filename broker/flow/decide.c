/* prinex: decisions about a verified message that need no store: who, when
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/decide.h"

#include "base/strings.h"

static int decide_peer(const struct px_conf_partner *partner, const struct px_cat_type *type,
		       const struct px_header *header, struct px_findings *errors)
{
	if (partner->role == PX_ROLE_OFFICER) {
		px_findings_add(errors, PX_CODE_PEER_ROLE, 0, NULL, partner->name,
				"partner %s has the role officer and may only read", partner->name);
		return 403;
	}
	if (strcmp(header->sender, partner->authority) != 0 &&
	    !px_strings_has(&partner->relays_for, header->sender)) {
		px_findings_add(
		    errors, PX_CODE_PEER_SENDER, 0, "/px:Exchange/px:Header/px:Sender", header->sender,
		    "Sender is %s, but the connection is of partner %s of %s, which may not relay for it",
		    header->sender, partner->name, partner->authority);
		return 403;
	}
	if (type->origin == PX_ORIGIN_NODE && partner->role != PX_ROLE_NODE) {
		px_findings_add(errors, PX_CODE_PEER_ROLE, 0, "/px:Exchange/px:Header/px:MessageType",
				header->type,
				"messages of type %s come from nodes; partner %s has the role %s",
				header->type, partner->name, px_role_name(partner->role));
		return 403;
	}
	return 0;
}

/* As with certificates: at the first broker what holds now counts, later ones must not stop what was right
 * when it was made. */
static void decide_profile(const struct px_conf_partner *partner, const struct px_verdict *verdict,
			   int64_t now, struct px_findings *errors)
{
	int64_t at = partner->role == PX_ROLE_SYSTEM ? now : verdict->header.created_at;
	char number[16], when[32];
	if (px_conf_profile_allows(partner, verdict->profile, at))
		return;
	snprintf(number, sizeof(number), "%u", verdict->profile);
	px_time_format(at - at % 1000, when, sizeof(when));
	px_findings_add(errors, PX_CODE_SIG_PROFILE, 0, "/px:Exchange/ds:Signature", number,
			"signature profile %u is not agreed with partner %s for %s", verdict->profile,
			partner->name, when);
}

static int decide_times(const struct px_conf *conf, const struct px_header *header, int64_t now,
			struct px_findings *errors)
{
	char here[32], there[32];
	px_time_format(now - now % 1000, here, sizeof(here));
	px_time_format(header->created_at, there, sizeof(there));
	if (header->created_at < now - conf->limits.horizon) {
		char horizon[32];
		px_duration_format(conf->limits.horizon, horizon, sizeof(horizon));
		px_findings_add(errors, PX_CODE_TIME_PAST, 0, "/px:Exchange/px:Header/px:CreatedAt", there,
				"CreatedAt is %s, the clock here says %s, and the horizon is %s", there, here,
				horizon);
	}
	if (header->created_at > now + conf->limits.future)
		px_findings_add(errors, PX_CODE_TIME_FUTURE, 0, "/px:Exchange/px:Header/px:CreatedAt", there,
				"CreatedAt is %s, but the clock here says %s", there, here);
	if (header->expires_at != 0 && header->expires_at <= now) {
		px_time_format(header->expires_at, there, sizeof(there));
		px_findings_add(errors, PX_CODE_TIME_EXPIRED, 0, "/px:Exchange/px:Header/px:ExpiresAt", there,
				"ExpiresAt is %s, the clock here says %s", there, here);
	}
	return errors->total > 0 ? 422 : 0;
}

int px_decide(const struct px_conf *conf, const struct px_catalogue *cat,
	      const struct px_conf_partner *partner, const struct px_verdict *verdict, int64_t now,
	      struct px_findings *errors)
{
	const struct px_cat_type *type = px_catalogue_type(cat, verdict->header.type);
	if (type ==
	    NULL) { /* the inspector's catalogue is that of the same generation, so it checked this already */
		px_findings_add(errors, PX_CODE_ENV_TYPE, 0, "/px:Exchange/px:Header/px:MessageType",
				verdict->header.type, "message type %s is not in the catalogue",
				verdict->header.type);
		return 422;
	}
	int status = decide_peer(partner, type, &verdict->header, errors);
	if (status != 0)
		return status;
	decide_profile(partner, verdict, now, errors);
	return decide_times(conf, &verdict->header, now, errors);
}
