/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

/* Before the block below: GLib's headers hold C++ templates of their own. */
#include <glib.h>

extern "C" {
#include "project/roster-toml.h"
#include "base/error.h"
#include "base/names.h"
}

/*
 * Reads the roster: toml++ gives nodes with lines and columns, the tables of fields below say which
 * key goes where. Within this file a refusal is an exception; config_toml_read() makes a GError of
 * whatever was thrown, and nothing leaves it. GLib objects belong to the config from the moment
 * they are made, so that an exception leaks none.
 */

namespace
{

struct Refusal {
    StorkitError code;
    std::string message;
};

/* The context of a key in a message: the file, and the owner of the key ('agent "coder": '). */
struct Context {
    const char *filename;
    std::string who;
    ProjectConfig *config;
};

struct Entry {
    const Context &context;
    std::string_view key;
    toml::source_position key_position;
    const toml::node &value;
};

template <typename T> struct Field {
    const char *key;
    void (*read)(const Entry &entry, T *into);
};

std::string locate(const Context &context, const toml::source_position &position)
{
    std::string text = context.filename;
    if (position)
        text += ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
    return text + ": " + context.who;
}

[[noreturn]] void refuse_at(const Context &context, const toml::node &node, const std::string &what)
{
    throw Refusal{STORKIT_ERROR_INVALID_CONFIG, locate(context, node.source().begin) + what};
}

[[noreturn]] void refuse(const Entry &entry, const std::string &what)
{
    refuse_at(entry.context, entry.value, std::string(entry.key) + " " + what);
}

/* As many as a person reads; each goes into the service's log at every start. */
constexpr guint max_warnings = 20;

void warn(const Context &context, const toml::source_position &position, const std::string &what)
{
    if (context.config->warnings->len >= max_warnings) {
        context.config->warnings_left_out++;
        return;
    }
    std::string text = locate(context, position) + what;
    g_ptr_array_add(context.config->warnings, g_strdup(text.c_str()));
}

/* Text of the file in a message: in quotes, without control characters, not at any length. */
std::string quote(std::string_view text)
{
    std::string quoted = "'";
    for (char c : text.substr(0, 100)) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            c = ' ';
        quoted += c;
    }
    g_autofree char *valid = g_utf8_make_valid(quoted.c_str(), -1);
    return std::string(valid) + (text.size() > 100 ? "…'" : "'");
}

const char *type_name(const toml::node &node)
{
    switch (node.type()) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "an array";
    case toml::node_type::string:
        return "a string";
    case toml::node_type::integer:
        return "an integer";
    case toml::node_type::floating_point:
        return "a float";
    case toml::node_type::boolean:
        return "a boolean";
    default:
        return "a date or time";
    }
}

[[noreturn]] void refuse_type(const Entry &entry, const char *wanted)
{
    refuse(entry, std::string("must be ") + wanted + ", not " + type_name(entry.value));
}

/* ---- values ---------------------------------------------------------------------------------- */

/* TOML can write a NUL ("\u0000"), which would cut the string for everyone after us. */
const std::string &check_nul(const Entry &entry, const std::string &text)
{
    if (text.find('\0') != std::string::npos)
        refuse(entry, "must not contain a NUL character");
    return text;
}

const std::string &text_of(const Entry &entry)
{
    const auto *text = entry.value.as_string();
    if (!text)
        refuse_type(entry, "a string");
    return check_nul(entry, text->get());
}

char *read_string(const Entry &entry)
{
    return g_strdup(text_of(entry).c_str());
}

char *read_string_or_null(const Entry &entry)
{
    const std::string &text = text_of(entry);
    return text.empty() ? nullptr : g_strdup(text.c_str());
}

char *read_filled_string(const Entry &entry)
{
    const std::string &text = text_of(entry);
    if (text.empty())
        refuse(entry, "must not be empty");
    return g_strdup(text.c_str());
}

/* A size or a span as text: a plain number counts bytes or seconds. */
std::string read_quantity(const Entry &entry, const char *wanted)
{
    if (const auto *number = entry.value.as_integer()) {
        if (number->get() < 0)
            refuse(entry, "must not be negative");
        return std::to_string(number->get());
    }
    if (!entry.value.is_string())
        refuse_type(entry, wanted);
    return text_of(entry);
}

guint read_count(const Entry &entry)
{
    const auto *number = entry.value.as_integer();
    if (!number)
        refuse_type(entry, "an integer");
    if (number->get() < 0)
        refuse(entry, "must not be negative");
    if (number->get() > G_MAXINT)
        refuse(entry, "is too large");
    return static_cast<guint>(number->get());
}

double read_amount(const Entry &entry)
{
    if (!entry.value.is_number())
        refuse_type(entry, "a number");
    if (const auto *number = entry.value.as_integer(); number && number->get() < 0)
        refuse(entry, "must not be negative");
    /* None for an integer that is not exactly a double. */
    std::optional<double> amount = entry.value.value<double>();
    if (!amount)
        refuse(entry, "is too large");
    if (!std::isfinite(*amount))
        refuse(entry, "must be a finite number");
    if (*amount < 0)
        refuse(entry, "must not be negative");
    return *amount;
}

gboolean read_boolean(const Entry &entry)
{
    const auto *boolean = entry.value.as_boolean();
    if (!boolean)
        refuse_type(entry, "true or false");
    return boolean->get();
}

/* Replaces @list, which the config owns throughout. */
void read_strings(const Entry &entry, char ***list)
{
    const auto *array = entry.value.as_array();
    if (!array)
        refuse_type(entry, "an array of strings");
    g_strfreev(*list);
    *list = g_new0(char *, array->size() + 1);
    gsize n = 0;
    for (const toml::node &node : *array) {
        Entry element{entry.context, entry.key, entry.key_position, node};
        if (!node.is_string())
            refuse(element, std::string("must hold strings only, not ") + type_name(node));
        (*list)[n++] = read_string(element);
    }
}

guint64 read_span(const Entry &entry)
{
    std::string text = read_quantity(entry, "a time such as '10s', or an integer (seconds)");
    guint64 usec;
    if (!parse_span(text.c_str(), &usec))
        refuse(entry,
               "cannot be " + quote(text) + ": write a time such as '10s', '5m' or '1h 30m'");
    return usec;
}

void read_agent_limit(const Entry &entry, AgentConfig *agent)
{
    std::string text = read_quantity(entry, "a string or an integer");
    g_autoptr(GError) error = nullptr;
    Limits one;

    limits_init(&one);
    if (!limits_set(&one, std::string(entry.key).c_str(), text.c_str(), &error))
        refuse_at(entry.context, entry.value, error->message);
    limits_override(&agent->limits, &one);
}

char *read_name(const Entry &entry, const char *what)
{
    const std::string &text = text_of(entry);
    g_autoptr(GError) error = nullptr;
    if (text.empty())
        refuse(entry, "must not be empty");
    if (!name_check(what, text.c_str(), &error))
        refuse_at(entry.context, entry.value, error->message);
    return g_strdup(text.c_str());
}

/* As many as StartWithOptions takes: each is looked for among the others. */
constexpr gsize max_variables = 1024;

void read_env(const Entry &entry, char ***env)
{
    const auto *table = entry.value.as_table();
    if (!table)
        refuse_type(entry, "a table of strings");
    if (table->size() > max_variables)
        refuse(entry, "holds more than " + std::to_string(max_variables) + " variables");
    for (const auto &[key, value] : *table) {
        std::string name(key.str());
        std::string shown = "env." + name;
        if (!environment_name_is_valid(name.c_str()) || name.find('\0') != std::string::npos)
            refuse(entry, "cannot set " + quote(name) +
                              ": a variable's name has letters, digits and '_' only");
        Entry variable{entry.context, shown, key.source().begin, value};
        *env = g_environ_setenv(*env, name.c_str(), text_of(variable).c_str(), TRUE);
    }
}

PermissionMode read_permission(const Entry &entry)
{
    PermissionMode mode;
    if (!permission_mode_from_string(text_of(entry).c_str(), &mode))
        refuse(entry, "cannot be " + quote(text_of(entry)) + ": there are bypass, ask and deny");
    return mode;
}

void read_rules(const Entry &entry, char ***list)
{
    read_strings(entry, list);
    for (char **rule = *list; *rule; rule++)
        if (!**rule)
            refuse(entry, "holds an empty rule: write one such as 'Read' or 'Bash(git *)'");
}

gboolean read_on_limit(const Entry &entry)
{
    const std::string &text = text_of(entry);
    if (text != "wait" && text != "fail")
        refuse(entry, "cannot be " + quote(text) + ": there are wait and fail");
    return text == "wait";
}

gboolean read_on_timeout(const Entry &entry)
{
    const std::string &text = text_of(entry);
    if (text != "deny" && text != "stop")
        refuse(entry, "cannot be " + quote(text) + ": there are deny and stop");
    return text == "stop";
}

SandboxMode read_sandbox(const Entry &entry)
{
    SandboxMode mode;
    if (!sandbox_mode_from_string(text_of(entry).c_str(), &mode))
        refuse(entry,
               "cannot be " + quote(text_of(entry)) + ": there are none, worktree and required");
    return mode;
}

void read_paths(const Entry &entry, char ***list)
{
    read_strings(entry, list);
    for (char **path = *list; *path; path++)
        if (!sandbox_path_is_sound(*path))
            refuse(entry, "holds an empty path, or one with control characters");
}

void read_sockets(const Entry &entry, char ***list)
{
    read_strings(entry, list);
    for (char **name = *list; *name; name++)
        if (!sandbox_socket_is_known(*name))
            refuse(entry, "cannot hold " + quote(*name) +
                              ": there are own, ssh-agent, docker, x11, wayland and pulse");
}

void read_ports(const Entry &entry, const toml::array &array, SandboxConfig *sandbox)
{
    sandbox->network = SANDBOX_NETWORK_PORTS;
    sandbox->ports = g_array_new(FALSE, FALSE, sizeof(guint16));
    for (const toml::node &node : array) {
        const auto *number = node.as_integer();
        if (!number || number->get() < 1 || number->get() > G_MAXUINT16)
            refuse(entry, "must hold port numbers only, from 1 to 65535");
        guint16 port = static_cast<guint16>(number->get());
        g_array_append_val(sandbox->ports, port);
    }
}

void read_network(const Entry &entry, SandboxConfig *sandbox)
{
    if (const auto *array = entry.value.as_array())
        return read_ports(entry, *array, sandbox);
    if (!entry.value.is_string())
        refuse_type(entry, "'full', 'none' or an array of ports");
    if (text_of(entry) == "none")
        sandbox->network = SANDBOX_NETWORK_NONE;
    else if (text_of(entry) != "full")
        refuse(entry, "cannot be " + quote(text_of(entry)) +
                          ": there are 'full', 'none' and an array of ports");
}

/* "claude, codex and raw" */
std::string list_kinds()
{
    std::string list;
    for (const AgentKind *const *kind = agent_kinds(); *kind; kind++) {
        if (kind != agent_kinds())
            list += kind[1] ? ", " : " and ";
        list += (*kind)->name;
    }
    return list;
}

const AgentKind *read_kind(const Entry &entry)
{
    const AgentKind *kind = agent_kind_find(text_of(entry).c_str());
    if (!kind)
        refuse(entry, "cannot be " + quote(text_of(entry)) + ": there are " + list_kinds());
    return kind;
}

/* The parts of a relative path that stays inside, without "." and ".."; by its text alone, since
 * the worktree that it is for is not there yet. */
std::vector<std::string> inner_path(const Entry &entry, const std::string &path)
{
    std::vector<std::string> parts;
    if (path.empty())
        refuse(entry, "must not be empty");
    if (path[0] == '/')
        refuse(entry, "cannot be " + quote(path) + ": it must be relative");
    for (gsize begin = 0, end; begin <= path.size(); begin = end + 1) {
        end = std::min(path.find('/', begin), path.size());
        std::string part = path.substr(begin, end - begin);
        if (part == ".." && parts.empty())
            refuse(entry, "cannot be " + quote(path) + ": it leaves the worktree");
        if (part == "..")
            parts.pop_back();
        else if (!part.empty() && part != ".")
            parts.push_back(part);
    }
    return parts;
}

char *read_component_path(const Entry &entry)
{
    inner_path(entry, text_of(entry));
    return read_string(entry);
}

void read_copy(const Entry &entry, ProjectConfig *config)
{
    read_strings(entry, &config->copy);
    for (char **path = config->copy; *path; path++) {
        auto parts = inner_path(entry, *path);
        if (parts.empty() || parts[0] == ".git")
            refuse(entry, "cannot be " + quote(*path) + ": it names files below the project root");
    }
}

/* Not all that a person may mean can be had: a home folder or another word in braces. */
void read_worktrees(const Entry &entry, ProjectConfig *config)
{
    std::string text = text_of(entry);
    std::string rest = text;
    for (size_t at; (at = rest.find("{project}")) != std::string::npos;)
        rest.erase(at, strlen("{project}"));
    bool control = std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; });
    if (text.empty() || control)
        refuse(entry, "must name a folder");
    if (text[0] == '~')
        refuse(entry, "cannot begin with '~': write the path from /, or from the project");
    if (rest.find_first_of("{}") != std::string::npos)
        refuse(entry, "cannot be " + quote(text) + ": the only word in braces is {project}");
    g_free(config->worktrees);
    config->worktrees = g_strdup(text.c_str());
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* How many letters must be added, dropped, replaced or swapped with the next to make @b of @a. */
gsize distance(std::string_view a, std::string_view b)
{
    std::vector<gsize> before, row, next(b.size() + 1);
    for (gsize j = 0; j <= b.size(); j++)
        next[j] = j;
    for (gsize i = 1; i <= a.size(); i++) {
        before = row;
        row = next;
        next[0] = i;
        for (gsize j = 1; j <= b.size(); j++) {
            gsize replaced = row[j - 1] + (a[i - 1] != b[j - 1]);
            next[j] = std::min({replaced, row[j] + 1, next[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                next[j] = std::min(next[j], before[j - 2] + 1);
        }
    }
    return next[b.size()];
}

/* Of candidates as near as each other the one with the same first letter, then the first one:
 * "modle" is a "model", and not a "mode". */
std::string suggest(std::string_view key, const std::vector<const char *> &known)
{
    const char *nearest = nullptr;
    gsize best = 3 * 2;
    /* No known key is that long; and the distance's cost is the product of both lengths. */
    if (key.empty() || key.size() > 40)
        return "";
    for (std::string_view candidate : known) {
        gsize edits = distance(key, candidate);
        gsize rank = edits * 2 + (key[0] != candidate[0]);
        if (rank < best && edits <= candidate.size() / 2) {
            nearest = candidate.data();
            best = rank;
        }
    }
    return nearest ? std::string("; did you mean '") + nearest + "'?" : "";
}

struct Member {
    const toml::key *key;
    const toml::node *value;
};

/* In the order of the file, which toml++ does not keep, so that the first mistake comes first. */
std::vector<Member> members_in_order(const toml::table &table)
{
    std::vector<Member> members;
    for (const auto &[key, value] : table)
        members.push_back({&key, &value});
    std::stable_sort(members.begin(), members.end(), [](const Member &a, const Member &b) {
        const auto &left = a.key->source().begin;
        const auto &right = b.key->source().begin;
        return std::tie(left.line, left.column) < std::tie(right.line, right.column);
    });
    return members;
}

template <typename T, gsize N> void warn_unknown(const Entry &entry, const Field<T> (&fields)[N])
{
    std::vector<const char *> known;
    /* Nobody reads more of them. */
    for (const Field<T> &field : fields)
        if (entry.context.config->warnings->len < max_warnings)
            known.push_back(field.key);
    warn(entry.context, entry.key_position,
         "unknown key " + quote(entry.key) + " is ignored" + suggest(entry.key, known));
}

template <typename T, gsize N>
void read_members(const Context &context, const toml::table &table, const Field<T> (&fields)[N],
                  T *into)
{
    for (const Member &member : members_in_order(table)) {
        std::string_view key = member.key->str();
        Entry entry{context, key, member.key->source().begin, *member.value};
        const Field<T> *field =
            std::find_if(fields, fields + N, [key](const Field<T> &f) { return key == f.key; });
        if (field != fields + N)
            field->read(entry, into);
        else
            warn_unknown(entry, fields);
    }
}

/* ---- agents ---------------------------------------------------------------------------------- */

const Field<AgentConfig> agent_fields[] = {
    {"name", [](const Entry &e, AgentConfig *a) { a->name = read_name(e, "agent name"); }},
    {"role", [](const Entry &e, AgentConfig *a) { a->role = read_string_or_null(e); }},
    {"kind", [](const Entry &e, AgentConfig *a) { a->kind = read_kind(e); }},
    {"command", [](const Entry &e, AgentConfig *a) { a->command = read_filled_string(e); }},
    {"args", [](const Entry &e, AgentConfig *a) { read_strings(e, &a->args); }},
    {"prompt", [](const Entry &e, AgentConfig *a) { a->prompt = read_string_or_null(e); }},
    {"model", [](const Entry &e, AgentConfig *a) { a->model = read_string_or_null(e); }},
    {"mode", [](const Entry &e, AgentConfig *a) { a->mode = read_string_or_null(e); }},
    {"max_turns", [](const Entry &e, AgentConfig *a) { a->max_turns = read_count(e); }},
    {"max_budget_usd", [](const Entry &e, AgentConfig *a) { a->max_budget_usd = read_amount(e); }},
    {"allowed_tools", [](const Entry &e, AgentConfig *a) { read_strings(e, &a->allowed_tools); }},
    {"system_prompt",
     [](const Entry &e, AgentConfig *a) { a->system_prompt = read_string_or_null(e); }},
    {"env", [](const Entry &e, AgentConfig *a) { read_env(e, &a->env); }},
    {"interactive", [](const Entry &e, AgentConfig *a) { a->interactive = read_boolean(e); }},
    {"mcp", [](const Entry &e, AgentConfig *a) { a->mcp = read_boolean(e); }},
    {"permission",
     [](const Entry &e, AgentConfig *a) { a->permissions.mode = read_permission(e); }},
    {"allow", [](const Entry &e, AgentConfig *a) { read_rules(e, &a->permissions.allow); }},
    {"deny", [](const Entry &e, AgentConfig *a) { read_rules(e, &a->permissions.deny); }},
    {"ask_timeout",
     [](const Entry &e, AgentConfig *a) { a->permissions.ask_timeout_usec = read_span(e); }},
    {"on_ask_timeout",
     [](const Entry &e, AgentConfig *a) { a->permissions.timeout_stops = read_on_timeout(e); }},
    {"on_limit", [](const Entry &e, AgentConfig *a) { a->waits_out_limits = read_on_limit(e); }},
    {"limit_retries", [](const Entry &e, AgentConfig *a) { a->limit_retries = read_count(e); }},
    {"account", [](const Entry &e, AgentConfig *a) { a->account = read_filled_string(e); }},
    {"may_start", [](const Entry &e, AgentConfig *a) { read_strings(e, &a->children.may_start); }},
    {"max_children",
     [](const Entry &e, AgentConfig *a) { a->children.max_children = read_count(e); }},
    {"max_depth", [](const Entry &e, AgentConfig *a) { a->children.max_depth = read_count(e); }},
    {"stop_grace", [](const Entry &e, AgentConfig *a) { a->stop_grace_usec = read_span(e); }},
    {"result_grace", [](const Entry &e, AgentConfig *a) { a->result_grace_usec = read_span(e); }},
    {"sandbox", [](const Entry &e, AgentConfig *a) { a->sandbox.mode = read_sandbox(e); }},
    {"writable", [](const Entry &e, AgentConfig *a) { read_paths(e, &a->sandbox.writable); }},
    {"unreadable", [](const Entry &e, AgentConfig *a) { read_paths(e, &a->sandbox.unreadable); }},
    {"readable", [](const Entry &e, AgentConfig *a) { read_paths(e, &a->sandbox.readable); }},
    {"network", [](const Entry &e, AgentConfig *a) { read_network(e, &a->sandbox); }},
    {"sockets", [](const Entry &e, AgentConfig *a) { read_sockets(e, &a->sandbox.sockets); }},
    {"bus", [](const Entry &e, AgentConfig *a) { a->sandbox.bus = read_boolean(e); }},
    {"memory_max", read_agent_limit},
    {"memory_high", read_agent_limit},
    {"cpu_weight", read_agent_limit},
    {"cpu_quota", read_agent_limit},
    {"io_weight", read_agent_limit},
    {"tasks_max", read_agent_limit},
    {"runtime_max", read_agent_limit},
    {"idle_timeout", read_agent_limit},
};

const Field<ComponentConfig> component_fields[] = {
    {"name", [](const Entry &e, ComponentConfig *c) { c->name = read_name(e, "component name"); }},
    {"path", [](const Entry &e, ComponentConfig *c) { c->path = read_component_path(e); }},
    {"setup", [](const Entry &e, ComponentConfig *c) { read_strings(e, &c->setup); }},
    {"teardown", [](const Entry &e, ComponentConfig *c) { read_strings(e, &c->teardown); }},
};

/* A command line in claude's words is not what another CLI takes. (`raw` gives none.) */
void warn_other_program(const Context &context, const toml::table &table, const AgentConfig &agent)
{
    const toml::node *command = table.get("command");
    const AgentKind *other = command ? agent_kind_of_program(agent.command) : nullptr;
    if (!other || other == agent.kind || !agent.kind->program)
        return;
    warn(context, command->source().begin,
         "command " + quote(agent.command) + " is a program of kind '" + other->name + "', not '" +
             agent.kind->name + "': set kind = \"" + other->name + "\"");
}

void warn_if_set(const Context &context, const toml::table &table, const char *key, const char *why)
{
    if (const toml::node *node = table.get(key))
        warn(context, node->source().begin, std::string(key) + " has no effect " + why);
}

/* Where a kind can't be held to it, it must not look as if it were. */
void check_permissions(const Context &context, const toml::table &table, const AgentConfig &agent)
{
    PermissionMode mode = agent.permissions.mode;
    g_autofree char *kinds = agent_kinds_list(agent_kind_can_ask);
    for (const char *key : {"permission", "allow", "deny"}) {
        const toml::node *node = table.get(key);
        bool bypass = g_str_equal(key, "permission") && mode == PERMISSION_BYPASS;
        if (node && !bypass && !agent_kind_can_ask(agent.kind))
            refuse_at(context, *node,
                      std::string(key) + " needs kind " + kinds + ", not '" + agent.kind->name +
                          "'" +
                          (mode == PERMISSION_BYPASS ? "" : ": leave it out, or use sandbox"));
    }
    if (mode == PERMISSION_BYPASS)
        warn_if_set(context, table, "allow",
                    "with permission = \"bypass\", which allows everything");
    for (const char *key : {"ask_timeout", "on_ask_timeout"})
        if (mode != PERMISSION_ASK)
            warn_if_set(context, table, key, "without permission = \"ask\"");
}

bool may_start_any(const AgentConfig &agent)
{
    return agent.children.may_start && *agent.children.may_start;
}

/* Checks that need more than one key. */
void finish_agent(const Context &context, const toml::table &table, AgentConfig *agent)
{
    const AgentKind *kind = agent->kind;
    std::string quoted = std::string("kind '") + kind->name + "'";
    if (!agent->name)
        refuse_at(context, table, "it has no name: add one, such as name = \"coder\"");
    if (!agent->command && !kind->program)
        refuse_at(context, table, quoted + " needs a command: name the program to run");
    if (!agent->command)
        agent->command = g_strdup(kind->program);
    if (agent->interactive && !agent_kind_takes(kind, "interactive")) {
        g_autofree char *kinds = agent_kinds_list(agent_kind_is_interactive);
        refuse_at(context, *table.get("interactive"),
                  std::string("interactive needs kind ") + kinds + ", not '" + kind->name + "'");
    }
    if (agent->mcp && !agent_kind_takes_mcp(kind)) {
        g_autofree char *kinds = agent_kinds_list(agent_kind_takes_mcp);
        refuse_at(context, *table.get("mcp"),
                  std::string("mcp needs kind ") + kinds + ", not '" + kind->name +
                      "': configure the server in the program's own files");
    }
    check_permissions(context, table, *agent);
    if (!table.contains("bus"))
        agent->sandbox.bus = agent->mcp || may_start_any(*agent);
    if (!agent->waits_out_limits)
        warn_if_set(context, table, "limit_retries", "without on_limit = \"wait\"");
    if (agent->waits_out_limits && !agent->kind->tells_limits)
        warn_if_set(
            context, table, "on_limit",
            (std::string("with ") + quoted + ", which does not tell when a limit ends").c_str());
    for (const char *key : {"max_children", "max_depth"})
        if (!agent->children.may_start)
            warn_if_set(context, table, key, "without may_start");
    warn_other_program(context, table, *agent);
    /* A budget that nothing enforces must not look as if it were one. */
    for (const Member &member : members_in_order(table)) {
        std::string key(member.key->str());
        if (!agent_kind_takes(kind, key.c_str()) && key != "interactive" && key != "mcp")
            warn(context, member.key->source().begin, key + " has no effect with " + quoted);
    }
}

void finish_component(const Context &context, const toml::table &table, ComponentConfig *component)
{
    if (!component->name)
        refuse_at(context, table, "it has no name: add one, such as name = \"frontend\"");
    if (!component->path)
        refuse_at(context, table, "it has no path: '.' is the worktree itself");
}

/* ---- the document ---------------------------------------------------------------------------- */

/* 'agent "coder": ', or 'agent 2: ' if its name is unusable. */
std::string who_of(const char *what, const toml::table &table, gsize number)
{
    auto name = table["name"].value<std::string>();
    return std::string(what) + " " + (name ? quote(*name) : std::to_string(number)) + ": ";
}

/* Each name is looked for among the others. */
constexpr gsize max_tables = 1000;

/* Calls @read for each table of an array of tables, with a context that names it. */
template <typename F> void read_tables(const Entry &entry, F read)
{
    std::string key(entry.key);
    const auto *array = entry.value.as_array();
    if (!array)
        refuse(entry, "must be an array of tables, not " + std::string(type_name(entry.value)) +
                          ": write [[" + key + "]]");
    if (array->size() > max_tables)
        refuse(entry, "has more than " + std::to_string(max_tables) + " tables");
    gsize number = 0;
    for (const toml::node &node : *array) {
        const auto *table = node.as_table();
        if (!table)
            refuse_at(entry.context, node,
                      key + " must be an array of tables: one element is " + type_name(node));
        Context context{entry.context.filename, who_of(key.c_str(), *table, ++number),
                        entry.context.config};
        read(context, *table);
    }
}

/* The name of the last of @items is new among them. */
template <typename T>
void check_unique(const Context &context, const toml::table &table, GPtrArray *items)
{
    const T *last = static_cast<T *>(g_ptr_array_index(items, items->len - 1));
    for (guint i = 0; i + 1 < items->len; i++) {
        const T *item = static_cast<T *>(g_ptr_array_index(items, i));
        if (g_str_equal(item->name, last->name))
            refuse_at(context, *table.get("name"),
                      "the name is taken by one above: choose another");
    }
}

/* Once all are known: they may name each other. */
void check_may_start(const Context &context, const toml::table &table, const ProjectConfig *config)
{
    const toml::array *names = table["may_start"].as_array();
    for (gsize i = 0; names && i < names->size(); i++) {
        const std::string &name = names->get(i)->ref<std::string>();
        if (!project_config_find_named(config, name.c_str()))
            refuse_at(context, *names->get(i),
                      "may_start names " + quote(name) + ", but the project has no such agent");
    }
}

void read_agents(const Entry &entry, ProjectConfig *config)
{
    read_tables(entry, [config](const Context &context, const toml::table &table) {
        AgentConfig *agent = agent_config_new();
        g_ptr_array_add(config->agents, agent);
        read_members(context, table, agent_fields, agent);
        finish_agent(context, table, agent);
        check_unique<AgentConfig>(context, table, config->agents);
    });
    read_tables(entry, [config](const Context &context, const toml::table &table) {
        check_may_start(context, table, config);
    });
}

void read_components(const Entry &entry, ProjectConfig *config)
{
    read_tables(entry, [config](const Context &context, const toml::table &table) {
        ComponentConfig *component = component_config_new();
        g_ptr_array_add(config->components, component);
        read_members(context, table, component_fields, component);
        finish_component(context, table, component);
        check_unique<ComponentConfig>(context, table, config->components);
    });
}

gboolean read_on_budget(const Entry &entry)
{
    const std::string &text = text_of(entry);
    if (text != "tell" && text != "stop")
        refuse(entry, "must be 'tell' or 'stop', not " + quote(text));
    return text == "stop";
}

const Field<ProjectConfig> project_fields[] = {
    {"agent", read_agents},
    {"component", read_components},
    {"copy", read_copy},
    {"worktrees", read_worktrees},
    {"budget_usd", [](const Entry &e, ProjectConfig *c) { c->budget_usd = read_amount(e); }},
    {"on_budget", [](const Entry &e, ProjectConfig *c) { c->budget_stops = read_on_budget(e); }},
    {"sandbox", [](const Entry &e, ProjectConfig *c) { c->sandbox = read_sandbox(e); }},
};

/* Whatever their order in the file. */
void apply_project_sandbox(ProjectConfig *config)
{
    for (guint i = 0; i < config->agents->len; i++) {
        auto *agent = static_cast<AgentConfig *>(g_ptr_array_index(config->agents, i));
        if (agent->sandbox.mode == SANDBOX_UNSET)
            agent->sandbox.mode = config->sandbox;
    }
}

void count_left_out(const Context &context)
{
    guint left_out = context.config->warnings_left_out;
    if (left_out > 0)
        g_ptr_array_add(context.config->warnings,
                        g_strdup_printf("%s: … and %u more", context.filename, left_out));
}

void read_project(const Context &context, std::string_view text)
{
    toml::table document = toml::parse(text);

    read_members(context, document, project_fields, context.config);
    if (context.config->agents->len == 0)
        throw Refusal{STORKIT_ERROR_NO_AGENTS_CONFIGURED,
                      locate(context, {}) + "no agent is configured: add an [[agent]] with a name, "
                                            "or remove the file for the default one"};
    if (context.config->budget_usd <= 0)
        warn_if_set(context, document, "on_budget", "without budget_usd");
    apply_project_sandbox(context.config);
    count_left_out(context);
}

} // namespace

gboolean config_toml_read(const char *text, gsize length, const char *filename,
                          ProjectConfig *config, GError **error)
{
    try {
        Context context{filename, "", config};
        try {
            read_project(context, std::string_view(text, length));
            return TRUE;
        } catch (const toml::parse_error &e) {
            throw Refusal{STORKIT_ERROR_INVALID_CONFIG,
                          locate(context, e.source().begin) + std::string(e.description())};
        }
    } catch (const Refusal &refusal) {
        g_set_error_literal(error, STORKIT_ERROR, refusal.code, refusal.message.c_str());
    } catch (const std::exception &e) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG, "%s: %s", filename,
                    e.what());
    } catch (...) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG, "%s: cannot be read",
                    filename);
    }
    return FALSE;
}
