/* prinex: tests: who may do what on the control socket
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/access.h"

#define ADMIN    500
#define OBSERVER 600
#define OWN      999 /* the daemon's user */

static const struct px_ctl_names both = {
    .user = "maria",
    .admin = "px-admin",
    .observer = "px-look",
    .has_admin = true,
    .has_observer = true,
    .admin_gid = ADMIN,
    .observer_gid = OBSERVER,
};

static enum px_ctl_right right(uid_t uid, unsigned n, const gid_t *groups, const struct px_ctl_names *names)
{
	struct px_ctl_peer peer = {.uid = uid, .n_groups = n, .groups = (gid_t *)groups};
	return px_ctl_right_of(&peer, names, OWN);
}

static void test_groups(void **state)
{
	(void)state;
	assert_int_equal(right(1000, 2, (gid_t[]){7, ADMIN}, &both), PX_CTL_MAY_ACT);
	assert_int_equal(right(1000, 2, (gid_t[]){OBSERVER, 7}, &both), PX_CTL_MAY_LOOK);
	assert_int_equal(right(1000, 2, (gid_t[]){OBSERVER, ADMIN}, &both), PX_CTL_MAY_ACT);
	assert_int_equal(right(1000, 2, (gid_t[]){7, 8}, &both), PX_CTL_MAY_NOTHING);
	assert_int_equal(right(1000, 0, NULL, &both), PX_CTL_MAY_NOTHING);
	/* A user's number is not a group's. */
	assert_int_equal(right(ADMIN, 1, (gid_t[]){7}, &both), PX_CTL_MAY_NOTHING);
}

static void test_own_user_and_root(void **state)
{
	(void)state;
	assert_int_equal(right(OWN, 0, NULL, &both), PX_CTL_MAY_ACT);
	assert_int_equal(right(0, 0, NULL, &both), PX_CTL_MAY_ACT);
	/* The group of root is nothing special. */
	assert_int_equal(right(1000, 1, (gid_t[]){0}, &both), PX_CTL_MAY_NOTHING);
}

/* A group that does not exist has the number 0 in the struct: nobody gets in by that. */
static void test_missing_groups(void **state)
{
	struct px_ctl_names none = both;
	(void)state;
	none.has_admin = none.has_observer = false;
	none.admin_gid = none.observer_gid = 0;
	assert_int_equal(right(1000, 2, (gid_t[]){0, ADMIN}, &none), PX_CTL_MAY_NOTHING);
	none.has_observer = true;
	none.observer_gid = OBSERVER;
	assert_int_equal(right(1000, 2, (gid_t[]){0, OBSERVER}, &none), PX_CTL_MAY_LOOK);
}

static void test_explanation(void **state)
{
	struct px_buf why = PX_BUF_INIT;
	struct px_ctl_names names = both;
	(void)state;
	px_ctl_right_explain(PX_CTL_MAY_NOTHING, &names, &why);
	assert_string_equal(px_buf_str(&why),
			    "user maria may not use this socket: it is for members of the groups "
			    "px-look (to look) and px-admin (to act)");
	px_ctl_right_explain(PX_CTL_MAY_LOOK, &names, &why);
	assert_string_equal(px_buf_str(&why),
			    "user maria may look but not act: that is for members of the group px-admin");
	names.has_admin = false;
	px_ctl_right_explain(PX_CTL_MAY_LOOK, &names, &why);
	assert_string_equal(px_buf_str(&why),
			    "user maria may look but not act: that is for members of the group px-admin "
			    "(which does not exist on this machine)");
	px_buf_free(&why);
}

static void test_lookup(void **state)
{
	struct px_ctl_names names = {.uid = 0, .admin = "root", .observer = "no-such-group-anywhere"};
	(void)state;
	px_ctl_names_find(&names);
	assert_string_equal(names.user, "root");
	assert_true(names.has_admin);
	assert_int_equal(names.admin_gid, 0);
	assert_false(names.has_observer);
	names = (struct px_ctl_names){.uid = 3999999, .admin = "4711", .observer = ""};
	px_ctl_names_find(&names);
	assert_string_equal(names.user, "uid:3999999");
	assert_true(names.has_admin);
	assert_int_equal(names.admin_gid, 4711);
	assert_false(names.has_observer);
}

/* The kernel's word, supplementary groups included. */
static void test_peer(void **state)
{
	int fds[2];
	gid_t mine[PX_CTL_GROUPS_MAX];
	struct px_ctl_peer peer;
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(px_ctl_peer_of(fds[0], &peer), PX_OK);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, geteuid());
	int n = getgroups(PX_CTL_GROUPS_MAX, mine);
	for (int i = -1; i < n; i++) {
		bool found = false;
		for (unsigned k = 0; k < peer.n_groups; k++)
			found = found || peer.groups[k] == (i < 0 ? getegid() : mine[i]);
		assert_true(found);
	}
	px_ctl_peer_free(&peer);
	assert_null(peer.groups);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(px_ctl_peer_of(fds[0], &peer), PX_ESYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_groups),         cmocka_unit_test(test_own_user_and_root),
	    cmocka_unit_test(test_missing_groups), cmocka_unit_test(test_explanation),
	    cmocka_unit_test(test_lookup),         cmocka_unit_test(test_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
