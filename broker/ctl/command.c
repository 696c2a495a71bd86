/* prinex: the table of commands, and what their arguments may be
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "ctl/command.h"

#include <ctype.h>

#include "base/log.h"
#include "base/strings.h"

static const struct px_ctl_arg args[] = {
#define PX_CTL_COMMAND(id, name, privilege, business, help, more)
#define PX_CTL_ARG(command, name, kind, place, help) \
	{PX_CTL_##command, name, PX_CTL_KIND_##kind, PX_CTL_##place, help},
#include "ctl/command.def"
#undef PX_CTL_COMMAND
#undef PX_CTL_ARG
};

#define METHOD_MAX 24

static char methods[PX_CTL_COMMANDS][METHOD_MAX];

static struct px_ctl_command commands[] = {
#define PX_CTL_COMMAND(id, name, privilege, business, help, more) \
	{PX_CTL_##id, name, methods[PX_CTL_##id], PX_CTL_##privilege, business, help, more, 0, NULL},
#define PX_CTL_ARG(command, name, kind, place, help)
#include "ctl/command.def"
#undef PX_CTL_COMMAND
#undef PX_CTL_ARG
};

struct arg_kind {
	const char *word, *text;
};

static const struct arg_kind arg_kinds[] = {
    [PX_CTL_KIND_NAME] = {"NAME", "name of a partner"},
    [PX_CTL_KIND_AUTHORITY] = {"AUTHORITY", "authority code, such as BY or UA.SFS"},
    [PX_CTL_KIND_TYPE] = {"TYPE", "message type"},
    [PX_CTL_KIND_MESSAGE] = {"MESSAGE", "SENDER/MESSAGE-ID, or the number of the message at this node"},
    [PX_CTL_KIND_KEY] = {"KEY", "kind of business key"},
    [PX_CTL_KIND_VALUE] = {"VALUE", "text of at most 70 octets"},
    [PX_CTL_KIND_LEVEL] = {"LEVEL", "err, warn, notice, info or debug"},
    [PX_CTL_KIND_COMMAND] = {"COMMAND", "name of a command"},
    [PX_CTL_KIND_TIME] =
	{"TIME", "UTC time such as 2026-11-21T08:15:00Z or 2026-11-21, or how long ago: 30min, 2h, 3d"},
    [PX_CTL_KIND_COUNT] = {"N", "number from 1 to 500"},
    [PX_CTL_KIND_CURSOR] = {"N", "number"},
    [PX_CTL_KIND_FLAG] = {"", "true or false"},
    [PX_CTL_KIND_PATH] = {"FOLDER", "full name of a folder, beginning with /"},
    [PX_CTL_KIND_TEXT] = {"TEXT", "one line of text, at most 250 octets"},
    [PX_CTL_KIND_TARGET] = {"TARGET", "name of a partner, SENDER/MESSAGE-ID, or the number of a message"},
    [PX_CTL_KIND_ALARM] = {"ALARM", "name of an alarm"},
    [PX_CTL_KIND_RECORD] = {"RECORD", "TABLE/NUMBER, as quarantine shows it"},
    [PX_CTL_KIND_OCTETS] = {"OCTETS", "octets in base64"},
    [PX_CTL_KIND_FILE] = {"FILE", "name of a file"},
};

static const char *const key_words[] = {
#define PX_KEY(name, option, text) option,
#include "base/keys.def"
#undef PX_KEY
    NULL};
static const char *const level_words[] = {"err", "warn", "notice", "info", "debug", NULL};
static const char *const alarm_words[] = {
#define PX_ALARM(name, wire, severity, text, raised, cleared) wire,
#include "base/alarm.def"
#undef PX_ALARM
    NULL};
static const char *const command_words[] = {
#define PX_CTL_COMMAND(id, name, privilege, business, help, more) name,
#define PX_CTL_ARG(command, name, kind, place, help)
#include "ctl/command.def"
#undef PX_CTL_COMMAND
#undef PX_CTL_ARG
    NULL};

/* Methods and the rows of each command follow from the two lists; worked out before main. */
__attribute__((constructor)) static void connect_tables(void)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(commands); i++) {
		px_strlcpy(methods[i], commands[i].name, METHOD_MAX);
		for (char *p = methods[i]; *p != '\0'; p++)
			*p = *p == ' ' ? '.' : *p;
	}
	for (size_t i = PX_ARRAY_LEN(args); i-- > 0;) {
		commands[args[i].command].args = &args[i];
		commands[args[i].command].n_args++;
	}
}

const struct px_ctl_command *px_ctl_command(enum px_ctl_id id)
{
	px_assert((size_t)id < PX_ARRAY_LEN(commands));
	return &commands[id];
}

const struct px_ctl_command *px_ctl_by_method(const char *method)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].method, method) == 0 && commands[i].privilege != PX_CTL_LOCAL)
			return &commands[i];
	}
	return NULL;
}

const struct px_ctl_command *px_ctl_by_name(const char *name)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

const struct px_ctl_arg *px_ctl_find_arg(const struct px_ctl_command *command, const char *name)
{
	for (unsigned i = 0; i < command->n_args; i++) {
		if (strcmp(command->args[i].name, name) == 0)
			return &command->args[i];
	}
	return NULL;
}

bool px_ctl_is_journalled(const struct px_ctl_command *command)
{
	return command->privilege == PX_CTL_ACT || command->look != PX_CTL_UNNOTED;
}

bool px_ctl_is_action(const struct px_ctl_command *command)
{
	return command->privilege == PX_CTL_ACT || command->look == PX_CTL_NOTED;
}

const char *px_ctl_kind_text(enum px_ctl_kind kind)
{
	return arg_kinds[kind].text;
}

const char *px_ctl_kind_word(enum px_ctl_kind kind)
{
	return arg_kinds[kind].word;
}

const char *const *px_ctl_kind_words(enum px_ctl_kind kind)
{
	if (kind == PX_CTL_KIND_KEY)
		return key_words;
	if (kind == PX_CTL_KIND_LEVEL)
		return level_words;
	if (kind == PX_CTL_KIND_ALARM)
		return alarm_words;
	return kind == PX_CTL_KIND_COMMAND ? command_words : NULL;
}

/* --- values
 * -------------------------------------------------------------------------------------------------- */

/* "30min", "2h", "3d": a number and a unit. */
static int parse_ago(const char *text, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
	size_t digits = strspn(text, "0123456789");
	char number[8];
	uint64_t n;
	if (!px_strlcpy_n(number, text, digits, sizeof(number)) ||
	    px_parse_u64(number, 1, 999999, &n) != PX_OK)
		return PX_EPARSE;
	for (size_t i = 0; i < PX_ARRAY_LEN(units); i++) {
		if (strcmp(text + digits, units[i].unit) == 0) {
			*ms = (int64_t)n * units[i].ms;
			return PX_OK;
		}
	}
	return PX_EPARSE;
}

int px_ctl_parse_time(const char *text, int64_t now, int64_t *out)
{
	int64_t ago;
	if (parse_ago(text, &ago) == PX_OK) {
		*out = PX_MAX(now - ago, 1);
		return PX_OK;
	}
	if (strlen(text) != strlen("2026-11-21"))
		return px_time_parse(text, out);
	char day[32];
	snprintf(day, sizeof(day), "%sT00:00:00Z", text);
	return px_time_parse(day, out);
}

int px_ctl_parse_message(const char *text, uint64_t *seq, char sender[PX_AUTHORITY_MAX + 1],
			 char message_id[PX_MESSAGE_ID_MAX + 1])
{
	const char *slash = strchr(text, '/');
	*seq = 0;
	sender[0] = message_id[0] = '\0';
	if (slash == NULL)
		return px_parse_u64(text, 1, INT64_MAX, seq) == PX_OK ? PX_OK : PX_EPARSE;
	if (!px_strlcpy_n(sender, text, (size_t)(slash - text), PX_AUTHORITY_MAX + 1) ||
	    !px_strlcpy(message_id, slash + 1, PX_MESSAGE_ID_MAX + 1))
		return PX_EPARSE;
	return px_is_authority(sender) && px_is_message_id(message_id) ? PX_OK : PX_EPARSE;
}

int px_ctl_parse_record(const char *text, char *table, size_t size, uint64_t *record)
{
	const char *slash = strchr(text, '/');
	if (slash == NULL || slash == text || !px_strlcpy_n(table, text, (size_t)(slash - text), size))
		return PX_EPARSE;
	return px_parse_u64(slash + 1, 1, INT64_MAX, record);
}

static bool one_of(const char *const *words, const char *s)
{
	for (; *words != NULL; words++) {
		if (strcmp(*words, s) == 0)
			return true;
	}
	return false;
}

/* Types of the catalogue need not exist any more: old messages have them. */
static bool is_type(const char *s)
{
	return *s != '\0' && strlen(s) <= PX_TYPE_MAX &&
	       s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

/* It goes into documents and logs: one line. */
static bool is_text(const char *s)
{
	size_t n = 0;
	while ((unsigned char)s[n] >= ' ' && s[n] != 0x7f)
		n++;
	return n > 0 && n <= 250 && s[n] == '\0';
}

static bool fits(enum px_ctl_kind kind, const char *s)
{
	int64_t time;
	uint64_t seq;
	char sender[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1], table[32];
	switch (kind) {
	case PX_CTL_KIND_NAME: return px_is_name(s);
	case PX_CTL_KIND_AUTHORITY: return px_is_authority(s);
	case PX_CTL_KIND_TYPE: return is_type(s);
	case PX_CTL_KIND_MESSAGE: return px_ctl_parse_message(s, &seq, sender, id) == PX_OK;
	case PX_CTL_KIND_VALUE: return *s != '\0' && strlen(s) <= PX_KEY_VALUE_MAX;
	case PX_CTL_KIND_TIME: return px_ctl_parse_time(s, 0, &time) == PX_OK;
	case PX_CTL_KIND_PATH: return *s == '/';
	case PX_CTL_KIND_TEXT: return is_text(s);
	case PX_CTL_KIND_TARGET: return px_is_name(s) || px_ctl_parse_message(s, &seq, sender, id) == PX_OK;
	case PX_CTL_KIND_RECORD: return px_ctl_parse_record(s, table, sizeof(table), &seq) == PX_OK;
	case PX_CTL_KIND_ALARM:
	case PX_CTL_KIND_KEY:
	case PX_CTL_KIND_LEVEL:
	case PX_CTL_KIND_COMMAND: return one_of(px_ctl_kind_words(kind), s);
	default: return *s != '\0';
	}
}

static bool value_fits(enum px_ctl_kind kind, const json_t *value)
{
	if (kind == PX_CTL_KIND_FLAG)
		return json_is_boolean(value);
	if (kind == PX_CTL_KIND_COUNT)
		return json_is_integer(value) && json_integer_value(value) >= 1 &&
		       json_integer_value(value) <= PX_CTL_COUNT_MAX;
	if (kind == PX_CTL_KIND_CURSOR)
		return json_is_integer(value) && json_integer_value(value) >= 0;
	if (kind == PX_CTL_KIND_OCTETS)
		return json_is_string(value) && json_string_length(value) <= PX_CTL_OCTETS_MAX;
	return json_is_string(value) && json_string_length(value) <= PX_CTL_TEXT_MAX &&
	       fits(kind, json_string_value(value));
}

static void list_words(struct px_buf *why, const char *const *words)
{
	for (unsigned i = 0; words[i] != NULL; i++)
		px_buf_addf(why, "%s%s", i == 0 ? "" : ", ", words[i]);
}

int px_ctl_check_value(const struct px_ctl_arg *arg, const json_t *value, struct px_buf *why)
{
	if (value_fits(arg->kind, value))
		return PX_OK;
	char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
	px_buf_setf(why, "argument %s: %.*s%s is not right: ", arg->name, 80, shown != NULL ? shown : "?",
		    shown != NULL && strlen(shown) > 80 ? "..." : "");
	free(shown);
	const char *const *words = px_ctl_kind_words(arg->kind);
	if (words != NULL) {
		px_buf_adds(why, "one of ");
		list_words(why, words);
	} else {
		px_buf_adds(why, px_ctl_kind_text(arg->kind));
	}
	return PX_EINVAL;
}

static bool is_sent(const struct px_ctl_arg *arg)
{
	return arg->place != PX_CTL_CLIENT && arg->kind != PX_CTL_KIND_FILE;
}

static void refuse_unknown(const struct px_ctl_command *command, const char *name, struct px_buf *why)
{
	px_buf_setf(why, "unknown argument \"%.64s\"; %s takes", name, command->name);
	bool some = false;
	for (unsigned i = 0; i < command->n_args; i++) {
		if (is_sent(&command->args[i])) {
			px_buf_addf(why, "%s %s", some ? "," : "", command->args[i].name);
			some = true;
		}
	}
	px_buf_adds(why, some ? "" : " none");
}

int px_ctl_check(const struct px_ctl_command *command, const json_t *params, struct px_buf *why)
{
	if (params != NULL && !json_is_object(params)) {
		px_buf_setf(why, "params must be an object with named arguments");
		return PX_EINVAL;
	}
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)params, name, value)
	{
		const struct px_ctl_arg *arg = px_ctl_find_arg(command, name);
		if (arg == NULL || !is_sent(arg)) {
			refuse_unknown(command, name, why);
			return PX_EINVAL;
		}
		if (px_ctl_check_value(arg, value, why) != PX_OK)
			return PX_EINVAL;
	}
	for (unsigned i = 0; i < command->n_args; i++) {
		const struct px_ctl_arg *arg = &command->args[i];
		if (arg->place == PX_CTL_REQUIRED && is_sent(arg) &&
		    json_object_get(params, arg->name) == NULL) {
			px_buf_setf(why, "argument %s is missing: %s", arg->name,
				    px_ctl_kind_text(arg->kind));
			return PX_EINVAL;
		}
	}
	return PX_OK;
}
