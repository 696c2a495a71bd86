/* prinex: what stands declared in a movement, and who may end it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/declared.h"

#include "base/keys.h"
#include "base/strings.h"

/* --- one message ------------------------------------------------------------------------------------- */

enum px_stand px_stand_of(const struct px_catalogue *cat, const char *type)
{
	const struct px_cat_type *t = cat != NULL ? px_catalogue_type(cat, type) : NULL;
	return t != NULL ? t->stand : PX_STAND_ANY;
}

/* Whether it says what is on the way: a request to cancel does not. */
static bool has_content(const struct px_keys *keys)
{
	return px_keys_first(keys, PX_KEY_EXPECTED_ARRIVAL) != NULL ||
	       px_keys_first(keys, PX_KEY_OFFICE_DESTINATION) != NULL ||
	       px_keys_first(keys, PX_KEY_VEHICLE) != NULL;
}

enum px_deed px_deed_of(const struct px_catalogue *cat, const struct px_header *header,
			const struct px_keys *keys)
{
	switch (px_stand_of(cat, header->type)) {
	case PX_STAND_BEGINS: return PX_DEED_DECLARES;
	case PX_STAND_AMENDS:
		return keys->ends_movement ? PX_DEED_WITHDRAWS
		       : has_content(keys) ? PX_DEED_AMENDS
					   : PX_DEED_NONE;
	default: return PX_DEED_NONE;
	}
}

static void copy_key(char out[PX_KEY_VALUE_MAX + 1], const struct px_keys *keys, enum px_key_kind kind)
{
	const char *value = px_keys_first(keys, kind);
	if (value != NULL)
		px_strlcpy(out, value, PX_KEY_VALUE_MAX + 1);
}

void px_declaration_begin(struct px_declaration *d, const struct px_header *header,
			  const struct px_keys *keys)
{
	const char *amends = px_keys_first(keys, PX_KEY_AMENDS);
	*d = (struct px_declaration){.withdrawn = false};
	px_strlcpy(d->sender, header->sender, sizeof(d->sender));
	px_strlcpy(d->type, amends != NULL ? amends : header->type, sizeof(d->type));
	copy_key(d->lrn, keys, PX_KEY_LRN);
	px_declaration_renew(d, keys);
}

void px_declaration_renew(struct px_declaration *d, const struct px_keys *keys)
{
	copy_key(d->mrn, keys, PX_KEY_MRN);
}

/* @known "", or no value: nothing speaks against it. */
static bool may_be(const char *known, const char *value)
{
	return known[0] == '\0' || value == NULL || strcmp(known, value) == 0;
}

bool px_declaration_fits(const struct px_declaration *d, enum px_deed deed, const struct px_header *header,
			 const struct px_keys *keys)
{
	const char *lrn = px_keys_first(keys, PX_KEY_LRN), *mrn = px_keys_first(keys, PX_KEY_MRN);
	const char *amends = px_keys_first(keys, PX_KEY_AMENDS);
	bool by_lrn = d->lrn[0] != '\0' && lrn != NULL;
	if (strcmp(d->sender, header->sender) != 0 || !may_be(d->lrn, lrn))
		return false;
	switch (deed) {
	case PX_DEED_DECLARES: /* what is declared again after it was withdrawn is another one */
		return !d->withdrawn && strcmp(d->type, header->type) == 0 && (by_lrn || may_be(d->mrn, mrn));
	case PX_DEED_AMENDS: return may_be(d->type, amends) && (by_lrn || may_be(d->mrn, mrn));
	case PX_DEED_WITHDRAWS: return may_be(d->mrn, mrn);
	default: return false;
	}
}

bool px_delivery_is_sent(const struct px_delivery *d)
{
	bool given_up = d->state == PX_D_CANCELLED || d->state == PX_D_EXPIRED;
	return d->partner[0] != '\0' && (d->body_sent || !given_up);
}

static bool names_office_of(const struct px_keys *keys, const char *authority)
{
	for (unsigned i = 0; i < keys->n; i++) {
		if (px_key_is_office_ahead(keys->items[i].kind) &&
		    px_office_is_of(keys->items[i].value, authority))
			return true;
	}
	return false;
}

bool px_declaration_is_for(const struct px_header *header, const struct px_keys *keys, const char *authority,
			   bool found, bool sent)
{
	if (found)
		return sent;
	for (unsigned i = 0; i < header->n_recipients; i++) {
		if (strcmp(header->recipients[i], authority) == 0)
			return true;
	}
	return header->n_recipients == 0 && names_office_of(keys, authority);
}

/* --- a movement -------------------------------------------------------------------------------------- */

static struct px_declared_one *newest(struct px_declared *all, enum px_deed deed,
				      const struct px_header *header, const struct px_keys *keys)
{
	for (unsigned i = all->n; i-- > 0;) {
		if (px_declaration_fits(&all->items[i].is, deed, header, keys))
			return &all->items[i];
	}
	return NULL;
}

static void declare(struct px_declared *all, enum px_deed deed, const struct px_header *header,
		    const struct px_keys *keys, bool for_asker)
{
	struct px_declared_one *one = newest(all, deed, header, keys);
	if (one != NULL) {
		px_declaration_renew(&one->is, keys);
		one->for_asker = one->for_asker || for_asker;
		return;
	}
	if ((all->n & (all->n - 1)) == 0) /* full: room doubles */
		all->items = px_xrealloc_array(all->items, PX_MAX(all->n * 2, 1U), sizeof(all->items[0]));
	px_assert(all->items != NULL);
	one = &all->items[all->n++];
	*one = (struct px_declared_one){.for_asker = for_asker};
	px_declaration_begin(&one->is, header, keys);
	copy_key(one->declarant, keys, PX_KEY_DECLARANT);
}

void px_declared_add(struct px_declared *all, const struct px_header *header, const struct px_keys *keys,
		     bool for_asker)
{
	enum px_deed deed = px_deed_of(all->cat, header, keys);
	if (deed == PX_DEED_DECLARES || deed == PX_DEED_AMENDS)
		declare(all, deed, header, keys, for_asker);
	for (unsigned i = 0; i < all->n && deed == PX_DEED_WITHDRAWS; i++) {
		struct px_declaration *d = &all->items[i].is;
		d->withdrawn = d->withdrawn || px_declaration_fits(d, deed, header, keys);
	}
}

void px_declared_free(struct px_declared *all)
{
	free(all->items);
	*all = (struct px_declared){.cat = all->cat};
}

/* A declaration that is the last one standing is withdrawn by who declared it. */
static bool withdraws_all(const struct px_declared *all, const struct px_header *header,
			  const struct px_keys *keys)
{
	bool any = false;
	for (unsigned i = 0; i < all->n; i++) {
		const struct px_declaration *d = &all->items[i].is;
		bool fits = px_declaration_fits(d, PX_DEED_WITHDRAWS, header, keys);
		if (!d->withdrawn && !fits)
			return false;
		any = any || fits;
	}
	return any;
}

static bool is_all_of(const struct px_declared *all, const char *sender, bool any)
{
	for (unsigned i = 0; i < all->n; i++) {
		const struct px_declaration *d = &all->items[i].is;
		if (!d->withdrawn && strcmp(d->sender, sender) != 0)
			return false;
		any = any || !d->withdrawn;
	}
	return any;
}

static bool is_party(const struct px_declared *all)
{
	for (unsigned i = 0; i < all->n; i++) {
		if (all->items[i].for_asker && !all->items[i].is.withdrawn)
			return true;
	}
	return false;
}

bool px_declared_ends(struct px_declared *all, const struct px_header *header, const struct px_keys *keys)
{
	if (!keys->ends_movement)
		return false;
	switch (px_stand_of(all->cat, header->type)) {
	case PX_STAND_BEGINS: return is_all_of(all, header->sender, true);
	case PX_STAND_CLOSES: return is_all_of(all, header->sender, false);
	case PX_STAND_AMENDS: return withdraws_all(all, header, keys);
	case PX_STAND_ANSWERS: return is_party(all);
	default: return false;
	}
}

static bool is_same(const struct px_declared_one *one, const struct px_header *header,
		    const struct px_keys *keys)
{
	const char *lrn = px_keys_first(keys, PX_KEY_LRN);
	const char *declarant = px_keys_first(keys, PX_KEY_DECLARANT);
	return !one->is.withdrawn && lrn != NULL && strcmp(one->is.lrn, lrn) == 0 &&
	       strcmp(one->is.type, header->type) == 0 && strcmp(one->is.sender, header->sender) == 0 &&
	       strcmp(one->declarant, declarant != NULL ? declarant : "") == 0;
}

bool px_declared_has(const struct px_declared *all, enum px_accept_need need, const struct px_header *header,
		     const struct px_keys *keys)
{
	bool found = false;
	if (need == PX_NEED_PARTY)
		return is_party(all);
	for (unsigned i = 0; i < all->n && !found; i++)
		found = is_same(&all->items[i], header, keys);
	return found;
}
