/* prinex: what tests of net stand on: a PKI, configurations, a loop in a thread, a blocking TLS client
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"

static char pki[] = "/tmp/prinex-net-XXXXXX";

/* --- PKI and configuration ------------------------------------------------------------------------------ */

static int run(const char *const argv[])
{
	pid_t pid = fork();
	if (pid == 0) {
		execv(argv[0], (char *const *)(void *)argv);
		_exit(127);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void rig_make_pki(void)
{
	px_log_init("test", STDERR_FILENO, getenv("PX_TEST_LOG") != NULL ? PX_LOG_DEBUG : PX_LOG_ERR);
	assert_non_null(mkdtemp(pki));
	const char *const argv[] = {"certs/make-pki", "--quiet", "--wrong", pki, "BY", "UA", NULL};
	assert_int_equal(run(argv), 0);
}

void rig_remove_pki(void)
{
	const char *const argv[] = {"/bin/rm", "-rf", pki, NULL};
	assert_int_equal(run(argv), 0);
}

const char *rig_path(const char *fmt, ...)
{
	static char paths[16][256];
	static unsigned next;
	char *path = paths[next++ % PX_ARRAY_LEN(paths)];
	char rest[192];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(rest, sizeof(rest), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(paths[0]), "%s/%s", pki, rest);
	return path;
}

static void add_partner(struct px_buf *text, const char *other, const char *role, const char *url,
			const char *extra)
{
	char lower[8] = "";
	for (size_t i = 0; other[i] != '\0' && i < sizeof(lower) - 1; i++)
		lower[i] = (char)(other[i] | 0x20);
	px_buf_addf(text, "partner %s-%s {\n authority = \"%s\"\n role = %s\n", role, lower, other, role);
	if (strcmp(role, "officer") == 0)
		px_buf_adds(text, " mode = none\n");
	else if (url != NULL)
		px_buf_addf(text, " mode = push\n url = \"%s\"\n", url);
	px_buf_addf(text, " anchors = \"%s/%s/tls-ca.pem\"\n", pki, other);
	if (extra == NULL || strstr(extra, "crls") == NULL)
		px_buf_addf(text, " crls = \"%s/%s/tls-ca.crl\"\n", pki, other);
	px_buf_addf(text, " %s\n}\n", extra != NULL ? extra : "");
}

struct px_conf *rig_conf(const char *authority, const char *other, const char *url, const char *partner_extra)
{
	static unsigned serial;
	struct px_buf text = PX_BUF_INIT;
	px_buf_addf(&text,
		    "node {\n authority = \"%s\"\n name = node-x\n environment = test\n"
		    " tls-certificate = \"%s/%s/node/tls.pem\"\n tls-key = \"%s/%s/node/tls.key\"\n"
		    " sign-certificate = \"%s/%s/node/sign.pem\"\n sign-key = \"%s/%s/node/sign.key\"\n}\n"
		    "listen {\n addresses = {\"127.0.0.1:0\"}\n}\n"
		    "inspect {\n body-limit = 1M\n}\n",
		    authority, pki, authority, pki, authority, pki, authority, pki, authority);
	px_buf_addf(&text,
		    "authority \"%s\" {\n system {\n anchors = \"%s/%s/anchors.pem\"\n crls = "
		    "\"%s/%s/sign-crl.pem\"\n }\n"
		    " node {\n anchors = \"%s/%s/anchors.pem\"\n crls = \"%s/%s/sign-crl.pem\"\n }\n}\n",
		    other, pki, other, pki, other, pki, other, pki, other);
	add_partner(&text, other, "system", NULL, partner_extra);
	add_partner(&text, other, "node", url, partner_extra);
	add_partner(&text, other, "officer", NULL, partner_extra);
	const char *path = rig_path("conf-%u", serial++);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(px_buf_str(&text), f);
	fclose(f);
	px_buf_free(&text);
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	if (px_conf_load(path, &conf, &problems) != PX_OK) {
		px_problems_print(&problems, &text);
		fail_msg("%s", px_buf_str(&text));
	}
	px_problems_free(&problems);
	return conf;
}

struct px_tls *rig_tls(const char *authority, const char *other, const char *url, const char *partner_extra)
{
	struct px_conf *conf = rig_conf(authority, other, url, partner_extra);
	struct px_tls *tls = NULL;
	struct px_buf why = PX_BUF_INIT;
	if (px_tls_new(conf, &tls, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	px_tls_take_conf(tls, &conf);
	px_buf_free(&why);
	return tls;
}

/* --- the handler ------------------------------------------------------------------------------------------
 */

static int on_headers(void *arg, struct px_request *req, const char **text)
{
	struct rig *rig = arg;
	pthread_mutex_lock(&rig->lock);
	rig->headers++;
	pthread_mutex_unlock(&rig->lock);
	if (strcmp(px_request_http(req)->path, "/none") == 0) {
		*text = "no such resource";
		return 404;
	}
	return 0;
}

static void note(struct rig *rig, const struct px_request *req)
{
	const struct px_body *body = px_request_body(req);
	px_buf_clear(&rig->body);
	rig->digest[0] = '\0';
	if (body != NULL) {
		px_buf_add(&rig->body, body->data, body->len);
		px_hex(body->digest, PX_DIGEST_LEN, rig->digest);
	}
	px_strlcpy(rig->partner, px_request_partner(req)->name, sizeof(rig->partner));
	rig->requests++;
}

static void on_request(void *arg, struct px_request *req)
{
	struct rig *rig = arg;
	const char *path = px_request_http(req)->path;
	pthread_mutex_lock(&rig->lock);
	note(rig, req);
	bool hold = strcmp(path, "/hold") == 0;
	if (hold)
		rig->held[rig->n_held++ % PX_ARRAY_LEN(rig->held)] = req;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
	if (hold)
		return;
	if (strcmp(path, "/big") == 0) {
		size_t len = 8 * 1024 * 1024;
		char *big = px_xmalloc(len);
		memset(big, 'x', len);
		px_request_answer(req, 200, "text/plain", "", big, len);
		free(big);
	} else if (strcmp(path, "/empty") == 0) {
		px_request_answer(req, 204, NULL, "", NULL, 0);
	} else if (strcmp(path, "/later/v1/exchanges") == 0) {
		px_request_answer_text(req, 503, "not now");
	} else {
		px_request_answer(req, 201, "application/xml", "X-Test: y\r\n", "<ok/>", 5);
	}
}

static void on_gone(void *arg, struct px_request *req)
{
	struct rig *rig = arg;
	assert_true(px_request_is_gone(req));
	pthread_mutex_lock(&rig->lock);
	rig->gones++;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

/* --- the loop ---------------------------------------------------------------------------------------------
 */

struct call {
	void (*fn)(struct rig *rig, void *arg);
	void *arg;
};

static void on_call(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	struct rig *rig = arg;
	struct call call;
	if (read(rig->call_fds[0], &call, sizeof(call)) != sizeof(call))
		return;
	if (call.fn == NULL) {
		px_loop_stop(rig->loop);
		return;
	}
	call.fn(rig, call.arg);
	char done = 1;
	assert_int_equal(write(rig->call_fds[0], &done, 1), 1);
}

static void on_distrusted(void *arg, struct px_request *req)
{
	struct rig *rig = arg;
	(void)req;
	pthread_mutex_lock(&rig->lock);
	rig->distrusted++;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void *run_loop(void *arg)
{
	struct rig *rig = arg;
	px_loop_run(rig->loop);
	return NULL;
}

void rig_call(struct rig *rig, void (*fn)(struct rig *rig, void *arg), void *arg)
{
	struct call call = {fn, arg};
	assert_int_equal(write(rig->call_fds[1], &call, sizeof(call)), sizeof(call));
	char done;
	if (fn != NULL)
		assert_int_equal(read(rig->call_fds[1], &done, 1), 1);
}

struct rig *rig_start(struct px_tls *tls, const struct px_server_limits *limits)
{
	static const struct px_server_handler handler = {on_headers, on_request, on_gone, on_distrusted};
	struct rig *rig = px_xcalloc(1, sizeof(*rig));
	struct px_buf why = PX_BUF_INIT;
	rig->loop = px_loop_new();
	rig->metrics = px_metrics_new();
	rig->tls = tls;
	rig->limits = limits != NULL ? *limits : px_server_limits();
	pthread_mutex_init(&rig->lock, NULL);
	pthread_cond_init(&rig->changed, NULL);
	struct px_server_setup setup = {.base = px_loop_base(rig->loop),
					.timers = px_loop_timers(rig->loop),
					.metrics = rig->metrics,
					.tls = tls,
					.handler = &handler,
					.arg = rig};
	if (px_server_new_with(&setup, &rig->limits, &rig->server, &why) != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	rig->port = px_server_port(rig->server, 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, rig->call_fds), 0);
	rig->call_event =
	    event_new(px_loop_base(rig->loop), rig->call_fds[0], EV_READ | EV_PERSIST, on_call, rig);
	event_add(rig->call_event, NULL);
	assert_int_equal(pthread_create(&rig->thread, NULL, run_loop, rig), 0);
	return rig;
}

void rig_stop(struct rig **r)
{
	struct rig *rig = *r;
	rig_call(rig, NULL, NULL);
	pthread_join(rig->thread, NULL);
	px_server_free(&rig->server);
	while (rig->n_held > 0) /* answers after the server's end go nowhere */
		px_request_answer_text(rig->held[--rig->n_held], 503, "late");
	event_free(rig->call_event);
	close(rig->call_fds[0]);
	close(rig->call_fds[1]);
	px_loop_free(&rig->loop);
	px_metrics_free(&rig->metrics);
	px_tls_unref(&rig->tls);
	px_buf_free(&rig->body);
	pthread_mutex_destroy(&rig->lock);
	pthread_cond_destroy(&rig->changed);
	PX_FREE(*r);
}

bool rig_wait(struct rig *rig, const unsigned *counter, unsigned n)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	int rc = 0;
	pthread_mutex_lock(&rig->lock);
	while (*counter < n && rc == 0)
		rc = pthread_cond_timedwait(&rig->changed, &rig->lock, &until);
	bool reached = *counter >= n;
	pthread_mutex_unlock(&rig->lock);
	return reached;
}

struct reading {
	enum px_metric id;
	const char *label;
	double value;
};

static void read_metric(struct rig *rig, void *arg)
{
	struct reading *r = arg;
	r->value = px_metric_get(rig->metrics, r->id, r->label, NULL, NULL);
}

double rig_metric(struct rig *rig, enum px_metric id, const char *label)
{
	struct reading r = {id, label, 0};
	rig_call(rig, read_metric, &r);
	return r.value;
}

static void count_connections(struct rig *rig, void *arg)
{
	*(unsigned *)arg = px_server_connections(rig->server);
}

unsigned rig_connections(struct rig *rig)
{
	unsigned n = 0;
	rig_call(rig, count_connections, &n);
	return n;
}

/* --- the client --------------------------------------------------------------------------------------------
 */

int rig_connect(unsigned port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct timeval limit = {.tv_sec = 5};
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

bool client_open(struct client *c, unsigned port, const char *pair, int max_version)
{
	char file[300];
	*c = (struct client){.fd = rig_connect(port)};
	c->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(c->ctx, 0); /* even a small key is sent */
	if (max_version != 0)
		SSL_CTX_set_max_proto_version(c->ctx, max_version);
	if (pair != NULL) {
		snprintf(file, sizeof(file), "%s.pem", pair);
		assert_int_equal(SSL_CTX_use_certificate_chain_file(c->ctx, file), 1);
		snprintf(file, sizeof(file), "%s.key", pair);
		assert_int_equal(SSL_CTX_use_PrivateKey_file(c->ctx, file, SSL_FILETYPE_PEM), 1);
	}
	c->ssl = SSL_new(c->ctx);
	SSL_set_fd(c->ssl, c->fd);
	ERR_clear_error();
	bool ok = SSL_connect(c->ssl) == 1;
	if (!ok)
		c->error = ERR_GET_REASON(ERR_peek_error());
	return ok;
}

void client_close(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
}

void client_abort(struct client *c)
{
	struct linger hard = {.l_onoff = 1};
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	client_close(c);
}

bool client_write(struct client *c, const void *data, size_t len)
{
	size_t n;
	return len == 0 || SSL_write_ex(c->ssl, data, len, &n) == 1;
}

bool client_send(struct client *c, const char *text)
{
	return client_write(c, text, strlen(text));
}

static bool read_some(struct client *c, struct px_buf *out)
{
	size_t n = 0;
	ERR_clear_error();
	if (SSL_read_ex(c->ssl, px_buf_reserve(out, 65536), 65536, &n) != 1) {
		c->error = ERR_GET_REASON(ERR_peek_error());
		return false;
	}
	px_buf_grown(out, n);
	return true;
}

int client_answer(struct client *c, struct px_buf *out)
{
	px_buf_clear(out);
	const char *end;
	while ((end = strstr(px_buf_str(out), "\r\n\r\n")) == NULL) {
		if (!read_some(c, out))
			return -1;
	}
	size_t head = (size_t)(end - px_buf_str(out)) + 4;
	const char *s = strstr(px_buf_str(out), "Content-Length: ");
	size_t body = s != NULL && s < end ? (size_t)strtoul(s + 16, NULL, 10) : 0;
	while (out->len < head + body) {
		if (!read_some(c, out))
			return -1;
	}
	assert_true(px_str_starts(px_buf_str(out), "HTTP/1.1 "));
	return (int)strtol(px_buf_str(out) + 9, NULL, 10);
}

int client_ask(struct client *c, const char *text)
{
	struct px_buf out = PX_BUF_INIT;
	int status = client_send(c, text) ? client_answer(c, &out) : -1;
	px_buf_free(&out);
	return status;
}

bool client_ended(struct client *c)
{
	char octet;
	size_t n;
	ERR_clear_error();
	if (SSL_read_ex(c->ssl, &octet, 1, &n) == 1)
		return false;
	c->error = ERR_GET_REASON(ERR_peek_error());
	return !(SSL_get_error(c->ssl, 0) == SSL_ERROR_SYSCALL && (errno == EAGAIN || errno == EWOULDBLOCK));
}
