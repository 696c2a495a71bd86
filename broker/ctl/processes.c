/* prinex: memory of the daemon's processes
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/parts.h"

#define ROLLUP_MAX (16 * 1024)

struct reading {
	struct px_ctl *ctl;
	unsigned n;
	struct px_ctl_pss *list;
	px_ctl_pss_done *done;
	void *arg;
};

/* `Pss:  1234 kB` in /proc/PID/smaps_rollup: pages that processes share count once between them. */
static int64_t read_pss(pid_t pid)
{
	char path[64];
	struct px_buf text = PX_BUF_INIT;
	int64_t octets = -1;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if (px_buf_read_file(&text, path, ROLLUP_MAX, NULL) == PX_OK) {
		const char *line = strstr(px_buf_str(&text), "\nPss:");
		if (line != NULL)
			octets = strtoll(line + strlen("\nPss:"), NULL, 10) * 1024;
	}
	px_buf_free(&text);
	return octets;
}

static void read_all(void *arg)
{
	struct reading *r = arg;
	for (unsigned i = 0; i < r->n; i++)
		r->list[i].octets = read_pss(r->list[i].pid);
}

static void all_read(void *arg)
{
	struct reading *r = arg;
	r->done(r->arg, r->n, r->list);
	px_ctl_unref(r->ctl);
	free(r->list);
	free(r);
}

void px_ctl_processes(struct px_ctl *ctl, px_ctl_pss_done *done, void *arg)
{
	struct px_ctl_process *now = px_xcalloc(PX_CTL_PROCESSES_MAX, sizeof(*now));
	struct reading *r = px_xcalloc(1, sizeof(*r));
	r->ctl = px_ctl_ref(ctl);
	r->n = ctl->setup.host->processes(ctl->setup.host_arg, now, PX_CTL_PROCESSES_MAX);
	r->list = px_xcalloc(PX_MAX(r->n, 1u), sizeof(*r->list));
	for (unsigned i = 0; i < r->n; i++) {
		px_strlcpy(r->list[i].role, now[i].role, sizeof(r->list[i].role));
		r->list[i].pid = now[i].pid;
	}
	free(now);
	r->done = done;
	r->arg = arg;
	px_work_run(ctl->files, read_all, all_read, r);
}
