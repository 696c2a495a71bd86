/* prinex: how the control socket says things
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CTL_WORDS_H
#define PX_CTL_WORDS_H

#include "ctl/json.h"
#include "flow/flow.h"

/* Words for enums that have none, and the JSON of what several commands show. Pure. */

const char *px_word_mode(enum px_mode mode);
const char *px_word_class(enum px_prio prio);
/** "up", "down", "probing"; "quiet" before anything happened, "none" where there is nothing to reach,
 * "removed" when it is not configured (@partner NULL). */
const char *px_word_link(const struct px_conf_partner *partner, const struct px_link_state *link);

/** A row of `messages`. */
void px_word_message(json_t *o, const struct px_message *m);
/** All that is known, deliveries included. */
void px_word_message_whole(json_t *o, const struct px_message *m);
void px_word_delivery(json_t *o, const struct px_delivery *d);

#endif
