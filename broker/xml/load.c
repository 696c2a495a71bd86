/* prinex: a schema set, compiled once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/load.h"

#include <dirent.h>
#include <limits.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlreader.h>
#include <pthread.h>

#include "base/strings.h"

#define FILE_MAX (8u * 1024 * 1024) /* an XSD; the largest official ones have 1 MB */
/* Names of our own, so that no character of a folder's path is ever taken for part of a URI. */
#define FILE_URL    "prinex-set:/"   /* followed by the file's name within the folder */
#define DRIVER_URL  "prinex-driver:" /* followed by the number of a namespace */
#define DRIVER_MAIN "prinex-driver:main"
#define SCHEMA_NS   "http://www.w3.org/2001/XMLSchema"

/** The files of one target namespace. */
struct space {
	char *uri; /* "" none */
	unsigned n_files;
	char **files; /* names within the folder */
	struct px_buf driver;
};

struct loading {
	const struct px_cat_set *set;
	char folder[PATH_MAX]; /* resolved */
	unsigned n_spaces;
	struct space *spaces;
	struct px_buf driver; /* DRIVER_MAIN */
	struct px_buf *why;   /* gets the first error */
	unsigned unread;      /* elements open in the file that is being read, from an annotation on */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* one set compiles at a time */
static __thread struct loading *current;                 /* what this thread may open just now */

/* --- the hook through which libxml2 opens everything --- */

static bool read_ours(const struct loading *l, const char *url, struct px_buf *text)
{
	char name[PATH_MAX], path[PATH_MAX];
	size_t n = strlen(l->folder);
	if (!px_str_starts(url, FILE_URL))
		return false;
	if ((size_t)snprintf(name, sizeof(name), "%s/%s", l->folder, url + strlen(FILE_URL)) >= sizeof(name))
		return false;
	if (realpath(name, path) == NULL || strncmp(path, l->folder, n) != 0 || path[n] != '/')
		return false;
	return px_buf_read_file(text, path, FILE_MAX, NULL) == PX_OK;
}

static const struct px_buf *find_driver(const struct loading *l, const char *url)
{
	uint64_t n;
	if (strcmp(url, DRIVER_MAIN) == 0)
		return &l->driver;
	if (!px_str_starts(url, DRIVER_URL) || l->n_spaces == 0 ||
	    px_parse_u64(url + strlen(DRIVER_URL), 0, l->n_spaces - 1, &n) != PX_OK)
		return NULL;
	return &l->spaces[n].driver;
}

/* A compiled set keeps the tree of its files for ever, and a third of that is prose for people. As far as the
 * tree is concerned it is not there; lines are counted all the same. */

static void start_element(void *ctxt, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
			  int n_ns, const xmlChar **ns, int n_attrs, int n_defaults, const xmlChar **attrs)
{
	if (current->unread > 0 ||
	    (xmlStrEqual(name, BAD_CAST "annotation") && xmlStrEqual(uri, BAD_CAST SCHEMA_NS)))
		current->unread++;
	else
		xmlSAX2StartElementNs(ctxt, name, prefix, uri, n_ns, ns, n_attrs, n_defaults, attrs);
}

static void end_element(void *ctxt, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	if (current->unread > 0)
		current->unread--;
	else
		xmlSAX2EndElementNs(ctxt, name, prefix, uri);
}

static void add_text(void *ctxt, const xmlChar *text, int len)
{
	if (current->unread == 0)
		xmlSAX2Characters(ctxt, text, len);
}

static void add_cdata(void *ctxt, const xmlChar *text, int len)
{
	if (current->unread == 0)
		xmlSAX2CDataBlock(ctxt, text, len);
}

static void pass_over_prose(xmlSAXHandlerPtr sax)
{
	sax->startElementNs = start_element;
	sax->endElementNs = end_element;
	sax->characters = sax->ignorableWhitespace = add_text;
	sax->cdataBlock = add_cdata;
	sax->comment = NULL;
	sax->processingInstruction = NULL;
	current->unread = 0;
}

static xmlParserInputPtr open_entity(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
	(void)id;
	if (current == NULL || url == NULL)
		return NULL;
	struct px_buf text = PX_BUF_INIT;
	const struct px_buf *driver = find_driver(current, url);
	xmlParserInputPtr input = NULL;
	if (driver != NULL)
		px_buf_add(&text, driver->data, driver->len);
	if (driver != NULL || read_ours(current, url, &text)) {
		xmlParserInputBufferPtr in = xmlParserInputBufferCreateMem(
		    (const char *)text.data, (int)text.len, XML_CHAR_ENCODING_NONE);
		input = in != NULL ? xmlNewIOInputStream(ctxt, in, XML_CHAR_ENCODING_NONE) : NULL;
		if (input != NULL)
			input->filename = (char *)xmlStrdup((const xmlChar *)url);
		if (ctxt->sax->startElementNs == xmlSAX2StartElementNs) /* its first */
			pass_over_prose(ctxt->sax);
	}
	px_buf_free(&text);
	return input;
}

void px_load_deny_all(void)
{
	xmlSetExternalEntityLoader(open_entity);
}

/* --- the files of a set, by namespace --- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_folder(struct loading *l, char ***names, unsigned *n)
{
	DIR *dir = opendir(l->folder);
	if (dir == NULL) {
		px_buf_setf(l->why, "set \"%s\": cannot read folder %s", l->set->name, l->folder);
		return PX_ECONF;
	}
	struct dirent *e;
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || !px_str_ends(e->d_name, ".xsd"))
			continue;
		*names = px_xrealloc_array(*names, *n + 1, sizeof(**names));
		(*names)[(*n)++] = px_xstrdup(e->d_name);
	}
	closedir(dir);
	/* The order of a folder must not decide which of two faults is shown. */
	if (*n > 0)
		qsort(*names, *n, sizeof(**names), by_name);
	return PX_OK;
}

/* The target namespace stands on the first element: there is no need to read on. */
static int target_namespace(struct loading *l, const char *path, char **uri)
{
	struct px_buf text = PX_BUF_INIT;
	int rc = px_buf_read_file(&text, path, FILE_MAX, l->why);
	if (rc != PX_OK) {
		px_buf_free(&text);
		return PX_ECONF;
	}
	xmlTextReaderPtr r = xmlReaderForMemory((const char *)text.data, (int)text.len, path, NULL,
						XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlChar *value = NULL;
	rc = PX_ECONF;
	while (r != NULL && xmlTextReaderRead(r) == 1) {
		if (xmlTextReaderNodeType(r) != XML_READER_TYPE_ELEMENT)
			continue;
		if (strcmp((const char *)xmlTextReaderConstLocalName(r), "schema") == 0)
			rc = PX_OK;
		value = xmlTextReaderGetAttribute(r, (const xmlChar *)"targetNamespace");
		break;
	}
	if (rc == PX_OK)
		*uri = px_xstrdup(value != NULL ? (const char *)value : "");
	else
		px_buf_setf(l->why, "set \"%s\": %s is not an XML schema", l->set->name, path);
	xmlFree(value);
	xmlFreeTextReader(r);
	px_buf_free(&text);
	return rc;
}

static struct space *space_of(struct loading *l, const char *uri)
{
	for (unsigned i = 0; i < l->n_spaces; i++) {
		if (strcmp(l->spaces[i].uri, uri) == 0)
			return &l->spaces[i];
	}
	l->spaces = px_xrealloc_array(l->spaces, l->n_spaces + 1, sizeof(l->spaces[0]));
	struct space *s = &l->spaces[l->n_spaces++];
	*s = (struct space){.uri = px_xstrdup(uri)};
	return s;
}

static int add_file(struct loading *l, const char *name)
{
	struct px_buf path = PX_BUF_INIT;
	char *uri = NULL;
	px_buf_addf(&path, "%s/%s", l->folder, name);
	int rc = target_namespace(l, px_buf_str(&path), &uri);
	px_buf_free(&path);
	if (rc != PX_OK)
		return rc;
	struct space *s = space_of(l, uri);
	s->files = px_xrealloc_array(s->files, s->n_files + 1, sizeof(s->files[0]));
	s->files[s->n_files++] = px_xstrdup(name);
	free(uri);
	return PX_OK;
}

static int collect(struct loading *l)
{
	char **names = NULL;
	unsigned n = 0;
	if (realpath(l->set->folder, l->folder) == NULL) {
		px_buf_setf(l->why, "set \"%s\": there is no folder %s", l->set->name, l->set->folder);
		return PX_ECONF;
	}
	if (l->set->files.n > 0) {
		int rc = PX_OK;
		for (unsigned i = 0; i < l->set->files.n && rc == PX_OK; i++)
			rc = add_file(l, l->set->files.items[i]);
		return rc;
	}
	int rc = list_folder(l, &names, &n);
	for (unsigned i = 0; i < n; i++) {
		if (rc == PX_OK)
			rc = add_file(l, names[i]);
		free(names[i]);
	}
	free(names);
	if (rc == PX_OK && n == 0) {
		px_buf_setf(l->why, "set \"%s\": no .xsd file in %s", l->set->name, l->folder);
		rc = PX_ECONF;
	}
	return rc;
}

/* --- the driver --- */

static void add_imports(struct loading *l, struct px_buf *out, const struct space *except)
{
	for (unsigned i = 0; i < l->n_spaces; i++) {
		if (&l->spaces[i] == except)
			continue;
		px_buf_adds(out, "<xs:import");
		if (l->spaces[i].uri[0] != '\0') {
			px_buf_adds(out, " namespace=\"");
			px_buf_add_xml_attr(out, l->spaces[i].uri, strlen(l->spaces[i].uri));
			px_buf_addc(out, '"');
		}
		px_buf_addf(out, " schemaLocation=\"" DRIVER_URL "%u\"/>", i);
	}
}

#define SCHEMA_OPEN "<xs:schema xmlns:xs=\"" SCHEMA_NS "\""

/*
 * libxml2 takes a namespace from the first place it is imported from and passes over later ones. So each
 * driver imports all the others before it includes a file that might import one of them by itself.
 */
static void write_drivers(struct loading *l)
{
	for (unsigned i = 0; i < l->n_spaces; i++) {
		struct space *s = &l->spaces[i];
		px_buf_adds(&s->driver, SCHEMA_OPEN);
		if (s->uri[0] != '\0') {
			px_buf_adds(&s->driver, " targetNamespace=\"");
			px_buf_add_xml_attr(&s->driver, s->uri, strlen(s->uri));
			px_buf_addc(&s->driver, '"');
		}
		px_buf_addc(&s->driver, '>');
		add_imports(l, &s->driver, s);
		for (unsigned f = 0; f < s->n_files; f++) {
			px_buf_adds(&s->driver, "<xs:include schemaLocation=\"" FILE_URL);
			px_buf_add_xml_attr(&s->driver, s->files[f], strlen(s->files[f]));
			px_buf_adds(&s->driver, "\"/>");
		}
		px_buf_adds(&s->driver, "</xs:schema>");
	}
	px_buf_adds(&l->driver, SCHEMA_OPEN " targetNamespace=\"" DRIVER_MAIN "\">");
	add_imports(l, &l->driver, NULL);
	px_buf_adds(&l->driver, "</xs:schema>");
}

static void on_error(void *arg, xmlErrorPtr err)
{
	struct loading *l = arg;
	/* Warnings are about imports that could not be had: what is missing then fails by itself. */
	if (err->level < XML_ERR_ERROR || (l->why != NULL && l->why->len > 0))
		return;
	const char *file = err->file != NULL ? err->file : "driver";
	if (px_str_starts(file, FILE_URL))
		file += strlen(FILE_URL);
	char text[512];
	px_strlcpy(text, err->message != NULL ? err->message : "?", sizeof(text));
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\n' ? ' ' : *p;
	px_buf_setf(l->why, "set \"%s\": %s/%s:%d: %s", l->set->name, l->folder, file, err->line, text);
}

static xmlSchemaPtr compile(struct loading *l)
{
	xmlSchemaPtr schema = NULL;
	xmlSchemaParserCtxtPtr ctxt = xmlSchemaNewParserCtxt(DRIVER_MAIN);
	if (ctxt == NULL)
		return NULL;
	xmlSchemaSetParserStructuredErrors(ctxt, on_error, l);
	xmlSetStructuredErrorFunc(l, on_error); /* faults of XML syntax come this way */
	current = l;
	schema = xmlSchemaParse(ctxt);
	current = NULL;
	xmlSetStructuredErrorFunc(NULL, NULL);
	xmlSchemaFreeParserCtxt(ctxt);
	return schema;
}

static void loading_free(struct loading *l)
{
	for (unsigned i = 0; i < l->n_spaces; i++) {
		struct space *s = &l->spaces[i];
		for (unsigned f = 0; f < s->n_files; f++)
			free(s->files[f]);
		free(s->files);
		free(s->uri);
		px_buf_free(&s->driver);
	}
	free(l->spaces);
	px_buf_free(&l->driver);
}

int px_load_set(const struct px_cat_set *set, xmlSchemaPtr *out, struct px_buf *why)
{
	struct px_buf reason = PX_BUF_INIT;
	struct loading l = {.set = set, .why = &reason};
	pthread_mutex_lock(&lock);
	int rc = collect(&l);
	if (rc == PX_OK) {
		write_drivers(&l);
		*out = compile(&l);
		/* libxml2 gives a schema back although a part of it was wrong, when that part is not reached.
		 */
		if (*out != NULL && reason.len > 0) {
			xmlSchemaFree(*out);
			*out = NULL;
		}
		rc = *out != NULL ? PX_OK : PX_ECONF;
	}
	pthread_mutex_unlock(&lock);
	if (rc != PX_OK && reason.len == 0)
		px_buf_setf(&reason, "set \"%s\" could not be compiled", set->name);
	if (rc != PX_OK)
		px_buf_setf(why, "%s", px_buf_str(&reason));
	px_buf_free(&reason);
	loading_free(&l);
	return rc;
}
