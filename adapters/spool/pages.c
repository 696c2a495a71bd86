/* prinex: prinex-spool: the manual page, with its options from the table
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "spool/spool.h"

static void add_term(struct px_buf *out, const char *term, const char *more, const char *text)
{
	px_buf_adds(out, ".TP\n.B ");
	px_buf_add_roff(out, term);
	px_buf_adds(out, more[0] != '\0' ? " " : "");
	px_buf_add_roff(out, more);
	px_buf_addc(out, '\n');
	px_buf_add_roff(out, text);
	px_buf_addc(out, '\n');
}

static void add_terms(struct px_buf *out, const char *title, const char *const terms[][2])
{
	px_buf_addf(out, ".SH %s\n", title);
	for (size_t i = 0; terms[i][0] != NULL; i++)
		add_term(out, terms[i][0], "", terms[i][1]);
}

static void add_settings(struct px_buf *out)
{
	unsigned n;
	const struct px_setting *table = px_settings_table(&n);
	px_buf_adds(
	    out, ".SH SETTINGS\nThe file is that of\n.BR prinex (1):\nconnection, keys, trust, environment, "
		 "recipients. In its section client also:\n");
	for (unsigned i = 0; i < n; i++) {
		struct px_buf text = PX_BUF_INIT;
		if (!(table[i].commands & PX_CMD_SPOOL))
			continue;
		px_buf_adds(&text, table[i].help);
		if (table[i].value[0] != '\0')
			px_buf_addf(&text, " Default: %s.", table[i].value);
		add_term(out, table[i].name, table[i].argument, px_buf_str(&text));
		px_buf_free(&text);
	}
}

void spool_man(struct px_buf *out)
{
	static const char *const options[][2] = {
	    {"--conf FILE", "The settings; else the file that the environment variable PRINEX_CONF names."},
	    {"--once", "Send what is there, fetch what is there, end."},
	    {"--version", "Print the version."},
	    {"--help", "Print a short help."},
	    {NULL, NULL}};
	static const char *const folders[][2] = {
	    {"out/", "Documents and exchanges to be sent, *.xml. Put them there by renaming."},
	    {"work/", "What is being sent; not to be touched."},
	    {"sent/",
	     "Accepted: FILE, FILE.px (the exchange), FILE.coa (the signed confirmation), FILE.txt."},
	    {"refused/", "Refused: FILE, FILE.px, FILE.coe (the signed exception), FILE.txt (every error)."},
	    {"in/", "What was fetched: SENDER_ID.xml, octet for octet; to be taken away."},
	    {"aside/", "What was fetched and is wrong, with the reason in .txt; not confirmed."},
	    {".spool/", "What prinex-spool has to remember."},
	    {"status.json", "How it is: files waiting, counts since the start, what ails it."},
	    {NULL, NULL}};
	static const char *const statuses[][2] = {
	    {"0", "Ended as told."},
	    {"1", "With --once: something could not be sent or fetched yet; run it again."},
	    {"2", "Usage or settings."},
	    {NULL, NULL}};
	px_buf_addf(
	    out,
	    ".TH PRINEX-SPOOL 8 \"\" \"prinex %s\" \"prinex\"\n.SH NAME\n"
	    "prinex-spool \\- a folder in and a folder out, for customs systems that know files only\n"
	    ".SH SYNOPSIS\n.B prinex-spool\n[--conf FILE] [--once]\n.SH DESCRIPTION\n"
	    "What is put into a folder is sent to the broker, signed if it is not yet; what is for us "
	    "appears in "
	    "another. Nothing is lost, and nothing is sent or delivered twice, however it ends.\n",
	    PX_VERSION);
	add_terms(out, "OPTIONS", options);
	add_settings(out);
	add_terms(out, "FOLDERS", folders);
	add_terms(out, "\"EXIT STATUS\"", statuses);
	px_buf_adds(out,
		    ".SH \"SEE ALSO\"\n.BR prinex (1),\nand docs/prinex-spool.md, which explains more.\n");
}
