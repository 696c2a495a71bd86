/* prinex: the shape a schema gives a document: what is missing, and putting values in
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "client/shape_parts.h"
#include "conf/table.h"

/* --- what is missing --- */

struct walk {
	struct px_shape *shape;
	px_missing_cb *cb;
	void *arg;
	struct px_buf path;
	char class_number[8]; /* "13 05": what `nn` in a number below means */
	unsigned depth;
};

static bool is_named(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *first_named(const xmlNode *parent, const char *name)
{
	xmlNode *n = parent->children;
	while (n != NULL && !is_named(n, name))
		n = n->next;
	return n;
}

/* `13 nn 017 000` within class 13 05 is `13 05 017 000`. */
static void resolve_number(const struct walk *w, struct px_buf *number)
{
	char *s = (char *)number->data;
	if (number->len > 5 && strncmp(s + 3, "nn", 2) == 0 && strncmp(s, w->class_number, 3) == 0)
		memcpy(s + 3, w->class_number + 3, 2);
	else if (number->len > 5 && strncmp(s + 3, "nn", 2) == 0)
		px_buf_clear(number); /* the data model numbers nothing here */
}

/* Enter an element: its number becomes the class of what is below it. */
static void enter(struct walk *w, const struct px_child *child, char before[8])
{
	struct px_buf number = PX_BUF_INIT, text = PX_BUF_INIT;
	memcpy(before, w->class_number, sizeof(w->class_number));
	px_shape_describe(child->use, &number, &text);
	resolve_number(w, &number);
	if (number.len >= 5)
		px_strlcpy_n(w->class_number, (const char *)number.data, 5, sizeof(w->class_number));
	px_buf_free(&number);
	px_buf_free(&text);
	w->depth++;
}

static void leave(struct walk *w, const char before[8], size_t path_len)
{
	memcpy(w->class_number, before, sizeof(w->class_number));
	w->path.len = path_len;
	w->path.data[path_len] = '\0';
	w->depth--;
}

static void tell(struct walk *w, const struct px_child *child)
{
	struct px_buf number = PX_BUF_INIT, text = PX_BUF_INIT;
	px_shape_describe(child->use, &number, &text);
	if (number.len == 0 && text.len == 0 && child->decl != child->use)
		px_shape_describe(child->decl, &number, &text);
	resolve_number(w, &number);
	const struct px_missing m = {px_buf_str(&w->path), px_buf_str(&number), px_buf_str(&text)};
	w->cb(&m, w->arg);
	px_buf_free(&number);
	px_buf_free(&text);
}

static bool has_one(const xmlNode *node, const struct px_model *m, const struct px_child *child)
{
	if (first_named(node, child->name) != NULL)
		return true;
	for (unsigned k = 0; k < m->n && child->choice != 0; k++) {
		if (m->children[k].choice == child->choice && first_named(node, m->children[k].name) != NULL)
			return true;
	}
	return false;
}

/* Whether another of its choice stands before it. */
static bool is_alternative(const struct px_model *m, unsigned at)
{
	for (unsigned k = 0; k < at && m->children[at].choice != 0; k++) {
		if (m->children[k].choice == m->children[at].choice)
			return true;
	}
	return false;
}

static void tell_choice(struct walk *w, const struct px_model *m, unsigned at)
{
	struct px_buf parent = w->path;
	w->path = (struct px_buf)PX_BUF_INIT;
	for (unsigned i = at; i < m->n; i++) {
		if (m->children[i].choice == m->children[at].choice)
			px_buf_addf(&w->path, "%s%s/%s", i > at ? " or " : "", px_buf_str(&parent),
				    m->children[i].name);
	}
	tell(w, &m->children[at]);
	px_buf_free(&w->path);
	w->path = parent;
}

/* The leaves that an element wants which is not there, or the element where it wants none. */
static void absent(struct walk *w, const struct px_model *m, unsigned at)
{
	const struct px_child *child = &m->children[at];
	if (child->choice != 0) {
		tell_choice(w, m, at);
		return;
	}
	size_t base = w->path.len;
	char before[8];
	px_buf_addf(&w->path, "/%s", child->name);
	enter(w, child, before);
	const struct px_model *inner = px_shape_model(w->shape, child->decl);
	bool wants = false;
	for (unsigned i = 0; i < inner->n && w->depth <= PX_SHAPE_DEPTH; i++) {
		if (!inner->children[i].required || is_alternative(inner, i))
			continue;
		wants = true;
		absent(w, inner, i);
	}
	if (!wants) {
		memcpy(w->class_number, before, sizeof(before));
		tell(w, child);
	}
	leave(w, before, base);
}

static void present(struct walk *w, const xmlNode *node, const struct px_model *m);

static void present_child(struct walk *w, const xmlNode *node, const struct px_child *child)
{
	const struct px_model *inner = px_shape_model(w->shape, child->decl);
	unsigned nth = 0;
	for (const xmlNode *n = first_named(node, child->name); n != NULL && inner->n > 0; n = n->next) {
		if (!is_named(n, child->name))
			continue;
		size_t base = w->path.len;
		char before[8];
		px_buf_addf(&w->path, "/%s", child->name);
		if (child->repeats)
			px_buf_addf(&w->path, "[%u]", ++nth);
		enter(w, child, before);
		present(w, n, inner);
		leave(w, before, base);
	}
}

static void present(struct walk *w, const xmlNode *node, const struct px_model *m)
{
	for (unsigned i = 0; i < m->n && w->depth <= PX_SHAPE_DEPTH; i++) {
		const struct px_child *child = &m->children[i];
		if (child->required && !is_alternative(m, i) && !has_one(node, m, child))
			absent(w, m, i);
		present_child(w, node, child);
	}
}

void px_shape_missing(struct px_shape *shape, const xmlDoc *doc, px_missing_cb *cb, void *arg)
{
	struct walk w = {.shape = shape, .cb = cb, .arg = arg, .path = PX_BUF_INIT};
	xmlNode *root = xmlDocGetRootElement(doc);
	px_buf_addf(&w.path, "/%s", root->name);
	present(&w, root, px_shape_model(shape, px_shape_root(shape)));
	px_buf_free(&w.path);
}

/* --- putting a value in --- */

struct step {
	char name[128];
	unsigned nth;
};

/* The next step of a path; NULL: it is no path. */
static const char *next_step(const char *path, struct step *out)
{
	size_t n = strcspn(path, "/[");
	out->nth = 1;
	if (n == 0 || !px_strlcpy_n(out->name, path, n, sizeof(out->name)))
		return NULL;
	path += n;
	if (*path == '[') {
		char digits[12];
		uint64_t nth;
		n = strcspn(path, "]");
		if (path[n] != ']' || !px_strlcpy_n(digits, path + 1, n - 1, sizeof(digits)) ||
		    px_parse_u64(digits, 1, 99999, &nth) != PX_OK)
			return NULL;
		out->nth = (unsigned)nth;
		path += n + 1;
	}
	if (*path == '\0')
		return path;
	return *path == '/' && path[1] != '\0' ? path + 1 : NULL;
}

static int no_such(const struct px_model *m, const xmlNode *parent, const char *name, struct px_buf *why)
{
	const char **names = px_xcalloc(m->n + 1, sizeof(*names));
	for (unsigned i = 0; i < m->n; i++)
		names[i] = m->children[i].name;
	const char *guess = px_nearest(name, names, m->n);
	px_buf_setf(why, "%s has no element %s%s%s%s", parent->name, name,
		    guess != NULL ? "; did you mean " : "", guess != NULL ? guess : "",
		    guess != NULL ? "?" : "");
	free(names);
	return PX_EINVAL;
}

/* Before the first sibling that the model has later. */
static xmlNode *insert(xmlNode *parent, const struct px_model *m, const struct px_child *child)
{
	xmlNode *node = xmlNewDocNode(parent->doc, NULL, BAD_CAST child->name, NULL);
	px_assert(node != NULL);
	for (xmlNode *n = xmlFirstElementChild(parent); n != NULL; n = xmlNextElementSibling(n)) {
		const struct px_child *other = px_model_find(m, (const char *)n->name);
		if (other != NULL && other > child)
			return xmlAddPrevSibling(n, node);
	}
	return xmlAddChild(parent, node);
}

static int go(xmlNode **at, const struct px_model *m, const struct step *step, const struct px_child **child,
	      struct px_buf *why)
{
	unsigned count = 0;
	*child = px_model_find(m, step->name);
	if (*child == NULL)
		return no_such(m, *at, step->name, why);
	for (xmlNode *n = xmlFirstElementChild(*at); n != NULL; n = xmlNextElementSibling(n)) {
		if (is_named(n, step->name) && ++count == step->nth) {
			*at = n;
			return PX_OK;
		}
	}
	if (step->nth != count + 1) {
		px_buf_setf(why, "%s has %u %s: the next is %s[%u]", (*at)->name, count, step->name,
			    step->name, count + 1);
		return PX_EINVAL;
	}
	*at = insert(*at, m, *child);
	return PX_OK;
}

static void put_text(xmlNode *node, const char *value)
{
	xmlNode *old = node->children;
	node->children = node->last = NULL;
	xmlFreeNodeList(old);
	xmlAddChild(node, xmlNewDocText(node->doc, BAD_CAST value));
}

static int put_attribute(xmlNode *node, const char *name, const char *value, struct px_buf *why)
{
	const bool is_xml = px_str_starts(name, "xml:");
	if (is_xml)
		name += strlen("xml:");
	if (xmlValidateNCName(BAD_CAST name, 0) != 0) {
		px_buf_setf(why, "\"%s\" is no name of an attribute", name);
		return PX_EINVAL;
	}
	xmlSetNsProp(node, is_xml ? xmlSearchNs(node->doc, node, BAD_CAST "xml") : NULL, BAD_CAST name,
		     BAD_CAST value);
	return PX_OK;
}

/* Past `/` and the name of the root, where they are given. */
static int skip_root(const xmlNode *root, const char **path, struct px_buf *why)
{
	struct step step;
	if (**path != '/')
		return PX_OK;
	const char *rest = next_step(*path + 1, &step);
	const char *colon = strchr(step.name, ':');
	if (rest == NULL || strcmp(colon != NULL ? colon + 1 : step.name, (const char *)root->name) != 0) {
		px_buf_setf(why, "a path begins with /%s/ or with what is below it", root->name);
		return PX_EINVAL;
	}
	*path = rest;
	return PX_OK;
}

int px_shape_set(struct px_shape *shape, xmlDoc *doc, const char *path, const char *value, struct px_buf *why)
{
	xmlNode *at = xmlDocGetRootElement(doc);
	const struct px_model *m = px_shape_model(shape, px_shape_root(shape));
	int rc = skip_root(at, &path, why);
	while (rc == PX_OK && *path != '\0' && *path != '@') {
		struct step step;
		const struct px_child *child;
		path = next_step(path, &step);
		if (path == NULL) {
			px_buf_setf(why, "not a path; it is Parent/Child[2]/leaf or Parent/@attribute");
			return PX_EINVAL;
		}
		rc = go(&at, m, &step, &child, why);
		if (rc == PX_OK)
			m = px_shape_model(shape, child->decl);
	}
	if (rc != PX_OK)
		return rc;
	if (*path == '@')
		return put_attribute(at, path + 1, value, why);
	if (m->n > 0) {
		px_buf_setf(why, "%s has elements of its own: name one of them", at->name);
		return PX_EINVAL;
	}
	put_text(at, value);
	return PX_OK;
}
