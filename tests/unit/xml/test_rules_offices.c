/* prinex: tests of xml: the list of customs offices: import and what rules are told
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <unistd.h>

#include "base/strings.h"
#include "xml/offices.h"

static char dir[] = "/tmp/px-offices-XXXXXX";
static char source_csv[64], source_xml[64], target[64];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct px_offices_import import(const char *source)
{
	struct px_offices_import i = {.source = source, .target = target};
	struct px_buf why = PX_BUF_INIT;
	if (px_offices_import(&i, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	return i;
}

static void says(const char *code, const char *roles, const char *day, const char *wanted)
{
	struct px_offices *o = NULL;
	struct px_buf why = PX_BUF_INIT;
	if (px_offices_open(target, &o, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	assert_string_equal(px_offices_judge(o, code, roles, day), wanted);
	px_offices_free(&o);
}

static void import_fails(const char *source, const char *text, const char *wanted)
{
	struct px_offices_import i = {.source = source, .target = target};
	struct px_buf why = PX_BUF_INIT, full = PX_BUF_INIT;
	write_file(source, text);
	assert_int_equal(px_offices_import(&i, &why), PX_EPARSE);
	px_buf_addf(&full, "%s%s", source, wanted);
	assert_string_equal(px_buf_str(&why), px_buf_str(&full));
	px_buf_free(&full);
	px_buf_free(&why);
}

#define TABLE                                                                                         \
	"\xef\xbb\xbf"                                                                                \
	"code,roles,from,until\r\nBY006713,DEP DES EXP,2020-01-01,\r\nBY001612,EXT TRA,,2026-06-30\n" \
	"\n\"BY001612\";EXT;2026-09-01;\nMD010010,,,\n"

static void test_table(void **state PX_UNUSED)
{
	write_file(source_csv, TABLE);
	struct px_offices_import i = import(source_csv);
	assert_int_equal(i.offices, 4);
	assert_int_equal(i.countries, 2);
	assert_string_equal(i.names, "BY MD");
	says("BY006713", "DEP", "2026-11-20T06:41:10Z", "ok");
	says("BY006713", "", "", "ok");
	says("BY006713", "TRA EXP", "2026-11-20", "ok");
	says("BY006713", "TRA", "2026-11-20", "role");
	says("BY006713", "XYZ", "2026-11-20", "ok"); /* no office of the country has it: not known */
	says("BY006713", "DEP", "2019-12-31", "day");
	says("BY006714", "DEP", "2026-11-20", "unknown");
	says("BY00671", "", "", "unknown");
	says("UA204020", "", "", "country");
	/* Two periods of one office, with a gap, and another role in the second. */
	says("BY001612", "TRA", "2026-06-30", "ok");
	says("BY001612", "", "2026-07-01", "day");
	says("BY001612", "TRA", "2026-09-01", "role");
	says("BY001612", "EXT", "2026-09-01", "ok");
	says("MD010010", "", "2026-09-01", "ok");
	says("MD010010", "DEP", "2026-09-01", "ok");
}

#define ENTRY(state, from, code, more)                                                                   \
	"<e:RDEntry><e:RDEntryStatus><s:state>" state "</s:state><s:activeFrom>" from                    \
	"</s:activeFrom></e:RDEntryStatus><e:dataItem name='ReferenceNumber'>" code "</e:dataItem>" more \
	"</e:RDEntry>"
#define ROLE(name) "<e:dataGroup name='t'><e:dataItem name='Role'>" name "</e:dataItem></e:dataGroup>"
#define LIST(entries)                                                                             \
	"<x:List xmlns:x='urn:x' xmlns:e='urn:e' xmlns:s='urn:s'><x:RDEntity name='Role'>" ENTRY( \
	    "valid", "2000-01-01", "UA999999", "") "</x:RDEntity><x:RDEntity "                    \
						   "name='CustomsOffices'>" entries "</x:RDEntity></x:List>"

static void test_official_list(void **state PX_UNUSED)
{
	write_file(source_csv, TABLE);
	import(source_csv);
	write_file(source_xml,
		   LIST(ENTRY("valid", "2023-12-01", "UA204020",
			      "<e:dataItem name='NctsEntryDate'>20221001</e:dataItem>" ROLE("DES")
				  ROLE("TRA")) ENTRY("valid", "2023-01-01", "UA408050", ROLE("TRA"))
			    ENTRY("valid", "2024-05-01", "UA408050",
				  "<e:dataItem name='NctsEntryDate'>20221001</e:dataItem>" ROLE("DES"))
				ENTRY("valid", "2020-01-01", "UA100000", ROLE("DEP"))
				    ENTRY("invalid", "2025-03-01", "UA100000", "")));
	struct px_offices_import i = import(source_xml);
	assert_int_equal(i.countries, 1);
	assert_int_equal(i.kept, 4);
	says("UA204020", "TRA", "2022-10-01", "ok");
	says("UA204020", "TRA", "2022-09-30", "day");
	says("UA204020", "DEP", "2026-11-20", "role");
	says("UA204020", "EXP", "2026-11-20", "ok");
	/* What an entry says holds until the next one of that office. */
	says("UA408050", "TRA", "2024-04-30", "ok");
	says("UA408050", "TRA", "2024-05-01", "role");
	says("UA408050", "DES", "2024-05-01", "ok");
	says("UA100000", "DEP", "2025-02-28", "ok");
	says("UA100000", "DEP", "2025-03-01", "day");
	says("UA999999", "", "", "unknown");
	/* The table's countries are still there, with their roles. */
	says("BY006713", "EXP", "2026-11-20", "ok");
	says("BY006713", "EXT", "2026-11-20", "role");
	/* A country is replaced as a whole. */
	write_file(source_csv, "code,roles,from,until\nBY999999,DEP,,\n");
	import(source_csv);
	says("BY006713", "", "", "unknown");
	says("BY999999", "DEP", "", "ok");
	says("UA204020", "TRA", "2026-11-20", "ok");
}

static void test_faults(void **state PX_UNUSED)
{
	import_fails(source_csv, "office,roles\n",
		     ":1: the first line must be code,roles,from,until: \"office\"");
	import_fails(source_csv, "code,roles,from,until\n\nBY0067,DEP\n",
		     ":3: expected a code of 8 characters, such as BY006713: \"BY0067\"");
	import_fails(source_csv, "code,roles,from,until\nBY006713,dep\n",
		     ":2: expected roles of three letters with blanks between them: \"dep\"");
	import_fails(source_csv, "code,roles,from,until\nBY006713,DEP,20.11.2026\n",
		     ":2: expected a day, as in 2026-11-21: \"20.11.2026\"");
	import_fails(source_csv, "code,roles,from,until\nBY006713,DEP,2026-11-02,2026-11-01\n",
		     ":2: it ends before it begins: \"2026-11-01\"");
	import_fails(source_csv, "code,roles,from,until\n", ": no customs office in it");
	import_fails(source_xml, "<a>\n<b></a>", ":2: Opening and ending tag mismatch: b line 2 and a");
	import_fails(source_xml, "<a/>", ": no customs office in it");
}

/* Whatever is wrong with the file: a generation with it does not come into force. */
static void test_damaged(void **state PX_UNUSED)
{
	struct px_offices *o = NULL;
	struct px_buf why = PX_BUF_INIT;
	char octets[4096];
	write_file(source_csv, TABLE);
	import(source_csv);
	FILE *f = fopen(target, "r");
	size_t n = fread(octets, 1, sizeof(octets), f);
	fclose(f);
	for (size_t i = 0; i <= n; i++) {
		f = fopen(target, "w");
		if (i < n)
			octets[i] ^= 4;
		fwrite(octets, 1, i < n ? n : n - 1, f);
		if (i < n)
			octets[i] ^= 4;
		fclose(f);
		if (px_offices_open(target, &o, &why) == PX_OK)
			fail_msg("octet %zu of %zu was changed, and nobody noticed", i, n);
		assert_null(o);
	}
	px_buf_free(&why);
}

static int setup(void **state PX_UNUSED)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(source_csv, sizeof(source_csv), "%s/table.csv", dir);
	snprintf(source_xml, sizeof(source_xml), "%s/list.xml", dir);
	snprintf(target, sizeof(target), "%s/offices", dir);
	return 0;
}

static int clean(void **state PX_UNUSED)
{
	unlink(target);
	return 0;
}

static int teardown(void **state PX_UNUSED)
{
	unlink(source_csv);
	unlink(source_xml);
	return rmdir(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_table, NULL, clean),
	    cmocka_unit_test_setup_teardown(test_official_list, NULL, clean),
	    cmocka_unit_test_setup_teardown(test_faults, NULL, clean),
	    cmocka_unit_test_setup_teardown(test_damaged, NULL, clean),
	};
	return cmocka_run_group_tests_name("xml/rules_offices", tests, setup, teardown);
}
