/* prinex: what administrators do to the deliveries of one message
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/internal.h"

#include <inttypes.h>

#define PAGE 500

/*
 * The message is read for its deliveries. When its record is damaged they are found among all that are open,
 * and whom it concerns in its receipt: a damaged message must not wait for its age.
 */
struct change {
	struct px_flow *flow;
	bool cancel;
	uint64_t seq;
	char recipient[PX_AUTHORITY_MAX + 1];
	char reason[PX_VALUE_MAX + 1];
	char actor[PX_MARK_ACTOR_MAX + 1];
	/* whom it concerns */
	struct px_header header;
	char origin[PX_NAME_MAX + 1];
	uint8_t digest[PX_DIGEST_LEN];
	bool confirmations;
	struct px_delivery *deliveries; /* that may be changed */
	bool *begun;                    /* which of them is dealt with */
	unsigned n;
	unsigned pending, matching, done, in_flight, held, along, other, moved, unwritten;
	int failure; /* why the store could not write them */
	px_flow_told *told;
	void *arg;
};

static void change_end(struct change *c, int rc, const char *text)
{
	struct px_flow *flow = c->flow;
	c->told(c->arg, rc, text);
	free(c->deliveries);
	free(c->begun);
	free(c);
	px_flow_end(flow);
}

static void add_count(struct px_buf *out, unsigned n, const char *what)
{
	if (n > 0)
		px_buf_addf(out, "%s%u %s%s", out->len > 0 ? ", " : "", n,
			    n == 1 ? "delivery " : "deliveries ", what);
}

/* Trying again is of no use where there is nothing whole to send. */
static void add_held(struct px_buf *out, const struct change *c)
{
	if (c->held > 0)
		px_buf_addf(
		    out,
		    "%s%u cannot be sent, for a record is damaged (`quarantine` shows it): put it right and "
		    "`quarantine release` it, or end it by `cancel %" PRIu64 "`",
		    out->len > 0 ? ", " : "", c->held, c->seq);
}

static void all_changed(struct change *c)
{
	struct px_buf text = PX_BUF_INIT;
	add_count(&text, c->done, c->cancel ? "cancelled" : "due now");
	add_count(&text, c->in_flight, "in flight just now: try again when the attempt has ended");
	add_held(&text, c);
	add_count(&text, c->along,
		  "by the same post as that to another recipient: cancel the message for all of them");
	add_count(&text, c->moved, "changed just now: try again");
	add_count(&text, c->other, c->cancel ? "could not be ended" : "wait for a confirmation, not for us");
	if (c->unwritten > 0)
		px_buf_addf(&text, "%s%u could not be changed, the store: %s", text.len > 0 ? ", " : "",
			    c->unwritten, px_err_text(c->failure));
	bool unknown = c->matching == 0 && c->recipient[0] != '\0';
	if (unknown)
		px_buf_addf(&text, "it has no delivery to %s", c->recipient);
	else if (text.len == 0)
		px_buf_adds(&text, "nothing of it waits any more");
	int rc = c->unwritten > 0 ? c->failure
		 : c->done > 0    ? PX_OK
		 : unknown        ? PX_ENOTFOUND
				  : PX_EPRECONDITION;
	change_end(c, rc, px_buf_str(&text));
	px_buf_free(&text);
}

/* @n deliveries, which the store changed together or not at all. */
static void changed(struct change *c, unsigned n, int rc)
{
	if (rc == PX_OK) {
		c->done += n;
	} else if (rc == PX_ESTALE) {
		c->in_flight += n;
	} else if (rc == PX_ECORRUPT && !c->cancel) {
		c->held += n;
	} else if (n > 1 && (rc == PX_EPRECONDITION || rc == PX_ENOTFOUND)) {
		c->moved += n; /* one of them has ended */
	} else if (rc == PX_EPRECONDITION || rc == PX_ENOTFOUND || rc == PX_ECORRUPT) {
		c->other += n;
	} else {
		c->unwritten += n;
		c->failure = rc;
	}
	if (--c->pending == 0)
		all_changed(c);
}

static void one_changed(void *arg, int rc)
{
	changed(arg, 1, rc);
}

/* What goes to a partner with one post. */
struct post {
	struct change *c;
	unsigned n;
	struct settle_about abouts[PX_RECIPIENTS_MAX];
	struct px_settle settles[PX_RECIPIENTS_MAX];
	char errors[PX_RECIPIENTS_MAX][PX_VALUE_MAX + 64];
};

static void post_cancelled(void *arg, int rc)
{
	struct post *p = arg;
	struct change *c = p->c;
	unsigned n = p->n;
	free(p);
	changed(c, n, rc);
}

static void add_to_post(struct post *p, const struct px_delivery *d)
{
	struct change *c = p->c;
	struct px_message all = {.n_deliveries = c->n, .deliveries = c->deliveries};
	bool sent = px_sent_maybe(c->flow, d) || px_sent_along(c->flow, &all, d);
	snprintf(p->errors[p->n], sizeof(p->errors[0]), "%s%s", c->reason,
		 sent ? " (it was sent before and may have arrived)" : "");
	p->settles[p->n] = (struct px_settle){.delivery = d->id,
					      .state = PX_D_CANCELLED,
					      .error = p->errors[p->n],
					      .code = px_code_wire(PX_CODE_CANCELLED),
					      .actor = c->actor};
	p->abouts[p->n] = (struct settle_about){d, &c->header, c->origin, c->digest, c->confirmations};
	p->n++;
}

static bool is_same_post(const struct px_delivery *a, const struct px_delivery *b)
{
	return a->state == PX_D_QUEUED && b->state == PX_D_QUEUED && a->partner[0] != '\0' &&
	       strcmp(a->partner, b->partner) == 0;
}

/* With what goes by the same post, if it waits: by one transaction, so that no crash leaves a half of it. */
static void cancel_post(struct change *c, unsigned first)
{
	struct post *p = px_xcalloc(1, sizeof(*p));
	p->c = c;
	add_to_post(p, &c->deliveries[first]);
	for (unsigned i = first + 1; i < c->n && p->n < PX_RECIPIENTS_MAX; i++) {
		if (c->begun[i] || !is_same_post(&c->deliveries[first], &c->deliveries[i]))
			continue;
		c->begun[i] = true;
		c->matching++;
		add_to_post(p, &c->deliveries[i]);
	}
	c->pending++;
	px_settle_all(c->flow, p->n, p->abouts, p->settles, post_cancelled, p);
}

static void retry_one(struct change *c, const struct px_delivery *d)
{
	struct px_settle s = {.delivery = d->id,
			      .state = PX_D_QUEUED,
			      .due = px_flow_now(c->flow),
			      .body_sent = px_sent_maybe(c->flow, d), /* its due time said so */
			      .error = d->error[0] != '\0' ? d->error : NULL,
			      .actor = c->actor};
	struct settle_about about = {d, &c->header, c->origin, c->digest, c->confirmations};
	px_dispatch_unhold(px_flow_obtain_link(c->flow, d->partner));
	px_settle(c->flow, &about, &s, one_changed, c);
}

static bool is_meant(const struct change *c, const struct px_delivery *d)
{
	return c->recipient[0] == '\0' || strcmp(c->recipient, d->recipient) == 0;
}

/* A hub gets a message for all of its recipients with one post. One that waits for the same partner and is
 * not cancelled too, or that is in flight, would take @d along: after its sender was told that it was
 * cancelled, and behind what follows it. */
static bool goes_along(struct change *c, const struct px_delivery *d)
{
	for (unsigned i = 0; i < c->n && c->cancel; i++) {
		const struct px_delivery *other = &c->deliveries[i];
		if (other == d || !is_same_post(d, other))
			continue;
		if (other->leased)
			c->in_flight++;
		else if (!is_meant(c, other))
			c->along++;
		else
			continue;
		return true;
	}
	return false;
}

static void change_all(struct change *c)
{
	c->pending = 1; /* until all are begun */
	c->begun = px_xcalloc(c->n, sizeof(*c->begun));
	for (unsigned i = 0; i < c->n; i++) {
		const struct px_delivery *d = &c->deliveries[i];
		if (!is_meant(c, d) || c->begun[i])
			continue;
		c->matching++;
		if (px_delivery_state_is_final(d->state))
			continue;
		if (d->leased) {
			c->in_flight++;
		} else if (goes_along(c, d)) {
			continue;
		} else if (c->cancel) {
			cancel_post(c, i);
		} else if (d->held) {
			c->held++;
		} else if (d->state == PX_D_HANDED_OVER) {
			c->other++;
		} else {
			c->pending++;
			retry_one(c, d);
		}
	}
	if (--c->pending == 0)
		all_changed(c);
}

static void keep(struct change *c, const struct px_delivery *d)
{
	c->deliveries = px_xrealloc_array(c->deliveries, c->n + 1, sizeof(*c->deliveries));
	c->deliveries[c->n++] = *d;
}

/* --- a damaged message
 * --------------------------------------------------------------------------------------- */

static void receipt_read(void *arg, int rc, const struct px_receipt *r)
{
	struct change *c = arg;
	if (rc == PX_OK) {
		px_strlcpy(c->header.sender, r->sender, sizeof(c->header.sender));
		px_strlcpy(c->header.message_id, r->message_id, sizeof(c->header.message_id));
		px_strlcpy(c->origin, r->partner, sizeof(c->origin));
		memcpy(c->digest, r->digest, PX_DIGEST_LEN);
		c->confirmations = r->confirmations;
	}
	change_all(c); /* without its receipt nobody can be told, but it ends */
}

static void open_page(void *arg, int rc, unsigned n, const struct px_delivery *deliveries, uint64_t next)
{
	struct change *c = arg;
	if (rc != PX_OK) {
		change_end(c, rc, "deliveries could not be read");
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		if (deliveries[i].message == c->seq)
			keep(c, &deliveries[i]);
	}
	if (next != 0) {
		struct px_scan scan = {.from = next, .limit = PAGE, .ascending = true, .open_only = true};
		px_store_scan_deliveries(c->flow->store, &scan, open_page, c);
	} else {
		px_store_receipt(c->flow->store, c->seq, receipt_read, c);
	}
}

static void refuse_damaged(struct change *c)
{
	struct px_buf text = PX_BUF_INIT;
	px_buf_addf(
	    &text,
	    "its record is damaged, so it cannot be sent: put it right and `quarantine release` it, or "
	    "end it by `cancel %" PRIu64 "`",
	    c->seq);
	change_end(c, PX_EPRECONDITION, px_buf_str(&text));
	px_buf_free(&text);
}

/* --- the message
 * --------------------------------------------------------------------------------------------- */

static void message_read(void *arg, int rc, const struct px_message *m)
{
	struct change *c = arg;
	if (rc == PX_ECORRUPT && c->seq != 0 && !c->cancel) {
		refuse_damaged(c);
		return;
	}
	if (rc == PX_ECORRUPT && c->seq != 0) {
		open_page(c, PX_OK, 0, NULL, 1);
		return;
	}
	if (rc != PX_OK) {
		change_end(c, rc,
			   rc == PX_ENOTFOUND ? "there is no such message"
			   : rc == PX_ECORRUPT
			       ? "its record is damaged: name it by the number that quarantine shows"
			       : "the message could not be read");
		return;
	}
	c->seq = m->seq;
	c->header = m->header;
	c->confirmations = m->confirmations;
	px_strlcpy(c->origin, m->partner, sizeof(c->origin));
	memcpy(c->digest, m->digest, PX_DIGEST_LEN);
	for (unsigned i = 0; i < m->n_deliveries; i++)
		keep(c, &m->deliveries[i]);
	change_all(c);
}

static struct change *change_new(struct px_flow *flow, px_flow_told *told, void *arg)
{
	struct change *c = px_xcalloc(1, sizeof(*c));
	c->flow = flow;
	c->told = told;
	c->arg = arg;
	px_flow_begin(flow);
	return c;
}

static void read_message(struct change *c, const struct px_flow_which *which)
{
	c->seq = which->seq;
	if (which->seq != 0)
		px_store_message(c->flow->store, which->seq, message_read, c);
	else
		px_store_find(c->flow->store, which->sender, which->message_id, message_read, c);
}

void px_flow_retry(struct px_flow *flow, const struct px_flow_which *which, px_flow_told *told, void *arg)
{
	read_message(change_new(flow, told, arg), which);
}

void px_flow_cancel(struct px_flow *flow, const struct px_flow_which *which, const char *recipient,
		    const char *reason, const char *actor, px_flow_told *told, void *arg)
{
	struct change *c = change_new(flow, told, arg);
	c->cancel = true;
	px_strlcpy(c->recipient, recipient, sizeof(c->recipient));
	px_strlcpy(c->reason, reason, sizeof(c->reason));
	px_strlcpy(c->actor, actor, sizeof(c->actor));
	read_message(c, which);
}
