/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json-scan.h"
#include "shim/shim-util.h"
#include "store/shim-protocol.h"

#define DEFAULT_STOP_GRACE (10 * USEC_PER_SEC)
#define DEFAULT_ROWS 50
#define DEFAULT_COLUMNS 200

static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > max)
        return false;
    *ret = value;
    return true;
}

static bool parse_umask(const char *text, int *ret)
{
    char *end;
    if (*text < '0' || *text > '7')
        return false;
    long value = strtol(text, &end, 8);
    *ret = (int)value;
    return *end == '\0' && value <= 0777;
}

static bool parse_nofile(const char *text, SoftLimits *limits)
{
    uint64_t soft;
    if (!parse_number(text, NEVER, &soft))
        return false;
    soft_limits_set(limits, RLIMIT_NOFILE, soft);
    return true;
}

/* RESOURCE=N */
static bool parse_rlimit(const char *text, SoftLimits *limits)
{
    char *end;
    uint64_t soft;
    unsigned long resource = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '=' || resource >= RLIM_NLIMITS ||
        !parse_number(end + 1, NEVER, &soft))
        return false;
    soft_limits_set(limits, (unsigned)resource, soft);
    return true;
}

static bool parse_size(const char *text, uint16_t *ret)
{
    uint64_t value;
    if (!parse_number(text, UINT16_MAX, &value) || value == 0)
        return false;
    *ret = (uint16_t)value;
    return true;
}

static bool parse_format(const char *text)
{
    uint64_t format;
    return parse_number(text, SHIM_FORMAT, &format) && format >= 1;
}

static bool parse_path(const char *text, const char **ret)
{
    *ret = text;
    return text[0] == '/';
}

/* It goes between quotes and is looked for byte by byte, so it must be itself in JSON. */
static bool parse_type(const char *text, const char **ret)
{
    *ret = text;
    return text[0] != '\0' && strlen(text) <= JSON_SCAN_MAX_TYPE && !strpbrk(text, "\"\\\n");
}

static bool parse_stdin(const char *text, StdinKind *ret)
{
    static const char *const kinds[] = {
        [STDIN_TTY] = "tty", [STDIN_FILE] = "file", [STDIN_PIPE] = "pipe"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(text, kinds[i]) == 0) {
            *ret = (StdinKind)i;
            return true;
        }
    }
    return false;
}

static bool parse_stdout(const char *text, bool *ret_pipe)
{
    *ret_pipe = strcmp(text, "pipe") == 0;
    return *ret_pipe || strcmp(text, "tty") == 0;
}

/* The value of --NAME=VALUE, or NULL where @word is another option. */
static const char *value_of(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static bool parse_option(Options *options, const char *word)
{
    const char *value;
    if (strcmp(word, "--sandbox") == 0)
        return options->sandbox = true;

    if ((value = value_of(word, "--cwd")))
        return parse_path(value, &options->cwd);
    if ((value = value_of(word, "--setup-record")))
        return parse_path(value, &options->setup_record);
    if ((value = value_of(word, "--stop-grace")))
        return parse_number(value, NEVER, &options->stop_grace);
    if ((value = value_of(word, "--result-grace")))
        return parse_number(value, NEVER, &options->result_grace);
    if ((value = value_of(word, "--closing-type")))
        return parse_type(value, &options->closing_type);
    if ((value = value_of(word, "--runtime-max")))
        return parse_number(value, NEVER, &options->runtime_max);
    if ((value = value_of(word, "--idle-timeout")))
        return parse_number(value, NEVER, &options->idle_timeout);
    if ((value = value_of(word, "--stdin")))
        return parse_stdin(value, &options->stdin_kind);
    if ((value = value_of(word, "--stdout")))
        return parse_stdout(value, &options->stdout_pipe);
    if ((value = value_of(word, "--rows")))
        return parse_size(value, &options->rows);
    if ((value = value_of(word, "--columns")))
        return parse_size(value, &options->columns);
    if ((value = value_of(word, "--nofile")))
        return parse_nofile(value, &options->limits);
    if ((value = value_of(word, "--rlimit")))
        return parse_rlimit(value, &options->limits);
    if ((value = value_of(word, "--umask")))
        return parse_umask(value, &options->umask);
    return false;
}

/* `--setup DIR COMMAND`, three words of which @word is the first. */
static bool parse_setup(Setup *setup, char **word)
{
    if (!word[1] || !word[2])
        return false;
    setup->command = word[2];
    return parse_path(word[1], &setup->directory);
}

static bool refuse(const char *what, const char *word)
{
    complain("%s: %s; see shim-protocol.h for the command line", what, word);
    return false;
}

static Setup *make_room_for_setups(char **argv)
{
    size_t words = 0;
    while (argv[words])
        words++;
    return calloc(words / 3 + 1, sizeof(Setup));
}

static bool parse_words(Options *options, Setup *setups, char **word)
{
    for (; *word && strcmp(*word, "--") != 0; word++) {
        if (strcmp(*word, "--setup") == 0) {
            if (!parse_setup(&setups[options->n_setups++], word))
                return refuse("--setup needs an absolute DIR and a COMMAND", *word);
            word += 2;
        } else if (!parse_option(options, *word)) {
            return refuse("unknown option or bad value", *word);
        }
    }
    if (!*word || !word[1])
        return refuse("no program to run", "-- PROGRAM is missing");
    options->argv = word + 1;
    return true;
}

static bool has_cwd(const Options *options)
{
    return options->cwd || refuse("no folder to run in", "--cwd is missing");
}

bool options_parse(Options *ret_options, char **argv)
{
    const char *format = argv[0] && argv[1] ? value_of(argv[1], "--format") : NULL;
    if (!format || !parse_format(format))
        return refuse("the first option must be --format=1, --format=2 or --format=3",
                      format ? format : "it is missing");

    Setup *setups = make_room_for_setups(argv);
    if (!setups)
        return refuse("out of memory", argv[0]);
    *ret_options = (Options){
        .setups = setups,
        .stop_grace = DEFAULT_STOP_GRACE,
        .rows = DEFAULT_ROWS,
        .columns = DEFAULT_COLUMNS,
        .umask = -1,
    };
    if (parse_words(ret_options, setups, argv + 2) && has_cwd(ret_options))
        return true;
    free(setups);
    return false;
}
