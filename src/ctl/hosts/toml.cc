/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <toml++/toml.h>

#include <string>
#include <string_view>

/* Before the block below: GLib's headers hold C++ templates of their own. */
#include <glib.h>

extern "C" {
#include "ctl/ctl-error.h"
#include "ctl/hosts/names.h"
}

/*
 * Reads ctl.toml with toml++, without exceptions.
 */

namespace
{

gboolean refuse(GError **error, const char *filename, const toml::source_position &at,
                const std::string &what)
{
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE, "%s:%u:%u: %s", filename, at.line, at.column,
                what.c_str());
    return FALSE;
}

gboolean read_hosts(const toml::node &node, const char *filename, GPtrArray *hosts, GError **error)
{
    const auto *array = node.as_array();
    if (!array)
        return refuse(error, filename, node.source().begin, "hosts must be an array of strings");
    for (const toml::node &element : *array) {
        const auto *text = element.as_string();
        if (!text || text->get().find('\0') != std::string::npos)
            return refuse(error, filename, element.source().begin,
                          "hosts must be an array of strings");
        g_ptr_array_add(hosts, g_strdup(text->get().c_str()));
    }
    return TRUE;
}

} // namespace

gboolean hosts_toml_read(const char *text, gsize length, const char *filename, GPtrArray *hosts,
                         GError **error)
{
    const toml::parse_result file = toml::parse(std::string_view(text, length));
    if (!file)
        return refuse(error, filename, file.error().source().begin,
                      std::string(file.error().description()));
    for (auto &&[key, value] : file.table()) {
        if (key.str() != "hosts")
            return refuse(error, filename, key.source().begin,
                          "unknown key " + std::string(key.str()));
        if (!read_hosts(value, filename, hosts, error))
            return FALSE;
    }
    return TRUE;
}
