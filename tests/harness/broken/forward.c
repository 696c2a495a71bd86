/* prinex: prinex-broken: deliveries to partners that are pushed to
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "broken.h"

enum { FIRST_PAUSE_MS = 200, LONGEST_PAUSE_MS = 2000, GIVE_UP = 3 };

/* --- judging answers --- */

enum verdict judge(struct broken *b, const struct message *m, const struct delivery *d, const void *doc,
		   size_t len, struct px_buf *why)
{
	const struct px_exam exam = {
	    .kind = PX_DOC_CONFIRMATION,
	    .now = wall_now(),
	    .expected_digest = m->body->digest,
	    .expected_sender = m->header.sender,
	    .expected_id = m->header.message_id,
	};
	enum verdict result = V_AGAIN;
	pthread_mutex_lock(&b->examining);
	struct px_verdict *v = px_examine(b->examiner, &exam, doc, len);
	pthread_mutex_unlock(&b->examining);
	const struct px_confirmation *c = v->n_entries == 1 ? &v->entries[0] : NULL;
	if (v->stage != PX_STAGE_OK || c == NULL)
		px_buf_setf(why, "no valid confirmation: %s",
			    v->errors.n > 0 ? px_code_wire(v->errors.items[0].code) : "?");
	else if (strcmp(v->signer.authority, d->recipient) != 0 &&
		 (c->kind == PX_COA || strcmp(v->signer.authority, d->to->authority) != 0))
		px_buf_setf(why, "signed by %s", v->signer.authority);
	else if (c->kind == PX_COA)
		result = V_DELIVERED;
	else if (c->kind == PX_COE && (c->permanent || HAS(TEMPORARY_IS_FINAL)) && !HAS(COE_IGNORED))
		result = V_REFUSED;
	px_verdict_free(&v);
	return result;
}

/* --- one attempt --- */

struct attempt {
	enum verdict verdict;
	bool sent;
	int64_t retry_after; /* ms */
	struct px_buf answer, why;
};

/* What goes out: the octets that came in, unless a fault changes them. */
static void octets(const struct message *m, unsigned attempts, struct px_buf *out)
{
	const uint8_t *data = m->body->data;
	size_t len = m->body->len;
	if (HAS(BOM_STRIPPED) && len > 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		data += 3, len -= 3;
	px_buf_add(out, data, len);
	/* U+0480 to U+04BF: the Cyrillic letters that many an old code page lacks. */
	for (size_t i = 0; HAS(CYRILLIC_MANGLED) && i + 1 < out->len; i++) {
		if (out->data[i] == 0xd2)
			out->data[i] = '?', out->data[i + 1] = '?';
	}
	if (HAS(RETRY_CHANGED_BYTES) && attempts > 0)
		px_buf_addc(out, '\n');
	char *id = HAS(RETRY_NEW_ID) && attempts > 0 ? strstr((char *)out->data, m->header.message_id) : NULL;
	if (id != NULL)
		id[0] = id[0] == 'Z' ? 'Y' : 'Z';
}

static void read_answer(struct broken *b, const struct message *m, const struct delivery *d,
			const struct px_wire_reply *reply, struct attempt *a)
{
	char value[32];
	uint64_t seconds = 0;
	int status = reply->status;
	if (px_wire_field(&reply->head, "Retry-After", value, sizeof(value)) && !HAS(RETRY_AFTER_IGNORED) &&
	    px_parse_u64(value, 0, 900, &seconds) == PX_OK)
		a->retry_after = (int64_t)seconds * 1000;
	px_buf_add(&a->answer, reply->body.data, reply->body.len);
	/* Who sends under a new id believes the CoA for it. */
	bool renamed = HAS(RETRY_NEW_ID) && d->attempts > 0;
	if ((HAS(ANY_2XX_SETTLES) || renamed) && status / 100 == 2)
		a->verdict = V_DELIVERED;
	else if (HAS(STATUS_IS_FINAL) && status / 100 == 4)
		a->verdict = V_REFUSED;
	else if (status == 200 || status == 201 || status == 403 || status == 409 || status == 422)
		a->verdict = judge(b, m, d, reply->body.data, reply->body.len, &a->why);
	if ((a->verdict == V_DELIVERED) != (status / 100 == 2) && !HAS(STATUS_IS_FINAL))
		a->verdict = V_AGAIN;
}

static void attempt(struct broken *b, const struct message *m, const struct delivery *d, struct attempt *a)
{
	const struct px_conf_node *node = &b->conf->node;
	const char *port = strrchr(d->to->url, ':');
	uint64_t number = 0;
	struct px_buf doc = PX_BUF_INIT;
	struct px_wire_reply reply = {0};
	struct px_wire *w = NULL;
	(void)px_parse_u64(port + 1, 1, 65535, &number);
	const struct px_wire_dial dial = {
	    .port = (unsigned)number,
	    .tls = {.cert = node->tls_certificate,
		    .key = node->tls_key,
		    .anchors = d->to->tls.anchors.n > 0 ? d->to->tls.anchors.items[0] : NULL},
	    .uri = d->to->san_uri,
	};
	octets(m, d->attempts, &doc);
	int rc = px_wire_open(&dial, &w, &a->why);
	if (rc == PX_OK)
		rc = px_wire_request(w, "/v1/exchanges", "application/xml", doc.data, doc.len, d->to->timeout,
				     &reply, &a->why);
	a->sent = w != NULL;
	if (rc == PX_OK)
		read_answer(b, m, d, &reply, a);
	px_wire_close(&w);
	px_wire_reply_free(&reply);
	px_buf_free(&doc);
}

/* --- the thread --- */

/* With the lock: the first that may go now. */
static struct message *next(struct broken *b, const struct px_conf_partner *partner, struct delivery **out)
{
	for (unsigned i = 0; i < b->n_messages; i++) {
		struct message *m = b->messages[i];
		for (unsigned k = 0; k < m->n_deliveries; k++) {
			struct delivery *d = &m->deliveries[k];
			if (d->to == partner && d->state == D_QUEUED && d->due <= mono_now() &&
			    (HAS(NO_ORDER) || !must_wait(b, i, d))) {
				*out = d;
				return m;
			}
		}
	}
	return NULL;
}

/* With the lock. */
static void after(struct broken *b, struct message *m, struct delivery *d, const struct attempt *a)
{
	int64_t pause = FIRST_PAUSE_MS << PX_MIN(d->attempts, 6u);
	d->attempts++;
	d->sent = d->sent || a->sent;
	d->due = mono_now() + PX_MAX(PX_MIN(pause, LONGEST_PAUSE_MS), a->retry_after);
	if (d->state != D_QUEUED) /* its time was over meanwhile */
		return;
	if (a->verdict == V_DELIVERED || m->once)
		settle(b, m, d, D_DELIVERED, &a->answer);
	else if (a->verdict == V_REFUSED)
		settle(b, m, d, D_REFUSED, &a->answer);
	else if (HAS(GIVE_UP_AFTER_3) && d->attempts >= GIVE_UP)
		settle(b, m, d, D_UNKNOWN, NULL);
}

void *forward_main(void *arg)
{
	struct forwarder f = *(struct forwarder *)arg;
	struct broken *b = f.broken;
	free(arg);
	pthread_mutex_lock(&b->lock);
	while (!b->ends) {
		struct attempt a = {.verdict = V_AGAIN};
		struct delivery *d;
		expire(b);
		struct message *m = next(b, f.partner, &d);
		if (m == NULL) {
			wait_changed(b, 100);
			continue;
		}
		const struct delivery now = *d;
		pthread_mutex_unlock(&b->lock);
		attempt(b, m, &now, &a);
		fprintf(stderr, "%s/%s to %s, attempt %u: %s %s\n", m->header.sender, m->header.message_id,
			f.partner->name, now.attempts + 1,
			a.verdict == V_DELIVERED ? "delivered"
			: a.verdict == V_REFUSED ? "refused"
						 : "again",
			px_buf_str(&a.why));
		pthread_mutex_lock(&b->lock);
		after(b, m, d, &a);
		px_buf_free(&a.answer);
		px_buf_free(&a.why);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}
