/* prinex: checks between the options of a configuration
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CONF_VERIFY_H
#define PX_CONF_VERIFY_H

#include "conf/conf.h"

/**
 * Check what one option says against what others say: references, identities, ages, recipients. Values that
 * are missing or wrong themselves have been reported already and are passed over. Problems are added.
 */
void px_conf_verify(const struct px_conf *conf, struct px_problems *problems);

#endif
