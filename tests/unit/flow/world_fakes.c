/* prinex: the fakes around flow: inspector, sealer, transport
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "world_fakes.h"

#include "base/strings.h"
#include "flow/confirm.h"

/* Jobs wait in one queue and end a round later, so that callbacks never run inside the call that started
 * them. */
struct job {
	struct job *next;
	struct node *node; /* whose it is */
	struct fakes *fakes;
	bool dropped;
	void (*run)(struct job *job);
	/* inspection */
	struct px_pool_request request;
	px_pool_done *inspected;
	/* sealing */
	struct px_buf doc;
	px_sealed *sealed;
	px_octets_signed *octets;
	/* posting */
	struct node *to;
	struct px_body *body;
	px_post_done *posted;
	struct reply *reply;
	int64_t started;
	void *arg;
};

struct port {
	struct node *node;
	struct fakes *fakes;
	struct px_inspector inspector;
	struct px_transport transport;
	struct px_sealer sealer;
};

struct fakes {
	struct px_clock *clock;
	struct port ports[6];
	unsigned n;
	struct job *jobs, **tail;
};

struct fakes *fakes_new(struct px_clock *clock)
{
	struct fakes *f = px_xcalloc(1, sizeof(*f));
	f->clock = clock;
	f->tail = &f->jobs;
	return f;
}

static struct job *job_new(struct fakes *f, struct node *n, void (*run)(struct job *job), void *arg)
{
	struct job *job = px_xcalloc(1, sizeof(*job));
	job->node = n;
	job->fakes = f;
	job->run = run;
	job->arg = arg;
	*f->tail = job;
	f->tail = &job->next;
	return job;
}

static void job_free(struct job *job)
{
	px_body_unref(&job->request.body);
	px_body_unref(&job->body);
	px_buf_free(&job->doc);
	free(job);
}

static bool run_jobs(struct fakes *f)
{
	struct job *jobs = f->jobs;
	f->jobs = NULL;
	f->tail = &f->jobs;
	bool any = jobs != NULL;
	while (jobs != NULL) {
		struct job *job = jobs;
		jobs = job->next;
		job->next = NULL;
		if (!job->dropped)
			job->run(job);
		job_free(job);
	}
	return any;
}

bool fakes_run(struct fakes *f)
{
	return run_jobs(f);
}

void fakes_drop_node(struct fakes *f, struct node *n)
{
	/* The flow is freed next: its callbacks must not run. What it held leaks nothing that a test would
	 * miss, but sanitizers would: so the callbacks run now, saying that it was cancelled. */
	for (struct job *job = f->jobs; job != NULL; job = job->next) {
		if (job->node != n || job->dropped)
			continue;
		job->dropped = true;
		if (job->inspected != NULL)
			job->inspected(job->arg, PX_ECANCELLED, NULL);
		else if (job->sealed != NULL)
			job->sealed(job->arg, NULL);
		else if (job->octets != NULL)
			job->octets(job->arg, NULL, 0);
		else if (job->posted != NULL)
			job->posted(job->arg, &(struct px_post_result){.end = PX_POST_BROKEN,
								       .reason = "stopped",
								       .retry_after = -1});
	}
}

void fakes_free(struct fakes **f)
{
	while (run_jobs(*f))
		continue;
	PX_FREE(*f);
}

/* Content of the first <NAME> in [doc, end). */
static bool get(const char *doc, const char *end, const char *name, char *out, size_t size)
{
	char open[64];
	int n = snprintf(open, sizeof(open), "<%s>", name);
	const char *at = memmem(doc, (size_t)(end - doc), open, (size_t)n);
	out[0] = '\0';
	if (at == NULL)
		return false;
	at += n;
	const char *stop = memchr(at, '<', (size_t)(end - at));
	px_strlcpy_n(out, at, (size_t)((stop != NULL ? stop : end) - at), size);
	return true;
}

/* --- signing
 * ------------------------------------------------------------------------------------------------- */

void fakes_sign(struct px_buf *doc, const char *authority, enum px_role role)
{
	px_buf_addf(doc, "<!--signed %s %s-->", authority, px_role_name(role));
}

void fakes_answer(struct px_buf *out, const struct px_body *body, const char *authority, const char *coe_code,
		  int64_t now)
{
	struct px_findings errors = {0};
	const char *doc = (const char *)body->data, *end = doc + body->len;
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	get(doc, end, "px:Sender", sender, sizeof(sender));
	get(doc, end, "px:MessageId", id, sizeof(id));
	if (coe_code != NULL)
		px_findings_add(&errors, px_code_parse(coe_code), 0, NULL, NULL, "refused by the test");
	struct px_confirm c = {
	    .kind = coe_code != NULL ? PX_COE : PX_COA,
	    .permanent = coe_code != NULL,
	    .confirmation_id = "C1",
	    .issuer = authority,
	    .ref_sender = sender,
	    .ref_message_id = id,
	    .ref_digest = body->digest,
	    .at = now,
	    .errors = coe_code != NULL ? &errors : NULL,
	};
	px_confirm_write(out, &c, true);
	fakes_sign(out, authority, PX_ROLE_SYSTEM);
	px_findings_free(&errors);
}

static bool read_trailer(const char *doc, size_t len, struct px_signer *out)
{
	char tail[64];
	const char *at = NULL;
	for (size_t i = 0; i + 11 <= len; i++) {
		if (memcmp(doc + i, "<!--signed ", 11) == 0)
			at = doc + i + 11;
	}
	if (at == NULL)
		return false;
	px_strlcpy_n(tail, at, PX_MIN((size_t)(doc + len - at), sizeof(tail) - 1), sizeof(tail));
	size_t n = strcspn(tail, " ");
	px_strlcpy_n(out->authority, tail, n, sizeof(out->authority));
	char *role = tail + n + 1;
	role[strcspn(role, "-")] = '\0';
	out->role = px_role_parse(role);
	return true;
}

static void run_seal(struct job *job)
{
	fakes_sign(&job->doc, job->node->authority, PX_ROLE_NODE);
	job->sealed(job->arg, &job->doc);
}

static void fake_seal(struct px_sealer *s, struct px_buf *doc, px_sealed *done, void *arg)
{
	struct port *port = (struct port *)((char *)s - offsetof(struct port, sealer));
	struct job *job = job_new(port->fakes, port->node, run_seal, arg);
	job->doc = *doc;
	*doc = (struct px_buf)PX_BUF_INIT;
	job->sealed = done;
}

static int fake_seal_here(struct px_sealer *s, struct px_buf *doc)
{
	struct port *port = (struct port *)((char *)s - offsetof(struct port, sealer));
	fakes_sign(doc, port->node->authority, PX_ROLE_NODE);
	return PX_OK;
}

static void run_octets(struct job *job)
{
	job->octets(job->arg, (const uint8_t *)"signature", 9);
}

static void fake_sign(struct px_sealer *s, const void *data, size_t len, px_octets_signed *done, void *arg)
{
	struct port *port = (struct port *)((char *)s - offsetof(struct port, sealer));
	(void)data;
	(void)len;
	job_new(port->fakes, port->node, run_octets, arg)->octets = done;
}

/* --- inspection
 * ---------------------------------------------------------------------------------------------- */

static void get_time(const char *doc, const char *end, const char *name, int64_t *out)
{
	char text[40];
	if (get(doc, end, name, text, sizeof(text)))
		px_assert(px_time_parse(text, out) == PX_OK);
}

static void read_header(const char *doc, const char *end, struct px_header *h)
{
	get(doc, end, "px:MessageId", h->message_id, sizeof(h->message_id));
	get(doc, end, "px:Environment", h->environment, sizeof(h->environment));
	get(doc, end, "px:Sender", h->sender, sizeof(h->sender));
	get(doc, end, "px:MessageType", h->type, sizeof(h->type));
	get_time(doc, end, "px:CreatedAt", &h->created_at);
	get_time(doc, end, "px:ExpiresAt", &h->expires_at);
	get(doc, end, "px:CorrelationId", h->correlation_id, sizeof(h->correlation_id));
	const char *at = doc;
	while ((at = memmem(at, (size_t)(end - at), "<px:Recipient>", 14)) != NULL) {
		get(at, end, "px:Recipient", h->recipients[h->n_recipients], sizeof(h->recipients[0]));
		h->n_recipients++;
		at += 14;
	}
}

static void add_key(struct px_keys *keys, enum px_key_kind kind, const char *doc, const char *end,
		    const char *name)
{
	char value[PX_KEY_VALUE_MAX + 1];
	if (!get(doc, end, name, value, sizeof(value)))
		return;
	keys->items = px_xrealloc_array(keys->items, keys->n + 1, sizeof(*keys->items));
	keys->items[keys->n].kind = kind;
	px_strlcpy(keys->items[keys->n++].value, value, sizeof(value));
}

static void read_evidence(const char *at, const char *end, const char *base, struct px_confirmation *c)
{
	const char *e = memmem(at, (size_t)(end - at), "<px:Evidence>", 13);
	if (e == NULL)
		return;
	e += 13;
	const char *stop = memchr(e, '<', (size_t)(end - e));
	c->evidence_offset = (uint32_t)(e - base);
	c->evidence_len = (uint32_t)(stop - e);
	struct px_buf raw = PX_BUF_INIT;
	px_assert(px_unbase64(&raw, e, (size_t)(stop - e)) == PX_OK);
	struct px_signer who = {0};
	c->evidence_ok = read_trailer(px_buf_str(&raw), raw.len, &who);
	c->evidence_kind = strstr(px_buf_str(&raw), "<px:Kind>CoA<") != NULL ? PX_COA : PX_COE;
	px_strlcpy(c->evidence_issuer, who.authority, sizeof(c->evidence_issuer));
	c->evidence_role = who.role;
	px_buf_free(&raw);
}

static void read_confirmation(const char *at, const char *end, const char *base, struct px_confirmation *c)
{
	char text[128];
	get(at, end, "px:Kind", text, sizeof(text));
	c->kind = strcmp(text, "CoA") == 0 ? PX_COA : strcmp(text, "CoD") == 0 ? PX_COD : PX_COE;
	c->permanent = get(at, end, "px:Class", text, sizeof(text)) && strcmp(text, "permanent") == 0;
	get(at, end, "px:Issuer", c->issuer, sizeof(c->issuer));
	get(at, end, "px:RefSender", c->ref_sender, sizeof(c->ref_sender));
	get(at, end, "px:RefMessageId", c->ref_message_id, sizeof(c->ref_message_id));
	get(at, end, "px:RefDigest", text, sizeof(text));
	px_assert(px_unhex(text, c->ref_digest, PX_DIGEST_LEN) == PX_OK);
	c->cod_follows = get(at, end, "px:CodFollows", text, sizeof(text)) && strcmp(text, "true") == 0;
	for (const char *r = at; (r = memmem(r, (size_t)(end - r), "<px:Recipient>", 14)) != NULL; r += 14)
		get(r, end, "px:Recipient", c->recipients[c->n_recipients++], sizeof(c->recipients[0]));
	const char *code = memmem(at, (size_t)(end - at), "<px:Error code=\"", 16);
	if (code != NULL)
		px_strlcpy_n(c->error_code, code + 16, strcspn(code + 16, "\""), sizeof(c->error_code));
	read_evidence(at, end, base, c);
}

static void read_entries(const char *doc, const char *end, struct px_verdict *v)
{
	const char *at = doc;
	while ((at = memmem(at, (size_t)(end - at), "<px:Confirmation", 16)) != NULL) {
		if (at[16] == 's') {
			at += 16;
			continue;
		}
		const char *stop = memmem(at, (size_t)(end - at), "</px:Confirmation>", 18);
		v->entries = px_xrealloc_array(v->entries, v->n_entries + 1, sizeof(*v->entries));
		struct px_confirmation *c = &v->entries[v->n_entries++];
		memset(c, 0, sizeof(*c));
		read_confirmation(at, stop, doc, c);
		at = stop;
	}
}

static struct px_verdict *examine(const struct px_pool_request *r)
{
	struct px_verdict *v = px_xcalloc(1, sizeof(*v));
	const char *doc = (const char *)r->body->data, *end = doc + r->body->len;
	v->kind = r->kind;
	v->stage = PX_STAGE_OK;
	v->profile = 1;
	bool is_signed = read_trailer(doc, r->body->len, &v->signer);
	if (r->kind == PX_DOC_CONFIRMATION) {
		read_entries(doc, end, v);
		bool fits = is_signed && v->n_entries == 1 &&
			    memcmp(v->entries[0].ref_digest, r->expected_digest, PX_DIGEST_LEN) == 0;
		if (!fits) {
			v->stage = PX_STAGE_RULES;
			px_findings_add(&v->errors, PX_CODE_CONF_DIGEST, 0, NULL, NULL,
					"not about what was sent");
		}
		return v;
	}
	v->has_header = true;
	read_header(doc, end, &v->header);
	add_key(&v->keys, PX_KEY_LRN, doc, end, "LRN");
	add_key(&v->keys, PX_KEY_MRN, doc, end, "MRN");
	add_key(&v->keys, PX_KEY_DECLARANT, doc, end, "Declarant");
	add_key(&v->keys, PX_KEY_COUNTRY_DESTINATION, doc, end, "Destination");
	add_key(&v->keys, PX_KEY_VEHICLE, doc, end, "Vehicle");
	add_key(&v->keys, PX_KEY_EXPECTED_ARRIVAL, doc, end, "Expected");
	add_key(&v->keys, PX_KEY_ARRIVAL_OFFICE, doc, end, "Office");
	add_key(&v->keys, PX_KEY_ARRIVED, doc, end, "Arrived");
	v->keys.ends_movement = memmem(doc, r->body->len, "<Ends>", 6) != NULL;
	if (strcmp(v->header.type, "Confirmations") == 0)
		read_entries(doc, end, v);
	if (memmem(doc, r->body->len, "<broken>", 8) != NULL) {
		v->stage = PX_STAGE_SCHEMA;
		px_findings_add(&v->errors, PX_CODE_SCHEMA_OTHER, 1, "/Doc/broken", "broken",
				"the test broke it");
	} else if (!is_signed || strcmp(v->signer.authority, v->header.sender) != 0) {
		v->stage = PX_STAGE_CERTIFICATE;
		px_findings_add(&v->errors, PX_CODE_CERT_IDENTITY, 1, NULL, NULL, "signed by somebody else");
	}
	return v;
}

static void run_inspect(struct job *job)
{
	if (job->node->hold_inspections) {
		struct job *again = job_new(job->fakes, job->node, run_inspect, job->arg);
		again->request = job->request;
		again->request.body = px_body_ref(job->request.body);
		again->inspected = job->inspected;
		return;
	}
	job->inspected(job->arg, PX_OK, examine(&job->request));
}

static int fake_submit(struct px_inspector *i, const struct px_pool_request *request, px_pool_done *done,
		       void *arg)
{
	struct port *port = (struct port *)((char *)i - offsetof(struct port, inspector));
	struct job *job = job_new(port->fakes, port->node, run_inspect, arg);
	job->request = *request;
	job->request.body = px_body_ref(request->body);
	job->inspected = done;
	return PX_OK;
}

/* --- transport
 * ----------------------------------------------------------------------------------------------- */

/* Port numbers name nodes: "https://AUTHORITY:1". */
static struct node *node_at(struct fakes *f, const char *url)
{
	for (unsigned i = 0; i < f->n; i++) {
		char start[64];
		snprintf(start, sizeof(start), "https://%s:", f->ports[i].node->authority);
		if (strncasecmp(url, start, strlen(start)) == 0)
			return f->ports[i].node;
	}
	return NULL;
}

static void answered(void *arg, const struct px_flow_answer *a)
{
	struct reply *r = arg;
	r->done = true;
	r->status = a->status;
	px_buf_add(&r->body, a->body, a->len);
}

static void finish_post(struct job *job, const struct px_post_result *r)
{
	px_post_done *posted = job->posted;
	job->posted = NULL;
	posted(job->arg, r);
}

static void run_wait(struct job *job)
{
	struct port *port =
	    (struct port *)((char *)job->node->gen->transport - offsetof(struct port, transport));
	if (!job->reply->done && px_clock_mono(port->fakes->clock) - job->started < 60000) {
		struct job *again = job_new(port->fakes, job->node, run_wait, job->arg);
		again->to = job->to;
		again->posted = job->posted;
		again->reply = job->reply;
		again->started = job->started;
		return;
	}
	struct reply *r = job->reply;
	bool lost = !r->done || job->to->lose_answers || job->to->lose_next > 0;
	job->to->lose_next -= r->done && job->to->lose_next > 0;
	struct px_post_result result = {
	    .end = lost ? PX_POST_BROKEN : PX_POST_ANSWERED,
	    .status = lost ? 0 : r->status,
	    .answer = r->body.data,
	    .answer_len = lost ? 0 : r->body.len,
	    .body_sent = true,
	    .retry_after = -1,
	    .reason = lost ? "connection lost before the answer" : "",
	};
	finish_post(job, &result);
	if (r->done) {
		reply_free(r);
		free(r);
	}
}

/* Until a minute has passed. */
static void run_hang(struct job *job)
{
	if (px_clock_mono(job->fakes->clock) - job->started < 60000) {
		struct job *again = job_new(job->fakes, job->node, run_hang, job->arg);
		again->to = job->to;
		again->posted = job->posted;
		again->started = job->started;
		return;
	}
	finish_post(job, &(struct px_post_result){.end = PX_POST_TIMEOUT,
						  .body_sent = true,
						  .retry_after = -1,
						  .reason = "no answer within a minute"});
}

static void note_post(struct node *to, const struct px_body *body)
{
	char id[PX_MESSAGE_ID_MAX + 1];
	to->posts++;
	get((const char *)body->data, (const char *)body->data + body->len, "px:MessageId", id, sizeof(id));
	px_buf_addf(&to->posted, "%s ", id);
}

static void answer_as_system(struct job *job)
{
	struct node *to = job->to;
	struct px_buf doc = PX_BUF_INIT;
	fakes_answer(&doc, job->body, to->acts_as, to->refuses, px_clock_wall(job->fakes->clock));
	finish_post(job, &(struct px_post_result){.end = PX_POST_ANSWERED,
						  .status = to->refuses != NULL ? 422 : 201,
						  .answer = doc.data,
						  .answer_len = doc.len,
						  .body_sent = true,
						  .retry_after = -1,
						  .reason = ""});
	px_buf_free(&doc);
}

static void run_post(struct job *job)
{
	struct node *to = job->to;
	if (to == NULL || to->down) {
		finish_post(job, &(struct px_post_result){.end = PX_POST_NO_CONNECTION,
							  .retry_after = -1,
							  .reason = "connection refused"});
		return;
	}
	note_post(to, job->body);
	if (to->answer_status != 0) {
		const char *text = to->answer_text != NULL ? to->answer_text : "proxy\n";
		finish_post(
		    job, &(struct px_post_result){.end = PX_POST_ANSWERED,
						  .status = to->answer_status,
						  .answer = (const uint8_t *)text,
						  .answer_len = strlen(text),
						  .body_sent = true,
						  .retry_after = to->retry_after != 0 ? to->retry_after : -1,
						  .reason = ""});
		return;
	}
	if (to->acts_as != NULL) {
		answer_as_system(job);
		return;
	}
	if (to->hang) {
		struct job *wait = job_new(job->fakes, job->node, run_hang, job->arg);
		wait->to = to;
		wait->posted = job->posted;
		wait->started = px_clock_mono(job->fakes->clock);
		return;
	}
	struct port *port =
	    (struct port *)((char *)job->node->gen->transport - offsetof(struct port, transport));
	/* Who we are there: the partner of our authority with the role node. */
	const struct px_conf_partner *as = NULL;
	for (unsigned i = 0; i < to->conf->n_partners; i++) {
		const struct px_conf_partner *p = &to->conf->partners[i];
		if (p->role == PX_ROLE_NODE && strcmp(p->authority, job->node->authority) == 0)
			as = p;
	}
	px_assert(as != NULL);
	struct job *wait = job_new(port->fakes, job->node, run_wait, job->arg);
	wait->to = to;
	wait->posted = job->posted;
	wait->started = px_clock_mono(port->fakes->clock);
	wait->reply = px_xcalloc(1, sizeof(*wait->reply));
	px_flow_receive(to->flow, to->gen, as, job->body, answered, wait->reply);
}

static void fake_post(struct px_transport *t, const struct px_conf_partner *partner, struct px_body *body,
		      px_post_done *done, void *arg)
{
	struct port *port = (struct port *)((char *)t - offsetof(struct port, transport));
	struct job *job = job_new(port->fakes, port->node, run_post, arg);
	job->to = node_at(port->fakes, partner->url);
	job->body = px_body_ref(body);
	job->posted = done;
}

/* --- ports
 * --------------------------------------------------------------------------------------------------- */

void fakes_add_node(struct fakes *f, struct node *n)
{
	/* The key of every second node is a quick one. */
	bool quick = f->n % 2 == 0;
	f->ports[f->n++] = (struct port){.node = n,
					 .fakes = f,
					 .inspector = {fake_submit},
					 .transport = {fake_post},
					 .sealer = {fake_seal, fake_sign, quick ? fake_seal_here : NULL}};
}

static struct port *port_of(struct fakes *f, const struct node *n)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->ports[i].node == n)
			return &f->ports[i];
	}
	px_assert(false);
	return NULL;
}

struct px_inspector *fakes_inspector(struct fakes *f, struct node *n)
{
	return &port_of(f, n)->inspector;
}

struct px_transport *fakes_transport(struct fakes *f, struct node *n)
{
	return &port_of(f, n)->transport;
}

struct px_sealer *fakes_sealer(struct fakes *f, struct node *n)
{
	return &port_of(f, n)->sealer;
}
