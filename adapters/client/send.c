/* prinex: send many exchanges: in order per movement, several movements at a time
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/send.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/strings.h"
#include "client/answer.h"
#include "client/chains.h"
#include "client/files.h"
#include "client/link.h"

/* Failures of that number in a row, or one of the connection, are no more about a file. */
enum { FAILURES_END = 3 };

/* Why an item could not be read; NULL: it could. */
struct unread {
	char *why;
	int rc;
};

struct sending {
	struct px_client *c;
	unsigned n;
	struct px_outgoing *items;
	struct unread *unread; /* per item */
	struct px_chains chains;
	const struct px_send_how *how;
	pthread_mutex_t lock;
	/* under lock */
	unsigned next_chain, ended;
	unsigned in_a_row; /* failures */
	bool failed;       /* and how->comes_again */
	struct px_send_totals *totals;
};

const char *px_sent_name(enum px_sent sent)
{
	static const char *const names[] = {"accepted", "duplicate", "before", "refused",
					    "wrong",    "failed",    "barred", "held"};
	px_assert((size_t)sent < PX_ARRAY_LEN(names));
	return names[sent];
}

enum px_sent px_sent_of_error(int rc)
{
	return px_err_class(rc) == PX_CLASS_TEMPORARY ? PX_SENT_FAILED : PX_SENT_WRONG;
}

/* --- which files --- */

static void add_item(struct sending *s, const char *path, bool of_folder)
{
	s->items = px_xrealloc_array(s->items, s->n + 1, sizeof(*s->items));
	s->items[s->n++] = (struct px_outgoing){.input = px_xstrdup(path), .of_folder = of_folder};
}

static int is_payload_file(const struct dirent *e)
{
	return e->d_name[0] != '.' && px_str_ends(e->d_name, ".xml");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct sending *s, const char *folder, struct px_buf *why)
{
	struct dirent **list;
	int n = scandir(folder, &list, is_payload_file, by_name);
	if (n < 0) {
		px_buf_setf(why, "cannot read folder %s: %s", folder, strerror(errno));
		return PX_ESYS;
	}
	for (int i = 0; i < n; i++) {
		struct px_buf path = PX_BUF_INIT;
		size_t len = strlen(folder);
		px_buf_addf(&path, "%s%s%s", folder, len > 0 && folder[len - 1] == '/' ? "" : "/",
			    list[i]->d_name);
		add_item(s, px_buf_str(&path), true);
		px_buf_free(&path);
		free(list[i]);
	}
	free(list);
	return PX_OK;
}

static int collect(struct sending *s, char *const *inputs, unsigned n, struct px_buf *why)
{
	for (unsigned i = 0; i < n; i++) {
		struct stat st;
		bool piped = strcmp(inputs[i], "-") == 0;
		bool there = piped || stat(inputs[i], &st) == 0;
		if (!there && !s->how->comes_again) {
			px_buf_setf(why, "%s: %s", inputs[i], strerror(errno));
			return PX_ENOTFOUND;
		}
		if (piped || !there || !S_ISDIR(st.st_mode)) {
			add_item(s, inputs[i], false);
			continue;
		}
		int rc = add_folder(s, inputs[i], why);
		if (rc != PX_OK)
			return rc;
	}
	return PX_OK;
}

/* Read everything once for its keys: which of them may not overtake each other. */
static int read_all(struct sending *s, struct px_buf *why)
{
	struct px_chain_keys keys = {0};
	bool to_sign = false;
	s->unread = px_xcalloc(s->n + 1, sizeof(*s->unread));
	for (unsigned i = 0; i < s->n && !px_client_stop; i++) {
		struct px_outgoing *o = &s->items[i];
		struct px_buf reason = PX_BUF_INIT;
		s->unread[i].rc = px_outgoing_read(s->c, o, &reason);
		if (s->unread[i].rc != PX_OK) {
			s->unread[i].why = (char *)px_buf_detach(&reason, NULL);
			continue;
		}
		to_sign |= !o->doc.is_signed;
		px_chain_message(&keys, i, &o->header, &o->keys);
		px_outgoing_forget(o);
	}
	const char *correlation = px_client_settings(s->c)->correlation;
	for (unsigned i = 0; i < s->n && correlation[0] != '\0'; i++)
		px_chain_add(&keys, i, "id", correlation, "");
	px_chains_make(&keys, s->n, &s->chains);
	if (!to_sign)
		return PX_OK;
	const char *sender;
	int rc = px_client_load_key(s->c, why);
	return rc == PX_OK ? px_client_sender(s->c, &sender, why) : rc;
}

/* --- one exchange --- */

struct outcome {
	enum px_sent sent;
	bool away; /* there was no connection */
	bool has_confirmation;
	struct px_confirmation confirmation;
	struct px_buf why;
};

/* Under lock. */
static void count_failure(struct sending *s, const struct outcome *out)
{
	bool bad = out->sent == PX_SENT_FAILED || out->sent == PX_SENT_BARRED;
	if (!s->how->comes_again || out->sent == PX_SENT_WRONG || out->sent == PX_SENT_HELD)
		return;
	s->in_a_row = bad ? s->in_a_row + 1 : 0;
	s->failed |= bad && (out->away || s->in_a_row >= FAILURES_END);
}

static void ended(struct sending *s, const struct px_outgoing *o, const struct outcome *out,
		  const struct px_reply *reply)
{
	pthread_mutex_lock(&s->lock);
	s->totals->by[out->sent]++;
	count_failure(s, out);
	const struct px_sent_report r = {
	    .file = o->input,
	    .sent = out->sent,
	    .header = &o->header,
	    .confirmation = out->has_confirmation ? &out->confirmation : NULL,
	    .answer = reply != NULL ? reply->body.data : NULL,
	    .answer_len = reply != NULL ? reply->body.len : 0,
	    .why = px_buf_str(&out->why),
	    .remark = px_buf_str(&o->remark),
	    .lines = &o->lines,
	    .n = ++s->ended,
	    .total = s->n,
	};
	s->how->report(s->how->arg, &r);
	pthread_mutex_unlock(&s->lock);
}

static bool is_signed_answer(const struct px_reply *r)
{
	return r->end == PX_LINK_ANSWERED &&
	       (r->status == 200 || r->status == 201 || r->status == 403 || r->status == 409 ||
		r->status == 422) &&
	       r->body.len > 0 && (r->body.data[0] == '<' || r->body.data[0] == 0xef);
}

/* An answer that does not verify is kept for whoever has to look into it. */
static void distrust(struct px_outgoing *o, const struct px_reply *r)
{
	struct px_buf path = PX_BUF_INIT, why = PX_BUF_INIT;
	px_buf_addf(&path, "%s.untrusted", o->base);
	(void)px_file_put(px_buf_str(&path), r->body.data, r->body.len, &why);
	px_buf_free(&path);
	px_buf_free(&why);
}

/* @return whether a temporary exception asks for another try. */
static bool take_answer(struct sending *s, struct px_outgoing *o, const struct px_reply *r,
			struct outcome *out)
{
	bool good = r->status == 200 || r->status == 201;
	out->sent = PX_SENT_BARRED; /* unless it can be believed */
	if (px_answer_verify(s->c, r->body.data, r->body.len, o->digest, &o->header, &out->confirmation,
			     &out->why) != PX_OK) {
		distrust(o, r);
		return false;
	}
	if (good != (out->confirmation.kind == PX_COA)) {
		px_buf_setf(&out->why, "status %d with a %s makes no sense", r->status,
			    px_conf_kind_name(out->confirmation.kind));
		distrust(o, r);
		return false;
	}
	if (!good && !out->confirmation.permanent) {
		out->sent = PX_SENT_FAILED;
		px_buf_setf(&out->why, "refused for the time being: %s %s", out->confirmation.error_code,
			    out->confirmation.error_text);
		return true;
	}
	out->has_confirmation = true;
	out->sent = good ? (r->status == 200 ? PX_SENT_DUPLICATE : PX_SENT_ACCEPTED) : PX_SENT_REFUSED;
	if (px_outgoing_answered(o, out->confirmation.kind, r->body.data, r->body.len, &out->why) != PX_OK)
		out->sent = PX_SENT_FAILED;
	return false;
}

static void say(struct sending *s, const char *file, int64_t wait, const char *why)
{
	struct px_buf text = PX_BUF_INIT;
	px_buf_addf(&text, "no final answer, trying again in %.0f s: %s", ceil((double)wait / 1000.0), why);
	pthread_mutex_lock(&s->lock);
	s->how->note(s->how->arg, file, px_buf_str(&text));
	pthread_mutex_unlock(&s->lock);
	px_buf_free(&text);
}

/* @return whether to try again. */
static bool judge_unsigned(const struct px_outgoing *o, const struct px_reply *r, struct outcome *out)
{
	bool again = px_reply_is_temporary(r);
	out->away = r->end == PX_LINK_UNREACHABLE || r->end == PX_LINK_REFUSED;
	out->sent = again || r->end == PX_LINK_STOPPED ? PX_SENT_FAILED : PX_SENT_BARRED;
	if (r->end == PX_LINK_ANSWERED && r->status == 413) {
		/* about this exchange alone */
		out->sent = PX_SENT_WRONG;
		px_buf_addf(&out->why, "the broker takes none of %zu octets: ", o->octets.len);
	}
	px_reply_describe(r, &out->why);
	return again;
}

static void deliver(struct sending *s, struct px_link *link, struct px_outgoing *o, struct px_reply *r,
		    struct outcome *out)
{
	int64_t until = px_clock_mono(px_clock_real()) + px_client_settings(s->c)->retry_for;
	for (unsigned attempt = 0;; attempt++) {
		bool again;
		px_buf_clear(&out->why);
		px_link_request(link, "/v1/exchanges", o->octets.data, o->octets.len, 0,
				(size_t)PX_LIMIT_CONFIRMATION, r);
		again = is_signed_answer(r) ? take_answer(s, o, r, out) : judge_unsigned(o, r, out);
		int64_t wait = px_client_backoff(attempt, r->retry_after);
		if (!again || px_clock_mono(px_clock_real()) + wait > until)
			return;
		say(s, o->input, wait, px_buf_str(&out->why));
		if (!px_client_sleep(wait))
			return;
	}
}

static bool has_failed(struct sending *s)
{
	pthread_mutex_lock(&s->lock);
	bool failed = s->failed;
	pthread_mutex_unlock(&s->lock);
	return failed;
}

static void prepare_and_deliver(struct sending *s, struct px_link *link, struct px_outgoing *o,
				struct px_reply *reply, struct outcome *out)
{
	int rc = px_outgoing_prepare(s->c, o, &out->why);
	if (rc != PX_OK)
		out->sent = px_sent_of_error(rc);
	else if (o->accepted_before && o->of_folder && !px_client_settings(s->c)->again)
		out->sent = PX_SENT_BEFORE;
	else
		deliver(s, link, o, reply, out);
}

static enum px_sent send_one(struct sending *s, struct px_link *link, unsigned i, bool held)
{
	struct px_outgoing *o = &s->items[i];
	struct px_reply reply = {0};
	struct outcome out = {.sent = PX_SENT_FAILED};
	if (held) {
		out.sent = PX_SENT_HELD;
		px_buf_setf(&out.why, "an earlier message of the same movement could not be sent");
	} else if (s->unread[i].why != NULL) {
		out.sent = px_sent_of_error(s->unread[i].rc);
		px_buf_setf(&out.why, "%s", s->unread[i].why);
	} else if (has_failed(s)) {
		out.sent = PX_SENT_HELD;
		px_buf_setf(&out.why, "another one could not be sent");
	} else if (px_client_stop) {
		px_buf_setf(&out.why, "stopped");
	} else {
		prepare_and_deliver(s, link, o, &reply, &out);
	}
	enum px_sent sent = out.sent;
	ended(s, o, &out, reply.end == PX_LINK_ANSWERED && out.has_confirmation ? &reply : NULL);
	px_buf_free(&out.why);
	px_reply_free(&reply);
	px_outgoing_free(o);
	return sent;
}

/* --- threads: each takes a movement and goes through it --- */

static bool take_chain(struct sending *s, unsigned *chain)
{
	pthread_mutex_lock(&s->lock);
	bool there = s->next_chain < s->chains.n_chains;
	*chain = there ? (s->next_chain + s->how->begin_at) % s->chains.n_chains : 0;
	s->next_chain += there;
	pthread_mutex_unlock(&s->lock);
	return there;
}

static void *work(void *arg)
{
	struct sending *s = arg;
	struct px_link *link = px_link_new(s->c);
	unsigned chain;
	while (take_chain(s, &chain)) {
		bool held = false;
		for (unsigned k = s->chains.starts[chain]; k < s->chains.starts[chain + 1]; k++)
			held |= send_one(s, link, s->chains.items[k], held) >= PX_SENT_WRONG;
	}
	px_link_free(&link);
	return NULL;
}

static void run_threads(struct sending *s)
{
	enum { MOST = 32 };
	pthread_t threads[MOST];
	unsigned n = PX_MIN(px_client_settings(s->c)->parallel, s->chains.n_chains), started = 0;
	n = PX_MIN(n, (unsigned)MOST);
	while (started < n && pthread_create(&threads[started], NULL, work, s) == 0)
		started++;
	if (started == 0)
		work(s);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static int begin(struct sending *s, char *const *inputs, unsigned n, struct px_buf *why)
{
	int rc = px_client_need_trust(s->c, why);
	if (rc == PX_OK)
		rc = px_client_load_tls(s->c, why);
	if (rc == PX_OK)
		rc = px_client_load_examiner(s->c, why);
	if (rc == PX_OK)
		rc = collect(s, inputs, n, why);
	if (rc == PX_OK && px_client_settings(s->c)->id[0] != '\0' && s->n > 1) {
		px_buf_setf(why, "--id is for one file; here are %u", s->n);
		rc = PX_ECONF;
	}
	for (unsigned i = 0; rc == PX_OK && i < s->n; i++) {
		if (px_client_settings(s->c)->anew && s->items[i].of_folder) {
			px_buf_setf(why, "--anew is for files that are named, not for folders");
			rc = PX_ECONF;
		}
	}
	return rc == PX_OK ? read_all(s, why) : rc;
}

int px_send(struct px_client *c, char *const *inputs, unsigned n, const struct px_send_how *how,
	    struct px_send_totals *totals, struct px_buf *why)
{
	struct sending s = {.c = c, .how = how, .totals = totals};
	*totals = (struct px_send_totals){0};
	pthread_mutex_init(&s.lock, NULL);
	int rc = begin(&s, inputs, n, why);
	if (rc == PX_OK)
		run_threads(&s);
	totals->broken_off = s.failed;
	for (unsigned i = 0; i < s.n; i++) {
		px_outgoing_free(&s.items[i]);
		if (s.unread != NULL)
			free(s.unread[i].why);
	}
	free(s.items);
	free(s.unread);
	px_chains_free(&s.chains);
	pthread_mutex_destroy(&s.lock);
	return rc;
}
