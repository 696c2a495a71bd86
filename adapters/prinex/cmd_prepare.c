/* prinex: prepare: a notice or a customs-to-customs record out of a declaration
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <libgen.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/strings.h"
#include "client/project.h"
#include "client/shape.h"
#include "prinex/prinex.h"

enum { MISSING_SHOWN = 100 };

struct prepare {
	struct px_client *c;
	const struct px_cat_type *to;
	const struct px_cat_set *set; /* of to */
	char from[PX_TYPE_MAX + 1];
	struct px_buf folder; /* of projections */
	struct px_projection made;
	struct px_shape *shape;
	unsigned missing, errors;
};

/* --- the source --- */

/* The business document, which may stand in an exchange. */
static int find_source(const struct px_document *doc, const uint8_t **root, size_t *len, struct px_buf *why)
{
	const bool in_exchange = doc->is == PX_DOC_IS_EXCHANGE;
	*root = doc->octets.data + (in_exchange ? doc->payload : doc->root);
	*len = in_exchange ? doc->payload_len : doc->root_len;
	if ((doc->is == PX_DOC_IS_PAYLOAD || in_exchange) && *len > 0)
		return PX_OK;
	px_buf_setf(why, in_exchange ? "this exchange carries no document"
				     : "this is an answer, and no declaration");
	return PX_EPARSE;
}

static void show(const char *kind, const struct px_findings *f, const struct px_line_map *map)
{
	struct px_buf text = PX_BUF_INIT;
	px_show_findings(&text, f, map, kind);
	fputs(px_buf_str(&text), stderr);
	px_buf_free(&text);
}

/* A declaration that is wrong itself would make a wrong document. */
static int check_source(struct prepare *p, const struct px_document *doc, const uint8_t *root, size_t len,
			struct px_buf *why)
{
	const struct px_settings *s = px_client_settings(p->c);
	const char *version = doc->is == PX_DOC_IS_EXCHANGE ? doc->header.type_version : s->type_version;
	struct px_line_map map = {.first = 1, .last = UINT32_MAX, .other = doc->root_line, .to_file = true};
	if (doc->is == PX_DOC_IS_EXCHANGE) {
		px_payload_lines(doc->octets.data, doc->octets.len, &map);
		map =
		    (struct px_line_map){.first = 1, .last = UINT32_MAX, .other = map.first, .to_file = true};
	}
	struct px_verdict *v = px_client_examine_payload(p->c, p->from, version, root, len);
	int rc = v->stage == PX_STAGE_OK ? PX_OK : PX_EINVAL;
	if (rc != PX_OK) {
		show("error: ", &v->errors, &map);
		px_buf_setf(why, "this %s is wrong itself: correct it first", p->from);
	}
	px_verdict_free(&v);
	return rc;
}

/* --- the target --- */

static int find_target(struct prepare *p, struct px_buf *why)
{
	const struct px_settings *s = px_client_settings(p->c);
	const struct px_catalogue *cat = px_client_catalogue(p->c);
	p->to = s->to[0] != '\0' ? px_catalogue_type(cat, s->to) : NULL;
	if (p->to == NULL) {
		const struct px_cat_type *any = &cat->types[0];
		char *file = px_xstrdup(any->file);
		struct px_buf pairs = PX_BUF_INIT;
		px_buf_addf(&p->folder, "%s/../project", dirname(file));
		px_project_list(px_buf_str(&p->folder), NULL, &pairs);
		if (s->to[0] == '\0')
			px_buf_setf(why, "--to is missing: what to make? There are %s", px_buf_str(&pairs));
		else
			px_buf_setf(why, "--to %s: no such message type; there are %s", s->to,
				    px_buf_str(&pairs));
		px_buf_free(&pairs);
		free(file);
		return PX_ECONF;
	}
	p->set = px_catalogue_version(cat, p->to, "");
	if (!p->to->available || p->set == NULL) {
		px_buf_setf(why,
			    "--to %s is of official schemas: name the folder they are in with --official",
			    s->to);
		return PX_ECONF;
	}
	char *file = px_xstrdup(p->to->file);
	px_buf_addf(&p->folder, "%s/../project", dirname(file));
	free(file);
	return PX_OK;
}

static const char *root_uri(const struct prepare *p)
{
	for (unsigned i = 0; i < p->set->n_prefixes; i++) {
		if (strcmp(p->set->prefixes[i].prefix, p->to->root_prefix) == 0)
			return p->set->prefixes[i].uri;
	}
	return "";
}

static int project(struct prepare *p, const uint8_t *root, size_t len, struct px_buf *why)
{
	char now[32], id[PX_MESSAGE_ID_MAX + 1] = "";
	int64_t ms = px_clock_wall(px_clock_real()) / 1000 * 1000;
	const char *sender;
	struct px_buf none = PX_BUF_INIT, pairs = PX_BUF_INIT;
	uint64_t random;
	px_assert(RAND_bytes((unsigned char *)&random, sizeof(random)) == 1);
	px_time_format(ms, now, sizeof(now));
	px_strlcpy(id, px_client_settings(p->c)->id, sizeof(id));
	if (id[0] == '\0' && px_client_sender(p->c, &sender, &none) == PX_OK)
		px_fresh_id(sender, ms, random, id);
	const struct px_project_params params = {.now = now, .id = id};
	int rc = px_project(px_buf_str(&p->folder), p->from, p->to->name, root, len, &params, &p->made, why);
	if (rc == PX_ENOTFOUND) {
		unsigned n = px_project_list(px_buf_str(&p->folder), p->to->name, &pairs);
		px_buf_setf(why, "a %s cannot be made of a %s; there is %s", p->to->name, p->from,
			    n > 0 ? px_buf_str(&pairs) : "no projection to this type");
		rc = PX_ECONF;
	}
	px_buf_free(&none);
	px_buf_free(&pairs);
	return rc;
}

/* --- values that the source does not have --- */

static int set_one(struct prepare *p, const char *text, struct px_buf *why)
{
	const char *eq = strchr(text, '=');
	struct px_buf path = PX_BUF_INIT, reason = PX_BUF_INIT;
	int rc = PX_ECONF;
	if (eq != NULL)
		px_buf_add(&path, text, (size_t)(eq - text));
	while (path.len > 0 && path.data[path.len - 1] == ' ')
		path.data[--path.len] = '\0';
	if (path.len == 0)
		px_buf_setf(&reason, "it is PATH=VALUE");
	else
		rc = px_shape_set(p->shape, p->made.result, px_buf_str(&path), eq + 1 + strspn(eq + 1, " "),
				  &reason);
	if (rc != PX_OK)
		px_buf_setf(why, "\"%.*s\": %s", (int)(eq != NULL ? (size_t)(eq - text) : strlen(text)), text,
			    px_buf_str(&reason));
	px_buf_free(&path);
	px_buf_free(&reason);
	return rc == PX_OK ? PX_OK : PX_ECONF;
}

static int set_from_file(struct prepare *p, const char *name, struct px_buf *why)
{
	struct px_buf data = PX_BUF_INIT, reason = PX_BUF_INIT;
	unsigned number = 0;
	if (px_buf_read_file(&data, name, (size_t)PX_LIMIT_BODY_MAX, why) != PX_OK)
		return PX_ECONF;
	int rc = PX_OK;
	char *rest = (char *)data.data;
	while (rest != NULL && rc == PX_OK) {
		char *line = strsep(&rest, "\n");
		size_t len = strlen(line);
		number++;
		while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
			line[--len] = '\0';
		line += strspn(line, " \t");
		if (line[0] != '\0' && line[0] != '#')
			rc = set_one(p, line, &reason);
	}
	if (rc != PX_OK)
		px_buf_setf(why, "%s:%u: %s", name, number, px_buf_str(&reason));
	px_buf_free(&data);
	px_buf_free(&reason);
	return rc;
}

static int set_values(struct prepare *p, struct px_buf *why)
{
	const struct px_settings *s = px_client_settings(p->c);
	struct px_buf reason = PX_BUF_INIT;
	int rc = px_shape_load(p->set->folder, root_uri(p), p->to->root_name, &p->shape, why);
	if (rc == PX_OK && s->values[0] != '\0')
		rc = set_from_file(p, s->values, why);
	for (unsigned i = 0; i < s->set.n && rc == PX_OK; i++) {
		rc = set_one(p, s->set.items[i], &reason);
		if (rc != PX_OK)
			px_buf_setf(why, "--set %s", px_buf_str(&reason));
	}
	px_buf_free(&reason);
	return rc;
}

/* --- what is said --- */

static void tell_drops(const struct prepare *p)
{
	for (unsigned i = 0; i < p->made.n_drops; i++) {
		const struct px_drop *d = &p->made.drops[i];
		fprintf(stderr, "%s: %s", d->withheld ? "withheld" : "left out", d->path);
		if (d->values > 1)
			fprintf(stderr, " (%u values)", d->values);
		if (d->why[0] != '\0')
			fprintf(stderr, ": %s\n", d->why);
		else
			fprintf(stderr, ": %s has no place for %s\n", p->to->name,
				d->partly ? "more of it" : "it");
	}
}

static void tell_missing(const struct px_missing *m, void *arg)
{
	struct prepare *p = arg;
	const struct px_hint *hint = px_projection_hint(&p->made, m->path);
	const char *eucdm = m->eucdm[0] == '\0' && hint != NULL ? hint->eucdm : m->eucdm;
	const char *text = hint != NULL && hint->text[0] != '\0' ? hint->text : m->text;
	if (++p->missing > MISSING_SHOWN)
		return;
	fprintf(stderr, "missing: %s%s%s%s%s%s\n", m->path, eucdm[0] != '\0' ? " (EUCDM " : "", eucdm,
		eucdm[0] != '\0' ? ")" : "", text[0] != '\0' ? ": " : "", text);
}

/* What is missing has been told already, all of it and better. */
static void forget_missing(struct px_findings *f)
{
	struct px_findings others = {0};
	for (unsigned i = 0; i < f->n; i++) {
		const struct px_finding *e = &f->items[i];
		if (e->code == PX_CODE_SCHEMA_MISSING)
			continue;
		if (e->rule != NULL)
			px_findings_add_rule(&others, e->rule, e->code, e->line, e->pointer, e->value,
					     e->text);
		else
			px_findings_add(&others, e->code, e->line, e->pointer, e->value, "%s", e->text);
	}
	px_findings_free(f);
	*f = others;
}

/* Schema and rules of the result, as the broker would judge them. */
static void check_result(struct prepare *p, const uint8_t *root, size_t len)
{
	/* behind the XML declaration */
	const struct px_line_map map = {.first = 1, .last = UINT32_MAX, .other = 2, .to_file = true};
	struct px_verdict *v = px_client_examine_payload(p->c, p->to->name, "", root, len);
	if (v->stage != PX_STAGE_OK)
		p->errors = PX_MAX(v->errors.n, 1);
	if (p->missing > 0)
		forget_missing(&v->errors);
	show("error: ", &v->errors, &map);
	show("warning: ", &v->warnings, &map);
	px_verdict_free(&v);
}

static int finish(struct prepare *p, struct px_buf *out, struct px_buf *why)
{
	static const char declaration[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
	xmlBuffer *text = xmlBufferCreate();
	px_assert(text != NULL);
	xmlNodeDump(text, p->made.result, xmlDocGetRootElement(p->made.result), 0, 1);
	tell_drops(p);
	px_shape_missing(p->shape, p->made.result, tell_missing, p);
	if (p->missing > MISSING_SHOWN)
		fprintf(stderr, "missing: %u more\n", p->missing - MISSING_SHOWN);
	check_result(p, xmlBufferContent(text), (size_t)xmlBufferLength(text));
	px_buf_adds(out, declaration);
	px_buf_add(out, xmlBufferContent(text), (size_t)xmlBufferLength(text));
	px_buf_addc(out, '\n');
	xmlBufferFree(text);
	if (p->missing == 0 && p->errors == 0)
		return PX_OK;
	if (p->missing > 0)
		px_buf_setf(why,
			    "nothing written: give what is missing by --set PATH=VALUE or --values FILE");
	else
		px_buf_setf(why,
			    "nothing written: the %s would be wrong; --set PATH=VALUE gives another value",
			    p->to->name);
	return PX_EINVAL;
}

static int prepare(struct px_client *c, const struct px_document *doc, struct px_buf *out, struct px_buf *why)
{
	struct prepare p = {.c = c};
	const uint8_t *root = NULL;
	size_t len = 0;
	int rc = px_client_load_examiner(c, why);
	if (rc == PX_OK)
		rc = find_target(&p, why);
	if (rc == PX_OK)
		rc = find_source(doc, &root, &len, why);
	if (rc == PX_OK && doc->is == PX_DOC_IS_EXCHANGE)
		px_strlcpy(p.from, doc->header.type, sizeof(p.from));
	if (rc == PX_OK && p.from[0] == '\0')
		rc = px_client_choose_type(c, root, len, p.from, why);
	if (rc == PX_OK)
		rc = check_source(&p, doc, root, len, why);
	if (rc == PX_OK)
		rc = project(&p, root, len, why);
	if (rc == PX_OK)
		rc = set_values(&p, why);
	if (rc == PX_OK)
		rc = finish(&p, out, why);
	px_projection_free(&p.made);
	px_shape_free(&p.shape);
	px_buf_free(&p.folder);
	return rc;
}

int px_cmd_prepare(struct px_client *c, char **args, unsigned n)
{
	return px_make(c, args, n, prepare);
}
