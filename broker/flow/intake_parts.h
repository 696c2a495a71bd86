/* prinex: from a partner's body to its answer: one message on its way in
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#ifndef PX_FLOW_INTAKE_PARTS_H
#define PX_FLOW_INTAKE_PARTS_H

#include "flow/answers.h"
#include "flow/apply.h"
#include "flow/internal.h"
#include "flow/need.h"
#include "flow/route.h"

/* Private to intake*.c. Each function ends with exactly one answer, now or later; @in is then freed. */
struct intake {
	struct px_flow *flow;
	struct intake *prev, *next; /* of the flow's */
	struct px_generation *gen;
	char partner[PX_NAME_MAX + 1];
	struct px_body *body;
	px_flow_answered *answered;
	void *arg;
	int64_t started;
	int64_t submitted; /* to the store; mono ms */
	struct px_verdict *verdict;
	struct px_findings errors; /* of decide and route */
	struct px_routing routing;
	struct px_applying applying;
	struct px_buf coa;
	int status;               /* of the refusal being sealed */
	enum px_accept_need need; /* NONE once it is said that it is not met */
	bool remarks;             /* that it is not met is to be said */
	struct px_answers answers;
};

/* intake.c */
/** The partner in the generation the intake belongs to; NULL after a reload removed it. */
const struct px_conf_partner *px_intake_partner(const struct intake *in);
/** It was answered. */
void px_intake_end(struct intake *in);
/** Whether another copy of the same octets from the same partner is on its way, too. */
bool px_intake_has_twin(const struct intake *in);
/** 503: nothing was judged. */
void px_intake_later(struct intake *in, const char *why);

/* intake_refuse.c */
/** Seal a CoE with all @errors and answer it with @status. */
void px_intake_refuse(struct intake *in, int status, const struct px_findings *errors);
/** A message that killed its inspector twice: set aside, alarmed, and refused for good. */
void px_intake_refuse_deadly(struct intake *in);

/* intake_decide.c */
/** The verdict is good: who may send what to whom, then px_intake_accept or a refusal. */
void px_intake_decide(struct intake *in);

/* intake_accept.c */
/** Seal the CoA, store the message, answer. */
void px_intake_accept(struct intake *in);
/** It was stored before. */
void px_intake_duplicate(struct intake *in, const struct px_accept_result *r);

#endif
