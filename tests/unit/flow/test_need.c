/* prinex: state rules: who refuses, who only remarks, and what the levels mean
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

/* What every type of this node's catalogue needs; the array is the caller's. */
static void make_all(struct node *n, struct px_cat_type *types, enum px_stand stand)
{
	for (unsigned i = 0; i < n->cat.n_types; i++) {
		types[i] = n->cat.types[i];
		types[i].stand = stand;
	}
	n->cat.types = types;
}

static void set_level(struct node *n, const char *partner, const char *level)
{
	struct px_conf_partner *p = (struct px_conf_partner *)px_conf_partner(n->conf, partner);
	p->rules.items = px_xrealloc_array(p->rules.items, p->rules.n + 1, sizeof(p->rules.items[0]));
	p->rules.items[p->rules.n++] = px_xstrdup(level);
}

static bool says(const struct reply *r, const char *text)
{
	return memmem(r->body.data, r->body.len, text, strlen(text)) != NULL;
}

/* The answer has this status; with @code it holds it, as @element. */
static void answers(struct node *n, const struct msg *m, int status, const char *element, const char *code)
{
	char text[64];
	struct reply r = world_send(n, "system-by", m);
	assert_int_equal(r.status, status);
	snprintf(text, sizeof(text), "<px:%s code=\"%s\"", element, code);
	if (code[0] != '\0' && !says(&r, text))
		fail_msg("no %s in %.*s", text, (int)r.body.len, (const char *)r.body.data);
	if (code[0] == '\0' && says(&r, "R-S-"))
		fail_msg("%.*s", (int)r.body.len, (const char *)r.body.data);
	reply_free(&r);
}

#define NOTE(...) (&(struct msg){.recipients = "UA", __VA_ARGS__})

static const char *const ua_alone[] = {"UA", NULL};

static void test_first_broker_refuses(void **state)
{
	(void)state;
	struct world *w = world_new(1);
	struct node *by = lone_node(w, ua_alone, "");
	struct px_cat_type types[64];
	make_all(by, types, PX_STAND_BEGINS);
	world_start(w);
	answers(by, NOTE(.id = "M1", .lrn = "L1", .declarant = "D"), 201, "", "");
	answers(by, NOTE(.id = "M2", .lrn = "L1", .declarant = "D"), 422, "Error", "R-S-LRN");
	struct reply r = world_send(by, "system-by", NOTE(.id = "M3", .lrn = "L1", .declarant = "D"));
	assert_true(says(&r, " ncts=\"92\"") && says(&r, " reference=\"L1\"") && says(&r, " value=\"L1\""));
	reply_free(&r);
	assert_int_equal(world_journal(by, PX_J_ACCEPTED), 1);
	/* A refused id is free: the same message about another LRN is judged anew. */
	answers(by, NOTE(.id = "M2", .lrn = "L2", .declarant = "D"), 201, "", "");
	assert_string_equal(take(by, "system-ua", "UA"), "M1");
	world_free(&w);
}

static void test_levels(void **state)
{
	(void)state;
	static const char *const levels[] = {"refuse", "warn", "off"};
	for (size_t i = 0; i < PX_ARRAY_LEN(levels); i++) {
		struct world *w = world_new(2);
		struct node *by = lone_node(w, ua_alone, "");
		struct px_cat_type types[64];
		make_all(by, types, PX_STAND_AMENDS);
		set_level(by, "system-by", levels[i]);
		world_start(w);
		answers(by, NOTE(.id = "M1", .mrn = "26BY01", .declarant = "D"), i == 0 ? 422 : 201,
			i == 0 ? "Error" : "Warning", i == 2 ? "" : "R-S-MOVEMENT");
		if (i > 0)
			assert_string_equal(take(by, "system-ua", "UA"), "M1");
		world_free(&w);
	}
}

static void test_answers_of_strangers(void **state)
{
	(void)state;
	struct world *w = world_new(3);
	struct node *by = lone_node(w, ua_alone, "");
	world_start(w);
	SEND(by, "system-by", .id = "M1", .type = "Declaration", .recipients = "UA", .mrn = "26BY01",
	     .declarant = "D");
	/* BY has sent it, and nobody sent it to BY. */
	answers(by, NOTE(.id = "A1", .type = "Report", .mrn = "26BY01", .declarant = "D"), 422, "Error",
		"R-S-PARTY");
	expect_status(
	    world_send(
		by, "system-ua",
		&(struct msg){
		    .id = "A2", .type = "Report", .recipients = "BY", .mrn = "26BY01", .declarant = "D"}),
	    201);
	/* Having answered, UA has begun nothing that it could withdraw. */
	struct reply r = world_send(by, "system-ua",
				    &(struct msg){.id = "C1",
						  .type = "Change",
						  .recipients = "BY",
						  .mrn = "26BY01",
						  .declarant = "D",
						  .ends = true});
	assert_true(r.status == 422 && says(&r, "R-S-MOVEMENT"));
	reply_free(&r);
	answers(by, NOTE(.id = "C2", .type = "Change", .mrn = "26BY01", .declarant = "D"), 201, "", "");
	world_free(&w);
}

/* What the first broker let through a later one accepts, and says so. */
static void test_later_broker_remarks(void **state)
{
	(void)state;
	struct pair p = make_pair(4, "", "");
	struct px_cat_type types[64];
	make_all(p.ua, types, PX_STAND_AMENDS);
	SEND(p.by, "system-by", .id = "M1", .recipients = "UA", .mrn = "26BY01", .declarant = "D");
	assert_string_equal(take(p.ua, "system-ua", "UA"), "M1");
	world_run(p.w, 10 * SECOND);
	assert_string_equal(world_state(p.by, "BY", "M1", "UA"), "delivered");
	world_free(&p.w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_broker_refuses),
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_answers_of_strangers),
	    cmocka_unit_test(test_later_broker_remarks),
	};
	return cmocka_run_group_tests_name("flow/need", tests, NULL, NULL);
}
