/* prinex: the scripted peer: its script and what it recorded
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/clock.h"
#include "base/strings.h"
#include "peer_parts.h"

static int64_t now_ms(void)
{
	return px_clock_mono(px_clock_real());
}

/* --- the script --- */

static struct progress *progress_of(struct px_peer *p, const char *sender, const char *id)
{
	for (unsigned i = 0; i < p->n_progress; i++) {
		struct progress *g = &p->progress[i];
		if (!p->each || (strcmp(g->sender, sender) == 0 && strcmp(g->id, id) == 0))
			return g;
	}
	p->progress = px_xrealloc_array(p->progress, p->n_progress + 1, sizeof(p->progress[0]));
	struct progress *g = &p->progress[p->n_progress++];
	*g = (struct progress){0};
	px_strlcpy(g->sender, sender, sizeof(g->sender));
	px_strlcpy(g->id, id, sizeof(g->id));
	return g;
}

static struct px_peer_step *step_at(struct px_peer *p, const struct progress *g)
{
	return g->step < p->n_steps ? &p->steps[g->step] : &p->rest;
}

static void advance(struct px_peer *p, struct progress *g)
{
	if (g->step < p->n_steps && ++g->used >= PX_MAX(p->steps[g->step].count, 1u)) {
		g->step++;
		g->used = 0;
	}
}

/* A message that came before the script was cleared takes no part in the new one. With the lock. */
static bool is_old(const struct px_peer *p, const char *sender, const char *id)
{
	for (unsigned i = 0; id[0] != '\0' && i < p->n_old; i++) {
		if (strcmp(p->posts[i]->message_id, id) == 0 && strcmp(p->posts[i]->sender, sender) == 0)
			return true;
	}
	return false;
}

bool px_peer_next_step(struct px_peer *p, const char *sender, const char *id, const enum px_peer_act *only,
		       struct px_peer_step *out)
{
	pthread_mutex_lock(&p->lock);
	if (is_old(p, sender, id)) {
		*out = (struct px_peer_step){.act = PX_PEER_COA};
		pthread_mutex_unlock(&p->lock);
		return only == NULL;
	}
	struct progress *g = progress_of(p, sender, id);
	*out = *step_at(p, g);
	bool mine = only == NULL || out->act == *only;
	if (mine)
		advance(p, g);
	pthread_mutex_unlock(&p->lock);
	return mine;
}

void px_peer_script(struct px_peer *p, const struct px_peer_step *step)
{
	px_assert(p->other != NULL ||
		  (step->act != PX_PEER_WRONG_SIGNER && step->act != PX_PEER_WRONG_AUTHORITY));
	pthread_mutex_lock(&p->lock);
	p->steps = px_xrealloc_array(p->steps, p->n_steps + 1, sizeof(p->steps[0]));
	p->steps[p->n_steps++] = *step;
	pthread_mutex_unlock(&p->lock);
}

void px_peer_rest(struct px_peer *p, const struct px_peer_step *step)
{
	pthread_mutex_lock(&p->lock);
	p->rest = *step;
	pthread_mutex_unlock(&p->lock);
}

void px_peer_script_clear(struct px_peer *p)
{
	pthread_mutex_lock(&p->lock);
	p->n_steps = 0;
	p->n_progress = 0;
	p->n_old = p->n_posts;
	pthread_mutex_unlock(&p->lock);
}

/* --- records --- */

struct px_peer_record *px_peer_record_new(const struct px_peer_call *call)
{
	struct px_peer_record *r = px_xcalloc(1, sizeof(*r));
	r->at = px_clock_wall(px_clock_real());
	if (call == NULL)
		return r;
	px_strlcpy(r->method, call->method, sizeof(r->method));
	px_strlcpy(r->path, call->path, sizeof(r->path));
	if (call->query[0] != '\0')
		snprintf(r->path + strlen(r->path), sizeof(r->path) - strlen(r->path), "?%s", call->query);
	px_strlcpy(r->peer_uri, call->peer_uri, sizeof(r->peer_uri));
	px_buf_add(&r->head, call->head.data, call->head.len);
	if (call->body.len > 0)
		r->body = px_body_copy(call->body.data, call->body.len);
	px_peer_first(call->body.data, call->body.len, "Sender", r->sender, sizeof(r->sender));
	px_peer_first(call->body.data, call->body.len, "MessageId", r->message_id, sizeof(r->message_id));
	px_peer_first(call->body.data, call->body.len, "MessageType", r->type, sizeof(r->type));
	return r;
}

void px_peer_record_free(struct px_peer_record *r)
{
	px_buf_free(&r->head);
	px_buf_free(&r->answer);
	px_body_unref(&r->body);
	free(r);
}

/* Taken; visible, and immutable, from here on. */
void px_peer_record_put(struct px_peer *p, struct px_peer_record *r)
{
	pthread_mutex_lock(&p->lock);
	r->number = p->n_records;
	p->records = px_xrealloc_array(p->records, p->n_records + 1, sizeof(struct px_peer_record *));
	p->records[p->n_records++] = r;
	if (r->scripted) {
		p->posts = px_xrealloc_array(p->posts, p->n_posts + 1, sizeof(struct px_peer_record *));
		p->posts[p->n_posts++] = r;
	}
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
}

static unsigned count_of(struct px_peer *p, const unsigned *n)
{
	pthread_mutex_lock(&p->lock);
	unsigned count = *n;
	pthread_mutex_unlock(&p->lock);
	return count;
}

unsigned px_peer_requests(struct px_peer *p)
{
	return count_of(p, &p->n_records);
}

unsigned px_peer_posts(struct px_peer *p)
{
	return count_of(p, &p->n_posts);
}

const struct px_peer_record *px_peer_request(struct px_peer *p, unsigned i)
{
	pthread_mutex_lock(&p->lock);
	const struct px_peer_record *r = i < p->n_records ? p->records[i] : NULL;
	pthread_mutex_unlock(&p->lock);
	return r;
}

const struct px_peer_record *px_peer_post(struct px_peer *p, unsigned i)
{
	pthread_mutex_lock(&p->lock);
	const struct px_peer_record *r = i < p->n_posts ? p->posts[i] : NULL;
	pthread_mutex_unlock(&p->lock);
	return r;
}

/* With the lock. @return false when the time is over. */
bool px_peer_wait_more(struct px_peer *p, int64_t deadline)
{
	int64_t left = deadline - now_ms();
	struct timespec until;
	if (left <= 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &until);
	left = PX_MIN(left, 200); /* whatever happens to the wall clock */
	until.tv_nsec += left * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_cond_timedwait(&p->more, &p->lock, &until);
	return true;
}

static bool wait_count(struct px_peer *p, const unsigned *count, unsigned n, int64_t timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;
	pthread_mutex_lock(&p->lock);
	while (*count < n && px_peer_wait_more(p, deadline)) {
	}
	bool there = *count >= n;
	pthread_mutex_unlock(&p->lock);
	return there;
}

bool px_peer_wait_requests(struct px_peer *p, unsigned n, int64_t timeout_ms)
{
	return wait_count(p, &p->n_records, n, timeout_ms);
}

bool px_peer_wait_posts(struct px_peer *p, unsigned n, int64_t timeout_ms)
{
	return wait_count(p, &p->n_posts, n, timeout_ms);
}
