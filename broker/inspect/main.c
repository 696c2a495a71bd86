/* prinex: what prinexd does in role "inspect"
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/log.h"
#include "base/sched.h"
#include "inspect/parent.h"
#include "inspect/pool.h"
#include "xml/examine.h"

/* All that a generation needs to judge messages. */
struct judge {
	struct px_conf *conf;
	struct px_catalogue *cat;
	struct px_examiner *examiner;
};

static int load(struct judge *j, const char *conf_file, struct px_buf *why)
{
	struct px_problems problems = {0};
	int rc = px_conf_load(conf_file, &j->conf, &problems);
	if (rc == PX_OK)
		rc = px_catalogue_load(j->conf, &j->cat, &problems);
	if (rc != PX_OK) {
		px_buf_clear(why);
		px_problems_print(&problems, why);
	}
	px_problems_free(&problems);
	if (rc != PX_OK)
		return rc;
	int level = px_log_level_parse(j->conf->log_level);
	if (level >= 0)
		px_log_set_level((enum px_log_level)level);
	rc = px_examiner_new(j->conf, j->cat, &j->examiner, why);
	return rc == PX_OK ? px_examiner_warm(j->examiner, why) : rc;
}

static void unload(struct judge *j)
{
	px_examiner_free(&j->examiner);
	px_catalogue_free(&j->cat);
	px_conf_free(&j->conf);
}

static struct px_verdict *examine(void *arg, const struct px_exam *exam, const uint8_t *data, size_t len)
{
	struct judge *j = arg;
	return px_examine(j->examiner, exam, data, len);
}

int px_inspect_main(const char *conf_file, int fd, uint64_t body_limit)
{
	px_parent_begin(fd);
	px_sched_short_turns(false); /* as the broker that began it has */
	px_log_init("inspect", 2, px_log_get_level());
	px_xml_init();
	struct judge j = {0};
	struct px_buf why = PX_BUF_INIT;
	int status;
	if (load(&j, conf_file, &why) == PX_OK)
		status = px_parent_serve(fd, body_limit, examine, &j);
	else
		status = px_parent_fail(fd, px_buf_str(&why));
	px_buf_free(&why);
	unload(&j);
	return status;
}
