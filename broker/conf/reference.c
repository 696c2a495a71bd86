/* prinex: the reference of the configuration, written from the table
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "conf/table.h"

/* A whole file of a small border post; tests/conf/ok/minimal holds the same. */
static const char example[] = "node {\n"
			      "  authority = \"BY\"\n"
			      "  name = \"brest\"\n"
			      "  tls-certificate = \"node/tls.pem\"\n"
			      "  tls-key = \"node/tls.key\"\n"
			      "  sign-certificate = \"node/sign.pem\"\n"
			      "  sign-key = \"node/sign.key\"\n"
			      "}\n"
			      "\n"
			      "authority \"BY\" {\n"
			      "  system { anchors = \"by/anchors.pem\" crls = \"by/sign-crl.pem\" }\n"
			      "}\n"
			      "authority \"UA\" {\n"
			      "  system { anchors = \"ua/anchors.pem\" crls = \"ua/sign-crl.pem\" }\n"
			      "  node { anchors = \"ua/anchors.pem\" crls = \"ua/sign-crl.pem\" }\n"
			      "}\n"
			      "\n"
			      "partner \"customs\" {\n"
			      "  authority = \"BY\"\n"
			      "  role = system\n"
			      "  anchors = \"by/tls-ca.pem\"\n"
			      "  crls = \"by/tls-ca.crl\"\n"
			      "}\n"
			      "partner \"yahodyn\" {\n"
			      "  authority = \"UA\"\n"
			      "  role = node\n"
			      "  mode = push\n"
			      "  url = \"https://prinex.customs.example:8443\"\n"
			      "  anchors = \"ua/tls-ca.pem\"\n"
			      "  crls = \"ua/tls-ca.crl\"\n"
			      "}\n";

static const char introduction[] =
    "# Configuration of prinexd\n"
    "\n"
    "<!-- Written from broker/conf/options.def: `make docs` after a change there. -->\n"
    "\n"
    "`prinexd` reads one file, by default `/etc/prinex/prinex.conf`. `prinexd -t` checks it with everything "
    "it\n"
    "points at and prints each problem with file and line; `prinexd -T` prints what is in force, defaults\n"
    "included, as a file that could be used itself. `prinexctl reload` checks the same way, and then "
    "replaces the\n"
    "configuration in force as a whole, or, when anything is wrong, keeps the old one and says why. Options\n"
    "marked *restart* keep their old value until the daemon is started again, and the reload says so.\n"
    "\n"
    "## Syntax\n"
    "\n"
    "The syntax is that of libconfuse. A file consists of sections, and a section of options:\n"
    "\n"
    "```\n"
    "section {\n"
    "  option = value              # or // or /* a comment */\n"
    "  list = { \"one\", \"two\" }     // a list of one needs no braces\n"
    "  list += { \"three\" }         // more of it\n"
    "}\n"
    "section \"title\" { ... }       // where there may be several\n"
    "include(\"partners.conf\")      // between sections; its text stands here\n"
    "```\n"
    "\n"
    "- Texts need quotes when they contain spaces or one of `{ } ( ) = + , * # ' \"`. They end on the line "
    "on which\n"
    "  they begin. Within double quotes `\\\"` is a quote, `\\\\` a backslash, `${NAME}` a variable of the "
    "environment.\n"
    "- Durations are a number and a unit: `d`, `h`, `min`, `s`, `ms`. Sizes are a number of octets, or with "
    "`K`, `M`,\n"
    "  `G`, `T` of 1,024, 1,024² and so on.\n"
    "- `true`, `yes` and `on` mean the same; so do `false`, `no` and `off`.\n"
    "- File names that do not begin with `/` are taken from the folder of the file they are written in.\n"
    "- Files are UTF-8. Each section without a title may be written once; so may each title of the others, "
    "and each\n"
    "  option within its section.\n"
    "\n"
    "## A whole file\n"
    "\n"
    "This is all that a border post needs which takes declarations from its own customs system and exchanges "
    "them\n"
    "with one neighbour. Its own system fetches what arrives (`mode = pull` is the default); the neighbour "
    "is pushed\n"
    "to.\n"
    "\n"
    "```\n";

static const char recipients[] =
    "```\n"
    "\n"
    "## Who gets a message\n"
    "\n"
    "Each recipient authority is one delivery to one partner. That is the partner which the route for this "
    "recipient\n"
    "names in `via`; without such a route the authority's only `system` here; without one its only `node`. "
    "When two\n"
    "partners could be meant and no route with `via` leads to that authority, the configuration is refused.\n"
    "\n"
    "## Sections and options\n";

static void add_range(struct px_buf *out, const struct px_opt *o)
{
	enum px_as as = px_opt_type(o->type)->as;
	if (as == PX_AS_I64) {
		px_buf_adds(out, " from ");
		px_format_duration(out, o->min);
		px_buf_adds(out, " to ");
		px_format_duration(out, o->max);
	} else if (as == PX_AS_U64) {
		px_buf_adds(out, " from ");
		px_format_size(out, (uint64_t)o->min);
		px_buf_adds(out, " to ");
		px_format_size(out, (uint64_t)o->max);
	} else if (as == PX_AS_UINT) {
		px_buf_addf(out, " from %lld to %lld", (long long)o->min, (long long)o->max);
	}
}

static void add_default(struct px_buf *out, const struct px_opt *o)
{
	bool list = px_opt_type(o->type)->as == PX_AS_LIST;
	if (o->value == NULL)
		px_buf_adds(out, "must be given");
	else if (px_str_starts(o->value, "@DATADIR@"))
		px_buf_addf(out, "default: `PREFIX/share/prinex%s`", o->value + strlen("@DATADIR@"));
	else if (*o->value == '\0')
		px_buf_adds(out, list ? "default: none" : "default: empty");
	else
		px_buf_addf(out, "default: `%s`", o->value);
}

static void add_options(struct px_buf *out, const struct px_table *t, unsigned section)
{
	for (unsigned i = 0; i < t->n_opts; i++) {
		const struct px_opt *o = &t->opts[i];
		if (o->section != section)
			continue;
		px_buf_addf(out, "\n**`%s`** = %s", o->name, px_opt_type(o->type)->text);
		add_range(out, o);
		px_buf_adds(out, "; ");
		add_default(out, o);
		px_buf_addf(out, "%s  \n%s\n", o->flags & PX_OPT_RESTART ? "; *restart*" : "", o->help);
	}
}

static void add_section(struct px_buf *out, const struct px_table *t, unsigned index)
{
	const struct px_section *s = &t->sections[index], *up = &t->sections[s->parent];
	if (up->kind == PX_SECTION_ROOT)
		px_buf_addf(out, "\n### %s%s\n", s->name, s->kind == PX_SECTION_MANY ? " \"TITLE\"" : "");
	else
		px_buf_addf(out, "\n#### %s within %s\n", s->name, up->name);
	px_buf_addf(out, "\n%s\n", s->help);
	if (s->kind == PX_SECTION_MANY)
		px_buf_addf(out, "\nTitle: %s.\n", px_opt_type(s->title_type)->text);
	add_options(out, t, index);
	for (unsigned i = 1; i < t->n_sections; i++) {
		if (t->sections[i].parent == index)
			add_section(out, t, i);
	}
}

void px_conf_reference(struct px_buf *out)
{
	const struct px_table *t = px_conf_table();
	px_buf_adds(out, introduction);
	px_buf_adds(out, example);
	px_buf_adds(out, recipients);
	for (unsigned i = 1; i < t->n_sections; i++) {
		if (t->sections[i].parent == 0)
			add_section(out, t, i);
	}
}
