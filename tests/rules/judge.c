/* prinex: tests: a file of rules judges documents
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/parser.h>

#include "base/strings.h"
#include "cost.h"
#include "xml/examine.h"
#include "xml/load.h"
#include "xml/offices.h"
#include "xml/rules.h"
#include "xml/run.h"

/*
 * usage: rules-judge [--offices FILE] RULES.sch DOCUMENT...
 *        rules-judge --cost OFFICES RULES.sch FOLDER DOCUMENT...   us of the schema in FOLDER, of the rules,
 * octets rules-judge --reference RULES.sch...     prints docs/rules.md
 *
 * Prints a line a finding, fields separated by tabs: document, rule, error|warning, line, pointer, value,
 * text; and for each document and rule whose context it has a line document, rule, "matched". Schemas are not
 * looked at.
 */
struct judge {
	struct px_rules *rules;
	struct px_offices *offices;
	const char *name;
	xmlDoc *doc;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "rules-judge: %s: %s\n", what, why);
	exit(1);
}

/* On one line, whatever it holds. */
static void print_text(const char *s)
{
	for (; *s != '\0'; s++)
		putchar((unsigned char)*s < ' ' ? ' ' : *s);
}

static void found(void *arg, const struct px_rule_hit *hit)
{
	const struct judge *j = arg;
	struct px_buf pointer = PX_BUF_INIT;
	xmlNode *root = xmlDocGetRootElement(j->doc);
	const struct px_run run = {.root = root, .payload = root};
	px_run_pointer(&run, hit->node, &pointer);
	printf("%s\t%s\t%s\t%ld\t%s\t", j->name, hit->rule->id, hit->rule->warning ? "warning" : "error",
	       xmlGetLineNo(hit->node), px_buf_str(&pointer));
	print_text(hit->value != NULL ? hit->value : "");
	putchar('\t');
	print_text(hit->text);
	putchar('\n');
	px_buf_free(&pointer);
}

static void judge(struct judge *j, const char *file)
{
	uint64_t before[1024];
	const char *slash = strrchr(file, '/');
	j->name = slash != NULL ? slash + 1 : file;
	j->doc = xmlReadFile(file, NULL, XML_PARSE_NONET);
	if (j->doc == NULL)
		die(file, "cannot be read");
	for (unsigned i = 0; i < px_rules_count(j->rules) && i < PX_ARRAY_LEN(before); i++)
		before[i] = px_rules_matched(j->rules, i);
	px_rules_run(j->rules, j->doc, j->offices, found, j);
	for (unsigned i = 0; i < px_rules_count(j->rules) && i < PX_ARRAY_LEN(before); i++) {
		if (px_rules_matched(j->rules, i) > before[i])
			printf("%s\t%s\tmatched\n", j->name, px_rules_get(j->rules, i)->id);
	}
	xmlFreeDoc(j->doc);
}

static int reference(const char *const *files, unsigned n)
{
	struct px_buf out = PX_BUF_INIT, why = PX_BUF_INIT;
	if (px_rules_reference(files, n, &out, &why) != PX_OK)
		die("rules", px_buf_str(&why));
	fputs(px_buf_str(&out), stdout);
	px_buf_free(&out);
	return 0;
}

static int cost(char **argv, int argc)
{
	static char name[] = "set";
	struct px_cat_set set = {.name = name, .folder = argv[2], .file = name};
	struct px_buf why = PX_BUF_INIT;
	struct px_offices *offices;
	struct cost c = {0};
	px_xml_init();
	if (px_offices_open(argv[0], &offices, &why) != PX_OK ||
	    px_rules_load(argv[1], &c.rules, &why) != PX_OK || px_load_set(&set, &c.schema, &why) != PX_OK)
		die("cost", px_buf_str(&why));
	c.offices = offices;
	for (int i = 3; i < argc; i++) {
		struct px_buf text = PX_BUF_INIT;
		double schema_us, rules_us;
		if (px_buf_read_file(&text, argv[i], 16 << 20, &why) != PX_OK)
			die(argv[i], px_buf_str(&why));
		c.doc = xmlReadMemory((const char *)text.data, (int)text.len, NULL, NULL, XML_PARSE_NONET);
		if (c.doc == NULL)
			die(argv[i], "cannot be read");
		cost_measure(&c, &schema_us, &rules_us);
		printf("%.1f %.1f %zu\n", schema_us, rules_us, text.len);
		xmlFreeDoc(c.doc);
		px_buf_free(&text);
	}
	xmlSchemaFree(c.schema);
	px_rules_free(&c.rules);
	px_offices_free(&offices);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 5 && strcmp(argv[1], "--cost") == 0)
		return cost(argv + 2, argc - 2);
	if (argc > 2 && strcmp(argv[1], "--reference") == 0)
		return reference((const char *const *)argv + 2, (unsigned)argc - 2);
	struct judge j = {0};
	struct px_buf why = PX_BUF_INIT;
	int i = 1;
	if (argc > 2 && strcmp(argv[1], "--offices") == 0) {
		if (px_offices_open(argv[2], &j.offices, &why) != PX_OK)
			die(argv[2], px_buf_str(&why));
		i = 3;
	}
	if (i >= argc)
		die("usage", "rules-judge [--offices FILE] RULES.sch DOCUMENT...");
	if (px_rules_load(argv[i], &j.rules, &why) != PX_OK)
		die("rules", px_buf_str(&why));
	for (i++; i < argc; i++)
		judge(&j, argv[i]);
	px_rules_free(&j.rules);
	px_offices_free(&j.offices);
	xmlCleanupParser();
	return 0;
}
