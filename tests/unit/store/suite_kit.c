/* prinex: store suite: what its cases are written with: stepping, memory, writes
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include <ctype.h>
#include <poll.h>

#include "base/strings.h"
#include "conf/catalogue.h"

#define WAIT_MS 60000

/* --- stepping and memory -----------------------------------------------------------------------------------
 */

void suite_step(struct suite *t)
{
	int fd = px_store_fd(t->st);
	if (fd >= 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, 50) <= 0)
			return;
	}
	px_store_dispatch(t->st);
}

void suite_wait(struct suite *t, const bool *flag)
{
	int64_t end = px_clock_mono(px_clock_real()) + WAIT_MS;
	while (!*flag) {
		if (px_clock_mono(px_clock_real()) > end)
			fail_msg("no answer within %d ms", WAIT_MS);
		suite_step(t);
	}
}

void suite_reopen(struct suite *t)
{
	t->st = t->backend->reopen(t->backend, t->st);
}

void suite_crash(struct suite *t)
{
	t->st = t->backend->crash(t->backend, t->st);
}

void *suite_room(struct suite *t, size_t n, size_t size)
{
	if (t->n_kept == t->cap_kept) {
		t->cap_kept = PX_MAX(2 * t->cap_kept, (size_t)64);
		t->kept = px_xrealloc_array(t->kept, t->cap_kept, sizeof(t->kept[0]));
	}
	t->kept[t->n_kept] = px_xcalloc(n, size);
	return t->kept[t->n_kept++];
}

void suite_release(struct suite *t, size_t n_kept)
{
	while (t->n_kept > n_kept)
		free(t->kept[--t->n_kept]);
}

static void *keep(struct suite *t, const void *data, size_t n, size_t size)
{
	void *copy = suite_room(t, n, size);
	if (n > 0)
		memcpy(copy, data, n * size);
	return copy;
}

const char *suite_text(struct suite *t, const char *s)
{
	return keep(t, s, strlen(s) + 1, 1);
}

const char *suite_textf(struct suite *t, const char *fmt, ...)
{
	struct px_buf buf = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&buf, fmt, ap);
	va_end(ap);
	const char *text = suite_text(t, px_buf_str(&buf));
	px_buf_free(&buf);
	return text;
}

static const char *keep_octets(struct suite *t, const void *data, size_t len)
{
	char *copy = suite_room(t, len + 1, 1);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

int64_t suite_now(const struct suite *t)
{
	return px_clock_wall(t->clock);
}

/* --- accept ------------------------------------------------------------------------------------------------
 */

static const char *or_else(const char *s, const char *otherwise)
{
	return s != NULL ? s : otherwise;
}

static const char *body_text(const struct note *note, struct px_buf *buf)
{
	if (note->body != NULL)
		return note->body;
	px_buf_setf(buf, "<payload of='%s/%s'>secret-%s</payload>", or_else(note->sender, "BY"), note->id,
		    note->id);
	return px_buf_str(buf);
}

void suite_digest(const struct note *note, uint8_t digest[PX_DIGEST_LEN])
{
	struct px_buf buf = PX_BUF_INIT;
	const char *text = body_text(note, &buf);
	px_sha256(text, strlen(text), digest);
	px_buf_free(&buf);
}

static void fill_header(const struct suite *t, struct px_header *h, const struct note *note)
{
	px_strlcpy(h->message_id, note->id, sizeof(h->message_id));
	px_strlcpy(h->environment, "test", sizeof(h->environment));
	px_strlcpy(h->sender, or_else(note->sender, "BY"), sizeof(h->sender));
	px_strlcpy(h->type, or_else(note->type, "ExportDeclaration"), sizeof(h->type));
	px_strlcpy(h->type_version, "1", sizeof(h->type_version));
	px_strlcpy(h->correlation_id, or_else(note->correlation, ""), sizeof(h->correlation_id));
	h->created_at = note->created != 0 ? note->created : suite_now(t) - 60000;
	h->expires_at = note->deadline;
}

/** "UA MD@hub": recipients of the header and deliveries. */
static unsigned fill_deliveries(struct px_header *h, struct px_new_delivery *out, const struct note *note)
{
	unsigned n = 0;
	for (const char *s = or_else(note->to, ""); *s != '\0'; s += strspn(s, " ")) {
		size_t len = strcspn(s, " "), name = strcspn(s, " @");
		struct px_new_delivery *d = &out[n];
		*d = (struct px_new_delivery){.deadline = note->deadline};
		px_strlcpy_n(d->recipient, s, name, sizeof(d->recipient));
		if (name < len)
			px_strlcpy_n(d->partner, s + name + 1, len - name - 1, sizeof(d->partner));
		else
			px_strlcpy_n(d->partner, s, name, sizeof(d->partner));
		for (char *p = d->partner; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		px_strlcpy(d->route, "r1", sizeof(d->route));
		px_strlcpy_n(h->recipients[n++], s, name, sizeof(h->recipients[0]));
		s += len;
	}
	h->n_recipients = n;
	return n;
}

static void add_key(struct px_keys *keys, enum px_key_kind kind, const char *value)
{
	if (value == NULL)
		return;
	keys->items[keys->n].kind = kind;
	px_strlcpy(keys->items[keys->n++].value, value, sizeof(keys->items[0].value));
}

/* What the types of notes are to movements; all others are nothing to them. */
static const struct px_catalogue *kinds_of_types(void)
{
	static struct px_cat_type types[] = {
	    {.name = (char *)"ExportDeclaration", .stand = PX_STAND_BEGINS},
	    {.name = (char *)"PreArrivalNotice", .stand = PX_STAND_BEGINS},
	    {.name = (char *)"Amendment", .stand = PX_STAND_AMENDS},
	    {.name = (char *)"Cancellation", .stand = PX_STAND_AMENDS},
	    {.name = (char *)"WriteOff", .stand = PX_STAND_CLOSES},
	    {.name = (char *)"ArrivalNotice", .stand = PX_STAND_ANSWERS},
	    {.name = (char *)"ControlResult", .stand = PX_STAND_ANSWERS},
	};
	static const struct px_catalogue catalogue = {.n_types = PX_ARRAY_LEN(types), .types = types};
	return &catalogue;
}

static void accept_done(void *arg, const struct px_accept_result *result)
{
	struct got_accept *got = arg;
	struct suite *t = got->t;
	assert_false(got->done);
	t->callbacks++;
	unsigned n_apply = got->n_apply;
	*got =
	    (struct got_accept){.done = true,
				.t = t,
				.rc = result->rc,
				.need_unmet = result->need_unmet,
				.forgotten = result->forgotten,
				.seq = result->seq,
				.coa = keep_octets(t, result->coa, result->coa_len),
				.n = result->n_deliveries,
				.ids = keep(t, result->delivery_ids, result->n_deliveries, sizeof(uint64_t)),
				.movement = result->movement,
				.owner_conflict = result->owner_conflict,
				.conflict_key = suite_text(t, result->conflict_key)};
	if (result->rc == PX_OK)
		got->applied = keep(t, result->applied, n_apply, sizeof(enum px_apply_result));
}

void suite_submit_accept(struct suite *t, const struct note *note, struct got_accept *got)
{
	struct px_key items[3];
	struct px_new_delivery deliveries[PX_RECIPIENTS_MAX];
	struct px_buf text = PX_BUF_INIT, coa = PX_BUF_INIT;
	struct note n = *note;
	n.deadline = note->deadline != 0 ? note->deadline : suite_now(t) + 72 * SUITE_HOUR;
	struct px_accept req = {.prio = note->prio != 0 ? (enum px_prio)(note->prio - 'A') : PX_PRIO_B,
				.keys = {.items = items, .ends_movement = note->ends},
				.need = note->need,
				.catalogue = kinds_of_types(),
				.join = note->join,
				.confirmations = note->confirmations,
				.horizon_end = suite_now(t) +
					       (note->known != 0 ? note->known : 31 * SUITE_DAY),
				.movement_life = note->life != 0 ? note->life : 150 * SUITE_DAY,
				.deliveries = deliveries,
				.n_apply = note->n_apply,
				.apply = note->apply,
				.n_consume = note->n_consume,
				.consume = note->consume,
				.seal = note->seal,
				.sealer = note->sealer};
	fill_header(t, &req.header, &n);
	req.n_deliveries = fill_deliveries(&req.header, deliveries, &n);
	px_strlcpy(req.partner, note->own ? "" : or_else(note->from, "by"), sizeof(req.partner));
	add_key(&req.keys, PX_KEY_LRN, note->lrn);
	add_key(&req.keys, PX_KEY_MRN, note->mrn);
	add_key(&req.keys, PX_KEY_DECLARANT, note->declarant);
	if (note->keys != NULL)
		req.keys = *note->keys;
	const char *octets = body_text(note, &text);
	req.body = px_body_copy(octets, strlen(octets));
	px_buf_addf(&coa, "<CoA for='%s' %.20s/>", note->id, octets);
	req.coa = coa.data;
	req.coa_len = coa.len;
	*got = (struct got_accept){.t = t, .n_apply = note->n_apply};
	t->submitted++;
	px_store_accept(t->st, &req, accept_done, got);
	px_body_unref(&req.body);
	/* what was asked must have been copied */
	memset(items, 'x', sizeof(items));
	memset(deliveries, 'x', sizeof(deliveries));
	memset(coa.data, 'x', coa.len);
	memset(&req, 'x', sizeof(req));
	px_buf_free(&coa);
	px_buf_free(&text);
}

struct got_accept suite_accept(struct suite *t, const struct note *note)
{
	struct got_accept *got = suite_room(t, 1, sizeof(*got));
	suite_submit_accept(t, note, got);
	assert_false(got->done); /* callbacks run from dispatch, never from the call */
	suite_wait(t, &got->done);
	return *got;
}

struct got_accept suite_accept_ok(struct suite *t, const struct note *note)
{
	struct got_accept got = suite_accept(t, note);
	if (got.rc != PX_OK)
		fail_msg("accept %s: %s", note->id, px_err_name(got.rc));
	return got;
}

struct got_accept suite_known(struct suite *t, const char *partner, const uint8_t digest[PX_DIGEST_LEN])
{
	struct got_accept *got = suite_room(t, 1, sizeof(*got));
	got->t = t;
	t->submitted++;
	px_store_known(t->st, partner, digest, accept_done, got);
	suite_wait(t, &got->done);
	return *got;
}

struct got_accept suite_accept_status(struct suite *t, const char *sender, const char *id,
				      const uint8_t digest[PX_DIGEST_LEN])
{
	struct got_accept *got = suite_room(t, 1, sizeof(*got));
	struct px_ref ref = {.sender = ""};
	px_strlcpy(ref.sender, sender, sizeof(ref.sender));
	px_strlcpy(ref.message_id, id, sizeof(ref.message_id));
	got->t = t;
	t->submitted++;
	px_store_accept_status(t->st, &ref, digest, accept_done, got);
	suite_wait(t, &got->done);
	return *got;
}

/* --- other writes ------------------------------------------------------------------------------------------
 */

static void write_done(void *arg, int rc)
{
	struct got_write *got = arg;
	assert_false(got->done);
	got->t->callbacks++;
	got->done = true;
	got->rc = rc;
}

static struct got_write *new_write(struct suite *t)
{
	struct got_write *got = suite_room(t, 1, sizeof(*got));
	got->t = t;
	t->submitted++;
	return got;
}

static int wait_write(struct suite *t, struct got_write *got)
{
	assert_false(got->done);
	suite_wait(t, &got->done);
	return got->rc;
}

void suite_submit_settle(struct suite *t, const struct px_settle *settle, struct got_write *got)
{
	*got = (struct got_write){.t = t};
	t->submitted++;
	px_store_settle(t->st, settle, write_done, got);
}

int suite_settle(struct suite *t, const struct px_settle *settle)
{
	struct got_write *got = new_write(t);
	px_store_settle(t->st, settle, write_done, got);
	return wait_write(t, got);
}

int suite_settle_all(struct suite *t, unsigned n, const struct px_settle *settles)
{
	struct got_write *got = new_write(t);
	px_store_settle_all(t->st, n, settles, write_done, got);
	return wait_write(t, got);
}

int suite_requeue(struct suite *t, const char *partner, int64_t due)
{
	struct got_write *got = new_write(t);
	px_store_requeue(t->st, partner, due, write_done, got);
	return wait_write(t, got);
}

int suite_journal(struct suite *t, const struct px_journal_entry *entry)
{
	struct got_write *got = new_write(t);
	px_store_journal(t->st, entry, write_done, got);
	return wait_write(t, got);
}

int suite_checkpoint(struct suite *t, uint64_t seq, const char *signature)
{
	struct got_write *got = new_write(t);
	px_store_checkpoint(t->st, seq, (const uint8_t *)signature, strlen(signature), write_done, got);
	return wait_write(t, got);
}

/* --- leases ------------------------------------------------------------------------------------------------
 */

static void lease_done(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct got_leases *got = arg;
	struct suite *t = got->t;
	assert_false(got->done);
	t->callbacks++;
	got->done = true;
	got->rc = rc;
	got->n = n;
	got->items = keep(t, leases, n, sizeof(leases[0]));
	got->bodies = suite_room(t, n, sizeof(got->bodies[0]));
	for (unsigned i = 0; i < n; i++) {
		got->bodies[i] = keep_octets(t, leases[i].body->data, leases[i].body->len);
		got->items[i].body = NULL; /* it was a view */
	}
}

struct got_leases suite_lease(struct suite *t, const char *partner, unsigned max)
{
	struct got_leases *got = suite_room(t, 1, sizeof(*got));
	got->t = t;
	t->submitted++;
	px_store_lease(t->st, partner, max, suite_now(t), lease_done, got);
	assert_false(got->done);
	suite_wait(t, &got->done);
	assert_int_equal(got->rc, PX_OK);
	assert_true(got->n <= max);
	return *got;
}

struct px_lease suite_lease_one(struct suite *t, const char *partner)
{
	struct got_leases got = suite_lease(t, partner, 1);
	assert_int_equal(got.n, 1);
	return got.items[0];
}

struct got_leases suite_expect_lease(struct suite *t, const char *partner, const char *ids)
{
	struct got_leases got = suite_lease(t, partner, 64);
	struct px_buf found = PX_BUF_INIT;
	for (unsigned i = 0; i < got.n; i++)
		px_buf_addf(&found, "%s%s", i > 0 ? " " : "", got.items[i].header.message_id);
	const char *text = suite_text(t, px_buf_str(&found));
	px_buf_free(&found);
	assert_string_equal(text, ids);
	return got;
}

int suite_end(struct suite *t, const struct px_lease *lease, enum px_delivery_state state)
{
	return SETTLE(t, .delivery = lease->delivery.id, .token = lease->token, .state = state,
		      .attempted = true, .due = suite_now(t) + SUITE_HOUR);
}

void suite_pass(struct suite *t, const char *partner, const char *id, enum px_delivery_state state)
{
	struct px_lease lease = suite_lease_one(t, partner);
	assert_string_equal(lease.header.message_id, id);
	assert_int_equal(suite_end(t, &lease, state), PX_OK);
}

void suite_give_back(struct suite *t, const struct px_lease *lease)
{
	assert_int_equal(SETTLE(t, .delivery = lease->delivery.id, .token = lease->token,
				.state = PX_D_QUEUED, .due = lease->delivery.due),
			 PX_OK);
}
