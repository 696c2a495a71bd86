/* prinex: confirmations that come after their lease
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>

/*
 * A delivery that was fetched but not confirmed in time is offered again, and then only who has it now may
 * confirm it. But once its time has run out it is unknown, or an administrator has cancelled it; nobody has
 * it, and proof that it arrived is welcome: it settles, and the confirmation made of it supersedes the
 * exception the sender was given.
 */
struct late {
	struct px_flow *flow;
	struct px_generation *gen;
	char partner[PX_NAME_MAX + 1];
	struct px_body *body;
	struct px_lease lease; /* delivery, header and origin alone */
	uint8_t digest[PX_DIGEST_LEN];
	px_flow_answered *answered;
	void *arg;
};

static void late_end(struct late *l)
{
	struct px_flow *flow = l->flow;
	px_body_unref(&l->body);
	px_generation_unref(&l->gen);
	free(l);
	px_flow_end(flow);
}

static void refuse(struct late *l, int status, const char *why)
{
	px_log(PX_LOG_NOTICE, "inbox", "partner=%s delivery=%" PRIu64 " confirmation not accepted: %s",
	       l->partner, l->lease.delivery.id, why);
	px_answer_text(l->answered, l->arg, status, status == 503 ? 2 : 0, "%s\n", why);
	late_end(l);
}

static void passed_on(struct late *l)
{
	refuse(l, 409, "it is not leased to you (any more): fetch again");
}

static void settled(void *arg, int rc)
{
	struct late *l = arg;
	struct px_flow_answer answer = {.status = 204, .body = ""};
	if (rc == PX_OK) {
		l->answered(l->arg, &answer);
		late_end(l);
	} else if (rc == PX_EPRECONDITION || rc == PX_ESTALE || rc == PX_ENOTFOUND) {
		passed_on(l);
	} else {
		refuse(l, 503, "the store failed; try again");
	}
}

static void settle_late(struct late *l, const struct judgement *j)
{
	struct px_settle s = {
	    .delivery = l->lease.delivery.id,
	    .state = j->state,
	    .due = j->due,
	    .error = j->error[0] != '\0' ? j->error : NULL,
	    .code = j->code[0] != '\0' ? j->code : NULL,
	    .answer = l->body->data,
	    .answer_len = l->body->len,
	};
	struct settle_about about = {&l->lease.delivery, &l->lease.header, l->lease.origin, l->digest,
				     l->lease.confirmations};
	px_settle(l->flow, &about, &s, settled, l);
}

static int inspect_late(struct late *l);

static void judged(void *arg, int rc, struct px_verdict *verdict)
{
	struct late *l = arg;
	struct judgement j = {.state = PX_D_QUEUED};
	bool moved = l->gen != l->flow->gen; /* a reload meanwhile: whom it trusts may have changed */
	if (moved) {
		px_generation_unref(&l->gen);
		l->gen = px_generation_ref(l->flow->gen);
	}
	const struct px_conf_partner *partner = px_conf_partner(l->gen->conf, l->partner);
	bool trusted = px_flow_is_trusted(l->flow, l->arg) && partner != NULL;
	if (rc == PX_OK && trusted && !moved)
		px_judge(l->flow, partner, &l->lease, verdict, &j);
	px_verdict_free(&verdict);
	if (!trusted) {
		refuse(l, 403, "this connection is not trusted any more");
	} else if (moved) {
		if (inspect_late(l) != PX_OK)
			refuse(l, 503, "overloaded: try again");
	} else if (rc != PX_OK) {
		refuse(l, 503, "it could not be inspected");
	} else if (j.state == PX_D_QUEUED) {
		refuse(l, 422, j.error);
	} else {
		settle_late(l, &j);
	}
}

static int inspect_late(struct late *l)
{
	struct px_pool_request req = {
	    .kind = PX_DOC_CONFIRMATION,
	    .body = l->body,
	    .now = px_flow_now(l->flow),
	    .first_broker = true,
	    .has_expected = true,
	};
	memcpy(req.expected_digest, l->digest, PX_DIGEST_LEN);
	px_strlcpy(req.partner, l->partner, sizeof(req.partner));
	px_strlcpy(req.expected_sender, l->lease.header.sender, sizeof(req.expected_sender));
	px_strlcpy(req.expected_id, l->lease.header.message_id, sizeof(req.expected_id));
	return l->gen->inspector->submit(l->gen->inspector, &req, judged, l);
}

static void message_read(void *arg, int rc, const struct px_message *m)
{
	struct late *l = arg;
	if (rc != PX_OK) {
		refuse(l, 503, "its message could not be read");
		return;
	}
	l->lease.header = m->header;
	l->lease.confirmations = m->confirmations;
	px_strlcpy(l->lease.origin, m->partner, sizeof(l->lease.origin));
	memcpy(l->digest, m->digest, PX_DIGEST_LEN);
	if (inspect_late(l) != PX_OK)
		refuse(l, 503, "overloaded: try again");
}

static void found(void *arg, int rc, unsigned n, const struct px_delivery *deliveries, uint64_t next)
{
	struct late *l = arg;
	(void)next;
	if (rc != PX_OK) {
		refuse(l, 503, "the store could not be read");
	} else if (n != 1 || deliveries[0].id != l->lease.delivery.id ||
		   !px_settle_is_open(deliveries[0].state) ||
		   strcmp(deliveries[0].partner, l->partner) != 0) {
		passed_on(l);
	} else {
		l->lease.delivery = deliveries[0];
		px_store_message(l->flow->store, deliveries[0].message, message_read, l);
	}
}

void px_late_confirm(struct px_flow *flow, struct px_generation *gen, const struct px_conf_partner *partner,
		     const char *id, struct px_body *body, px_flow_answered *answered, void *arg)
{
	char number[24];
	uint64_t delivery = 0;
	px_strlcpy_n(number, id, strcspn(id, "-"), sizeof(number));
	if (px_parse_u64(number, 1, UINT64_MAX - 1, &delivery) != PX_OK) {
		px_answer_text(answered, arg, 409, 0, "there is no delivery %.80s\n", id);
		return;
	}
	struct late *l = px_xcalloc(1, sizeof(*l));
	l->flow = flow;
	l->gen = px_generation_ref(gen);
	l->body = px_body_ref(body);
	l->lease.delivery.id = delivery;
	l->answered = answered;
	l->arg = arg;
	px_strlcpy(l->partner, partner->name, sizeof(l->partner));
	px_flow_begin(flow);
	struct px_scan scan = {.from = delivery, .limit = 1, .ascending = true};
	px_store_scan_deliveries(flow->store, &scan, found, l);
}
