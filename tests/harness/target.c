/* prinex: a certification: the system under test, and those who play around it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <openssl/rand.h>

#include "cast.h"
#include "base/strings.h"
#include "client/files.h"

#define PROVOKED_MS 30000

const char *px_venue_to(const struct px_venue *venue)
{
	return venue->profile == PX_PROFILE_RECIPIENT ? venue->authority : venue->counterpart;
}

static void trust(struct px_play *p, const char *code)
{
	const char *have = px_buf_str(&p->pki_list);
	size_t len = strlen(code);
	for (const char *at = have; (at = strstr(at, code)) != NULL; at += len) {
		if ((at == have || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return;
	}
	px_buf_addf(&p->pki_list, "%s%s", p->pki_list.len > 0 ? " " : "", code);
}

static int cast_counterpart(struct px_play *p, struct px_broker *b)
{
	static const struct px_peer_step good = {.act = PX_PEER_COA};
	struct px_venue *s = p->venue;
	struct px_actor *a = px_actor_add(p, "counterpart");
	a->kind = PX_ACTOR_RECIPIENT;
	a->broker = b;
	a->role = PX_ROLE_SYSTEM;
	px_strlcpy(a->authority, s->counterpart, sizeof(a->authority));
	int rc = px_actor_certificates(p, a, NULL, NULL, NULL);
	if (rc != PX_OK || s->listen == 0)
		return rc;
	if (s->peer == NULL) {
		rc = px_actor_peer(p, a, s->listen);
		s->peer = a->peer;
		return rc;
	}
	a->peer = s->peer;
	px_peer_script_clear(a->peer);
	px_peer_rest(a->peer, &good);
	a->peer_from = px_peer_posts(a->peer);
	return rc;
}

/* For an LRN: what a case before has left waiting must not hold up this one. */
static void let_fresh(struct px_play *p)
{
	uint8_t chance[8];
	char text[2 * sizeof(chance) + 3] = "PX";
	px_assert(RAND_bytes(chance, sizeof(chance)) == 1);
	px_hex(chance, sizeof(chance), text + 2);
	px_let(p, "fresh", text);
}

int px_cast_target(struct px_play *p)
{
	struct px_venue *s = p->venue;
	struct px_broker *b = px_broker_add(p, "target");
	b->is_target = true;
	b->port = s->target_port;
	b->url = px_xstrdup(s->target != NULL ? s->target : "");
	b->environment = px_xstrdup(s->environment);
	px_strlcpy(b->authority, s->authority, sizeof(b->authority));
	free(p->pki);
	p->pki = px_xstrdup(s->certs);
	trust(p, s->authority);
	trust(p, s->tester);
	trust(p, s->counterpart);
	px_let(p, "pki", p->pki);
	px_let(p, "authority", s->authority);
	px_let(p, "tester", s->tester);
	px_let(p, "counterpart", s->counterpart);
	px_let(p, "to", px_venue_to(s));
	let_fresh(p);
	struct px_actor *a = px_actor_add(p, "tester");
	a->kind = PX_ACTOR_SYSTEM;
	a->broker = b;
	a->role = s->tester_role;
	px_strlcpy(a->authority, s->tester, sizeof(a->authority));
	int rc = px_actor_certificates(p, a, NULL, NULL, NULL);
	/* A broker hands on what its authority's system has signed. */
	if (rc == PX_OK && a->role == PX_ROLE_NODE) {
		char spec[PX_AUTHORITY_MAX + 8];
		snprintf(spec, sizeof(spec), "%s/system", a->authority);
		px_sign_pair(p, a, spec, &a->sign_cert, &a->sign_key);
	}
	return rc == PX_OK ? cast_counterpart(p, b) : rc;
}

void px_cast_target_end(struct px_play *p)
{
	struct px_buf why = PX_BUF_INIT;
	if (p->venue->peer != NULL && px_peer_up(p->venue->peer, &why) != PX_OK)
		px_note(p, "the counterpart does not listen again: %s", px_buf_str(&why));
	px_buf_free(&why);
	if (p->venue->peer_id.len == 0)
		px_buf_addc(&p->venue->peer_id, '\n');
	for (unsigned i = 0; i < p->n_docs; i++)
		px_buf_addf(&p->venue->peer_id, "%s\n", p->docs[i]->id);
}

/* --- making the target send --- */

/* The next post to the counterpart that no case before is the reason of. */
static int await_post(struct px_play *p, struct px_peer *peer, unsigned from, struct px_doc *d)
{
	int64_t end = px_now_mono() + (int64_t)PROVOKED_MS * p->venue->slow;
	for (;;) {
		const struct px_peer_record *r;
		for (unsigned i = from; (r = px_peer_post(peer, i)) != NULL; i++) {
			if (r->body == NULL || strcmp(r->type, "Confirmations") == 0)
				continue;
			px_buf_add(&d->octets, r->body->data, r->body->len);
			px_doc_read(d);
			return PX_OK;
		}
		if (px_now_mono() > end)
			return px_fail(p, "a post to the counterpart after --send-command",
				       "none came within 30 s");
		px_sleep_ms(40);
	}
}

static int provoke_by_command(struct px_play *p, const struct px_call *call)
{
	struct px_venue *s = p->venue;
	struct px_buf payload = PX_BUF_INIT, path = PX_BUF_INIT, why = PX_BUF_INIT, command = PX_BUF_INIT;
	if (s->send_command == NULL || s->peer == NULL)
		return px_fail(p, "--send-command and --listen",
			       "without them the target cannot be made to send");
	px_buf_addf(&path, "%s/%s.payload.xml", p->dir, px_call_word(call, 0));
	px_buf_addf(&command, "%s \"$1\"", s->send_command);
	unsigned before = px_peer_posts(s->peer);
	int rc = px_make_payload(p, call, &payload);
	if (rc == PX_OK && px_file_put(px_buf_str(&path), payload.data, payload.len, &why) != PX_OK)
		rc = px_fail(p, "a payload file", "%s", px_buf_str(&why));
	if (rc == PX_OK) {
		char *argv[] = {(char *)"sh",
				(char *)"-c",
				(char *)px_buf_str(&command),
				(char *)"sh",
				(char *)px_buf_str(&path),
				NULL};
		px_buf_clear(&p->output);
		p->exit_status = px_run(p, argv, NULL, 60000, &p->output);
		if (p->exit_status != 0)
			rc = px_fail(p, "--send-command to succeed", "exit status %d: %s", p->exit_status,
				     px_buf_str(&p->output));
	}
	if (rc == PX_OK)
		rc = await_post(p, s->peer, before, px_doc_add(p, px_call_word(call, 0)));
	px_buf_free(&payload);
	px_buf_free(&path);
	px_buf_free(&why);
	px_buf_free(&command);
	return rc;
}

static int not_taken(struct px_play *p, const struct px_answer *a)
{
	struct px_buf came = PX_BUF_INIT;
	px_answer_line(a, &came);
	int rc = px_fail(p, "the target to take it", "%s", px_buf_str(&came));
	px_buf_free(&came);
	return rc;
}

int px_cmd_provoke(struct px_play *p, const struct px_call *call)
{
	if (p->venue->profile == PX_PROFILE_SENDER)
		return provoke_by_command(p, call);
	int rc = px_cmd_make(p, call);
	struct px_doc *d = rc == PX_OK ? px_find_doc(p, px_call_word(call, 0)) : NULL;
	struct px_actor *tester = px_find_actor(p, "tester");
	if (d == NULL || tester == NULL)
		return PX_EINVAL;
	rc = px_send_one(p, tester, d);
	const struct px_answer *a = px_answer_last(p);
	if (rc == PX_OK && (a->rc != PX_OK || (a->reply.status != 201 && a->reply.status != 200)))
		rc = not_taken(p, a);
	return rc;
}

int px_cmd_offer(struct px_play *p, const struct px_call *call)
{
	const char *at = px_call_key(call, "at");
	struct px_actor *a = px_find_actor(p, at != NULL ? at : "counterpart");
	struct px_docs docs = {0};
	if (a == NULL || a->peer == NULL)
		return a == NULL ? PX_EINVAL
				 : px_fail(p, "a counterpart that listens (--listen)", "it does not");
	int rc = PX_OK;
	for (unsigned i = 0; rc == PX_OK && i < call->n; i++)
		rc = px_find_docs(p, px_call_word(call, i), &docs);
	for (unsigned i = 0; rc == PX_OK && i < docs.n; i++) {
		struct px_body *body = px_body_copy(docs.items[i]->octets.data, docs.items[i]->octets.len);
		px_peer_offer(a->peer, body);
		px_body_unref(&body);
	}
	free(docs.items);
	return rc;
}
