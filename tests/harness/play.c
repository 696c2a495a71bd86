/* prinex: plays the steps of a case
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "play.h"

#include "base/strings.h"

px_command_fn *const px_command_fns[PX_COMMANDS] = {
    [PX_DO_PKI] = px_cmd_pki,
    [PX_DO_BROKER] = px_cmd_broker,
    [PX_DO_SYSTEM] = px_cmd_system,
    [PX_DO_IDENTITY] = px_cmd_identity,
    [PX_DO_RECIPIENT] = px_cmd_recipient,
    [PX_DO_CONNECT] = px_cmd_connect,
    [PX_DO_LINK] = px_cmd_link,
    [PX_DO_START] = px_cmd_start,
    [PX_DO_STOP] = px_cmd_stop,
    [PX_DO_KILL] = px_cmd_kill,
    [PX_DO_RESTART] = px_cmd_restart,
    [PX_DO_RECONFIGURE] = px_cmd_reconfigure,
    [PX_DO_CTL] = px_cmd_ctl,
    [PX_DO_RUN] = px_cmd_run,
    [PX_DO_MAKE] = px_cmd_make,
    [PX_DO_BYTES] = px_cmd_bytes,
    [PX_DO_COPY] = px_cmd_copy,
    [PX_DO_EDIT] = px_cmd_edit,
    [PX_DO_MUTATE] = px_cmd_mutate,
    [PX_DO_SEND] = px_cmd_send,
    [PX_DO_REQUEST] = px_cmd_request,
    [PX_DO_RAW] = px_cmd_raw,
    [PX_DO_PING] = px_cmd_ping,
    [PX_DO_FETCH] = px_cmd_fetch,
    [PX_DO_CONFIRM] = px_cmd_confirm,
    [PX_DO_TAKE] = px_cmd_take,
    [PX_DO_PROVOKE] = px_cmd_provoke,
    [PX_DO_OFFER] = px_cmd_offer,
    [PX_DO_ANSWER] = px_cmd_answer,
    [PX_DO_DOWN] = px_cmd_down,
    [PX_DO_UP] = px_cmd_up,
    [PX_DO_FAULT] = px_cmd_fault,
    [PX_DO_SLEEP] = px_cmd_sleep,
    [PX_DO_ADVANCE] = px_cmd_advance,
    [PX_DO_LET] = px_cmd_let,
    [PX_DO_NOTE] = px_cmd_note,
};
px_command_fn *const px_subject_fns[PX_SUBJECTS] = {
    [PX_SUBJECT_STATUS] = px_expect_status,
    [PX_SUBJECT_COA] = px_expect_coa,
    [PX_SUBJECT_COE] = px_expect_coe,
    [PX_SUBJECT_SIGNED] = px_expect_signed,
    [PX_SUBJECT_FIELD] = px_expect_field,
    [PX_SUBJECT_HEADER] = px_expect_header,
    [PX_SUBJECT_BODY] = px_expect_body,
    [PX_SUBJECT_SAME] = px_expect_same,
    [PX_SUBJECT_NO_ANSWER] = px_expect_no_answer,
    [PX_SUBJECT_FETCHED] = px_expect_fetched,
    [PX_SUBJECT_ARRIVED] = px_expect_arrived,
    [PX_SUBJECT_ATTEMPTS] = px_expect_attempts,
    [PX_SUBJECT_INTERVAL] = px_expect_interval,
    [PX_SUBJECT_OUTCOME] = px_expect_outcome,
    [PX_SUBJECT_STATE] = px_expect_state,
    [PX_SUBJECT_CTL] = px_expect_ctl,
    [PX_SUBJECT_METRIC] = px_expect_metric,
    [PX_SUBJECT_ALARM] = px_expect_alarm,
    [PX_SUBJECT_LOG] = px_expect_log,
    [PX_SUBJECT_REFUSED_TLS] = px_expect_refused_tls,
    [PX_SUBJECT_EXIT] = px_expect_exit,
    [PX_SUBJECT_OUTPUT] = px_expect_output,
    [PX_SUBJECT_JSON] = px_expect_json,
    [PX_SUBJECT_LOOKUP] = px_expect_lookup,
    [PX_SUBJECT_VALUE] = px_expect_value,
};

/* --- failures and dialogue --- */

int px_fail(struct px_play *p, const char *expected, const char *came_fmt, ...)
{
	va_list ap;
	px_buf_setf(&p->expected, "%s", expected);
	px_buf_clear(&p->came);
	va_start(ap, came_fmt);
	px_buf_vaddf(&p->came, came_fmt, ap);
	va_end(ap);
	return PX_EINVAL;
}

void px_note(struct px_play *p, const char *fmt, ...)
{
	struct px_buf line = PX_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	px_buf_vaddf(&line, fmt, ap);
	va_end(ap);
	if (p->notes != NULL)
		json_array_append_new(p->notes, json_string(px_buf_str(&line)));
	px_buf_free(&line);
}

void px_evidence(struct px_play *p, const char *what, const struct px_buf *doc, const char *verdict)
{
	if (p->evidence == NULL)
		return;
	json_array_append_new(p->evidence, json_pack("{s:s, s:s, s:o?}", "what", what, "verdict", verdict,
						     "octets", json_stringn(px_buf_str(doc), doc->len)));
}

/* --- calls --- */

static int expand_word(struct px_play *p, const struct px_word *from, struct px_word *to)
{
	struct px_buf text = PX_BUF_INIT;
	px_buf_addc(&text, ' ');
	px_buf_clear(&text);
	int rc = px_expand(p, from->s, from->n, &text);
	px_buf_addc(&text, '\0');
	*to = (struct px_word){(char *)text.data, text.len - 1, from->quoted};
	return rc;
}

static int call_new(struct px_play *p, const struct px_step *step, struct px_call *call)
{
	int rc = PX_OK;
	*call = (struct px_call){.step = step};
	call->words = px_xcalloc(step->n + 1, sizeof(call->words[0]));
	call->keys = px_xcalloc(step->n_keys + 1, sizeof(call->keys[0]));
	for (; rc == PX_OK && call->n < step->n; call->n++)
		rc = expand_word(p, &step->words[call->n], &call->words[call->n]);
	for (; rc == PX_OK && call->n_keys < step->n_keys; call->n_keys++) {
		call->keys[call->n_keys].key = step->keys[call->n_keys].key;
		rc = expand_word(p, &step->keys[call->n_keys].value, &call->keys[call->n_keys].value);
	}
	if (rc == PX_OK && step->body.s != NULL)
		rc = expand_word(p, &step->body, &call->body);
	return rc;
}

static void call_free(struct px_call *call)
{
	for (unsigned i = 0; i < call->n; i++)
		free(call->words[i].s);
	for (unsigned i = 0; i < call->n_keys; i++)
		free(call->keys[i].value.s);
	free(call->words);
	free(call->keys);
	free(call->body.s);
}

const char *px_call_word(const struct px_call *call, unsigned i)
{
	return i < call->n ? call->words[i].s : "";
}

const char *px_call_key(const struct px_call *call, const char *key)
{
	for (unsigned i = 0; i < call->n_keys; i++) {
		if (strcmp(call->keys[i].key, key) == 0)
			return call->keys[i].value.s;
	}
	return NULL;
}

bool px_call_yes(const struct px_call *call, const char *key)
{
	const char *value = px_call_key(call, key);
	return value != NULL && strcmp(value, "yes") == 0;
}

int64_t px_call_number(const struct px_call *call, const char *key, int64_t otherwise)
{
	const char *value = px_call_key(call, key);
	uint64_t n;
	return value != NULL && px_parse_u64(value, 0, INT64_MAX, &n) == PX_OK ? (int64_t)n : otherwise;
}

int64_t px_call_time(const struct px_call *call, const char *key, int64_t otherwise)
{
	const char *value = px_call_key(call, key);
	int64_t ms;
	return value != NULL && px_time_word(value, &ms) == PX_OK ? ms : otherwise;
}

/* --- names --- */

struct px_broker *px_find_broker(struct px_play *p, const char *name)
{
	for (unsigned i = 0; i < p->n_brokers; i++) {
		if (strcmp(p->brokers[i]->name, name) == 0)
			return p->brokers[i];
	}
	px_fail(p, "a broker", "%s is none", name);
	return NULL;
}

struct px_actor *px_find_actor(struct px_play *p, const char *name)
{
	for (unsigned i = 0; i < p->n_actors; i++) {
		if (strcmp(p->actors[i]->name, name) == 0)
			return p->actors[i];
	}
	px_fail(p, "a system, identity or recipient", "%s is none", name);
	return NULL;
}

struct px_actor *px_acting(struct px_play *p, const struct px_call *call, const char *key)
{
	const char *name = px_call_key(call, key);
	struct px_actor *a = name != NULL      ? px_find_actor(p, name)
			     : p->last != NULL ? p->last
			     : p->n_actors > 0 ? p->actors[0]
					       : NULL;
	if (a == NULL && name == NULL)
		px_fail(p, "a system, declared before", "there is none");
	if (a != NULL)
		p->last = a;
	return a;
}

struct px_doc *px_find_doc(struct px_play *p, const char *name)
{
	for (unsigned i = 0; i < p->n_docs; i++) {
		if (strcmp(p->docs[i]->name, name) == 0)
			return p->docs[i];
	}
	px_fail(p, "a document", "%s is none", name);
	return NULL;
}

int px_find_docs(struct px_play *p, const char *word, struct px_docs *out)
{
	unsigned before = out->n;
	size_t len = strlen(word);
	bool all = px_str_ends(word, ".*");
	for (unsigned i = 0; i < p->n_docs; i++) {
		const char *name = p->docs[i]->name;
		if (all ? strncmp(name, word, len - 1) != 0 : strcmp(name, word) != 0)
			continue;
		out->items = px_xrealloc_array(out->items, out->n + 1, sizeof(struct px_doc *));
		out->items[out->n++] = p->docs[i];
	}
	return out->n > before ? PX_OK : px_fail(p, "a document", "%s is none", word);
}

struct px_doc *px_doc_of_octets(struct px_play *p, const void *data, size_t len)
{
	for (unsigned i = 0; i < p->n_docs; i++) {
		const struct px_buf *o = &p->docs[i]->octets;
		if (o->len == len && memcmp(o->data, data, len) == 0)
			return p->docs[i];
	}
	return NULL;
}

void px_doc_label(struct px_play *p, const char *sender, const char *id, struct px_buf *out)
{
	for (unsigned i = 0; i < p->n_docs; i++) {
		if (strcmp(p->docs[i]->sender, sender) == 0 && strcmp(p->docs[i]->id, id) == 0) {
			px_buf_adds(out, p->docs[i]->name);
			return;
		}
	}
	px_buf_addf(out, "%s/%s", sender, id);
}

/* --- steps --- */

static bool try_once(struct px_play *p, px_command_fn *fn, const struct px_step *s, int *rc)
{
	struct px_call call;
	*rc = call_new(p, s, &call);
	if (*rc == PX_OK)
		*rc = fn(p, &call);
	call_free(&call);
	return *rc == PX_OK;
}

static int play_one(struct px_play *p, const struct px_step *s)
{
	px_command_fn *fn = s->command == PX_DO_EXPECT ? px_subject_fns[s->subject]
						       : px_command_fns[s->command];
	int rc;
	int64_t end = px_now_mono() + s->within * p->venue->slow;
	p->virtual_left = s->within;
	while (!try_once(p, fn, s, &rc) && s->within >= 0) {
		if (p->sim != NULL ? p->virtual_left <= 0 : px_now_mono() > end)
			break;
		json_array_clear(p->notes);
		json_array_clear(p->evidence);
		if (p->sim != NULL) {
			px_sim_run(p, PX_MIN(p->virtual_left, 250));
			p->virtual_left -= 250;
		} else {
			px_sleep_ms(40);
		}
	}
	return rc;
}

static json_t *step_report(struct px_play *p, const struct px_step *s, int rc, int64_t ms)
{
	json_t *r = json_pack("{s:s, s:i, s:s, s:b, s:I, s:o, s:o}", "file", s->file, "line", (int)s->line,
			      "text", s->text, "ok", rc == PX_OK, "ms", (json_int_t)ms, "notes", p->notes,
			      "evidence", p->evidence);
	if (rc != PX_OK && r != NULL) {
		px_refusal_tell(p);
		json_t *came = json_stringn(px_buf_str(&p->came), p->came.len);
		json_object_set_new(r, "expected", json_string(px_buf_str(&p->expected)));
		json_object_set_new(r, "came",
				    came != NULL ? came : json_string("(octets that are not UTF-8)"));
	}
	p->notes = p->evidence = NULL;
	return r;
}

int px_play_steps(struct px_play *p, const struct px_steps *steps, json_t *report)
{
	int rc = PX_OK;
	for (unsigned i = 0; rc == PX_OK && i < steps->n; i++) {
		const struct px_step *s = &steps->items[i];
		if (s->command == PX_DO_REPEAT) {
			struct px_buf times = PX_BUF_INIT;
			rc = px_expand(p, s->words[0].s, s->words[0].n, &times);
			uint64_t n = 0;
			(void)px_parse_u64(px_buf_str(&times), 0, 1000000, &n);
			px_buf_free(&times);
			for (uint64_t k = 1; rc == PX_OK && k <= n; k++) {
				char number[24];
				snprintf(number, sizeof(number), "%llu", (unsigned long long)k);
				px_let(p, "n", number);
				rc = px_play_steps(p, &s->block, report);
			}
			continue;
		}
		int64_t began = px_now_mono();
		p->notes = json_array();
		p->evidence = json_array();
		rc = play_one(p, s);
		json_array_append_new(report, step_report(p, s, rc, px_now_mono() - began));
	}
	return rc;
}

/* --- commands of the language itself --- */

int px_cmd_let(struct px_play *p, const struct px_call *call)
{
	px_let(p, px_call_word(call, 0), px_call_word(call, 2));
	return PX_OK;
}

int px_cmd_note(struct px_play *p, const struct px_call *call)
{
	px_note(p, "%s", px_call_word(call, 0));
	return PX_OK;
}

int px_cmd_sleep(struct px_play *p, const struct px_call *call)
{
	int64_t ms = 0;
	(void)p;
	(void)px_time_word(px_call_word(call, 0), &ms);
	px_sleep_ms(ms);
	return PX_OK;
}
