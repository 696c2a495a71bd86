/* prinex: loading a configuration, and finding things in it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "conf/conf.h"

#include "base/strings.h"
#include "conf/table.h"
#include "conf/verify.h"

/* Questions a minute: ten a second, of all lanes and desks that share a certificate. */
#define OFFICER_RATE 600

/* What follows from other options when it is not given. */
static void derive(struct px_conf *conf)
{
	for (unsigned i = 0; i < conf->n_partners; i++) {
		struct px_conf_partner *p = &conf->partners[i];
		p->tls.configured = true;
		if (p->role == PX_ROLE_OFFICER && !px_where_given(conf->where, &p->mode))
			p->mode = PX_MODE_NONE;
		if (p->role == PX_ROLE_OFFICER && !px_where_given(conf->where, &p->rate))
			p->rate = OFFICER_RATE;
		if (*p->san_uri != '\0' || p->role == PX_ROLE_NONE || *p->authority == '\0')
			continue;
		struct px_buf uri = {0};
		px_buf_addf(&uri, "urn:prinex:%s:%s:%s", p->authority, px_role_name(p->role), p->name);
		free(p->san_uri);
		p->san_uri = (char *)px_buf_detach(&uri, NULL);
	}
}

int px_conf_load_text(const char *path, const char *text, size_t len, struct px_conf **out,
		      struct px_problems *problems)
{
	struct px_tree tree = {0};
	unsigned before = problems->n;
	*out = NULL;
	if (px_tree_parse(px_conf_table(), path, text, len, &tree, problems) == PX_OK) {
		struct px_conf *conf = px_xcalloc(1, sizeof(*conf));
		conf->file = px_path_beside("", path);
		conf->where = px_where_new();
		px_table_fill(px_conf_table(), conf, &tree, conf->where, problems);
		derive(conf);
		px_conf_verify(conf, problems);
		*out = conf;
	}
	px_problems_sort(problems, &tree.files);
	px_tree_free(&tree);
	if (problems->n > before)
		px_conf_free(out);
	return *out != NULL ? PX_OK : PX_ECONF;
}

int px_conf_load(const char *path, struct px_conf **out, struct px_problems *problems)
{
	return px_conf_load_text(path, NULL, 0, out, problems);
}

void px_conf_free(struct px_conf **conf)
{
	if (*conf == NULL)
		return;
	px_table_free(px_conf_table(), *conf);
	px_where_free(&(*conf)->where);
	free((*conf)->file);
	PX_FREE(*conf);
}

const struct px_conf_partner *px_conf_partner(const struct px_conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_partners; i++) {
		if (strcmp(conf->partners[i].name, name) == 0)
			return &conf->partners[i];
	}
	return NULL;
}

const struct px_conf_authority *px_conf_authority(const struct px_conf *conf, const char *code)
{
	for (unsigned i = 0; i < conf->n_authorities; i++) {
		if (strcmp(conf->authorities[i].code, code) == 0)
			return &conf->authorities[i];
	}
	return NULL;
}

const struct px_conf_trust *px_conf_signing_trust(const struct px_conf *conf, const char *authority,
						  enum px_role role)
{
	const struct px_conf_authority *a = px_conf_authority(conf, authority);
	bool may_sign = role == PX_ROLE_SYSTEM || role == PX_ROLE_NODE;
	return a != NULL && may_sign && a->trust[role].configured ? &a->trust[role] : NULL;
}

const char *px_conf_where(const struct px_conf *conf, const void *field, unsigned *line)
{
	return px_where_find(conf->where, field, line);
}
