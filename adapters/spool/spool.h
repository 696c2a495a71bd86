/* prinex: what the parts of prinex-spool share
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_SPOOL_SPOOL_H
#define PX_SPOOL_SPOOL_H

#include <pthread.h>

#include "client/client.h"

/*
 * One folder, shared with a customs system that knows files only:
 *
 *	out/      the system puts documents here; taken as soon as they are complete
 *	work/     ours: what is being sent, with FILE.px and the answer; everything to go on after a crash
 *	sent/     FILE, FILE.px, FILE.coa, FILE.txt
 *	refused/  FILE, FILE.px, FILE.coe, FILE.txt
 *	in/       what was fetched, SENDER_ID.xml, for the system to take away
 *	aside/    what was fetched and is wrong; never confirmed
 *	.spool/   ours: tmp/ before it is in in/; seen/ names and digests of all that ever was
 *	status.json
 *
 * All in one file system, so that every step is one rename. Two threads: sending (the main one) and fetching.
 */
struct spool {
	struct px_client *c;
	const struct px_settings *settings;
	const char *folder;
	bool once;
	int locked;        /* .spool/lock, open */
	unsigned name_max; /* octets of a name in out/; see spool_name_max */
	unsigned begin_at; /* where the next round of sending begins */
	int64_t thinned;   /* when .spool/seen was, ms since 1970 */
	/* under lock */
	pthread_mutex_t lock;
	uint64_t sent, refused, received, confirmed, set_aside;
	struct px_buf sending, fetching, telling; /* what ails it, and status.json; empty: nothing */
};

/** FOLDER/@part/@name; @name may be "". */
void spool_path(const struct spool *s, const char *part, const char *name, struct px_buf *out);
/** Names in FOLDER/@part that end in @suffix and are not hidden, of whatever kind, oldest first; *@n of them.
 * To be freed with spool_list_free. NULL with @why: it cannot be read. */
char **spool_list(const struct spool *s, const char *part, const char *suffix, unsigned *n,
		  struct px_buf *why);
void spool_list_free(char **names, unsigned n);
/** How many there are. */
unsigned spool_count(const struct spool *s, const char *part, const char *suffix);

/** Make again what others may have taken away (out, sent, refused, in, aside), as long as .spool/lock is the
 * file that we locked: where it is not, the file system went, and folders made now would hide what it holds.
 */
void spool_keep_folders(const struct spool *s);

/** A line to standard error, unless it is what was said last. */
void spool_say(struct spool *s, struct px_buf *ails, const char *text);

/* takeup.c */

/** Why @marker cannot be spool-marker; NULL: it can, or is "". */
const char *spool_unfit_marker(const char *marker);

/** How long a name in out/ may be where a file system takes @most octets (0: not known): FILE.untrusted,
 * which is written as `.FILE.untrusted.PID-N.part`, must fit as well. */
unsigned spool_name_max(long most);
/** Why what lies there, itself, is no file to be read; NULL: it is, or is not there. */
const char *spool_unfit_kind(const char *path);
/** Move up to @room files from out/ to work/, and to refused/ with a reason what can never be sent. @return
 * PX_OK or the first failure with @why: it stays where it is, the others are taken. */
int spool_take_up(struct spool *s, unsigned room, struct px_buf *why);
/** Remove markers whose file was taken up: they would make the next file of that name look complete. */
void spool_drop_markers(const struct spool *s);

/* outbound.c */

/** Finish what a crash interrupted: answers that are there but not yet moved. @return as px_file_put. */
int spool_out_recover(struct spool *s, struct px_buf *why);
enum spool_round {
	SPOOL_IDLE,  /* nothing is there */
	SPOOL_MORE,  /* something has ended; there may be more by now */
	SPOOL_STUCK, /* nothing has, all was tried: come again later, or when something new is there */
	SPOOL_FAILED /* nothing has, and the broker is away, or fails one after the other: come again later */
};
/** One round: take up, send, move away. Blocks. */
enum spool_round spool_out_round(struct spool *s);

/* inbound.c */

/** Finish what a crash interrupted; forget what is too old to come again. @return as px_file_put. */
int spool_in_recover(struct spool *s, struct px_buf *why);
/** Forget what is too old to come again, if that was not done in the last hours. @now: ms since 1970. Also
 * done by each round. @return PX_OK, or PX_ESYS with @why. */
int spool_in_thin(struct spool *s, int64_t now, struct px_buf *why);
/** Fetch what there is. @return whether the broker was reached and had no more. Blocks. */
bool spool_in_round(struct spool *s);

/* status.c */

/** Write status.json anew. */
void spool_status(struct spool *s, bool running);

/** The manual page (roff); pages.c. */
void spool_man(struct px_buf *out);

#endif
