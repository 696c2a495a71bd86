/* prinex: tests of xml: schema sets, what they may open, and the warm-up
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "kit.h"

#include <fcntl.h>
#include <libxml/parser.h>
#include <malloc.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"
#include "xml/load.h"

static char folder[] = "/tmp/prinex-load-XXXXXX";

static void put(const char *name, const char *text)
{
	char *path = text_of("%s/%s", folder, name);
	pem_text(path, text);
	free(path);
}

#define XS "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' "

/* Load the files @names (NULL: all of the folder); check @text against them. @return 0 valid, 1 not, -1 why.
 */
static int load(const char **names, unsigned n, const char *text, struct px_buf *why)
{
	static char name[] = "s";
	struct px_cat_set set = {.name = name, .folder = folder};
	set.files.n = n;
	set.files.items = (char **)(uintptr_t)names;
	xmlSchemaPtr schema = NULL;
	if (px_load_set(&set, &schema, why) != PX_OK)
		return -1;
	xmlDocPtr doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, 0);
	xmlSchemaValidCtxtPtr ctxt = xmlSchemaNewValidCtxt(schema);
	int rc = xmlSchemaValidateDoc(ctxt, doc) != 0;
	xmlSchemaFreeValidCtxt(ctxt);
	xmlFreeDoc(doc);
	xmlSchemaFree(schema);
	return rc;
}

static void expect(const char **names, unsigned n, const char *text, int rc, const char *complaint)
{
	struct px_buf why = PX_BUF_INIT;
	int got = load(names, n, text, &why);
	if (got != rc || strstr(px_buf_str(&why), complaint) == NULL)
		fail_msg("%s: %d, \"%s\", expected %d, \"%s\"", text, got, px_buf_str(&why), rc, complaint);
	px_buf_free(&why);
}

static int set_up(void **state)
{
	(void)state;
	px_xml_init();
	px_assert(mkdtemp(folder) != NULL);
	/* Two roots of one namespace that share a file, one of another that imports part of the first, one of
	 * none. */
	put("common.xsd",
	    XS "targetNamespace='urn:a'><xs:simpleType name='t'><xs:restriction base='xs:string'>"
	       "<xs:maxLength value='2'/></xs:restriction></xs:simpleType></xs:schema>");
	put("a1.xsd", XS "targetNamespace='urn:a' xmlns:a='urn:a'><xs:include schemaLocation='common.xsd'/>"
			 "<xs:element name='a1' type='a:t'/></xs:schema>");
	put("a2.xsd", XS "targetNamespace='urn:a' xmlns:a='urn:a'><xs:include schemaLocation='common.xsd'/>"
			 "<xs:element name='a2' type='a:t'/></xs:schema>");
	put("b.xsd", XS "targetNamespace='urn:b' xmlns:a='urn:a'><xs:import namespace='urn:a' "
			"schemaLocation='common.xsd'/>"
			"<xs:element name='b' type='a:t'/></xs:schema>");
	put("none.xsd", XS "><xs:element name='none' type='xs:int'/></xs:schema>");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char *cmd = text_of("rm -rf %s", folder);
	int rc = system(cmd);
	free(cmd);
	return rc;
}

static void test_sets(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int rc;
	} docs[] = {
	    {"<a1 xmlns='urn:a'>xx</a1>", 0},
	    {"<a1 xmlns='urn:a'>xxx</a1>", 1},
	    {"<a2 xmlns='urn:a'>xx</a2>", 0},
	    {"<b xmlns='urn:b'>xx</b>", 0},
	    {"<b xmlns='urn:b'>xxx</b>", 1},
	    {"<none>1</none>", 0},
	    {"<none>x</none>", 1},
	    {"<c/>", 1},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(docs); i++)
		expect(NULL, 0, docs[i].text, docs[i].rc, "");
	const char *one[] = {"b.xsd"};
	expect(one, 1, "<b xmlns='urn:b'>xx</b>", 0, "");
	expect(one, 1, "<a1 xmlns='urn:a'>xx</a1>", 1, "");
}

static void test_faults(void **state)
{
	(void)state;
	const char *missing[] = {"nothing.xsd"};
	expect(missing, 1, "<a/>", -1, "nothing.xsd");
	put("bad.txt", XS "><xs:element name='x' type='xs:nothing'/></xs:schema>");
	put("worse.txt", XS "><xs:element");
	put("twice.txt", XS "><xs:element name='none' type='xs:int'/></xs:schema>");
	put("other.txt", "<html/>");
	const char *bad[] = {"bad.txt"}, *worse[] = {"worse.txt"}, *twice[] = {"none.xsd", "twice.txt"},
		   *other[] = {"other.txt"};
	expect(bad, 1, "<a/>", -1, "bad.txt:1:");
	expect(worse, 1, "<a/>", -1, "worse.txt");
	expect(twice, 2, "<a/>", -1, "twice.txt:1:");
	expect(other, 1, "<a/>", -1, "other.txt is not an XML schema");
}

/* Octets of memory that a set takes whose element is declared behind @prose. */
static size_t memory_with(const char *prose)
{
	static char set_name[] = "s";
	const char *names[] = {"prose.xsd"};
	struct px_cat_set set = {.name = set_name, .folder = folder};
	struct px_buf why = PX_BUF_INIT;
	xmlSchemaPtr schema = NULL;
	char *text = text_of(XS ">%s<xs:element name='p' type='xs:int'/></xs:schema>", prose);
	put("prose.xsd", text);
	free(text);
	set.files.n = 1;
	set.files.items = (char **)(uintptr_t)names;
	struct mallinfo2 before = mallinfo2();
	assert_int_equal(px_load_set(&set, &schema, &why), PX_OK);
	struct mallinfo2 after = mallinfo2();
	xmlSchemaFree(schema);
	px_buf_free(&why);
	return after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
}

/* What stands in a schema for people takes no memory and changes nothing; lines are counted through it. */
static void test_prose(void **state)
{
	(void)state;
	static const char annotation[] =
	    "<xs:annotation>\n<xs:documentation>%s<b xmlns='urn:x'><xs:annotation/>"
	    "<![CDATA[<x>]]></b></xs:documentation>\n<xs:appinfo>%s<?p i?></xs:appinfo></xs:annotation>";
	const char *one[] = {"prose.xsd"};
	struct px_buf words = PX_BUF_INIT;
	while (words.len < (size_t)1024 * 1024)
		px_buf_adds(&words, "what this is for <i>and</i> what not &amp; ");
	char *prose = text_of(annotation, px_buf_str(&words), px_buf_str(&words));
	size_t without = memory_with("");
	size_t with = memory_with(prose);
	print_message("# a set takes %zu octets, with two MB of prose %zu\n", without, with);
#ifndef PX_SANITIZE /* it has an allocator of its own */
	assert_true(without > 0 && with < without + 65536);
#endif
	expect(one, 1, "<p>1</p>", 0, "");
	expect(one, 1, "<p>x</p>", 1, "");
	free(prose);
	px_buf_free(&words);
	prose = text_of(XS ">"
			   "<xs:annotation>\n<xs:documentation>%s</xs:documentation>\n</xs:annotation>\n"
			   "<!-- \n --><xs:element name='p' type='none'/></xs:schema>",
			"<b/>");
	put("prose.xsd", prose);
	expect(one, 1, "<p>1</p>", -1, "prose.xsd:5:");
	free(prose);
	/* Words that are not in their place are a fault as ever. */
	put("prose.xsd", XS "><xs:element name='p'>words</xs:element></xs:schema>");
	expect(one, 1, "<p>1</p>", -1, "prose.xsd:1:");
	char *path = text_of("%s/prose.xsd", folder);
	assert_int_equal(unlink(path), 0);
	free(path);
}

/* Nothing outside the folder is served: not by path, not by link, not from the network. */
static void test_outside(void **state)
{
	(void)state;
	char *outside = text_of("%s.xsd", folder), *link_path = text_of("%s/link.txt", folder);
	pem_text(outside, XS "><xs:element name='secret' type='xs:int'/></xs:schema>");
	px_assert(symlink(outside, link_path) == 0);
	const char *locations[] = {outside, text_of("../%s", strrchr(outside, '/') + 1), "link.txt",
				   "file:///etc/passwd", "http://127.0.0.1:1/x.xsd"};
	for (size_t i = 0; i < PX_ARRAY_LEN(locations); i++) {
		char *text = text_of(
		    XS "><xs:include schemaLocation='%s'/><xs:element name='x' type='xs:int'/></xs:schema>",
		    locations[i]);
		put("in.txt", text);
		free(text);
		const char *in[] = {"in.txt"};
		struct px_buf why = PX_BUF_INIT;
		int rc = load(in, 1, "<secret>1</secret>", &why);
		assert_int_not_equal(rc, 0);
		px_buf_free(&why);
	}
	free((char *)(uintptr_t)locations[1]);
	unlink(outside);
	free(link_path);
	/* After loading nothing at all. */
	char *path = text_of("%s/none.xsd", folder);
	assert_null(xmlReadFile(path, NULL, XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
	free(path);
	free(outside);
}

/* --- the warm-up --- */

static void test_warm(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	struct px_buf why = PX_BUF_INIT;
	if (px_examiner_warm(k->ex, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	/* Nobody is trusted who was not before. */
	char *text = letter_sign(letter_text(&(struct letter){.sender = "ZZ.WARM"}), &k->by.system, &k->by);
	expect_refused(text, PX_STAGE_CERTIFICATE, PX_CODE_CERT_TRUST);
	free(text);
	px_buf_free(&why);
}

/* Nothing is loaded lazily: it works where no file can be opened any more. */
static void test_no_files_after_warm(void **state)
{
	(void)state;
	struct kit *k = kit_get();
	struct px_buf why = PX_BUF_INIT;
	assert_int_equal(px_examiner_warm(k->ex, &why), PX_OK);
	char *rsa = letter_sign(letter_text(&(struct letter){0}), &k->by.system, &k->by);
	char *ec = letter_sign(letter_text(&(struct letter){0}), &k->by.node384, &k->by);
	char *revoked = letter_sign(letter_text(&(struct letter){0}), &k->by.revoked, &k->by);
	char *forged = swap(px_xstrdup(rsa), "<px:Recipient>UA", "<px:Recipient>PL");
	pid_t pid = fork();
	if (pid == 0) {
		/* Use up all descriptors: whoever opens a file now fails. */
		for (int i = 0; i < 100000 && open("/dev/null", O_RDONLY) >= 0; i++)
			;
		struct px_verdict *v[4] = {kit_examine(rsa, strlen(rsa)), kit_examine(ec, strlen(ec)),
					   kit_examine(revoked, strlen(revoked)),
					   kit_examine(forged, strlen(forged))};
		_exit(v[0]->stage == PX_STAGE_OK && v[1]->stage == PX_STAGE_OK &&
			      v[2]->errors.items[0].code == PX_CODE_CERT_REVOKED &&
			      v[3]->errors.items[0].code == PX_CODE_SIG_DIGEST
			  ? 0
			  : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(rsa);
	free(ec);
	free(revoked);
	free(forged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sets),  cmocka_unit_test(test_faults),
	    cmocka_unit_test(test_prose), cmocka_unit_test(test_outside),
	    cmocka_unit_test(test_warm),  cmocka_unit_test(test_no_files_after_warm),
	};
	int rc = cmocka_run_group_tests(tests, set_up, tear_down);
	kit_free();
	return rc;
}
