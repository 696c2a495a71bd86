/* prinex: help, and the manual page, from the tables
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "prinex/prinex.h"

enum { WIDTH = 100, TAB = 34 };

static const char *const exits[] = {
    "all accepted; examined and found good; fetched and confirmed",
    "some refused, found wrong or not fit to be sent; a conflict among what was fetched: correct those",
    "the command line, a setting or a file it names is wrong: nothing was done",
    "some have no final answer yet (not reachable, busy, cut off, disk full): run it again as it is",
    "host, certificate or answer cannot be right as they are: somebody must change something first",
};

const char *px_exit_text(unsigned status)
{
	return status < PX_ARRAY_LEN(exits) ? exits[status] : NULL;
}

/* @text broken at spaces so that lines stay within WIDTH; @at: the column where it begins. */
static void add_wrapped(struct px_buf *out, const char *text, size_t at, size_t indent)
{
	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		if (at > indent && at + n + 1 > WIDTH) {
			px_buf_addf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			px_buf_addc(out, ' ');
			at++;
		}
		for (size_t i = 0; i < n; i++) {
			if (text[i] != '`')
				px_buf_addc(out, text[i]);
		}
		at += n;
		text += n + (text[n] == ' ');
	}
	px_buf_addc(out, '\n');
}

static void add_option(struct px_buf *out, const char *name, const char *argument, const char *help)
{
	size_t before = out->len;
	px_buf_addf(out, "  --%s%s%s", name, argument != NULL ? " " : "", argument != NULL ? argument : "");
	size_t at = out->len - before;
	if (at >= TAB) {
		px_buf_addc(out, '\n');
		at = 0;
	}
	px_buf_addf(out, "%*s", (int)(TAB - at), "");
	add_wrapped(out, help, TAB, TAB);
}

void px_help_option(const struct px_setting *s, struct px_buf *out)
{
	px_buf_adds(out, s->help);
	if (s->repeats && s->argument != NULL && strchr(s->argument, ' ') == NULL)
		px_buf_adds(out, " May be repeated.");
	if (s->argument != NULL && s->value[0] != '\0' && strcmp(s->value, "0") != 0)
		px_buf_addf(out, " Default: %s.", s->value);
}

void px_help_command(const struct px_command *c, struct px_buf *out)
{
	unsigned n;
	const struct px_setting *table = px_settings_table(&n);
	px_buf_addf(out, "usage: prinex %s%s%s%s\n\n", c->name, c->bit != 0 ? " [OPTION...]" : "",
		    c->arguments[0] != '\0' ? " " : "", c->arguments);
	add_wrapped(out, c->text, 0, 0);
	if (c->bit == 0)
		return;
	px_buf_adds(out, "\nOptions:\n");
	for (unsigned i = 0; i < n; i++) {
		if (!(table[i].commands & c->bit))
			continue;
		struct px_buf help = PX_BUF_INIT;
		px_help_option(&table[i], &help);
		add_option(out, table[i].name, table[i].argument, px_buf_str(&help));
		px_buf_free(&help);
	}
	add_option(out, "conf", "FILE",
		   "Read settings from this file (else from the one that PRINEX_CONF names).");
}

void px_help_overview(struct px_buf *out)
{
	unsigned n;
	const struct px_command *commands = px_commands(&n);
	px_buf_adds(out, "usage: prinex COMMAND [OPTION...] [ARGUMENT...]\n\n");
	for (unsigned i = 0; i < n; i++)
		px_buf_addf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	px_buf_adds(out,
		    "\nprinex help COMMAND explains its options. Options that every call repeats can stand "
		    "in a file: --conf FILE.\n"
		    "Exit status: 0 good, 1 refused or found wrong, 2 usage, 3 no final answer yet, 4 cannot "
		    "work as configured.\n");
}

/* --- the manual --- */

static void md_cell(struct px_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '|')
			px_buf_addc(out, '\\');
		px_buf_addc(out, *s);
	}
}

static void md_commands(struct px_buf *out)
{
	unsigned n;
	const struct px_command *commands = px_commands(&n);
	px_buf_adds(out, "\n## Commands\n");
	for (unsigned i = 0; i < n; i++) {
		px_buf_addf(out, "\n### prinex %s%s%s\n\n%s. %s\n", commands[i].name,
			    commands[i].arguments[0] != '\0' ? " " : "", commands[i].arguments,
			    commands[i].summary, commands[i].text);
	}
}

static void md_options(struct px_buf *out)
{
	unsigned n, n_commands;
	const struct px_setting *table = px_settings_table(&n);
	const struct px_command *commands = px_commands(&n_commands);
	px_buf_adds(out, "\n## Options\n\nFile: may also stand in the configuration file.\n\n"
			 "| option | commands | file | |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < n; i++) {
		const struct px_setting *s = &table[i];
		struct px_buf help = PX_BUF_INIT;
		if ((s->commands & ~PX_CMD_FILE) == PX_CMD_SPOOL)
			continue; /* docs/prinex-spool.md */
		px_buf_addf(out, "| `--%s%s%s` |", s->name, s->argument != NULL ? " " : "",
			    s->argument != NULL ? s->argument : "");
		for (unsigned k = 0; k < n_commands; k++) {
			if (commands[k].bit & s->commands)
				px_buf_addf(out, " %s", commands[k].name);
		}
		px_help_option(s, &help);
		px_buf_addf(out, " | %s | ", s->commands & PX_CMD_FILE ? "yes" : "");
		md_cell(out, px_buf_str(&help));
		px_buf_adds(out, " |\n");
		px_buf_free(&help);
	}
	px_buf_adds(out, "| `--conf FILE` | all | | Read settings from this file; else from the one that the "
			 "environment variable PRINEX_CONF names. |\n");
}

static const char intro[] =
    "# prinex, the command line client\n\n"
    "Prepares, signs, sends, fetches, confirms and verifies exchanges: for an authority's customs IT, in "
    "scripts "
    "and by hand. This\npage is written by `prinex help --markdown` (`make docs`).\n\n"
    "## First steps\n\n"
    "What every call needs stands in one file, here `prinex.conf` (relative names are relative to the "
    "file):\n\n"
    "```\n"
    "client {\n"
    "  url = \"https://broker.example:8443\"\n"
    "  server-uri = \"urn:prinex:BY:node:node-by\"      # who must answer there\n"
    "  anchors = { \"tls-ca.pem\" }                     # CA of its TLS certificate\n"
    "  cert = \"tls.pem\"  key = \"tls.key\"              # ours, for the connection\n"
    "  sign-cert = \"sign.pem\"  sign-key = \"sign.key\"  # ours, for signatures\n"
    "  environment = \"production\"\n"
    "}\n"
    "# whose signatures are believed: the broker's confirmations, and (for verify) what comes from the "
    "others\n"
    "authority \"BY\" { node { anchors = { \"by-sign-ca.pem\" }  crls = { \"by-sign.crl\" } } }\n"
    "authority \"UA\" {\n"
    "  system { anchors = { \"ua-sign-ca.pem\" }  crls = { \"ua-sign.crl\" } }\n"
    "  node { anchors = { \"ua-sign-ca.pem\" }  crls = { \"ua-sign.crl\" } }\n"
    "}\n"
    "```\n\n"
    "```\n"
    "export PRINEX_CONF=prinex.conf\n"
    "prinex ping                            # do connection, certificates and names fit?\n"
    "prinex check declaration.xml           # every error the broker would find, offline\n"
    "prinex prepare --to PreArrivalNotice --out notice.xml declaration.xml\n"
    "prinex send --recipient UA declaration.xml notice.xml\n"
    "prinex send outbox/                    # all *.xml in it; run it again after any failure\n"
    "prinex status BY BY202611210815002N7K4Q1X0ZB\n"
    "prinex fetch --confirm --wait 30 --out inbox\n"
    "```\n\n"
    "## What is kept, and why\n\n"
    "`send` writes `FILE.px`, the signed exchange exactly as it goes out, and flushes it to disk before the "
    "first\n"
    "attempt. A later run that asks for the same (document, recipients, environment, signing certificate, "
    "...) sends\n"
    "these very octets again, so that a lost answer, a crash or an impatient operator never makes two "
    "declarations\n"
    "out of one: the broker answers octets that it has accepted before with the same confirmation. The "
    "verified\n"
    "answer stays as `FILE.coa` (accepted: in the broker's custody) or `FILE.coe` (refused, with every "
    "error). An\n"
    "answer that does not verify is kept as `FILE.untrusted`.\n\n"
    "When something differs now from what `FILE.px` says, the run does what is safe and says what "
    "differs:\n\n"
    "| the earlier exchange | now |\n|---|---|\n"
    "| was refused | a new exchange, with an id of its own |\n"
    "| was accepted | not sent; a change of what was declared is a message of its own. In a folder it is "
    "left alone |\n"
    "| has no answer yet | not sent: `prinex send FILE.px` learns what became of it |\n\n"
    "`--anew` makes a new exchange all the same; the earlier one stays beside it as `FILE.ID.px`.\n\n"
    "Errors name the line of FILE, and in brackets the line of `FILE.px`, which is the one that the signed "
    "answer "
    "names.\n\n"
    "`fetch` writes `SENDER_ID.xml` and confirms only what is on disk. Everything may arrive twice; the same "
    "octets "
    "under the same name\nare one message.\n\n"
    "## Exit status\n\n";

static const char outro[] =
    "\n## A notice or a record out of a declaration\n\n"
    "A declaration itself may not be what the neighbour should get: that of NCTS carries access codes of "
    "guarantees. "
    "`prepare` makes the document\nthat goes ahead of the goods:\n\n"
    "```\n"
    "prinex prepare --to CD001C --official schemas CC015C.xml\n"
    "withheld: /CC015C/Guarantee (7 values): guarantees and their access codes are between the holder and "
    "the office of "
    "departure\n"
    "left out: /CC015C/TransitOperation/LRN: between trader and customs; authorities know the movement by "
    "its MRN\n"
    "missing: /CD001C/TransitOperation/MRN: the MRN given on acceptance\n"
    "missing: /CD001C/ControlResult/code: the result of the control at departure, such as A3\n"
    "```\n\n"
    "What is listed goes to standard error, without values: `withheld` must not leave, for `left out` the "
    "new type has no "
    "place. `missing` is\nwhat the new type requires, with its number in the EU customs data model where the "
    "schema names "
    "it; it is given by `--set`, or line by\nline in a file:\n\n"
    "```\n"
    "prinex prepare --to CD001C --official schemas --set TransitOperation/MRN=26ROIS8230055102K8 --values "
    "values CC015C.xml "
    ">CD001C.xml\n"
    "```\n\n"
    "The result is judged as the broker would judge it, every `error` and `warning` is said, and it is "
    "written only when it "
    "is right. Times of\nNCTS have no zone: they become no time of a notice, which is UTC. Which pairs there "
    "are and how to "
    "add one: `schemas/project/README.md`.\nWhat must not leave stands in `schemas/project/withheld.xml`; it "
    "is "
    "taken out of the declaration before a projection sees it.\n\n"
    "To try it with an example, whose times are in the past:\n\n"
    "```\n"
    "prinex prepare --to PreArrivalNotice --set preparationDateAndTime=2026-11-17T06:00:00Z \\\n"
    "    schemas/examples/TransitDeclaration-several.xml >notice.xml\n"
    "```\n"
    "\n## When the connection fails\n\n"
    "The message says which side refused, and why. `we refuse the certificate of ...`: look at --anchors, "
    "--server-uri, --url, or ask the\nbroker's administrator about its certificate. `... refuses us: ...`: "
    "look at "
    "--cert and --key, or ask which CA, URI or pin the broker\nexpects; its log names the reason. In TLS 1.3 "
    "the "
    "broker judges our certificate only after the handshake looks finished to us; the\nmessage is the same. "
    "Certificates are checked against the given anchors alone: what else the machine trusts means nothing "
    "here.\n\n"
    "Connections that fail, time-outs, 408, 429 and 5xx are tried again for --retry-for; refusals of "
    "certificates "
    "are not.\n\n"
    "## Without prinex\n\n"
    "Everything on the wire is plain HTTP over mutual TLS (`wire-protocol.md`). With curl and xmlsec1:\n\n"
    "```\n"
    "curl --cert tls.pem --key tls.key --cacert tls-ca.pem --capath /nonexistent \\\n"
    "     -H 'Content-Type: application/xml' --data-binary @signed.xml "
    "https://broker.example:8443/v1/exchanges\n"
    "curl ... https://broker.example:8443/v1/ping\n"
    "curl ... https://broker.example:8443/v1/exchanges/BY/BY202611210815002N7K4Q1X0ZB\n"
    "curl ... -D headers -o next.xml 'https://broker.example:8443/v1/inbox?wait=30'     # Prinex-Delivery: "
    "ID\n"
    "curl ... -H 'Content-Type: application/xml' --data-binary @coa.xml "
    "https://broker.example:8443/v1/inbox/ID\n"
    "xmlsec1 --verify --enabled-key-data x509 --trusted-pem sign-ca.pem answer.xml\n"
    "```\n\n"
    "curl checks the host name, but not the URI in the broker's certificate.\n";

void px_help_markdown(struct px_buf *out)
{
	px_buf_adds(out, intro);
	px_buf_adds(out, "| status | meaning |\n|---|---|\n");
	for (unsigned i = 0; px_exit_text(i) != NULL; i++)
		px_buf_addf(out, "| %u | %s |\n", i, px_exit_text(i));
	px_buf_adds(out, "\nOf several that apply it is the highest.\n");
	md_commands(out);
	md_options(out);
	px_buf_adds(out, outro);
}
