/* prinex: prinex-broken: exchanges that are posted to it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "broken.h"
#include "flow/decide.h"

struct message *find_message(struct broken *b, const char *sender, const char *id)
{
	for (unsigned i = 0; i < b->n_messages; i++) {
		struct message *m = b->messages[i];
		if (strcmp(m->header.sender, sender) == 0 && strcmp(m->header.message_id, id) == 0)
			return m;
	}
	return NULL;
}

static struct message *find_octets(struct broken *b, const struct px_conf_partner *partner,
				   const uint8_t *digest)
{
	for (unsigned i = 0; i < b->n_messages; i++) {
		struct message *m = b->messages[i];
		if (m->from == partner && memcmp(m->body->digest, digest, PX_DIGEST_LEN) == 0)
			return m;
	}
	return NULL;
}

void add_message(struct broken *b, struct message *m)
{
	b->messages = px_xrealloc_array(b->messages, b->n_messages + 1, sizeof(struct message *));
	b->messages[b->n_messages++] = m;
	pthread_cond_broadcast(&b->changed);
}

/* --- judging --- */

struct judged {
	struct px_header header;
	struct px_findings errors;
	struct px_routing routing;
	char movement[PX_KEY_VALUE_MAX + 1];
};

/* Where a check that would have read the header is switched off it is guessed. */
static void guess_header(const struct px_buf *doc, struct px_header *h)
{
	px_peer_first(doc->data, doc->len, "Sender", h->sender, sizeof(h->sender));
	px_peer_first(doc->data, doc->len, "MessageId", h->message_id, sizeof(h->message_id));
	px_peer_first(doc->data, doc->len, "MessageType", h->type, sizeof(h->type));
	h->created_at = h->created_at != 0 ? h->created_at : wall_now();
	if (h->n_recipients == 0 &&
	    px_peer_first(doc->data, doc->len, "Recipient", h->recipients[0], sizeof(h->recipients[0])))
		h->n_recipients = 1;
}

static void take_findings(struct px_findings *to, struct px_findings *from)
{
	px_findings_free(to);
	*to = *from;
	*from = (struct px_findings){0};
}

/* Only the profile, which nobody looked at, may be missing where the signature was not looked at. */
static bool let_pass(const struct px_findings *errors, bool blind)
{
	return fault_forgives(errors) ||
	       (blind && errors->n == 1 && errors->items[0].code == PX_CODE_SIG_PROFILE);
}

static int decide(struct broken *b, const struct px_conf_partner *partner, struct px_verdict *v, bool blind,
		  struct judged *out)
{
	const struct px_cat_type *type = px_catalogue_type(b->cat, v->header.type);
	int status = px_decide(b->conf, b->cat, partner, v, wall_now(), &out->errors);
	if (status != 0 && !let_pass(&out->errors, blind))
		return status;
	px_findings_free(&out->errors);
	if (HAS(PING_DELIVERED) && type != NULL && strcmp(type->name, "Ping") == 0 &&
	    strcmp(v->header.recipients[0], b->conf->node.authority) != 0)
		type = px_catalogue_type(b->cat, "PreArrivalNotice");
	const struct px_route_ask ask = {
	    .conf = b->conf,
	    .type = type != NULL ? type : &b->cat->types[0],
	    .from = partner,
	    .header = &v->header,
	    .keys = &v->keys,
	    .version = v->version,
	    .now = wall_now(),
	};
	status = px_route(&ask, &out->routing, &out->errors);
	if (status != 0 && !let_pass(&out->errors, false))
		return status;
	px_findings_free(&out->errors);
	return 0;
}

static int judge_exchange(struct broken *b, const struct px_conf_partner *partner, const struct px_buf *doc,
			  struct judged *out)
{
	const struct px_exam exam = {
	    .kind = PX_DOC_EXCHANGE,
	    .now = wall_now(),
	    .first_broker = partner->role == PX_ROLE_SYSTEM,
	};
	pthread_mutex_lock(&b->examining);
	struct px_verdict *v = px_examine(b->examiner, &exam, doc->data, doc->len);
	pthread_mutex_unlock(&b->examining);
	bool blind = v->stage != PX_STAGE_OK && fault_forgives(&v->errors);
	int status = 422;
	if (blind)
		guess_header(doc, &v->header);
	if (v->stage == PX_STAGE_OK || blind)
		status = decide(b, partner, v, blind, out);
	else
		take_findings(&out->errors, &v->errors);
	if (HAS(BOM_REFUSED) && doc->len > 3 && memcmp(doc->data, "\xef\xbb\xbf", 3) == 0) {
		px_findings_add(&out->errors, PX_CODE_SCAN_ENCODING, 1, NULL, NULL, "no byte order mark");
		status = 422;
	}
	out->header = v->header;
	const char *key = px_keys_first(&v->keys, PX_KEY_MRN);
	key = key != NULL ? key : px_keys_first(&v->keys, PX_KEY_LRN);
	px_strlcpy(out->movement, key != NULL ? key : "", sizeof(out->movement));
	px_verdict_free(&v);
	return status;
}

/* --- ids of refused messages --- */

static void name_of(const struct px_header *h, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", h->sender, h->message_id);
}

static void occupy(struct broken *b, const struct px_header *h)
{
	pthread_mutex_lock(&b->lock);
	b->refused = px_xrealloc_array(b->refused, b->n_refused + 1, sizeof(b->refused[0]));
	name_of(h, b->refused[b->n_refused++], sizeof(b->refused[0]));
	pthread_mutex_unlock(&b->lock);
}

/* With the lock. */
static bool is_taken(struct broken *b, const struct px_header *h)
{
	char name[sizeof(b->refused[0])];
	name_of(h, name, sizeof(name));
	for (unsigned i = 0; i < b->n_refused; i++) {
		if (strcmp(b->refused[i], name) == 0)
			return true;
	}
	return !HAS(CONFLICT_ACCEPTED) && find_message(b, h->sender, h->message_id) != NULL;
}

/* --- custody --- */

static struct message *message_new(struct broken *b, const struct px_conf_partner *partner,
				   const struct px_buf *doc, const struct judged *j)
{
	struct message *m = px_xcalloc(1, sizeof(*m));
	m->header = j->header;
	m->body = px_body_copy(doc->data, doc->len);
	m->from = partner;
	m->accepted = wall_now();
	m->confirmations = strcmp(j->header.type, "Confirmations") == 0;
	px_strlcpy(m->movement, j->movement, sizeof(m->movement));
	m->n_reached = j->routing.n_reached;
	memcpy(m->reached, j->routing.reached, sizeof(m->reached));
	m->n_deliveries = j->routing.n;
	for (unsigned i = 0; i < j->routing.n; i++) {
		const struct px_new_delivery *d = &j->routing.deliveries[i];
		m->deliveries[i].to = px_conf_partner(b->conf, d->partner);
		px_strlcpy(m->deliveries[i].recipient, d->recipient, sizeof(m->deliveries[i].recipient));
	}
	return m;
}

/* With the lock: from here on it is answered for. */
static int take(struct broken *b, const struct px_conf_partner *partner, const struct px_buf *doc,
		const struct judged *j, struct px_buf *out)
{
	struct message *m = message_new(b, partner, doc, j);
	say_coa(b, m, &m->coa);
	px_buf_add(out, m->coa.data, m->coa.len);
	begin(b, m);
	add_message(b, m);
	return 201;
}

/* The same message once more, with deliveries of its own. */
static struct message *message_again(const struct message *m)
{
	struct message *again = px_xcalloc(1, sizeof(*again));
	*again = *m;
	again->body = px_body_ref(m->body);
	again->coa = (struct px_buf)PX_BUF_INIT;
	for (unsigned i = 0; i < again->n_deliveries; i++) {
		struct delivery *d = &again->deliveries[i];
		*d = (struct delivery){.to = d->to};
		px_strlcpy(d->recipient, m->deliveries[i].recipient, sizeof(d->recipient));
	}
	return again;
}

/* With the lock. @return 0 when it has to be judged like a new one. */
static int repeated(struct broken *b, const struct px_conf_partner *partner, const struct px_buf *doc,
		    struct px_buf *out)
{
	uint8_t digest[PX_DIGEST_LEN];
	px_sha256(doc->data, doc->len, digest);
	struct message *m = find_octets(b, partner, digest);
	if (m == NULL)
		return 0;
	if (HAS(DUPLICATE_REFUSED)) {
		struct px_findings errors = {0};
		px_findings_add(&errors, PX_CODE_ID_CONFLICT, 0, NULL, m->header.message_id, "seen before");
		say_coe(b, doc->data, doc->len, &m->header, &errors, out);
		px_findings_free(&errors);
		return 409;
	}
	if (HAS(DUPLICATE_TWICE))
		add_message(b, message_again(m));
	if (HAS(NEW_COA_FOR_DUPLICATE))
		say_coa(b, m, out);
	else
		px_buf_add(out, m->coa.data, m->coa.len);
	return 200;
}

int accept_exchange(struct broken *b, const struct px_conf_partner *partner, const struct px_buf *doc,
		    struct px_buf *out)
{
	struct judged j = {0};
	int status = 0;
	if (!HAS(DUPLICATE_JUDGED_ANEW)) {
		pthread_mutex_lock(&b->lock);
		status = repeated(b, partner, doc, out);
		pthread_mutex_unlock(&b->lock);
	}
	if (status != 0)
		return status;
	status = judge_exchange(b, partner, doc, &j);
	pthread_mutex_lock(&b->lock);
	if (status == 0)
		status = repeated(b, partner, doc, out);
	if (status == 0 && is_taken(b, &j.header)) {
		px_findings_add(&j.errors, PX_CODE_ID_CONFLICT, 0, "/px:Exchange/px:Header/px:MessageId",
				j.header.message_id, "this id was accepted with other octets");
		status = 409;
	}
	if (status == 0)
		status = take(b, partner, doc, &j, out);
	pthread_mutex_unlock(&b->lock);
	if (j.errors.n > 0) {
		say_coe(b, doc->data, doc->len, &j.header, &j.errors, out);
		if (HAS(REFUSED_OCCUPIES_ID))
			occupy(b, &j.header);
	}
	px_findings_free(&j.errors);
	return status;
}
