/* prinex: a fixed amount of work of inspector and broker, for callgrind to count its instructions
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/parser.h>
#include <openssl/crypto.h>

#include "../unit/flow/pairs.h"

#include "base/log.h"
#include "conf/catalogue.h"
#include "flow/confirm.h"
#include "inspect/codec.h"
#include "message.h"
#include "xml/examine.h"
#include "xml/heap.h"

/*
 * usage: bench-count inspect CONF PKI TYPE PAYLOAD    declarations, their confirmations, and the verdicts
 * decoded bench-count loop                             messages accepted, delivered, confirmed: flow on a
 * simulated world bench-count seal PKI                         confirmations written and signed bench-count
 * versions                         of compiler and libraries
 *
 * Only what happens below px_bench_counted is to be counted (--toggle-collect); it does its work ROUNDS
 * times.
 */
enum { ROUNDS = 20, WARM = 5 };

struct work {
	void (*once)(struct work *w, unsigned i);
	struct px_examiner *examiner;
	struct px_buf exchange, answer;
	const struct px_seal_key *key;
	struct node *node;
};

void px_bench_counted(struct work *w);

/* Not inlined, and called from elsewhere than here as far as the compiler can see: callgrind needs its name.
 */
__attribute__((noinline)) void px_bench_counted(struct work *w)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		w->once(w, WARM + i);
}

static void run(struct work *w)
{
	for (unsigned i = 0; i < WARM; i++)
		w->once(w, i);
	px_bench_counted(w);
}

/* --- inspector
 * ---------------------------------------------------------------------------------------------- */

static void examine(const struct work *w, enum px_doc_kind kind, const struct px_buf *doc)
{
	struct px_exam exam = {.kind = kind,
			       .now = px_clock_wall(px_clock_real()),
			       .first_broker = true,
			       .expected_sender = "",
			       .expected_id = ""};
	struct px_verdict *v = px_examine(w->examiner, &exam, doc->data, doc->len), *back = NULL;
	struct px_buf octets = PX_BUF_INIT;
	if (v->stage != PX_STAGE_OK)
		px_bench_die(px_code_wire(v->errors.items[0].code), v->errors.items[0].text);
	px_verdict_encode(v, &octets);
	if (px_verdict_decode(octets.data, octets.len, doc->len, &back) != PX_OK)
		px_bench_die("verdict", "cannot be decoded");
	px_verdict_free(&back);
	px_verdict_free(&v);
	px_buf_free(&octets);
}

static void inspect_once(struct work *w, unsigned i)
{
	(void)i;
	examine(w, PX_DOC_EXCHANGE, &w->exchange);
	examine(w, PX_DOC_CONFIRMATION, &w->answer);
}

static void confirm(struct px_buf *out, const char *issuer, const struct px_seal_key *key)
{
	struct px_confirm coa = {.kind = PX_COA,
				 .confirmation_id = "C0100000001",
				 .issuer = issuer,
				 .ref_sender = "BY",
				 .ref_message_id = "B0100000001",
				 .ref_digest = (const uint8_t *)"0123456789abcdef0123456789abcdef",
				 .at = px_clock_wall(px_clock_real()) / 1000 * 1000};
	px_confirm_write(out, &coa, true);
	if (px_seal(key, out) != PX_OK)
		px_bench_die("sign", "failed");
}

static void count_inspector(const char *conf_file, const char *pki, const char *type, const char *payload)
{
	struct px_bench_about about = {
	    .type = type, .sender = "BY", .recipient = "UA", .environment = "test"};
	struct px_problems problems = {0};
	struct px_buf why = PX_BUF_INIT;
	struct px_conf *conf = NULL;
	struct px_catalogue *cat = NULL;
	struct px_bench_template t;
	struct work w = {.once = inspect_once};
	char origin[512], recipient[512];
	if (px_conf_load(conf_file, &conf, &problems) != PX_OK ||
	    px_catalogue_load(conf, &cat, &problems) != PX_OK)
		px_bench_die(conf_file, "cannot be loaded");
	px_xml_init();
	px_heap_open();
	if (px_examiner_new(conf, cat, &w.examiner, &why) != PX_OK)
		px_bench_die("examiner", px_buf_str(&why));
	snprintf(origin, sizeof(origin), "%s/BY/system", pki);
	snprintf(recipient, sizeof(recipient), "%s/UA/system", pki);
	struct px_seal_key *sender = px_bench_key(origin, "sign"),
			   *receiver = px_bench_key(recipient, "sign-ec");
	px_bench_template_load(&t, payload, &about);
	px_bench_fill(&t, 1, 1, sender, &w.exchange);
	confirm(&w.answer, "UA", receiver);
	run(&w);
	px_bench_template_free(&t);
	px_seal_key_free(&sender);
	px_seal_key_free(&receiver);
	px_buf_free(&w.exchange);
	px_buf_free(&w.answer);
	px_examiner_free(&w.examiner);
	px_catalogue_free(&cat);
	px_conf_free(&conf);
	px_problems_free(&problems);
}

/* --- loop -------------------------------------------------------------------------------------------------
 */

/* In from one system, out to the other, the proof back to the first. */
static void loop_once(struct work *w, unsigned i)
{
	char id[24], lrn[24];
	snprintf(id, sizeof(id), "B%09u", i);
	snprintf(lrn, sizeof(lrn), "LRN%09u", i);
	struct msg m = {.id = id, .recipients = "UA", .lrn = lrn, .declarant = "D1"};
	send_ok(w->node, "system-by", &m);
	if (strcmp(take(w->node, "system-ua", "UA"), id) != 0)
		px_bench_die(id, "does not arrive");
	struct reply r = take_confirmations(w->node, "system-by", "BY");
	reply_free(&r);
}

static void count_loop(void)
{
	static const char *const authorities[] = {"UA", NULL};
	struct world *world = world_new(1);
	struct work w = {.once = loop_once, .node = lone_node(world, authorities, "")};
	world_start(world);
	run(&w);
	world_free(&world);
}

/* --- signer -----------------------------------------------------------------------------------------------
 */

static void seal_once(struct work *w, unsigned i)
{
	struct px_buf doc = PX_BUF_INIT;
	(void)i;
	confirm(&doc, "BY", w->key);
	px_buf_free(&doc);
}

static void count_seal(const char *pki)
{
	char folder[512];
	snprintf(folder, sizeof(folder), "%s/BY/node", pki);
	struct px_seal_key *key = px_bench_key(folder, "sign");
	struct work w = {.once = seal_once, .key = key};
	run(&w);
	px_seal_key_free(&key);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	px_log_set_level(PX_LOG_ERR);
	if (strcmp(what, "inspect") == 0 && argc == 6) {
		count_inspector(argv[2], argv[3], argv[4], argv[5]);
	} else if (strcmp(what, "loop") == 0) {
		count_loop();
	} else if (strcmp(what, "seal") == 0 && argc == 3) {
		count_seal(argv[2]);
	} else if (strcmp(what, "versions") == 0) {
		xmlInitParser();
		printf("%s%s, libxml2 %s, %s\n", __VERSION__[0] >= '0' && __VERSION__[0] <= '9' ? "gcc " : "",
		       __VERSION__, xmlParserVersion, OpenSSL_version(OPENSSL_VERSION));
	} else {
		fputs("usage: bench-count inspect CONF PKI TYPE PAYLOAD | loop | seal PKI | versions\n",
		      stderr);
		return 2;
	}
	return 0;
}
