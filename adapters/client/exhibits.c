/* prinex: the signed exchanges that an officer's answer leads to
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/exhibits.h"

#include <libxml/parser.h>

#include "base/limits.h"
#include "base/strings.h"
#include "client/files.h"
#include "xml/prescan.h"

/* --- which --- */

static void read_child(const xmlNode *parent, const char *name, char *out, size_t size)
{
	out[0] = '\0';
	for (const xmlNode *n = parent->children; n != NULL; n = n->next) {
		xmlChar *text = NULL;
		if (n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0)
			text = xmlNodeGetContent(n);
		if (text != NULL && !px_strlcpy(out, (const char *)text, size))
			out[0] = '\0'; /* longer than any is */
		xmlFree(text);
	}
}

/* Nothing of it is believed that could lead elsewhere. */
static bool read_one(const xmlNode *n, struct px_exhibit *x)
{
	char digest[PX_DIGEST_HEX];
	*x = (struct px_exhibit){.sender = ""};
	read_child(n, "Sender", x->sender, sizeof(x->sender));
	read_child(n, "MessageId", x->message_id, sizeof(x->message_id));
	read_child(n, "Digest", digest, sizeof(digest));
	return px_is_authority(x->sender) && px_is_message_id(x->message_id) &&
	       strlen(digest) == sizeof(digest) - 1 && px_unhex(digest, x->digest, PX_DIGEST_LEN) == PX_OK;
}

static bool is_known(const struct px_exhibit *all, unsigned n, const struct px_exhibit *x)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(all[i].sender, x->sender) == 0 && strcmp(all[i].message_id, x->message_id) == 0)
			return true;
	}
	return false;
}

static bool is_called(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

/* Declarations in their newest version, and whatever else was sent; one that stands in both is one. */
static int read_movement(const xmlNode *m, struct px_exhibit **all, unsigned *n)
{
	unsigned first = *n; /* an exchange belongs to one movement */
	for (const xmlNode *c = m->children; c != NULL; c = c->next) {
		struct px_exhibit x;
		if (!is_called(c, "Declaration") && !is_called(c, "Sent"))
			continue;
		if (!read_one(c, &x))
			return PX_EPARSE;
		if (is_known(*all + first, *n - first, &x))
			continue;
		*all = px_xrealloc_array(*all, *n + 1, sizeof(**all));
		(*all)[(*n)++] = x;
	}
	return PX_OK;
}

int px_exhibits_read(const uint8_t *doc, size_t len, struct px_exhibit **out, unsigned *n)
{
	struct px_findings errors = {0};
	xmlDoc *tree = NULL;
	int rc = PX_EPARSE;
	*out = px_xcalloc(1, sizeof(**out));
	*n = 0;
	if (len <= INT32_MAX && px_prescan(doc, len, &errors) == PX_OK)
		tree = xmlReadMemory((const char *)doc, (int)len, NULL, NULL,
				     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	px_findings_free(&errors);
	xmlResetLastError();
	const xmlNode *root = tree != NULL ? xmlDocGetRootElement(tree) : NULL;
	if (root != NULL && is_called(root, "Movements")) {
		rc = PX_OK;
		for (const xmlNode *m = root->children; m != NULL && rc == PX_OK; m = m->next)
			rc = is_called(m, "Movement") ? read_movement(m, out, n) : PX_OK;
	}
	xmlFreeDoc(tree);
	return rc;
}

/* --- keeping --- */

const char *px_exhibit_end_name(enum px_exhibit_end end)
{
	static const char *const names[] = {"new",       "known",   "differs", "gone",
					    "unwritten", "not yet", "barred"};
	px_assert((size_t)end < PX_ARRAY_LEN(names));
	return names[end];
}

static bool is_it(const struct px_exhibit *x, const struct px_buf *octets)
{
	uint8_t digest[PX_DIGEST_LEN];
	px_sha256(octets->data, octets->len, digest);
	return memcmp(digest, x->digest, PX_DIGEST_LEN) == 0;
}

/* What lies under its name: an earlier run may have been cut off before it flushed. */
static enum px_exhibit_end compare(const struct px_exhibit *x, const char *path, struct px_buf *why)
{
	struct px_buf old = PX_BUF_INIT;
	enum px_exhibit_end end = PX_EXHIBIT_UNWRITTEN;
	int rc = px_buf_read_file(&old, path, (size_t)PX_LIMIT_BODY_MAX, why);
	if (rc == PX_OK && is_it(x, &old)) {
		end = px_file_flush(path, why) == PX_OK ? PX_EXHIBIT_KNOWN : PX_EXHIBIT_UNWRITTEN;
	} else if (rc == PX_OK) {
		px_buf_setf(why, "it is there already with other octets");
		end = PX_EXHIBIT_DIFFERS;
	}
	px_buf_free(&old);
	return end;
}

static enum px_exhibit_end take(const struct px_exhibit *x, const struct px_reply *r, const char *path,
				struct px_buf *why)
{
	if (r->end != PX_LINK_ANSWERED || (r->status != 200 && r->status != 404)) {
		px_reply_describe(r, why);
		return px_reply_is_temporary(r) || r->end == PX_LINK_STOPPED ? PX_EXHIBIT_NOT_YET
									     : PX_EXHIBIT_BARRED;
	}
	if (r->status == 404) {
		px_buf_setf(why, "the broker has it not any more");
		return PX_EXHIBIT_GONE;
	}
	if (!is_it(x, &r->body)) {
		px_buf_setf(why,
			    "what the broker gave is not what it had told of: the digest is another one");
		return PX_EXHIBIT_DIFFERS;
	}
	return px_file_put(path, r->body.data, r->body.len, why) == PX_OK ? PX_EXHIBIT_NEW
									  : PX_EXHIBIT_UNWRITTEN;
}

enum px_exhibit_end px_exhibit_keep(struct px_link *link, const struct px_exhibit *x, const char *folder,
				    struct px_buf *path, struct px_buf *why)
{
	struct px_buf resource = PX_BUF_INIT;
	struct px_reply reply = {0};
	px_buf_clear(why);
	px_buf_setf(path, "%s%s%s_%s.xml", folder, px_str_ends(folder, "/") ? "" : "/", x->sender,
		    x->message_id);
	if (px_file_exists(px_buf_str(path)))
		return compare(x, px_buf_str(path), why);
	px_buf_addf(&resource, "/v1/exchanges/%s/%s/body", x->sender, x->message_id);
	px_link_request(link, px_buf_str(&resource), NULL, 0, 0, (size_t)PX_LIMIT_BODY_MAX, &reply);
	enum px_exhibit_end end = take(x, &reply, px_buf_str(path), why);
	px_reply_free(&reply);
	px_buf_free(&resource);
	return end;
}
