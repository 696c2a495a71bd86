/* prinex: all faults of a document, where libxml2 stops at the first misplaced element
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_RECOVER_H
#define PX_XML_RECOVER_H

#include "xml/run.h"

/*
 * After a child that does not fit, libxml2 looks at nothing more in that parent: one forgotten element at the
 * top of a declaration would hide every wrong value below it. So a document that failed is repaired and
 * validated again, a bounded number of times: what does not belong is unlinked, what is missing gets a
 * placeholder. At the end the tree is put back as it was and the faults are reported in the order of lines.
 */

#define PX_MISFITS_MAX 64

/** An element that its parent does not take at this place, or (at_end) a parent whose content ends too early.
 */
struct px_misfit {
	xmlNode *node;
	bool at_end;
	char *expected; /* "A, B )." as libxml2 lists them, "" unknown */
};

struct px_fault {
	enum px_code code;
	const xmlNode *node;
	long line; /* 0: that of the node */
	char *value, *text;
	unsigned seq;
};

struct px_repair;

struct px_faults {
	unsigned n, total; /* kept, and found in the first validation */
	struct px_fault *items;
	unsigned n_misfits; /* of the last validation */
	struct px_misfit misfits[PX_MISFITS_MAX];
	unsigned long more_misfits;
	struct px_repair *repair;
};

/* For validate.c, during a validation. */
bool px_faults_is_ours(const xmlNode *node); /* a placeholder, or in one: its faults are not the sender's */
bool px_faults_has_room(const struct px_faults *f);
void px_faults_add(struct px_faults *f, enum px_code code, const xmlNode *node, const char *value,
		   const char *text);
void px_faults_misfit(struct px_faults *f, xmlNode *node, bool at_end, const char *expected);

typedef int px_validate_fn(void *arg, struct px_faults *f);
/** Repair and validate again until nothing new comes; @len octets of the document bound the effort. */
void px_faults_recover(struct px_faults *f, size_t len, px_validate_fn *validate, void *arg);
/** Append all to the run's errors and free them. */
void px_faults_report(struct px_faults *f, struct px_run *run);

#endif
