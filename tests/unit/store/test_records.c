/* prinex: tests of the LMDB store's records, keys and checksum
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strings.h"
#include "store/crc32c.h"
#include "store/fields.h"
#include "store/journal.h"
#include "store/keys.h"
#include "store/records.h"

#define TABLE 3
static const uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 7};

/* --- checksum ---------------------------------------------------------------------------------------- */

/* RFC 3720, B.4, and the check value that every description of CRC-32C gives. */
static void test_crc_vectors(void **state)
{
	uint8_t data[32];
	(void)state;
	assert_int_equal(px_crc32c(0, "123456789", 9), 0xe3069283u);
	memset(data, 0, sizeof(data));
	assert_int_equal(px_crc32c(0, data, sizeof(data)), 0x8a9136aau);
	memset(data, 0xff, sizeof(data));
	assert_int_equal(px_crc32c(0, data, sizeof(data)), 0x62a8ab43u);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	assert_int_equal(px_crc32c(0, data, sizeof(data)), 0x46dd794eu);
}

/* With and without the instruction, at any alignment and length, in one piece or two. */
static void test_crc_portable(void **state)
{
	uint8_t data[300];
	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 3);
	for (size_t from = 0; from < 9; from++) {
		for (size_t len = 0; len < 70; len++) {
			uint32_t crc = px_crc32c(0, data + from, len);
			assert_int_equal(crc, px_crc32c_portable(0, data + from, len));
			assert_int_equal(crc, px_crc32c(px_crc32c(0, data + from, len / 3),
							data + from + len / 3, len - len / 3));
		}
	}
}

/* --- keys -------------------------------------------------------------------------------------------- */

static int compare(const struct px_tkey *a, const struct px_tkey *b)
{
	int order = memcmp(a->data, b->data, PX_MIN(a->len, b->len));
	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* The order of keys is the order of their parts, which all walks rely on. */
static void test_key_order(void **state)
{
	(void)state;
	struct px_tkey rising[] = {
	    px_tkey_ready("ua", 0, 0, 1),
	    px_tkey_ready("ua", 0, 5, 9),
	    px_tkey_ready("ua", 0, 256, 1),
	    px_tkey_ready("ua", 0, INT64_C(1795248900000), 1),
	    px_tkey_ready("ua", 0, INT64_C(1795248900000), 255),
	    px_tkey_ready("ua", 0, INT64_C(1795248900000), 256),
	    px_tkey_ready("ua", 1, 0, 1),
	    px_tkey_ready("ua-2", 0, 0, 1), /* a longer name is not inside a shorter one */
	    px_tkey_ready("uaa", 0, 0, 1),
	    px_tkey_ready("ub", 0, 0, 1),
	};
	for (size_t i = 0; i + 1 < PX_ARRAY_LEN(rising); i++)
		assert_true(compare(&rising[i], &rising[i + 1]) < 0);
	struct px_tkey a = px_tkey_of(255), b = px_tkey_of(256), c = px_tkey_of(UINT64_MAX);
	assert_true(compare(&a, &b) < 0 && compare(&b, &c) < 0);
}

/* The longest LRN fits, and its parts cannot be shifted into one another. */
static void test_key_lrn(void **state)
{
	char sender[PX_AUTHORITY_MAX + 1], value[PX_KEY_VALUE_MAX + 1];
	(void)state;
	memset(sender, 'S', sizeof(sender) - 1);
	memset(value, 'V', sizeof(value) - 1);
	sender[sizeof(sender) - 1] = value[sizeof(value) - 1] = '\0';
	struct px_tkey longest = px_tkey_lrn(sender, value, value);
	assert_int_equal(longest.len, PX_TKEY_LRN_MAX);
	assert_int_equal(px_tkey_part(UINT64_MAX, PX_PART_KEY, &longest).len, PX_TKEY_MAX);
	struct px_tkey a = px_tkey_lrn("BY", "A", "BC"), b = px_tkey_lrn("BY", "AB", "C");
	assert_true(compare(&a, &b) != 0);
}

static void test_key_read(void **state)
{
	(void)state;
	struct px_tkey k = px_tkey_queue(77, "UA", 2, 99);
	struct px_tkey_in in = px_tkey_read(k.data, k.len);
	assert_int_equal(px_tkey_get_u64(&in), 77);
	assert_string_equal(px_tkey_get_str(&in, PX_AUTHORITY_MAX), "UA");
	assert_int_equal(px_tkey_get_u8(&in), 2);
	assert_int_equal(px_tkey_get_u64(&in), 99);
	assert_true(px_tkey_done(&in));
	for (size_t len = 0; len < k.len; len++) { /* cut anywhere */
		in = px_tkey_read(k.data, len);
		px_tkey_get_u64(&in);
		px_tkey_get_str(&in, PX_AUTHORITY_MAX);
		px_tkey_get_u8(&in);
		px_tkey_get_u64(&in);
		assert_false(px_tkey_done(&in));
	}
	in = px_tkey_read("ABCDEF\0", 7);
	assert_null(px_tkey_get_str(&in, 5)); /* longer than allowed */
}

/* --- records ----------------------------------------------------------------------------------------- */

static struct px_rec_message sample_message(void)
{
	static struct px_key keys[] = {
	    {PX_KEY_LRN, "LRN-1"}, {PX_KEY_MRN, "26BY0002466HT2CXJ9"}, {PX_KEY_SEAL, ""}};
	struct px_rec_message rec = {.message = {.header = {.message_id = "BY20261121000000123",
							    .environment = "production",
							    .sender = "BY",
							    .n_recipients = 2,
							    .recipients = {"UA", "MD.CUSTOMS"},
							    .type = "CD001C",
							    .type_version = "NCTS5.1",
							    .created_at = INT64_C(1795248900000),
							    .expires_at = INT64_C(1795348900000),
							    .correlation_id = "BY1"},
						 .len = 6144,
						 .accepted = INT64_C(1795248900500),
						 .prio = PX_PRIO_B,
						 .keys = {.n = 3, .items = keys, .ends_movement = true}},
				     .first_delivery = 41,
				     .n_deliveries = 2};
	return rec;
}

static struct px_delivery sample_delivery(void)
{
	return (struct px_delivery){.message = 5,
				    .movement = 6,
				    .recipient = "UA",
				    .partner = "ua-node",
				    .route = "east",
				    .prio = PX_PRIO_C,
				    .state = PX_D_HANDED_OVER,
				    .body_sent = true,
				    .attempts = 12,
				    .created = 1,
				    .due = 2,
				    .deadline = 3,
				    .ended = 4,
				    .error = "connection refused"};
}

static int open_it(const struct px_buf *rec, struct px_octets *fields)
{
	return px_rec_open(TABLE, key, sizeof(key), rec->data, rec->len, fields);
}

static void test_message(void **state)
{
	struct px_rec_message rec = sample_message(), back;
	struct px_scratch scratch = {0};
	struct px_buf buf = PX_BUF_INIT;
	struct px_octets fields;
	(void)state;
	px_rec_start(&buf);
	px_rec_put_message(&buf, &rec);
	px_rec_seal(&buf, TABLE, key, sizeof(key));
	assert_int_equal(open_it(&buf, &fields), PX_OK);
	assert_int_equal(px_rec_get_message(fields, &scratch, &back), PX_OK);
	assert_memory_equal(&back.message.header, &rec.message.header, sizeof(rec.message.header));
	assert_int_equal(back.message.len, 6144);
	assert_int_equal(back.message.accepted, rec.message.accepted);
	assert_int_equal(back.message.prio, PX_PRIO_B);
	assert_true(back.message.keys.ends_movement);
	assert_int_equal(back.message.keys.n, 3);
	assert_string_equal(back.message.keys.items[1].value, "26BY0002466HT2CXJ9");
	assert_int_equal(back.message.keys.items[2].kind, PX_KEY_SEAL);
	assert_int_equal(back.first_delivery, 41);
	assert_int_equal(back.n_deliveries, 2);
	px_scratch_free(&scratch);
	px_buf_free(&buf);
}

static void test_delivery(void **state)
{
	struct px_delivery rec = sample_delivery(), back;
	struct px_buf buf = PX_BUF_INIT;
	struct px_octets fields;
	(void)state;
	px_rec_start(&buf);
	px_rec_put_delivery(&buf, &rec);
	px_rec_seal(&buf, TABLE, key, sizeof(key));
	assert_int_equal(open_it(&buf, &fields), PX_OK);
	assert_int_equal(px_rec_get_delivery(fields, &back), PX_OK);
	assert_memory_equal(&back, &rec, offsetof(struct px_delivery, error)); /* what follows is padding */
	assert_string_equal(back.error, rec.error);
	px_buf_free(&buf);
}

/* Every single flipped bit is found; so is a record under the key or in the table of another. */
static void test_damage(void **state)
{
	struct px_delivery rec = sample_delivery();
	struct px_buf buf = PX_BUF_INIT;
	struct px_octets fields;
	const uint8_t other_key[8] = {0, 0, 0, 0, 0, 0, 0, 8};
	(void)state;
	px_rec_start(&buf);
	px_rec_put_delivery(&buf, &rec);
	px_rec_seal(&buf, TABLE, key, sizeof(key));
	for (size_t bit = 0; bit < 8 * buf.len; bit++) {
		buf.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(open_it(&buf, &fields), PX_ECORRUPT);
		buf.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < buf.len; len++)
		assert_int_equal(px_rec_open(TABLE, key, sizeof(key), buf.data, len, &fields), PX_ECORRUPT);
	assert_int_equal(px_rec_open(TABLE, other_key, sizeof(key), buf.data, buf.len, &fields), PX_ECORRUPT);
	assert_int_equal(px_rec_open(TABLE + 1, key, sizeof(key), buf.data, buf.len, &fields), PX_ECORRUPT);
	assert_int_equal(open_it(&buf, &fields), PX_OK);
	px_buf_free(&buf);
}

/* Fields cut anywhere, or with something behind them, are refused although nobody looked at the checksum. */
static void test_cut_fields(void **state)
{
	struct px_rec_message rec = sample_message(), back;
	struct px_scratch scratch = {0};
	struct px_buf buf = PX_BUF_INIT;
	(void)state;
	px_rec_start(&buf);
	px_rec_put_message(&buf, &rec);
	for (size_t len = 0; len + PX_REC_HEAD < buf.len; len++) {
		uint8_t *exact =
		    px_xmemdup(buf.data + PX_REC_HEAD, len); /* so that a sanitizer sees reads beyond */
		assert_int_equal(px_rec_get_message((struct px_octets){exact, len}, &scratch, &back),
				 PX_ECORRUPT);
		free(exact);
	}
	px_buf_addc(&buf, '\0');
	assert_int_equal(px_rec_get_message((struct px_octets){buf.data + PX_REC_HEAD, buf.len - PX_REC_HEAD},
					    &scratch, &back),
			 PX_ECORRUPT);
	px_scratch_free(&scratch);
	px_buf_free(&buf);
}

/* Values that encoding would never have written. */
static void test_impossible_fields(void **state)
{
	struct px_delivery rec = sample_delivery(), back;
	struct px_buf buf = PX_BUF_INIT;
	(void)state;
	px_rec_start(&buf);
	rec.state = (enum px_delivery_state)PX_D_STATES;
	px_rec_put_delivery(&buf, &rec);
	assert_int_equal(
	    px_rec_get_delivery((struct px_octets){buf.data + PX_REC_HEAD, buf.len - PX_REC_HEAD}, &back),
	    PX_ECORRUPT);
	struct px_buf text = PX_BUF_INIT;
	char out[4];
	px_put_text(&text, "four");
	struct px_fields in = {.at = text.data, .left = text.len};
	px_get_text(&in, out, sizeof(out));
	assert_true(in.bad); /* does not fit with its NUL */
	in = (struct px_fields){.at = (const uint8_t *)"\0\3a\0b", .left = 5};
	px_get_text(&in, out, sizeof(out));
	assert_true(in.bad); /* a NUL inside */
	px_buf_free(&buf);
	px_buf_free(&text);
}

static void test_body(void **state)
{
	static const char text[] = "<px:Exchange/>";
	uint8_t rec[PX_REC_BODY_HEAD + sizeof(text)], digest[PX_DIGEST_LEN];
	struct px_octets body;
	(void)state;
	px_sha256(text, sizeof(text), digest);
	px_rec_body_head(rec, digest);
	memcpy(rec + PX_REC_BODY_HEAD, text, sizeof(text));
	assert_int_equal(px_rec_open_body(rec, sizeof(rec), &body), PX_OK);
	assert_int_equal(body.len, sizeof(text));
	rec[PX_REC_BODY_HEAD] ^= 1;
	assert_int_equal(px_rec_open_body(rec, sizeof(rec), &body), PX_ECORRUPT);
	assert_int_equal(px_rec_open_body(rec, PX_REC_BODY_HEAD - 1, &body), PX_ECORRUPT);
}

/* The octets are part of the chain for ever: a change of the encoding must be a decision. */
static void test_journal(void **state)
{
	struct px_journal_entry entry = {.kind = PX_J_ACCEPTED,
					 .at = INT64_C(1795248900000),
					 .partner = "by",
					 .sender = "BY",
					 .message_id = "M1",
					 .has_digest = true,
					 .code = "Ping"};
	struct px_journal_entry back;
	struct px_buf buf = PX_BUF_INIT;
	uint8_t digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	(void)state;
	memset(entry.digest, 0xab, sizeof(entry.digest));
	px_journal_encode(&buf, &entry);
	px_sha256(buf.data, buf.len, digest);
	px_hex(digest, sizeof(digest), hex);
	assert_string_equal(hex, "a4591856b912796a4525a58a86aa3938375ceb59092911278df09adf8730de03");
	assert_int_equal(px_journal_decode(buf.data, buf.len, &back), PX_OK);
	assert_int_equal(back.kind, PX_J_ACCEPTED);
	assert_int_equal(back.at, entry.at);
	assert_string_equal(back.message_id, "M1");
	assert_string_equal(back.detail, "");
	assert_memory_equal(back.digest, entry.digest, PX_DIGEST_LEN);
	for (size_t len = 0; len < buf.len; len++)
		assert_int_equal(px_journal_decode(buf.data, len, &back), PX_ECORRUPT);
	px_buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_crc_vectors), cmocka_unit_test(test_crc_portable),
	    cmocka_unit_test(test_key_order),   cmocka_unit_test(test_key_lrn),
	    cmocka_unit_test(test_key_read),    cmocka_unit_test(test_message),
	    cmocka_unit_test(test_delivery),    cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_cut_fields),  cmocka_unit_test(test_impossible_fields),
	    cmocka_unit_test(test_body),        cmocka_unit_test(test_journal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
