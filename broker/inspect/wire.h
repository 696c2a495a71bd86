/* prinex: what broker, clean parent and inspectors say to each other
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_INSPECT_WIRE_H
#define PX_INSPECT_WIRE_H

#include "base/exchange.h"

/*
 * Both sides are the same executable on the same machine, so messages are plain structs over SOCK_SEQPACKET,
 * which keeps their boundaries. Fields have fixed sizes; a message of another size or with another magic is
 * refused. Documents and verdicts travel in the arena (arena.h), never here.
 *
 *	broker                        clean parent
 *	           <-- READY | FAILED --            once
 *	  -- LEVEL -->                              when it changes; no answer
 *	  -- FORK + arena -->                       per inspector
 *	           <-- FORKED + pidfd + socket | FORK_FAILED --
 *
 *	broker                        inspector
 *	           <-- hello --                     once, when its sandbox stands or cannot
 *	  -- request -->                            at most one per slot
 *	           <-- answer --                    in the order of requests
 */
#define PX_WIRE_MAGIC 0x50580001u /* the last half is the version of these structs */

enum px_wire_op {
	PX_WIRE_READY = 1,
	PX_WIRE_FAILED, /* text: why */
	PX_WIRE_FORK,
	PX_WIRE_FORKED,
	PX_WIRE_FORK_FAILED, /* text: why */
	PX_WIRE_LEVEL,       /* serial: the least important level to log */
};

struct px_wire_control {
	uint32_t magic;
	uint32_t op;
	uint64_t serial; /* of the FORK that this answers */
	int64_t pid;
	char text[4072];
};

struct px_wire_hello {
	uint32_t magic;
	uint32_t ok;
	char text[240]; /* why it is not ok */
};

struct px_wire_request {
	uint32_t magic;
	uint32_t slot;
	uint64_t cookie; /* comes back in the answer */
	uint64_t len;    /* of the document in the slot */
	int64_t now;
	uint32_t kind;
	uint32_t roles;
	uint8_t first_broker;
	uint8_t has_expected;
	uint8_t expected_digest[PX_DIGEST_LEN];
	char partner[PX_NAME_MAX + 1]; /* who handed it over, "" nobody */
	char expected_sender[PX_AUTHORITY_MAX + 1];
	char expected_id[PX_MESSAGE_ID_MAX + 1];
};

struct px_wire_answer {
	uint32_t magic;
	uint32_t slot;
	uint64_t cookie;
	uint64_t verdict_len;
};

/** Send one message with @n_fds descriptors (borrowed). @flags: MSG_DONTWAIT or 0. @return PX_OK, PX_EAGAIN,
 * PX_ECLOSED, PX_ESYS (errno is set). */
int px_wire_send(int fd, const void *msg, size_t len, const int *fds, unsigned n_fds, int flags);

/**
 * Receive one message of exactly @len octets beginning with PX_WIRE_MAGIC. With @fds NULL descriptors that
 * the peer encloses are dropped by the kernel; else exactly *@n_fds are wanted at most and the number
 * received is returned there (close-on-exec, the caller's). @return PX_OK, PX_EAGAIN, PX_ECLOSED, PX_EPARSE,
 * PX_ESYS.
 */
int px_wire_recv(int fd, void *msg, size_t len, int *fds, unsigned *n_fds, int flags);

#define PX_WIRE_FDS_MAX 2

#endif
