/* prinex: who is at the other end of the control socket, and what they may do
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_ACCESS_H
#define PX_CTL_ACCESS_H

#include "base/buf.h"

/*
 * What the kernel says about a peer, and the decision, which is pure. Group and user names are looked up
 * apart from it (px_ctl_names_find blocks: a directory service may be asked), once per connection, so that a
 * user added to a group gets in with the next one.
 */
#define PX_CTL_GROUPS_MAX 1024

/** Credentials when the peer connected. */
struct px_ctl_peer {
	pid_t pid;
	uid_t uid;
	unsigned n_groups; /* primary group included */
	gid_t *groups;
};

/** @return PX_OK, or PX_ESYS. To be freed with px_ctl_peer_free. */
int px_ctl_peer_of(int fd, struct px_ctl_peer *out);
void px_ctl_peer_free(struct px_ctl_peer *peer);

/** Names and numbers that belong to a decision. */
struct px_ctl_names {
	uid_t uid;
	char user[64]; /* out: "maria", or "uid:1007" when it has no name */
	char admin[64], observer[64];
	bool has_admin, has_observer; /* out: the group exists */
	gid_t admin_gid, observer_gid;
};

/** Blocks. Thread: any. A group may also be given as its number. */
void px_ctl_names_find(struct px_ctl_names *names);

enum px_ctl_right { PX_CTL_MAY_NOTHING, PX_CTL_MAY_LOOK, PX_CTL_MAY_ACT };

/** @own: the daemon's user. */
enum px_ctl_right px_ctl_right_of(const struct px_ctl_peer *peer, const struct px_ctl_names *names,
				  uid_t own);
/** Why not more, and what to do about it: a text for the peer. */
void px_ctl_right_explain(enum px_ctl_right right, const struct px_ctl_names *names, struct px_buf *why);

#endif
