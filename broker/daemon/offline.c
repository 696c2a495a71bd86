/* prinex: what is done to the store while the daemon is stopped: restore, repair
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <stdio.h>

#include "conf/conf.h"
#include "daemon/daemon.h"
#include "store/store.h"

/* Load the configuration for what it says of the store, and say what is wrong with it. */
static struct px_conf *load(const char *file)
{
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	if (px_conf_load(file, &conf, &problems) != PX_OK) {
		struct px_buf text = PX_BUF_INIT;
		px_problems_print(&problems, &text);
		fputs(px_buf_str(&text), stderr);
		px_buf_free(&text);
	}
	px_problems_free(&problems);
	return conf;
}

static struct px_store_lmdb_setup setup_of(const struct px_conf *conf)
{
	return (struct px_store_lmdb_setup){.path = conf->store.path,
					    .map_size = conf->store.map_size,
					    .watermark = conf->store.watermark,
					    .clock = px_clock_real()};
}

/* @from NULL: repair. */
static int work(const char *conf_file, const char *from)
{
	struct px_buf said = PX_BUF_INIT;
	struct px_conf *conf = load(conf_file);
	if (conf == NULL)
		return PX_EXIT_CONF;
	struct px_store_lmdb_setup setup = setup_of(conf);
	int rc = from != NULL ? px_store_lmdb_restore(&setup, from, &said)
			      : px_store_lmdb_repair(&setup, &said);
	fprintf(rc == PX_OK ? stdout : stderr, "%s\n", px_buf_str(&said));
	px_buf_free(&said);
	px_conf_free(&conf);
	return rc == PX_OK ? PX_EXIT_OK : PX_EXIT_FAILED;
}

int px_offline_restore(const char *conf_file, const char *from)
{
	return work(conf_file, from);
}

int px_offline_repair(const char *conf_file)
{
	return work(conf_file, NULL);
}
