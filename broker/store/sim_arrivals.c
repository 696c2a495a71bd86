/* prinex: simulated store: what is expected where and when
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "store/declared.h"
#include "store/sim_parts.h"
#include "store/sim_queue.h"

#define PAGE_MAX 1000u

static int order(const struct px_arrival *a, const struct px_arrival *b)
{
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->message != b->message)
		return a->message < b->message ? -1 : 1;
	return strcmp(a->office, b->office);
}

static int by_order(const void *a, const void *b)
{
	return order(a, b);
}

static bool is_sent_to(const struct sim *s, const struct sim_message *m, const char *recipient)
{
	for (size_t i = 0; i < s->n_deliveries && recipient != NULL; i++) {
		if (s->deliveries[i].message == m->seq &&
		    strcmp(s->deliveries[i].d.recipient, recipient) == 0 &&
		    px_delivery_is_sent(&s->deliveries[i].d))
			return true;
	}
	return recipient == NULL;
}

static bool fits(const struct px_arrivals *q, const struct px_arrival *a)
{
	return (q->office == NULL || strcmp(a->office, q->office) == 0) && a->at >= q->from &&
	       a->at < q->until && (q->after == NULL || order(a, q->after) > 0);
}

static void add_message(const struct sim *s, const struct sim_message *m, const struct px_arrivals *q,
			struct px_arrival **all, size_t *n)
{
	struct px_expected expected[PX_EXPECTED_MAX];
	unsigned count = px_keys_expected(&m->keys, expected);
	for (unsigned i = 0; i < count; i++) {
		const struct px_expected *e = &expected[i];
		struct px_arrival a = {.at = q->office != NULL ? e->at : PX_MAX(e->limit, m->accepted),
				       .message = m->seq,
				       .movement = m->movement != 0 ? sim_movement_now(s, m->movement) : 0};
		bool twice = false;
		px_strlcpy(a.office, e->office, sizeof(a.office));
		for (size_t k = 0; k < *n; k++)
			twice = twice || order(&(*all)[k], &a) == 0;
		if (twice || !fits(q, &a))
			continue;
		*all = px_xrealloc_array(*all, *n + 1, sizeof(a));
		(*all)[(*n)++] = a;
	}
}

static void read_arrivals(const struct sim *s, const struct px_arrivals *q, px_arrivals_done *done, void *arg)
{
	size_t n = 0, limit = q->limit == 0 || q->limit > PAGE_MAX ? PAGE_MAX : q->limit;
	struct px_arrival *all = NULL;
	for (size_t i = 0; i < s->n_messages; i++) {
		const struct sim_message *m = &s->messages[i];
		if (!m->purged && is_sent_to(s, m, q->recipient))
			add_message(s, m, q, &all, &n);
	}
	if (n > 0)
		qsort(all, n, sizeof(all[0]), by_order);
	bool more = n > limit;
	done(arg, PX_OK, (unsigned)PX_MIN(n, limit), all, more ? &all[limit - 1] : NULL);
	free(all);
}

static void answer_arrivals(struct sim *s, struct sim_op *op, int rc)
{
	if (rc == PX_OK)
		read_arrivals(s, &op->which, op->done.arrivals, op->arg);
	else
		op->done.arrivals(op->arg, rc, 0, NULL, NULL);
}

void sim_submit_arrivals(struct px_store *st, const struct px_arrivals *which, px_arrivals_done *done,
			 void *arg)
{
	struct sim_op *op = sim_op_new(st, SIM_READ, answer_arrivals, arg);
	op->done.arrivals = done;
	op->which = *which;
	op->which.office = sim_op_text(op, which->office);
	op->which.recipient = sim_op_text(op, which->recipient);
	if (which->after != NULL)
		op->which.after = sim_op_copy(op, which->after, sizeof(*which->after));
	sim_submit(st, op);
}
