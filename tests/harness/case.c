/* prinex: one case from its file to its report
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "case.h"

#include <libgen.h>
#include <unistd.h>

#include "base/strings.h"
#include "cast.h"

static bool in_path(const char *name)
{
	char list[4096], *rest = list, *folder;
	struct px_buf path = PX_BUF_INIT;
	bool found = false;
	px_strlcpy(list, getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin", sizeof(list));
	while (!found && (folder = strsep(&rest, ":")) != NULL) {
		px_buf_setf(&path, "%s/%s", folder, name);
		found = access(px_buf_str(&path), X_OK) == 0;
	}
	px_buf_free(&path);
	return found;
}

static bool has_type(const struct px_venue *s, const char *type)
{
	struct px_buf path = PX_BUF_INIT, text = PX_BUF_INIT;
	px_buf_addf(&path, "//*[text()='%s'] | //@*[.='%s']", type, type);
	bool found = px_xpath(&s->node, px_buf_str(&path), &text) == PX_OK;
	px_buf_free(&path);
	px_buf_free(&text);
	return found;
}

static bool is_there(const struct px_venue *s, const struct px_script *script, const char *need)
{
	if (px_str_starts(need, "program:"))
		return in_path(need + 8);
	if (px_str_starts(need, "type:"))
		return s->target == NULL || has_type(s, need + 5);
	if (strcmp(need, "send-command") == 0)
		return s->send_command != NULL || s->profile == PX_PROFILE_BOTH;
	if (strcmp(need, "pull") == 0)
		return s->pull;
	struct px_buf path = PX_BUF_INIT;
	if (strcmp(need, "wrong-certificates") == 0 && s->certs != NULL) {
		px_buf_addf(&path, "%s/wrong/%s", s->certs, s->tester);
		bool made = access(px_buf_str(&path), R_OK) == 0;
		px_buf_free(&path);
		return made;
	}
	if (!px_str_starts(need, "file:"))
		return false;
	char *copy = px_xstrdup(script->file);
	px_buf_addf(&path, "%s%s%s", need[5] == '/' ? "" : dirname(copy), need[5] == '/' ? "" : "/",
		    need + 5);
	bool there = access(px_buf_str(&path), R_OK) == 0;
	px_buf_free(&path);
	free(copy);
	return there;
}

static json_t *text(const char *s)
{
	json_t *j = json_string(s);
	return j != NULL ? j : json_string("(not UTF-8)");
}

json_t *px_case_not_played(const struct px_script *script, const char *verdict, const char *why)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:o, s:s, s:s, s:o, s:i, s:[], s:s}", "id", script->id,
			 "title", text(script->title), "purpose", text(px_buf_str(&script->purpose)),
			 "clauses", px_buf_str(&script->clauses), "precondition",
			 text(px_buf_str(&script->precondition)), "file", script->file, "verdict", verdict,
			 "why", text(why), "ms", 0, "steps", "dir", "");
}

static void begin(struct px_play *p, const char *dir)
{
	char *copy = px_xstrdup(p->script->file);
	p->dir = px_xstrdup(dir);
	p->here = px_xstrdup(dirname(copy));
	free(copy);
	struct px_buf path = PX_BUF_INIT;
	px_buf_addf(&path, "%s/pki", dir);
	p->pki = (char *)px_buf_detach(&path, &(size_t){0});
	p->vars = json_object();
	px_let(p, "dir", p->dir);
	px_let(p, "pki", p->pki);
	px_let(p, "here", p->here);
	px_let(p, "root", p->venue->root);
}

static void end(struct px_play *p)
{
	px_answers_clear(p);
	px_sim_end(p);
	px_verify_end(p);
	px_cast_free(p);
	for (unsigned i = 0; i < p->n_docs; i++)
		px_doc_free(p->docs[i]);
	free(p->docs);
	free(p->dir);
	free(p->pki);
	free(p->here);
	px_buf_free(&p->pki_list);
	px_buf_free(&p->previous);
	px_buf_free(&p->output);
	px_buf_free(&p->expected);
	px_buf_free(&p->came);
	px_buf_free(&p->refused);
	json_decref(p->vars);
}

/* A failure that belongs to no line of the scenario. */
static void around(struct px_play *p, json_t *steps, const char *what)
{
	json_t *came = json_string(px_buf_str(&p->came));
	json_array_append_new(steps, json_pack("{s:s, s:i, s:s, s:b, s:i, s:[], s:[], s:s, s:o}", "file",
					       p->script->file, "line", 0, "text", what, "ok", 0, "ms", 0,
					       "notes", "evidence", "expected", px_buf_str(&p->expected),
					       "came", came != NULL ? came : json_string("(not UTF-8)")));
}

static int play(struct px_play *p, json_t *steps)
{
	int rc = PX_OK;
	if (p->script->profiles != 0) {
		rc = px_cast_target(p);
		if (rc != PX_OK)
			around(p, steps, "(before the first step)");
	}
	if (rc == PX_OK)
		rc = px_play_steps(p, &p->script->steps, steps);
	int ended = px_brokers_end(p);
	if (rc == PX_OK && ended != PX_OK) {
		around(p, steps, "(after the last step: brokers end cleanly)");
		rc = ended;
	}
	if (p->script->profiles != 0)
		px_cast_target_end(p);
	return rc;
}

json_t *px_case_play(struct px_venue *venue, const struct px_script *script, const char *dir)
{
	for (unsigned i = 0; i < script->n_needs; i++) {
		if (is_there(venue, script, script->needs[i]))
			continue;
		struct px_buf why = PX_BUF_INIT;
		px_buf_addf(&why, "needs %s", script->needs[i]);
		json_t *skipped = px_case_not_played(script, "skipped", px_buf_str(&why));
		px_buf_free(&why);
		return skipped;
	}
	struct px_play p = {.venue = venue, .script = script};
	int64_t began = px_now_mono();
	begin(&p, dir);
	json_t *steps = json_array();
	int rc = play(&p, steps);
	json_t *report = px_case_not_played(script, rc == PX_OK ? "passed" : "failed", "");
	json_object_set_new(report, "steps", steps);
	json_object_set_new(report, "dir", json_string(dir));
	json_object_set_new(report, "ms", json_integer(px_now_mono() - began));
	end(&p);
	return report;
}
