/* prinex: state rules: what a message needs its movement to be
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/need.h"

static const struct rule {
	enum px_accept_need need;
	const char *id;
	enum px_code code;
	const char *text;
} rules[] = {
#define PX_STATE_RULE(stand, need, id, code, text) {PX_NEED_##need, id, PX_CODE_##code, text},
#include "base/state_rules.def"
#undef PX_STATE_RULE
};

static const enum px_accept_need needs[] = {
#define PX_STATE_RULE(stand, need, id, code, text) [PX_STAND_##stand] = PX_NEED_##need,
#include "base/state_rules.def"
#undef PX_STATE_RULE
};

static enum px_rule_level level_of(const struct px_generation *gen, const struct px_conf_partner *partner,
				   const struct px_verdict *v)
{
	const struct px_cat_type *type = px_catalogue_type(gen->cat, v->header.type);
	bool official = px_catalogue_is_official(gen->cat, type, v->header.type_version);
	return px_conf_rule_level(partner, type->name, official ? PX_RULES_WARN : PX_RULES_REFUSE);
}

enum px_accept_need px_need_of(const struct px_generation *gen, const struct px_conf_partner *partner,
			       const struct px_verdict *v)
{
	const struct px_cat_type *type = px_catalogue_type(gen->cat, v->header.type);
	return level_of(gen, partner, v) != PX_RULES_OFF ? needs[type->stand] : PX_NEED_NONE;
}

bool px_need_refuses(const struct px_generation *gen, const struct px_conf_partner *partner,
		     const struct px_verdict *v)
{
	return partner->role == PX_ROLE_SYSTEM && level_of(gen, partner, v) == PX_RULES_REFUSE;
}

static const struct rule *rule_of(enum px_accept_need need)
{
	const struct rule *rule = rules;
	while (rule->need != need)
		rule++;
	return rule;
}

void px_need_explain(enum px_accept_need need, const struct px_verdict *v, struct px_findings *to)
{
	const struct rule *rule = rule_of(need);
	const char *mrn = px_keys_first(&v->keys, PX_KEY_MRN), *lrn = px_keys_first(&v->keys, PX_KEY_LRN);
	const char *value = need == PX_NEED_NEW || mrn == NULL ? lrn : mrn;
	px_findings_add_rule(to, rule->id, rule->code, 0, NULL, value, rule->text);
}

void px_need_explain_doubt(const struct px_verdict *v, struct px_findings *to)
{
	const struct rule *rule = rule_of(PX_NEED_PARTY);
	px_findings_add_rule(to, rule->id, rule->code, 0, NULL, px_keys_first(&v->keys, PX_KEY_LRN),
			     "more than one declarant has declared a live movement under this LRN to this "
			     "sender: name the declarant, or the MRN");
}
