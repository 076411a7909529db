/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/mcp/tools.h"

#include "ctl/json-path.h"
#include "ctl/verb.h"

#define TIMEOUT_ARGUMENT "timeout_seconds"
#define PROJECT_ARGUMENT "project"
#define LONGEST_TIMEOUT 3600

#define RUN_DESCRIPTION "The run: STORY, or STORY/AGENT if several agents work on the story"

static const Parameter run_only[] = {
    {"run", RUN_DESCRIPTION, PARAMETER_WORD, TRUE, NULL},
    {0},
};

static const Parameter list_parameters[] = {
    {"everywhere", "List the runs of every project", PARAMETER_FLAG, FALSE, "everywhere"},
    {0},
};

static const Parameter start_parameters[] = {
    {"run", "STORY, or STORY/AGENT for an agent other than the roster's first", PARAMETER_WORD,
     TRUE, NULL},
    {"prompt", "The prompt for the agent; by default, the roster's", PARAMETER_OPTION, FALSE,
     "prompt"},
    {"base_branch", "The branch to create the story's branch from, if its worktree is new",
     PARAMETER_OPTION, FALSE, "base"},
    {0},
};

static const Parameter resume_parameters[] = {
    {"run", RUN_DESCRIPTION, PARAMETER_WORD, TRUE, NULL},
    {"prompt", "The next prompt for the agent", PARAMETER_TEXT, FALSE, NULL},
    {0},
};

static const Parameter send_parameters[] = {
    {"run", RUN_DESCRIPTION, PARAMETER_WORD, TRUE, NULL},
    {"message", "The message, for an agent that takes messages while it runs", PARAMETER_TEXT, TRUE,
     NULL},
    {0},
};

static const Parameter answer_parameters[] = {
    {"run", RUN_DESCRIPTION, PARAMETER_WORD, TRUE, NULL},
    {"question", "The id of the question", PARAMETER_WORD, TRUE, NULL},
    {"answer", "The id of one of its options, such as allow or deny", PARAMETER_WORD, TRUE, NULL},
    {"message", "Why it is refused, or the answer in words", PARAMETER_OPTION, FALSE, "message"},
    {0},
};

static const Parameter wait_parameters[] = {
    {"runs", "The runs, each STORY or STORY/AGENT", PARAMETER_WORDS, TRUE, NULL},
    {"any", "Return when the first one has ended", PARAMETER_FLAG, FALSE, "any"},
    {0},
};

static const Parameter story_only[] = {
    {"story", "The story", PARAMETER_WORD, TRUE, NULL},
    {0},
};

static const Parameter merge_parameters[] = {
    {"story", "The story", PARAMETER_WORD, TRUE, NULL},
    {"squash", "As one commit", PARAMETER_FLAG, FALSE, "squash"},
    {0},
};

static const Parameter none[] = {{0}};

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const Tool tools[] = {
    {
        .name = "list_runs",
        .title = "List runs",
        .description = "Lists the running coding agents, and the last ended run of each story: "
                       "status, cost, worktree, why it failed.",
        .verb = "list",
        .words = WORDS("--json"),
        .parameters = list_parameters,
        .list_name = "runs",
        .read_only = TRUE,
    },
    {
        .name = "show_run",
        .title = "Show a run",
        .description = "Shows everything known about one run.",
        .verb = "show",
        .words = WORDS("--json"),
        .parameters = run_only,
        .list_name = "runs",
        .read_only = TRUE,
    },
    {
        .name = "start_run",
        .title = "Start an agent",
        .description = "Starts an agent on a story, in a git worktree of its own. Returns once it "
                       "runs; use follow_run or wait_for_runs to see how it goes.",
        .verb = "start",
        .words = WORDS("--json"),
        .parameters = start_parameters,
    },
    {
        .name = "resume_run",
        .title = "Resume a conversation",
        .description = "Continues the conversation of an ended run, in the same worktree.",
        .verb = "resume",
        .words = WORDS("--json"),
        .parameters = resume_parameters,
    },
    {
        .name = "follow_run",
        .title = "Follow a run",
        .description =
            "Follows a run from its last events until it ends or the time is up: returns "
            "its events, and whether it has ended. Progress notifications tell what it "
            "says meanwhile.",
        .verb = "watch",
        .words = WORDS("--json", "--lines=2"),
        .parameters = run_only,
        .output = OUTPUT_EVENTS,
        .read_only = TRUE,
        .timeout_seconds = 300,
    },
    {
        .name = "wait_for_runs",
        .title = "Wait for runs",
        .description = "Waits until runs have ended or the time is up; tells how they ended.",
        .verb = "wait",
        .words = WORDS("--json"),
        .parameters = wait_parameters,
        .output = OUTPUT_RUNS,
        .list_name = "ended",
        .read_only = TRUE,
        .timeout_seconds = 300,
        .status_is_of_runs = TRUE,
    },
    {
        .name = "send_message",
        .title = "Send a message",
        .description = "Sends a message to a running agent that takes messages.",
        .verb = "send",
        .words = WORDS("--json"),
        .parameters = send_parameters,
        .list_name = "runs",
    },
    {
        .name = "list_questions",
        .title = "List questions",
        .description = "Lists what runs ask and wait to have answered, with the options there are.",
        .verb = "questions",
        .words = WORDS("--json"),
        .parameters = list_parameters,
        .list_name = "questions",
        .read_only = TRUE,
    },
    {
        .name = "answer_question",
        .title = "Answer a question",
        .description = "Answers a question of a run, which goes on then. An answer is given once.",
        .verb = "answer",
        .words = WORDS("--quiet"),
        .parameters = answer_parameters,
        .output = OUTPUT_TEXT,
        .destructive = TRUE,
    },
    {
        .name = "stop_run",
        .title = "Stop a run",
        .description = "Stops a run and all its processes. Its worktree and its work stay.",
        .verb = "stop",
        .words = WORDS("--json"),
        .parameters = run_only,
        .list_name = "runs",
        .destructive = TRUE,
    },
    {
        .name = "list_worktrees",
        .title = "List worktrees",
        .description = "Lists the stories' worktrees: branch, base, whether there is uncommitted "
                       "work, how many commits they are ahead.",
        .verb = "worktrees",
        .words = WORDS("--json"),
        .parameters = none,
        .list_name = "worktrees",
        .read_only = TRUE,
    },
    {
        .name = "show_diff",
        .title = "Show a story's changes",
        .description = "Shows what a story changes relative to its base, as a patch.",
        .verb = "diff",
        .words = WORDS("--no-pager"),
        .after = WORDS("--", "--stat", "--patch"),
        .parameters = story_only,
        .output = OUTPUT_TEXT,
        .read_only = TRUE,
    },
    {
        .name = "merge_story",
        .title = "Merge a story",
        .description =
            "Merges a story's committed work into its base branch and removes its worktree "
            "and branch. Refuses, with the reason, if it does not merge cleanly.",
        .verb = "merge",
        .words = WORDS("--quiet"),
        .parameters = merge_parameters,
        .output = OUTPUT_TEXT,
        .destructive = TRUE,
    },
};

/* A tool is there where its command is. */
static gboolean is_there(const Tool *tool)
{
    return verb_find(tool->verb) != NULL;
}

const Tool *tool_find(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(tools); i++)
        if (g_str_equal(tools[i].name, name) && is_there(&tools[i]))
            return &tools[i];
    return NULL;
}

/* --- Descriptions for the model --- */

static void add_property(JsonObject *properties, const char *name, const char *type,
                         const char *description)
{
    JsonObject *property = json_object_new();
    json_object_set_string_member(property, "type", type);
    json_object_set_string_member(property, "description", description);
    json_object_set_object_member(properties, name, property);
}

static void add_parameter(JsonObject *properties, JsonArray *required, const Parameter *parameter)
{
    static const char *const types[] = {
        [PARAMETER_WORD] = "string",   [PARAMETER_WORDS] = "array",  [PARAMETER_TEXT] = "string",
        [PARAMETER_OPTION] = "string", [PARAMETER_FLAG] = "boolean",
    };
    add_property(properties, parameter->name, types[parameter->kind], parameter->description);
    if (parameter->kind == PARAMETER_WORDS) {
        JsonObject *items = json_object_new();
        json_object_set_string_member(items, "type", "string");
        JsonObject *property = json_object_get_object_member(properties, parameter->name);
        json_object_set_object_member(property, "items", items);
        json_object_set_int_member(property, "minItems", 1);
    }
    if (parameter->required)
        json_array_add_string_element(required, parameter->name);
}

static JsonObject *input_schema(const Tool *tool)
{
    JsonObject *properties = json_object_new();
    JsonArray *required = json_array_new();
    for (const Parameter *parameter = tool->parameters; parameter->name; parameter++)
        add_parameter(properties, required, parameter);
    if (tool->timeout_seconds > 0)
        add_property(properties, TIMEOUT_ARGUMENT, "integer",
                     "How long to wait, at most 3600; the default is 300");
    add_property(properties, PROJECT_ARGUMENT, "string",
                 "The project's folder; by default, the one this server was started in");

    JsonObject *schema = json_object_new();
    json_object_set_string_member(schema, "type", "object");
    json_object_set_object_member(schema, "properties", properties);
    json_object_set_array_member(schema, "required", required);
    json_object_set_boolean_member(schema, "additionalProperties", FALSE);
    return schema;
}

static JsonObject *describe(const Tool *tool)
{
    JsonObject *annotations = json_object_new();
    json_object_set_boolean_member(annotations, "readOnlyHint", tool->read_only);
    if (!tool->read_only)
        json_object_set_boolean_member(annotations, "destructiveHint", tool->destructive);
    json_object_set_boolean_member(annotations, "openWorldHint", FALSE);

    JsonObject *object = json_object_new();
    json_object_set_string_member(object, "name", tool->name);
    json_object_set_string_member(object, "title", tool->title);
    json_object_set_string_member(object, "description", tool->description);
    json_object_set_object_member(object, "inputSchema", input_schema(tool));
    json_object_set_object_member(object, "annotations", annotations);
    return object;
}

JsonArray *tools_list(void)
{
    JsonArray *list = json_array_new();
    for (gsize i = 0; i < G_N_ELEMENTS(tools); i++)
        if (is_there(&tools[i]))
            json_array_add_object_element(list, describe(&tools[i]));
    return list;
}

/* --- From arguments to a command line --- */

typedef struct {
    GPtrArray *options, *words, *texts;
} Line;

static gboolean set_usage(GError **error, const char *name, const char *problem)
{
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "the argument %s %s", name, problem);
    return FALSE;
}

static gboolean holds(JsonNode *node, GType type)
{
    return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type;
}

static gboolean add_word(GPtrArray *to, const Parameter *parameter, JsonNode *node, GError **error)
{
    if (!holds(node, G_TYPE_STRING))
        return set_usage(error, parameter->name, "must be a string");
    const char *text = json_node_get_string(node);
    if (parameter->kind != PARAMETER_TEXT && parameter->kind != PARAMETER_OPTION &&
        (*text == '-' || *text == '\0'))
        return set_usage(error, parameter->name, "must be a name");
    g_ptr_array_add(to, parameter->kind == PARAMETER_OPTION
                            ? g_strdup_printf("--%s=%s", parameter->option, text)
                            : g_strdup(text));
    return TRUE;
}

static gboolean add_words(Line *line, const Parameter *parameter, JsonNode *node, GError **error)
{
    JsonArray *array = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
    if (json_array_length(array) == 0)
        return set_usage(error, parameter->name, "must be a list of strings, at least one");
    for (guint i = 0; i < json_array_length(array); i++)
        if (!add_word(line->words, parameter, json_array_get_element(array, i), error))
            return FALSE;
    return TRUE;
}

static gboolean add_flag(Line *line, const Parameter *parameter, JsonNode *node, GError **error)
{
    if (!holds(node, G_TYPE_BOOLEAN))
        return set_usage(error, parameter->name, "must be true or false");
    if (json_node_get_boolean(node))
        g_ptr_array_add(line->options, g_strdup_printf("--%s", parameter->option));
    return TRUE;
}

static gboolean add_argument(Line *line, const Parameter *parameter, JsonNode *node, GError **error)
{
    switch (parameter->kind) {
    case PARAMETER_WORDS:
        return add_words(line, parameter, node, error);
    case PARAMETER_FLAG:
        return add_flag(line, parameter, node, error);
    case PARAMETER_OPTION:
        return add_word(line->options, parameter, node, error);
    case PARAMETER_TEXT:
        return add_word(line->texts, parameter, node, error);
    case PARAMETER_WORD:
    default:
        return add_word(line->words, parameter, node, error);
    }
}

static gboolean is_known(const Tool *tool, const char *name)
{
    for (const Parameter *parameter = tool->parameters; parameter->name; parameter++)
        if (g_str_equal(parameter->name, name))
            return TRUE;
    return g_str_equal(name, PROJECT_ARGUMENT) ||
           (g_str_equal(name, TIMEOUT_ARGUMENT) && tool->timeout_seconds > 0);
}

static gboolean check_names(const Tool *tool, JsonObject *arguments, GError **error)
{
    g_autoptr(GList) names = json_object_get_members(arguments);
    for (GList *name = names; name; name = name->next) {
        if (is_known(tool, name->data))
            continue;
        g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "%s takes no argument “%s”", tool->name,
                    (const char *)name->data);
        return FALSE;
    }
    return TRUE;
}

static gboolean add_arguments(Line *line, const Tool *tool, JsonObject *arguments, GError **error)
{
    for (const Parameter *parameter = tool->parameters; parameter->name; parameter++) {
        JsonNode *node = json_object_get_member(arguments, parameter->name);
        if (!node && parameter->required)
            return set_usage(error, parameter->name, "is missing");
        if (node && !add_argument(line, parameter, node, error))
            return FALSE;
    }
    return TRUE;
}

static void append(GPtrArray *to, const char *const *words)
{
    for (; words && *words; words++)
        g_ptr_array_add(to, g_strdup(*words));
}

static void append_all(GPtrArray *to, GPtrArray *from_taken)
{
    g_ptr_array_extend_and_steal(to, from_taken);
}

/* The project of the call, or the one that the server was started in. */
static gboolean add_project(GPtrArray *argv, const Ctl *ctl, JsonObject *arguments, GError **error)
{
    JsonNode *node = json_object_get_member(arguments, PROJECT_ARGUMENT);
    if (node && (!holds(node, G_TYPE_STRING) || *json_node_get_string(node) == '\0'))
        return set_usage(error, PROJECT_ARGUMENT, "must be a folder");
    const char *project = node ? json_node_get_string(node) : ctl->directory;
    if (project)
        g_ptr_array_add(argv, g_strdup_printf("--project=%s", project));
    return TRUE;
}

static char **join(const Tool *tool, const Ctl *ctl, JsonObject *arguments, Line *line,
                   GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    if (!add_project(argv, ctl, arguments, error))
        return NULL;
    g_ptr_array_add(argv, g_strdup(tool->verb));
    append(argv, tool->words);
    append_all(argv, g_steal_pointer(&line->options));
    append_all(argv, g_steal_pointer(&line->words));
    if (line->texts->len > 0)
        g_ptr_array_add(argv, g_strdup("--"));
    append_all(argv, g_steal_pointer(&line->texts));
    append(argv, tool->after);
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_steal(argv, NULL);
}

static void line_clear(Line *line)
{
    g_clear_pointer(&line->options, g_ptr_array_unref);
    g_clear_pointer(&line->words, g_ptr_array_unref);
    g_clear_pointer(&line->texts, g_ptr_array_unref);
}

char **tool_command_line(const Tool *tool, const Ctl *ctl, JsonObject *arguments, GError **error)
{
    g_autoptr(JsonObject) given = arguments ? json_object_ref(arguments) : json_object_new();
    Line line = {
        .options = g_ptr_array_new_with_free_func(g_free),
        .words = g_ptr_array_new_with_free_func(g_free),
        .texts = g_ptr_array_new_with_free_func(g_free),
    };
    char **argv = NULL;
    if (check_names(tool, given, error) && add_arguments(&line, tool, given, error))
        argv = join(tool, ctl, given, &line, error);
    line_clear(&line);
    return argv;
}

guint tool_timeout(const Tool *tool, JsonObject *arguments)
{
    gint64 seconds = json_get_int(arguments, TIMEOUT_ARGUMENT);
    if (tool->timeout_seconds == 0 || seconds <= 0)
        return tool->timeout_seconds;
    return (guint)MIN(seconds, LONGEST_TIMEOUT);
}
