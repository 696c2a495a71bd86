/* prinex: prinex-broken: a peer with a fault that a certification must find
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <getopt.h>
#include <signal.h>

#include "base/clock.h"
#include "base/strings.h"
#include "broken.h"

bool fault_on[FAULT_COUNT];

static const struct {
	const char *word, *forgiven, *text;
} faults[] = {
#define PX_FAULT(id, word, forgiven, text) {word, forgiven, text},
#include "faults.def"
#undef PX_FAULT
};

static bool in_list(const char *list, const char *code)
{
	size_t len = strlen(code);
	for (const char *p = list; *p != '\0'; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		bool open = n > 0 && p[n - 1] == '*';
		if (open ? strncmp(p, code, n - 1) == 0 : n == len && strncmp(p, code, n) == 0)
			return true;
		p += n;
	}
	return false;
}

static bool forgiven(enum px_code code)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		if (fault_on[i] && in_list(faults[i].forgiven, px_code_wire(code)))
			return true;
	}
	return false;
}

bool fault_forgives(const struct px_findings *errors)
{
	for (unsigned i = 0; i < errors->n; i++) {
		if (!forgiven(errors->items[i].code))
			return false;
	}
	return errors->n > 0;
}

int64_t mono_now(void)
{
	return px_clock_mono(px_clock_real());
}

int64_t wall_now(void)
{
	return px_clock_wall(px_clock_real());
}

void wait_changed(struct broken *b, int64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += PX_MIN(ms, 100) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_cond_timedwait(&b->changed, &b->lock, &until);
}

/* --- options --- */

static void usage(FILE *to)
{
	fputs("Usage: prinex-broken -c FILE [FAULT...]\n\n"
	      "A small implementation of the exchange that keeps everything in memory, for trying whether a\n"
	      "certification finds what is wrong. FILE is a configuration of prinexd. Without a fault it is "
	      "correct.\n\n",
	      to);
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		fprintf(to, "  --%-26s %s\n", faults[i].word, faults[i].text);
	fputs("\n  --list                       names of the faults\n", to);
}

static void list(void)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		puts(faults[i].word);
}

/* @return -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, const char **file)
{
	enum { HELP = FAULT_COUNT, LIST };
	struct option options[FAULT_COUNT + 3] = {{0}};
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		options[i] = (struct option){.name = faults[i].word, .val = (int)(256 + i)};
	options[HELP] = (struct option){.name = "help", .val = 256 + HELP};
	options[LIST] = (struct option){.name = "list", .val = 256 + LIST};
	for (int c; (c = getopt_long(argc, argv, "c:", options, NULL)) != -1;) {
		if (c == 'c') {
			*file = optarg;
		} else if (c == 256 + HELP) {
			usage(stdout);
			return 0;
		} else if (c == 256 + LIST) {
			list();
			return 0;
		} else if (c >= 256) {
			fault_on[c - 256] = true;
		} else {
			return 2;
		}
	}
	if (*file != NULL && optind == argc)
		return -1;
	usage(stderr);
	return 2;
}

/* --- life --- */

static int load(struct broken *b, const char *file, struct px_buf *why)
{
	struct px_problems problems = {0};
	int rc = px_conf_load(file, &b->conf, &problems);
	if (rc == PX_OK)
		rc = px_catalogue_load(b->conf, &b->cat, &problems);
	px_problems_print(&problems, why);
	px_problems_free(&problems);
	if (rc == PX_OK)
		rc = px_tls_new(b->conf, &b->tls, why);
	if (rc == PX_OK)
		rc = px_peer_signer_load(b->conf->node.authority, b->conf->node.sign_certificate,
					 b->conf->node.sign_key, &b->signer, why);
	if (rc == PX_OK)
		rc = px_examiner_new(b->conf, b->cat, &b->examiner, why);
	return rc;
}

static int believe(X509_STORE_CTX *ctx, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static int serve(struct broken *b, struct px_buf *why)
{
	SSL_CTX *ctx = px_tls_server_ctx(b->tls);
	const char *port = b->conf->listen.addresses.n > 0 ? strrchr(b->conf->listen.addresses.items[0], ':')
							   : NULL;
	uint64_t number = 0;
	if (HAS(NO_CLIENT_CERT))
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (HAS(ANY_CLIENT_CERT)) {
		SSL_CTX_set_cert_verify_callback(ctx, believe, NULL);
		SSL_CTX_set_security_level(ctx, 0);
	}
	if (HAS(TLS12))
		SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	if (port == NULL || px_parse_u64(port + 1, 0, 65535, &number) != PX_OK) {
		px_buf_setf(why, "listen { addresses } must have a port");
		return PX_ECONF;
	}
	b->hooks = broken_hooks;
	b->hooks.renew_ms = HAS(NO_DEADLINE) ? 60000 : 0;
	b->hooks.loose = HAS(CHUNKS_LOOSE);
	return px_peer_server_new(ctx, (unsigned)number, &b->hooks, b, &b->server, why);
}

static unsigned start_forwarders(struct broken *b, pthread_t *threads)
{
	unsigned n = 0;
	for (unsigned i = 0; i < b->conf->n_partners; i++) {
		if (b->conf->partners[i].mode != PX_MODE_PUSH)
			continue;
		struct forwarder *f = px_xcalloc(1, sizeof(*f));
		*f = (struct forwarder){b, &b->conf->partners[i]};
		int rc = pthread_create(&threads[n++], NULL, forward_main, f);
		px_assert(rc == 0);
	}
	return n;
}

static void broken_free(struct broken *b)
{
	for (unsigned i = 0; i < b->n_messages; i++) {
		px_body_unref(&b->messages[i]->body);
		px_buf_free(&b->messages[i]->coa);
		free(b->messages[i]);
	}
	free(b->messages);
	free(b->refused);
	px_examiner_free(&b->examiner);
	px_peer_signer_free(&b->signer);
	px_tls_unref(&b->tls);
	px_catalogue_free(&b->cat);
	px_conf_free(&b->conf);
	pthread_mutex_destroy(&b->examining);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->changed);
}

static int play(struct broken *b, const char *file, struct px_buf *why)
{
	sigset_t signals;
	int which;
	int rc = load(b, file, why);
	if (rc != PX_OK)
		return rc;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	pthread_t *threads = px_xcalloc(b->conf->n_partners + 1, sizeof(pthread_t));
	rc = serve(b, why);
	unsigned n = rc == PX_OK ? start_forwarders(b, threads) : 0;
	if (rc == PX_OK) {
		printf("ready: https://127.0.0.1:%u\n", px_peer_server_port(b->server));
		fflush(stdout);
		while (sigwait(&signals, &which) != 0) {
		}
	}
	pthread_mutex_lock(&b->lock);
	b->ends = true;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	px_peer_server_free(&b->server);
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return rc;
}

int main(int argc, char **argv)
{
	struct px_buf why = PX_BUF_INIT;
	const char *file = NULL;
	int status = read_options(argc, argv, &file);
	if (status >= 0)
		return status;
	struct broken b = {.examining = PTHREAD_MUTEX_INITIALIZER,
			   .lock = PTHREAD_MUTEX_INITIALIZER,
			   .changed = PTHREAD_COND_INITIALIZER};
	signal(SIGPIPE, SIG_IGN);
	px_xml_init();
	int rc = play(&b, file, &why);
	if (rc != PX_OK)
		fprintf(stderr, "prinex-broken: %s\n", px_buf_str(&why));
	broken_free(&b);
	px_buf_free(&why);
	return rc == PX_OK ? 0 : 1;
}
