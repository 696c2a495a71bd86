/* prinex: tests of base: buffers, digests and bodies
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <unistd.h>

#include "base/body.h"
#include "base/buf.h"
#include "base/strings.h"

static void test_grow(void **state)
{
	(void)state;
	struct px_buf b = {0};
	assert_string_equal(px_buf_str(&b), "");
	for (int i = 0; i < 1000; i++)
		px_buf_addf(&b, "%d,", i);
	assert_int_equal(b.len, 3890);
	assert_int_equal(strlen(px_buf_str(&b)), b.len);
	assert_true(px_str_starts(px_buf_str(&b), "0,1,2,"));
	assert_true(px_str_ends(px_buf_str(&b), ",998,999,"));
	px_buf_clear(&b);
	assert_string_equal(px_buf_str(&b), "");
	px_buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	px_buf_free(&b);
	assert_null(b.data);
}

/* A reason is wrapped in a longer one, and its text is in the very buffer that is replaced. */
static void test_set_from_itself(void **state)
{
	(void)state;
	struct px_buf why = {0};
	px_buf_setf(&why, "no such file");
	px_buf_setf(&why, "cannot load %s: %s", "x", px_buf_str(&why));
	assert_string_equal(px_buf_str(&why), "cannot load x: no such file");
	px_buf_free(&why);
	px_buf_setf(NULL, "nobody asks why");
}

static void test_detach(void **state)
{
	(void)state;
	struct px_buf b = {0};
	size_t len = 99;
	uint8_t *p = px_buf_detach(&b, &len);
	assert_int_equal(len, 0);
	assert_non_null(p);
	free(p);
	px_buf_adds(&b, "text");
	p = px_buf_detach(&b, &len);
	assert_int_equal(len, 4);
	assert_string_equal((char *)p, "text");
	assert_int_equal(b.len, 0);
	free(p);
}

static void xml(const char *in, size_t len, const char *text, const char *attr)
{
	struct px_buf b = {0};
	px_buf_add_xml_text(&b, in, len);
	assert_string_equal(px_buf_str(&b), text);
	px_buf_clear(&b);
	px_buf_add_xml_attr(&b, in, len);
	assert_string_equal(px_buf_str(&b), attr);
	px_buf_free(&b);
}

/* What a confirmation quotes of a message must be canonical, and cannot be markup. */
static void test_xml(void **state)
{
	(void)state;
	xml("a<b>&\"'c", 8, "a&lt;b&gt;&amp;\"'c", "a&lt;b>&amp;&quot;'c");
	xml("\t\n\r\x1b", 4, "\\x09\\x0A\\x0D\\x1B", "\\x09\\x0A\\x0D\\x1B");
	xml("a\0b\\", 4, "a\\x00b\\\\", "a\\x00b\\\\");
	xml("Мытня", 10, "Мытня", "Мытня");
	xml("\xd0", 1, "\\xD0", "\\xD0");
	xml("\xc0\xaf\xed\xa0\x80\xff", 6, "\\xC0\\xAF\\xED\\xA0\\x80\\xFF",
	    "\\xC0\\xAF\\xED\\xA0\\x80\\xFF");
}

static void test_read_file(void **state)
{
	(void)state;
	char path[] = "/tmp/prinex-buf-XXXXXX";
	struct px_buf b = {0}, why = {0};
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "0123456789", 10), 10);
	close(fd);
	assert_int_equal(px_buf_read_file(&b, path, 10, &why), PX_OK);
	assert_string_equal(px_buf_str(&b), "0123456789");
	px_buf_clear(&b);
	assert_int_equal(px_buf_read_file(&b, path, 9, &why), PX_ELIMIT);
	assert_non_null(strstr(px_buf_str(&why), path));
	unlink(path);
	assert_int_equal(px_buf_read_file(&b, path, 9, &why), PX_ENOTFOUND);
	assert_int_equal(px_buf_read_file(&b, "/tmp", 9, &why), PX_EACCESS);
	assert_int_equal(px_buf_read_file(&b, "/dev/null/a", 9, &why), PX_EACCESS);
	/* nothing is mapped at the beginning: EIO, as from a broken disk */
	assert_int_equal(px_buf_read_file(&b, "/proc/self/mem", 9, &why), PX_ESYS);
	char name[300];
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(px_buf_read_file(&b, name, 9, &why), PX_ELIMIT);
	px_buf_free(&b);
	px_buf_free(&why);
}

static void test_digest(void **state)
{
	(void)state;
	uint8_t whole[PX_DIGEST_LEN], parts[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	px_sha256("abc", 3, whole); /* FIPS 180-2, B.1 */
	px_hex(whole, sizeof(whole), hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct px_sha256 *ctx = px_sha256_new();
	px_sha256_add(ctx, "rubbish", 7);
	px_sha256_reset(ctx);
	px_sha256_add(ctx, "a", 1);
	px_sha256_add(ctx, "", 0);
	px_sha256_add(ctx, "bc", 2);
	px_sha256_end(ctx, parts);
	assert_memory_equal(whole, parts, sizeof(whole));
	px_sha256_free(&ctx);
}

static void test_body(void **state)
{
	(void)state;
	uint8_t digest[PX_DIGEST_LEN];
	struct px_body *a = px_body_copy("abc", 3), *b = px_body_ref(a);
	px_sha256("abc", 3, digest);
	assert_ptr_equal(a, b);
	assert_memory_equal(a->digest, digest, sizeof(digest));
	px_body_unref(&a);
	assert_null(a);
	assert_memory_equal(b->data, "abc", 3);
	px_body_unref(&b);
	px_body_unref(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grow),      cmocka_unit_test(test_set_from_itself),
	    cmocka_unit_test(test_detach),    cmocka_unit_test(test_xml),
	    cmocka_unit_test(test_read_file), cmocka_unit_test(test_digest),
	    cmocka_unit_test(test_body),
	};
	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
