/* prinex: what must hold of answers, output and values
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "play.h"

/* `SUBJECT [OP] [VALUE]` with @have, NULL when there is none. Words from @at on. */
static int hold(struct px_play *p, const struct px_call *call, unsigned at, const char *what,
		const char *have)
{
	enum px_operator op = at < call->n ? px_operator_parse(px_call_word(call, at)) : PX_OP_NE;
	const char *want = px_call_word(call, at + 1);
	struct px_buf expected = PX_BUF_INIT;
	if (at >= call->n) /* it must be there */
		px_buf_addf(&expected, "%s", what);
	else
		px_buf_addf(&expected, "%s %s %s", what, px_call_word(call, at), want);
	bool holds = at >= call->n ? have != NULL : px_compare(have, op, want);
	if (!holds)
		px_fail(p, px_buf_str(&expected), "%.4000s", have != NULL ? have : "there is none");
	px_buf_free(&expected);
	return holds ? PX_OK : PX_EINVAL;
}

static int answered(struct px_play *p, struct px_answer **out)
{
	*out = px_answer_last(p);
	if (*out == NULL)
		return PX_EINVAL;
	return (*out)->rc == PX_OK ? PX_OK : px_fail(p, "an answer", "none: %s", px_buf_str(&(*out)->why));
}

/* --- the answer --- */

static bool one_of(const struct px_call *call, int status)
{
	for (unsigned i = 0; i < call->n; i++) {
		uint64_t n;
		if (px_parse_u64(px_call_word(call, i), 0, 999, &n) == PX_OK && (int)n == status)
			return true;
	}
	return false;
}

int px_expect_status(struct px_play *p, const struct px_call *call)
{
	if (px_answer_last(p) == NULL)
		return PX_EINVAL;
	for (unsigned i = 0; i < p->n_answers; i++) {
		const struct px_answer *a = &p->answers[i];
		struct px_buf came = PX_BUF_INIT, want = PX_BUF_INIT;
		if (a->rc == PX_OK && one_of(call, a->reply.status))
			continue;
		px_answer_line(a, &came);
		px_buf_adds(&want, "status");
		for (unsigned k = 0; k < call->n; k++)
			px_buf_addf(&want, "%s%s", k > 0 ? " or " : " ", px_call_word(call, k));
		px_fail(p, px_buf_str(&want), "%s", px_buf_str(&came));
		px_buf_free(&came);
		px_buf_free(&want);
		return PX_EINVAL;
	}
	px_refusal_expected(p);
	return PX_OK;
}

static const char *authority_of_answer(const struct px_play *p, const struct px_answer *a)
{
	const struct px_actor *by = p->last != NULL ? p->last : a->doc != NULL ? a->doc->by : NULL;
	return by != NULL ? by->broker->authority : "";
}

/* A confirmation of this kind, about the octets sent, that verifies. */
static int confirmation(struct px_play *p, const struct px_answer *a, enum px_conf_kind kind)
{
	struct px_buf came = PX_BUF_INIT, want = PX_BUF_INIT;
	const char *authority = authority_of_answer(p, a);
	px_buf_addf(&want, "%s about the octets sent, signed by %s", px_conf_kind_name(kind), authority);
	struct px_verdict *v = NULL;
	int rc = PX_EINVAL;
	if (a->rc == PX_OK && a->doc != NULL)
		v = px_verify(p, PX_DOC_CONFIRMATION, &a->reply.body, a->doc->digest, &came);
	if (v != NULL && v->stage == PX_STAGE_OK && v->entries[0].kind == kind &&
	    strcmp(v->signer.authority, authority) == 0)
		rc = PX_OK;
	if (v != NULL)
		px_verdict_line(v, &came);
	px_buf_adds(&came, "\n");
	px_answer_line(a, &came);
	if (rc != PX_OK)
		px_fail(p, px_buf_str(&want), "%s", px_buf_str(&came));
	px_verdict_free(&v);
	px_buf_free(&came);
	px_buf_free(&want);
	return rc;
}

static int virtual_kind(struct px_play *p, const struct px_answer *a, const char *kind)
{
	struct px_buf have = PX_BUF_INIT;
	int rc = px_xpath(&a->reply.body, "Kind", &have);
	if (rc != PX_OK || strcmp(px_buf_str(&have), kind) != 0)
		rc = px_fail(p, kind, "%d %s", a->reply.status, px_buf_str(&a->reply.body));
	px_buf_free(&have);
	return rc;
}

int px_expect_coa(struct px_play *p, const struct px_call *call)
{
	(void)call;
	if (px_answer_last(p) == NULL)
		return PX_EINVAL;
	int rc = PX_OK;
	for (unsigned i = 0; rc == PX_OK && i < p->n_answers; i++) {
		const struct px_answer *a = &p->answers[i];
		rc = p->sim != NULL ? virtual_kind(p, a, "CoA") : confirmation(p, a, PX_COA);
		if (rc == PX_OK && a->reply.status != 200 && a->reply.status != 201)
			rc = px_fail(p, "a CoA with status 201 or 200", "%d", a->reply.status);
	}
	return rc;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list; (at = strstr(at, word)) != NULL; at += len) {
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	}
	return false;
}

/* The codes of the answer are these, each at least once, and no others. */
static int exact_codes(struct px_play *p, const struct px_answer *a, const struct px_call *call)
{
	struct px_buf have = PX_BUF_INIT, want = PX_BUF_INIT;
	bool same = true;
	px_codes(&a->reply.body, &have);
	for (unsigned i = 0; i < call->n; i++) {
		px_buf_addf(&want, "%s%s", i > 0 ? " " : "", px_call_word(call, i));
		same &= has_word(px_buf_str(&have), px_call_word(call, i));
	}
	char *copy = px_xstrdup(px_buf_str(&have)), *rest = copy, *one;
	while (call->n > 0 && (one = strsep(&rest, " ")) != NULL)
		same &= has_word(px_buf_str(&want), one);
	free(copy);
	int rc = PX_OK;
	if (!same) {
		struct px_buf came = PX_BUF_INIT, expected = PX_BUF_INIT;
		px_answer_line(a, &came);
		px_buf_addf(&expected, "a CoE with %s", px_buf_str(&want));
		rc = px_fail(p, px_buf_str(&expected), "%s", px_buf_str(&came));
		px_buf_free(&came);
		px_buf_free(&expected);
	}
	px_buf_free(&have);
	px_buf_free(&want);
	return rc;
}

int px_expect_coe(struct px_play *p, const struct px_call *call)
{
	if (px_answer_last(p) == NULL)
		return PX_EINVAL;
	int rc = PX_OK;
	for (unsigned i = 0; rc == PX_OK && i < p->n_answers; i++) {
		const struct px_answer *a = &p->answers[i];
		rc = p->sim != NULL ? virtual_kind(p, a, "CoE") : confirmation(p, a, PX_COE);
		if (rc == PX_OK)
			rc = exact_codes(p, a, call);
	}
	if (rc == PX_OK)
		px_refusal_expected(p);
	return rc;
}

int px_expect_signed(struct px_play *p, const struct px_call *call)
{
	struct px_buf came = PX_BUF_INIT, want = PX_BUF_INIT;
	if (p->seen == NULL || p->seen->len == 0)
		return px_fail(p, "a signed document", "nothing came");
	const char *text = px_buf_str(p->seen), *role = call->n > 1 ? px_call_word(call, 1) : NULL;
	enum px_doc_kind kind = px_str_starts(text, "<px:Exchange") ? PX_DOC_EXCHANGE
				: px_str_starts(text, "<px:Node")   ? PX_DOC_NODE
								    : PX_DOC_CONFIRMATION;
	struct px_verdict *v = px_verify(p, kind, p->seen, NULL, &came);
	bool good = v != NULL && v->stage == PX_STAGE_OK &&
		    strcmp(v->signer.authority, px_call_word(call, 0)) == 0 &&
		    (role == NULL || strcmp(px_role_name(v->signer.role), role) == 0);
	if (v != NULL)
		px_verdict_line(v, &came);
	px_buf_addf(&want, "signed by %s%s%s", px_call_word(call, 0), role != NULL ? " " : "",
		    role != NULL ? role : "");
	int rc = good ? PX_OK : px_fail(p, px_buf_str(&want), "%s", px_buf_str(&came));
	px_verdict_free(&v);
	px_buf_free(&came);
	px_buf_free(&want);
	return rc;
}

/* `XPATH [OP] [VALUE]` in the last answer. Words from @at on. */
static int field_holds(struct px_play *p, const struct px_call *call, unsigned at)
{
	struct px_buf have = PX_BUF_INIT;
	if (p->seen == NULL)
		return px_fail(p, "an answer or a fetched exchange", "there is none");
	int found = px_xpath(p->seen, px_call_word(call, at), &have);
	if (found == PX_EPARSE)
		return px_fail(p, "an XPath", "%s", px_call_word(call, at));
	int rc = hold(p, call, at + 1, px_call_word(call, at), found == PX_OK ? px_buf_str(&have) : NULL);
	px_buf_free(&have);
	return rc;
}

int px_expect_field(struct px_play *p, const struct px_call *call)
{
	return field_holds(p, call, 0);
}

/* As a browser would: what is not surely harmless in a query is percent-encoded. */
static void add_query(struct px_buf *out, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:=&";
	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL)
			px_buf_addc(out, *s);
		else
			px_buf_addf(out, "%%%02X", (unsigned)(unsigned char)*s);
	}
}

int px_expect_lookup(struct px_play *p, const struct px_call *call)
{
	struct px_actor *actor = px_acting(p, call, "as");
	const char *user = px_call_key(call, "user");
	struct px_buf path = PX_BUF_INIT, came = PX_BUF_INIT;
	if (actor == NULL)
		return PX_EINVAL;
	px_buf_adds(&path, "/v1/movements?");
	add_query(&path, px_call_word(call, 0));
	int rc = px_request(p, actor, "GET", px_buf_str(&path),
			    &(struct px_request_with){.user = user != NULL ? user : "officer"});
	px_buf_free(&path);
	if (rc == PX_OK && p->answers[0].reply.status != 200) {
		px_answer_line(&p->answers[0], &came);
		rc = px_fail(p, "movements", "%s", px_buf_str(&came));
	} else if (rc == PX_OK) {
		rc = field_holds(p, call, 1);
	}
	px_buf_free(&came);
	return rc;
}

int px_expect_header(struct px_play *p, const struct px_call *call)
{
	struct px_answer *a;
	char value[512];
	if (answered(p, &a) != PX_OK)
		return PX_EINVAL;
	bool there = px_wire_field(&a->reply.head, px_call_word(call, 0), value, sizeof(value));
	return hold(p, call, 1, px_call_word(call, 0), there ? value : NULL);
}

int px_expect_body(struct px_play *p, const struct px_call *call)
{
	struct px_answer *a;
	if (answered(p, &a) != PX_OK)
		return PX_EINVAL;
	return hold(p, call, 0, "body", px_buf_str(&a->reply.body));
}

int px_expect_same(struct px_play *p, const struct px_call *call)
{
	struct px_answer *a;
	(void)call;
	if (answered(p, &a) != PX_OK)
		return PX_EINVAL;
	if (a->reply.body.len == p->previous.len && p->previous.len > 0 &&
	    memcmp(a->reply.body.data, p->previous.data, p->previous.len) == 0)
		return PX_OK;
	struct px_buf came = PX_BUF_INIT;
	px_answer_line(a, &came);
	px_buf_adds(&came, "\nbefore:");
	px_body_line(&p->previous, &came);
	size_t at = 0, most = PX_MIN(a->reply.body.len, p->previous.len);
	while (at < most && a->reply.body.data[at] == p->previous.data[at])
		at++;
	px_buf_addf(&came, "\nthey differ from octet %zu on: %.40s / %.40s", at,
		    px_buf_str(&a->reply.body) + at, px_buf_str(&p->previous) + at);
	int rc = px_fail(p, "the same octets as in the answer before", "%s", px_buf_str(&came));
	px_buf_free(&came);
	return rc;
}

int px_expect_no_answer(struct px_play *p, const struct px_call *call)
{
	const struct px_answer *a = px_answer_last(p);
	(void)call;
	if (a == NULL)
		return PX_EINVAL;
	return a->rc != PX_OK && a->rc != PX_ETIMEOUT
		   ? PX_OK
		   : px_fail(p, "a connection that is refused or ended without an answer", "%s",
			     a->rc == PX_OK ? px_buf_str(&a->reply.head) : px_buf_str(&a->why));
}

int px_expect_refused_tls(struct px_play *p, const struct px_call *call)
{
	const struct px_answer *a = px_answer_last(p);
	(void)call;
	if (a == NULL)
		return PX_EINVAL;
	return a->rc == PX_ETLS ? PX_OK
				: px_fail(p, "a handshake or certificate that is refused", "%s",
					  a->rc == PX_OK ? px_buf_str(&a->reply.head) : px_buf_str(&a->why));
}

int px_expect_fetched(struct px_play *p, const struct px_call *call)
{
	const char *name = px_call_word(call, 0);
	struct px_answer *a;
	if (answered(p, &a) != PX_OK)
		return PX_EINVAL;
	const struct px_buf *have = &a->reply.body;
	bool nothing = strcmp(name, "nothing") == 0;
	const struct px_doc *d = nothing ? NULL : px_find_doc(p, name);
	if (!nothing && d == NULL)
		return PX_EINVAL;
	if (nothing ? a->reply.status == 204
		    : a->reply.status == 200 && have->len == d->octets.len &&
			  memcmp(have->data, d->octets.data, have->len) == 0)
		return PX_OK;
	const struct px_doc *other = px_doc_of_octets(p, have->data, have->len);
	struct px_buf came = PX_BUF_INIT;
	if (other != NULL)
		px_buf_addf(&came, "%d %s", a->reply.status, other->name);
	else
		px_answer_line(a, &came);
	int rc = px_fail(p, nothing ? "204, an empty inbox" : name, "%s", px_buf_str(&came));
	px_buf_free(&came);
	return rc;
}

/* --- programs and values --- */

int px_expect_exit(struct px_play *p, const struct px_call *call)
{
	char have[16];
	snprintf(have, sizeof(have), "%d", p->exit_status);
	if (strcmp(have, px_call_word(call, 0)) == 0)
		return PX_OK;
	return px_fail(p, "that exit status", "%s\n%s", have, px_buf_str(&p->output));
}

int px_expect_output(struct px_play *p, const struct px_call *call)
{
	return hold(p, call, 0, "output", px_buf_str(&p->output));
}

struct search {
	enum px_operator op;
	const char *want;
	struct px_buf seen;
};

static bool fits(void *arg, const char *value)
{
	struct search *s = arg;
	if (s->seen.len < 2000)
		px_buf_addf(&s->seen, "%s%s", s->seen.len > 0 ? ", " : "", value);
	return px_compare(value, s->op, s->want);
}

static int json_holds(struct px_play *p, const struct px_call *call, unsigned at)
{
	json_error_t error;
	json_t *root = json_loads(px_buf_str(&p->output), JSON_DECODE_ANY, &error);
	struct search s = {px_operator_parse(px_call_word(call, at + 1)), px_call_word(call, at + 2),
			   PX_BUF_INIT};
	bool found = px_json_path(root, px_call_word(call, at), fits, &s);
	if (s.op == PX_OP_ABSENT)
		found = s.seen.len == 0;
	int rc = PX_OK;
	if (!found) {
		struct px_buf want = PX_BUF_INIT;
		px_buf_addf(&want, "%s %s %s", px_call_word(call, at), px_call_word(call, at + 1), s.want);
		rc = px_fail(p, px_buf_str(&want), "%s\nin %.3000s",
			     s.seen.len > 0 ? px_buf_str(&s.seen) : "there is none", px_buf_str(&p->output));
		px_buf_free(&want);
	}
	px_buf_free(&s.seen);
	json_decref(root);
	return rc;
}

int px_expect_json(struct px_play *p, const struct px_call *call)
{
	return json_holds(p, call, 0);
}

int px_expect_ctl(struct px_play *p, const struct px_call *call)
{
	struct px_broker *b = px_find_broker(p, px_call_word(call, 0));
	char line[512], *rest = line, *one;
	const char *words[32];
	unsigned n = 0;
	if (b == NULL)
		return PX_EINVAL;
	px_strlcpy(line, px_call_word(call, 1), sizeof(line));
	while ((one = strsep(&rest, " ")) != NULL && n < PX_ARRAY_LEN(words)) {
		if (one[0] != '\0')
			words[n++] = one;
	}
	int rc = px_ctl(p, b, words, n);
	return rc == PX_OK ? json_holds(p, call, 2) : rc;
}

int px_expect_value(struct px_play *p, const struct px_call *call)
{
	return hold(p, call, 1, "value", px_call_word(call, 0));
}

/* --- a broker from outside --- */

int px_expect_log(struct px_play *p, const struct px_call *call)
{
	struct px_broker *b = px_find_broker(p, px_call_word(call, 0));
	struct px_buf log = PX_BUF_INIT;
	if (b == NULL)
		return PX_EINVAL;
	(void)px_buf_read_file(&log, b->log, 64 << 20, NULL);
	bool holds =
	    px_compare(px_buf_str(&log), px_operator_parse(px_call_word(call, 1)), px_call_word(call, 2));
	size_t from = log.len > 3000 ? log.len - 3000 : 0;
	int rc = holds ? PX_OK
		       : px_fail(p, "a log in which this holds", "it ends with\n%s", px_buf_str(&log) + from);
	px_buf_free(&log);
	return rc;
}

int px_expect_alarm(struct px_play *p, const struct px_call *call)
{
	struct px_broker *b = px_find_broker(p, px_call_word(call, 0));
	const char *name = call->n > 1 ? px_call_word(call, 1) : NULL, *about = px_call_key(call, "about");
	struct px_buf all = PX_BUF_INIT;
	bool found = false;
	if (b == NULL)
		return PX_EINVAL;
	if (p->sim != NULL) {
		found = px_sim_alarm(p, b, name, about, &all);
	} else {
		const char *status = "status";
		int rc = px_ctl(p, b, &status, 1);
		if (rc != PX_OK)
			return rc;
		json_t *root = json_loads(px_buf_str(&p->output), 0, NULL), *alarm;
		size_t i;
		json_array_foreach(json_object_get(root, "alarms"), i, alarm)
		{
			const char *have = json_string_value(json_object_get(alarm, "name")),
				   *of = json_string_value(json_object_get(alarm, "subject"));
			px_buf_addf(&all, "%s %s; ", have != NULL ? have : "?", of != NULL ? of : "");
			found |= name != NULL && have != NULL && strcmp(have, name) == 0 &&
				 (about == NULL || (of != NULL && strcmp(of, about) == 0));
		}
		json_decref(root);
	}
	bool holds = name != NULL ? found : all.len == 0;
	int rc = holds ? PX_OK
		       : px_fail(p, name != NULL ? name : "no alarm", "%s",
				 all.len > 0 ? px_buf_str(&all) : "no alarm");
	px_buf_free(&all);
	return rc;
}

/* `name{key=value,...}`: the labels asked for must be among those of the series. */
static bool series_fits(const char *line, size_t name_len, const char *asked)
{
	const char *open = strchr(asked, '{');
	if (strncmp(line, asked, name_len) != 0 || (line[name_len] != '{' && line[name_len] != ' '))
		return false;
	char labels[256], *rest = labels, *one;
	px_strlcpy(labels, open != NULL ? open + 1 : "", sizeof(labels));
	while ((one = strsep(&rest, ",}")) != NULL) {
		char wanted[160];
		const char *eq = strchr(one, '=');
		if (eq == NULL)
			continue;
		const char *value = eq + 1 + (eq[1] == '"');
		snprintf(wanted, sizeof(wanted), "%.*s=\"%.*s\"", (int)(eq - one), one,
			 (int)strcspn(value, "\""), value);
		const char *end = strchr(line, '\n');
		const char *hit = strstr(line, wanted);
		if (hit == NULL || (end != NULL && hit > end))
			return false;
	}
	return true;
}

int px_expect_metric(struct px_play *p, const struct px_call *call)
{
	struct px_broker *b = px_find_broker(p, px_call_word(call, 0));
	const char *series = px_call_word(call, 1);
	struct px_wire *w = NULL;
	struct px_wire_reply reply = {0};
	struct px_buf why = PX_BUF_INIT;
	double total = 0;
	char have[32];
	if (b == NULL)
		return PX_EINVAL;
	struct px_wire_dial dial = {.port = b->metrics_port, .plain = true};
	int rc = px_wire_open(&dial, &w, &why);
	if (rc == PX_OK)
		rc = px_wire_request(w, "/metrics", NULL, NULL, 0, 10000, &reply, &why);
	px_wire_close(&w);
	if (rc != PX_OK)
		rc = px_fail(p, "metrics", "%s", px_buf_str(&why));
	for (const char *line = px_buf_str(&reply.body); rc == PX_OK && line != NULL && *line != '\0';) {
		const char *end = strchr(line, '\n'), *value = end;
		while (value != NULL && value > line && value[-1] != ' ')
			value--;
		if (series_fits(line, strcspn(series, "{"), series) && value != NULL)
			total += strtod(value, NULL);
		line = end != NULL ? end + 1 : NULL;
	}
	px_wire_reply_free(&reply);
	px_buf_free(&why);
	snprintf(have, sizeof(have), "%.15g", total);
	return rc == PX_OK ? hold(p, call, 2, series, have) : rc;
}
