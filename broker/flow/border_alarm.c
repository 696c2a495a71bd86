/* prinex: the border post: this node's own Alarm messages
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/border_alarm.h"

#include "base/keys.h"
#include "flow/internal.h"

#define TYPE         "Alarm"
#define VEHICLES_MAX 99
#define DAY          (INT64_C(24) * 3600 * 1000)

struct alarming {
	struct px_flow *flow;
	struct px_header header;
	struct px_keys keys; /* what a recipient's broker would find in it */
	struct px_new_delivery deliveries[PX_RECIPIENTS_MAX];
	unsigned n;
	uint64_t movement;
	enum px_prio prio;
	int64_t horizon, movement_life;
	struct px_body *body;
	void (*done)(void *arg, int rc);
	void *arg;
};

void px_border_alarm_to(struct px_border_alarm *alarm, const struct px_conf *conf, const char *recipient,
			const char *partner, int64_t now)
{
	const struct px_conf_partner *p = px_conf_partner(conf, partner);
	if (p == NULL || p->mode == PX_MODE_NONE || alarm->n == PX_RECIPIENTS_MAX ||
	    (p->types.n > 0 && !px_strings_has(&p->types, TYPE)))
		return;
	for (unsigned i = 0; i < alarm->n; i++) {
		if (strcmp(alarm->deliveries[i].recipient, recipient) == 0)
			return;
	}
	struct px_new_delivery *d = &alarm->deliveries[alarm->n++];
	*d = (struct px_new_delivery){.deadline = now + p->maximum_age};
	px_strlcpy(d->recipient, recipient, sizeof(d->recipient));
	px_strlcpy(d->partner, partner, sizeof(d->partner));
}

/* --- what it is about -------------------------------------------------------------------------------- */

static void add_part(struct px_buf *out, const char *s)
{
	px_buf_adds(out, s != NULL ? s : "");
	px_buf_addc(out, '\0');
}

/* "PX-" and 32 hex digits. Not arrived: once for each declaration, office and time. Unannounced: once a day
 * for each vehicle at an office, or what else it is known by. */
static void make_id(const struct px_border_alarm *a, char out[PX_MESSAGE_ID_MAX + 1])
{
	struct px_buf about = PX_BUF_INIT;
	char normal[PX_KEY_VALUE_MAX + 1], hex[PX_DIGEST_HEX];
	uint8_t digest[PX_DIGEST_LEN];
	unsigned n = 0;
	add_part(&about, a->arrived ? "UNA" : "NAR");
	add_part(&about, a->sender);
	add_part(&about, a->office);
	px_buf_addf(&about, "%lld", (long long)(a->arrived ? a->day / DAY : a->expected));
	for (unsigned i = 0; i < a->keys->n; i++) {
		const struct px_key *k = &a->keys->items[i];
		bool counts = a->arrived ? k->kind == PX_KEY_VEHICLE
					 : k->kind == PX_KEY_LRN || k->kind == PX_KEY_DECLARANT;
		px_key_normal(k->kind, k->value, normal);
		if (counts)
			add_part(&about, normal);
		n += counts;
	}
	if (!a->arrived && px_keys_first(a->keys, PX_KEY_LRN) == NULL)
		add_part(&about, px_keys_first(a->keys, PX_KEY_MRN));
	if (a->arrived && n == 0) {
		add_part(&about, px_keys_first(a->keys, PX_KEY_MRN));
		add_part(&about, px_keys_first(a->keys, PX_KEY_LRN));
		add_part(&about, a->correlation);
	}
	px_sha256(about.data, about.len, digest);
	px_hex(digest, PX_DIGEST_LEN, hex);
	snprintf(out, PX_MESSAGE_ID_MAX + 1, "PX-%.32s", hex);
	px_buf_free(&about);
}

/* --- the document: canonical by construction, as the schema of type Alarm has it ---------------------- */

static void element(struct px_buf *out, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	px_buf_addf(out, "<%s>", name);
	px_buf_add_xml_text(out, value, strlen(value));
	px_buf_addf(out, "</%s>", name);
}

static void time_element(struct px_buf *out, const char *name, int64_t ms)
{
	char text[32] = "";
	if (ms != 0)
		px_time_format(ms - ms % 1000, text, sizeof(text));
	element(out, name, text);
}

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL    "abcdefghijklmnopqrstuvwxyz"
#define DIGITS   "0123456789"

/* Keys of other sets may be written as those of ours are not. @return @s or NULL. */
static const char *fitting(const char *s, const char *signs, size_t min, size_t max)
{
	size_t n = s != NULL ? strspn(s, signs) : 0;
	return s != NULL && s[n] == '\0' && n >= min && n <= max ? s : NULL;
}

static void keep_key(struct alarming *g, enum px_key_kind kind, const char *value)
{
	if (value == NULL)
		return;
	g->keys.items = px_xrealloc_array(g->keys.items, g->keys.n + 1, sizeof(g->keys.items[0]));
	struct px_key *k = &g->keys.items[g->keys.n++];
	k->kind = kind;
	px_strlcpy(k->value, value, sizeof(k->value));
}

/* A party that is not known in a register cannot be named. */
static void write_declarant(struct alarming *g, struct px_buf *out, const struct px_keys *keys)
{
	const char *country = px_keys_first(keys, PX_KEY_DECLARANT_COUNTRY);
	const char *scheme = px_keys_first(keys, PX_KEY_DECLARANT_SCHEME);
	const char *value = px_keys_first(keys, PX_KEY_DECLARANT);
	keep_key(g, PX_KEY_DECLARANT, value);
	if (country == NULL || scheme == NULL || value == NULL)
		return;
	px_buf_adds(out, "<Declarant><Identification>");
	element(out, "country", country);
	element(out, "scheme", scheme);
	element(out, "value", value);
	px_buf_adds(out, "</Identification></Declarant>");
}

static void write_vehicles(struct alarming *g, struct px_buf *out, const struct px_keys *keys)
{
	unsigned n = 0;
	for (unsigned i = 0; i < keys->n && n < VEHICLES_MAX; i++) {
		char plate[PX_KEY_VALUE_MAX + 1], number[16];
		if (keys->items[i].kind != PX_KEY_VEHICLE)
			continue;
		px_key_normal(PX_KEY_VEHICLE, keys->items[i].value, plate);
		if (plate[0] == '\0' || px_utf8_cut(plate, strlen(plate), 35) != strlen(plate))
			continue;
		snprintf(number, sizeof(number), "%u", ++n);
		px_buf_adds(out, "<ActiveBorderTransportMeans>");
		element(out, "sequenceNumber", number);
		element(out, "identificationNumber", plate);
		px_buf_adds(out, "</ActiveBorderTransportMeans>");
		keep_key(g, PX_KEY_VEHICLE, plate);
	}
}

static void write_document(struct alarming *g, struct px_buf *out, const struct px_border_alarm *a)
{
	const char *lrn = fitting(px_keys_first(a->keys, PX_KEY_LRN), CAPITALS SMALL DIGITS "/-", 1, 22);
	const char *mrn = fitting(px_keys_first(a->keys, PX_KEY_MRN), CAPITALS DIGITS, 18, 18);
	px_buf_adds(out, "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\">");
	px_confirm_header(out, &g->header);
	px_buf_adds(out, "<px:Payload><n:Alarm xmlns:n=\"urn:prinex:customs:1\">");
	time_element(out, "preparationDateAndTime", g->header.created_at);
	element(out, "LRN", lrn);
	element(out, "MRN", mrn);
	keep_key(g, PX_KEY_LRN, lrn);
	keep_key(g, PX_KEY_MRN, mrn);
	write_declarant(g, out, a->keys);
	element(out, "alarmCode", a->arrived ? "UNA" : "NAR");
	time_element(out, "detectedDateAndTime", g->header.created_at);
	time_element(out, "arrivalDateAndTimeEstimated", a->expected);
	px_buf_adds(out, "<CustomsOffice>");
	element(out, "referenceNumber", a->office);
	px_buf_adds(out, "</CustomsOffice>");
	write_vehicles(g, out, a->keys);
	px_buf_addf(out, "<text xml:lang=\"en\">%s</text>",
		    a->arrived ? "Reported at the office, and not announced to it"
			       : "Announced, and not arrived in time");
	px_buf_adds(out, "</n:Alarm></px:Payload></px:Exchange>");
}

/* --- sealed and accepted ----------------------------------------------------------------------------- */

static void alarming_end(struct alarming *g, int rc)
{
	struct px_flow *flow = g->flow;
	void (*done)(void *arg, int rc) = g->done;
	void *arg = g->arg;
	px_body_unref(&g->body);
	free(g->keys.items);
	free(g);
	done(arg, rc);
	px_flow_end(flow);
}

static void stored(void *arg, const struct px_accept_result *r)
{
	struct alarming *g = arg;
	struct px_flow *flow = g->flow;
	if (r->rc == PX_OK) {
		px_sent_accepted(flow, r);
		px_log(PX_LOG_NOTICE, "border", "msg=%s/%s correlation=%s alarm sent to %u authorities",
		       g->header.sender, g->header.message_id, g->header.correlation_id, g->n);
	}
	px_flow_note_store(flow, r->rc, "accepting an alarm", g->deliveries[0].partner);
	alarming_end(g, r->rc == PX_EDUPLICATE || r->rc == PX_ECONFLICT ? PX_OK : r->rc);
}

static void sealed(void *arg, struct px_buf *doc)
{
	struct alarming *g = arg;
	if (doc == NULL) {
		alarming_end(g, PX_EFATAL);
		return;
	}
	size_t len;
	uint8_t *data = px_buf_detach(doc, &len);
	g->body = px_body_new(&data, len, NULL);
	struct px_accept req = {
	    .header = g->header,
	    .join = g->movement,
	    .body = g->body,
	    .prio = g->prio,
	    .keys = g->keys,
	    .horizon_end = g->header.created_at + g->horizon + DAY,
	    .movement_life = g->movement_life,
	    .n_deliveries = g->n,
	    .deliveries = g->deliveries,
	};
	px_store_accept(g->flow->store, &req, stored, g);
	for (unsigned i = 0; i < g->n; i++)
		px_dispatch_kick_name(g->flow, g->deliveries[i].partner);
}

void px_border_alarm_send(struct px_flow *flow, struct px_generation *gen,
			  const struct px_border_alarm *alarm, void (*done)(void *arg, int rc), void *arg)
{
	const struct px_cat_type *type = px_catalogue_type(gen->cat, TYPE);
	if (type == NULL || alarm->n == 0) {
		done(arg, PX_OK);
		return;
	}
	struct alarming *g = px_xcalloc(1, sizeof(*g));
	struct px_header *h = &g->header;
	struct px_buf doc = PX_BUF_INIT;
	g->flow = flow;
	g->n = h->n_recipients = alarm->n;
	g->movement = alarm->movement;
	g->prio = type->prio;
	g->horizon = gen->conf->limits.horizon;
	g->movement_life = gen->conf->limits.movement_life;
	g->done = done;
	g->arg = arg;
	memcpy(g->deliveries, alarm->deliveries, sizeof(g->deliveries));
	for (unsigned i = 0; i < alarm->n; i++)
		px_strlcpy(h->recipients[i], alarm->deliveries[i].recipient, sizeof(h->recipients[i]));
	make_id(alarm, h->message_id);
	h->created_at = px_flow_now(flow);
	px_strlcpy(h->environment, gen->conf->node.environment, sizeof(h->environment));
	px_strlcpy(h->sender, gen->conf->node.authority, sizeof(h->sender));
	px_strlcpy(h->type, TYPE, sizeof(h->type));
	px_strlcpy(h->correlation_id, alarm->correlation, sizeof(h->correlation_id));
	px_flow_begin(flow);
	write_document(g, &doc, alarm);
	gen->sealer->seal(gen->sealer, &doc, sealed, g);
}
