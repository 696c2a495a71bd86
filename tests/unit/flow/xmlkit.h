/* prinex: for tests of what flow writes: temporary keys, xmllint, xmlsec1, canonical form
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef TEST_FLOW_XMLKIT_H
#define TEST_FLOW_XMLKIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/buf.h"

/** Kinds of key: "rsa-2048", "rsa-1024", "P-256", "P-384", "P-521", "ed25519". */
struct kit {
	char dir[64];
};

/** Group or test set-up and its end: a folder under /tmp, removed with all in it. */
void kit_open(struct kit *kit);
void kit_close(struct kit *kit);

/** DIR/NAME into @path (256 octets). */
void kit_path(const struct kit *kit, const char *name, char *path);
void kit_write(const struct kit *kit, const char *name, const void *data, size_t len);

/**
 * NAME.key and NAME.pem: root, intermediate and leaf with a key of @kind; the PEM holds leaf, intermediate,
 * root; NAME-root.pem the root alone.
 */
void kit_identity(const struct kit *kit, const char *name, const char *kind);

/** Skips the test visibly (TAP "# SKIP") unless the program is there. */
void kit_need(const char *program);

/** Runs a program with output to DIR/out. @return its exit status; shows the output when it is not 0 and
 * @show. */
int kit_run(const struct kit *kit, bool show, const char *program, ...);

/** Fails the test unless the document follows exchange-1.xsd. */
void kit_assert_valid(const struct kit *kit, const struct px_buf *doc);
/** Fails the test unless libxml2's exclusive C14N of the parsed document gives the same octets. */
void kit_assert_canonical(const struct px_buf *doc);

#endif
