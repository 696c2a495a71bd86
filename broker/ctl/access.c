/* prinex: who is at the other end of the control socket, and what they may do
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/access.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include "base/strings.h"

#define NSS_BUF (64 * 1024)

int px_ctl_peer_of(int fd, struct px_ctl_peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	*out = (struct px_ctl_peer){0};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return PX_ESYS;
	out->pid = cred.pid;
	out->uid = cred.uid;
	/* SO_PEERCRED has the primary group only; who was added to a group later has it in SO_PEERGROUPS. */
	gid_t *groups = px_xcalloc(PX_CTL_GROUPS_MAX + 1, sizeof(*groups));
	len = PX_CTL_GROUPS_MAX * sizeof(*groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		len = 0;
	out->n_groups = (unsigned)(len / sizeof(*groups));
	groups[out->n_groups++] = cred.gid;
	out->groups = groups;
	return PX_OK;
}

void px_ctl_peer_free(struct px_ctl_peer *peer)
{
	PX_FREE(peer->groups);
	peer->n_groups = 0;
}

static bool find_group(const char *name, gid_t *out)
{
	struct group group, *found = NULL;
	char *buf = px_xmalloc(NSS_BUF);
	uint64_t number;
	bool ok = true;
	if (name[0] == '\0')
		ok = false;
	else if (getgrnam_r(name, &group, buf, NSS_BUF, &found) == 0 && found != NULL)
		*out = found->gr_gid;
	else if (px_parse_u64(name, 0, UINT32_MAX - 1, &number) == PX_OK)
		*out = (gid_t)number;
	else
		ok = false;
	free(buf);
	return ok;
}

void px_ctl_names_find(struct px_ctl_names *names)
{
	struct passwd user, *found = NULL;
	char *buf = px_xmalloc(NSS_BUF);
	if (getpwuid_r(names->uid, &user, buf, NSS_BUF, &found) == 0 && found != NULL)
		px_strlcpy(names->user, found->pw_name, sizeof(names->user));
	else
		snprintf(names->user, sizeof(names->user), "uid:%u", (unsigned)names->uid);
	free(buf);
	names->has_admin = find_group(names->admin, &names->admin_gid);
	names->has_observer = find_group(names->observer, &names->observer_gid);
}

static bool in_group(const struct px_ctl_peer *peer, gid_t gid)
{
	for (unsigned i = 0; i < peer->n_groups; i++) {
		if (peer->groups[i] == gid)
			return true;
	}
	return false;
}

enum px_ctl_right px_ctl_right_of(const struct px_ctl_peer *peer, const struct px_ctl_names *names, uid_t own)
{
	if (peer->uid == 0 || peer->uid == own)
		return PX_CTL_MAY_ACT;
	if (names->has_admin && in_group(peer, names->admin_gid))
		return PX_CTL_MAY_ACT;
	if (names->has_observer && in_group(peer, names->observer_gid))
		return PX_CTL_MAY_LOOK;
	return PX_CTL_MAY_NOTHING;
}

static void add_group(struct px_buf *why, const char *name, bool exists)
{
	px_buf_addf(why, "%s%s", name[0] != '\0' ? name : "(none is configured)",
		    exists || name[0] == '\0' ? "" : " (which does not exist on this machine)");
}

void px_ctl_right_explain(enum px_ctl_right right, const struct px_ctl_names *names, struct px_buf *why)
{
	if (right == PX_CTL_MAY_NOTHING) {
		px_buf_setf(why, "user %s may not use this socket: it is for members of the groups ",
			    names->user);
		add_group(why, names->observer, names->has_observer);
		px_buf_adds(why, " (to look) and ");
	} else {
		px_buf_setf(why, "user %s may look but not act: that is for members of the group ",
			    names->user);
	}
	add_group(why, names->admin, names->has_admin);
	px_buf_adds(why, right == PX_CTL_MAY_NOTHING ? " (to act)" : "");
}
