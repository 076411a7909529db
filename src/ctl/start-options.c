/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/start-options.h"

#include <string.h>

#include "ctl/allotment.h"
#include "ctl/select.h"

StartArguments start_arguments;

static char *arg_prompt, *arg_prompt_file;
static char **arg_env;
static char *arg_memory_max, *arg_memory_high, *arg_cpu_weight, *arg_cpu_quota, *arg_io_weight,
    *arg_tasks_max, *arg_runtime_max, *arg_idle_timeout, *arg_sandbox;

/* Options of the call that are passed on as they were typed. */
static const struct {
    const char *key;
    char **value;
} text_options[] = {
    {"base_branch", &start_arguments.base}, {"memory_max", &arg_memory_max},
    {"memory_high", &arg_memory_high},      {"cpu_weight", &arg_cpu_weight},
    {"cpu_quota", &arg_cpu_quota},          {"io_weight", &arg_io_weight},
    {"tasks_max", &arg_tasks_max},          {"runtime_max", &arg_runtime_max},
    {"idle_timeout", &arg_idle_timeout},    {"sandbox", &arg_sandbox},
};

static int append_text(sd_bus_message *message, const char *key, const char *value)
{
    return value ? sd_bus_message_append(message, "{sv}", key, "s", value) : 0;
}

static int append_variables(sd_bus_message *message, char *const *variables)
{
    int r = 0;
    for (; r >= 0 && variables && *variables; variables++) {
        const char *equals = strchr(*variables, '=');
        g_autofree char *name = g_strndup(*variables, equals - *variables);
        r = sd_bus_message_append(message, "{ss}", name, equals + 1);
    }
    return r;
}

static gboolean sets(char *const *variables, const char *pair)
{
    gsize length = strchr(pair, '=') - pair + 1;
    for (; variables && *variables; variables++)
        if (strncmp(*variables, pair, length) == 0)
            return TRUE;
    return FALSE;
}

/* Those that were typed come before @given. */
static int append_environment(sd_bus_message *message, char *const *given)
{
    int r = sd_bus_message_open_container(message, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", "env");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', "a{ss}");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "{ss}");
    if (r >= 0)
        r = append_variables(message, arg_env);
    for (; r >= 0 && given && *given; given++) {
        char *const one[] = {*given, NULL};
        r = sets(arg_env, *given) ? 0 : append_variables(message, one);
    }
    for (int depth = 0; r >= 0 && depth < 3; depth++)
        r = sd_bus_message_close_container(message);
    return r;
}

static int append_texts(sd_bus_message *message, const StartTarget *target)
{
    int r = 0;
    for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS(text_options); i++)
        r = append_text(message, text_options[i].key, *text_options[i].value);
    if (r >= 0)
        r = append_text(message, "prompt", target->prompt);
    return r < 0 ? r : append_text(message, "resume", target->resume);
}

/* The run lives for this process, and within what that was given; an option says it better. */
static int append_lease(sd_bus_message *message, const Allotment *allotment)
{
    int r = sd_bus_message_append(message, "{sv}", "lease", "b", TRUE);
    if (r >= 0 && !arg_cpu_quota)
        r = append_text(message, "cpu_quota", allotment->cpu_quota);
    if (r >= 0 && !arg_memory_max)
        r = append_text(message, "memory_max", allotment->memory_max);
    return r;
}

static int append_options(sd_bus_message *message, const StartTarget *target)
{
    g_auto(Allotment) allotment = {0};
    if (start_arguments.foreground)
        allotment_read(&allotment);
    int r = sd_bus_message_open_container(message, 'a', "{sv}");
    if (r >= 0)
        r = append_texts(message, target);
    if (r >= 0 && start_arguments.foreground)
        r = append_lease(message, &allotment);
    if (r >= 0 && (arg_env || allotment.env))
        r = append_environment(message, allotment.env);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static gboolean check_environment(GError **error)
{
    for (gsize i = 0; arg_env && arg_env[i]; i++) {
        const char *equals = strchr(arg_env[i], '=');
        if (equals && equals > arg_env[i])
            continue;
        g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "--env=%s has no value: write NAME=VALUE",
                    arg_env[i]);
        return FALSE;
    }
    return TRUE;
}

/* Texts and lists of them; flags say how this command is to go on. */
static void add_option(GPtrArray *words, const GOptionEntry *option)
{
    char *const one[] = {option->arg == G_OPTION_ARG_FILENAME ? *(char **)option->arg_data : NULL,
                         NULL};
    char *const *values =
        option->arg == G_OPTION_ARG_FILENAME_ARRAY ? *(char ***)option->arg_data : one;
    for (; values && *values; values++)
        g_ptr_array_add(words, g_strdup_printf("--%s=%s", option->long_name, *values));
}

gboolean start_add_words(GPtrArray *words, const StartTarget *target, GError **error)
{
    if (!check_environment(error))
        return FALSE;
    for (const GOptionEntry *option = start_options + ON_OPTIONS; option->long_name; option++)
        if (option->arg_data != &arg_prompt && option->arg_data != &arg_prompt_file)
            add_option(words, option);
    if (target->prompt)
        g_ptr_array_add(words, g_strconcat("--prompt=", target->prompt, NULL));
    return TRUE;
}

sd_bus_message *start_message(Ctl *ctl, const StartTarget *target, GError **error)
{
    g_autoptr(sd_bus_message) message = bus_message_new(ctl->bus, "StartWithOptions", error);
    if (!message || !check_environment(error))
        return NULL;
    int r = sd_bus_message_append(message, "sss", target->project, target->story, target->agent);
    if (r >= 0)
        r = append_options(message, target);
    if (r >= 0)
        return g_steal_pointer(&message);
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "an argument is not valid UTF-8, which the bus requires (%s)", g_strerror(-r));
    return NULL;
}

gboolean start_prompt(char **ret_prompt, GError **error)
{
    g_autoptr(GError) file_error = NULL;
    const char *file = arg_prompt_file;
    if (arg_prompt && file) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "--prompt and --prompt-file cannot be used together");
        return FALSE;
    }
    if (!file) {
        *ret_prompt = g_strdup(arg_prompt);
        return TRUE;
    }
    if (g_str_equal(file, "-"))
        file = "/dev/stdin";
    if (g_file_get_contents(file, ret_prompt, NULL, &file_error))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "--prompt-file: %s", file_error->message);
    return FALSE;
}

gboolean start_request_read(Ctl *ctl, const char *named, StartRequest *ret, GError **error)
{
    const char *project;
    if (!named)
        named = ctl->story;
    if (!named) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "name a story: STORY or STORY/AGENT");
        return FALSE;
    }
    if (!start_prompt(&ret->prompt, error) || !(project = ctl_require_project(ctl, error)))
        return FALSE;
    select_split(ctl, named, &ret->story, &ret->agent);
    ret->target = (StartTarget){
        .project = project,
        .story = ret->story,
        .agent = ret->agent ?: "",
        .resume = start_arguments.resume,
        .prompt = ret->prompt,
    };
    return TRUE;
}

void start_request_clear(StartRequest *request)
{
    g_free(request->story);
    g_free(request->agent);
    g_free(request->prompt);
}

/* A limit is passed on as typed: the service interprets its text. */
#define LIMIT_OPTION(name, variable, text, unit)                                                   \
    {                                                                                              \
        name, 0, 0, G_OPTION_ARG_FILENAME, variable, text, unit                                    \
    }

const GOptionEntry start_options[] = {
    {"on", 0, 0, G_OPTION_ARG_FILENAME, &start_arguments.on,
     "Submit it to ENGINE, which gives it a place: slurm", "ENGINE"},
    {"resume", 0, 0, G_OPTION_ARG_FILENAME, &start_arguments.resume,
     "Continue a session (last: the story's last one)", "ID"},
    {"base", 'b', 0, G_OPTION_ARG_FILENAME, &start_arguments.base,
     "Branch to start a new worktree from (default: HEAD's)", "BRANCH"},
    {"prompt", 'p', 0, G_OPTION_ARG_FILENAME, &arg_prompt,
     "Use TEXT instead of the agent's own prompt", "TEXT"},
    {"prompt-file", 0, 0, G_OPTION_ARG_FILENAME, &arg_prompt_file,
     "Read the prompt from FILE (-: standard input)", "FILE"},
    {"env", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arg_env,
     "Set a variable for the agent; may be repeated", "NAME=VALUE"},
    LIMIT_OPTION("memory-max", &arg_memory_max, "Memory limit", "SIZE"),
    LIMIT_OPTION("memory-high", &arg_memory_high, "Memory limit above which it is slowed down",
                 "SIZE"),
    LIMIT_OPTION("cpu-weight", &arg_cpu_weight, "CPU share, 1 to 10000", "N"),
    LIMIT_OPTION("cpu-quota", &arg_cpu_quota, "CPU limit; 150%: one and a half CPUs", "PERCENT"),
    LIMIT_OPTION("io-weight", &arg_io_weight, "Disk share, 1 to 10000", "N"),
    LIMIT_OPTION("tasks-max", &arg_tasks_max, "Limit on processes and threads", "N"),
    LIMIT_OPTION("runtime-max", &arg_runtime_max, "Stop it after SPAN", "SPAN"),
    LIMIT_OPTION("idle-timeout", &arg_idle_timeout, "Stop it after SPAN without output", "SPAN"),
    {"sandbox", 0, 0, G_OPTION_ARG_FILENAME, &arg_sandbox, "Confine it: none, worktree or required",
     "MODE"},
    {"no-block", 0, 0, G_OPTION_ARG_NONE, &start_arguments.no_block,
     "Do not wait for the queue or the worktree", NULL},
    {"wait", 'w', 0, G_OPTION_ARG_NONE, &start_arguments.wait,
     "Wait until it ends; the exit status says how", NULL},
    {"follow", 'f', 0, G_OPTION_ARG_NONE, &start_arguments.follow, "The same, and show its events",
     NULL},
    {NULL},
};
