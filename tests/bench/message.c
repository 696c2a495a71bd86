/* prinex: signed exchanges by the thousand, for the benchmark
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "message.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>

#include "base/clock.h"
#include "base/strings.h"

#define ID_ROOM "B0000000000"

void px_bench_die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

struct px_seal_key *px_bench_key(const char *folder, const char *name)
{
	char key[512], cert[512];
	struct px_seal_key *k = NULL;
	struct px_buf why = PX_BUF_INIT;
	snprintf(key, sizeof(key), "%s/%s.key", folder, name);
	snprintf(cert, sizeof(cert), "%s/%s.pem", folder, name);
	if (px_seal_key_load(key, cert, &k, &why) != PX_OK)
		px_bench_die(key, px_buf_str(&why));
	px_buf_free(&why);
	return k;
}

/* The root element's octets: what stands in front of it does not travel. */
static const char *root_of(struct px_buf *payload, const char *file)
{
	struct px_buf why = PX_BUF_INIT;
	if (px_buf_read_file(payload, file, 16 << 20, &why) != PX_OK)
		px_bench_die(file, px_buf_str(&why));
	px_buf_free(&why);
	const char *root = px_buf_str(payload);
	if (strncmp(root, "<?xml", 5) == 0)
		root = strstr(root, "?>") + 2;
	return root + strspn(root, "\r\n\t ");
}

static void canonical(struct px_buf *plain, struct px_buf *out, const char *file)
{
	xmlDocPtr doc =
	    xmlReadMemory((const char *)plain->data, (int)plain->len, NULL, NULL, XML_PARSE_NONET);
	xmlChar *octets = NULL;
	int len = doc != NULL ? xmlC14NDocDumpMemory(doc, NULL, XML_C14N_EXCLUSIVE_1_0, NULL, 0, &octets)
			      : -1;
	if (len < 0)
		px_bench_die(file, "not well-formed");
	px_buf_add(out, octets, (size_t)len);
	xmlFree(octets);
	xmlFreeDoc(doc);
}

/* Where the text of the first <@name> after @from begins. @return false: there is none. */
static bool text_of(const struct px_buf *doc, const char *name, size_t from, size_t *at, size_t *len)
{
	char tag[32];
	snprintf(tag, sizeof(tag), "<%s>", name);
	const char *start = (const char *)doc->data + from;
	const char *found = strstr(start, tag);
	if (found == NULL)
		return false;
	found += strlen(tag);
	*at = (size_t)(found - (const char *)doc->data);
	*len = strcspn(found, "<");
	return true;
}

void px_bench_template_load(struct px_bench_template *t, const char *file, const struct px_bench_about *about)
{
	struct px_buf payload = PX_BUF_INIT, plain = PX_BUF_INIT;
	char now[32];
	const char *root = root_of(&payload, file);
	px_time_format(px_clock_wall(px_clock_real()) / 1000 * 1000, now, sizeof(now));
	px_buf_addf(&plain,
		    "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\"><px:Header><px:MessageId>" ID_ROOM
		    "</px:MessageId><px:Environment>%s</px:Environment><px:Sender>%s</px:Sender>"
		    "<px:Recipient>%s%s</px:Recipient><px:MessageType>%s</px:MessageType>"
		    "<px:CreatedAt>%s</px:CreatedAt></px:Header><px:Payload>%s</px:Payload></px:Exchange>",
		    about->environment, about->sender, about->recipient, about->recipients > 0 ? "-000" : "",
		    about->type, now, root);
	*t = (struct px_bench_template){.doc = PX_BUF_INIT, .recipients = about->recipients};
	canonical(&plain, &t->doc, file);
	size_t len = 0, body = (size_t)(strstr(px_buf_str(&t->doc), "<px:Payload>") - px_buf_str(&t->doc));
	text_of(&t->doc, "px:MessageId", 0, &t->id_at, &len);
	text_of(&t->doc, "px:Recipient", 0, &t->recipient_at, &len);
	t->recipient_at += len;
	t->has_mrn = text_of(&t->doc, "MRN", body, &t->mrn_at, &len) && len == 18;
	text_of(&t->doc, "LRN", body, &t->lrn_at, &t->lrn_len);
	if (!t->has_mrn && t->lrn_len < 12)
		px_bench_die(file, "neither MRN nor LRN, or not long enough to number it");
	px_buf_free(&payload);
	px_buf_free(&plain);
}

void px_bench_template_free(struct px_bench_template *t)
{
	px_buf_free(&t->doc);
}

/* Values of characters in a movement reference number: multiples of 11 are left out. */
static unsigned mrn_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	unsigned v = 10 + (unsigned)(c - 'A');
	v += v >= 11 ? 1 : 0;
	v += v >= 22 ? 1 : 0;
	v += v >= 33 ? 1 : 0;
	return v;
}

static void put_mrn(char *at, unsigned run, unsigned number)
{
	char text[20];
	snprintf(text, sizeof(text), "26BY%04u%08uJ", run % 10000, number % 100000000);
	unsigned sum = 0;
	for (unsigned i = 0; i < 17; i++)
		sum += mrn_value(text[i]) << i;
	memcpy(at, text, 17);
	at[17] = (char)('0' + sum % 11 % 10);
}

void px_bench_fill(const struct px_bench_template *t, unsigned run, unsigned number,
		   const struct px_seal_key *key, struct px_buf *out)
{
	char id[16], lrn[16];
	px_buf_add(out, t->doc.data, t->doc.len);
	snprintf(id, sizeof(id), "B%02u%08u", run % 100, number % 100000000);
	memcpy(out->data + t->id_at, id, PX_BENCH_ID_LEN);
	if (t->has_mrn)
		put_mrn((char *)out->data + t->mrn_at, run, number);
	if (t->lrn_len >= 12) {
		snprintf(lrn, sizeof(lrn), "%04u%08u", run % 10000, number % 100000000);
		memcpy(out->data + t->lrn_at + t->lrn_len - 12, lrn, 12);
	}
	if (t->recipients > 0) {
		snprintf(id, sizeof(id), "%03u", number % t->recipients % 1000 + 1);
		memcpy(out->data + t->recipient_at - 3, id, 3);
	}
	if (px_seal(key, out) != PX_OK)
		px_bench_die("sign", "OpenSSL failed");
}

long px_bench_number(const char *id, size_t len, unsigned run)
{
	char text[PX_BENCH_ID_LEN + 1];
	uint64_t n = 0;
	if (len != PX_BENCH_ID_LEN || id[0] != 'B')
		return -1;
	px_strlcpy_n(text, id + 1, len - 1, sizeof(text));
	if (px_parse_u64(text, 0, UINT64_C(9999999999), &n) != PX_OK || n / 100000000 != run % 100)
		return -1;
	return (long)(n % 100000000);
}
