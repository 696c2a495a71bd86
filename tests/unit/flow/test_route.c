/* prinex: tests of flow/route: where a Ping ends
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/strings.h"
#include "flow/route.h"

static char ping[] = "Ping", note[] = "Note", customs[] = "customs", by[] = "BY", xa[] = "XA", none[] = "";

/* A system of XA sends to node BY, which has no other partner. @return the status. */
static int route(char *type_name, const char *recipient, struct px_routing *out)
{
	struct px_conf_partner partner = {
	    .name = customs, .authority = xa, .role = PX_ROLE_SYSTEM, .url = none};
	const struct px_conf conf = {.node = {.authority = by}, .n_partners = 1, .partners = &partner};
	const struct px_cat_type type = {.name = type_name, .origin = PX_ORIGIN_ANY};
	const struct px_keys keys = {0};
	struct px_header header = {.n_recipients = 1};
	struct px_findings errors = {0};
	px_strlcpy(header.sender, "XA", sizeof(header.sender));
	px_strlcpy(header.recipients[0], recipient, sizeof(header.recipients[0]));
	int status = px_route(&conf, &type, &partner, &header, &keys, 0, out, &errors);
	assert_int_equal(errors.n > 0, status != 0);
	px_findings_free(&errors);
	return status;
}

static void test_a_ping_to_the_node_itself_ends_there(void **state)
{
	(void)state;
	struct px_routing out;
	assert_int_equal(route(ping, "BY", &out), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(out.n_reached, 1);
	assert_string_equal(out.reached[0], "BY");
}

static void test_who_is_not_reached_is_refused(void **state)
{
	(void)state;
	struct px_routing out;
	assert_int_equal(route(ping, "UA", &out), 422);
	assert_int_equal(route(note, "BY", &out), 422);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_ping_to_the_node_itself_ends_there),
	    cmocka_unit_test(test_who_is_not_reached_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
