/* prinex: check and verify
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/clock.h"
#include "base/limits.h"
#include "base/strings.h"
#include "client/payload.h"
#include "client/show.h"
#include "prinex/prinex.h"

/* --- what is printed --- */

static const char *or_unknown(const char *s)
{
	return s[0] != '\0' ? s : "?";
}

/* One of the confirmations that an exchange carries. */
static void describe_entry(struct px_buf *out, const char *prefix, const struct px_confirmation *k)
{
	px_buf_addf(out, "%s  %s about %s of %s", prefix, px_conf_kind_name(k->kind),
		    or_unknown(k->ref_message_id), or_unknown(k->ref_sender));
	if (k->evidence_len > 0)
		px_buf_addf(out, ", with the %s of %s (%s), which %s", px_conf_kind_name(k->evidence_kind),
			    or_unknown(k->evidence_issuer), px_role_name(k->evidence_role),
			    k->evidence_ok ? "verifies" : "does not verify");
	if (k->error_code[0] != '\0') {
		px_buf_addf(out, ": %s ", k->error_code);
		px_show_safe(out, k->error_text);
	}
	px_buf_addc(out, '\n');
}

static json_t *entry_json(const struct px_confirmation *k)
{
	char digest[PX_DIGEST_HEX];
	json_t *o = json_object();
	px_hex(k->ref_digest, PX_DIGEST_LEN, digest);
	json_object_set_new(o, "kind", json_string(px_conf_kind_name(k->kind)));
	json_object_set_new(o, "sender", json_string(k->ref_sender));
	json_object_set_new(o, "id", json_string(k->ref_message_id));
	json_object_set_new(o, "digest", json_string(digest));
	if (k->evidence_len > 0) {
		json_object_set_new(o, "evidence", json_string(k->evidence_issuer));
		json_object_set_new(o, "verified", json_boolean(k->evidence_ok));
	}
	if (k->error_code[0] != '\0')
		json_object_set_new(o, "error", json_string(k->error_code));
	return o;
}

static json_t *entries_json(const struct px_verdict *v)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < v->n_entries; i++)
		json_array_append_new(list, entry_json(&v->entries[i]));
	return list;
}

static json_t *signer_json(const struct px_verdict *v)
{
	char until[32];
	json_t *o = json_object();
	px_time_format(v->signer.not_after, until, sizeof(until));
	json_object_set_new(o, "authority", json_string(v->signer.authority));
	json_object_set_new(o, "role", json_string(px_role_name(v->signer.role)));
	json_object_set_new(o, "name", json_string(v->signer.name));
	json_object_set_new(o, "until", json_string(until));
	return o;
}

static void print_json(const char *file, const struct px_verdict *v, const struct px_line_map *lines,
		       const char *about)
{
	json_t *o = json_object();
	json_object_set_new(o, "file", json_string(file));
	json_object_set_new(o, "ok", json_boolean(v->stage == PX_STAGE_OK));
	if (v->stage != PX_STAGE_OK)
		json_object_set_new(o, "stage", json_string(px_stage_name(v->stage)));
	if (px_verdict_is_signed(v) && v->signer.authority[0] != '\0')
		json_object_set_new(o, "signer", signer_json(v));
	if (v->has_header) {
		json_object_set_new(o, "sender", json_string(v->header.sender));
		json_object_set_new(o, "id", json_string(v->header.message_id));
		json_object_set_new(o, "type", json_string(v->header.type));
	}
	if (about[0] != '\0')
		json_object_set_new(o, "about", json_string(about));
	if (v->n_entries > 0)
		json_object_set_new(o, "confirmations", entries_json(v));
	json_object_set_new(o, "errors", px_json_findings(&v->errors, lines));
	if (v->warnings.n > 0)
		json_object_set_new(o, "warnings", px_json_findings(&v->warnings, lines));
	px_json_print(o);
}

static void describe_good(struct px_buf *out, const struct px_verdict *v, const char *about)
{
	char until[32];
	px_buf_adds(out, "ok");
	if (v->has_header && v->header.type[0] != '\0')
		px_buf_addf(out, ", %s %s of %s", v->header.type, v->header.message_id, v->header.sender);
	if (v->kind == PX_DOC_CONFIRMATION && v->n_entries == 1)
		px_buf_addf(out, ", %s about %s of %s", px_conf_kind_name(v->entries[0].kind),
			    or_unknown(v->entries[0].ref_message_id), or_unknown(v->entries[0].ref_sender));
	if (v->signer.authority[0] != '\0') {
		px_time_format(v->signer.not_after, until, sizeof(until));
		px_buf_addf(out, ", signed by %s %s%s%s (certificate until %s)", v->signer.authority,
			    px_role_name(v->signer.role), v->signer.name[0] != '\0' ? " " : "",
			    v->signer.name, until);
	}
	if (about[0] != '\0')
		px_buf_addf(out, ", fits %s", about);
}

static void print_verdict(const struct px_client *c, const char *file, const struct px_verdict *v,
			  const struct px_line_map *lines, const char *about)
{
	struct px_buf prefix = PX_BUF_INIT, text = PX_BUF_INIT;
	if (px_client_settings(c)->json) {
		print_json(file, v, lines, about);
		return;
	}
	px_buf_addf(&prefix, "%s: ", file);
	if (v->stage == PX_STAGE_OK) {
		px_buf_adds(&text, px_buf_str(&prefix));
		describe_good(&text, v, about);
		px_buf_addc(&text, '\n');
		for (unsigned i = 0; i < v->n_entries && v->kind == PX_DOC_EXCHANGE; i++)
			describe_entry(&text, px_buf_str(&prefix), &v->entries[i]);
	}
	px_show_findings(&text, &v->errors, lines, px_buf_str(&prefix));
	px_buf_addf(&prefix, "warning: ");
	px_show_findings(&text, &v->warnings, lines, px_buf_str(&prefix));
	fputs(px_buf_str(&text), stdout);
	px_buf_free(&text);
	px_buf_free(&prefix);
}

/* What cannot even be read, as a verdict of its own would be printed. */
static int unreadable(const struct px_client *c, const char *file, const char *why)
{
	if (px_client_settings(c)->json) {
		json_t *o = json_object();
		json_object_set_new(o, "file", json_string(file));
		json_object_set_new(o, "ok", json_false());
		json_object_set_new(o, "why", json_string(why));
		px_json_print(o);
	} else {
		printf("%s: %s\n", file, why);
	}
	return PX_EXIT_REFUSED;
}

/* --- examining --- */

static int judge(struct px_client *c, const char *file, struct px_verdict **v,
		 const struct px_line_map *lines, const char *about)
{
	print_verdict(c, file, *v, lines, about);
	int status = (*v)->stage == PX_STAGE_OK ? PX_EXIT_OK : PX_EXIT_REFUSED;
	px_verdict_free(v);
	return status;
}

/* FILE.px beside FILE.coa or FILE.coe: what the confirmation must be about. */
static bool read_subject(const char *file, struct px_buf *path, uint8_t digest[PX_DIGEST_LEN])
{
	struct px_buf data = PX_BUF_INIT, why = PX_BUF_INIT;
	size_t len = strlen(file);
	bool found = false;
	if (px_str_ends(file, ".coa") || px_str_ends(file, ".coe")) {
		px_buf_add(path, file, len - 4);
		px_buf_adds(path, ".px");
		found = px_buf_read_file(&data, px_buf_str(path), (size_t)PX_LIMIT_BODY_MAX, &why) == PX_OK;
	}
	if (found)
		px_sha256(data.data, data.len, digest);
	else
		px_buf_clear(path);
	px_buf_free(&data);
	px_buf_free(&why);
	return found;
}

static int answer(struct px_client *c, const char *file, const struct px_document *doc)
{
	uint8_t digest[PX_DIGEST_LEN];
	struct px_buf subject = PX_BUF_INIT;
	bool has_subject = read_subject(file, &subject, digest);
	const struct px_exam exam = {.kind = doc->is == PX_DOC_IS_NODE ? PX_DOC_NODE : PX_DOC_CONFIRMATION,
				     .now = px_clock_wall(px_clock_real()),
				     .expected_digest = has_subject ? digest : NULL,
				     .expected_sender = "",
				     .expected_id = ""};
	struct px_verdict *v = px_client_examine(c, &exam, doc->octets.data, doc->octets.len);
	int status = judge(c, file, &v, NULL, px_buf_str(&subject));
	px_buf_free(&subject);
	return status;
}

static int payload(struct px_client *c, const char *file, const struct px_document *doc)
{
	const struct px_settings *s = px_client_settings(c);
	const uint8_t *root = doc->octets.data + doc->root;
	char type[PX_TYPE_MAX + 1];
	px_strlcpy(type, s->type, sizeof(type));
	if (type[0] == '\0')
		px_client_guess_type(c, root, doc->root_len, type, sizeof(type));
	if (type[0] == '\0')
		return unreadable(
		    c, file,
		    s->official[0] != '\0'
			? "no message type, or more than one, has this root element: give --type"
			: "no message type has this root element (types of official schemas are "
			  "known with --official only)");
	struct px_verdict *v = px_client_examine_payload(c, type, s->type_version, root, doc->root_len);
	const struct px_line_map lines = {
	    .first = 1, .last = UINT32_MAX, .other = doc->root_line, .to_file = true};
	return judge(c, file, &v, &lines, "");
}

static int exchange(struct px_client *c, const char *file, const struct px_buf *octets, bool unsigned_ok)
{
	const struct px_exam exam = {.kind = PX_DOC_EXCHANGE,
				     .now = px_clock_wall(px_clock_real()),
				     .first_broker = unsigned_ok,
				     .unsigned_ok = unsigned_ok};
	struct px_verdict *v = px_client_examine(c, &exam, octets->data, octets->len);
	struct px_line_map lines = {0};
	px_payload_lines(octets->data, octets->len, &lines);
	return judge(c, file, &v, &lines, "");
}

static int one(struct px_client *c, const char *file, bool verifying)
{
	struct px_buf data = PX_BUF_INIT, why = PX_BUF_INIT;
	struct px_document doc = {0};
	int status;
	if (px_buf_read_file(&data, file, (size_t)PX_LIMIT_BODY_MAX, &why) != PX_OK)
		status = px_complain(PX_EXIT_USAGE, "%s", px_buf_str(&why));
	else if (px_document_read(data.data, data.len, px_client_settings(c)->from_encoding, &doc, &why) !=
		 PX_OK)
		/* the broker's own words about what it could not read, unless the encoding is the matter */
		status = px_client_settings(c)->from_encoding[0] == '\0'
			     ? exchange(c, file, &data, !verifying)
			     : unreadable(c, file, px_buf_str(&why));
	else if (doc.is == PX_DOC_IS_CONFIRMATION || doc.is == PX_DOC_IS_NODE)
		status = answer(c, file, &doc);
	else if (doc.is == PX_DOC_IS_EXCHANGE || verifying)
		status = exchange(c, file, &data, !verifying);
	else
		status = payload(c, file, &doc);
	px_document_free(&doc);
	px_buf_free(&data);
	px_buf_free(&why);
	return status;
}

static int each(struct px_client *c, char **args, unsigned n, bool verifying)
{
	struct px_buf why = PX_BUF_INIT;
	int status = PX_EXIT_OK;
	if (px_client_load_examiner(c, &why) != PX_OK)
		status = px_complain(PX_EXIT_USAGE, "%s", px_buf_str(&why));
	for (unsigned i = 0; i < n && why.len == 0 && !px_client_stop; i++) {
		int one_status = one(c, args[i], verifying);
		status = PX_MAX(status, one_status);
	}
	px_buf_free(&why);
	return status;
}

int px_cmd_check(struct px_client *c, char **args, unsigned n)
{
	return each(c, args, n, false);
}

int px_cmd_verify(struct px_client *c, char **args, unsigned n)
{
	return each(c, args, n, true);
}
