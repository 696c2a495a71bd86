/* prinex: the inspectors alone, fed from memory: do two do twice as much as one, and who waits for whom
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "base/strings.h"
#include "inspect/pool_parts.h"
#include "message.h"

/*
 * usage: bench-pool PRINEXD CONF PKI TYPE SMALL LARGE [ROUNDS]
 *
 * Real inspectors behind the pool the broker has, without network and store; SMALL and LARGE are payloads.
 * Prints `key=value` lines:
 *   one_*, two_*   a pool of one and of two inspectors in turn, ROUNDS (9) times: medians of documents a
 * second, CPU us of the inspectors and of the thread that feeds them, for a document behind_*       one
 * inspector, large documents of one partner always waiting, small ones of another now and then: how many
 * large ones were inspected while a small one waited, and for how long fair_*         two inspectors, one
 * partner with FLOOD documents always waiting, one with a single one: how many of the first were inspected
 * while the other's waited
 */
enum { DOCS = 64, WINDOW = 1500, FLOOD = 60, LARGE_WAITING = 6, PROBES = 100, ROUNDS_MAX = 99 };

struct bench {
	struct event_base *base;
	struct event *pump;
	struct px_timers *timers;
	struct px_metrics *metrics;
	const char *exe, *conf;
	struct px_body *small[DOCS], *large;
};

/* One pool, and who feeds it. */
struct feeder {
	struct bench *b;
	struct px_pool *pool;
	bool ready;
	unsigned next, left, done; /* small documents: to submit still; inspected */
	unsigned flood, large;     /* inspected of the partner that floods; of large ones */
	bool flooding, pressing;
};

/* One document of which the time counts. */
struct probe {
	struct feeder *f;
	bool done;
	unsigned ahead; /* inspected meanwhile, of those that compete */
	double us;
};

static double clock_us(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* CPU us of all inspectors of a pool. */
static double inspectors_us(const struct px_pool *pool)
{
	double ns = 0;
	for (unsigned i = 0; i < pool->n_workers; i++) {
		char path[64];
		unsigned long long ran = 0;
		snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pool->workers[i].pid);
		FILE *file = fopen(path, "r");
		if (file == NULL || fscanf(file, "%llu", &ran) != 1)
			px_bench_die(path, "cannot be read");
		fclose(file);
		ns += (double)ran;
	}
	return ns / 1e3;
}

/* --- the loop --------------------------------------------------------------------------------------------
 */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct bench *b = arg;
	(void)fd;
	(void)what;
	px_timers_run(b->timers);
}

static void step(struct bench *b)
{
	int64_t at, ms = 20;
	if (px_timers_next(b->timers, &at))
		ms = PX_MAX(PX_MIN(at - px_clock_mono(px_clock_real()), ms), (int64_t)0);
	const struct timeval tv = {.tv_usec = ms * 1000};
	event_add(b->pump, &tv);
	event_base_loop(b->base, EVLOOP_ONCE);
}

static void on_ready(void *arg, int rc, const char *why)
{
	struct feeder *f = arg;
	if (rc != PX_OK)
		px_bench_die("inspectors", why);
	f->ready = true;
}

static void on_lost(void *arg)
{
	(void)arg;
	px_bench_die("inspectors", "their parent has ended");
}

static void feeder_open(struct feeder *f, struct bench *b, unsigned workers)
{
	struct px_buf why = PX_BUF_INIT;
	struct px_pool_setup setup = {.exe = b->exe,
				      .conf_file = b->conf,
				      .workers = workers,
				      .generation = 1,
				      .body_limit = 4 << 20,
				      .messages_max = 1u << 30, /* their processes' times are added up */
				      .base = b->base,
				      .timers = b->timers,
				      .metrics = b->metrics};
	*f = (struct feeder){.b = b};
	if (px_pool_new(&setup, on_ready, on_lost, f, &f->pool, &why) != PX_OK)
		px_bench_die("inspectors", px_buf_str(&why));
	while (!f->ready)
		step(b);
}

/* --- feeding ---------------------------------------------------------------------------------------------
 */

static void check(int rc, struct px_verdict *v)
{
	if (rc != PX_OK)
		px_bench_die("inspection", px_err_text(rc));
	if (v->stage != PX_STAGE_OK)
		px_bench_die(px_code_wire(v->errors.items[0].code), v->errors.items[0].text);
	px_verdict_free(&v);
}

static void submit(struct feeder *f, const char *partner, struct px_body *body, px_pool_done *done, void *arg)
{
	struct px_pool_request req = {.kind = PX_DOC_EXCHANGE,
				      .body = body,
				      .now = px_clock_wall(px_clock_real()),
				      .first_broker = true};
	px_strlcpy(req.partner, partner, sizeof(req.partner));
	if (px_pool_submit(f->pool, &req, done, arg) != PX_OK)
		px_bench_die("submit", "the pool is full");
}

static void on_small(void *arg, int rc, struct px_verdict *v);

static void submit_small(struct feeder *f)
{
	f->left--;
	submit(f, "system-by", f->b->small[f->next++ % DOCS], on_small, f);
}

static void on_small(void *arg, int rc, struct px_verdict *v)
{
	struct feeder *f = arg;
	check(rc, v);
	f->done++;
	if (f->left > 0)
		submit_small(f);
}

static void on_flood(void *arg, int rc, struct px_verdict *v)
{
	struct feeder *f = arg;
	check(rc, v);
	f->flood++;
	if (f->flooding)
		submit(f, "flood", f->b->small[f->next++ % DOCS], on_flood, f);
}

static void on_large(void *arg, int rc, struct px_verdict *v)
{
	struct feeder *f = arg;
	check(rc, v);
	f->large++;
	if (f->pressing)
		submit(f, "large", f->b->large, on_large, f);
}

static void on_probe(void *arg, int rc, struct px_verdict *v)
{
	struct probe *p = arg;
	check(rc, v);
	p->us = clock_us(CLOCK_MONOTONIC) - p->us;
	p->ahead = p->f->flood + p->f->large - p->ahead;
	p->done = true;
}

static void probe(struct feeder *f, struct probe *p)
{
	*p = (struct probe){.f = f, .ahead = f->flood + f->large, .us = clock_us(CLOCK_MONOTONIC)};
	submit(f, "system-by", f->b->small[f->next++ % DOCS], on_probe, p);
	while (!p->done)
		step(f->b);
}

/* --- figures ---------------------------------------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

struct costs {
	double rate[ROUNDS_MAX], inspect[ROUNDS_MAX], feed[ROUNDS_MAX];
};

static void window(struct feeder *f, struct costs *c, unsigned round)
{
	double wall = clock_us(CLOCK_MONOTONIC), feed = clock_us(CLOCK_THREAD_CPUTIME_ID),
	       inspect = inspectors_us(f->pool);
	f->done = 0;
	f->left = WINDOW;
	for (unsigned i = 0; i < 8; i++)
		submit_small(f);
	while (f->done < WINDOW)
		step(f->b);
	c->rate[round] = WINDOW * 1e6 / (clock_us(CLOCK_MONOTONIC) - wall);
	c->inspect[round] = (inspectors_us(f->pool) - inspect) / WINDOW;
	c->feed[round] = (clock_us(CLOCK_THREAD_CPUTIME_ID) - feed) / WINDOW;
}

static void print_costs(const char *name, struct costs *c, unsigned rounds)
{
	printf("%s_rate=%.1f\n%s_inspect_us=%.2f\n%s_feed_us=%.2f\n", name, median(c->rate, rounds), name,
	       median(c->inspect, rounds), name, median(c->feed, rounds));
}

static void scaling(struct feeder *one, struct feeder *two, unsigned rounds)
{
	static struct costs a, b;
	window(one, &a, 0); /* fills caches; counted anew */
	window(two, &b, 0);
	for (unsigned i = 0; i < rounds; i++) {
		window(one, &a, i);
		window(two, &b, i);
	}
	print_costs("one", &a, rounds);
	print_costs("two", &b, rounds);
}

static void print_probes(const char *name, const struct probe *probes)
{
	double us[PROBES];
	unsigned most = 0, sum = 0;
	for (unsigned i = 0; i < PROBES; i++) {
		us[i] = probes[i].us;
		most = PX_MAX(most, probes[i].ahead);
		sum += probes[i].ahead;
	}
	printf("%s_most=%u\n%s_mean=%.2f\n%s_p50_us=%.0f\n", name, most, name, (double)sum / PROBES, name,
	       median(us, PROBES));
	printf("%s_p99_us=%.0f\n", name, us[PROBES - 1 - PROBES / 100]);
}

static void behind_large_ones(struct feeder *one)
{
	struct probe probes[PROBES];
	double inspect = inspectors_us(one->pool);
	one->pressing = true;
	for (unsigned i = 0; i < LARGE_WAITING; i++)
		submit(one, "large", one->b->large, on_large, one);
	for (unsigned i = 0; i < PROBES; i++) {
		for (unsigned n = one->large; one->large == n;) /* large ones get their turn */
			step(one->b);
		probe(one, &probes[i]);
	}
	one->pressing = false;
	printf("behind_large_us=%.0f\n", (inspectors_us(one->pool) - inspect) / one->large);
	print_probes("behind", probes);
}

static void beside_many(struct feeder *two)
{
	struct probe probes[PROBES];
	two->flooding = true;
	for (unsigned i = 0; i < FLOOD; i++)
		submit(two, "flood", two->b->small[i], on_flood, two);
	for (unsigned i = 0; i < PROBES; i++)
		probe(two, &probes[i]);
	two->flooding = false;
	print_probes("fair", probes);
}

/* --- the program -----------------------------------------------------------------------------------------
 */

static void make_documents(struct bench *b, const char *pki, const char *type, const char *small,
			   const char *large)
{
	struct px_bench_about about = {
	    .type = type, .sender = "BY", .recipient = "UA", .environment = "test"};
	struct px_bench_template s, l;
	struct px_buf doc = PX_BUF_INIT;
	char folder[512];
	snprintf(folder, sizeof(folder), "%s/BY/system", pki);
	struct px_seal_key *key = px_bench_key(folder, "sign");
	px_bench_template_load(&s, small, &about);
	px_bench_template_load(&l, large, &about);
	for (unsigned i = 0; i < DOCS; i++) {
		px_bench_fill(&s, 1, i, key, &doc);
		b->small[i] = px_body_copy(doc.data, doc.len);
		px_buf_free(&doc);
	}
	px_bench_fill(&l, 1, DOCS, key, &doc);
	b->large = px_body_copy(doc.data, doc.len);
	px_buf_free(&doc);
	px_bench_template_free(&s);
	px_bench_template_free(&l);
	px_seal_key_free(&key);
}

int main(int argc, char **argv)
{
	uint64_t rounds = 9;
	if (argc < 7 || (argc > 7 && px_parse_u64(argv[7], 1, ROUNDS_MAX, &rounds) != PX_OK))
		px_bench_die("usage", "bench-pool PRINEXD CONF PKI TYPE SMALL LARGE [ROUNDS]");
	px_log_init("bench-pool", 2, PX_LOG_ERR);
	struct bench b = {.base = event_base_new(),
			  .timers = px_timers_new(px_clock_real()),
			  .metrics = px_metrics_new(),
			  .exe = argv[1],
			  .conf = argv[2]};
	struct feeder one, two;
	b.pump = event_new(b.base, -1, 0, on_timer, &b);
	make_documents(&b, argv[3], argv[4], argv[5], argv[6]);
	printf("small_octets=%zu\nlarge_octets=%zu\n", b.small[0]->len, b.large->len);
	feeder_open(&one, &b, 1);
	feeder_open(&two, &b, 2);
	scaling(&one, &two, (unsigned)rounds);
	behind_large_ones(&one);
	beside_many(&two);
	while (px_pool_load(one.pool) + px_pool_load(two.pool) > 0)
		step(&b);
	px_pool_free(&one.pool);
	px_pool_free(&two.pool);
	for (unsigned i = 0; i < DOCS; i++)
		px_body_unref(&b.small[i]);
	px_body_unref(&b.large);
	event_free(b.pump);
	px_timers_free(&b.timers);
	event_base_free(b.base);
	px_metrics_free(&b.metrics);
	return 0;
}
