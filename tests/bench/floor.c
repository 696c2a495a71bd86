/* prinex: what a message cannot cost less than: the library calls it needs, one by one
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "floor.h"

#include <openssl/pem.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/strings.h"
#include "conf/catalogue.h"
#include "flow/confirm.h"
#include "xml/examine.h"
#include "xml/load.h"

/*
 * usage: bench-floor steps|whole|alone CONF PKI SCRATCH KEY SETS ROUNDS TYPE PAYLOAD
 *
 * CONF says where schemas are, PKI was made by certs/make-pki for BY and UA, SCRATCH takes a store, KEY is
 * sign or sign-ec. Writes `NAME=microseconds` for each step, the smallest of SETS, and their sum; or
 * what the whole job takes in one loop, once, as described in tests/bench/README.md.
 */
enum { DOCS = 256, DOCS_OCTETS = 8 << 20 };

struct step {
	const char *name;
	px_floor_step *run;
};

/* Where those two stand. */
enum { CONFIRM = 8, SIGN = 9 };
static const struct step steps[] = {
    {"serve", px_floor_serve},   {"digest", px_floor_digest}, {"prescan", px_floor_prescan},
    {"parse", px_floor_parse},   {"c14n", px_floor_c14n},     {"signed_info", px_floor_signed_info},
    {"verify", px_floor_verify}, {"schema", px_floor_schema}, {"confirm", px_floor_confirm},
    {"sign", px_floor_sign},     {"accept", px_floor_accept}, {"post", px_floor_post},
    {"answer", px_floor_answer}, {"settle", px_floor_settle}, {"entry", px_floor_entry},
    {"gather", px_floor_gather},
};

/* A hundredth of accepting, posting, verifying and settling an exchange of a hundred entries. */
static const struct step of_confirmations[] = {
    {"accept", px_floor_accept},
    {"post", px_floor_post},
    {"answer", px_floor_answer},
    {"settle", px_floor_settle},
};

static void load_schema(struct px_floor *f, const char *conf_file, const char *type)
{
	struct px_problems problems = {0};
	struct px_buf why = PX_BUF_INIT;
	struct px_conf *conf = NULL;
	struct px_catalogue *cat = NULL;
	if (px_conf_load(conf_file, &conf, &problems) != PX_OK ||
	    px_catalogue_load(conf, &cat, &problems) != PX_OK) {
		px_problems_print(&problems, &why);
		px_bench_die("configuration", px_buf_str(&why));
	}
	px_problems_free(&problems);
	const struct px_cat_type *t = px_catalogue_type(cat, type);
	if (t == NULL || px_load_set(px_catalogue_set(cat, t->sets.items[0]), &f->schema, &why) != PX_OK)
		px_bench_die(type, px_buf_str(&why));
	px_catalogue_free(&cat);
	px_conf_free(&conf);
	px_buf_free(&why);
}

static EVP_PKEY *read_key(const char *folder, const char *name)
{
	char path[600];
	snprintf(path, sizeof(path), "%s/%s.key", folder, name);
	FILE *file = fopen(path, "r");
	EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
	if (key == NULL)
		px_bench_die(path, "not a private key");
	fclose(file);
	return key;
}

static void make_answer(struct px_buf *out, const struct px_seal_key *key)
{
	struct px_confirm coa = {.kind = PX_COA,
				 .confirmation_id = "C0100000001",
				 .issuer = "UA",
				 .ref_sender = "BY",
				 .ref_message_id = "B0100000001",
				 .ref_digest = (const uint8_t *)"0123456789abcdef0123456789abcdef",
				 .at = px_clock_wall(px_clock_real())};
	px_confirm_write(out, &coa, true);
	if (px_seal(key, out) != PX_OK)
		px_bench_die("sign", "failed");
}

/* The octets of a Confirmations exchange, near enough: a hundred answers in base64 and what stands around. */
static void make_confirmations(struct px_buf *out, struct px_floor *f)
{
	struct px_buf entries[PX_FLOOR_ENTRIES];
	for (unsigned i = 0; i < PX_FLOOR_ENTRIES; i++) {
		entries[i] = (struct px_buf)PX_BUF_INIT;
		px_floor_write_entry(f, &entries[i]);
	}
	px_floor_write_exchange(f, entries, out);
	for (unsigned i = 0; i < PX_FLOOR_ENTRIES; i++)
		px_buf_free(&entries[i]);
}

/* The smallest of several sets, all steps in turn: a machine that drifts or is busy does it to all. */
static void measure_steps(struct px_floor *f, unsigned sets, unsigned rounds, const struct step *list,
			  size_t n, double *least)
{
	for (unsigned set = 0; set < sets; set++) {
		for (size_t i = 0; i < n; i++) {
			double us = PX_MAX(list[i].run(f, rounds), 0.0);
			least[i] = set == 0 ? us : PX_MIN(least[i], us);
		}
	}
}

static void measure(struct px_floor *f, unsigned sets, unsigned rounds)
{
	double least[PX_ARRAY_LEN(steps)] = {0}, sum = 0, back = 0;
	measure_steps(f, sets, rounds, steps, PX_ARRAY_LEN(steps), least);
	least[CONFIRM] = PX_MAX(least[CONFIRM] - least[SIGN], 0.0); /* it was measured with the signature */
	for (size_t i = 0; i < PX_ARRAY_LEN(steps); i++) {
		printf("%s=%.2f\n", steps[i].name, least[i]);
		sum += least[i];
	}
	const struct px_buf *message = f->doc;
	struct px_buf doc = PX_BUF_INIT;
	make_confirmations(&doc, f);
	f->doc = &doc;
	measure_steps(f, sets, 64, of_confirmations, PX_ARRAY_LEN(of_confirmations), least);
	for (size_t i = 0; i < PX_ARRAY_LEN(of_confirmations); i++)
		back += least[i] / PX_FLOOR_ENTRIES;
	f->doc = message;
	printf("back=%.2f\nsum=%.2f\n", back, sum + back);
	px_buf_free(&doc);
}

/* The whole job, with messages that differ as far as they fit into memory. */
static void measure_whole(struct px_floor *f, const struct px_bench_template *t,
			  const struct px_seal_key *key, unsigned rounds, unsigned batch)
{
	size_t n = PX_MIN(PX_MAX(DOCS_OCTETS / f->doc->len, (size_t)4), (size_t)DOCS);
	struct px_buf *docs = px_xcalloc(n, sizeof(*docs));
	for (size_t i = 0; i < n; i++)
		px_bench_fill(t, 1, (unsigned)i + 1, key, &docs[i]);
	struct px_floor_parts p = px_floor_whole(f, docs, n, rounds, batch);
	printf("net=%.2f\ninspect=%.2f\nsign=%.2f\nstore=%.2f\nprove=%.2f\nwhole=%.2f\n", p.net, p.inspect,
	       p.sign, p.store, p.prove, p.net + p.inspect + p.sign + p.store + p.prove);
	for (size_t i = 0; i < n; i++)
		px_buf_free(&docs[i]);
	free(docs);
}

int main(int argc, char **argv)
{
	struct px_bench_about about = {.sender = "BY", .recipient = "UA", .environment = "test"};
	struct px_bench_template t;
	struct px_buf doc = PX_BUF_INIT, answer = PX_BUF_INIT;
	char origin[512], recipient[512], node[512];
	uint64_t sets = 0, rounds = 0;
	unsigned batch = 0; /* in the loop; 0: the steps, each alone */
	if (argc > 1 && strcmp(argv[1], "steps") != 0)
		batch = strcmp(argv[1], "whole") == 0 ? PX_FLOOR_BATCH : 1;
	if (argc != 10 || (batch == 1 && strcmp(argv[1], "alone") != 0) ||
	    px_parse_u64(argv[6], 1, 100, &sets) != PX_OK ||
	    px_parse_u64(argv[7], 1, 100000, &rounds) != PX_OK) {
		fputs("usage: bench-floor steps|whole|alone CONF PKI SCRATCH KEY SETS ROUNDS TYPE PAYLOAD\n",
		      stderr);
		return 2;
	}
	argv++;
	px_xml_init();
	struct px_floor f = {.pki = argv[2], .scratch = argv[3], .doc = &doc, .answer = &answer};
	snprintf(origin, sizeof(origin), "%s/BY/system", f.pki);
	snprintf(recipient, sizeof(recipient), "%s/UA/system", f.pki);
	snprintf(node, sizeof(node), "%s/BY/node", f.pki);
	load_schema(&f, argv[1], argv[7]);
	struct px_seal_key *signer = px_bench_key(origin, argv[4]), *own = px_bench_key(node, "sign");
	struct px_seal_key *answerer = px_bench_key(recipient, "sign-ec");
	f.node = own;
	f.signer = read_key(origin, argv[4]);
	f.answerer = read_key(recipient, "sign-ec");
	about.type = argv[7];
	px_bench_template_load(&t, argv[8], &about);
	px_bench_fill(&t, 1, 1, signer, &doc);
	make_answer(&answer, answerer);
	printf("octets=%zu\n", doc.len);
	if (batch > 0)
		measure_whole(&f, &t, signer, (unsigned)rounds, batch);
	else
		measure(&f, (unsigned)sets, (unsigned)rounds);
	px_bench_template_free(&t);
	px_buf_free(&doc);
	px_buf_free(&answer);
	EVP_PKEY_free(f.signer);
	EVP_PKEY_free(f.answerer);
	px_seal_key_free(&signer);
	px_seal_key_free(&answerer);
	px_seal_key_free(&own);
	xmlSchemaFree(f.schema);
	return 0;
}
