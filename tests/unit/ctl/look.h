/* prinex: tests of ctl: reading answers of the control socket
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#ifndef PX_TESTS_CTL_LOOK_H
#define PX_TESTS_CTL_LOOK_H

#include "rig.h"

/** A member's text; "(none)" when it has none. */
const char *text(const json_t *o, const char *name);
/** A member's number; fails the test when it has none. */
int64_t number(const json_t *o, const char *name);
/** The member of @list whose @name is @value; fails the test when there is none. */
const json_t *find(const json_t *list, const char *name, const char *value);

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

#endif
