/* prinex: tests of what an officer's answer leads to
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "client/exhibits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/buf.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct px_exhibit *all;
static unsigned n;

static int read_answer(const char *movements)
{
	struct px_buf doc = PX_BUF_INIT;
	px_buf_addf(&doc,
		    "<px:Movements "
		    "xmlns:px=\"urn:prinex:exchange:1\"><px:Authority>UA</px:Authority>%s</px:Movements>",
		    movements);
	free(all);
	int rc = px_exhibits_read(doc.data, doc.len, &all, &n);
	px_buf_free(&doc);
	return rc;
}

#define EXCHANGE(as, sender, id, digest)                                                                    \
	"<px:" as "><px:Sender>" sender "</px:Sender><px:MessageId>" id "</px:MessageId><px:Digest>" digest \
	"</px:Digest></px:" as ">"
#define MOVEMENT(what) "<px:Movement>" what "</px:Movement>"

static void each_is_named_once(void **state PX_UNUSED)
{
	assert_int_equal(read_answer(""), PX_OK);
	assert_int_equal(n, 0);
	assert_int_equal(read_answer(MOVEMENT(EXCHANGE("Declaration", "BY", "B2", DIGEST) EXCHANGE(
			     "Sent", "BY", "B1", DIGEST) EXCHANGE("Sent", "BY", "B2", DIGEST))
					 MOVEMENT(EXCHANGE("Sent", "MD", "B1", DIGEST))),
			 PX_OK);
	assert_int_equal(n, 3);
	assert_string_equal(all[0].message_id, "B2");
	assert_string_equal(all[1].message_id, "B1");
	assert_string_equal(all[1].sender, "BY");
	assert_string_equal(all[2].sender, "MD");
	assert_int_equal(all[0].digest[1], 0x11);
}

static void what_could_lead_elsewhere_is_not_believed(void **state PX_UNUSED)
{
	assert_int_equal(read_answer(MOVEMENT(EXCHANGE("Sent", "..", "B1", DIGEST))), PX_EPARSE);
	assert_int_equal(read_answer(MOVEMENT(EXCHANGE("Sent", "BY", "../B1", DIGEST))), PX_EPARSE);
	assert_int_equal(read_answer(MOVEMENT(EXCHANGE("Sent", "BY", "B1", DIGEST "00"))), PX_EPARSE);
	assert_int_equal(read_answer(MOVEMENT(EXCHANGE("Sent", "BY", "B1", ""))), PX_EPARSE);
	assert_int_equal(read_answer("<px:Movement>"), PX_EPARSE);
	free(all);
	assert_int_equal(px_exhibits_read((const uint8_t *)"<a/>", 4, &all, &n), PX_EPARSE);
	free(all);
	all = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_is_named_once),
	    cmocka_unit_test(what_could_lead_elsewhere_is_not_believed),
	};
	return cmocka_run_group_tests_name("exhibits", tests, NULL, NULL);
}
