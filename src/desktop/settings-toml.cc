/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <toml++/toml.h>

#include <string>
#include <string_view>

/* Before the block below: GLib's headers hold C++ templates of their own. */
#include <glib.h>
#include <gio/gio.h>

extern "C" {
#include "desktop/settings.h"
}

/*
 * Reads the settings with toml++, which knows lines and columns. Within this file a refusal is an
 * exception; nothing leaves settings_toml_read().
 */

namespace
{

struct Refusal {
    toml::source_position position;
    std::string message;
};

[[noreturn]] void refuse(const toml::node &node, const std::string &message)
{
    throw Refusal{node.source().begin, message};
}

void read_flag(const std::string &key, const toml::node &node, gboolean *into)
{
    const auto *flag = node.as_boolean();
    if (!flag)
        refuse(node, key + " must be true or false");
    *into = flag->get();
}

void read_strings(const std::string &key, const toml::node &node, GPtrArray *into)
{
    const auto *array = node.as_array();
    if (!array)
        refuse(node, key + " must be an array of strings");
    for (const toml::node &element : *array) {
        const auto *text = element.as_string();
        if (!text || text->get().empty() || text->get().find('\0') != std::string::npos)
            refuse(element, key + " must be an array of strings");
        g_ptr_array_add(into, g_strdup(text->get().c_str()));
    }
}

void read_when(const std::string &key, const toml::node &node, AwakeWhen *into)
{
    const auto *text = node.as_string();
    if (text && *text == "always")
        *into = AWAKE_ALWAYS;
    else if (text && *text == "mains")
        *into = AWAKE_ON_MAINS;
    else if (text && *text == "never")
        *into = AWAKE_NEVER;
    else
        refuse(node, key + " must be 'always', 'mains' or 'never'");
}

void warn(const char *filename, const toml::key &key)
{
    g_warning("%s:%u:%u: unknown key %s has no effect", filename, key.source().begin.line,
              key.source().begin.column, std::string(key.str()).c_str());
}

bool read_notifications(const std::string &key, const toml::node &node, DesktopSettings *settings)
{
    static const struct {
        const char *key;
        NoticeKind kind;
    } kinds[] = {
        {"ended", NOTICE_ENDED},         {"failed", NOTICE_FAILED}, {"waiting", NOTICE_WAITING},
        {"disk_full", NOTICE_DISK_FULL}, {"memory", NOTICE_MEMORY},
    };
    for (const auto &known : kinds) {
        if (key == known.key) {
            read_flag(key, node, &settings->kinds[known.kind]);
            return true;
        }
    }
    if (key == "sound")
        read_flag(key, node, &settings->sound);
    else if (key == "projects")
        read_strings(key, node, settings->projects);
    else if (key == "hosts")
        read_flag(key, node, &settings->hosts);
    else
        return false;
    return true;
}

bool read_awake(const std::string &key, const toml::node &node, DesktopSettings *settings)
{
    if (key == "when")
        read_when(key, node, &settings->awake);
    return key == "when";
}

bool read_terminal(const std::string &key, const toml::node &node, DesktopSettings *settings)
{
    if (key == "command")
        read_strings(key, node, settings->terminal);
    return key == "command";
}

const struct {
    const char *name;
    bool (*read)(const std::string &key, const toml::node &node, DesktopSettings *settings);
} tables[] = {
    {"notifications", read_notifications},
    {"awake", read_awake},
    {"terminal", read_terminal},
};

void read_table(const char *filename, const toml::key &name, const toml::node &node,
                DesktopSettings *settings)
{
    for (const auto &known : tables) {
        if (name.str() != known.name)
            continue;
        const auto *table = node.as_table();
        if (!table)
            refuse(node, std::string(name.str()) + " must be a table");
        for (auto &&[key, value] : *table)
            if (!known.read(std::string(key.str()), value, settings))
                warn(filename, key);
        return;
    }
    warn(filename, name);
}

} // namespace

gboolean settings_toml_read(const char *text, gsize length, const char *filename,
                            DesktopSettings *settings, GError **error)
{
    auto fail = [&](const toml::source_position &at, const std::string &what) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s:%u:%u: %s", filename, at.line,
                    at.column, what.c_str());
        return FALSE;
    };
    try {
        const toml::table file = toml::parse(std::string_view(text, length));
        for (auto &&[key, value] : file)
            read_table(filename, key, value, settings);
        return TRUE;
    } catch (const toml::parse_error &problem) {
        return fail(problem.source().begin, std::string(problem.description()));
    } catch (const Refusal &refusal) {
        return fail(refusal.position, refusal.message);
    } catch (const std::exception &problem) {
        return fail({}, problem.what());
    }
}
