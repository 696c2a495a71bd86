/* prinex: tests of projections: what goes over, that what must not leave never does, and what is told of it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/project.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <unistd.h>

#include "base/strings.h"

#define SHEET                                                                                 \
	"<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" " \
	"xmlns:p=\"urn:prinex:project:1\" exclude-result-prefixes=\"p\">"
#define END  "</xsl:stylesheet>"
#define GO   "<xsl:import href=\"common.xsl\"/>"
#define SAYS "<p:withheld xmlns:p=\"urn:prinex:project:1\">"

/* A declaration with secrets at all depths: each value that begins with S must stay. */
static const char *const declaration =
    "<D xmlns:p2=\"urn:prinex:project:1\"><LRN>L1</LRN><Guarantee><GRN>S1</GRN><code>S2</code></Guarantee>"
    "<Office><ref>O1</ref><limit>T1</limit></Office><Office><ref>O2</ref></Office>"
    "<Load><mass>10</mass><Place><name xml:lang=\"uk\">Ковель</name><permit>S3</permit>"
    "<Guarantee><deep><GRN>S4</GRN></deep></Guarantee></Place>"
    "<Item><what>wood</what><permit>S5</permit></Item><Item><what>iron</what></Item></Load></D>";
static const char *const secrets[] = {"S1", "S2", "S3", "S4", "S5"};

static char dir[64];

static void put(const char *name, const char *text)
{
	struct px_buf path = PX_BUF_INIT;
	px_buf_addf(&path, "%s/%s", dir, name);
	FILE *f = fopen(px_buf_str(&path), "wb");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	px_buf_free(&path);
}

static void drop(const char *name)
{
	struct px_buf path = PX_BUF_INIT;
	px_buf_addf(&path, "%s/%s", dir, name);
	assert_int_equal(unlink(px_buf_str(&path)), 0);
	px_buf_free(&path);
}

/* Projects the declaration by @sheet; PX_OK: *@text is the result. */
static int project(const char *sheet, struct px_projection *p, struct px_buf *text, struct px_buf *why)
{
	const struct px_project_params params = {.now = "2026-11-22T08:15:00Z", .id = "it's \"1\""};
	put("D-N.xsl", sheet);
	int rc =
	    px_project(dir, "D", "N", (const uint8_t *)declaration, strlen(declaration), &params, p, why);
	px_buf_clear(text);
	if (rc == PX_OK) {
		xmlBuffer *out = xmlBufferCreate();
		xmlNodeDump(out, p->result, xmlDocGetRootElement(p->result), 0, 0);
		px_buf_add(text, xmlBufferContent(out), (size_t)xmlBufferLength(out));
		xmlBufferFree(out);
	}
	return rc;
}

/* "withheld /D/Guarantee 2: why|left /D/LRN 1" */
static void drops(const struct px_projection *p, struct px_buf *out)
{
	px_buf_clear(out);
	for (unsigned i = 0; i < p->n_drops; i++) {
		const struct px_drop *d = &p->drops[i];
		px_buf_addf(out, "%s%s %s %u%s%s%s", i > 0 ? "|" : "", d->withheld ? "withheld" : "left",
			    d->path, d->values, d->partly ? " partly" : "", d->why[0] != '\0' ? ": " : "",
			    d->why);
	}
}

static void expect(const char *sheet, const char *result, const char *dropped)
{
	struct px_projection p;
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
	int rc = project(sheet, &p, &text, &why);
	if (rc != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	assert_string_equal(px_buf_str(&text), result);
	drops(&p, &text);
	assert_string_equal(px_buf_str(&text), dropped);
	px_projection_free(&p);
	px_buf_free(&text);
	px_buf_free(&why);
}

static void refuses(const char *sheet, const char *reason)
{
	struct px_projection p;
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
	assert_int_equal(project(sheet, &p, &text, &why), PX_ECONF);
	if (strstr(px_buf_str(&why), reason) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", px_buf_str(&why), reason);
	assert_null(p.result);
	assert_int_equal(p.n_drops, 0);
	px_buf_free(&text);
	px_buf_free(&why);
}

/* --- what goes over --- */

static void only_what_is_named_goes_over(void **state PX_UNUSED)
{
	expect(SHEET GO
	       "<xsl:template match=\"/D\"><N><at><xsl:value-of select=\"$now\"/></at><id>"
	       "<xsl:value-of select=\"$id\"/></id><xsl:apply-templates select=\"LRN\" mode=\"go\"/>"
	       "<xsl:apply-templates select=\"Load/Place/name\" mode=\"go\"/></N></xsl:template>" END,
	       "<N><at>2026-11-22T08:15:00Z</at><id>it's \"1\"</id><LRN>L1</LRN><name "
	       "xml:lang=\"uk\">Ковель</name></N>",
	       "withheld /D/Guarantee 2: guarantees stay|left /D/Office 3|left /D/Load/mass 1|"
	       "withheld /D/Load/Place/permit 1: permits stay|withheld /D/Load/Place/Guarantee 1: guarantees "
	       "stay|left /D/Load/Item/what 1|withheld /D/Load/Item/permit 1: permits stay|left "
	       "/D/Load/Item 1");
}

/* Under another name, and some of several. */
static void what_went_over_is_known_by_its_element(void **state PX_UNUSED)
{
	expect(
	    SHEET GO
	    "<p:leave match=\"Office/limit\" why=\"no zone\"/><p:leave match=\"limit\" why=\"later\"/>"
	    "<xsl:template match=\"/D\"><N><xsl:apply-templates select=\"Office[2]/ref\" mode=\"go\">"
	    "<xsl:with-param name=\"as\">place</xsl:with-param></xsl:apply-templates>"
	    "<xsl:copy-of select=\"LRN | Load\"/></N></xsl:template>" END,
	    "<N><place>O2</place><LRN>L1</LRN><Load><mass>10</mass><Place><name "
	    "xml:lang=\"uk\">Ковель</name></Place>"
	    "<Item><what>wood</what></Item><Item><what>iron</what></Item></Load></N>",
	    "withheld /D/Guarantee 2: guarantees stay|left /D/Office/ref 1|left /D/Office/limit 1: no zone|"
	    "withheld /D/Load/Place/permit 1: permits stay|withheld /D/Load/Place/Guarantee 1: guarantees "
	    "stay|withheld /D/Load/Item/permit 1: permits stay");
}

/* --- what must not leave --- */

/* However a stylesheet gets at the values, none of a withheld element is in the result; each is listed. */
static void no_way_of_copying_lets_out_what_is_withheld(void **state PX_UNUSED)
{
	static const char *const sheets[] = {
	    SHEET "<xsl:template match=\"/\"><xsl:copy-of select=\"*\"/></xsl:template>" END,
	    SHEET "<xsl:template match=\"@*|node()\"><xsl:copy><xsl:apply-templates select=\"@*|node()\"/>"
		  "</xsl:copy></xsl:template>" END,
	    SHEET "<xsl:template match=\"/\"><D><xsl:copy-of select=\"D/*\"/></D></xsl:template>" END,
	    SHEET "<xsl:template match=\"/\"><D><xsl:value-of select=\".\"/></D></xsl:template>" END,
	    SHEET "<xsl:template match=\"/\"><D><xsl:copy-of select=\"//Guarantee\"/><G><xsl:value-of "
		  "select=\"D/Guarantee/GRN\"/></G></D></xsl:template>" END,
	    SHEET "<xsl:key name=\"k\" match=\"*\" use=\"name()\"/><xsl:template match=\"/\"><D>"
		  "<xsl:attribute name=\"a\"><xsl:value-of select=\"//GRN\"/></xsl:attribute><xsl:for-each "
		  "select=\"key('k','permit')\"><p><xsl:value-of select=\".\"/></p></xsl:for-each></D>"
		  "</xsl:template>" END,
	};
	static const char *const listed[] = {"withheld /D/Guarantee 2: guarantees stay",
					     "withheld /D/Load/Place/permit 1: permits stay",
					     "withheld /D/Load/Place/Guarantee 1: guarantees stay",
					     "withheld /D/Load/Item/permit 1: permits stay"};
	for (size_t i = 0; i < PX_ARRAY_LEN(sheets); i++) {
		struct px_projection p;
		struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
		if (project(sheets[i], &p, &text, &why) != PX_OK)
			fail_msg("%zu: %s", i, px_buf_str(&why));
		for (size_t k = 0; k < PX_ARRAY_LEN(secrets); k++) {
			if (strstr(px_buf_str(&text), secrets[k]) != NULL)
				fail_msg("%zu: %s", i, px_buf_str(&text));
		}
		assert_null(strstr(px_buf_str(&text), "urn:prinex:project"));
		drops(&p, &text);
		for (size_t k = 0; k < PX_ARRAY_LEN(listed); k++) {
			if (strstr(px_buf_str(&text), listed[k]) == NULL)
				fail_msg("%zu: %s is not in %s", i, listed[k], px_buf_str(&text));
		}
		px_projection_free(&p);
		px_buf_free(&text);
		px_buf_free(&why);
	}
}

/* Exactly: all but what is withheld, and nothing but that is listed. */
static void a_branch_copied_whole_is_told_exactly(void **state PX_UNUSED)
{
	expect(
	    SHEET "<xsl:template match=\"/\"><xsl:copy-of select=\"D/Load\"/></xsl:template>" END,
	    "<Load><mass>10</mass><Place><name xml:lang=\"uk\">Ковель</name></Place><Item><what>wood</what>"
	    "</Item><Item><what>iron</what></Item></Load>",
	    "left /D/LRN 1|withheld /D/Guarantee 2: guarantees stay|left /D/Office 3|"
	    "withheld /D/Load/Place/permit 1: permits stay|withheld /D/Load/Place/Guarantee 1: guarantees "
	    "stay|withheld /D/Load/Item/permit 1: permits stay");
}

/* A stylesheet may withhold more, also one that is imported; none can let go of what another withholds. */
static void withholding_adds_up(void **state PX_UNUSED)
{
	put("more.xsl", SHEET "<p:withhold match=\"Load/mass\" why=\"ours\"/>"
			      "<p:leave match=\"Load\" why=\"of the load\"/>" END);
	expect(SHEET "<xsl:import href=\"more.xsl\"/><p:leave match=\"Guarantee\" why=\"harmless\"/>"
		     "<p:leave match=\"permit\" why=\"harmless\"/><p:withhold match=\"LRN\"/>"
		     "<xsl:template match=\"/D\"><N><xsl:copy-of select=\"LRN | Guarantee | Load/mass | "
		     "Load/Item[2] | Load/Item/permit\"/></N></xsl:template>" END,
	       "<N><Item><what>iron</what></Item></N>",
	       "withheld /D/LRN 1|withheld /D/Guarantee 2: guarantees stay|left /D/Office 3|"
	       "withheld /D/Load/mass 1: ours|left /D/Load/Place/name 1: of the load|"
	       "withheld /D/Load/Place/permit 1: permits stay|withheld /D/Load/Place/Guarantee 1: guarantees "
	       "stay|left /D/Load/Item/what 1: of the load|withheld /D/Load/Item/permit 1: permits stay");
	drop("more.xsl");
}

static void without_the_list_nothing_is_projected(void **state PX_UNUSED)
{
	static const char *const whole = SHEET
	    "<xsl:template match=\"/\"><xsl:copy-of select=\"*\"/></xsl:template>" END;
	drop("withheld.xml");
	refuses(whole, "withheld.xml");
	put("withheld.xml", SAYS "</p:withheld>");
	refuses(whole, "withheld.xml withholds nothing");
	put("withheld.xml", SAYS "<p:withhold match=");
	refuses(whole, "withheld.xml:1: ");
	put("withheld.xml", "<withheld><withhold match=\"LRN\"/></withheld>");
	refuses(whole, "withheld.xml withholds nothing");
}

/* --- stylesheets --- */

static void a_wrong_stylesheet_is_named(void **state PX_UNUSED)
{
	refuses("<a>\n<b></a>", "D-N.xsl:2: ");
	refuses("<a/>", "D-N.xsl: ");
	refuses(SHEET "<xsl:template match=\"/\"><xsl:call-template name=\"none\"/></xsl:template>" END,
		"D-N.xsl: ");
	refuses(SHEET "<xsl:template match=\"/\"><xsl:message terminate=\"yes\">nothing\nfits</xsl:message>"
		      "</xsl:template>" END,
		"nothing fits");
	refuses(SHEET "<xsl:template match=\"/\"/>" END, "makes no document");
	refuses(SHEET "<xsl:import href=\"../common.xsl\"/>" END, "D-N.xsl: ");
}

static void a_pair_that_is_not_there_is_told(void **state PX_UNUSED)
{
	const struct px_project_params params = {.now = "", .id = ""};
	struct px_projection p;
	struct px_buf why = PX_BUF_INIT, list = PX_BUF_INIT;
	put("D-N.xsl", SHEET END);
	put("A-B.xsl", SHEET END);
	put("part-of.xsl", SHEET END);
	assert_int_equal(px_project(dir, "D", "X", (const uint8_t *)"<D/>", 4, &params, &p, &why),
			 PX_ENOTFOUND);
	assert_int_equal(px_project_list(dir, NULL, &list), 2);
	assert_string_equal(px_buf_str(&list), "A to B, D to N");
	px_buf_clear(&list);
	assert_int_equal(px_project_list(dir, "N", &list), 1);
	assert_string_equal(px_buf_str(&list), "D to N");
	px_buf_clear(&list);
	assert_int_equal(px_project_list(dir, "D", &list), 0);
	drop("A-B.xsl");
	drop("part-of.xsl");
	px_buf_free(&why);
	px_buf_free(&list);
}

/* Those of an imported stylesheet come last: who imports has the better words. */
static void hints_are_found_by_path(void **state PX_UNUSED)
{
	struct px_projection p;
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT;
	put("hints.xsl",
	    SHEET "<p:hint path=\"/N/a/b\" text=\"theirs\"/><p:hint path=\"/N/c\" eucdm=\"12 01\"/>" END);
	assert_int_equal(project(SHEET
				 "<xsl:import href=\"hints.xsl\"/><p:hint path=\"/N/a/b\" text=\"ours\"/>"
				 "<xsl:template match=\"/\"><N/></xsl:template>" END,
				 &p, &text, &why),
			 PX_OK);
	assert_string_equal(px_projection_hint(&p, "/N/a[12]/b")->text, "ours");
	assert_string_equal(px_projection_hint(&p, "/N/c[1]")->eucdm, "12 01");
	assert_string_equal(px_projection_hint(&p, "/N/c")->text, "");
	assert_null(px_projection_hint(&p, "/N/a"));
	assert_null(px_projection_hint(&p, "/N/a/bb"));
	assert_null(px_projection_hint(&p, "/N/a/b/c"));
	px_projection_free(&p);
	drop("hints.xsl");
	px_buf_free(&text);
	px_buf_free(&why);
}

/* --- the folder --- */

static int setup(void **state PX_UNUSED)
{
	put("withheld.xml", SAYS "<p:withhold match=\"Guarantee\" why=\"guarantees stay\"/>"
				 "<p:withhold match=\"permit\" why=\"permits stay\"/></p:withheld>");
	return 0;
}

static int make_folder(void **state PX_UNUSED)
{
	struct px_buf common = PX_BUF_INIT, why = PX_BUF_INIT;
	snprintf(dir, sizeof(dir), "/tmp/px-project-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(px_buf_read_file(&common, "schemas/project/common.xsl", 1 << 20, &why), PX_OK);
	put("common.xsl", px_buf_str(&common));
	px_buf_free(&common);
	px_buf_free(&why);
	return 0;
}

static int remove_folder(void **state PX_UNUSED)
{
	drop("common.xsl");
	drop("withheld.xml");
	drop("D-N.xsl");
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(only_what_is_named_goes_over, setup),
	    cmocka_unit_test_setup(what_went_over_is_known_by_its_element, setup),
	    cmocka_unit_test_setup(no_way_of_copying_lets_out_what_is_withheld, setup),
	    cmocka_unit_test_setup(a_branch_copied_whole_is_told_exactly, setup),
	    cmocka_unit_test_setup(withholding_adds_up, setup),
	    cmocka_unit_test_setup(without_the_list_nothing_is_projected, setup),
	    cmocka_unit_test_setup(a_wrong_stylesheet_is_named, setup),
	    cmocka_unit_test_setup(a_pair_that_is_not_there_is_told, setup),
	    cmocka_unit_test_setup(hints_are_found_by_path, setup),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
