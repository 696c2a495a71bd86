/* prinex: from a command line to a request
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/argv.h"

#include <ctype.h>
#include <strings.h>

#include "base/strings.h"
#include "conf/table.h"

#define NAME_MAX_OCTETS 64

/* --- the command
 * ----------------------------------------------------------------------------------------------- */

/* Second words of commands whose first is @first. */
static void list_seconds(const char *first, struct px_buf *out)
{
	size_t len = strlen(first);
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const char *name = px_ctl_command((enum px_ctl_id)i)->name;
		if (strncmp(name, first, len) == 0 && name[len] == ' ')
			px_buf_addf(out, "%s%s", out->len == 0 ? "" : ", ", name + len + 1);
	}
}

/* What may stand first on a line: names, and first words of names. */
static const char *guess_command(const char *word)
{
	static char firsts[PX_CTL_COMMANDS][NAME_MAX_OCTETS];
	const char *words[PX_CTL_COMMANDS];
	for (unsigned i = 0; i < PX_CTL_COMMANDS; i++) {
		const char *name = px_ctl_command((enum px_ctl_id)i)->name;
		px_strlcpy_n(firsts[i], name, strcspn(name, " "), sizeof(firsts[i]));
		words[i] = firsts[i];
	}
	return px_nearest(word, words, PX_CTL_COMMANDS);
}

static void refuse_command(const char *word, struct px_buf *why)
{
	const char *guess = guess_command(word);
	px_buf_setf(why, "there is no command %.40s; ", word);
	if (guess != NULL)
		px_buf_addf(why, "did you mean %s?", guess);
	else
		px_buf_adds(why, "`prinexctl help` lists them");
}

/* One word, or two. @return how many, 0 with @why. */
static unsigned find_command(unsigned argc, const char *const *argv, const struct px_ctl_command **out,
			     struct px_buf *why)
{
	char name[NAME_MAX_OCTETS];
	if (argc >= 2) {
		snprintf(name, sizeof(name), "%s %s", argv[0], argv[1]);
		*out = px_ctl_by_name(name);
		if (*out != NULL)
			return 2;
	}
	*out = px_ctl_by_name(argv[0]);
	if (*out != NULL && strchr((*out)->name, ' ') == NULL)
		return 1;
	struct px_buf seconds = PX_BUF_INIT;
	list_seconds(argv[0], &seconds);
	if (seconds.len > 0)
		px_buf_setf(why, "%s needs one of: %s", argv[0], px_buf_str(&seconds));
	else
		refuse_command(argv[0], why);
	px_buf_free(&seconds);
	return 0;
}

/* --- values
 * -------------------------------------------------------------------------------------------------- */

static json_t *to_json(const struct px_ctl_arg *arg, const char *word)
{
	uint64_t number;
	char lower[PX_CTL_TEXT_MAX + 1];
	if (arg->kind == PX_CTL_KIND_COUNT || arg->kind == PX_CTL_KIND_CURSOR) {
		if (px_parse_u64(word, 0, INT64_MAX, &number) == PX_OK)
			return json_integer((json_int_t)number);
	} else if (arg->kind == PX_CTL_KIND_KEY && px_strlcpy(lower, word, sizeof(lower))) {
		for (char *p = lower; *p != '\0'; p++) /* people write MRN */
			*p = (char)tolower((unsigned char)*p);
		return json_string(lower);
	}
	return json_string(word); /* NULL when it is not UTF-8 */
}

static int set_value(struct px_ctl_line *line, const struct px_ctl_arg *arg, const char *word,
		     struct px_buf *why)
{
	json_t *value = word != NULL ? to_json(arg, word) : json_true();
	bool ours = arg->place == PX_CTL_CLIENT || arg->kind == PX_CTL_KIND_FILE;
	json_t *into = ours ? line->client : line->params;
	if (value == NULL) {
		px_buf_setf(why, "argument %s is not UTF-8", arg->name);
		return PX_EINVAL;
	}
	if (json_object_get(into, arg->name) != NULL) {
		px_buf_setf(why, "%s is given twice", arg->name);
		json_decref(value);
		return PX_EINVAL;
	}
	int rc = px_ctl_check_value(arg, value, why);
	json_object_set_new(into, arg->name, value);
	return rc;
}

/* --- options
 * ------------------------------------------------------------------------------------------------- */

static const struct px_ctl_arg *find_option(const struct px_ctl_command *command, const char *name)
{
	const struct px_ctl_arg *arg = px_ctl_find_arg(command, name);
	return arg != NULL && (arg->place == PX_CTL_OPTION || arg->place == PX_CTL_CLIENT) ? arg : NULL;
}

static void refuse_option(const struct px_ctl_command *command, const char *name, struct px_buf *why)
{
	const char *const ours[] = {"json", "socket", "help", "version"};
	const char **names = px_xcalloc(command->n_args + PX_ARRAY_LEN(ours), sizeof(*names));
	unsigned n = 0;
	for (unsigned i = 0; i < command->n_args; i++) {
		if (find_option(command, command->args[i].name) != NULL)
			names[n++] = command->args[i].name;
	}
	for (size_t i = 0; i < PX_ARRAY_LEN(ours); i++)
		names[n++] = ours[i];
	const char *guess = px_nearest(name, names, n);
	px_buf_setf(why, "%s has no option --%s; ", command->name, name);
	if (guess != NULL)
		px_buf_addf(why, "did you mean --%s?", guess);
	else
		px_buf_addf(why, "see `prinexctl help %s`", command->name);
	free(names);
}

/* @argv[0] is `--name` or `--name=value`. @return words used, 0 with @why. */
static unsigned take_option(struct px_ctl_line *line, unsigned argc, const char *const *argv,
			    struct px_buf *why)
{
	char name[NAME_MAX_OCTETS];
	const char *equals = strchr(argv[0], '=');
	size_t len = equals != NULL ? (size_t)(equals - argv[0]) - 2 : strlen(argv[0]) - 2;
	px_strlcpy_n(name, argv[0] + 2, len, sizeof(name));
	const struct px_ctl_arg *arg = find_option(line->command, name);
	if (arg == NULL) {
		refuse_option(line->command, name, why);
		return 0;
	}
	if (arg->kind == PX_CTL_KIND_FLAG) {
		if (equals == NULL)
			return set_value(line, arg, NULL, why) == PX_OK ? 1 : 0;
		px_buf_setf(why, "--%s takes no value", name);
		return 0;
	}
	if (equals != NULL)
		return set_value(line, arg, equals + 1, why) == PX_OK ? 1 : 0;
	if (argc < 2) {
		px_buf_setf(why, "--%s needs a value: %s", name, px_ctl_kind_text(arg->kind));
		return 0;
	}
	return set_value(line, arg, argv[1], why) == PX_OK ? 2 : 0;
}

/* --- positions
 * ----------------------------------------------------------------------------------------------- */

static void count_places(const struct px_ctl_command *command, unsigned *required, unsigned *optional)
{
	*required = *optional = 0;
	for (unsigned i = 0; i < command->n_args; i++) {
		*required += command->args[i].place == PX_CTL_REQUIRED;
		*optional += command->args[i].place == PX_CTL_OPTIONAL;
	}
}

static int refuse_words(const struct px_ctl_command *command, const char *extra, struct px_buf *why)
{
	if (extra != NULL)
		px_buf_setf(why, "%s does not take \"%.80s\" here; see `prinexctl help %s`", command->name,
			    extra, command->name);
	else
		px_buf_setf(why, "%s needs more; see `prinexctl help %s`", command->name, command->name);
	return PX_EINVAL;
}

static bool is_word_of(enum px_ctl_kind kind, const char *word)
{
	const char *const *words = px_ctl_kind_words(kind);
	while (words != NULL && *words != NULL && strcasecmp(*words, word) != 0)
		words++;
	return words != NULL && *words != NULL;
}

/* `trace mrn`: the word names a kind, not a value; `trace -- mrn` looks for "mrn" itself. */
static bool lacks_value(const struct px_ctl_line *line, unsigned n, unsigned required,
			const char *const *words)
{
	for (unsigned i = 0; i < line->command->n_args && n == required && n > 0; i++) {
		const struct px_ctl_arg *arg = &line->command->args[i];
		if (arg->place == PX_CTL_OPTIONAL && is_word_of(arg->kind, words[0]))
			return !line->literal;
	}
	return false;
}

/* `message BY ID` is `message BY/ID`: two words where one was wanted. @return words left. */
static unsigned join_message(const struct px_ctl_command *command, unsigned n, const char **words,
			     char *joined, size_t size)
{
	unsigned at = 0;
	for (unsigned i = 0; i < command->n_args && at + 1 < n; i++) {
		const struct px_ctl_arg *arg = &command->args[i];
		if (arg->place != PX_CTL_REQUIRED && arg->place != PX_CTL_OPTIONAL)
			continue;
		if (arg->kind == PX_CTL_KIND_MESSAGE && px_is_authority(words[at]) &&
		    px_is_message_id(words[at + 1])) {
			snprintf(joined, size, "%s/%s", words[at], words[at + 1]);
			words[at] = joined;
			memmove(&words[at + 1], &words[at + 2], (n - at - 2) * sizeof(*words));
			return n - 1;
		}
		at++;
	}
	return n;
}

static int place_words(struct px_ctl_line *line, unsigned n, const char *const *words, struct px_buf *why)
{
	unsigned required, optional, used = 0;
	count_places(line->command, &required, &optional);
	if (n < required)
		return refuse_words(line->command, NULL, why);
	if (lacks_value(line, n, required, words)) {
		px_buf_setf(why, "%s %s needs a value behind it; see `prinexctl help %s`",
			    line->command->name, words[0], line->command->name);
		return PX_EINVAL;
	}
	if (n > required + optional)
		return refuse_words(line->command, words[required + optional], why);
	unsigned spare = n - required;
	for (unsigned i = 0; i < line->command->n_args; i++) {
		const struct px_ctl_arg *arg = &line->command->args[i];
		if (arg->place == PX_CTL_OPTIONAL && spare > 0)
			spare--;
		else if (arg->place != PX_CTL_REQUIRED)
			continue;
		if (set_value(line, arg, words[used++], why) != PX_OK)
			return PX_EINVAL;
	}
	return PX_OK;
}

/* `help journal tail`: names of commands may be two words. */
static int place_command(struct px_ctl_line *line, unsigned n, const char *const *words, struct px_buf *why)
{
	char name[NAME_MAX_OCTETS];
	snprintf(name, sizeof(name), "%s%s%s", words[0], n > 1 ? " " : "", n > 1 ? words[1] : "");
	const char *joined = name;
	return place_words(line, 1, &joined, why);
}

int px_ctl_line_parse(unsigned argc, const char *const *argv, struct px_ctl_line *out, struct px_buf *why)
{
	bool options = true;
	unsigned n = 0;
	char joined[PX_CTL_TEXT_MAX + 1];
	*out = (struct px_ctl_line){NULL, json_object(), json_object(), false};
	if (argc == 0) {
		px_buf_setf(why, "no command; `prinexctl help` lists them");
		return PX_EINVAL;
	}
	unsigned at = find_command(argc, argv, &out->command, why);
	if (at == 0)
		return PX_EINVAL;
	const char **words = px_xcalloc(argc, sizeof(*words));
	while (at < argc) {
		unsigned used = 1;
		if (options && strcmp(argv[at], "--") == 0)
			out->literal = true, options = false;
		else if (options && px_str_starts(argv[at], "--"))
			used = take_option(out, argc - at, argv + at, why);
		else
			words[n++] = argv[at];
		if (used == 0)
			break;
		at += used;
	}
	int rc = PX_EINVAL;
	if (at == argc && out->command->id == PX_CTL_HELP && n == 2)
		rc = place_command(out, n, words, why);
	else if (at == argc)
		rc = place_words(out, join_message(out->command, n, words, joined, sizeof(joined)), words,
				 why);
	free(words);
	return rc;
}

void px_ctl_line_free(struct px_ctl_line *line)
{
	json_decref(line->params);
	json_decref(line->client);
	*line = (struct px_ctl_line){0};
}
