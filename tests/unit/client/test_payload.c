/* prinex: tests of documents as they lie in files: encodings, prologs, what is refused, wrapping, ids
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/strings.h"
#include "xml/examine.h"

/* Reads @data; the root element must be @root, or @root NULL: refused with @reason. */
static void read_n(const void *data, size_t len, const char *encoding, const char *root, const char *reason)
{
	struct px_document doc;
	struct px_buf why = PX_BUF_INIT;
	int rc = px_document_read(data, len, encoding, &doc, &why);
	if (root == NULL) {
		assert_int_equal(rc, PX_EPARSE);
		if (strstr(px_buf_str(&why), reason) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", px_buf_str(&why), reason);
	} else if (rc != PX_OK) {
		fail_msg("%s: %s", root, px_buf_str(&why));
	} else {
		assert_int_equal(doc.is, PX_DOC_IS_PAYLOAD);
		assert_int_equal(doc.root_len, strlen(root));
		assert_memory_equal(doc.octets.data + doc.root, root, doc.root_len);
		px_document_free(&doc);
	}
	px_buf_free(&why);
}

static void reads(const char *text, const char *root)
{
	read_n(text, strlen(text), "", root, NULL);
}

static void refuses(const char *text, const char *reason)
{
	read_n(text, strlen(text), "", NULL, reason);
}

static void only_the_root_element_travels(void **state PX_UNUSED)
{
	reads("<a/>", "<a/>");
	reads("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>x</a>\n", "<a>x</a>");
	reads("<?xml version='1.0' encoding='utf-8' standalone=\"yes\"?><a/>", "<a/>");
	reads("\xef\xbb\xbf<?xml version=\"1.0\"?><!-- <b/> --><?pi <c/>?>\r\n<a><!-- in --></a><!-- <d/> "
	      "-->\n",
	      "<a><!-- in --></a>");
	reads("<n:a xmlns:n='u'  x = \"&gt;>\"\t><![CDATA[</n:a>]]></n:a >\n",
	      "<n:a xmlns:n='u'  x = \"&gt;>\"\t><![CDATA[</n:a>]]></n:a >");
	reads("<a>\r\n<b>&#x41;\t</b></a>", "<a>\r\n<b>&#x41;\t</b></a>");
}

static void what_cannot_travel_is_refused(void **state PX_UNUSED)
{
	refuses("<!DOCTYPE a><a/>", "line 1");
	refuses("<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY x \"y\">]>\n<a>&x;</a>", "line 2");
	refuses("<a>\n<b></a>", "line 2: not well-formed");
	refuses("", "empty");
	refuses("hello", "line 1");
	refuses("<a/><b/>", "line 1");
	refuses("<n:a/>", "not well-formed");
	refuses("<?xml version=\"1.0\" encoding=\"windows-1251\"?><a/>", "say --from-encoding windows-1251");
	refuses("<a>\xcf\xf0</a>", "line 1");
	read_n("\xff\xfe<\0a\0/\0>\0", 10, "", NULL, "UTF-16");
}

static void old_encodings_are_converted(void **state PX_UNUSED)
{
	/* Прывітанне і ўсё: і and ў are what windows-1251 has for Belarusian and Ukrainian */
	static const char cp1251[] = "<a>\xcf\xf0\xfb\xe2\xb3\xf2\xe0\xed\xed\xe5 \xb3 \xa2\xf1\xb8</a>";
	static const char declared[] = "<?xml version=\"1.0\" encoding=\"windows-1251\"?><a>\xcf</a>";
	static const char misdeclared[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>\xcf</a>";
	static const char utf8[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>П</a>";
	read_n(cp1251, strlen(cp1251), "windows-1251", "<a>Прывітанне і ўсё</a>", NULL);
	read_n(declared, strlen(declared), "windows-1251", "<a>П</a>", NULL);
	read_n(misdeclared, strlen(misdeclared), "windows-1251", "<a>П</a>", NULL);
	/* one file of a folder that is UTF-8 already would be garbled */
	read_n(utf8, strlen(utf8), "windows-1251", NULL,
	       "this is UTF-8 (declared and valid), not windows-1251");
	read_n("<a>\x98</a>", 8, "windows-1251", NULL, "octet 0x98 at offset 3 is not windows-1251");
	read_n("<a/>", 4, "windows-1251", "<a/>", NULL);
	read_n("<a/>", 4, "klingon", NULL, "encoding klingon is not known");
	read_n("\xff\xfe<\0a\0/\0>\0", 10, "UTF-16", "<a/>", NULL);
	read_n("<a>\xe9</a>", 8, "ISO-8859-1", "<a>é</a>", NULL);
}

static unsigned root_line(const char *text)
{
	struct px_document doc;
	struct px_buf why = PX_BUF_INIT;
	assert_int_equal(px_document_read((const uint8_t *)text, strlen(text), "", &doc, &why), PX_OK);
	unsigned line = doc.root_line;
	px_document_free(&doc);
	return line;
}

/* Errors name lines of the file, not of the exchange. */
static void lines_are_those_of_the_file(void **state PX_UNUSED)
{
	assert_int_equal(root_line("<a/>"), 1);
	assert_int_equal(root_line("<?xml version=\"1.0\"?>\n\n<a/>"), 3);
	assert_int_equal(root_line("<?xml\nversion=\"1.0\"\n?>\n<!--\n-->\n<a/>"), 6);
}

#define EXCHANGE                                                                                        \
	"<px:Exchange xmlns:px=\"urn:prinex:exchange:1\"><px:Header><px:MessageId>M1</px:MessageId>"    \
	"<px:Environment>demo</px:Environment><px:Sender>BY</px:Sender><px:Recipient>UA</px:Recipient>" \
	"<px:Recipient>RO</px:Recipient><px:MessageType>Ping</px:MessageType>"                          \
	"<px:CreatedAt>2026-11-21T08:15:00Z</px:CreatedAt><px:CorrelationId>M0</px:CorrelationId>"      \
	"</px:Header><px:Payload><a>1</a></px:Payload>"

static void exchanges_are_recognized_and_left_alone(void **state PX_UNUSED)
{
	static const char plain[] = "\xef\xbb\xbf<?xml version=\"1.0\"?>\n" EXCHANGE "</px:Exchange>\n";
	static const char with_signature[] = EXCHANGE
	    "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/></px:Exchange>";
	struct px_document doc;
	struct px_buf why = PX_BUF_INIT;
	assert_int_equal(px_document_read((const uint8_t *)plain, strlen(plain), "", &doc, &why), PX_OK);
	assert_int_equal(doc.is, PX_DOC_IS_EXCHANGE);
	assert_false(doc.is_signed);
	assert_string_equal(px_buf_str(&doc.octets), plain);
	assert_true(doc.has_header);
	assert_string_equal(doc.header.message_id, "M1");
	assert_string_equal(doc.header.sender, "BY");
	assert_int_equal(doc.header.n_recipients, 2);
	assert_string_equal(doc.header.recipients[1], "RO");
	assert_string_equal(doc.header.correlation_id, "M0");
	assert_int_equal(doc.header.created_at, INT64_C(1795248900000));
	assert_int_equal(doc.payload_len, strlen("<a>1</a>"));
	assert_memory_equal(doc.octets.data + doc.payload, "<a>1</a>", doc.payload_len);
	px_document_free(&doc);
	assert_int_equal(
	    px_document_read((const uint8_t *)with_signature, strlen(with_signature), "", &doc, &why), PX_OK);
	assert_true(doc.is_signed);
	px_document_free(&doc);
	px_buf_free(&why);
}

/* A name in a file name must not lead out of the folder. */
static void a_header_that_cannot_name_a_file(void **state PX_UNUSED)
{
	static const char *const ids[] = {"../../x", "a/b", ".hidden", ""};
	for (size_t i = 0; i < PX_ARRAY_LEN(ids); i++) {
		struct px_document doc;
		struct px_buf why = PX_BUF_INIT, text = PX_BUF_INIT;
		px_buf_addf(&text,
			    "<px:Exchange xmlns:px=\"urn:prinex:exchange:1\"><px:Header><px:MessageId>%s"
			    "</px:MessageId><px:Sender>BY</px:Sender></px:Header></px:Exchange>",
			    ids[i]);
		assert_int_equal(px_document_read(text.data, text.len, "", &doc, &why), PX_OK);
		assert_false(doc.has_header);
		px_document_free(&doc);
		px_buf_free(&text);
	}
}

static void wrapping_keeps_every_octet(void **state PX_UNUSED)
{
	static const char root[] = "<n:a  xmlns:n='urn:x'\r\n b = '1'>\t<![CDATA[&]]>&#13;<c/></n:a >";
	const struct px_header h = {.message_id = "BY1",
				    .environment = "demo",
				    .sender = "BY",
				    .n_recipients = 1,
				    .recipients = {"UA"},
				    .type = "T",
				    .created_at = 1000};
	struct px_buf out = PX_BUF_INIT, why = PX_BUF_INIT;
	struct px_document doc;
	px_wrap(&out, &h, (const uint8_t *)root, strlen(root));
	assert_int_equal(px_document_read(out.data, out.len, "", &doc, &why), PX_OK);
	assert_int_equal(doc.is, PX_DOC_IS_EXCHANGE);
	assert_int_equal(doc.payload_len, strlen(root));
	assert_memory_equal(doc.octets.data + doc.payload, root, doc.payload_len);
	assert_string_equal(doc.header.message_id, "BY1");
	px_document_free(&doc);
	px_buf_free(&out);
}

static void ids_are_fresh_and_fit(void **state PX_UNUSED)
{
	char a[PX_MESSAGE_ID_MAX + 1], b[PX_MESSAGE_ID_MAX + 1];
	px_fresh_id("BY", INT64_C(1795248900123), 1, a);
	px_fresh_id("BY", INT64_C(1795248900123), 2, b);
	assert_true(px_str_starts(a, "BY20261121081500"));
	assert_string_not_equal(a, b);
	assert_true(px_is_message_id(a) && px_is_message_id(b));
	px_fresh_id("UA.ABCDEFGHIJKL", INT64_C(1795248900123), UINT64_MAX, a);
	assert_int_equal(strlen(a), PX_MESSAGE_ID_MAX);
	assert_true(px_is_message_id(a));
}

static void expiry_is_a_time_or_a_duration(void **state PX_UNUSED)
{
	int64_t at;
	assert_int_equal(px_parse_expiry("2026-11-23T08:15:00Z", 0, &at), PX_OK);
	assert_int_equal(at, INT64_C(1795421700000));
	assert_int_equal(px_parse_expiry("48h", 1999, &at), PX_OK);
	assert_int_equal(at, 1000 + INT64_C(48) * 3600000);
	assert_int_equal(px_parse_expiry("tomorrow", 0, &at), PX_EPARSE);
	assert_int_equal(px_parse_expiry("0s", 0, &at), PX_EPARSE);
	assert_int_equal(px_parse_expiry("2026-11-23T08:15:00", 0, &at), PX_EPARSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_the_root_element_travels),
	    cmocka_unit_test(what_cannot_travel_is_refused),
	    cmocka_unit_test(old_encodings_are_converted),
	    cmocka_unit_test(lines_are_those_of_the_file),
	    cmocka_unit_test(exchanges_are_recognized_and_left_alone),
	    cmocka_unit_test(a_header_that_cannot_name_a_file),
	    cmocka_unit_test(wrapping_keeps_every_octet),
	    cmocka_unit_test(ids_are_fresh_and_fit),
	    cmocka_unit_test(expiry_is_a_time_or_a_duration),
	};
	px_xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
