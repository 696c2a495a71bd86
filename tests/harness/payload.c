/* prinex: payloads of a case: files, examples, keys
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libgen.h>
#include <openssl/rand.h>
#include <unistd.h>

#include "base/strings.h"
#include "cast.h"
#include "client/payload.h"
#include "make.h"

/* --- payloads --- */

static bool readable(struct px_buf *path, const char *folder, const char *name)
{
	px_buf_setf(path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
	return access(px_buf_str(path), R_OK) == 0;
}

static int find_file(struct px_play *p, const char *name, struct px_buf *path)
{
	struct px_buf examples = PX_BUF_INIT;
	px_buf_addf(&examples, "%s/schemas/examples", p->venue->root);
	bool found = name[0] == '/'
			 ? readable(path, "", name)
			 : readable(path, p->here, name) || readable(path, px_buf_str(&examples), name);
	px_buf_free(&examples);
	return found
		   ? PX_OK
		   : px_fail(p, "a file beside the scenario or in schemas/examples", "there is no %s", name);
}

int px_read_file(struct px_play *p, const char *name, struct px_buf *out)
{
	struct px_buf path = PX_BUF_INIT, why = PX_BUF_INIT;
	int rc = find_file(p, name, &path);
	if (rc == PX_OK && px_buf_read_file(out, px_buf_str(&path), PX_DOCUMENT_MAX, &why) != PX_OK)
		rc = px_fail(p, "a file that can be read", "%s", px_buf_str(&why));
	px_buf_free(&path);
	px_buf_free(&why);
	return rc;
}

/* Text of all elements of this name. */
static int set_all(struct px_play *p, struct px_buf *doc, const char *name, const char *value)
{
	struct px_buf out = PX_BUF_INIT;
	char open[64];
	unsigned found = 0;
	snprintf(open, sizeof(open), "<%s>", name);
	const char *at = px_buf_str(doc), *hit;
	while ((hit = strstr(at, open)) != NULL) {
		hit += strlen(open);
		px_buf_add(&out, at, (size_t)(hit - at));
		px_buf_add_xml_text(&out, value, strlen(value));
		at = hit + strcspn(hit, "<");
		found++;
	}
	px_buf_adds(&out, at);
	px_buf_free(doc);
	*doc = out;
	return found > 0 ? PX_OK
			 : px_fail(p, "an element whose text can be set", "the payload has no <%s>", name);
}

static void add_padding(struct px_buf *root, int64_t octets)
{
	struct px_buf out = PX_BUF_INIT;
	size_t open = 0;
	while (open < root->len && root->data[open] != '>')
		open++;
	px_buf_add(&out, root->data, open + 1);
	px_buf_adds(&out, "<!--");
	for (int64_t i = 0; i < octets; i++)
		px_buf_addc(&out, (char)('a' + i % 26));
	px_buf_adds(&out, "-->");
	px_buf_add(&out, root->data + open + 1, root->len - open - 1);
	px_buf_free(root);
	*root = out;
}

void px_type_of_file(const char *from, char *out, size_t size)
{
	char *copy = px_xstrdup(from), *name = basename(copy);
	px_strlcpy_n(out, name, strcspn(name, "-."), size);
	free(copy);
}

/* The root element of what is to be sent. */
static int payload(struct px_play *p, const struct px_call *call, const char *type, struct px_buf *out)
{
	struct px_buf raw = PX_BUF_INIT, name = PX_BUF_INIT, why = PX_BUF_INIT;
	const char *from = px_call_key(call, "from");
	struct px_document doc;
	int rc = PX_OK;
	px_buf_addf(&name, "%s-small.xml", type);
	if (call->body.s != NULL)
		px_buf_add(&raw, call->body.s, call->body.n);
	else
		rc = px_read_file(p, from != NULL ? from : px_buf_str(&name), &raw);
	if (rc == PX_OK && px_document_read(raw.data, raw.len, "", &doc, &why) != PX_OK) {
		rc = px_fail(p, "a payload that is XML", "%s", px_buf_str(&why));
	} else if (rc == PX_OK) {
		px_buf_add(out, doc.octets.data + doc.root, doc.root_len);
		px_document_free(&doc);
	}
	px_buf_free(&raw);
	px_buf_free(&name);
	px_buf_free(&why);
	return rc;
}

void px_numbered(const char *pattern, unsigned number, struct px_buf *out)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '%' && number > 0)
			px_buf_addf(out, "%u", number);
		else
			px_buf_addc(out, *pattern);
	}
}

/* --- keys: each document about a consignment of its own, unless it is said --- */

static unsigned digit_value(char c)
{
	if (c <= '9')
		return (unsigned)(c - '0');
	unsigned v = 10 + (unsigned)(c - 'A');
	/* A10 B12 ... K21 L23 ... U32 V34: multiples of eleven are left out */
	return v + 1 - (c == 'A') + (c > 'K') + (c > 'U');
}

/* Another MRN of the same year, country and kind: twelve characters by chance, and the check character. */
static bool fresh_mrn(const struct px_buf *root, char out[19])
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
	unsigned char chance[12];
	unsigned long sum = 0;
	const char *at = strstr(px_buf_str(root), "<MRN>");
	if (at == NULL || strcspn(at + 5, "<") != 18)
		return false;
	px_strlcpy_n(out, at + 5, 18, 19);
	px_assert(RAND_bytes(chance, sizeof(chance)) == 1);
	for (unsigned i = 0; i < sizeof(chance); i++)
		out[4 + i] = alphabet[chance[i] % (sizeof(alphabet) - 1)];
	for (unsigned i = 0; i < 17; i++)
		sum += (unsigned long)digit_value(out[i]) << i;
	out[17] = (char)('0' + sum % 11 % 10);
	return true;
}

static void fresh_keys(struct px_play *p, const struct px_call *call, struct px_buf *root)
{
	unsigned char chance[6];
	char hex[13], lrn[20], mrn[19];
	if (call->body.s != NULL)
		return;
	px_assert(RAND_bytes(chance, sizeof(chance)) == 1);
	px_hex(chance, sizeof(chance), hex);
	snprintf(lrn, sizeof(lrn), "SCN-%s", hex);
	if (px_call_key(call, "lrn") == NULL && strstr(px_buf_str(root), "<LRN>") != NULL)
		(void)set_all(p, root, "LRN", lrn);
	if (px_call_key(call, "mrn") == NULL && fresh_mrn(root, mrn))
		(void)set_all(p, root, "MRN", mrn);
}

int px_fill_payload(struct px_play *p, const struct px_call *call, const char *type, unsigned number,
		    struct px_buf *root)
{
	static const char *const keys[] = {"lrn", "LRN", "mrn", "MRN"};
	int rc = payload(p, call, type, root);
	if (rc == PX_OK)
		fresh_keys(p, call, root);
	for (unsigned i = 0; rc == PX_OK && i < PX_ARRAY_LEN(keys); i += 2) {
		const char *value = px_call_key(call, keys[i]);
		struct px_buf text = PX_BUF_INIT;
		if (value == NULL || strcmp(value, "as-is") == 0)
			continue;
		px_numbered(value, number, &text);
		rc = set_all(p, root, keys[i + 1], px_buf_str(&text));
		px_buf_free(&text);
	}
	if (rc == PX_OK && px_call_key(call, "pad") != NULL)
		add_padding(root, px_call_number(call, "pad", 0));
	if (rc == PX_OK &&
	    (px_call_key(call, "declarant") != NULL || px_call_key(call, "destination") != NULL))
		rc = px_fail(p, "the payload to say declarant and destination",
			     "these words are for virtual scenarios");
	return rc;
}

int px_make_payload(struct px_play *p, const struct px_call *call, struct px_buf *out)
{
	const char *type = px_call_key(call, "type"), *from = px_call_key(call, "from");
	char guessed[PX_TYPE_MAX + 1] = "";
	if (type == NULL && from == NULL)
		type = PX_DEFAULT_TYPE;
	if (type == NULL)
		px_type_of_file(from, guessed, sizeof(guessed));
	return px_fill_payload(p, call, type != NULL ? type : guessed, 0, out);
}
