/* prinex: what a message needs its movement to be
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_NEED_H
#define PX_STORE_NEED_H

#include "store/movements.h"

/* The rules stand in store.h (enum px_accept_need) and declared.h. Only reads. Thread: writer, in a
 * transaction. */

/** Members looked at: of a movement with more, the rest counts for neither side. */
#define PX_NEED_MEMBERS 1000

/** Whether what @req needs holds of the movements in @plan, and whether it @ends them. @return PX_OK,
 * PX_EPRECONDITION. */
int px_need_check(struct px_wtx *w, const struct px_accept *req, const struct px_movement_plan *plan,
		  bool *ends);

/** Whether anything was declared in the movement whose members stand under @home, as @req's catalogue has it.
 */
bool px_need_is_declared(struct px_wtx *w, const struct px_accept *req, uint64_t home);

#endif
