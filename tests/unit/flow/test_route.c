/* prinex: tests of flow/route: who gets a message, by whom, and why the others do not
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/strings.h"
#include "flow/match.h"
#include "flow/route.h"

/* Configuration holds strings that it owns; tests only lend them. */
#define S(text) ((char *)(uintptr_t)(text))

static char *list_ua_ro_md[] = {S("UA"), S("RO"), S("MD"), S("BY")};
static char *list_md[] = {S("MD")}, *list_ro[] = {S("RO")}, *list_transit[] = {S("TransitDeclaration")};
static char *list_ua_offices[] = {S("UA209*"), S("UA500070")}, *list_by[] = {S("BY")};
static char *takes[] = {S("TransitDeclaration 1 2"), S("ExportDeclaration 1")};

/* Node BY: its own customs, UA's and RO's brokers, XB's system that only sends; MD is known, not connected.
 */
enum { CUSTOMS, UA, RO, XB, PARTNERS };
static struct px_conf_partner partners[PARTNERS];
static struct px_conf_route routes[3];
static struct px_conf conf;
static struct px_cat_type type;
static struct px_key key_items[8];
static struct px_keys keys;
static struct px_header header;
static struct px_routing out;
static struct px_findings errors;
static char version[8];

static struct px_conf_partner partner(const char *name, const char *authority, enum px_role role)
{
	return (struct px_conf_partner){
	    .name = S(name), .authority = S(authority), .role = role, .url = S(""), .maximum_age = 1000};
}

static int setup(void **state)
{
	(void)state;
	partners[CUSTOMS] = partner("customs", "BY", PX_ROLE_SYSTEM);
	partners[UA] = partner("ua", "UA", PX_ROLE_NODE);
	partners[RO] = partner("ro", "RO", PX_ROLE_NODE);
	partners[XB] = partner("xb", "XB", PX_ROLE_SYSTEM);
	partners[XB].mode = PX_MODE_NONE;
	memset(routes, 0, sizeof(routes));
	conf = (struct px_conf){.node = {.authority = S("BY")},
				.n_partners = PARTNERS,
				.partners = partners,
				.n_routes = 0,
				.routes = routes};
	type = (struct px_cat_type){.name = S("TransitDeclaration")};
	keys = (struct px_keys){.items = key_items};
	header = (struct px_header){0};
	px_strlcpy(header.sender, "BY", sizeof(header.sender));
	px_strlcpy(header.type, "TransitDeclaration", sizeof(header.type));
	px_strlcpy(version, "1", sizeof(version));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	px_findings_free(&errors);
	errors = (struct px_findings){0};
	return 0;
}

static void name(const char *recipient)
{
	px_strlcpy(header.recipients[header.n_recipients++], recipient, sizeof(header.recipients[0]));
}

static void add_key(enum px_key_kind kind, const char *value)
{
	key_items[keys.n].kind = kind;
	px_strlcpy(key_items[keys.n++].value, value, sizeof(key_items[0].value));
}

static void add_route(const char *title, char **recipients, unsigned n)
{
	routes[conf.n_routes++] =
	    (struct px_conf_route){.name = S(title), .recipients = {n, recipients}, .via = S("")};
}

static int route_told(unsigned from, px_route_told *told, void *arg)
{
	const struct px_route_ask ask = {.conf = &conf,
					 .type = &type,
					 .from = &partners[from],
					 .header = &header,
					 .keys = &keys,
					 .version = version,
					 .now = 5000,
					 .told = told,
					 .told_arg = arg};
	int status = px_route(&ask, &out, &errors);
	assert_int_equal(errors.n > 0, status != 0);
	return status;
}

static int route(unsigned from)
{
	return route_told(from, NULL, NULL);
}

/* "UA by ua, MD by nobody": the deliveries in their order. */
static const char *deliveries(void)
{
	static char text[256];
	size_t n = 0;
	text[0] = '\0';
	for (unsigned i = 0; i < out.n; i++) {
		const struct px_new_delivery *d = &out.deliveries[i];
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s by %s", i > 0 ? ", " : "",
				      d->recipient, d->partner[0] != '\0' ? d->partner : "nobody");
	}
	return text;
}

static void test_a_ping_to_the_node_itself_ends_there(void **state)
{
	(void)state;
	type.name = S("Ping");
	name("BY");
	px_strlcpy(header.sender, "UA", sizeof(header.sender));
	partners[CUSTOMS].mode = PX_MODE_NONE;
	assert_int_equal(route(UA), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(out.n_reached, 1);
	assert_string_equal(out.reached[0], "BY");
}

static void test_a_message_that_reaches_nobody_is_refused(void **state)
{
	(void)state;
	name("MD");
	name("XB"); /* its system takes no deliveries */
	assert_int_equal(route(CUSTOMS), 422);
	assert_int_equal(errors.n, 2);
	assert_int_equal(errors.items[0].code, PX_CODE_ROUTE);
	assert_string_equal(errors.items[0].value, "MD");
	assert_string_equal(errors.items[1].value, "XB");
}

static void test_who_is_not_connected_stops_nobody_else(void **state)
{
	(void)state;
	name("UA");
	name("MD");
	name("RO");
	assert_int_equal(route(CUSTOMS), 0);
	assert_string_equal(deliveries(), "UA by ua, MD by nobody, RO by ro");
	assert_int_equal(out.n_reached, 3);
	assert_int_equal(out.n_absent, 1);
	assert_int_equal(out.deliveries[0].deadline, 6000);
	assert_int_equal(out.deliveries[1].deadline, 5000); /* due at once */
}

static void test_a_route_may_lead_to_who_is_not_connected(void **state)
{
	(void)state;
	add_route("all", list_ua_ro_md, 4);
	assert_int_equal(route(CUSTOMS), 0);
	assert_string_equal(deliveries(), "UA by ua, RO by ro, MD by nobody");
	assert_string_equal(out.route, "all");
}

static void test_nothing_goes_back(void **state)
{
	(void)state;
	/* Never to the Sender, whoever brings it, though named and though a relay may forward to it. */
	partners[UA].relay_to = (struct px_strings){4, list_ua_ro_md};
	px_strlcpy(header.sender, "UA", sizeof(header.sender));
	name("UA");
	name("RO");
	name("BY");
	assert_int_equal(route(UA), 0);
	assert_string_equal(deliveries(), "RO by ro, BY by customs");
	/* Never to the partner it came from, though that is the only way to a recipient. */
	routes[0] = (struct px_conf_route){.name = S("md"), .recipients = {1, list_md}, .via = S("ua")};
	conf.n_routes = 1;
	header.n_recipients = 0;
	name("MD");
	name("BY");
	assert_int_equal(route(UA), 0);
	assert_string_equal(deliveries(), "BY by customs");
	/* A system that is the only way to one it names is told. */
	px_strlcpy(header.sender, "BY", sizeof(header.sender));
	routes[0].via = S("customs");
	header.n_recipients = 0;
	name("MD");
	name("RO");
	assert_int_equal(route(CUSTOMS), 0);
	assert_string_equal(deliveries(), "MD by nobody, RO by ro");
}

static void test_named_twice_it_goes_once(void **state)
{
	(void)state;
	name("UA");
	name("UA");
	assert_int_equal(route(CUSTOMS), 0);
	assert_string_equal(deliveries(), "UA by ua");
	header.n_recipients = 0;
	add_route("one", list_ro, 1);
	add_route("two", list_ua_ro_md, 2);
	assert_int_equal(route(CUSTOMS), 0);
	assert_string_equal(deliveries(), "RO by ro, UA by ua");
}

static void test_a_relay_needs_permission(void **state)
{
	(void)state;
	px_strlcpy(header.sender, "UA", sizeof(header.sender));
	name("RO");
	assert_int_equal(route(UA), 422);
	px_findings_free(&errors);
	errors = (struct px_findings){0};
	partners[UA].relay_to = (struct px_strings){1, list_ro};
	assert_int_equal(route(UA), 0);
	assert_string_equal(deliveries(), "RO by ro");
	/* A relayed message for an authority that is not connected here is reported from here. */
	char *both[] = {S("RO"), S("MD")};
	partners[UA].relay_to = (struct px_strings){2, both};
	name("MD");
	assert_int_equal(route(UA), 0);
	assert_string_equal(deliveries(), "RO by ro, MD by nobody");
}

static void test_a_version_that_is_not_taken_is_refused_naming_both(void **state)
{
	(void)state;
	name("UA");
	name("RO");
	partners[RO].versions = (struct px_strings){2, takes};
	px_strlcpy(version, "2", sizeof(version));
	assert_int_equal(route(CUSTOMS), 0);
	px_strlcpy(version, "3", sizeof(version));
	assert_int_equal(route(CUSTOMS), 422);
	assert_int_equal(errors.n, 1);
	assert_int_equal(errors.items[0].code, PX_CODE_ROUTE_VERSION);
	assert_string_equal(errors.items[0].value, "3");
	assert_non_null(strstr(errors.items[0].text, "in version 3"));
	assert_non_null(strstr(errors.items[0].text, "in version 1 or 2"));
}

struct told {
	struct px_buf text;
};

static void told(void *arg, const struct px_route_step *step)
{
	struct told *t = arg;
	px_buf_addf(&t->text, "%s %s %s by '%s' on '%s': %s\n", step->about_route ? "route" : "recipient",
		    step->name, px_route_outcome_name(step->outcome), step->partner, step->route, step->why);
}

static void test_every_decision_is_told(void **state)
{
	(void)state;
	struct told t = {PX_BUF_INIT};
	add_route("transit", list_ua_ro_md, 4);
	add_route("offices", list_ro, 1);
	routes[0].types = (struct px_strings){1, list_transit};
	routes[1].offices = (struct px_strings){2, list_ua_offices};
	routes[1].destinations = (struct px_strings){1, list_ro};
	add_key(PX_KEY_COUNTRY_DESTINATION, "PL");
	add_key(PX_KEY_OFFICE_TRANSIT, "UA205000");
	assert_int_equal(route_told(CUSTOMS, told, &t), 0);
	assert_string_equal(
	    px_buf_str(&t.text),
	    "route transit matches by '' on '': types: has TransitDeclaration\n"
	    "route offices differs by '' on '': destinations: needs RO, has PL; offices: needs UA209* or "
	    "UA500070, has UA205000\n"
	    "recipient UA delivers by 'ua' on 'transit': ua is its only node here\n"
	    "recipient RO delivers by 'ro' on 'transit': ro is its only node here\n"
	    "recipient MD absent by '' on 'transit': no partner of MD gets deliveries here, and no route "
	    "that "
	    "matches leads to it by another\n"
	    "recipient BY passed by '' on '': it is the Sender\n");
	px_buf_free(&t.text);
}

static bool matches(const struct px_conf_route *r)
{
	return px_match_route(r, &header, &keys, NULL);
}

static void test_all_conditions_must_hold(void **state)
{
	(void)state;
	struct px_conf_route r = {.name = S("r")};
	assert_true(matches(&r));
	r.senders = (struct px_strings){1, list_md};
	assert_false(matches(&r));
	r.senders = (struct px_strings){1, list_by};
	assert_true(matches(&r));
	r.countries = (struct px_strings){1, list_md};
	add_key(PX_KEY_COUNTRY_ROUTING, "UA");
	assert_false(matches(&r));
	add_key(PX_KEY_COUNTRY_ROUTING, "MD");
	assert_true(matches(&r));
	r.offices = (struct px_strings){2, list_ua_offices};
	add_key(PX_KEY_OFFICE_EXIT, "UA20800");
	assert_false(matches(&r));
	add_key(PX_KEY_OFFICE_DESTINATION, "UA209120");
	assert_true(matches(&r));
	/* A country of routing is no country of destination. */
	r.destinations = (struct px_strings){1, list_md};
	assert_false(matches(&r));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_ping_to_the_node_itself_ends_there),
	    TEST(test_a_message_that_reaches_nobody_is_refused),
	    TEST(test_who_is_not_connected_stops_nobody_else),
	    TEST(test_a_route_may_lead_to_who_is_not_connected),
	    TEST(test_nothing_goes_back),
	    TEST(test_named_twice_it_goes_once),
	    TEST(test_a_relay_needs_permission),
	    TEST(test_a_version_that_is_not_taken_is_refused_naming_both),
	    TEST(test_every_decision_is_told),
	    TEST(test_all_conditions_must_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
