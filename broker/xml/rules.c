/* prinex: stage rules: confirmations, what the rules of the type say, business keys
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/examiner.h"
#include "xml/run.h"

/* The standard level: official schemas come with messages that nobody here has ruled on, so their rules only
 * tell; ours refuse. */
static enum px_rule_level level_of(const struct px_run *run, const struct px_set *set)
{
	const struct px_conf *conf = run->ex->conf;
	const char *name = run->exam->partner != NULL ? run->exam->partner : "";
	const struct px_conf_partner *partner = conf != NULL && name[0] != '\0' ? px_conf_partner(conf, name)
										: NULL;
	return px_conf_rule_level(partner, run->type->cat->name,
				  set->cat->official ? PX_RULES_WARN : PX_RULES_REFUSE);
}

struct judged {
	struct px_run *run;
	enum px_rule_level level;
};

static void broken(void *arg, const struct px_rule_hit *hit)
{
	const struct judged *j = arg;
	px_run_rule(j->run, hit, j->level == PX_RULES_REFUSE && !hit->rule->warning);
}

static void check_rules(struct px_run *run)
{
	const struct px_set *set = &run->ex->sets[run->variant->set];
	struct judged j = {run, level_of(run, set)};
	const struct px_row *payload = px_rows_find(&run->rows, run->payload);
	for (unsigned i = 0; i < set->n_rules && j.level != PX_RULES_OFF; i++)
		px_rules_run_rows(set->rules[i], run->doc, payload, run->ex->offices, broken, &j);
}

void px_stage_rules(struct px_run *run)
{
	if (run->v->kind == PX_DOC_NODE)
		return;
	if (run->v->kind == PX_DOC_CONFIRMATION) {
		px_check_answer(run);
		return;
	}
	if (run->type->is_confirmations)
		px_check_entries(run);
	check_rules(run);
	unsigned left_out = px_paths_extract(run->variant->paths, run->doc, &run->v->keys);
	if (left_out > 0)
		px_run_warn(
		    run, PX_CODE_LIMIT, run->payload, NULL,
		    "%u business keys are beyond what is indexed of a message (%d, half of them seals)",
		    left_out, PX_KEYS_MAX);
}
