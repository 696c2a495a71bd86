/* prinex: fuzzing the rules that come with prinex, over documents no schema has judged
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: xml */

#include <libxml/parser.h>
#include <unistd.h>

#include "base/strings.h"
#include "xml/examine.h"
#include "xml/offices.h"
#include "xml/prescan.h"
#include "xml/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = {"schemas/rules/prinex.sch", "schemas/rules/ncts5.sch",
				    "schemas/rules/ens.sch", "tests/fuzz/same.sch"};
static struct px_rules *rules[PX_ARRAY_LEN(files)];
static struct px_offices *offices;

static void load(void)
{
	char target[64];
	struct px_buf why = PX_BUF_INIT;
	snprintf(target, sizeof(target), "/tmp/prinex-fuzz-rules-%d", (int)getpid());
	struct px_offices_import import = {.source = "tests/rules/offices.csv", .target = target};
	px_xml_init();
	for (size_t i = 0; i < PX_ARRAY_LEN(files); i++)
		px_assert(px_rules_load(files[i], &rules[i], &why) == PX_OK);
	px_assert(px_offices_import(&import, &why) == PX_OK);
	px_assert(px_offices_open(target, &offices, &why) == PX_OK);
	unlink(target);
}

struct seen {
	xmlDoc *doc;
	unsigned hits;
	unsigned is_one; /* three of same.sch that ask the same */
};

/* A hit is about this document, and can be told. */
static void hit(void *arg, const struct px_rule_hit *h)
{
	struct seen *seen = arg;
	seen->hits++;
	px_assert(strncmp(h->rule->id, "SAME", 4) != 0);
	seen->is_one += strncmp(h->rule->id, "IS", 2) == 0;
	px_assert(h->rule->id[0] != '\0' && h->node != NULL && h->node->doc == seen->doc);
	px_assert(h->text != NULL && h->text[0] != '\0');
	px_assert(px_utf8_cut(h->text, strlen(h->text), strlen(h->text)) == strlen(h->text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (rules[0] == NULL)
		load();
	struct px_findings errors = {0};
	int rc = px_prescan(data, size, &errors);
	px_findings_free(&errors);
	if (rc != PX_OK) /* no parser ever sees it */
		return 0;
	xmlDoc *doc = xmlReadMemory((const char *)data, (int)size, NULL, NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	for (size_t i = 0; i < PX_ARRAY_LEN(files) && doc != NULL; i++) {
		struct seen first = {.doc = doc}, second = {.doc = doc}, bare = {.doc = doc};
		px_rules_run(rules[i], doc, offices, hit, &first);
		px_rules_run(rules[i], doc, offices, hit, &second);
		px_rules_run(rules[i], doc, NULL, hit, &bare);
		px_assert(first.hits == second.hits); /* nothing stays from one document to the next */
		px_assert(first.is_one % 3 == 0);
		px_assert(bare.hits <= first.hits); /* without a list nothing is said about offices */
	}
	xmlFreeDoc(doc);
	return 0;
}
