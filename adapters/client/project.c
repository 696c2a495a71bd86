/* prinex: projections: running a stylesheet
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/project.h"

#include <ctype.h>
#include <glob.h>
#include <libxml/parser.h>
#include <libxslt/documents.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/variables.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>
#include <unistd.h>

#include "base/strings.h"
#include "client/project_marks.h"

#define SHEET_SIZE ((size_t)4 << 20)
#define WITHHELD   "withheld.xml"

/* libxslt asks a global hook for files; while one stylesheet is at work it serves that one's folder. */
static const char *open_folder;

static xmlDoc *parse_with(const struct px_buf *data, const char *name, xmlDict *dict)
{
	xmlParserCtxt *ctxt = xmlNewParserCtxt();
	px_assert(ctxt != NULL);
	if (dict != NULL) {
		xmlDictFree(ctxt->dict);
		ctxt->dict = dict;
		xmlDictReference(dict);
	}
	xmlDoc *doc =
	    xmlCtxtReadMemory(ctxt, (const char *)data->data, (int)data->len, name, NULL,
			      XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlFreeParserCtxt(ctxt);
	return doc;
}

/* @name within the open folder; libxslt knows the documents by that name alone, and compares words of an
 * imported one by address: they must be in the @dict of the one that imports (NULL: no one does). */
static xmlDoc *read_sheet(const char *name, xmlDict *dict, struct px_buf *why)
{
	struct px_buf path = PX_BUF_INIT, data = PX_BUF_INIT;
	xmlDoc *doc = NULL;
	px_buf_addf(&path, "%s/%s", open_folder, name);
	if (px_buf_read_file(&data, px_buf_str(&path), SHEET_SIZE, why) == PX_OK)
		doc = parse_with(&data, name, dict);
	if (doc == NULL && data.len > 0) {
		const xmlError *e = xmlGetLastError();
		px_buf_setf(why, "%s:%d: %s", px_buf_str(&path), e != NULL ? e->line : 0,
			    e != NULL && e->message != NULL ? e->message : "not well-formed");
	}
	px_buf_free(&path);
	px_buf_free(&data);
	return doc;
}

/* Imports of stylesheets from their own folder; nothing for document(). */
static xmlDoc *load(const xmlChar *uri, xmlDict *dict, int options, void *ctxt, xsltLoadType type)
{
	(void)options, (void)ctxt;
	if (type != XSLT_LOAD_STYLESHEET || open_folder == NULL || strchr((const char *)uri, '/') != NULL)
		return NULL;
	struct px_buf why = PX_BUF_INIT;
	xmlDoc *doc = read_sheet((const char *)uri, dict, &why);
	px_buf_free(&why);
	return doc;
}

/* What libxslt complains about, into one line. */
static void collect(void *arg, const char *fmt, ...) PX_PRINTF(2, 3);
static void collect(void *arg, const char *fmt, ...)
{
	struct px_buf *why = arg;
	va_list ap;
	va_start(ap, fmt);
	if (why->len < 2000)
		px_buf_vaddf(why, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < why->len; i++) {
		if (why->data[i] == '\n')
			why->data[i] = ' ';
	}
}

static int parse_sheet(const char *name, xsltStylesheet **out, struct px_buf *why)
{
	xmlDoc *doc = read_sheet(name, NULL, why);
	struct px_buf said = PX_BUF_INIT;
	*out = NULL;
	if (doc == NULL)
		return PX_ECONF;
	xsltSetGenericErrorFunc(&said, collect);
	xsltStylesheet *sheet = xsltParseStylesheetDoc(doc);
	xsltSetGenericErrorFunc(NULL, NULL);
	if (sheet == NULL)
		xmlFreeDoc(doc);
	if (sheet == NULL || sheet->errors > 0) {
		px_buf_setf(why, "%s/%s: %s", open_folder, name,
			    said.len > 0 ? px_buf_str(&said) : "no stylesheet");
		xsltFreeStylesheet(sheet);
		px_buf_free(&said);
		return PX_ECONF;
	}
	px_buf_free(&said);
	*out = sheet;
	return PX_OK;
}

static xsltSecurityPrefs *nothing_allowed(void)
{
	static const xsltSecurityOption options[] = {
	    XSLT_SECPREF_READ_FILE,    XSLT_SECPREF_WRITE_FILE,    XSLT_SECPREF_CREATE_DIRECTORY,
	    XSLT_SECPREF_READ_NETWORK, XSLT_SECPREF_WRITE_NETWORK,
	};
	xsltSecurityPrefs *prefs = xsltNewSecurityPrefs();
	px_assert(prefs != NULL);
	for (size_t i = 0; i < PX_ARRAY_LEN(options); i++)
		xsltSetSecurityPrefs(prefs, options[i], xsltSecurityForbid);
	return prefs;
}

static int transform(xsltStylesheet *sheet, xmlDoc *source, const struct px_project_params *params,
		     xmlDoc **out, struct px_buf *why)
{
	struct px_buf said = PX_BUF_INIT;
	xsltSecurityPrefs *prefs = nothing_allowed();
	xsltTransformContext *ctxt = xsltNewTransformContext(sheet, source);
	px_assert(ctxt != NULL);
	xsltSetCtxtSecurityPrefs(prefs, ctxt);
	xsltSetTransformErrorFunc(ctxt, &said, collect);
	xsltQuoteOneUserParam(ctxt, BAD_CAST "now", BAD_CAST params->now);
	xsltQuoteOneUserParam(ctxt, BAD_CAST "id", BAD_CAST params->id);
	*out = xsltApplyStylesheetUser(sheet, source, NULL, NULL, NULL, ctxt);
	const bool good = *out != NULL && ctxt->state == XSLT_STATE_OK && xmlDocGetRootElement(*out) != NULL;
	if (!good) {
		px_buf_setf(why, "%s/%s: %s", open_folder, (const char *)sheet->doc->URL,
			    said.len > 0 ? px_buf_str(&said) : "makes no document");
		xmlFreeDoc(*out);
		*out = NULL;
	}
	xsltFreeTransformContext(ctxt);
	xsltFreeSecurityPrefs(prefs);
	px_buf_free(&said);
	return good ? PX_OK : PX_ECONF;
}

static char *property(xmlNode *node, const char *name)
{
	char *text = (char *)xmlGetNoNsProp(node, BAD_CAST name);
	char *copy = px_xstrdup(text != NULL ? text : "");
	xmlFree(text);
	return copy;
}

/* p:hint path, eucdm, text: of the stylesheet and those that it imports. */
static void read_hints(const xsltStylesheet *sheet, struct px_projection *p)
{
	for (; sheet != NULL; sheet = sheet->next) {
		for (xmlNode *n = xmlFirstElementChild(xmlDocGetRootElement(sheet->doc)); n != NULL;
		     n = xmlNextElementSibling(n)) {
			if (!px_words_is(n, "hint"))
				continue;
			p->hints = px_xrealloc_array(p->hints, p->n_hints + 1, sizeof(p->hints[0]));
			p->hints[p->n_hints++] =
			    (struct px_hint){property(n, "path"), property(n, "eucdm"), property(n, "text")};
		}
		read_hints(sheet->imports, p);
	}
}

/* @path without its positions. */
static bool is_path(const char *hint, const char *path)
{
	while (*hint != '\0' && *hint == *path) {
		hint++;
		path++;
		if (*path == '[')
			path += strcspn(path, "]") + 1;
	}
	return *hint == '\0' && *path == '\0';
}

const struct px_hint *px_projection_hint(const struct px_projection *p, const char *path)
{
	for (unsigned i = 0; i < p->n_hints; i++) {
		if (is_path(p->hints[i].path, path))
			return &p->hints[i];
	}
	return NULL;
}

/* --- what is said about elements --- */

/* What holds for all projections. Without that file none is made: it must not be possible to lose it
 * unnoticed. */
static int read_withheld(struct px_words *words, struct px_buf *why)
{
	xmlDoc *doc = read_sheet(WITHHELD, NULL, why);
	if (doc == NULL)
		return PX_ECONF;
	const unsigned n = px_words_read(words, doc);
	xmlFreeDoc(doc);
	if (n > 0)
		return PX_OK;
	px_buf_setf(why, "%s/%s withholds nothing", open_folder, WITHHELD);
	return PX_ECONF;
}

static void read_words(struct px_words *words, const xsltStylesheet *sheet)
{
	for (; sheet != NULL; sheet = sheet->next) {
		px_words_read(words, sheet->doc);
		read_words(words, sheet->imports);
	}
}

/* The stylesheet gets a copy without what is withheld; the list of what stayed is made from the whole. */
static int project(xsltStylesheet *sheet, const struct px_words *words, xmlDoc *source,
		   const struct px_project_params *params, struct px_projection *out, struct px_buf *why)
{
	struct px_marks *marks = px_marks_put(source);
	xmlDoc *shown = xmlCopyDoc(source, 1);
	px_assert(shown != NULL);
	px_words_withhold(words, shown);
	int rc = transform(sheet, shown, params, &out->result, why);
	if (rc == PX_OK) {
		px_marks_take(marks, words, out);
		read_hints(sheet, out);
	}
	xmlFreeDoc(shown);
	px_marks_free(&marks);
	return rc;
}

static int run(const char *name, xmlDoc *source, const struct px_project_params *params,
	       struct px_projection *out, struct px_buf *why)
{
	xsltStylesheet *sheet = NULL;
	struct px_words words = {0};
	int rc = read_withheld(&words, why);
	if (rc == PX_OK)
		rc = parse_sheet(name, &sheet, why);
	if (rc == PX_OK) {
		read_words(&words, sheet);
		rc = project(sheet, &words, source, params, out, why);
	}
	px_words_free(&words);
	xsltFreeStylesheet(sheet);
	return rc;
}

int px_project(const char *folder, const char *from, const char *to, const uint8_t *data, size_t len,
	       const struct px_project_params *params, struct px_projection *out, struct px_buf *why)
{
	struct px_buf name = PX_BUF_INIT, path = PX_BUF_INIT;
	*out = (struct px_projection){0};
	px_buf_addf(&name, "%s-%s.xsl", from, to);
	px_buf_addf(&path, "%s/%s", folder, px_buf_str(&name));
	int rc = access(px_buf_str(&path), F_OK) == 0 ? PX_OK : PX_ENOTFOUND;
	if (rc == PX_OK) {
		xmlDoc *source = xmlReadMemory((const char *)data, (int)len, NULL, NULL,
					       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
						   XML_PARSE_NOCDATA);
		px_assert(source != NULL); /* the caller has examined it */
		open_folder = folder;
		xsltSetLoaderFunc(load);
		rc = run(px_buf_str(&name), source, params, out, why);
		xsltSetLoaderFunc(NULL);
		open_folder = NULL;
		xmlFreeDoc(source);
	}
	px_buf_free(&name);
	px_buf_free(&path);
	if (rc != PX_OK)
		px_projection_free(out);
	return rc;
}

void px_projection_free(struct px_projection *p)
{
	xmlFreeDoc(p->result);
	for (unsigned i = 0; i < p->n_drops; i++) {
		free(p->drops[i].path);
		free(p->drops[i].why);
	}
	free(p->drops);
	for (unsigned i = 0; i < p->n_hints; i++) {
		free(p->hints[i].path);
		free(p->hints[i].eucdm);
		free(p->hints[i].text);
	}
	free(p->hints);
	*p = (struct px_projection){0};
}

unsigned px_project_list(const char *folder, const char *to, struct px_buf *out)
{
	struct px_buf pattern = PX_BUF_INIT;
	glob_t files = {0};
	unsigned n = 0;
	px_buf_addf(&pattern, "%s/*-%s.xsl", folder, to != NULL ? to : "*");
	if (glob(px_buf_str(&pattern), 0, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc; i++) {
			const char *name = strrchr(files.gl_pathv[i], '/') + 1, *dash = strchr(name, '-');
			if (islower((unsigned char)name[0])) /* parts of others */
				continue;
			px_buf_addf(out, "%s%.*s to %.*s", n++ > 0 ? ", " : "", (int)(dash - name), name,
				    (int)(strlen(dash) - strlen("-.xsl")), dash + 1);
		}
		globfree(&files);
	}
	px_buf_free(&pattern);
	return n;
}
