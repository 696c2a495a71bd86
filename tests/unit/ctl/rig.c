/* prinex: tests of the control socket: a node around it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/strings.h"

#define WAIT_MS 2000

static const char node_text[] =
    "node {\n  authority = \"BY\"\n  name = \"brest\"\n  environment = \"test\"\n"
    "  tls-certificate = \"tls.pem\"\n  tls-key = \"tls.key\"\n"
    "  sign-certificate = \"sign.pem\"\n  sign-key = \"sign.key\"\n}\n"
    "inspect { catalogue = \"catalogue.conf\" }\n"
    "control { socket = \"control.sock\" admin = \"no-such-admins\" observer = \"no-such-observers\" }\n"
    "authority \"BY\" { system { anchors = \"ca.pem\" crl-required = false } }\n"
    "authority \"UA\" { system { anchors = \"ca.pem\" crl-required = false }\n"
    "                 node { anchors = \"ca.pem\" crl-required = false } }\n"
    "authority \"PL\" { system { anchors = \"ca.pem\" crl-required = false } }\n"
    "partner \"system-by\" { authority = \"BY\" role = system anchors = \"ca.pem\" crl-required = false }\n"
    "partner \"node-ua\" { authority = \"UA\" role = node mode = push\n"
    "                    url = \"https://ua.example:8443\" anchors = \"ca.pem\" crl-required = false "
    "in-flight = 2 }\n"
    "partner \"system-pl\" { authority = \"PL\" role = system anchors = \"ca.pem\" crl-required = false }\n";

static const char catalogue_text[] =
    "keys \"k\" { lrn = { \"/*/LRN\" } mrn = { \"/*/MRN\" } }\n"
    "set \"s\" { folder = \"xsd\" versions = { \"1\" } prefix \"n\" { uri = \"urn:n\" } }\n"
    "type \"Note\" { title = \"A note\" root = \"n:Note\" sets = { \"s\" } domain = common class = B origin "
    "= system keys = \"k\" }\n"
    "type \"Urgent\" { title = \"Urgent note\" root = \"n:Urgent\" sets = { \"s\" } domain = common class = "
    "A origin = any }\n"
    "type \"Confirmations\" { title = \"Confirmations\" root = \"n:Confirmations\" sets = { \"s\" } domain = "
    "common class = A origin = node }\n";

/* --- what flow would reach
 * ----------------------------------------------------------------------------------- */

static int submit(struct px_inspector *i, const struct px_pool_request *request, px_pool_done *done,
		  void *arg)
{
	(void)i;
	(void)request;
	(void)done;
	(void)arg;
	return PX_EBUSY;
}

/* Posts never end, so that deliveries stay in flight. */
static void post(struct px_transport *t, const struct px_conf_partner *partner, struct px_body *body,
		 px_post_done *done, void *arg)
{
	(void)t;
	(void)partner;
	(void)body;
	(void)done;
	(void)arg;
}

static void seal(struct px_sealer *s, struct px_buf *doc, px_sealed *done, void *arg)
{
	(void)s;
	px_buf_free(doc);
	done(arg, NULL);
}

static void sign(struct px_sealer *s, const void *data, size_t len, px_octets_signed *done, void *arg)
{
	(void)s;
	(void)data;
	(void)len;
	done(arg, NULL, 0);
}

static struct px_inspector inspector = {submit};
static struct px_transport transport = {post};
static struct px_sealer sealer = {.seal = seal, .sign = sign};

static uint64_t next_random(void *arg)
{
	uint64_t *n = arg;
	return ++*n * 0x9e3779b97f4a7c15u;
}

static void destroy(struct px_generation *gen)
{
	free(gen);
}

/* --- the host
 * ------------------------------------------------------------------------------------------------- */

static void info(void *arg, struct px_ctl_info *out)
{
	static const char *const listen[] = {"127.0.0.1:8443", "[::1]:8443"};
	struct rig *r = arg;
	*out = (struct px_ctl_info){"9.9.9", px_clock_wall(r->clock) - 3 * RIG_HOUR, 2, listen};
}

static unsigned processes(void *arg, struct px_ctl_process *out, unsigned max)
{
	(void)arg;
	assert_true(max >= 2);
	out[0] = (struct px_ctl_process){"broker", getpid()};
	out[1] = (struct px_ctl_process){"gone", 0x3ffffff}; /* beyond pid_max */
	return 2;
}

static unsigned certificates(void *arg, const struct px_tls_certificate **out)
{
	struct rig *r = arg;
	*out = r->certificates;
	return r->n_certificates;
}

static int reload(void *arg, px_ctl_reloaded *done, void *done_arg)
{
	struct rig *r = arg;
	if (r->reload_busy)
		return PX_EBUSY;
	r->reloads++;
	r->reloaded = done;
	r->reloaded_arg = done_arg;
	return PX_OK;
}

static void stop(void *arg)
{
	struct rig *r = arg;
	r->stops++;
}

static void log_level(void *arg, enum px_log_level level)
{
	struct rig *r = arg;
	r->levels++;
	px_log_set_level(level);
}

static int check(void *arg, uint64_t seq, const uint8_t hash[PX_DIGEST_LEN], const uint8_t *signature,
		 size_t len)
{
	struct rig *r = arg;
	(void)seq;
	r->checks++;
	return len == PX_DIGEST_LEN && memcmp(hash, signature, len) == 0 ? PX_OK : PX_ESIGNATURE;
}

static const struct px_ctl_host host = {info, processes, certificates, reload, stop, log_level, check};

/* --- start and end
 * ------------------------------------------------------------------------------------------- */

static void write_file(const struct rig *r, const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", r->folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

void rig_write_conf(struct rig *r, const char *more)
{
	struct px_buf text = PX_BUF_INIT;
	px_buf_addf(&text, "%s%s", node_text, more);
	write_file(r, "prinex.conf", px_buf_str(&text));
	px_buf_free(&text);
}

static void load(struct rig *r)
{
	struct px_problems problems = {0};
	struct px_buf why = PX_BUF_INIT;
	char xsd[96];
	snprintf(xsd, sizeof(xsd), "%s/xsd", r->folder);
	assert_int_equal(mkdir(xsd, 0700), 0);
	write_file(r, "xsd/n.xsd", "<schema/>");
	write_file(r, "catalogue.conf", catalogue_text);
	rig_write_conf(r, "");
	if (px_conf_load(r->conf_file, &r->conf, &problems) != PX_OK ||
	    px_catalogue_load(r->conf, &r->cat, &problems) != PX_OK) {
		px_problems_print(&problems, &why);
		fail_msg("%s", px_buf_str(&why));
	}
	px_problems_free(&problems);
}

static void start_flow(struct rig *r)
{
	static uint64_t seed;
	r->gen = px_xcalloc(1, sizeof(*r->gen));
	*r->gen = (struct px_generation){
	    .refs = 1,
	    .id = 7,
	    .conf = r->conf,
	    .cat = r->cat,
	    .inspector = &inspector,
	    .transport = &transport,
	    .sealer = &sealer,
	    .destroy = destroy,
	};
	r->flow = px_flow_new(&(struct px_flow_setup){
	    .store = r->store,
	    .timers = r->timers,
	    .metrics = r->metrics,
	    .alarms = r->alarms,
	    .generation = r->gen,
	    .random = next_random,
	    .random_arg = &seed,
	});
	for (unsigned i = 0; i < 8; i++)
		px_store_dispatch(r->store); /* what it looks for at first */
}

int rig_setup(void **state)
{
	struct rig *r = px_xcalloc(1, sizeof(*r));
	struct px_buf why = PX_BUF_INIT;
	px_strlcpy(r->folder, "/tmp/prinex-ctl-XXXXXX", sizeof(r->folder));
	assert_non_null(mkdtemp(r->folder));
	snprintf(r->socket, sizeof(r->socket), "%s/control.sock", r->folder);
	snprintf(r->conf_file, sizeof(r->conf_file), "%s/prinex.conf", r->folder);
	r->clock = px_clock_sim_new(px_clock_wall(px_clock_real()));
	r->base = event_base_new();
	r->timers = px_timers_new(r->clock);
	r->metrics = px_metrics_new();
	r->alarms = px_alarms_new(r->clock);
	r->store = px_store_sim_new(1, NULL, r->clock);
	load(r);
	start_flow(r);
	int rc = px_ctl_new(
	    &(struct px_ctl_setup){
		.base = r->base,
		.timers = r->timers,
		.store = r->store,
		.flow = r->flow,
		.metrics = r->metrics,
		.alarms = r->alarms,
		.socket_path = r->socket,
		.host = &host,
		.host_arg = r,
	    },
	    &r->ctl, &why);
	if (rc != PX_OK)
		fail_msg("%s", px_buf_str(&why));
	*state = r;
	return 0;
}

static void remove_files(const struct rig *r)
{
	static const char *const names[] = {"prinex.conf", "catalogue.conf", "xsd/n.xsd", "out.xml",
					    "metrics.sock"};
	char path[128];
	for (size_t i = 0; i < PX_ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->folder, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/xsd", r->folder);
	rmdir(path);
	assert_int_equal(rmdir(r->folder), 0); /* the socket must be gone too */
}

int rig_teardown(void **state)
{
	struct rig *r = *state;
	px_ctl_free(&r->ctl);
	px_store_sim_crash(r->store);
	px_flow_free(&r->flow);
	px_store_close(&r->store);
	px_generation_unref(&r->gen);
	px_catalogue_free(&r->cat);
	px_conf_free(&r->conf);
	px_timers_free(&r->timers);
	px_metrics_free(&r->metrics);
	px_alarms_free(&r->alarms);
	event_base_free(r->base);
	px_clock_sim_free(&r->clock);
	remove_files(r);
	free(r);
	return 0;
}

void rig_step(struct rig *r)
{
	event_base_loop(r->base, EVLOOP_NONBLOCK);
	px_store_dispatch(r->store);
	px_timers_run(r->timers);
	if (r->reloaded != NULL && !r->hold_reload) {
		px_ctl_reloaded *done = r->reloaded;
		r->reloaded = NULL;
		done(r->reloaded_arg, r->reload_rc, r->reload_why != NULL ? r->reload_why : "");
	}
}

void rig_advance(struct rig *r, int64_t ms)
{
	px_clock_sim_advance(r->clock, ms);
	for (unsigned i = 0; i < 20; i++)
		rig_step(r);
}

/* --- the store
 * ------------------------------------------------------------------------------------------------ */

struct accepted {
	bool done;
	uint64_t seq;
	uint64_t ids[4];
};

static void on_accepted(void *arg, const struct px_accept_result *result)
{
	struct accepted *a = arg;
	assert_int_equal(result->rc, PX_OK);
	a->done = true;
	a->seq = result->seq;
	for (unsigned i = 0; i < result->n_deliveries; i++)
		a->ids[i] = result->delivery_ids[i];
}

static void add_key(struct px_keys *keys, enum px_key_kind kind, const char *value)
{
	if (value == NULL)
		return;
	keys->items[keys->n].kind = kind;
	px_strlcpy(keys->items[keys->n++].value, value, sizeof(keys->items[0].value));
}

static void fill_delivery(struct px_new_delivery *d, const char *to, int64_t deadline)
{
	const char *colon = strchr(to, ':');
	px_strlcpy_n(d->recipient, to, (size_t)(colon - to), sizeof(d->recipient));
	px_strlcpy(d->partner, colon + 1, sizeof(d->partner));
	d->deadline = deadline;
}

uint64_t rig_accept(struct rig *r, const struct rig_message *m, uint64_t *delivery_ids)
{
	struct px_key keys[4] = {{.kind = PX_KEY_LRN}};
	struct px_new_delivery deliveries[4] = {{.deadline = 0}};
	struct accepted a = {.done = false};
	int64_t now = px_clock_wall(r->clock);
	struct px_accept req = {.movement_life = 150 * RIG_DAY, .horizon_end = now + 31 * RIG_DAY};
	req.keys = (struct px_keys){0, keys, m->ends};
	px_strlcpy(req.header.message_id, m->id, sizeof(req.header.message_id));
	px_strlcpy(req.header.environment, "test", sizeof(req.header.environment));
	px_strlcpy(req.header.sender, "BY", sizeof(req.header.sender));
	px_strlcpy(req.header.type, m->type != NULL ? m->type : "Note", sizeof(req.header.type));
	req.header.created_at = now - 1000;
	px_strlcpy(req.partner, m->partner != NULL ? m->partner : "system-by", sizeof(req.partner));
	const char *body = m->body != NULL ? m->body : "<x/>";
	req.body = px_body_copy(body, m->body_len != 0 ? m->body_len : strlen(body));
	req.prio = PX_PRIO_B;
	add_key(&req.keys, PX_KEY_MRN, m->mrn);
	add_key(&req.keys, PX_KEY_LRN, m->lrn);
	add_key(&req.keys, PX_KEY_DECLARANT, m->declarant);
	add_key(&req.keys, PX_KEY_VEHICLE, m->vehicle);
	req.coa = (const uint8_t *)"<coa/>";
	req.coa_len = strlen("<coa/>");
	for (; req.n_deliveries < 4 && m->to[req.n_deliveries] != NULL; req.n_deliveries++)
		fill_delivery(&deliveries[req.n_deliveries], m->to[req.n_deliveries],
			      now + (m->deadline != 0 ? m->deadline : 72 * RIG_HOUR));
	req.deliveries = deliveries;
	px_store_accept(r->store, &req, on_accepted, &a);
	px_body_unref(&req.body);
	while (!a.done)
		px_store_dispatch(r->store);
	if (delivery_ids != NULL)
		memcpy(delivery_ids, a.ids, req.n_deliveries * sizeof(*delivery_ids));
	return a.seq;
}

static void on_settled(void *arg, int rc)
{
	int *out = arg;
	*out = rc;
}

void rig_settle(struct rig *r, const struct px_settle *settle)
{
	int rc = 1;
	px_store_settle(r->store, settle, on_settled, &rc);
	while (rc == 1)
		px_store_dispatch(r->store);
	assert_int_equal(rc, PX_OK);
}

struct leased {
	bool done;
	struct px_token token;
};

static void on_leased(void *arg, int rc, unsigned n, const struct px_lease *leases)
{
	struct leased *l = arg;
	assert_int_equal(rc, PX_OK);
	assert_true(n > 0);
	l->done = true;
	l->token = leases[0].token;
}

struct px_token rig_lease(struct rig *r, const char *partner, unsigned max)
{
	struct leased l = {.done = false};
	px_store_lease(r->store, partner, max, px_clock_wall(r->clock), on_leased, &l);
	while (!l.done)
		px_store_dispatch(r->store);
	return l.token;
}

struct latest {
	bool done;
	char text[1024];
};

static void on_journal(void *arg, int rc, unsigned n, const struct px_journal_read *entries, uint64_t next)
{
	struct latest *l = arg;
	(void)next;
	assert_int_equal(rc, PX_OK);
	assert_int_equal(n, 1);
	const struct px_journal_entry *e = &entries[0].entry;
	snprintf(l->text, sizeof(l->text), "%s %s %s %s/%s %s%s", px_journal_kind_name(e->kind),
		 e->actor != NULL ? e->actor : "", e->code != NULL ? e->code : "",
		 e->sender != NULL ? e->sender : "", e->message_id != NULL ? e->message_id : "",
		 e->detail != NULL ? e->detail : "", e->has_digest ? " +digest" : "");
	l->done = true;
}

const char *rig_journal(struct rig *r)
{
	static struct latest l;
	l.done = false;
	px_store_journal_scan(r->store, 0, 1, false, on_journal, &l);
	while (!l.done)
		px_store_dispatch(r->store);
	return l.text;
}

/* --- clients
 * -------------------------------------------------------------------------------------------------- */

int rig_connect(struct rig *r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	px_strlcpy(address.sun_path, r->socket, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

void rig_send(int fd, const char *text)
{
	size_t len = strlen(text);
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Wait for octets, letting the node work. @return as recv: 0 end, -1 nothing came. */
static ssize_t wait_octets(struct rig *r, int fd, char *to, size_t size)
{
	int64_t end = px_clock_mono(px_clock_real()) + WAIT_MS;
	while (px_clock_mono(px_clock_real()) < end) {
		rig_step(r);
		ssize_t n = recv(fd, to, size, 0);
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			return n >= 0 ? n : 0;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		poll(&p, 1, 1);
	}
	return -1;
}

json_t *rig_read(struct rig *r, int fd)
{
	struct px_buf line = PX_BUF_INIT;
	char part[65536];
	json_t *answer = NULL;
	for (;;) {
		/* Look first, so that the octets of the next line stay. */
		ssize_t n = -1;
		int64_t end = px_clock_mono(px_clock_real()) + WAIT_MS;
		while (n < 0 && px_clock_mono(px_clock_real()) < end) {
			rig_step(r);
			n = recv(fd, part, sizeof(part), MSG_PEEK);
			if (n < 0) {
				struct pollfd p = {.fd = fd, .events = POLLIN};
				poll(&p, 1, 1);
			}
		}
		if (n <= 0)
			break;
		const char *newline = memchr(part, '\n', (size_t)n);
		size_t take = newline != NULL ? (size_t)(newline - part) + 1 : (size_t)n;
		px_buf_add(&line, part, take);
		assert_int_equal(recv(fd, part, take, 0), (ssize_t)take);
		if (newline != NULL) {
			json_error_t error;
			answer = json_loadb((char *)line.data, line.len, 0, &error);
			assert_non_null(answer);
			break;
		}
	}
	px_buf_free(&line);
	return answer;
}

bool rig_is_closed(struct rig *r, int fd)
{
	char octet[4096];
	ssize_t n;
	while ((n = wait_octets(r, fd, octet, sizeof(octet))) > 0)
		;
	return n == 0;
}

json_t *rig_ask(struct rig *r, const char *method, const char *params)
{
	struct px_buf line = PX_BUF_INIT;
	int fd = rig_connect(r);
	assert_true(fd >= 0);
	px_buf_addf(&line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s%s}\n", method,
		    *params != '\0' ? ",\"params\":" : "", params);
	rig_send(fd, px_buf_str(&line));
	px_buf_free(&line);
	json_t *answer = rig_read(r, fd);
	close(fd);
	rig_step(r);
	assert_non_null(answer);
	return answer;
}

json_t *rig_result(struct rig *r, const char *method, const char *params)
{
	json_t *answer = rig_ask(r, method, params), *result = json_object_get(answer, "result");
	if (result == NULL)
		fail_msg("%s %s: %s", method, params,
			 json_string_value(json_object_get(json_object_get(answer, "error"), "message")));
	json_incref(result);
	json_decref(answer);
	return result;
}

const char *rig_error(struct rig *r, const char *method, const char *params, int code)
{
	static char text[512];
	json_t *answer = rig_ask(r, method, params), *error = json_object_get(answer, "error");
	if (error == NULL)
		fail_msg("%s %s: no error", method, params);
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	px_strlcpy(text, json_string_value(json_object_get(error, "message")), sizeof(text));
	json_decref(answer);
	return text;
}
