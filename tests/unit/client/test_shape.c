/* prinex: tests of the shape that schemas give a document: what is missing, and where a value belongs
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <libxml/parser.h>
#include <unistd.h>

#include "base/strings.h"

static const char *const root_xsd =
    "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:n='urn:t' targetNamespace='urn:t'>"
    "<xs:include schemaLocation='parts.xsd'/><xs:element name='N'><xs:complexType><xs:sequence>"
    "<xs:element name='LRN' type='n:Lrn'><xs:annotation>"
    "<xs:documentation source='EUCDM'>12 09\n 000 000</xs:documentation>"
    "<xs:documentation>the declarant's\n\t own  reference</xs:documentation></xs:annotation></xs:element>"
    "<xs:element name='MRN' type='xs:string' minOccurs='0'/>"
    "<xs:element name='Carrier' type='n:Party'><xs:annotation>"
    "<xs:documentation source='EUCDM'>13 05 000 000</xs:documentation></xs:annotation></xs:element>"
    "<xs:element name='Holder' type='n:Holder' minOccurs='0' maxOccurs='9'><xs:annotation>"
    "<xs:documentation source='EUCDM'>13 07 000 000</xs:documentation></xs:annotation></xs:element>"
    "<xs:choice><xs:element name='Road' type='n:Road'/><xs:element name='rail' type='xs:string'/>"
    "</xs:choice><xs:group ref='n:Load'/><xs:sequence minOccurs='0'><xs:element name='remark' "
    "type='xs:string'/></xs:sequence><xs:element ref='n:seal' maxOccurs='unbounded'/>"
    "</xs:sequence><xs:attribute name='phase' type='xs:string'/></xs:complexType></xs:element></xs:schema>";

/* Without a namespace of its own, as official sets have theirs. */
static const char *const parts_xsd =
    "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>"
    "<xs:simpleType name='Lrn'><xs:restriction base='xs:string'/></xs:simpleType>"
    "<xs:element name='seal' type='xs:string'><xs:annotation><xs:documentation><description value='each "
    "seal'/></xs:documentation></xs:annotation></xs:element>"
    "<xs:complexType name='Party'><xs:sequence><xs:element name='number' type='xs:string'><xs:annotation>"
    "<xs:documentation source='EUCDM'>13 nn 017 000</xs:documentation></xs:annotation></xs:element>"
    "<xs:element name='name' type='xs:string' minOccurs='0'/></xs:sequence></xs:complexType>"
    "<xs:complexType name='Holder'><xs:complexContent><xs:extension base='Party'><xs:sequence>"
    "<xs:element name='tir' type='xs:string'/></xs:sequence></xs:extension></xs:complexContent>"
    "</xs:complexType>"
    "<xs:complexType name='Road'><xs:sequence><xs:element name='plate' type='xs:string'/></xs:sequence>"
    "</xs:complexType>"
    "<xs:group name='Load'><xs:sequence><xs:element name='mass' type='xs:decimal'/><xs:element name='Item' "
    "minOccurs='0' maxOccurs='999'><xs:complexType><xs:sequence><xs:element name='what' type='xs:string'/>"
    "<xs:element name='Item' type='xs:string' minOccurs='0'/></xs:sequence></xs:complexType></xs:element>"
    "</xs:sequence></xs:group></xs:schema>";

static char dir[64];
static struct px_shape *shape;

static xmlDoc *parse(const char *text)
{
	xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, 0);
	assert_non_null(doc);
	return doc;
}

/* --- what is missing --- */

static void collect(const struct px_missing *m, void *arg)
{
	struct px_buf *out = arg;
	px_buf_addf(out, "%s%s%s%s%s%s", out->len > 0 ? "|" : "", m->path, m->eucdm[0] != '\0' ? " #" : "",
		    m->eucdm, m->text[0] != '\0' ? " = " : "", m->text);
}

static void misses(const char *document, const char *expected)
{
	struct px_buf out = PX_BUF_INIT;
	xmlDoc *doc = parse(document);
	px_shape_missing(shape, doc, collect, &out);
	assert_string_equal(px_buf_str(&out), expected);
	xmlFreeDoc(doc);
	px_buf_free(&out);
}

/* All at once, in the order of the schema; of an absent parent its leaves, of a choice all alternatives. */
static void all_that_is_missing_is_told(void **state PX_UNUSED)
{
	misses("<n:N xmlns:n='urn:t'/>",
	       "/N/LRN #12 09 000 000 = the declarant's own reference|/N/Carrier/number #13 05 017 000|"
	       "/N/Road or /N/rail|/N/mass|/N/seal = each seal");
}

static void what_is_complete_misses_nothing(void **state PX_UNUSED)
{
	misses("<N><LRN/><Carrier><number/></Carrier><rail/><mass/><seal/></N>", "");
	misses("<N><LRN/><Carrier><number/></Carrier><Holder><number/><tir/></Holder><Road><plate/></Road>"
	       "<mass/><Item><what/></Item><seal/><seal/></N>",
	       "");
}

/* What is below an optional parent is required once that is there; positions only where there may be several.
 */
static void what_is_there_must_be_whole(void **state PX_UNUSED)
{
	misses("<N><LRN/><Carrier><number/></Carrier><Holder><number/><tir/></Holder><Holder/><Road/><mass/>"
	       "<Item><what/></Item><Item/><seal/></N>",
	       "/N/Holder[2]/number #13 07 017 000|/N/Holder[2]/tir|/N/Road/plate|/N/Item[2]/what");
}

/* --- putting values in --- */

static void sets_in(const char *document, const char *path, const char *value, const char *expected)
{
	struct px_buf why = PX_BUF_INIT;
	xmlDoc *doc = parse(document);
	xmlBuffer *out = xmlBufferCreate();
	if (px_shape_set(shape, doc, path, value, &why) != PX_OK)
		fail_msg("%s: %s", path, px_buf_str(&why));
	xmlNodeDump(out, doc, xmlDocGetRootElement(doc), 0, 0);
	assert_string_equal((const char *)xmlBufferContent(out), expected);
	xmlBufferFree(out);
	xmlFreeDoc(doc);
	px_buf_free(&why);
}

static void refuses(const char *document, const char *path, const char *reason)
{
	struct px_buf why = PX_BUF_INIT;
	xmlDoc *doc = parse(document);
	assert_int_equal(px_shape_set(shape, doc, path, "x", &why), PX_EINVAL);
	if (strstr(px_buf_str(&why), reason) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", px_buf_str(&why), reason);
	xmlFreeDoc(doc);
	px_buf_free(&why);
}

static void a_value_goes_where_the_schema_has_it(void **state PX_UNUSED)
{
	sets_in("<N><mass/></N>", "LRN", "1", "<N><LRN>1</LRN><mass/></N>");
	sets_in("<N><LRN/><seal/></N>", "mass", "1", "<N><LRN/><mass>1</mass><seal/></N>");
	sets_in("<N><LRN/><mass/></N>", "remark", "1", "<N><LRN/><mass/><remark>1</remark></N>");
	sets_in("<N><LRN/><mass/></N>", "Carrier/name", "A",
		"<N><LRN/><Carrier><name>A</name></Carrier><mass/></N>");
	sets_in("<N><Carrier><name/></Carrier></N>", "Carrier/number", "7",
		"<N><Carrier><number>7</number><name/></Carrier></N>");
	sets_in("<N><Holder><tir/></Holder></N>", "Holder/number", "7",
		"<N><Holder><number>7</number><tir/></Holder></N>");
}

static void a_value_takes_the_place_of_another(void **state PX_UNUSED)
{
	sets_in("<N><LRN>old<!-- x --></LRN></N>", "LRN", "a & <b>", "<N><LRN>a &amp; &lt;b&gt;</LRN></N>");
	sets_in("<n:N xmlns:n='urn:t'><LRN>old</LRN></n:N>", "/N/LRN", "",
		"<n:N xmlns:n=\"urn:t\"><LRN></LRN></n:N>");
	sets_in("<n:N xmlns:n='urn:t'/>", "/n:N/LRN", "1", "<n:N xmlns:n=\"urn:t\"><LRN>1</LRN></n:N>");
}

static void positions_name_one_or_the_next(void **state PX_UNUSED)
{
	static const char *const two = "<N><Item><what>a</what></Item><Item><what>b</what></Item><seal/></N>";
	sets_in(two, "Item/what", "c",
		"<N><Item><what>c</what></Item><Item><what>b</what></Item><seal/></N>");
	sets_in(two, "Item[2]/what", "c",
		"<N><Item><what>a</what></Item><Item><what>c</what></Item><seal/></N>");
	sets_in(two, "Item[3]/what", "c",
		"<N><Item><what>a</what></Item><Item><what>b</what></Item><Item><what>c</what></Item><seal/"
		"></N>");
	sets_in(two, "seal[2]", "s",
		"<N><Item><what>a</what></Item><Item><what>b</what></Item><seal/><seal>s</seal></N>");
	refuses(two, "Item[4]/what", "N has 2 Item: the next is Item[3]");
	refuses(two, "Item[0]/what", "not a path");
	refuses(two, "Item[x]/what", "not a path");
	refuses(two, "Item[2/what", "not a path");
}

static void attributes_are_set_too(void **state PX_UNUSED)
{
	sets_in("<N phase=\"1\"/>", "@phase", "2", "<N phase=\"2\"/>");
	sets_in("<N/>", "Carrier/name/@xml:lang", "uk", "<N><Carrier><name xml:lang=\"uk\"/></Carrier></N>");
	refuses("<N/>", "@a b", "no name of an attribute");
	refuses("<N/>", "@", "no name of an attribute");
}

static void what_the_schema_does_not_have_is_refused(void **state PX_UNUSED)
{
	refuses("<N/>", "Carier/number", "N has no element Carier; did you mean Carrier?");
	refuses("<N/>", "Carrier/zzzzzzzz", "Carrier has no element zzzzzzzz");
	refuses("<N/>", "Carrier", "Carrier has elements of its own");
	refuses("<N/>", "LRN/x", "LRN has no element x");
	refuses("<N/>", "/M/LRN", "a path begins with /N/");
	refuses("<N/>", "Carrier//number", "not a path");
	refuses("<N/>", "Carrier/", "not a path");
	refuses("<N/>", "/", "a path begins with /N/");
}

/* --- schemas --- */

static void put(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void drop(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

static void cannot_load(const char *root, const char *reason)
{
	struct px_buf why = PX_BUF_INIT;
	struct px_shape *other = NULL;
	assert_int_equal(px_shape_load(dir, "urn:t", root, &other, &why), PX_ECONF);
	assert_null(other);
	if (strstr(px_buf_str(&why), reason) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", px_buf_str(&why), reason);
	px_buf_free(&why);
}

static void what_cannot_be_read_is_named(void **state PX_UNUSED)
{
	cannot_load("M", "no schema there has the element M");
	put("z.xsd", "<xs:schema");
	cannot_load("N", "z.xsd: no XML schema");
	put("z.xsd", "<schema/>");
	cannot_load("N", "z.xsd: no XML schema");
	drop("z.xsd");
}

/* Types that hold themselves, and groups that do: refused by validators, and no endless loop here. */
static void circles_end(void **state PX_UNUSED)
{
	struct px_buf why = PX_BUF_INIT, out = PX_BUF_INIT;
	struct px_shape *circle = NULL;
	put("z.xsd", "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:n='urn:t' "
		     "targetNamespace='urn:t'><xs:element name='C' type='n:C'/><xs:complexType name='C'>"
		     "<xs:sequence><xs:element name='C' type='n:C'/><xs:group ref='n:G'/></xs:sequence>"
		     "</xs:complexType><xs:group name='G'><xs:sequence><xs:group ref='n:G'/></xs:sequence>"
		     "</xs:group></xs:schema>");
	assert_int_equal(px_shape_load(dir, "urn:t", "C", &circle, &why), PX_OK);
	xmlDoc *doc = parse("<C><C/></C>");
	px_shape_missing(circle, doc, collect, &out);
	assert_non_null(strstr(px_buf_str(&out), "/C/C/C"));
	xmlFreeDoc(doc);
	px_shape_free(&circle);
	drop("z.xsd");
	px_buf_free(&why);
	px_buf_free(&out);
}

static int setup(void **state PX_UNUSED)
{
	struct px_buf why = PX_BUF_INIT;
	snprintf(dir, sizeof(dir), "/tmp/px-shape-XXXXXX");
	assert_non_null(mkdtemp(dir));
	put("root.xsd", root_xsd);
	put("parts.xsd", parts_xsd);
	if (px_shape_load(dir, "urn:t", "N", &shape, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	return 0;
}

static int teardown(void **state PX_UNUSED)
{
	px_shape_free(&shape);
	drop("root.xsd");
	drop("parts.xsd");
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_that_is_missing_is_told),
	    cmocka_unit_test(what_is_complete_misses_nothing),
	    cmocka_unit_test(what_is_there_must_be_whole),
	    cmocka_unit_test(a_value_goes_where_the_schema_has_it),
	    cmocka_unit_test(a_value_takes_the_place_of_another),
	    cmocka_unit_test(positions_name_one_or_the_next),
	    cmocka_unit_test(attributes_are_set_too),
	    cmocka_unit_test(what_the_schema_does_not_have_is_refused),
	    cmocka_unit_test(what_cannot_be_read_is_named),
	    cmocka_unit_test(circles_end),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
