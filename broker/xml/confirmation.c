/* prinex: stage rules: confirmations, their evidence and what must hold of them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "xml/examiner.h"
#include "xml/locate.h"
#include "xml/run.h"

/* --- reading a Confirmation that its schema has accepted --- */

static bool is_named(const xmlNode *node, const char *name)
{
	return strcmp((const char *)node->name, name) == 0;
}

static void copy_text(const xmlNode *node, char *to, size_t size)
{
	xmlChar *tofree;
	const char *text = px_node_text(node, &tofree);
	px_strlcpy_n(to, text, px_utf8_cut(text, strlen(text), size - 1), size);
	xmlFree(tofree);
}

static void read_first_error(const xmlNode *node, struct px_confirmation *c)
{
	xmlChar *code = xmlGetNoNsProp(node, (const xmlChar *)"code");
	if (c->error_code[0] == '\0' && code != NULL) {
		px_strlcpy(c->error_code, (const char *)code, sizeof(c->error_code));
		copy_text(node, c->error_text, sizeof(c->error_text));
	}
	xmlFree(code);
}

static enum px_conf_kind read_kind(const char *text)
{
	return strcmp(text, "CoA") == 0 ? PX_COA : strcmp(text, "CoD") == 0 ? PX_COD : PX_COE;
}

/** What rules ask of a confirmation beyond its fields. */
struct seen {
	const xmlNode *kind, *class, *cod_follows, *digest, *ref_sender, *ref_id, *evidence;
	unsigned evidence_index; /* among the child elements */
};

static void read_element(const xmlNode *n, struct px_confirmation *c, struct seen *seen)
{
	char text[2 * PX_DIGEST_LEN + 1];
	copy_text(n, text, sizeof(text));
	if (is_named(n, "Kind")) {
		c->kind = read_kind(text);
		seen->kind = n;
	} else if (is_named(n, "Class")) {
		c->permanent = strcmp(text, "permanent") == 0;
		seen->class = n;
	} else if (is_named(n, "ConfirmationId")) {
		copy_text(n, c->confirmation_id, sizeof(c->confirmation_id));
	} else if (is_named(n, "Issuer")) {
		copy_text(n, c->issuer, sizeof(c->issuer));
	} else if (is_named(n, "RefSender")) {
		copy_text(n, c->ref_sender, sizeof(c->ref_sender));
		seen->ref_sender = n;
	} else if (is_named(n, "RefMessageId")) {
		copy_text(n, c->ref_message_id, sizeof(c->ref_message_id));
		seen->ref_id = n;
	} else if (is_named(n, "RefDigest")) {
		px_unhex(text, c->ref_digest, sizeof(c->ref_digest));
		seen->digest = n;
	} else if (is_named(n, "Recipient") && c->n_recipients < PX_RECIPIENTS_MAX) {
		copy_text(n, c->recipients[c->n_recipients++], sizeof(c->recipients[0]));
	} else if (is_named(n, "Route")) {
		copy_text(n, c->route, sizeof(c->route));
	} else if (is_named(n, "CodFollows")) {
		c->cod_follows = strcmp(text, "true") == 0;
		seen->cod_follows = n;
	} else if (is_named(n, "Supersedes")) {
		copy_text(n, c->supersedes, sizeof(c->supersedes));
	} else if (is_named(n, "Checkpoint")) {
		c->has_checkpoint = px_unhex(text, c->checkpoint, sizeof(c->checkpoint)) == PX_OK;
	} else if (is_named(n, "Error")) {
		read_first_error(n, c);
	}
}

static void read_confirmation(const xmlNode *el, struct px_confirmation *c, struct seen *seen)
{
	unsigned index = 0;
	*seen = (struct seen){0};
	for (const xmlNode *n = px_next_element(el->children); n != NULL;
	     n = px_next_element(n->next), index++) {
		if (strcmp((const char *)n->ns->href, PX_NS_EXCHANGE) != 0)
			continue;
		if (is_named(n, "Evidence")) {
			seen->evidence = n;
			seen->evidence_index = index;
		} else if (is_named(n, "At")) {
			char text[40], *s = text;
			copy_text(n, text, sizeof(text));
			s += strspn(s, " \t\r\n");
			s[strcspn(s, " \t\r\n")] = '\0';
			px_time_parse(s, &c->at);
		} else {
			read_element(n, c, seen);
		}
	}
}

/* --- evidence --- */

/* Its base64 must stand as plain text: others copy that range without a parser. */
static bool locate_evidence(struct px_run *run, struct px_confirmation *c, unsigned index)
{
	struct px_span outer, inner = {0, 0};
	struct px_tags t = {.data = run->data, .len = c->offset + (size_t)c->len, .at = c->offset};
	if (px_tags_next(&t, &outer) != PX_TAG_OPEN)
		return false;
	for (unsigned i = 0; i <= index; i++) {
		if (!px_tags_element(&t, &outer, &inner))
			return false;
	}
	const uint8_t *p = run->data + inner.offset;
	if (inner.len == 0 || memchr(p, '<', inner.len) != NULL || memchr(p, '&', inner.len) != NULL)
		return false;
	c->evidence_offset = (uint32_t)inner.offset;
	c->evidence_len = (uint32_t)inner.len;
	return true;
}

static void judge_evidence(struct px_run *run, struct px_confirmation *c, const xmlNode *node,
			   const struct px_buf *octets)
{
	struct px_exam exam = {.kind = PX_DOC_CONFIRMATION,
			       .now = run->exam->now,
			       .expected_digest = c->ref_digest,
			       .expected_sender = c->ref_sender,
			       .expected_id = c->ref_message_id};
	struct px_verdict *v = px_examine_at(run->ex, &exam, octets->data, octets->len, run->depth + 1);
	/* A delivery is proved by the recipient's final custody, a refusal by its exception. */
	const struct px_confirmation *e = v->n_entries == 1 ? &v->entries[0] : NULL;
	bool fits = v->stage == PX_STAGE_OK && e != NULL &&
		    (c->kind == PX_COE ? e->kind == PX_COE : e->kind == PX_COA && !e->cod_follows);
	if (fits) {
		c->evidence_ok = true;
		c->evidence_kind = v->entries[0].kind;
		px_strlcpy(c->evidence_issuer, v->signer.authority, sizeof(c->evidence_issuer));
		c->evidence_role = v->signer.role;
	} else if (v->stage == PX_STAGE_OK) {
		px_run_warn(run, PX_CODE_CONF_EVIDENCE, node, NULL,
			    "the evidence is of a kind that does not prove this");
	} else {
		px_run_warn(run, PX_CODE_CONF_EVIDENCE, node, NULL, "the evidence does not verify: %s: %s",
			    px_finding_wire(&v->errors.items[0]), v->errors.items[0].text);
	}
	px_verdict_free(&v);
}

/* Evidence that fails is a matter between partners: the confirmation around it is still its signer's word. */
static void check_evidence(struct px_run *run, struct px_confirmation *c, const struct seen *seen)
{
	if (seen->evidence == NULL || run->depth > 0)
		return;
	struct px_buf octets = PX_BUF_INIT;
	if (!locate_evidence(run, c, seen->evidence_index))
		px_run_warn(run, PX_CODE_CONF_EVIDENCE, seen->evidence, NULL,
			    "the evidence is not plain base64 text");
	else if (px_unbase64(&octets, (const char *)run->data + c->evidence_offset, c->evidence_len) !=
		     PX_OK ||
		 octets.len > (size_t)PX_LIMIT_CONFIRMATION)
		px_run_warn(run, PX_CODE_CONF_EVIDENCE, seen->evidence, NULL,
			    "the evidence is not base64 of at most %ld octets", PX_LIMIT_CONFIRMATION);
	else
		judge_evidence(run, c, seen->evidence, &octets);
	px_buf_free(&octets);
}

/* --- what must hold --- */

static void check_fields(struct px_run *run, const xmlNode *el, const struct px_confirmation *c,
			 const struct seen *seen)
{
	if (c->kind == PX_COE && seen->class == NULL)
		px_run_error(run, PX_CODE_SCHEMA_MISSING, el, NULL, "a CoE has a Class");
	if (c->kind != PX_COE && seen->class != NULL)
		px_run_error(run, PX_CODE_SCHEMA_UNEXPECTED, seen->class, NULL, "only a CoE has a Class");
	if (c->kind != PX_COA && seen->cod_follows != NULL)
		px_run_error(run, PX_CODE_SCHEMA_UNEXPECTED, seen->cod_follows, NULL,
			     "only a CoA has CodFollows");
	if (c->kind != PX_COE && (seen->ref_sender == NULL || seen->ref_id == NULL))
		px_run_error(run, PX_CODE_SCHEMA_MISSING, el, NULL,
			     "only a CoE may leave out RefSender and RefMessageId");
}

static void check_answer(struct px_run *run, const struct px_confirmation *c, const struct seen *seen)
{
	const struct px_exam *exam = run->exam;
	const char *sender = exam->expected_sender != NULL ? exam->expected_sender : "";
	const char *id = exam->expected_id != NULL ? exam->expected_id : "";
	bool could_not_read = c->kind == PX_COE && c->ref_sender[0] == '\0' && c->ref_message_id[0] == '\0';
	if (c->kind == PX_COD)
		px_run_error(run, PX_CODE_CONF_KIND, seen->kind, "CoD", "an answer is a CoA or a CoE");
	if (exam->expected_digest != NULL && memcmp(exam->expected_digest, c->ref_digest, PX_DIGEST_LEN) != 0)
		px_run_error(run, PX_CODE_CONF_DIGEST, seen->digest, NULL,
			     "RefDigest is not the digest of the exchange");
	if (could_not_read)
		return;
	if (sender[0] != '\0' && strcmp(sender, c->ref_sender) != 0)
		px_run_error(run, PX_CODE_CONF_REF, seen->ref_sender, c->ref_sender, "RefSender is not %s",
			     sender);
	if (id[0] != '\0' && strcmp(id, c->ref_message_id) != 0)
		px_run_error(run, PX_CODE_CONF_REF, seen->ref_id, c->ref_message_id, "RefMessageId is not %s",
			     id);
}

void px_check_answer(struct px_run *run)
{
	struct px_span span;
	struct seen seen;
	struct px_verdict *v = run->v;
	v->entries = px_xcalloc(1, sizeof(v->entries[0]));
	v->n_entries = 1;
	read_confirmation(run->root, &v->entries[0], &seen);
	if (px_locate(run->data, run->len, NULL, 0, &span, NULL)) {
		v->entries[0].offset = (uint32_t)span.offset;
		v->entries[0].len = (uint32_t)span.len;
	}
	check_fields(run, run->root, &v->entries[0], &seen);
	check_answer(run, &v->entries[0], &seen);
	if (v->errors.total == 0)
		check_evidence(run, &v->entries[0], &seen);
}

static void entry(struct px_run *run, const xmlNode *el, struct px_tags *tags)
{
	struct px_confirmation *c = &run->v->entries[run->v->n_entries++];
	struct px_span span;
	struct seen seen;
	read_confirmation(el, c, &seen);
	if (px_tags_element(tags, &span, NULL)) {
		c->offset = (uint32_t)span.offset;
		c->len = (uint32_t)span.len;
	}
	check_fields(run, el, c, &seen);
	if (c->kind == PX_COA)
		px_run_error(run, PX_CODE_CONF_KIND, seen.kind, "CoA", "Confirmations holds CoD and CoE");
	/* All entries of an exchange speak for the node that signed it. */
	if (strcmp(c->issuer, run->authority) != 0 && run->authority[0] != '\0')
		px_run_error(run, PX_CODE_CONF_ISSUER, el, c->issuer,
			     "Issuer is not the Sender of the exchange");
	if (run->v->errors.total == 0)
		check_evidence(run, c, &seen);
}

void px_check_entries(struct px_run *run)
{
	static const unsigned path[] = {1, 0};
	bool bare = run->home.parent == NULL;
	struct px_span outer, inner = {0, 0};
	px_locate(run->data, run->len, path, bare ? 0 : 2, &outer, &inner);
	struct px_tags tags = {.data = run->data, .len = inner.offset + inner.len, .at = inner.offset};
	run->v->entries = px_xcalloc(PX_ENTRIES_MAX, sizeof(run->v->entries[0]));
	for (xmlNode *n = px_next_element(run->payload->children);
	     n != NULL && run->v->n_entries < PX_ENTRIES_MAX; n = px_next_element(n->next))
		entry(run, n, &tags);
}
