/* prinex: the inbox of a case: fetch, confirm, take; and how recipients answer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "cast.h"
#include "peer_answer.h"

/* --- the inbox --- */

int px_fetch_once(struct px_play *p, struct px_actor *a, int64_t wait_ms)
{
	char path[64];
	int rc = PX_OK;
	if (p->sim != NULL) {
		px_answers_clear(p);
		rc = px_sim_fetch(p, a, wait_ms, px_answer_add(p));
		px_told(p, &p->answers[0], "fetch");
		p->seen = &p->answers[0].reply.body;
	} else {
		snprintf(path, sizeof(path), "/v1/inbox?wait=%lld", (long long)((wait_ms + 999) / 1000));
		struct px_request_with with = {.timeout = wait_ms + PX_REQUEST_MS * (int64_t)p->venue->slow};
		rc = px_request(p, a, "GET", path, &with);
	}
	px_buf_clear(&a->fetched);
	if (rc != PX_OK || p->answers[0].rc != PX_OK || p->answers[0].reply.status != 200)
		return rc;
	if (p->sim == NULL)
		px_wire_field(&p->answers[0].reply.head, "Prinex-Delivery", a->delivery, sizeof(a->delivery));
	px_buf_add(&a->fetched, p->answers[0].reply.body.data, p->answers[0].reply.body.len);
	struct px_buf label = PX_BUF_INIT;
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	px_peer_first(a->fetched.data, a->fetched.len, "Sender", sender, sizeof(sender));
	px_peer_first(a->fetched.data, a->fetched.len, "MessageId", id, sizeof(id));
	px_doc_label(p, sender, id, &label);
	px_note(p, "%s fetched %s", a->name, px_buf_str(&label));
	px_buf_free(&label);
	return PX_OK;
}

/* What a system answers to what it fetched. */
static int compose_confirmation(struct px_play *p, const struct px_actor *a, const struct px_peer_step *s,
				struct px_buf *out)
{
	bool stranger = s->act == PX_PEER_WRONG_SIGNER || s->act == PX_PEER_WRONG_AUTHORITY;
	const char *other = a->broker->is_target ? p->venue->counterpart : a->broker->authority;
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	struct px_peer_signer *signer = NULL;
	struct px_buf why = PX_BUF_INIT;
	char *cert = px_pki_path(p, "%s/node/sign.pem", other),
	     *key = px_pki_path(p, "%s/node/sign.key", other);
	int rc = px_peer_signer_load(a->authority, stranger ? cert : a->sign_cert,
				     stranger ? key : a->sign_key, &signer, &why);
	if (rc != PX_OK)
		rc = px_fail(p, "a signing certificate and key", "%s", px_buf_str(&why));
	px_buf_free(&why);
	free(cert);
	free(key);
	if (rc != PX_OK)
		return rc;
	px_peer_first(a->fetched.data, a->fetched.len, "Sender", sender, sizeof(sender));
	px_peer_first(a->fetched.data, a->fetched.len, "MessageId", id, sizeof(id));
	const struct px_peer_finding error = {.code = s->code[0] != '\0' ? s->code : "X-TEST-1",
					      .ncts = "14",
					      .pointer = "/*",
					      .text = s->text[0] != '\0' ? s->text : "refused by the test"};
	struct px_peer_confirmation c = {
	    .kind = s->act == PX_PEER_COE   ? PX_COE
		    : s->act == PX_PEER_COD ? PX_COD
					    : PX_COA,
	    .temporary = s->temporary,
	    .id = "",
	    .issuer = s->act == PX_PEER_WRONG_AUTHORITY ? other : a->authority,
	    .ref_sender = sender,
	    .ref_message_id = s->act == PX_PEER_WRONG_REF ? "SOME-OTHER-1" : id,
	    .at = "",
	    .cod_follows = s->act == PX_PEER_COD_FOLLOWS,
	    .n_errors = s->act == PX_PEER_COE ? 1 : 0,
	    .errors = &error,
	};
	px_sha256(a->fetched.data, a->fetched.len, c.ref_digest);
	c.ref_digest[0] ^= s->act == PX_PEER_WRONG_DIGEST ? 1 : 0;
	if (s->act == PX_PEER_GARBAGE)
		px_buf_adds(out, "<garbage");
	else
		px_peer_confirmation_write(out, &c, true);
	if (s->act != PX_PEER_GARBAGE && s->act != PX_PEER_UNSIGNED)
		px_peer_seal(signer, out);
	char *digit = s->act == PX_PEER_TAMPERED ? strstr((char *)out->data, "<px:RefDigest>") : NULL;
	if (digit != NULL)
		digit[14] = digit[14] == '0' ? '1' : '0';
	px_peer_signer_free(&signer);
	return PX_OK;
}

int px_confirm_once(struct px_play *p, struct px_actor *a, const struct px_peer_step *step)
{
	if (a->fetched.len == 0)
		return px_fail(p, "something that was fetched", "%s has nothing in hand", a->name);
	if (p->sim != NULL) {
		px_answers_clear(p);
		px_sim_confirm(p, a, step, px_answer_add(p));
		px_told(p, &p->answers[0], "confirm");
		return PX_OK;
	}
	struct px_doc d = {0};
	char path[96];
	int rc = compose_confirmation(p, a, step, &d.octets);
	snprintf(path, sizeof(path), "/v1/inbox/%s", a->delivery);
	if (rc == PX_OK)
		rc = px_request(p, a, "POST", path,
				&(struct px_request_with){.body = &d, .type = "application/xml"});
	if (rc == PX_OK)
		p->answers[0].doc = NULL;
	px_buf_free(&d.octets);
	return rc;
}

int px_cmd_fetch(struct px_play *p, const struct px_call *call)
{
	struct px_actor *a = px_acting(p, call, "as");
	return a != NULL ? px_fetch_once(p, a, px_call_time(call, "wait", 0)) : PX_EINVAL;
}

int px_step_of(struct px_play *p, const struct px_call *call, const char *word, struct px_peer_step *s)
{
	const char *code = px_call_key(call, "code"), *text = px_call_key(call, "text"),
		   *klass = px_call_key(call, "class");
	*s = (struct px_peer_step){.act = px_peer_act_parse(word)};
	if (s->act == PX_PEER_ACT_COUNT)
		return px_fail(p, "an answer's word (docs/scenarios.md lists them)", "%s", word);
	s->status = (int)px_call_number(call, "status", 0);
	s->count = (unsigned)px_call_number(call, "count", 0);
	s->retry_after = (int)(px_call_time(call, "retry-after", 0) / 1000);
	s->temporary = klass != NULL && strcmp(klass, "temporary") == 0;
	s->late_ms = px_call_time(call, "late", 0);
	s->pace =
	    (struct px_wire_pace){(size_t)px_call_number(call, "chunk", 0), px_call_time(call, "pause", 0)};
	px_strlcpy(s->code, code != NULL ? code : "", sizeof(s->code));
	px_strlcpy(s->text, text != NULL ? text : "", sizeof(s->text));
	return PX_OK;
}

int px_cmd_confirm(struct px_play *p, const struct px_call *call)
{
	struct px_actor *a = px_acting(p, call, "as");
	struct px_peer_step step;
	if (a == NULL || px_step_of(p, call, call->n > 0 ? px_call_word(call, 0) : "coa", &step) != PX_OK)
		return PX_EINVAL;
	int rc = px_confirm_once(p, a, &step);
	if (rc == PX_OK && p->answers[0].reply.status == 204 && a->fetched.len > 0)
		px_taken_add(a);
	return rc;
}

void px_taken_add(struct px_actor *a)
{
	a->taken = px_xrealloc_array(a->taken, a->n_taken + 1, sizeof(a->taken[0]));
	struct px_taken *t = &a->taken[a->n_taken++];
	*t = (struct px_taken){0};
	px_buf_add(&t->body, a->fetched.data, a->fetched.len);
	px_peer_first(t->body.data, t->body.len, "Sender", t->sender, sizeof(t->sender));
	px_peer_first(t->body.data, t->body.len, "MessageId", t->id, sizeof(t->id));
	px_peer_first(t->body.data, t->body.len, "MessageType", t->type, sizeof(t->type));
	px_buf_clear(&a->fetched);
}

int px_take_once(struct px_play *p, struct px_actor *a, int64_t wait_ms, bool *got)
{
	static const struct px_peer_step good = {.act = PX_PEER_COA};
	*got = false;
	int rc = px_fetch_once(p, a, wait_ms);
	if (rc != PX_OK || a->fetched.len == 0)
		return rc;
	if (strstr(px_buf_str(&a->fetched), "<px:MessageType>Confirmations<") != NULL)
		px_keep_evidence(p, "confirmations fetched", &a->fetched, NULL);
	rc = px_confirm_once(p, a, &good);
	if (rc == PX_OK && p->answers[0].reply.status != 204)
		rc = px_fail(p, "204 for our confirmation", "%d %s", p->answers[0].reply.status,
			     px_buf_str(&p->answers[0].reply.body));
	if (rc == PX_OK) {
		px_taken_add(a);
		*got = true;
	}
	return rc;
}

int px_cmd_take(struct px_play *p, const struct px_call *call)
{
	struct px_actor *a = px_acting(p, call, "as");
	uint64_t want = 1;
	unsigned found = 0;
	if (a == NULL)
		return PX_EINVAL;
	if (call->n > 0)
		(void)px_parse_u64(px_call_word(call, 0), 0, 1000000, &want);
	int64_t limit = px_call_time(call, "within", 10000) * p->venue->slow, end = px_now_mono() + limit;
	int rc = PX_OK;
	while (rc == PX_OK && found < want) {
		bool got;
		rc = px_take_once(p, a, p->sim != NULL ? limit : 1000, &got);
		if (rc == PX_OK && got)
			found += strcmp(a->taken[a->n_taken - 1].type, "Confirmations") != 0;
		else if (rc == PX_OK && (p->sim != NULL || px_now_mono() > end))
			rc = px_fail(p, "more messages in the inbox", "%s: %u of %llu came", a->name, found,
				     (unsigned long long)want);
	}
	if (rc == PX_OK && found > 0)
		p->seen = &a->taken[a->n_taken - 1].body;
	return rc;
}

/* --- recipients --- */

int px_cmd_answer(struct px_play *p, const struct px_call *call)
{
	struct px_actor *a = px_find_actor(p, px_call_word(call, 0));
	struct px_peer_step step;
	if (a == NULL || px_step_of(p, call, px_call_word(call, 1), &step) != PX_OK)
		return PX_EINVAL;
	if (a->peer == NULL)
		return px_fail(p, "a recipient", "%s is none", a->name);
	if (px_call_yes(call, "always"))
		px_peer_rest(a->peer, &step);
	else
		px_peer_script(a->peer, &step);
	return PX_OK;
}

static int set_down(struct px_play *p, const struct px_call *call, bool down)
{
	int rc = PX_OK;
	for (unsigned i = 0; rc == PX_OK && i < call->n; i++) {
		struct px_buf why = PX_BUF_INIT;
		if (p->sim != NULL) {
			struct px_broker *b = px_find_broker(p, px_call_word(call, i));
			if (b == NULL)
				return PX_EINVAL;
			px_sim_down(p, b, down);
			continue;
		}
		struct px_actor *a = px_find_actor(p, px_call_word(call, i));
		if (a == NULL || a->peer == NULL)
			return px_fail(p, "a recipient", "%s is none", px_call_word(call, i));
		if (down)
			px_peer_down(a->peer);
		else if (px_peer_up(a->peer, &why) != PX_OK)
			rc = px_fail(p, "a recipient that listens again", "%s", px_buf_str(&why));
		px_buf_free(&why);
	}
	return rc;
}

int px_cmd_down(struct px_play *p, const struct px_call *call)
{
	return set_down(p, call, true);
}

int px_cmd_up(struct px_play *p, const struct px_call *call)
{
	return set_down(p, call, false);
}
