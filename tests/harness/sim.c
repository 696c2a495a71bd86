/* prinex: the virtual stage: flow in memory on a virtual clock, under the same commands
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "../unit/flow/world.h"

#include "base/strings.h"
#include "cast.h"

static struct node *node_of(const struct px_broker *b)
{
	px_assert(b->node_sim != NULL);
	return b->node_sim;
}

/* All brokers start together: a world's nodes know each other from its beginning. */
int px_sim_start(struct px_play *p)
{
	if (p->sim != NULL)
		return px_fail(p, "one `start` of all brokers", "they are started");
	struct world *w = world_new(1);
	for (unsigned i = 0; i < p->n_brokers; i++) {
		struct px_buf conf = PX_BUF_INIT;
		px_broker_conf(p, p->brokers[i], &conf);
		p->brokers[i]->node_sim = world_node(w, p->brokers[i]->authority, px_buf_str(&conf));
		px_buf_free(&conf);
	}
	world_start(w);
	p->sim = w;
	return PX_OK;
}

void px_sim_end(struct px_play *p)
{
	struct world *w = p->sim;
	if (w != NULL)
		world_free(&w);
	p->sim = NULL;
}

/* A key's value as text that lives as long as the call, NULL when absent. */
static int span(struct px_play *p, const struct px_call *call, const char *key, int64_t now, int64_t *out)
{
	int64_t at;
	const char *text = px_call_key(call, key);
	*out = 0;
	if (text == NULL)
		return PX_OK;
	int rc = px_when(p, text, now, &at);
	*out = at - now;
	return rc;
}

int px_sim_compose(struct px_play *p, const struct px_call *call, struct px_doc *doc, const char *id)
{
	static unsigned fresh;
	char own_id[32], to[256], *at;
	const char *type = px_call_key(call, "type"), *version = px_call_key(call, "version"),
		   *list = px_call_key(call, "to"), *signer = px_call_key(call, "signed");
	int64_t now = px_clock_wall(world_clock(p->sim)), created, expires;
	if (list == NULL)
		return px_fail(p, "to=AUTHORITY, or to=none where the routes decide", "neither");
	if (span(p, call, "created", now, &created) != PX_OK ||
	    span(p, call, "expires", now, &expires) != PX_OK)
		return PX_EINVAL;
	snprintf(own_id, sizeof(own_id), "V%06u", ++fresh);
	px_strlcpy(to, strcmp(list, "none") != 0 ? list : "", sizeof(to));
	while ((at = strchr(to, ',')) != NULL)
		*at = ' ';
	const struct px_actor *by_signer = signer != NULL ? px_find_actor(p, signer) : NULL;
	if (signer != NULL && by_signer == NULL)
		return PX_EINVAL;
	struct msg m = {.id = id[0] != '\0' ? id : own_id,
			.type = type,
			.sender = px_call_key(call, "sender"),
			.recipients = to,
			.lrn = px_call_key(call, "lrn"),
			.mrn = px_call_key(call, "mrn"),
			.declarant = px_call_key(call, "declarant"),
			.destination = px_call_key(call, "destination"),
			.expires_in = expires,
			.created_ago = -created,
			.signed_by = by_signer != NULL ? by_signer->authority : NULL,
			.broken = version != NULL && strcmp(version, "broken") == 0,
			.body = call->body.s};
	world_compose(node_of(doc->by->broker), doc->by->name, &m, &doc->octets);
	return PX_OK;
}

/* Takes the reply. */
static void take_reply(struct reply *r, struct px_answer *a)
{
	a->rc = PX_OK;
	a->reply.status = r->status;
	px_buf_add(&a->reply.body, r->body.data, r->body.len);
	reply_free(r);
}

void px_sim_post(struct px_play *p, struct px_actor *a, const struct px_doc *doc, struct px_answer *answer)
{
	(void)p;
	struct reply r = world_post(node_of(a->broker), a->name, &doc->octets);
	answer->doc = doc;
	take_reply(&r, answer);
}

int px_sim_fetch(struct px_play *p, struct px_actor *a, int64_t wait_ms, struct px_answer *answer)
{
	(void)p;
	struct reply r = world_fetch(node_of(a->broker), a->name, wait_ms);
	px_strlcpy(a->delivery, r.delivery, sizeof(a->delivery));
	take_reply(&r, answer);
	return PX_OK;
}

void px_sim_confirm(struct px_play *p, struct px_actor *a, const struct px_peer_step *step,
		    struct px_answer *answer)
{
	(void)p;
	struct reply fetched = {0};
	px_buf_add(&fetched.body, a->fetched.data, a->fetched.len);
	px_strlcpy(fetched.delivery, a->delivery, sizeof(fetched.delivery));
	const char *code = step->act != PX_PEER_COE ? NULL
			   : step->code[0] != '\0'  ? step->code
						    : "PX-SCHEMA-OTHER";
	struct reply r = world_confirm(node_of(a->broker), a->name, a->authority, &fetched, code);
	px_buf_free(&fetched.body);
	take_reply(&r, answer);
}

void px_sim_kill(struct px_play *p, struct px_broker *b)
{
	(void)p;
	world_crash(node_of(b));
}

void px_sim_down(struct px_play *p, struct px_broker *b, bool down)
{
	(void)p;
	node_of(b)->down = down;
}

const char *px_sim_state(struct px_play *p, struct px_broker *b, const char *sender, const char *id,
			 const char *recipient)
{
	(void)p;
	return world_state(node_of(b), sender, id, recipient);
}

bool px_sim_alarm(struct px_play *p, struct px_broker *b, const char *name, const char *about,
		  struct px_buf *all)
{
	const struct px_alarms *alarms = node_of(b)->alarms;
	bool found = false;
	(void)p;
	for (unsigned i = 0; i < px_alarms_count(alarms); i++) {
		struct px_alarm_state s = px_alarms_get(alarms, i);
		px_buf_addf(all, "%s %s; ", px_alarm_name(s.alarm), s.subject);
		found |= name != NULL && strcmp(px_alarm_name(s.alarm), name) == 0 &&
			 (about == NULL || strcmp(s.subject, about) == 0);
	}
	return found;
}

unsigned px_sim_posts(struct px_play *p, struct px_broker *b)
{
	(void)p;
	return node_of(b)->posts;
}

void px_sim_run(struct px_play *p, int64_t ms)
{
	world_run(p->sim, ms);
}

int px_cmd_advance(struct px_play *p, const struct px_call *call)
{
	int64_t ms = 0;
	if (p->sim == NULL)
		return px_fail(p, "brokers that were started", "there are none");
	(void)px_time_word(px_call_word(call, 0), &ms);
	px_sim_run(p, ms);
	return PX_OK;
}

int px_cmd_fault(struct px_play *p, const struct px_call *call)
{
	struct px_broker *b = px_find_broker(p, px_call_word(call, 0));
	const char *what = px_call_word(call, 1);
	uint64_t n = 0;
	if (b == NULL || b->node_sim == NULL)
		return b == NULL ? PX_EINVAL : px_fail(p, "a broker that was started", "%s was not", b->name);
	(void)px_parse_u64(px_call_word(call, 2), 0, 1000000, &n);
	struct node *node = node_of(b);
	node->lose_answers = strcmp(what, "lose-answers") == 0 && n == 0;
	node->lose_next = strcmp(what, "lose-answers") == 0 ? (unsigned)n : 0;
	node->answer_status = strcmp(what, "status") == 0 ? (int)n : 0;
	return PX_OK;
}
