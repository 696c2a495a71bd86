/* prinex: what stands declared in a movement, and who may end it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_DECLARED_H
#define PX_STORE_DECLARED_H

#include "conf/catalogue.h"
#include "store/store.h"

/*
 * A movement is whatever messages belong together, and anybody who knows its number may add one. What a
 * message may do to it follows from what its type is (`movement` in the catalogue) and from what its Sender
 * has declared in it before:
 *
 *  - `begins` declares. Declared again by the same Sender, with the same type and reference, it is a newer
 *    version.
 *  - `amends` with content is the newest version of a declaration of its Sender, of the type that its key
 *    `amends` names; where there is none, one of its own (this node may never have been given the first).
 *  - `amends` that ends withdraws every declaration of its Sender that its numbers fit.
 *  - Nothing else declares: an answer, a registration or an alarm tells of goods and announces none.
 *
 * A message ends its movement for everybody only if its Sender may:
 *
 *  - `begins` and `closes`: all that stands declared is its own;
 *  - `amends`: it withdraws, and nothing is left standing, of whomever;
 *  - `answers`: something that stands was sent to it.
 *
 * The rules of what declares, and of what fits, are used by both backends and by who reads a movement for
 * officers (flow/journey.h). Pure.
 */
enum px_deed { PX_DEED_NONE, PX_DEED_DECLARES, PX_DEED_AMENDS, PX_DEED_WITHDRAWS };

/** What identifies a declaration. */
struct px_declaration {
	bool withdrawn;
	char sender[PX_AUTHORITY_MAX + 1];
	char type[PX_TYPE_MAX + 1];     /* of the first version */
	char lrn[PX_KEY_VALUE_MAX + 1]; /* "" none */
	char mrn[PX_KEY_VALUE_MAX + 1]; /* "" none yet */
};

enum px_stand px_stand_of(const struct px_catalogue *cat, const char *type);
enum px_deed px_deed_of(const struct px_catalogue *cat, const struct px_header *header,
			const struct px_keys *keys);
/** Fill @d in from its first version. */
void px_declaration_begin(struct px_declaration *d, const struct px_header *header,
			  const struct px_keys *keys);
/** A newer version may bring the MRN. */
void px_declaration_renew(struct px_declaration *d, const struct px_keys *keys);
/** Whether a message with @deed is another version of @d, or withdraws it. */
bool px_declaration_fits(const struct px_declaration *d, enum px_deed deed, const struct px_header *header,
			 const struct px_keys *keys);
/** Whether it was sent to the recipient, or will be: there is a partner to hand it to, and it was not
 * cancelled, nor had it expired, before any of it was sent. */
bool px_delivery_is_sent(const struct px_delivery *d);
/** Whether it was sent to @authority, as far as is seen here: a delivery to it (@found) that was @sent; where
 * there is none, its Recipients name it; where it names nobody, it names an office of its country. */
bool px_declaration_is_for(const struct px_header *header, const struct px_keys *keys, const char *authority,
			   bool found, bool sent);

/** All that is declared in a movement. */
struct px_declared {
	const struct px_catalogue *cat; /* borrowed; NULL: nothing declares */
	unsigned n;
	struct px_declared_one {
		struct px_declaration is;
		char declarant[PX_KEY_VALUE_MAX + 1];
		bool for_asker;
	} * items;
};

/** The next message, in commit order. @for_asker: px_declaration_is_for. */
void px_declared_add(struct px_declared *all, const struct px_header *header, const struct px_keys *keys,
		     bool for_asker);
void px_declared_free(struct px_declared *all);
/** Whether a message would end the movement; it is not added by this. */
bool px_declared_ends(struct px_declared *all, const struct px_header *header, const struct px_keys *keys);
/** Whether what @need (NEW or PARTY) asks for stands declared. */
bool px_declared_has(const struct px_declared *all, enum px_accept_need need, const struct px_header *header,
		     const struct px_keys *keys);

#endif
