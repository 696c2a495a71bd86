/* prinex: what the signed documents that came are worth, said by the broker's own examiner
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/clock.h"
#include "base/strings.h"
#include "client/client.h"
#include "conf/table.h"
#include "play.h"

#define EVIDENCE_MAX 20 /* a step; a thousand answers to a burst are not worth a thousand pages */

static void trust_words(struct px_play *p, struct px_strings *out)
{
	char list[512], *rest = list, *code;
	px_strlcpy(list, px_buf_str(&p->pki_list), sizeof(list));
	while ((code = strsep(&rest, " ")) != NULL) {
		static const char *const roles[] = {"node", "system"};
		for (unsigned i = 0; code[0] != '\0' && i < 2; i++) {
			struct px_buf word = PX_BUF_INIT;
			px_buf_addf(&word, "%s:%s=%s/%s/anchors.pem", code, roles[i], p->pki, code);
			px_strings_add(out, px_buf_str(&word));
			px_buf_free(&word);
		}
	}
}

static int make_client(struct px_play *p, struct px_buf *why)
{
	struct px_strings trust = {0};
	struct px_buf catalogue = PX_BUF_INIT;
	struct px_problems problems = {0};
	struct px_settings *settings = NULL;
	trust_words(p, &trust);
	px_buf_addf(&catalogue, "%s/schemas/catalogue/*.conf", p->venue->root);
	struct px_given *given = px_xcalloc(trust.n + 1, sizeof(*given));
	for (unsigned i = 0; i < trust.n; i++)
		given[i] = (struct px_given){"trust", trust.items[i]};
	given[trust.n] = (struct px_given){"catalogue", px_buf_str(&catalogue)};
	int rc = px_settings_new(NULL, given, trust.n + 1, &settings, &problems);
	if (rc != PX_OK)
		px_problems_print(&problems, why);
	if (rc == PX_OK)
		rc = px_client_new(&settings, &p->client, why);
	if (rc == PX_OK)
		rc = px_client_load_examiner(p->client, why);
	px_problems_free(&problems);
	px_strings_free(&trust);
	px_buf_free(&catalogue);
	free(given);
	return rc;
}

struct px_verdict *px_verify(struct px_play *p, enum px_doc_kind kind, const struct px_buf *doc,
			     const uint8_t *digest, struct px_buf *why)
{
	if (doc->len == 0) {
		px_buf_setf(why, "there is no document");
		return NULL;
	}
	if (p->client == NULL && make_client(p, why) != PX_OK) {
		px_client_free(&p->client);
		return NULL;
	}
	struct px_exam exam = {.kind = kind,
			       .now = px_clock_wall(px_clock_real()),
			       .expected_digest = kind == PX_DOC_CONFIRMATION ? digest : NULL,
			       .expected_sender = "",
			       .expected_id = ""};
	return px_client_examine(p->client, &exam, doc->data, doc->len);
}

void px_verdict_line(const struct px_verdict *v, struct px_buf *out)
{
	if (v->stage == PX_STAGE_OK)
		px_buf_addf(out, "verifies: signed by %s %s %s", px_role_name(v->signer.role),
			    v->signer.authority, v->signer.name);
	else if (v->errors.n > 0)
		px_buf_addf(out, "does not verify (%s): %s %s", px_stage_name(v->stage),
			    px_code_wire(v->errors.items[0].code),
			    v->errors.items[0].text != NULL ? v->errors.items[0].text : "");
	else
		px_buf_addf(out, "does not verify (%s)", px_stage_name(v->stage));
}

static enum px_doc_kind kind_of(const struct px_buf *doc)
{
	const char *text = px_buf_str(doc);
	return px_str_starts(text, "<px:Exchange") ? PX_DOC_EXCHANGE
	       : px_str_starts(text, "<px:Node")   ? PX_DOC_NODE
						   : PX_DOC_CONFIRMATION;
}

void px_keep_evidence(struct px_play *p, const char *from, const struct px_buf *doc, const uint8_t *digest)
{
	struct px_buf verdict = PX_BUF_INIT;
	if (json_array_size(p->evidence) >= EVIDENCE_MAX)
		return;
	if (p->sim != NULL) {
		px_evidence(p, from, doc, "not signed: a virtual scenario");
		return;
	}
	struct px_verdict *v = px_verify(p, kind_of(doc), doc, digest, &verdict);
	if (v != NULL)
		px_verdict_line(v, &verdict);
	px_evidence(p, from, doc, px_buf_str(&verdict));
	px_verdict_free(&v);
	px_buf_free(&verdict);
}

void px_verify_end(struct px_play *p)
{
	px_client_free(&p->client);
}
