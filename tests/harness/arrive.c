/* prinex: what came where: arrivals, attempts, outcomes, states
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "play.h"

struct arrival {
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	const uint8_t *data;
	size_t len;
	int64_t at;
};

struct arrivals {
	unsigned n;
	struct arrival *items;
};

static bool of_another_case(const struct px_play *p, const char *id)
{
	struct px_buf line = PX_BUF_INIT;
	px_buf_addf(&line, "\n%s\n", id);
	bool found = strstr(px_buf_str(&p->venue->peer_id), px_buf_str(&line)) != NULL;
	px_buf_free(&line);
	return found;
}

static void add(struct arrivals *list, const char *sender, const char *id, const uint8_t *data, size_t len,
		int64_t at)
{
	list->items = px_xrealloc_array(list->items, list->n + 1, sizeof(list->items[0]));
	struct arrival *a = &list->items[list->n++];
	*a = (struct arrival){.data = data, .len = len, .at = at};
	px_strlcpy(a->sender, sender, sizeof(a->sender));
	px_strlcpy(a->id, id, sizeof(a->id));
}

/* What a target goes on sending from a case before belongs there. */
static bool came_before(const struct px_actor *a, const struct px_peer_record *r)
{
	const struct px_peer_record *old;
	for (unsigned i = 0; i < a->peer_from && (old = px_peer_post(a->peer, i)) != NULL; i++) {
		if (old->message_id[0] != '\0' && strcmp(old->message_id, r->message_id) == 0 &&
		    strcmp(old->sender, r->sender) == 0)
			return true;
	}
	return false;
}

/* Every post, or everything taken; exchanges with confirmations left out. */
static void collect(struct px_play *p, const struct px_actor *a, struct arrivals *out)
{
	const struct px_peer_record *r;
	for (unsigned i = a->peer_from; a->peer != NULL && (r = px_peer_post(a->peer, i)) != NULL; i++) {
		if (r->body != NULL && strcmp(r->type, "Confirmations") != 0 &&
		    !of_another_case(p, r->message_id) && !came_before(a, r))
			add(out, r->sender, r->message_id, r->body->data, r->body->len, r->at);
	}
	for (unsigned i = 0; a->peer == NULL && i < a->n_taken; i++) {
		const struct px_taken *t = &a->taken[i];
		if (strcmp(t->type, "Confirmations") != 0)
			add(out, t->sender, t->id, t->body.data, t->body.len, 0);
	}
}

/* In order of first coming; the same octets again are the same message. */
static void once_each(struct arrivals *list)
{
	unsigned n = 0;
	for (unsigned i = 0; i < list->n; i++) {
		const struct arrival *a = &list->items[i];
		bool again = false;
		for (unsigned k = 0; k < n; k++)
			again |= list->items[k].len == a->len &&
				 memcmp(list->items[k].data, a->data, a->len) == 0;
		if (!again)
			list->items[n++] = *a;
	}
	list->n = n;
}

static struct px_actor *place_of(struct px_play *p, const struct px_call *call)
{
	struct px_actor *only = NULL;
	unsigned n = 0;
	if (px_call_key(call, "at") != NULL)
		return px_find_actor(p, px_call_key(call, "at"));
	for (unsigned i = 0; i < p->n_actors; i++) {
		if (p->actors[i]->peer != NULL) {
			only = p->actors[i];
			n++;
		}
	}
	if (n == 1)
		return only;
	if (n == 0 && p->last != NULL)
		return p->last;
	px_fail(p, "at=RECIPIENT: there are several", "nothing");
	return NULL;
}

static bool is_doc(const struct arrival *a, const struct px_doc *d)
{
	return a->len == d->octets.len && memcmp(a->data, d->octets.data, a->len) == 0;
}

static bool same_list(const struct arrivals *have, const struct px_docs *want, bool any_order, bool more)
{
	unsigned at = 0;
	if (!more && have->n != want->n)
		return false;
	for (unsigned i = 0; i < want->n; i++) {
		unsigned k = any_order ? 0 : at;
		while (k < have->n && !is_doc(&have->items[k], want->items[i])) {
			if (!any_order && !more)
				return false;
			k++;
		}
		if (k == have->n)
			return false;
		at = k + 1;
	}
	return true;
}

static void list_arrivals(struct px_play *p, const struct arrivals *have, struct px_buf *out)
{
	for (unsigned i = 0; i < have->n; i++) {
		const struct arrival *a = &have->items[i];
		px_buf_adds(out, i > 0 ? " " : "");
		px_doc_label(p, a->sender, a->id, out);
		bool known = px_doc_of_octets(p, a->data, a->len) != NULL;
		px_buf_adds(out, known ? "" : "(other octets)");
	}
	if (have->n == 0)
		px_buf_adds(out, "nothing");
}

int px_expect_arrived(struct px_play *p, const struct px_call *call)
{
	struct px_actor *a = place_of(p, call);
	const char *order = px_call_key(call, "order");
	struct px_docs want = {0};
	struct arrivals have = {0};
	int rc = a != NULL ? PX_OK : PX_EINVAL;
	for (unsigned i = 0; rc == PX_OK && i < call->n; i++)
		rc = px_find_docs(p, px_call_word(call, i), &want);
	if (rc == PX_OK) {
		collect(p, a, &have);
		once_each(&have);
		if (!same_list(&have, &want, order != NULL && strcmp(order, "any") == 0,
			       px_call_yes(call, "more"))) {
			struct px_buf came = PX_BUF_INIT, expected = PX_BUF_INIT;
			list_arrivals(p, &have, &came);
			px_buf_addf(&expected, "at %s, octet for octet:", a->name);
			for (unsigned i = 0; i < want.n; i++)
				px_buf_addf(&expected, " %s", want.items[i]->name);
			if (want.n == 0)
				px_buf_adds(&expected, " nothing");
			rc = px_fail(p, px_buf_str(&expected), "%s", px_buf_str(&came));
			px_buf_free(&came);
			px_buf_free(&expected);
		}
	}
	free(want.items);
	free(have.items);
	return rc;
}

static int number_holds(struct px_play *p, const struct px_call *call, unsigned at, const char *what,
			int64_t have)
{
	char text[32];
	struct px_buf expected = PX_BUF_INIT;
	snprintf(text, sizeof(text), "%lld", (long long)have);
	px_buf_addf(&expected, "%s %s %s", what, px_call_word(call, at), px_call_word(call, at + 1));
	bool holds = px_compare(text, px_operator_parse(px_call_word(call, at)), px_call_word(call, at + 1));
	int rc = holds ? PX_OK : px_fail(p, px_buf_str(&expected), "%s", text);
	px_buf_free(&expected);
	return rc;
}

/* Posts of this message, whatever their octets. */
static int attempts(struct px_play *p, const struct px_call *call, unsigned *n, int64_t *shortest)
{
	const struct px_doc *d = px_find_doc(p, px_call_word(call, 0));
	struct px_actor *a = place_of(p, call);
	struct arrivals have = {0};
	int64_t last = 0;
	if (d == NULL || a == NULL)
		return PX_EINVAL;
	collect(p, a, &have);
	for (unsigned i = 0; i < have.n; i++) {
		const struct arrival *v = &have.items[i];
		if (strcmp(v->id, d->id) != 0 || strcmp(v->sender, d->sender) != 0)
			continue;
		if (*n > 0 && (*shortest < 0 || v->at - last < *shortest))
			*shortest = v->at - last;
		last = v->at;
		++*n;
	}
	free(have.items);
	return PX_OK;
}

int px_expect_attempts(struct px_play *p, const struct px_call *call)
{
	unsigned n = 0;
	int64_t shortest = -1;
	if (p->sim != NULL) {
		const char *at = px_call_key(call, "at");
		struct px_broker *b = px_find_broker(p, at != NULL ? at : "");
		return b != NULL ? number_holds(p, call, 1, "posts", px_sim_posts(p, b)) : PX_EINVAL;
	}
	int rc = attempts(p, call, &n, &shortest);
	return rc == PX_OK ? number_holds(p, call, 1, "attempts", n) : rc;
}

int px_expect_interval(struct px_play *p, const struct px_call *call)
{
	unsigned n = 0;
	int64_t shortest = -1;
	int rc = attempts(p, call, &n, &shortest);
	if (rc == PX_OK && n < 2)
		return px_fail(p, "two attempts at least", "%u", n);
	char have[32], what[64];
	snprintf(have, sizeof(have), "%lldms", (long long)shortest);
	snprintf(what, sizeof(what), "the shortest interval %s %s", px_call_word(call, 1),
		 px_call_word(call, 2));
	if (rc == PX_OK && !px_compare(have, px_operator_parse(px_call_word(call, 1)), px_call_word(call, 2)))
		rc = px_fail(p, what, "%s", have);
	return rc;
}

/* --- outcomes --- */

struct outcome {
	const struct px_doc *doc;
	const char *kind, *code, *by, *recipient;
	unsigned found, other;
	struct px_buf seen;
};

static bool text_of(const struct px_buf *body, const char *entry, const char *what, struct px_buf *out)
{
	struct px_buf path = PX_BUF_INIT;
	px_buf_clear(out);
	px_buf_addf(&path, "%s%s", entry, what);
	bool there = px_xpath(body, px_buf_str(&path), out) == PX_OK;
	px_buf_free(&path);
	return there;
}

/* One entry about the document. */
static void look_at(struct outcome *o, const struct px_buf *body, const char *entry)
{
	struct px_buf kind = PX_BUF_INIT, code = PX_BUF_INIT, issuer = PX_BUF_INIT, digest = PX_BUF_INIT,
		      recipient = PX_BUF_INIT;
	char hex[PX_DIGEST_HEX];
	px_hex(o->doc->digest, PX_DIGEST_LEN, hex);
	(void)text_of(body, entry, "/px:Kind", &kind);
	(void)text_of(body, entry, "/px:Error[1]/@code", &code);
	(void)text_of(body, entry, "/px:Issuer", &issuer);
	(void)text_of(body, entry, "/px:RefDigest", &digest);
	(void)text_of(body, entry, "/px:Recipient", &recipient);
	bool same_digest = strcmp(px_buf_str(&digest), hex) == 0;
	bool asked = o->recipient == NULL || strcmp(o->recipient, px_buf_str(&recipient)) == 0;
	px_buf_addf(&o->seen, "%s%s%s%s by %s for %s%s", o->seen.len > 0 ? "; " : "", px_buf_str(&kind),
		    code.len > 0 ? " " : "", px_buf_str(&code), px_buf_str(&issuer), px_buf_str(&recipient),
		    same_digest ? "" : " about other octets");
	bool fits = strcasecmp(px_buf_str(&kind), o->kind) == 0 && same_digest &&
		    (o->code == NULL || strcmp(o->code, px_buf_str(&code)) == 0) &&
		    (o->by == NULL || strcmp(o->by, px_buf_str(&issuer)) == 0);
	o->found += asked && fits;
	o->other += asked && !fits;
	px_buf_free(&recipient);
	px_buf_free(&kind);
	px_buf_free(&code);
	px_buf_free(&issuer);
	px_buf_free(&digest);
}

/* All entries of an exchange; what does not verify does not count. */
static void look_into(struct px_play *p, struct outcome *o, const struct px_buf *body)
{
	struct px_buf entry = PX_BUF_INIT, ignored = PX_BUF_INIT, why = PX_BUF_INIT;
	bool any = false;
	for (unsigned i = 1; i <= PX_ENTRIES_MAX; i++) {
		px_buf_setf(
		    &entry,
		    "(//px:Confirmations/px:Confirmation[px:RefMessageId='%s'][px:RefSender='%s'])[%u]",
		    o->doc->id, o->doc->sender, i);
		if (!text_of(body, px_buf_str(&entry), "/px:Kind", &ignored))
			break;
		any = true;
		look_at(o, body, px_buf_str(&entry));
	}
	if (any && p->sim == NULL) {
		struct px_verdict *v = px_verify(p, PX_DOC_EXCHANGE, body, NULL, &why);
		bool good = v != NULL && v->stage == PX_STAGE_OK;
		for (unsigned i = 0; good && i < v->n_entries; i++)
			good = v->entries[i].evidence_len == 0 || v->entries[i].evidence_ok;
		if (!good) {
			if (v != NULL)
				px_verdict_line(v, &why);
			px_buf_addf(&o->seen,
				    " (in an exchange or with evidence that is not to be believed: %s)",
				    px_buf_str(&why));
			o->found = 0;
			o->other++;
		}
		px_verdict_free(&v);
	}
	px_buf_free(&entry);
	px_buf_free(&ignored);
	px_buf_free(&why);
}

/* Delivery is at least once: the same octets again are the same exchange. */
static bool taken_before(const struct px_actor *a, unsigned k)
{
	const struct px_buf *body = &a->taken[k].body;
	for (unsigned i = 0; i < k; i++) {
		const struct px_buf *other = &a->taken[i].body;
		if (other->len == body->len && memcmp(other->data, body->data, body->len) == 0)
			return true;
	}
	return false;
}

static void look_everywhere(struct px_play *p, struct outcome *o)
{
	for (unsigned i = 0; i < p->n_actors; i++) {
		const struct px_actor *a = p->actors[i];
		const struct px_peer_record *r;
		if (strcmp(a->authority, o->doc->sender) != 0)
			continue;
		for (unsigned k = 0; k < a->n_taken; k++) {
			if (!taken_before(a, k))
				look_into(p, o, &a->taken[k].body);
		}
		for (unsigned k = a->peer_from; a->peer != NULL && (r = px_peer_post(a->peer, k)) != NULL;
		     k++) {
			struct px_buf body = {.data = r->body != NULL ? r->body->data : NULL,
					      .len = r->body != NULL ? r->body->len : 0};
			if (strcmp(r->type, "Confirmations") == 0)
				look_into(p, o, &body);
		}
	}
}

int px_expect_outcome(struct px_play *p, const struct px_call *call)
{
	struct outcome o = {.doc = px_find_doc(p, px_call_word(call, 0)),
			    .kind = px_call_word(call, 2),
			    .code = px_call_key(call, "code"),
			    .by = px_call_key(call, "by"),
			    .recipient = px_call_key(call, "for")};
	if (o.doc == NULL)
		return PX_EINVAL;
	if (strcmp(px_call_word(call, 1), "=") != 0)
		return px_fail(p, "expect outcome DOC = cod|coe|none", "%s", px_call_word(call, 1));
	bool none = strcmp(o.kind, "none") == 0;
	unsigned want = none ? 0 : (unsigned)px_call_number(call, "count", 1);
	look_everywhere(p, &o);
	bool holds = o.found == want && o.other == 0;
	struct px_actor *by = o.doc->by;
	if (!holds && !none && call->step->within >= 0 && by != NULL && by->kind == PX_ACTOR_SYSTEM &&
	    !by->none) {
		/* A target that offers the same for ever must not hold us up. */
		int64_t end = px_now_mono() + call->step->within * p->venue->slow;
		bool got = true;
		while (!holds && got && px_now_mono() <= end) {
			if (px_take_once(p, by, p->sim != NULL ? 0 : 1000, &got) != PX_OK)
				return PX_EINVAL;
			px_buf_clear(&o.seen);
			o.found = o.other = 0;
			look_everywhere(p, &o);
			holds = o.found == want && o.other == 0;
		}
	}
	int rc = PX_OK;
	if (!holds) {
		struct px_buf expected = PX_BUF_INIT;
		px_buf_addf(&expected, "%u %s%s%s about %s%s%s", none ? 0 : want,
			    none ? "confirmations" : o.kind, o.code != NULL ? " " : "",
			    o.code != NULL ? o.code : "", o.doc->name, o.recipient != NULL ? " for " : "",
			    o.recipient != NULL ? o.recipient : "");
		rc = px_fail(p, px_buf_str(&expected), "%s", o.seen.len > 0 ? px_buf_str(&o.seen) : "none");
		px_buf_free(&expected);
	}
	px_buf_free(&o.seen);
	return rc;
}

/* --- states --- */

static struct px_actor *who_asks(struct px_play *p, const struct px_call *call, const struct px_doc *d)
{
	const char *at = px_call_key(call, "at");
	if (at == NULL)
		return d->by;
	struct px_broker *b = px_find_broker(p, at);
	for (unsigned i = 0; b != NULL && i < p->n_actors; i++) {
		if (p->actors[i]->broker == b && p->actors[i]->kind == PX_ACTOR_SYSTEM)
			return p->actors[i];
	}
	if (b != NULL)
		px_fail(p, "a system at that broker, to ask", "%s has none", at);
	return NULL;
}

static int ask_state(struct px_play *p, struct px_actor *a, const struct px_doc *d, const char *recipient,
		     struct px_buf *out)
{
	struct px_wire *w = NULL;
	struct px_wire_reply reply = {0};
	struct px_buf why = PX_BUF_INIT, path = PX_BUF_INIT;
	px_buf_addf(&path, "/v1/exchanges/%s/%s", d->sender, d->id);
	int rc = px_dial(p, a, &w, &why);
	if (rc == PX_OK)
		rc = px_wire_request(w, px_buf_str(&path), NULL, NULL, 0, 30000, &reply, &why);
	px_wire_close(&w);
	if (rc != PX_OK)
		rc = px_fail(p, "an answer", "none: %s", px_buf_str(&why));
	else if (reply.status != 200)
		px_buf_addf(out, "no state: %d %s", reply.status, px_buf_str(&reply.body));
	px_buf_setf(&path, "//px:Delivery[px:Recipient='%s']/px:DeliveryState", recipient);
	if (rc == PX_OK && reply.status == 200 && px_xpath(&reply.body, px_buf_str(&path), out) != PX_OK)
		px_buf_addf(out, "no delivery to %s", recipient);
	px_wire_reply_free(&reply);
	px_buf_free(&why);
	px_buf_free(&path);
	return rc;
}

int px_expect_state(struct px_play *p, const struct px_call *call)
{
	const struct px_doc *d = px_find_doc(p, px_call_word(call, 0));
	const char *recipient = px_call_key(call, "for");
	struct px_buf first = PX_BUF_INIT, have = PX_BUF_INIT, expected = PX_BUF_INIT;
	struct px_actor *a = d != NULL ? who_asks(p, call, d) : NULL;
	if (a == NULL)
		return PX_EINVAL;
	if (recipient == NULL)
		(void)px_xpath(&d->octets, "Recipient", &first);
	recipient = recipient != NULL ? recipient : px_buf_str(&first);
	int rc = PX_OK;
	if (p->sim != NULL)
		px_buf_adds(&have, px_sim_state(p, a->broker, d->sender, d->id, recipient));
	else
		rc = ask_state(p, a, d, recipient, &have);
	px_buf_addf(&expected, "state of %s for %s %s %s", d->name, recipient, px_call_word(call, 1),
		    px_call_word(call, 2));
	if (rc == PX_OK &&
	    !px_compare(px_buf_str(&have), px_operator_parse(px_call_word(call, 1)), px_call_word(call, 2)))
		rc = px_fail(p, px_buf_str(&expected), "%s", px_buf_str(&have));
	px_buf_free(&first);
	px_buf_free(&have);
	px_buf_free(&expected);
	return rc;
}
