/* prinex: store suite: what is expected where and when
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

struct got_arrivals {
	bool done, more;
	int rc;
	char text[1024]; /* "message@office ..." in order */
	struct px_arrival next;
	struct suite *t;
};

static void arrived(void *arg, int rc, unsigned n, const struct px_arrival *arrivals,
		    const struct px_arrival *next)
{
	struct got_arrivals *got = arg;
	size_t len = 0;
	got->t->callbacks++;
	got->rc = rc;
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(got->text + len, sizeof(got->text) - len, "%s%llu@%s",
					i > 0 ? " " : "", (unsigned long long)arrivals[i].message,
					arrivals[i].office);
	got->more = next != NULL;
	if (next != NULL)
		got->next = *next;
	got->done = true;
}

static struct got_arrivals ask(struct suite *t, const struct px_arrivals *which)
{
	struct got_arrivals got = {.t = t};
	t->submitted++;
	px_store_arrivals(t->st, which, arrived, &got);
	suite_wait(t, &got.done);
	assert_int_equal(got.rc, PX_OK);
	return got;
}
#define ASK(t, ...) suite_text((t), ask((t), &(struct px_arrivals){__VA_ARGS__}).text)

static const char *at(struct suite *t, int64_t hours)
{
	char *text = suite_room(t, 32, 1);
	px_time_format(SUITE_START + hours * SUITE_HOUR, text, 32);
	return text;
}

/* Expected at @office, @hours from the start; @other "" or a second office an hour later. */
static struct got_accept expect(struct suite *t, const char *id, const char *to, const char *office,
				int64_t hours, const char *other)
{
	struct px_key items[6] = {{PX_KEY_EXPECTED_ARRIVAL, ""},
				  {PX_KEY_ARRIVAL_OFFICE, ""},
				  {PX_KEY_EXPECTED_ARRIVAL, ""},
				  {PX_KEY_ARRIVAL_OFFICE, ""}};
	struct px_keys keys = {.n = other[0] != '\0' ? 4 : 2, .items = items};
	px_strlcpy(items[0].value, at(t, hours), sizeof(items[0].value));
	px_strlcpy(items[1].value, office, sizeof(items[1].value));
	px_strlcpy(items[2].value, at(t, hours + 1), sizeof(items[2].value));
	px_strlcpy(items[3].value, other, sizeof(items[3].value));
	return ACCEPT(t, .id = id, .to = to, .keys = &keys);
}

#define ALWAYS .from = 0, .until = SUITE_START + 1000 * SUITE_HOUR

static void by_office_and_time(struct suite *t)
{
	expect(t, "M1", "UA", "UA1", 5, "MD1");
	expect(t, "M2", "UA MD", "UA1", 3, "");
	expect(t, "M3", "MD", "UA1", 4, "UA2");
	ACCEPT(t, .id = "M4", .to = "UA");
	assert_string_equal(ASK(t, .office = "UA1", ALWAYS), "2@UA1 3@UA1 1@UA1");
	assert_string_equal(ASK(t, .office = "UA2", ALWAYS), "3@UA2");
	assert_string_equal(ASK(t, .office = "UA", ALWAYS), "");
	assert_string_equal(ASK(t, .office = "UA1", .recipient = "UA", ALWAYS), "2@UA1 1@UA1");
	assert_string_equal(ASK(t, .office = "UA1", .from = SUITE_START + 3 * SUITE_HOUR,
				.until = SUITE_START + 5 * SUITE_HOUR),
			    "2@UA1 3@UA1");
	suite_reopen(t);
	assert_string_equal(ASK(t, .office = "UA1", .recipient = "MD", ALWAYS), "2@UA1 3@UA1");
}

/* Late from its limit on, or from when it became known. */
static void by_when_it_is_late(struct suite *t)
{
	expect(t, "M1", "UA", "UA1", 5, "MD1");
	expect(t, "M2", "UA", "UA1", -7, "");
	assert_string_equal(ASK(t, ALWAYS), "2@UA1 1@UA1 1@MD1");
	assert_string_equal(ASK(t, .from = 0, .until = SUITE_START), "");
	assert_string_equal(ASK(t, .from = SUITE_START + 6 * SUITE_HOUR, .until = INT64_MAX), "1@MD1");
}

static void pages(struct suite *t)
{
	for (unsigned i = 0; i < 5; i++)
		expect(t, suite_textf(t, "M%u", i), "UA", "UA1", 5, "UA2");
	struct got_arrivals first = ask(t, &(struct px_arrivals){.office = "UA1", ALWAYS, .limit = 2});
	assert_string_equal(first.text, "1@UA1 2@UA1");
	assert_true(first.more);
	assert_string_equal(ASK(t, .office = "UA1", ALWAYS, .limit = 2, .after = &first.next), "3@UA1 4@UA1");
	first = ask(t, &(struct px_arrivals){ALWAYS, .limit = 5});
	assert_string_equal(first.text, "1@UA1 2@UA1 3@UA1 4@UA1 5@UA1");
	first = ask(t, &(struct px_arrivals){ALWAYS, .limit = 5, .after = &first.next});
	assert_string_equal(first.text, "1@UA2 2@UA2 3@UA2 4@UA2 5@UA2");
	assert_false(first.more);
}

static void purged(void *arg, int rc, const struct px_purge_report *report)
{
	struct got_arrivals *got = arg;
	got->t->callbacks++;
	assert_int_equal(rc, PX_OK);
	assert_int_equal(report->messages, 1);
	got->done = true;
}

static void purge_takes_them(struct suite *t)
{
	struct px_purge req = {.keep = SUITE_DAY};
	struct got_arrivals got = {.t = t};
	expect(t, "M1", "UA", "UA1", 5, "");
	suite_pass(t, "ua", "M1", PX_D_DELIVERED);
	px_clock_sim_advance(t->clock, 2 * SUITE_DAY);
	req.now = suite_now(t);
	t->submitted++;
	px_store_purge(t->st, &req, purged, &got);
	suite_wait(t, &got.done);
	assert_string_equal(ASK(t, .office = "UA1", ALWAYS), "");
	assert_string_equal(ASK(t, ALWAYS), "");
}

const struct suite_case suite_arrival_cases[] = {
    {"arrivals by office, in the order of their time", by_office_and_time},
    {"arrivals by when they are late", by_when_it_is_late},
    {"arrivals come in pages", pages},
    {"purge takes arrivals too", purge_takes_them},
    {NULL, NULL},
};
