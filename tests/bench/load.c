/* prinex: load on a broker: declarations in, deliveries and confirmations out, each counted and timed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <getopt.h>
#include <pthread.h>

#include "base/strings.h"
#include "partner.h"

/*
 * Signs its messages beforehand, sends some to warm the broker up, writes "ready" and waits for a line on
 * standard input. Then it sends: with --rate 0 as fast as --in-flight connections get their answers, else by
 * the clock, latency counted from the moment a message was due. At the end, when all that was accepted was
 * confirmed or nothing has come for --patience seconds, it writes `key=value` lines.
 */
static const char usage[] =
    "usage: bench-load [OPTION...] TYPE:PERMILLE:PAYLOAD...\n"
    "  --pki DIR          as made by certs/make-pki for BY and UA\n"
    "  --port N           of the broker BY\n"
    "  --recipient N      port of the recipient's system, played here\n"
    "  --origin N         port of the sender's system, played here\n"
    "  --run N            0 to 99, another one each time on one store\n"
    "  --count N          messages at most\n"
    "  --seconds N        stop sending after so long\n"
    "  --rate N           a second; 0: as fast as answers come\n"
    "  --in-flight N      connections\n"
    "  --warm N           messages before it counts\n"
    "  --patience N       seconds\n"
    "  --key NAME         sign (RSA-2048) or sign-ec (P-256)\n"
    "  --proof 0          no CoDs are expected: a message has ended when it is delivered\n"
    "  --system NAME      folder of the sender's system in DIR/BY (system)\n"
    "  --to CODE          the recipient's authority (UA)\n"
    "  --recipients N     in turn to CODE-001, CODE-002, ..., all with the certificates in DIR/CODE/many\n";

enum { KINDS = 8, IN_FLIGHT_MAX = 64 };

struct kind {
	struct px_bench_template t;
	unsigned permille;
};

struct load {
	char pki[256];
	const char *key_name, *system, *to;
	uint64_t recipients, port, run, count, seconds, rate, in_flight, warm, patience, proof;
	struct kind kinds[KINDS];
	unsigned n_kinds;
	struct px_seal_key *key;
	struct px_buf *requests;
	struct px_bench_partner partner;
	struct px_wire *wire;
	struct px_wire_conn *idle[IN_FLIGHT_MAX];
	unsigned n_idle;
	unsigned next, limit; /* the next to send; where to stop */
	unsigned accepted, refused, octets_n;
	double octets;
};

/* --- before: messages -------------------------------------------------------------------------------------
 */

/* Which kind message @n is: spread evenly, the same in each run. */
static const struct px_bench_template *kind_of(const struct load *l, unsigned n)
{
	unsigned at = n * 619 % 1000;
	for (unsigned i = 0; i < l->n_kinds; i++) {
		if (at < l->kinds[i].permille)
			return &l->kinds[i].t;
		at -= l->kinds[i].permille;
	}
	return &l->kinds[0].t;
}

struct signing {
	struct load *l;
	unsigned from, step;
};

static void *sign_some(void *arg)
{
	const struct signing *s = arg;
	struct load *l = s->l;
	for (unsigned i = s->from; i < l->count; i += s->step) {
		struct px_buf doc = PX_BUF_INIT;
		px_bench_fill(kind_of(l, i), (unsigned)l->run, i, l->key, &doc);
		px_buf_addf(&l->requests[i],
			    "POST /v1/exchanges HTTP/1.1\r\nHost: localhost:%u\r\n"
			    "Content-Type: application/xml\r\nContent-Length: %zu\r\n\r\n",
			    (unsigned)l->port, doc.len);
		px_buf_add(&l->requests[i], doc.data, doc.len);
		px_buf_free(&doc);
	}
	return NULL;
}

static void sign_all(struct load *l)
{
	enum { THREADS = 2 };
	pthread_t threads[THREADS];
	struct signing work[THREADS];
	l->requests = px_xcalloc(l->count, sizeof(*l->requests));
	for (unsigned i = 0; i < THREADS; i++) {
		work[i] = (struct signing){l, i, THREADS};
		px_assert(pthread_create(&threads[i], NULL, sign_some, &work[i]) == 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* --- sending
 * ------------------------------------------------------------------------------------------------ */

static void send_next(struct load *l, struct px_wire_conn *c, int64_t due)
{
	unsigned n = l->next++;
	struct px_bench_times *t = &l->partner.times[n];
	c->user = n;
	t->sent = px_bench_now();
	t->due = due != 0 ? due : t->sent;
	l->octets += (double)l->requests[n].len;
	l->octets_n++;
	px_wire_send(c, l->requests[n].data, l->requests[n].len);
}

static void on_answer(void *arg, struct px_wire_conn *c, int status, const uint8_t *body, size_t len)
{
	struct load *l = arg;
	if (status == 201) {
		l->partner.times[c->user].accepted = px_bench_now();
		l->accepted++;
	} else if (l->refused++ < 3) {
		fprintf(stderr, "bench-load: status %d: %.*s\n", status, (int)PX_MIN(len, (size_t)2000),
			(const char *)body);
	}
	px_buf_free(&l->requests[c->user]);
	if (l->rate == 0 && l->next < l->limit)
		send_next(l, c, 0);
	else
		l->idle[l->n_idle++] = c;
}

/* What is due goes out, on whatever connection is free. @return us until the next is due. */
static long send_due(struct load *l, int64_t begin, unsigned first)
{
	for (;;) {
		int64_t now = px_bench_now();
		int64_t due = begin + (int64_t)(l->next - first) * 1000000000 / (int64_t)l->rate;
		if (l->next >= l->limit)
			return 100000;
		if (due > now)
			return PX_MAX((long)((due - now) / 1000), 1L);
		if (l->n_idle == 0)
			return 100000;
		send_next(l, l->idle[--l->n_idle], due);
	}
}

static unsigned ended(struct load *l)
{
	return l->proof != 0 ? l->partner.confirmed + l->partner.exceptions : l->partner.delivered;
}

static void wait_ended(struct load *l)
{
	unsigned last = ended(l);
	int64_t changed = px_bench_now();
	while (ended(l) < l->accepted) {
		px_wire_turn(l->wire, 20000);
		if (ended(l) != last) {
			last = ended(l);
			changed = px_bench_now();
		} else if (px_bench_now() - changed > (int64_t)l->patience * 1000000000) {
			return;
		}
	}
}

/* Send up to @limit; back when all is answered and has ended. @return ns until the last answer. */
static int64_t drive(struct load *l, unsigned limit, uint64_t rate)
{
	uint64_t asked = l->rate;
	unsigned first = l->next;
	int64_t begin = px_bench_now(), end = begin + (int64_t)l->seconds * 1000000000;
	l->rate = rate;
	l->limit = limit;
	while (rate == 0 && l->n_idle > 0 && l->next < l->limit)
		send_next(l, l->idle[--l->n_idle], 0);
	while (l->next < l->limit || l->n_idle < l->in_flight) {
		if (px_bench_now() > end) /* no more; what is on its way is waited for */
			l->limit = l->next;
		if (px_bench_now() > end + (int64_t)l->patience * 1000000000)
			break;
		px_wire_turn(l->wire, rate > 0 ? send_due(l, begin, first) : 100000);
	}
	int64_t took = px_bench_now() - begin;
	wait_ended(l);
	l->rate = asked;
	return took;
}

/* --- after: figures
 * ----------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void percentiles(const char *name, double *v, unsigned n)
{
	static const struct {
		const char *name;
		unsigned permille;
	} which[] = {{"p50", 500}, {"p99", 990}, {"p999", 999}};
	if (n == 0)
		return;
	qsort(v, n, sizeof(*v), compare);
	for (unsigned i = 0; i < PX_ARRAY_LEN(which); i++)
		printf("%s_%s_us=%.0f\n", name, which[i].name,
		       v[PX_MIN(n - 1, (unsigned)((uint64_t)n * which[i].permille / 1000))] / 1e3);
	printf("%s_max_us=%.0f\n", name, v[n - 1] / 1e3);
}

static void latencies(struct load *l, unsigned from)
{
	unsigned n = l->next - from, accepted = 0, delivered = 0, confirmations = 0;
	double *a = px_xcalloc(n + 1, sizeof(*a)), *d = px_xcalloc(n + 1, sizeof(*d)),
	       *c = px_xcalloc(n + 1, sizeof(*c));
	for (unsigned i = from; i < l->next; i++) {
		const struct px_bench_times *t = &l->partner.times[i];
		if (t->accepted != 0)
			a[accepted++] = (double)(t->accepted - t->due);
		if (t->delivered != 0)
			d[delivered++] = (double)(t->delivered - t->due);
		if (t->confirmed != 0)
			c[confirmations++] = (double)(t->confirmed - t->due);
	}
	percentiles("accept", a, accepted);
	percentiles("deliver", d, delivered);
	percentiles("confirm", c, confirmations);
	free(a);
	free(d);
	free(c);
}

/* --- the program
 * -------------------------------------------------------------------------------------------- */

static void add_kind(struct load *l, char *text)
{
	struct px_bench_about about = {
	    .sender = "BY", .recipient = l->to, .environment = "test", .recipients = (unsigned)l->recipients};
	char *permille = strchr(text, ':'), *file = permille != NULL ? strchr(permille + 1, ':') : NULL;
	uint64_t n;
	if (file == NULL || l->n_kinds == KINDS)
		px_bench_die(text, "not TYPE:PERMILLE:PAYLOAD, or too many");
	*permille++ = '\0';
	*file++ = '\0';
	if (px_parse_u64(permille, 1, 1000, &n) != PX_OK)
		px_bench_die(permille, "not 1 to 1000");
	about.type = text;
	l->kinds[l->n_kinds].permille = (unsigned)n;
	px_bench_template_load(&l->kinds[l->n_kinds++].t, file, &about);
}

static void options(struct load *l, int argc, char **argv)
{
	static const struct option long_options[] = {
	    {"pki", 1, NULL, 'p'},     {"key", 1, NULL, 'k'},      {"port", 1, NULL, 0},
	    {"recipient", 1, NULL, 0}, {"origin", 1, NULL, 0},     {"run", 1, NULL, 0},
	    {"count", 1, NULL, 0},     {"seconds", 1, NULL, 0},    {"rate", 1, NULL, 0},
	    {"in-flight", 1, NULL, 0}, {"warm", 1, NULL, 0},       {"patience", 1, NULL, 0},
	    {"proof", 1, NULL, 0},     {"recipients", 1, NULL, 0}, {"system", 1, NULL, 's'},
	    {"to", 1, NULL, 't'},      {NULL, 0, NULL, 0}};
	uint64_t recipient = 0, origin = 0;
	uint64_t *to[] = {NULL,     NULL,         &l->port,    &recipient,    &origin,
			  &l->run,  &l->count,    &l->seconds, &l->rate,      &l->in_flight,
			  &l->warm, &l->patience, &l->proof,   &l->recipients};
	int c, at = 0;
	while ((c = getopt_long(argc, argv, "", long_options, &at)) >= 0) {
		if (c == 'p')
			px_strlcpy(l->pki, optarg, sizeof(l->pki));
		else if (c == 'k')
			l->key_name = optarg;
		else if (c == 's')
			l->system = optarg;
		else if (c == 't')
			l->to = optarg;
		else if (c != 0 || px_parse_u64(optarg, 0, 100000000, to[at]) != PX_OK)
			px_bench_die("options", usage);
	}
	if (optind == argc || l->count == 0 || l->in_flight == 0 || l->in_flight > IN_FLIGHT_MAX)
		px_bench_die("options", usage);
	l->partner.recipient.port = (unsigned)recipient;
	l->partner.origin.port = (unsigned)origin;
	while (optind < argc)
		add_kind(l, argv[optind++]);
}

static void start(struct load *l)
{
	static char anchors[512], recipient[512], origin[512];
	char cert[600], key[600];
	struct px_bench_partner *p = &l->partner;
	snprintf(anchors, sizeof(anchors), "%s/BY/tls-ca.pem", l->pki);
	snprintf(recipient, sizeof(recipient), "%s/%s/%s", l->pki, l->to,
		 l->recipients > 0 ? "many" : "system");
	snprintf(origin, sizeof(origin), "%s/BY/%s", l->pki, l->system);
	l->key = px_bench_key(origin, l->key_name);
	p->recipient.authority = l->recipients > 0 ? NULL : l->to;
	p->recipient.folder = recipient;
	p->recipient.key = px_bench_key(recipient, "sign-ec");
	p->origin.authority = "BY";
	p->origin.folder = origin;
	p->origin.key = px_bench_key(origin, "sign-ec");
	p->recipient.anchors = p->origin.anchors = anchors;
	p->run = (unsigned)l->run;
	p->n_times = (unsigned)l->count;
	p->times = px_xcalloc(l->count, sizeof(*p->times));
	sign_all(l);
	px_bench_partner_start(p);
	snprintf(cert, sizeof(cert), "%s/tls.pem", origin);
	snprintf(key, sizeof(key), "%s/tls.key", origin);
	SSL_CTX *tls = px_wire_tls(false, cert, key, anchors);
	l->wire = px_wire_new(on_answer, l);
	for (unsigned i = 0; i < l->in_flight; i++)
		l->idle[l->n_idle++] = px_wire_connect(l->wire, (unsigned)l->port, tls);
	SSL_CTX_free(tls);
}

/* Messages a second from the first that was sent to the last that was at its recipient. */
static double delivered_rate(const struct load *l, unsigned from)
{
	int64_t first = INT64_MAX, last = 0;
	unsigned n = 0;
	for (unsigned i = from; i < l->next; i++) {
		const struct px_bench_times *t = &l->partner.times[i];
		first = PX_MIN(first, t->sent);
		last = PX_MAX(last, t->delivered);
		n += t->delivered != 0;
	}
	return n > 0 ? n * 1e9 / (double)(last - first) : 0;
}

static void report(struct load *l, unsigned from, int64_t took, int64_t cpu, int64_t partner_cpu)
{
	struct px_bench_partner *p = &l->partner;
	unsigned n = l->next - from;
	double each = 1e3 * (n > 0 ? n : 1);
	printf("sent=%u\naccepted=%u\nrefused=%u\ndelivered=%u\nconfirmed=%u\nexceptions=%u\nstrange=%u\n",
	       l->next, l->accepted, l->refused, p->delivered, p->confirmed, p->exceptions, p->strange);
	printf("counted=%u\nseconds=%.3f\nrate=%.1f\noctets=%.0f\n", n, (double)took / 1e9,
	       n / ((double)took / 1e9), l->octets / (l->octets_n > 0 ? l->octets_n : 1));
	printf("delivered_rate=%.1f\n", delivered_rate(l, from));
	printf("load_cpu_us=%.1f\npartner_cpu_us=%.1f\n", (double)(px_bench_thread_cpu() - cpu) / each,
	       (double)(p->cpu_ns - partner_cpu) / each);
	latencies(l, from);
}

int main(int argc, char **argv)
{
	struct load l = {.seconds = 20,
			 .in_flight = 32,
			 .patience = 30,
			 .proof = 1,
			 .key_name = "sign",
			 .system = "system",
			 .to = "UA"};
	char line[16];
	options(&l, argc, argv);
	start(&l);
	drive(&l, (unsigned)PX_MIN(l.warm, l.count), 0);
	puts("ready");
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return 1;
	unsigned from = l.next;
	int64_t cpu = px_bench_thread_cpu(), partner_cpu = l.partner.cpu_ns;
	l.octets = 0;
	l.octets_n = 0;
	int64_t took = drive(&l, (unsigned)l.count, l.rate);
	puts("done");
	fflush(stdout);
	report(&l, from, took, cpu, partner_cpu);
	px_bench_partner_join(&l.partner);
	px_wire_free(&l.wire);
	for (unsigned i = 0; i < l.n_kinds; i++)
		px_bench_template_free(&l.kinds[i].t);
	for (unsigned i = 0; i < l.count; i++)
		px_buf_free(&l.requests[i]);
	free(l.requests);
	free(l.partner.times);
	px_seal_key_free(&l.key);
	px_seal_key_free(&l.partner.recipient.key);
	px_seal_key_free(&l.partner.origin.key);
	return l.refused == 0 && ended(&l) == l.accepted && l.accepted == l.next ? 0 : 1;
}
