/* prinex: one generation: configuration, catalogue, trust and all that is made from them
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "daemon/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static int submit(struct px_inspector *inspector, const struct px_pool_request *request, px_pool_done *done,
		  void *arg)
{
	struct px_daemon_generation *gen =
	    (struct px_daemon_generation *)((char *)inspector -
					    offsetof(struct px_daemon_generation, inspector));
	return gen->pool != NULL ? px_pool_submit(gen->pool, request, done, arg) : PX_EBUSY;
}

static void free_parts(evutil_socket_t fd, short what, void *arg)
{
	struct px_daemon_generation *gen = arg;
	(void)fd;
	(void)what;
	if (gen->pool != NULL && gen->at_once)
		px_pool_free(&gen->pool);
	else if (gen->pool != NULL)
		px_pool_retire(&gen->pool);
	if (gen->egress != NULL)
		px_egress_retire(&gen->egress);
	if (gen->signer_event != NULL)
		event_free(gen->signer_event);
	px_signer_free(&gen->signer);
	/* Connections and posts that end later still look at their partner in it. */
	if (gen->tls != NULL)
		px_tls_take_conf(gen->tls, &gen->conf);
	px_tls_unref(&gen->tls);
	px_catalogue_free(&gen->cat);
	px_conf_free(&gen->conf);
	if (gen->runtime_conf != NULL)
		unlink(gen->runtime_conf);
	free(gen->runtime_conf);
	px_buf_free(&gen->needs_restart);
	free(gen);
}

/* The last reference is often dropped inside a callback of one of the parts: they are freed from the loop. */
static void destroy(struct px_generation *pub)
{
	struct px_daemon_generation *gen = (struct px_daemon_generation *)pub;
	struct timeval now = {0, 0};
	gen->destroying = true;
	event_base_once(gen->base, -1, EV_TIMEOUT, free_parts, gen, &now);
}

static void signed_ready(evutil_socket_t fd, short what, void *arg)
{
	struct px_daemon_generation *gen = arg;
	(void)fd;
	(void)what;
	/* A callback may drop the last reference. */
	struct px_generation *hold = px_generation_ref(&gen->pub);
	px_signer_dispatch(gen->signer);
	px_generation_unref(&hold);
}

static int load_files(struct px_daemon_generation *gen, const char *file, const struct px_conf *running,
		      struct px_buf *why)
{
	struct px_problems problems = {0};
	int rc = px_conf_load(file, &gen->conf, &problems);
	if (rc == PX_OK && running != NULL)
		px_conf_keep_running(gen->conf, running, &gen->needs_restart);
	if (rc == PX_OK)
		rc = px_conf_check(gen->conf, &problems);
	if (rc == PX_OK)
		rc = px_catalogue_load(gen->conf, &gen->cat, &problems);
	px_problems_print(&problems, why);
	if (rc == PX_OK && why->len > 0) {
		for (const char *s = px_buf_str(why), *end; *s != '\0'; s = end + (*end == '\n')) {
			end = s + strcspn(s, "\n");
			px_log(PX_LOG_WARN, "conf", "%.*s", (int)(end - s), s);
		}
		px_buf_clear(why);
	}
	px_problems_free(&problems);
	return rc;
}

static int load_signer(struct px_daemon_generation *gen, struct event_base *base, struct px_buf *why)
{
	struct px_seal_key *key = NULL;
	int rc = px_seal_key_load(gen->conf->node.sign_key, gen->conf->node.sign_certificate, &key, why);
	if (rc != PX_OK)
		return rc;
	rc = px_signer_new(&key, &gen->signer, why);
	px_seal_key_free(&key);
	if (rc != PX_OK)
		return rc;
	gen->signer_event =
	    event_new(base, px_signer_fd(gen->signer), EV_READ | EV_PERSIST, signed_ready, gen);
	event_add(gen->signer_event, NULL);
	return PX_OK;
}

/* The clean parent must see exactly what was checked here, whatever happens to the file meanwhile. */
static int write_runtime_conf(struct px_daemon_generation *gen, uint64_t id, struct px_buf *why)
{
	struct px_buf path = PX_BUF_INIT, text = PX_BUF_INIT;
	int rc = PX_OK;
	if (mkdir(gen->conf->store.path, 0700) != 0 && errno != EEXIST) {
		px_buf_setf(why, "cannot make folder %s: %s", gen->conf->store.path, strerror(errno));
		return PX_ESYS;
	}
	px_buf_addf(&path, "%s/generation-%d-%llu.conf", gen->conf->store.path, (int)getpid(),
		    (unsigned long long)id);
	px_conf_dump(gen->conf, &text);
	int fd = open(px_buf_str(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len) {
		px_buf_setf(why, "cannot write %s: %s", px_buf_str(&path), strerror(errno));
		rc = PX_ESYS;
	}
	if (fd >= 0)
		close(fd);
	gen->runtime_conf = (char *)px_buf_detach(&path, NULL);
	px_buf_free(&text);
	return rc;
}

static void tell_made(struct px_daemon_generation *gen, int rc, const char *why)
{
	void (*made)(void *arg, struct px_daemon_generation *g, int rc, const char *why) = gen->made;
	void *arg = gen->arg;
	bool in_force = gen->whole;
	gen->made = NULL;
	if (made == NULL)
		return;
	if (rc == PX_OK) {
		gen->whole = true;
		made(arg, gen, PX_OK, "");
		return;
	}
	made(arg, NULL, rc, why);
	if (in_force) /* only its inspectors could not be started: others still hold it */
		return;
	struct px_generation *pub = &gen->pub;
	px_generation_unref(&pub);
}

static void pool_ready(void *arg, int rc, const char *why)
{
	struct px_daemon_generation *gen = arg;
	if (!gen->destroying)
		tell_made(gen, rc, why);
}

static void pool_lost(void *arg)
{
	struct px_daemon_generation *gen = arg;
	if (!gen->destroying && gen->lost != NULL)
		gen->lost(gen->arg, gen);
}

static int start_pool(struct px_daemon_generation *gen, const struct px_generation_setup *setup,
		      struct px_buf *why)
{
	struct px_pool_setup pool = {
	    .exe = setup->exe,
	    .conf_file = gen->runtime_conf,
	    .workers = gen->conf->inspect.workers,
	    .generation = gen->pub.id,
	    .body_limit = gen->conf->inspect.body_limit,
	    .base = px_loop_base(setup->loop),
	    .timers = px_loop_timers(setup->loop),
	    .metrics = setup->metrics,
	};
	return px_pool_new(&pool, pool_ready, pool_lost, gen, &gen->pool, why);
}

void px_generation_make(const struct px_generation_setup *setup)
{
	struct px_daemon_generation *gen = px_xcalloc(1, sizeof(*gen));
	struct event_base *base = px_loop_base(setup->loop);
	struct px_buf why = PX_BUF_INIT;
	gen->base = base;
	gen->made = setup->made;
	gen->lost = setup->lost;
	gen->arg = setup->arg;
	gen->pub.refs = 1;
	gen->pub.id = setup->id;
	gen->pub.destroy = destroy;
	int rc = load_files(gen, setup->conf_file, setup->running, &why);
	if (rc == PX_OK)
		rc = px_tls_new(gen->conf, &gen->tls, &why);
	if (rc == PX_OK)
		rc = load_signer(gen, base, &why);
	if (rc == PX_OK)
		rc = px_egress_new(base, px_loop_timers(setup->loop), gen->tls, &gen->egress, &why);
	if (rc == PX_OK)
		rc = write_runtime_conf(gen, setup->id, &why);
	if (rc == PX_OK) {
		gen->inspector.submit = submit;
		gen->pub.conf = gen->conf;
		gen->pub.cat = gen->cat;
		gen->pub.inspector = &gen->inspector;
		gen->pub.transport = px_egress_transport(gen->egress);
		gen->pub.sealer = px_signer_sealer(gen->signer);
		rc = start_pool(gen, setup, &why);
	}
	if (rc == PX_OK && setup->begun != NULL) {
		gen->whole = true;
		setup->begun(setup->arg, gen);
	}
	if (rc != PX_OK)
		tell_made(gen, rc, px_buf_str(&why));
	px_buf_free(&why);
}

int px_generation_revive(struct px_daemon_generation *gen, const struct px_generation_setup *setup,
			 struct px_buf *why)
{
	if (gen->pool != NULL)
		px_pool_retire(&gen->pool);
	gen->made = setup->made;
	return start_pool(gen, setup, why);
}
