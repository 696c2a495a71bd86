/* prinex: a document as it lies in a file, before it becomes an exchange
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/payload.h"

#include <errno.h>
#include <iconv.h>
#include <libxml/parser.h>
#include <strings.h>

#include "base/strings.h"
#include "client/settings.h"
#include "conf/table.h"
#include "flow/confirm.h"
#include "xml/locate.h"
#include "xml/prescan.h"

#define NS_EXCHANGE "urn:prinex:exchange:1"
#define NS_DSIG     "http://www.w3.org/2000/09/xmldsig#"
#define BOM         "\xef\xbb\xbf"

/* --- encoding --- */

static int convert(const uint8_t *data, size_t len, const char *from, struct px_buf *out, struct px_buf *why)
{
	iconv_t cd = iconv_open("UTF-8", from);
	if (cd == (iconv_t)-1) {
		px_buf_setf(why, "encoding %s is not known on this machine (`iconv -l` lists them)", from);
		return PX_EPARSE;
	}
	char *in = (char *)data;
	size_t left = len;
	int rc = PX_OK;
	while (left > 0 && rc == PX_OK) {
		size_t room = left * 2 + 16;
		char *to = (char *)px_buf_reserve(out, room), *start = to;
		size_t n = iconv(cd, &in, &left, &to, &room);
		px_buf_grown(out, (size_t)(to - start));
		if (n == (size_t)-1 && errno != E2BIG) {
			px_buf_setf(why, "octet 0x%02X at offset %zu is not %s", (unsigned)(uint8_t)*in,
				    (size_t)((const uint8_t *)in - data), from);
			rc = PX_EPARSE;
		}
	}
	iconv_close(cd);
	return rc;
}

/* What the XML declaration at @text says, "" nothing; *@end: behind the declaration, 0 none. */
static void read_declaration(const char *text, size_t len, char *encoding, size_t size, size_t *end)
{
	*end = 0;
	px_strlcpy(encoding, "", size);
	const char *stop = len > 6 && memcmp(text, "<?xml", 5) == 0 && strchr(" \t\r\n", text[5]) != NULL
			       ? memmem(text, len, "?>", 2)
			       : NULL;
	if (stop == NULL)
		return;
	*end = (size_t)(stop - text) + 2;
	const char *at = memmem(text, *end, "encoding", 8);
	at = at != NULL ? at + 8 + strspn(at + 8, " \t\r\n=") : NULL;
	if (at == NULL || at >= stop || (*at != '"' && *at != '\''))
		return;
	const char *close = memchr(at + 1, *at, (size_t)(stop - at - 1));
	if (close != NULL)
		px_strlcpy_n(encoding, at + 1, (size_t)(close - at - 1), size);
}

static bool is_utf8_name(const char *name)
{
	return name[0] == '\0' || strcasecmp(name, "UTF-8") == 0 || strcasecmp(name, "UTF8") == 0 ||
	       strcasecmp(name, "US-ASCII") == 0 || strcasecmp(name, "ASCII") == 0;
}

static bool has_foreign_utf8(const uint8_t *data, size_t len)
{
	bool foreign = false;
	for (size_t i = 0; i < len;) {
		size_t n = px_utf8_length((const char *)data + i, len - i);
		if (n == 0)
			return false;
		foreign |= n > 1;
		i += n;
	}
	return foreign;
}

/* The text in UTF-8 without byte order mark and declaration. */
static int decode(const uint8_t *data, size_t len, const char *from, struct px_document *doc,
		  struct px_buf *why)
{
	char declared[64];
	size_t skip;
	struct px_buf text = PX_BUF_INIT;
	bool bom = len >= 3 && memcmp(data, BOM, 3) == 0;
	if (len >= 2 && !bom && is_utf8_name(from) &&
	    ((data[0] == 0xff && data[1] == 0xfe) || (data[0] == 0xfe && data[1] == 0xff))) {
		px_buf_setf(why, "this is UTF-16: say %sfrom-encoding UTF-16", px_setting_mark);
		return PX_EPARSE;
	}
	if (!is_utf8_name(from) && !bom) {
		read_declaration((const char *)data, len, declared, sizeof(declared), &skip);
		if (skip > 0 && is_utf8_name(declared) && has_foreign_utf8(data, len)) {
			px_buf_setf(why, "this is UTF-8 (declared and valid), not %s", from);
			return PX_EPARSE;
		}
		int rc = convert(data, len, from, &text, why);
		if (rc != PX_OK) {
			px_buf_free(&text);
			return rc;
		}
	} else {
		px_buf_add(&text, data, len);
	}
	size_t at = text.len >= 3 && memcmp(text.data, BOM, 3) == 0 ? 3 : 0;
	read_declaration(px_buf_str(&text) + at, text.len - at, declared, sizeof(declared), &skip);
	if (is_utf8_name(from) && !is_utf8_name(declared)) {
		px_buf_setf(why, "it says that its encoding is %s: say %sfrom-encoding %s", declared,
			    px_setting_mark, declared);
		px_buf_free(&text);
		return PX_EPARSE;
	}
	/* the line breaks of a declaration stay, so that line numbers do */
	for (size_t i = at; i < at + skip; i++) {
		if (text.data[i] == '\n')
			px_buf_addc(&doc->octets, '\n');
	}
	px_buf_add(&doc->octets, text.data + at + skip, text.len - at - skip);
	px_buf_free(&text);
	return PX_OK;
}

/* --- what it is --- */

static bool is_in(const xmlNode *node, const char *ns, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->ns->href, ns) == 0 && strcmp((const char *)node->name, name) == 0;
}

static void read_field(struct px_header *h, const char *name, const char *text)
{
	if (strcmp(name, "MessageId") == 0)
		px_strlcpy(h->message_id, text, sizeof(h->message_id));
	else if (strcmp(name, "Environment") == 0)
		px_strlcpy(h->environment, text, sizeof(h->environment));
	else if (strcmp(name, "Sender") == 0)
		px_strlcpy(h->sender, text, sizeof(h->sender));
	else if (strcmp(name, "Recipient") == 0 && h->n_recipients < PX_RECIPIENTS_MAX)
		px_strlcpy(h->recipients[h->n_recipients++], text, sizeof(h->recipients[0]));
	else if (strcmp(name, "MessageType") == 0)
		px_strlcpy(h->type, text, sizeof(h->type));
	else if (strcmp(name, "TypeVersion") == 0)
		px_strlcpy(h->type_version, text, sizeof(h->type_version));
	else if (strcmp(name, "CreatedAt") == 0)
		(void)px_time_parse(text, &h->created_at);
	else if (strcmp(name, "ExpiresAt") == 0)
		(void)px_time_parse(text, &h->expires_at);
	else if (strcmp(name, "CorrelationId") == 0)
		px_strlcpy(h->correlation_id, text, sizeof(h->correlation_id));
}

static void read_header(const xmlNode *header, struct px_document *doc)
{
	for (const xmlNode *n = header->children; n != NULL; n = n->next) {
		if (n->type != XML_ELEMENT_NODE)
			continue;
		xmlChar *text = xmlNodeGetContent(n);
		if (text != NULL)
			read_field(&doc->header, (const char *)n->name, (const char *)text);
		xmlFree(text);
	}
	doc->has_header = px_is_authority(doc->header.sender) && px_is_message_id(doc->header.message_id);
}

static void classify(xmlDoc *tree, struct px_document *doc)
{
	const xmlNode *root = xmlDocGetRootElement(tree);
	doc->is = is_in(root, NS_EXCHANGE, "Exchange")       ? PX_DOC_IS_EXCHANGE
		  : is_in(root, NS_EXCHANGE, "Confirmation") ? PX_DOC_IS_CONFIRMATION
		  : is_in(root, NS_EXCHANGE, "Node")         ? PX_DOC_IS_NODE
							     : PX_DOC_IS_PAYLOAD;
	for (const xmlNode *n = root->children; n != NULL && doc->is != PX_DOC_IS_PAYLOAD; n = n->next) {
		doc->is_signed |= is_in(n, NS_DSIG, "Signature");
		if (doc->is == PX_DOC_IS_EXCHANGE && is_in(n, NS_EXCHANGE, "Header"))
			read_header(n, doc);
	}
}

static int parse(struct px_document *doc, struct px_buf *why)
{
	struct px_findings errors = {0};
	if (doc->octets.len > INT32_MAX || px_prescan(doc->octets.data, doc->octets.len, &errors) != PX_OK) {
		px_buf_setf(why, "line %u: %s", errors.n > 0 ? errors.items[0].line : 0,
			    errors.n > 0 ? errors.items[0].text : "too long");
		px_findings_free(&errors);
		return PX_EPARSE;
	}
	xmlParserCtxt *ctx = xmlNewParserCtxt();
	px_assert(ctx != NULL);
	xmlDoc *tree = xmlCtxtReadMemory(ctx, (const char *)doc->octets.data, (int)doc->octets.len, NULL,
					 "UTF-8", XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	/* a prefix without declaration is still a tree to libxml2 */
	bool good = tree != NULL && ctx->nsWellFormed;
	if (good) {
		classify(tree, doc);
	} else {
		px_buf_setf(why, "line %d: not well-formed: %s", ctx->lastError.line,
			    ctx->lastError.message != NULL ? ctx->lastError.message : "");
		while (why->len > 0 && why->data[why->len - 1] == '\n')
			why->data[--why->len] = '\0';
	}
	xmlFreeDoc(tree);
	xmlFreeParserCtxt(ctx);
	xmlResetLastError();
	return good ? PX_OK : PX_EPARSE;
}

static const unsigned payload_path[] = {1, 0};

static unsigned count_lines(const uint8_t *data, size_t len)
{
	unsigned n = 0;
	for (size_t i = 0; i < len; i++)
		n += data[i] == '\n';
	return n;
}

void px_payload_lines(const uint8_t *data, size_t len, struct px_line_map *map)
{
	struct px_span span;
	if (!px_locate(data, len, payload_path, 2, &span, NULL))
		return;
	map->first = 1 + count_lines(data, span.offset);
	map->last = map->first + count_lines(data + span.offset, span.len);
	map->other = 1;
}

static int locate(struct px_document *doc, struct px_buf *why)
{
	struct px_span span;
	if (!px_locate(doc->octets.data, doc->octets.len, NULL, 0, &span, NULL)) {
		px_buf_setf(why, "there is no root element");
		return PX_EPARSE;
	}
	doc->root = span.offset;
	doc->root_len = span.len;
	doc->root_line = 1 + count_lines(doc->octets.data, doc->root);
	if (doc->is == PX_DOC_IS_EXCHANGE &&
	    px_locate(doc->octets.data, doc->octets.len, payload_path, 2, &span, NULL)) {
		doc->payload = span.offset;
		doc->payload_len = span.len;
	}
	return PX_OK;
}

int px_document_read(const uint8_t *data, size_t len, const char *from_encoding, struct px_document *out,
		     struct px_buf *why)
{
	*out = (struct px_document){0};
	int rc = decode(data, len, from_encoding, out, why);
	if (rc == PX_OK)
		rc = parse(out, why);
	if (rc == PX_OK && out->is != PX_DOC_IS_PAYLOAD) {
		/* signed or about to be: not an octet may change */
		px_buf_clear(&out->octets);
		px_buf_add(&out->octets, data, len);
	}
	if (rc == PX_OK)
		rc = locate(out, why);
	if (rc != PX_OK)
		px_document_free(out);
	return rc;
}

void px_document_free(struct px_document *doc)
{
	px_buf_free(&doc->octets);
}

/* --- exchanges --- */

void px_wrap(struct px_buf *out, const struct px_header *header, const uint8_t *root, size_t root_len)
{
	px_buf_adds(out, "<px:Exchange xmlns:px=\"" NS_EXCHANGE "\">");
	px_confirm_header(out, header);
	px_buf_adds(out, "<px:Payload>");
	px_buf_add(out, root, root_len);
	px_buf_adds(out, "</px:Payload></px:Exchange>");
}

void px_fresh_id(const char *sender, int64_t now, uint64_t random, char *out)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	char time[32], *to = out;
	px_time_format(now, time, sizeof(time));
	to += snprintf(out, PX_MESSAGE_ID_MAX + 1, "%s", sender);
	for (const char *p = time; *p != '\0' && *p != '.' && *p != 'Z'; p++) {
		if (*p >= '0' && *p <= '9')
			*to++ = *p;
	}
	/* 2 + 14 + 12 characters for a country; at least 6 of chance for the longest authority code */
	for (unsigned i = 0; i < 12 && to < out + PX_MESSAGE_ID_MAX; i++, random >>= 5)
		*to++ = digits[random & 31];
	*to = '\0';
}

int px_parse_expiry(const char *text, int64_t now, int64_t *out)
{
	int64_t span;
	if (px_time_parse(text, out) == PX_OK)
		return PX_OK;
	if (px_parse_duration(text, &span) != PX_OK || span <= 0)
		return PX_EPARSE;
	*out = now / 1000 * 1000 + span;
	return PX_OK;
}
