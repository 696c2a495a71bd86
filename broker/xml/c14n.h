/* prinex: exclusive XML canonicalization of a tree, octets straight to where they are needed
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_XML_C14N_H
#define PX_XML_C14N_H

#include <libxml/tree.h>

#include "base/base.h"

/** Gets the canonical octets in pieces, in order. */
typedef void px_c14n_write(void *arg, const void *data, size_t len);

/**
 * Exclusive C14N 1.0 without comments (https://www.w3.org/TR/xml-exc-c14n/) of the element @apex and all in
 * it but the node @leave_out (NULL: nothing), with no inclusive prefixes. For trees that have passed
 * px_prescan and px_stage_parse: no document type, so no entity references and no attribute defaults;
 * absolute namespace names. Nothing outside @apex is written, and a prefix is declared again where it is
 * first used in there. Reads the tree only. Thread: any. @return PX_OK; PX_EPARSE for a kind of node that
 * such trees do not have.
 */
int px_c14n(const xmlNode *apex, const xmlNode *leave_out, px_c14n_write *write, void *arg);

#endif
