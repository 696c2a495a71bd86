/* prinex: what the broker's signed answers are worth
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/answer.h"

#include "base/clock.h"
#include "client/show.h"

static int disbelieve(const struct px_verdict *v, struct px_buf *why)
{
	px_buf_setf(why, "its answer cannot be believed: ");
	for (unsigned i = 0; i < v->errors.n; i++) {
		const struct px_finding *f = &v->errors.items[i];
		const struct px_shown e = {.code = px_finding_wire(f), .text = f->text, .value = f->value};
		px_buf_adds(why, i > 0 ? "; " : "");
		px_show_error(why, &e);
	}
	return PX_ESIGNATURE;
}

static int check_signer(const struct px_client *c, const struct px_verdict *v, struct px_buf *why)
{
	const char *expected = px_client_server_authority(c);
	if (expected[0] == '\0' || strcmp(v->signer.authority, expected) == 0)
		return PX_OK;
	px_buf_setf(why, "its answer cannot be believed: it is signed by %s, but the broker is one of %s",
		    v->signer.authority, expected);
	return PX_ESIGNATURE;
}

int px_answer_verify(struct px_client *c, const uint8_t *doc, size_t len, const uint8_t digest[PX_DIGEST_LEN],
		     const struct px_header *header, struct px_confirmation *out, struct px_buf *why)
{
	const struct px_exam exam = {
	    .kind = PX_DOC_CONFIRMATION,
	    .now = px_clock_wall(px_clock_real()),
	    .expected_digest = digest,
	    .expected_sender = header->sender,
	    .expected_id = header->message_id,
	    .roles = 1u << px_client_server_role(c),
	};
	struct px_verdict *v = px_client_examine(c, &exam, doc, len);
	int rc = v->stage == PX_STAGE_OK && v->n_entries == 1 ? check_signer(c, v, why) : disbelieve(v, why);
	if (rc == PX_OK)
		*out = v->entries[0];
	px_verdict_free(&v);
	return rc;
}

int px_answer_verify_node(struct px_client *c, const uint8_t *doc, size_t len, struct px_buf *why)
{
	const struct px_exam exam = {
	    .kind = PX_DOC_NODE,
	    .now = px_clock_wall(px_clock_real()),
	    .roles = 1u << px_client_server_role(c),
	};
	struct px_verdict *v = px_client_examine(c, &exam, doc, len);
	int rc = v->stage == PX_STAGE_OK ? check_signer(c, v, why) : disbelieve(v, why);
	px_verdict_free(&v);
	return rc;
}
