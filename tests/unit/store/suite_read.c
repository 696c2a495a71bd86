/* prinex: store suite: questions of readers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "suite_kit.h"

#include "base/strings.h"

static void an_empty_store_answers(struct suite *t)
{
	assert_int_equal(suite_find(t, "BY", "M1").rc, PX_ENOTFOUND);
	assert_int_equal(suite_message(t, 1).rc, PX_ENOTFOUND);
	assert_int_equal(suite_message(t, 0).rc, PX_ENOTFOUND);
	assert_int_equal(suite_body(t, 1).rc, PX_ENOTFOUND);
	assert_string_equal(SCAN(t, .limit = 10), "");
	assert_string_equal(SCAN(t, .limit = 10, .ascending = true), "");
	assert_string_equal(SCAN_D(t, .limit = 10), "");
	struct got_messages found = suite_lookup(t, PX_KEY_MRN, "X", 10);
	assert_int_equal(found.rc, PX_OK);
	assert_int_equal(found.n, 0);
	assert_int_equal(suite_movement(t, 1).rc, PX_ENOTFOUND);
	assert_int_equal(suite_overdue(t, suite_now(t), NULL, 10).n, 0);
	assert_int_equal(suite_groups(t, 10).n, 0);
	assert_int_equal(suite_owed(t, "by", "BY", 10, 1000).n, 0);
	assert_int_equal(suite_lease(t, "ua", 10).n, 0);
}

static void found_by_id_or_number(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1", .to = "UA");
	ACCEPT(t, .id = "M2");
	struct got_message got = suite_message(t, a.seq);
	assert_int_equal(got.rc, PX_OK);
	assert_string_equal(got.m.header.message_id, "M1");
	assert_int_equal(got.m.n_deliveries, 1);
	assert_int_equal(suite_find(t, "BY", "M1").m.seq, a.seq);
	assert_int_equal(suite_find(t, "UA", "M1").rc, PX_ENOTFOUND);
	assert_int_equal(suite_find(t, "BY", "M").rc, PX_ENOTFOUND);
	assert_int_equal(suite_find(t, "BY", "M11").rc, PX_ENOTFOUND);
	assert_int_equal(suite_message(t, a.seq + 100).rc, PX_ENOTFOUND);
	assert_int_equal(suite_body(t, a.seq + 100).rc, PX_ENOTFOUND);
}

static void resolve_in_the_order_asked(struct suite *t)
{
	struct got_accept a = ACCEPT(t, .id = "M1");
	ACCEPT(t, .id = "M2", .own = true);
	const struct px_ref refs[] = {{"BY", "M2"}, {"BY", "NO"}, {"BY", "M1"}, {"UA", "M1"}, {"BY", "M1"}};
	struct got_resolved got = suite_resolve(t, PX_ARRAY_LEN(refs), refs);
	assert_int_equal(got.rc, PX_OK);
	assert_int_equal(got.n, 5);
	assert_true(got.items[0].found);
	assert_string_equal(got.items[0].partner, "");
	assert_false(got.items[1].found);
	assert_true(got.items[2].found);
	assert_int_equal(got.items[2].message, a.seq);
	assert_string_equal(got.items[2].partner, "by");
	uint8_t digest[PX_DIGEST_LEN];
	suite_digest(&(struct note){.id = "M1"}, digest);
	assert_memory_equal(got.items[2].digest, digest, PX_DIGEST_LEN);
	assert_false(got.items[3].found);
	assert_int_equal(got.items[4].message, a.seq);
}

/* --- scans -------------------------------------------------------------------------------------------------
 */

/** Nine messages an hour apart that differ in everything a scan filters by. */
static void nine_messages(struct suite *t)
{
	static const struct note notes[] = {
	    {.id = "M1", .to = "UA"},
	    {.id = "M2", .to = "UA MD"},
	    {.id = "M3", .from = "hub", .to = "MD@hub2"},
	    {.id = "M4", .sender = "UA", .from = "ua", .to = "BY"},
	    {.id = "M5", .type = "Ping"},
	    {.id = "M6", .sender = "UA", .from = "hub", .type = "Ping", .to = "BY MD"},
	    {.id = "M7", .own = true, .type = "Alarm", .to = "UA"},
	    {.id = "M1", .sender = "LT", .from = "hub", .to = "BY"},
	    {.id = "M9", .to = "UA"},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(notes); i++) {
		(void)suite_accept_ok(t, &notes[i]);
		px_clock_sim_advance(t->clock, SUITE_HOUR);
	}
}

static void scan_both_ways(struct suite *t)
{
	nine_messages(t);
	assert_string_equal(SCAN(t, .limit = 100), "M9 M1 M7 M6 M5 M4 M3 M2 M1");
	assert_string_equal(SCAN(t, .limit = 100, .ascending = true), "M1 M2 M3 M4 M5 M6 M7 M1 M9");
	assert_string_equal(SCAN_D(t, .limit = 100),
			    "M9/UA M1/BY M7/UA M6/MD M6/BY M4/BY M3/MD M2/MD M2/UA M1/UA");
	assert_string_equal(SCAN_D(t, .limit = 100, .ascending = true),
			    "M1/UA M2/UA M2/MD M3/MD M4/BY M6/BY M6/MD M7/UA M1/BY M9/UA");
}

static void pages_of_any_size(struct suite *t)
{
	nine_messages(t);
	for (unsigned limit = 1; limit <= 11; limit++) {
		assert_string_equal(SCAN(t, .limit = limit), "M9 M1 M7 M6 M5 M4 M3 M2 M1");
		assert_string_equal(SCAN(t, .limit = limit, .ascending = true), "M1 M2 M3 M4 M5 M6 M7 M1 M9");
		assert_string_equal(SCAN(t, .limit = limit, .sender = "UA"), "M6 M4");
		assert_string_equal(SCAN(t, .limit = limit, .recipient = "MD", .ascending = true),
				    "M2 M3 M6");
		assert_string_equal(SCAN_D(t, .limit = limit),
				    "M9/UA M1/BY M7/UA M6/MD M6/BY M4/BY M3/MD M2/MD M2/UA M1/UA");
		assert_string_equal(SCAN_D(t, .limit = limit, .ascending = true, .recipient = "BY"),
				    "M4/BY M6/BY M1/BY");
	}
}

static void a_page_has_no_more_than_asked(struct suite *t)
{
	nine_messages(t);
	struct got_messages page = suite_scan_page(t, &(struct px_scan){.limit = 4});
	assert_int_equal(page.n, 4);
	assert_true(page.next != 0);
	page = suite_scan_page(t, &(struct px_scan){.limit = 4, .from = page.next});
	assert_string_equal(suite_ids(t, &page), "M5 M4 M3 M2");
	page = suite_scan_page(t, &(struct px_scan){.limit = 4, .from = page.next});
	assert_string_equal(suite_ids(t, &page), "M1");
	assert_int_equal(page.next, 0);
}

/** What arrives between two pages neither repeats nor hides anything that was there. */
static void pages_while_messages_arrive(struct suite *t)
{
	nine_messages(t);
	struct got_messages first = suite_scan_page(t, &(struct px_scan){.limit = 4});
	ACCEPT(t, .id = "NEW");
	struct got_messages rest = suite_scan(t, &(struct px_scan){.limit = 4, .from = first.next});
	assert_string_equal(suite_ids(t, &first), "M9 M1 M7 M6");
	assert_string_equal(suite_ids(t, &rest), "M5 M4 M3 M2 M1");
}

static void filters_of_messages(struct suite *t)
{
	nine_messages(t);
	assert_string_equal(SCAN(t, .partner = "by"), "M9 M5 M2 M1");
	assert_string_equal(SCAN(t, .partner = "hub"), "M1 M6 M3");
	assert_string_equal(SCAN(t, .partner = "nobody"), "");
	assert_string_equal(SCAN(t, .sender = "UA"), "M6 M4");
	assert_string_equal(SCAN(t, .type = "Ping"), "M6 M5");
	assert_string_equal(SCAN(t, .message_id = "M1"), "M1 M1");
	assert_string_equal(SCAN(t, .message_id = "M1", .sender = "LT"), "M1");
	assert_string_equal(SCAN(t, .recipient = "MD"), "M6 M3 M2");
	assert_string_equal(SCAN(t, .recipient = "BY"), "M1 M6 M4");
	assert_string_equal(
	    SCAN(t, .partner = "", .sender = "", .type = "", .message_id = "", .recipient = "", .limit = 2),
	    "M9 M1 M7 M6 M5 M4 M3 M2 M1");
}

static void filters_of_deliveries(struct suite *t)
{
	nine_messages(t);
	assert_string_equal(SCAN_D(t, .partner = "ua"), "M9/UA M7/UA M2/UA M1/UA");
	assert_string_equal(SCAN_D(t, .partner = "hub2"), "M3/MD");
	assert_string_equal(SCAN_D(t, .recipient = "MD"), "M6/MD M3/MD M2/MD");
	assert_string_equal(SCAN_D(t, .sender = "UA"), "M6/MD M6/BY M4/BY");
	assert_string_equal(SCAN_D(t, .type = "Ping"), "M6/MD M6/BY");
	assert_string_equal(SCAN_D(t, .message_id = "M2"), "M2/MD M2/UA");
	assert_string_equal(SCAN_D(t, .partner = "md", .sender = "UA"), "M6/MD");
}

static void filter_by_time(struct suite *t)
{
	nine_messages(t);
	int64_t third = SUITE_START + 2 * SUITE_HOUR;
	assert_string_equal(SCAN(t, .since = third), "M9 M1 M7 M6 M5 M4 M3");
	assert_string_equal(SCAN(t, .until = third), "M2 M1"); /* until is not included */
	assert_string_equal(SCAN(t, .since = third, .until = third + 2 * SUITE_HOUR), "M4 M3");
	assert_string_equal(SCAN(t, .since = third + 1, .until = third + SUITE_HOUR + 1), "M4");
	assert_string_equal(SCAN(t, .since = SUITE_START + 100 * SUITE_HOUR), "");
	assert_string_equal(SCAN_D(t, .since = third, .until = third + 2 * SUITE_HOUR, .ascending = true),
			    "M3/MD M4/BY");
}

static void filter_what_is_open(struct suite *t)
{
	nine_messages(t);
	uint64_t md = suite_delivery(t, "M2", "MD").id;
	assert_int_equal(SETTLE(t, .delivery = md, .state = PX_D_DELIVERED), PX_OK);
	assert_int_equal(SETTLE(t, .delivery = suite_delivery(t, "M1", "UA").id, .state = PX_D_EXPIRED),
			 PX_OK);
	assert_int_equal(SETTLE(t, .delivery = suite_delivery(t, "M9", "UA").id, .state = PX_D_HANDED_OVER,
				.due = SUITE_START + SUITE_DAY),
			 PX_OK);
	assert_string_equal(SCAN(t, .open_only = true), "M9 M1 M7 M6 M4 M3 M2");
	assert_string_equal(SCAN(t, .open_only = true, .sender = "BY", .ascending = true, .limit = 1),
			    "M2 M3 M7 M9");
	assert_string_equal(SCAN_D(t, .open_only = true), "M9/UA M1/BY M7/UA M6/MD M6/BY M4/BY M3/MD M2/UA");
	assert_string_equal(SCAN_D(t, .open_only = true, .partner = "ua", .limit = 1), "M9/UA M7/UA M2/UA");
	assert_int_equal(SETTLE(t, .delivery = suite_delivery(t, "M2", "UA").id, .state = PX_D_UNKNOWN),
			 PX_OK);
	assert_string_equal(SCAN(t, .open_only = true, .sender = "BY"), "M9 M7 M3");
}

/** Thousands of messages: more than a page, and than anybody keeps in memory. */
static void a_long_scan(struct suite *t)
{
	struct got_accept *got = suite_room(t, 2500, sizeof(*got));
	for (unsigned i = 0; i < 2500; i++) {
		const char *id = suite_textf(t, "M%u", i);
		suite_submit_accept(t, &(struct note){.id = id, .type = i % 1000 == 7 ? "Rare" : "Common"},
				    &got[i]);
		if (i % 100 == 99)
			suite_wait(t, &got[i].done);
	}
	assert_string_equal(SCAN(t, .type = "Rare", .limit = 2), "M2007 M1007 M7");
	assert_string_equal(SCAN(t, .type = "Rare", .limit = 2, .ascending = true), "M7 M1007 M2007");
	size_t mark = t->n_kept;
	assert_int_equal(suite_scan(t, &(struct px_scan){.limit = 1000}).n, 2500);
	suite_release(t, mark);
}

/* --- lookup ------------------------------------------------------------------------------------------------
 */

static void lookup_each_kind(struct suite *t)
{
	struct px_key items[PX_KEY_COUNT];
	struct px_keys keys = {.n = PX_KEY_COUNT, .items = items};
	for (int kind = 0; kind < PX_KEY_COUNT; kind++) {
		items[kind].kind = (enum px_key_kind)kind;
		(void)snprintf(items[kind].value, sizeof(items[kind].value), "VALUE-%d", kind);
	}
	ACCEPT(t, .id = "M1", .keys = &keys);
	ACCEPT(t, .id = "M2");
	for (int kind = 0; kind < PX_KEY_COUNT; kind++) {
		struct got_messages got = suite_lookup(t, (enum px_key_kind)kind, items[kind].value, 10);
		assert_int_equal(got.rc, PX_OK);
		assert_string_equal(suite_ids(t, &got), "M1");
		/* another kind with that value is another key */
		enum px_key_kind other = (enum px_key_kind)((kind + 1) % PX_KEY_COUNT);
		assert_int_equal(suite_lookup(t, other, items[kind].value, 10).n, 0);
	}
}

static void accept_seals(struct suite *t, const char *id, const char *a, const char *b)
{
	struct px_key items[2] = {{.kind = PX_KEY_SEAL}, {.kind = PX_KEY_SEAL}};
	px_strlcpy(items[0].value, a, sizeof(items[0].value));
	px_strlcpy(items[1].value, b, sizeof(items[1].value));
	struct px_keys keys = {.n = 2, .items = items};
	ACCEPT(t, .id = id, .keys = &keys, .to = "UA");
}

static const char *seals(struct suite *t, const char *value, unsigned limit)
{
	struct got_messages got = suite_lookup(t, PX_KEY_SEAL, value, limit);
	assert_int_equal(got.rc, PX_OK);
	return suite_ids(t, &got);
}

static void lookup_newest_first(struct suite *t)
{
	accept_seals(t, "M1", "S1", "S2");
	accept_seals(t, "M2", "S2", "S3");
	accept_seals(t, "M3", "S2", "S2");
	assert_string_equal(seals(t, "S1", 10), "M1");
	assert_string_equal(seals(t, "S2", 10), "M3 M2 M1"); /* M3 once */
	assert_string_equal(seals(t, "S3", 10), "M2");
	assert_string_equal(seals(t, "S2", 2), "M3 M2");
	assert_string_equal(seals(t, "S", 10), "");
	assert_string_equal(seals(t, "S22", 10), "");
	assert_string_equal(seals(t, "", 10), "");
	assert_int_equal(suite_lookup(t, PX_KEY_SEAL, "S1", 10).items[0].n_deliveries, 1);
}

/* Seals, plates, containers and MRNs however they are written; all else octet for octet. */
static void lookup_however_written(struct suite *t)
{
	struct px_key items[] = {{PX_KEY_VEHICLE, "АЕ 4712-5"}, {PX_KEY_LRN, "L-1"}};
	struct px_keys keys = {.n = 2, .items = items};
	accept_seals(t, "M1", "BY-М 0088142", "s-2");
	ACCEPT(t, .id = "M2", .keys = &keys, .to = "UA");
	assert_string_equal(seals(t, "by m0088142", 10), "M1");
	assert_string_equal(seals(t, "S2", 10), "M1");
	struct got_messages got = suite_lookup(t, PX_KEY_VEHICLE, "ae47125", 10);
	assert_string_equal(suite_ids(t, &got), "M2");
	assert_string_equal(got.items[0].keys.items[0].value, "АЕ 4712-5"); /* kept as it was */
	assert_int_equal(suite_lookup(t, PX_KEY_LRN, "L1", 10).n, 0);
	assert_int_equal(suite_lookup(t, PX_KEY_LRN, "L-1", 10).n, 1);
}

/* Page after page, as many as there are, each message once. */
static void lookup_in_pages(struct suite *t)
{
	struct px_lookup which = {.kind = PX_KEY_SEAL, .value = "S2", .limit = 2};
	for (unsigned i = 1; i <= 5; i++)
		accept_seals(t, suite_textf(t, "M%u", i), "S2", i % 2 == 0 ? "S3" : "S1");
	accept_seals(t, "OTHER", "S3", "S1");
	struct got_messages page = suite_lookup_page(t, &which);
	assert_string_equal(suite_ids(t, &page), "M5 M4");
	accept_seals(t, "NEW", "S2", "S2"); /* newer than where the next page begins */
	which.from = page.next;
	page = suite_lookup_page(t, &which);
	assert_string_equal(suite_ids(t, &page), "M3 M2");
	which.from = page.next;
	page = suite_lookup_page(t, &which);
	assert_string_equal(suite_ids(t, &page), "M1");
	assert_int_equal(page.next, 0);
}

/* Those of others do not fill the page; what was told to be undeliverable was not sent. */
static void lookup_for_a_recipient(struct suite *t)
{
	struct px_key seal = {PX_KEY_SEAL, "S1"};
	struct px_keys keys = {.n = 1, .items = &seal};
	struct px_lookup which = {.kind = PX_KEY_SEAL, .value = "S1", .recipient = "UA", .limit = 2};
	ACCEPT(t, .id = "M1", .keys = &keys, .to = "UA");
	ACCEPT(t, .id = "M2", .keys = &keys, .to = "MD UA");
	ACCEPT(t, .id = "M3", .keys = &keys, .to = "UA@");
	for (unsigned i = 4; i < 30; i++)
		ACCEPT(t, .id = suite_textf(t, "M%u", i), .keys = &keys, .to = "MD");
	struct got_messages page = suite_lookup_page(t, &which);
	assert_string_equal(suite_ids(t, &page), "M2 M1");
	which.recipient = "PL";
	assert_int_equal(suite_lookup_page(t, &which).n, 0);
}

static void lookup_of_what_goes_on(struct suite *t)
{
	struct px_lookup which = {.kind = PX_KEY_MRN, .value = "X", .limit = 10};
	ACCEPT(t, .id = "M1", .mrn = "X", .life = SUITE_DAY);
	ACCEPT(t, .id = "M2", .mrn = "X", .ends = true);
	ACCEPT(t, .id = "M3", .mrn = "X", .life = SUITE_DAY);
	ACCEPT(t, .id = "C1", .mrn = "X", .confirmations = true); /* belongs to none */
	struct got_messages page = suite_lookup_page(t, &which);
	assert_string_equal(suite_ids(t, &page), "C1 M3 M2 M1");
	which.live_at = suite_now(t);
	page = suite_lookup_page(t, &which);
	assert_string_equal(suite_ids(t, &page), "M3");
	which.live_at = suite_now(t) + SUITE_DAY;
	assert_int_equal(suite_lookup_page(t, &which).n, 0);
	/* what still waits does not keep it from having ended */
	ACCEPT(t, .id = "M4", .mrn = "Y", .to = "UA");
	ACCEPT(t, .id = "M5", .mrn = "Y", .to = "UA", .ends = true);
	which.value = "Y";
	which.live_at = suite_now(t);
	assert_int_equal(suite_lookup_page(t, &which).n, 0);
}

static void lookup_after_reopening(struct suite *t)
{
	accept_seals(t, "M1", "S1", "Печать 7");
	suite_reopen(t);
	accept_seals(t, "M2", "Печать 7", "S3");
	assert_string_equal(seals(t, "Печать 7", 10), "M2 M1");
	assert_string_equal(seals(t, "Печать", 10), "");
}

static void longest_value_is_kept_whole(struct suite *t)
{
	char longest[PX_KEY_VALUE_MAX + 1], shorter[PX_KEY_VALUE_MAX + 1];
	memset(longest, 'L', sizeof(longest));
	longest[PX_KEY_VALUE_MAX] = '\0';
	px_strlcpy(shorter, longest, sizeof(shorter));
	shorter[PX_KEY_VALUE_MAX - 1] = '\0';
	accept_seals(t, "M1", longest, "x");
	accept_seals(t, "M2", shorter, "x");
	assert_string_equal(seals(t, longest, 10), "M1");
	assert_string_equal(seals(t, shorter, 10), "M2");
	struct got_accept a = ACCEPT(t, .id = "M3", .lrn = longest, .declarant = longest, .mrn = longest);
	struct got_accept b = ACCEPT(t, .id = "M4", .lrn = longest, .declarant = longest);
	assert_int_equal(a.movement, b.movement);
}

/** As many keys as a message may carry. */
static void a_thousand_keys(struct suite *t)
{
	struct px_keys keys = {.n = PX_KEYS_MAX, .items = suite_room(t, PX_KEYS_MAX, sizeof(struct px_key))};
	for (unsigned i = 0; i < keys.n; i++) {
		keys.items[i].kind = PX_KEY_CONTAINER;
		(void)snprintf(keys.items[i].value, sizeof(keys.items[i].value), "C%u", i);
	}
	ACCEPT(t, .id = "M1", .keys = &keys);
	struct got_messages got = suite_lookup(t, PX_KEY_CONTAINER, "C1023", 10);
	assert_string_equal(suite_ids(t, &got), "M1");
	assert_int_equal(got.items[0].keys.n, PX_KEYS_MAX);
	assert_string_equal(got.items[0].keys.items[517].value, "C517");
}

const struct suite_case suite_read_cases[] = {
    {"an empty store answers every question", an_empty_store_answers},
    {"messages are found by sender and id, or by number", found_by_id_or_number},
    {"references are resolved in the order asked", resolve_in_the_order_asked},
    {"scans go newest first or ascending", scan_both_ways},
    {"scans in pages of any size show the same", pages_of_any_size},
    {"a page holds no more than asked", a_page_has_no_more_than_asked},
    {"pages are not disturbed by messages that arrive meanwhile", pages_while_messages_arrive},
    {"scans filter messages", filters_of_messages},
    {"scans filter deliveries", filters_of_deliveries},
    {"scans filter by time", filter_by_time},
    {"scans filter what is open", filter_what_is_open},
    {"a scan of thousands", a_long_scan},
    {"lookup by each kind of key", lookup_each_kind},
    {"lookup shows the newest first, each once, whole values only", lookup_newest_first},
    {"lookup finds plates, containers, seals and MRNs however written", lookup_however_written},
    {"lookup in pages", lookup_in_pages},
    {"lookup of what a recipient was sent", lookup_for_a_recipient},
    {"lookup of what has not ended", lookup_of_what_goes_on},
    {"lookup after reopening", lookup_after_reopening},
    {"the longest values are kept whole", longest_value_is_kept_whole},
    {"a message with as many keys as allowed", a_thousand_keys},
    {NULL, NULL},
};
