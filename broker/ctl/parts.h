/* prinex: what the parts of the control socket share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_PARTS_H
#define PX_CTL_PARTS_H

#include <sys/queue.h>

#include "base/log.h"
#include "base/strings.h"
#include "ctl/access.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/work.h"

/*
 * Private to broker/ctl. server.c has the connections, job.c what happens between a line and its answer,
 * cmd_*.c the commands by subject. Everything belongs to the loop thread.
 */

/* Errors of JSON-RPC 2.0, and ours. docs/control-protocol.md. */
#define PX_RPC_PARSE         (-32700)
#define PX_RPC_REQUEST       (-32600)
#define PX_RPC_METHOD        (-32601)
#define PX_RPC_PARAMS        (-32602)
#define PX_RPC_FAILED        (-32000) /* the command could not be carried out */
#define PX_RPC_NOT_PERMITTED (-32001)
#define PX_RPC_NOT_FOUND     (-32002)
#define PX_RPC_BUSY          (-32003) /* too many connections, or one such command at a time */

#define PX_CTL_MAGIC 0x63746c31u
#define PX_JOB_MAGIC 0x6a6f6231u

struct px_job;

/** A connection. */
struct conn {
	TAILQ_ENTRY(conn) link;
	struct px_ctl *ctl;
	struct bufferevent *bev;
	struct px_timer deadline;
	struct px_ctl_peer peer;
	struct lookup *lookup; /* names are being looked up */
	enum px_ctl_right right;
	struct px_ctl_names names;
	struct px_job *job;                   /* the one under way */
	bool serving;                         /* in the loop of server.c that takes lines */
	bool closing;                         /* when all is written */
	bool half_closed;                     /* the peer sends no more, but reads */
	bool answering;                       /* the deadline is that of reading answers */
	char journalled[PX_CTL_TEXT_MAX + 8]; /* the body whose reading was journalled last: pieces follow */
	struct px_buf upload;                 /* pieces of a document that is being sent */
};
TAILQ_HEAD(conns, conn);

struct px_ctl {
	uint32_t magic;
	unsigned refs; /* one of its owner, one of each job, lookup and refresh */
	bool closed;   /* freed by its owner: nothing of the setup may be touched any more */
	struct px_ctl_setup setup;
	struct px_clock *clock;
	char *path;
	dev_t dev; /* of the socket file */
	ino_t ino;
	int fd;
	struct event *accept;
	struct px_timer pause; /* no file descriptors left: until the next try */
	struct px_work *names; /* user and group names */
	struct px_work *files; /* files and /proc */
	struct conns conns;
	unsigned n_conns;
	struct conn *uploading; /* whose document is kept: one at a time, the latest; NULL none */
	bool verifying;         /* one walk through the store at a time */
	bool checking;          /* one configuration check at a time */
};

struct px_ctl *px_ctl_ref(struct px_ctl *ctl);
void px_ctl_unref(struct px_ctl *ctl);

/* --- server.c --- */

/** Send one object; @line is taken. */
void px_conn_send(struct conn *conn, json_t *line);
/** The job under way has ended: take the next line. */
void px_conn_job_ended(struct conn *conn);

/* --- job.c --- */

/**
 * A request being answered. A handler ends it exactly once, at once or later, with px_job_result or one of
 * the failing calls. When the client goes the job lives on until its handler looks: after each callback ask
 * px_job_ended_by, before touching anything else; it ends the job when there is nobody to answer.
 */
struct px_job {
	uint32_t magic;
	struct px_ctl *ctl;
	struct conn *conn; /* NULL: the client has gone */
	const struct px_ctl_command *command;
	json_t *id;
	json_t *params; /* checked; never NULL */
	/* The handler's own. */
	void *state;
	void (*state_free)(void *state);
	/* The client has gone, although the answer is not there yet: a long job may be given up. NULL: it
	 * goes on. Must not end the job. */
	void (*left)(struct px_job *job);
	struct px_timer tick; /* px_job_show_progress */
};

typedef void px_job_run(struct px_job *job);

/** Begin with a line of a client. */
void px_job_start(struct conn *conn, const char *line, size_t len);
/** The client has gone. */
void px_job_leave(struct px_job *job);
/** From now on say every second how far the store's long operation with job->state is, if the client asked
 * for it. */
void px_job_show_progress(struct px_job *job);
/** @result is taken. */
void px_job_result(struct px_job *job, json_t *result);
void px_job_fail(struct px_job *job, int code, const char *fmt, ...) PX_PRINTF(3, 4);
/**
 * After a callback with @rc: true when the job has been ended, because nobody waits for it any more or
 * because of @rc (@what completes "cannot WHAT: ..."; NOTFOUND is PX_RPC_NOT_FOUND with @what alone).
 */
bool px_job_ended_by(struct px_job *job, int rc, const char *what);
bool px_job_is_gone(const struct px_job *job);

/** Arguments; @def when absent. Views of params. */
const char *px_job_text(const struct px_job *job, const char *name);
int64_t px_job_number(const struct px_job *job, const char *name, int64_t def);
bool px_job_flag(const struct px_job *job, const char *name);

static inline const struct px_conf *px_ctl_conf(const struct px_ctl *ctl)
{
	return px_flow_generation(ctl->setup.flow)->conf;
}

/* --- processes.c --- */

struct px_ctl_pss {
	char role[PX_NAME_MAX + 1];
	pid_t pid;
	int64_t octets; /* -1: cannot be read */
};
#define PX_CTL_PROCESSES_MAX 300
typedef void px_ctl_pss_done(void *arg, unsigned n, const struct px_ctl_pss *list);
/** Read the memory of all processes on the helper thread. @done once, on the loop. */
void px_ctl_processes(struct px_ctl *ctl, px_ctl_pss_done *done, void *arg);

/* --- gauges.c --- */

/** Bring what is only measured on demand up to date in the metrics; then @done. */
void px_ctl_refresh(struct px_ctl *ctl, void (*done)(void *arg), void *arg);

/* --- commands --- */

px_job_run px_cmd_status, px_cmd_alarms, px_cmd_metrics, px_cmd_help;                  /* cmd_status.c */
px_job_run px_cmd_partners, px_cmd_partner;                                            /* cmd_partners.c */
px_job_run px_cmd_messages, px_cmd_message, px_cmd_body;                               /* cmd_messages.c */
px_job_run px_cmd_trace;                                                               /* cmd_trace.c */
px_job_run px_cmd_route_explain;                                                       /* cmd_route.c */
px_job_run px_cmd_queue;                                                               /* cmd_queue.c */
px_job_run px_cmd_certificates, px_cmd_catalogue;                                      /* cmd_trust.c */
px_job_run px_cmd_config_check, px_cmd_config_diff, px_cmd_config_dump, px_cmd_reload; /* cmd_conf.c */
px_job_run px_cmd_log, px_cmd_drain, px_cmd_stop;                                      /* cmd_conf.c */
px_job_run px_cmd_backup;                                                              /* cmd_backup.c */
px_job_run px_cmd_journal_tail, px_cmd_journal_verify, px_cmd_verify;                  /* cmd_journal.c */
px_job_run px_cmd_pause, px_cmd_resume, px_cmd_probe, px_cmd_retry;                    /* cmd_deliveries.c */
px_job_run px_cmd_cancel, px_cmd_acknowledge, px_cmd_quarantine;                       /* cmd_deliveries.c */
px_job_run px_cmd_quarantine_release;                                                  /* cmd_deliveries.c */

#endif
