/* prinex: egress: posts, and libcurl's sockets and timers on the loop
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "net/egress.h"

#include <arpa/inet.h>
#include <pthread.h>

#include "base/strings.h"
#include "net/egress_internal.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
	px_assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static void destroy(struct px_egress *eg);
static void begin(struct px_post *post, const char *addresses);

/* Whoever is called back may free or retire us: what ends then is freed when nobody is inside any more. */
static void enter(struct px_egress *eg)
{
	eg->inside++;
}

static void leave(struct px_egress *eg)
{
	if (--eg->inside == 0 && (eg->dead || (eg->retired && eg->n_posts == 0)))
		destroy(eg);
}

/* --- the end of a post ---------------------------------------------------------------------------------- */

static void give_back(struct px_lane *lane, CURL *easy)
{
	if (easy == NULL)
		return;
	if (lane->n_spare < PX_ARRAY_LEN(lane->spare)) {
		/* It must not point to what is freed now. */
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
		curl_easy_setopt(easy, CURLOPT_RESOLVE, NULL);
		curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
		lane->spare[lane->n_spare++] = easy;
	} else {
		curl_easy_cleanup(easy);
	}
}

static void free_post(struct px_post *post)
{
	struct px_lane *lane = post->lane;
	TAILQ_REMOVE(&lane->posts, post, entry);
	lane->eg->n_posts--;
	px_timer_stop(lane->eg->timers, &post->timer);
	px_resolver_cancel(&post->lookup);
	give_back(lane, post->easy);
	curl_slist_free_all(post->resolve);
	px_tls_report_unref(&post->report);
	px_body_unref(&post->body);
	px_buf_free(&post->answer);
	post->magic = 0;
	free(post);
}

static void finish(struct px_post *post, struct px_post_result *result, struct px_buf *reason)
{
	struct px_egress *eg = post->lane->eg;
	result->reason = px_buf_str(reason);
	if (post->added)
		curl_multi_remove_handle(post->lane->multi, post->easy);
	enter(eg);
	post->done(post->arg, result);
	free_post(post);
	leave(eg);
	px_buf_free(reason);
}

static void ended(struct px_post *post, CURLcode code)
{
	struct px_post_result result;
	struct px_buf reason = PX_BUF_INIT;
	px_egress_result(post, code, &result, &reason);
	finish(post, &result, &reason);
}

static void on_problem(void *arg)
{
	ended(PX_CAST(arg, struct px_post, PX_POST_MAGIC), CURLE_OK);
}

/* It cannot even begin; said from the loop, never from within px_transport.post. */
static void fail_later(struct px_post *post, enum px_post_end end, const char *problem)
{
	post->problem = problem;
	post->problem_end = end;
	px_timer_set(post->lane->eg->timers, &post->timer, 0, on_problem, post);
}

/* --- libcurl on the loop -------------------------------------------------------------------------------- */

static void collect(struct px_lane *lane)
{
	struct px_egress *eg = lane->eg;
	int left;
	const CURLMsg *msg;
	enter(eg);
	while (!eg->dead && (msg = curl_multi_info_read(lane->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		char *private;
		CURLcode code = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
		ended(PX_CAST(private, struct px_post, PX_POST_MAGIC), code);
	}
	leave(eg);
}

static void on_socket_event(evutil_socket_t fd, short what, void *arg)
{
	struct px_lane *lane = arg;
	int running;
	int mask = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
		   ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	curl_multi_socket_action(lane->multi, fd, mask, &running);
	collect(lane);
}

static void on_timer(void *arg)
{
	struct px_lane *lane = arg;
	int running;
	curl_multi_socket_action(lane->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(lane);
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
	(void)multi;
	struct px_lane *lane = arg;
	if (ms < 0)
		px_timer_stop(lane->eg->timers, &lane->timer);
	else
		px_timer_set(lane->eg->timers, &lane->timer, ms, on_timer, lane);
	return 0;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	(void)easy;
	struct px_lane *lane = arg;
	struct event *ev = socket_arg;
	if (ev != NULL)
		event_free(ev);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(lane->multi, fd, NULL);
		return 0;
	}
	short flags = (short)(((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
			      ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0) | EV_PERSIST);
	ev = event_new(lane->eg->base, fd, flags, on_socket_event, lane);
	px_assert(ev != NULL);
	event_add(ev, NULL);
	curl_multi_assign(lane->multi, fd, ev);
	return 0;
}

/* --- a post --------------------------------------------------------------------------------------------- */

static int64_t time_left(const struct px_post *post)
{
	return post->deadline - px_clock_mono(px_timers_clock(post->lane->eg->timers));
}

static void begin(struct px_post *post, const char *addresses)
{
	struct px_lane *lane = post->lane;
	px_timer_stop(lane->eg->timers, &post->timer);
	post->report = px_tls_report_new();
	post->easy = px_egress_handle(post, addresses, time_left(post));
	if (post->easy != NULL && curl_multi_add_handle(lane->multi, post->easy) == CURLM_OK) {
		post->added = true;
		return;
	}
	curl_easy_cleanup(post->easy);
	post->easy = NULL;
	fail_later(post, PX_POST_NO_CONNECTION, "libcurl does not take the settings we need");
}

static void on_resolved(void *arg, const char *addresses, const char *why)
{
	struct px_post *post = PX_CAST(arg, struct px_post, PX_POST_MAGIC);
	post->lookup = NULL;
	if (addresses != NULL) {
		begin(post, addresses);
		return;
	}
	snprintf(post->error, sizeof(post->error), "host name %.100s cannot be resolved: %.100s",
		 post->lane->host, why);
	fail_later(post, PX_POST_NO_CONNECTION, post->error);
}

static void on_resolve_timeout(void *arg)
{
	struct px_post *post = PX_CAST(arg, struct px_post, PX_POST_MAGIC);
	px_resolver_cancel(&post->lookup);
	on_resolved(post, NULL, "no answer from the name service in time");
}

static struct px_lane *lane_of(struct px_egress *eg, const struct px_conf_partner *partner)
{
	for (unsigned i = 0; i < eg->n_lanes; i++) {
		if (eg->lanes[i].partner == partner || strcmp(eg->lanes[i].partner->name, partner->name) == 0)
			return &eg->lanes[i];
	}
	return NULL;
}

static void post_to(struct px_transport *t, const struct px_conf_partner *partner, struct px_body *body,
		    px_post_done *done, void *arg)
{
	struct px_egress *eg = (struct px_egress *)t;
	struct px_lane *lane = lane_of(eg, partner);
	px_assert(lane != NULL && !eg->retired && !eg->dead);
	struct px_post *post = px_xcalloc(1, sizeof(*post));
	post->magic = PX_POST_MAGIC;
	post->lane = lane;
	post->body = px_body_ref(body);
	post->done = done;
	post->arg = arg;
	post->deadline = px_clock_mono(px_timers_clock(eg->timers)) + lane->partner->timeout;
	TAILQ_INSERT_TAIL(&lane->posts, post, entry);
	eg->n_posts++;
	if (lane->multi == NULL) {
		fail_later(post, PX_POST_NO_CONNECTION, "the partner has no url");
		return;
	}
	const char *known = lane->literal ? NULL : px_resolver_known(eg->resolver, lane->host);
	if (lane->literal || known != NULL) {
		begin(post, known);
		return;
	}
	int64_t wait = PX_MIN(lane->partner->timeout, (int64_t)PX_LIMIT_DEADLINE_CONNECT);
	px_timer_set(eg->timers, &post->timer, wait, on_resolve_timeout, post);
	post->lookup = px_resolver_lookup(eg->resolver, lane->host, on_resolved, post);
}

/* --- life ----------------------------------------------------------------------------------------------- */

static bool is_literal(const char *host)
{
	uint8_t address[16];
	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static void add_header(struct px_lane *lane, const char *line)
{
	struct curl_slist *list = curl_slist_append(lane->headers, line);
	px_assert(list != NULL);
	lane->headers = list;
}

static int open_lane(struct px_egress *eg, struct px_lane *lane, const struct px_conf_partner *partner,
		     struct px_buf *why)
{
	lane->eg = eg;
	lane->partner = partner;
	TAILQ_INIT(&lane->posts);
	if (partner->url[0] == '\0')
		return PX_OK;
	bool proxied = partner->proxy[0] != '\0';
	if (!px_str_starts(partner->url, "https://") ||
	    (proxied && !px_str_starts(partner->proxy, "http://")) ||
	    !px_egress_split(proxied ? partner->proxy : partner->url, proxied ? 1080 : 443, lane->host,
			     sizeof(lane->host), &lane->port)) {
		px_buf_setf(why, "partner \"%s\": cannot post to url \"%s\" proxy \"%s\"", partner->name,
			    partner->url, partner->proxy);
		return PX_ECONF;
	}
	lane->literal = is_literal(lane->host);
	size_t len = strlen(partner->url);
	struct px_buf url = PX_BUF_INIT;
	px_buf_addf(&url, "%.*s/v1/exchanges", (int)(len - (partner->url[len - 1] == '/')), partner->url);
	lane->url = curl_url();
	px_assert(lane->url != NULL);
	bool good = curl_url_set(lane->url, CURLUPART_URL, px_buf_str(&url), CURLU_DISALLOW_USER) ==
		    CURLUE_OK;
	px_buf_free(&url);
	if (!good) {
		px_buf_setf(why, "partner \"%s\": cannot post to url \"%s\"", partner->name, partner->url);
		return PX_ECONF;
	}
	add_header(lane, "Content-Type: application/xml");
	add_header(lane, "Accept: application/xml, text/plain");
	add_header(lane, "Expect:"); /* else bodies over 1 MiB wait a second for a 100 */
	lane->multi = curl_multi_init();
	px_assert(lane->multi != NULL);
	curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
	curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
	curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)partner->in_flight);
	return PX_OK;
}

int px_egress_new(struct event_base *base, struct px_timers *timers, struct px_tls *tls,
		  struct px_egress **out, struct px_buf *why)
{
	pthread_once(&once, init_curl);
	const struct px_conf *conf = px_tls_conf(tls);
	struct px_egress *eg = px_xcalloc(1, sizeof(*eg));
	eg->pub.post = post_to;
	eg->base = base;
	eg->timers = timers;
	eg->tls = px_tls_ref(tls);
	eg->resolver = px_resolver_new(base, timers);
	/* Lanes must not move: libcurl keeps pointers to them. */
	eg->lanes = px_xcalloc(PX_MAX(conf->n_partners, 1U), sizeof(eg->lanes[0]));
	int rc = PX_OK;
	for (unsigned i = 0; i < conf->n_partners && rc == PX_OK; i++)
		rc = open_lane(eg, &eg->lanes[eg->n_lanes++], &conf->partners[i], why);
	if (rc != PX_OK)
		px_egress_free(&eg);
	*out = eg;
	return rc;
}

struct px_transport *px_egress_transport(struct px_egress *eg)
{
	return &eg->pub;
}

static void close_lane(struct px_lane *lane)
{
	struct px_egress *eg = lane->eg;
	struct px_post *post;
	while ((post = TAILQ_FIRST(&lane->posts)) != NULL) {
		struct px_post_result result = {.end = PX_POST_BROKEN, .retry_after = -1};
		struct px_buf reason = PX_BUF_INIT;
		result.body_sent = post->added;
		px_buf_setf(&reason, "stopped by ourselves");
		finish(post, &result, &reason);
	}
	for (unsigned i = 0; i < lane->n_spare; i++)
		curl_easy_cleanup(lane->spare[i]);
	if (lane->multi != NULL)
		curl_multi_cleanup(lane->multi);
	px_timer_stop(eg->timers, &lane->timer);
	curl_slist_free_all(lane->headers);
	curl_url_cleanup(lane->url);
}

static void destroy(struct px_egress *eg)
{
	eg->inside++; /* finish must not come here again */
	eg->dead = true;
	for (unsigned i = 0; i < eg->n_lanes; i++)
		close_lane(&eg->lanes[i]);
	px_resolver_free(&eg->resolver);
	px_tls_unref(&eg->tls);
	free(eg->lanes);
	free(eg);
}

void px_egress_free(struct px_egress **egress)
{
	struct px_egress *eg = *egress;
	*egress = NULL;
	if (eg == NULL)
		return;
	enter(eg);
	eg->dead = true;
	leave(eg);
}

void px_egress_retire(struct px_egress **egress)
{
	struct px_egress *eg = *egress;
	*egress = NULL;
	if (eg == NULL)
		return;
	enter(eg);
	eg->retired = true;
	leave(eg);
}
