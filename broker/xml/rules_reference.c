/* prinex: docs/rules.md, written from the files of rules
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/buf.h"
#include "xml/rules_parts.h"

static const char introduction[] =
    "# Rules\n"
    "\n"
    "<!-- Written from schemas/rules/*.sch and broker/base/state_rules.def: `make docs` after a change "
    "there. -->\n"
    "\n"
    "What a message must keep beyond its schema. A broken rule stands in the confirmation as `px:Error` or\n"
    "`px:Warning`; its `code` is the id of the rule, with pointer, line and value of what is wrong. What it "
    "means is\n"
    "said by the partner's option `rules` (docs/configuration.md): `off`, `warn` or `refuse`; where nothing "
    "is said it\n"
    "is `warn` for types over official schemas and `refuse` for the PRINEX set. A rule marked *warning* "
    "never refuses.\n"
    "The NCTS code is that of IE906.\n"
    "\n"
    "Rules about customs offices ask the list that `inspect { offices = ... }` names; without a list they "
    "say\n"
    "nothing. In texts `{...}` is filled in with a value of the message. How rules are written:\n"
    "[schemas/rules](../schemas/rules/README.md).\n";

static const char state_introduction[] =
    "\n## State rules\n"
    "\n"
    "What a message needs its movement to be, as far as this broker knows it. They are judged in the "
    "transaction that\n"
    "accepts the message. Only the sender's own broker (the one that the authority's system hands it to) "
    "refuses; a\n"
    "later one accepts and warns. The catalogue says which types: `movement = begins`, `amends`, `closes`, "
    "`answers`.\n"
    "\n"
    "| rule | NCTS | types that... | what is wrong |\n"
    "|---|---|---|---|\n";

static const struct {
	const char *id, *stand, *text;
	enum px_code code;
} state_rules[] = {
#define PX_STATE_RULE(stand, need, id, code, text) {id, #stand, text, PX_CODE_##code},
#include "base/state_rules.def"
#undef PX_STATE_RULE
};

/* A | would end the cell of the table. */
static void add_cell(struct px_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '|')
			px_buf_addc(out, '\\');
		px_buf_addc(out, *s);
	}
}

static void add_rule(const struct px_rule *rule, struct px_buf *out)
{
	px_buf_addf(out, "| `%s`%s | %s | `", rule->id, rule->warning ? " *warning*" : "",
		    px_code_ncts(rule->code));
	add_cell(out, rule->context);
	px_buf_adds(out, "` | ");
	add_cell(out, rule->text);
	for (unsigned i = 0; i < rule->n_translations; i++) {
		px_buf_addf(out, "<br>%s: ", rule->translations[i].lang);
		add_cell(out, rule->translations[i].text);
	}
	px_buf_adds(out, " |\n");
}

static void add_file(const struct px_rules *r, struct px_buf *out)
{
	const char *title = NULL;
	px_buf_addf(out, "\n## %s\n", r->title);
	for (unsigned i = 0; i < r->n_checks; i++) {
		const struct px_rule *rule = &r->checks[i].view;
		if (title != rule->title)
			px_buf_addf(
			    out,
			    "\n### %s\n\n| rule | NCTS | judged at | what is wrong |\n|---|---|---|---|\n",
			    rule->title);
		title = rule->title;
		add_rule(rule, out);
	}
}

static void add_state_rules(struct px_buf *out)
{
	px_buf_adds(out, state_introduction);
	for (size_t i = 0; i < PX_ARRAY_LEN(state_rules); i++) {
		if (state_rules[i].id[0] == '\0')
			continue;
		px_buf_addf(out, "| `%s` | %s | ", state_rules[i].id, px_code_ncts(state_rules[i].code));
		for (const char *s = state_rules[i].stand; *s != '\0'; s++)
			px_buf_addc(out, (char)(*s | 0x20));
		px_buf_addf(out, " | %s |\n", state_rules[i].text);
	}
}

int px_rules_reference(const char *const *files, unsigned n, struct px_buf *out, struct px_buf *why)
{
	px_buf_adds(out, introduction);
	for (unsigned i = 0; i < n; i++) {
		struct px_rules *r;
		if (px_rules_load(files[i], &r, why) != PX_OK)
			return PX_ECONF;
		add_file(r, out);
		px_rules_free(&r);
	}
	add_state_rules(out);
	return PX_OK;
}
