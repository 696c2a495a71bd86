/* prinex: the scripted peer: answers to posts
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <poll.h>

#include "base/clock.h"
#include "base/strings.h"
#include "peer_parts.h"

static const struct {
	const char *word, *text;
	int status;
} acts[] = {
#define PX_PEER(name, word, status, text) {word, text, status},
#include "peer_act.def"
#undef PX_PEER
};

const char *px_peer_act_word(enum px_peer_act act)
{
	return acts[act].word;
}

const char *px_peer_act_text(enum px_peer_act act)
{
	return acts[act].text;
}

enum px_peer_act px_peer_act_parse(const char *word)
{
	unsigned i = 0;
	while (i < PX_PEER_ACT_COUNT && strcmp(acts[i].word, word) != 0)
		i++;
	return (enum px_peer_act)i;
}

static int64_t now_ms(void)
{
	return px_clock_mono(px_clock_real());
}

/* --- answers to posts --- */

static void about(struct px_peer_confirmation *c, const struct px_peer_record *r, const char *mid)
{
	c->ref_sender = r->sender;
	c->ref_message_id = mid;
	if (r->body != NULL)
		memcpy(c->ref_digest, r->body->digest, PX_DIGEST_LEN);
}

/* A digit or letter of ConfirmationId becomes another one after signing. */
static void tamper(struct px_buf *doc)
{
	char *id = strstr((char *)doc->data, "<px:ConfirmationId>");
	px_assert(id != NULL);
	id += strlen("<px:ConfirmationId>") + 1;
	*id = *id == '0' ? '1' : '0';
}

static void confirm(struct px_peer *p, const struct px_peer_step *step, const struct px_peer_record *r,
		    struct px_buf *out)
{
	const struct px_peer_signer *key =
	    step->act == PX_PEER_WRONG_SIGNER || step->act == PX_PEER_WRONG_AUTHORITY ? p->other : p->own;
	const struct px_peer_finding error = {
	    .code = step->code[0] != '\0' ? step->code : "X-TEST-1",
	    .ncts = "14",
	    .pointer = "/*",
	    .text = step->text[0] != '\0' ? step->text : "refused by the test",
	};
	struct px_peer_confirmation c = {
	    .kind = step->act == PX_PEER_COE   ? PX_COE
		    : step->act == PX_PEER_COD ? PX_COD
					       : PX_COA,
	    .temporary = step->temporary,
	    .issuer = px_peer_signer_authority(step->act == PX_PEER_WRONG_AUTHORITY ? p->other : p->own),
	    .cod_follows = step->act == PX_PEER_COD_FOLLOWS,
	};
	char mid[PX_MESSAGE_ID_MAX + 1];
	px_strlcpy(mid, r->message_id, sizeof(mid));
	about(&c, r, mid);
	if (step->act == PX_PEER_WRONG_REF && mid[0] != '\0')
		mid[strlen(mid) - 1] = mid[strlen(mid) - 1] == 'X' ? 'Y' : 'X';
	if (step->act == PX_PEER_WRONG_DIGEST)
		c.ref_digest[0] ^= 0xff;
	if (step->act == PX_PEER_COE) {
		c.errors = &error;
		c.n_errors = c.errors_total = 1;
	}
	px_peer_confirmation_write(out, &c, true);
	if (step->act != PX_PEER_UNSIGNED)
		px_peer_seal(key, out);
	if (step->act == PX_PEER_TAMPERED)
		tamper(out);
}

static const char *compose(struct px_peer *p, const struct px_peer_step *step, struct px_peer_record *r)
{
	switch (step->act) {
	case PX_PEER_STATUS:
		px_buf_addf(&r->answer, "%s\n", step->text[0] != '\0' ? step->text : "not now");
		return "text/plain; charset=utf-8";
	case PX_PEER_GARBAGE:
		for (unsigned i = 0; i < 400; i++)
			px_buf_addc(&r->answer, (char)(i * 37 + 128));
		return "application/xml";
	case PX_PEER_EMPTY: return "application/xml";
	default: confirm(p, step, r, &r->answer); return "application/xml";
	}
}

static void half_an_answer(struct px_wire *w, const struct px_peer_record *r)
{
	struct px_buf out = PX_BUF_INIT;
	struct px_buf why = PX_BUF_INIT;
	px_buf_addf(&out, "HTTP/1.1 %d OK\r\nContent-Type: application/xml\r\nContent-Length: %zu\r\n\r\n",
		    acts[r->act].status, r->answer.len);
	px_buf_add(&out, r->answer.data, r->answer.len / 2);
	(void)px_wire_write(w, out.data, out.len, NULL, 10000, &why);
	px_buf_free(&out);
	px_buf_free(&why);
}

static void hold(struct px_peer *p, int64_t ms)
{
	int64_t end = now_ms() + ms;
	while (now_ms() < end && !px_peer_server_ends(p->server))
		(void)poll(NULL, 0, (int)PX_MIN(end - now_ms(), 50));
}

bool px_peer_answer_post(struct px_peer *p, struct px_wire *w, const struct px_peer_call *call)
{
	struct px_peer_record *r = px_peer_record_new(call);
	struct px_peer_step step;
	char extra[64] = "";
	bool goes_on = false;
	(void)px_peer_next_step(p, r->sender, r->message_id, NULL, &step);
	r->scripted = true;
	r->act = step.act;
	hold(p, step.late_ms);
	if (step.act == PX_PEER_STALL) {
		px_peer_record_put(p, r);
		px_wire_drain(w, 600000);
		return false;
	}
	if (step.act == PX_PEER_CUT_ANSWER) {
		(void)compose(p, &step, r);
		half_an_answer(w, r);
	} else if (step.act != PX_PEER_CUT_BEFORE && step.act != PX_PEER_CUT_MIDDLE &&
		   step.act != PX_PEER_CUT_AFTER) {
		const char *type = compose(p, &step, r);
		int status = step.status != 0 ? step.status : acts[step.act].status;
		if (step.retry_after > 0)
			snprintf(extra, sizeof(extra), "Retry-After: %d\r\n", step.retry_after);
		goes_on = px_peer_answer(w, status, type, extra, r->answer.data, r->answer.len, &step.pace);
		r->status = goes_on ? status : 0;
	}
	px_peer_record_put(p, r);
	return goes_on;
}
