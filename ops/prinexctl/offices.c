/* prinex: prinexctl: offices import: the list of customs offices that rules ask
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/argv.h"
#include "prinexctl.h"
#include "xml/offices.h"

#define TARGET_DEFAULT "/var/lib/prinex/offices"

enum px_ctl_exit run_offices_import(const struct px_ctl_line *line)
{
	const char *out = json_string_value(json_object_get(line->client, "out"));
	struct px_offices_import import = {
	    .source = json_string_value(json_object_get(line->client, "source")),
	    .target = out != NULL ? out : TARGET_DEFAULT,
	};
	struct px_buf why = PX_BUF_INIT;
	int rc = px_offices_import(&import, &why);
	if (rc != PX_OK) {
		fprintf(stderr, "prinexctl: %s%s\n", px_buf_str(&why),
			rc == PX_ESYS && out == NULL ? " (--out names another place)" : "");
	} else {
		char *path = realpath(import.target, NULL);
		printf("%u %s of %u %s (%s), %u of others kept: %s\n", import.offices,
		       import.offices == 1 ? "entry" : "entries", import.countries,
		       import.countries == 1 ? "country" : "countries", import.names, import.kept,
		       import.target);
		printf("Taken into use by: inspect { offices = \"%s\" } and prinexctl reload\n",
		       path != NULL ? path : import.target);
		free(path);
	}
	px_buf_free(&why);
	return rc == PX_OK ? PX_CTL_EXIT_OK : PX_CTL_EXIT_NO;
}
