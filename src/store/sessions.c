/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sessions.h"

#include "base/json-file.h"
#include "base/names.h"
#include "base/util.h"
#include "store/folder.h"
#include "store/usage-json.h"

/* The summary of @run_id where that was a run of the session. Caller unrefs. */
static JsonObject *summary_of(const char *run_id, const char *session_id)
{
    autofd folder_fd = run_folder_open(run_id, NULL);
    g_autoptr(JsonObject) summary =
        folder_fd < 0 ? NULL : json_file_read(folder_fd, "summary.json", NULL);
    if (!summary || g_strcmp0(json_get_string(summary, "session_id"), session_id) != 0)
        return NULL;
    return g_steal_pointer(&summary);
}

void session_usage_find(const char *session_id, Usage *ret_usage)
{
    g_autofree char *parent = runs_folder();
    g_autoptr(GDir) dir = g_dir_open(parent, 0, NULL);
    guint64 latest = 0;
    const char *name;
    *ret_usage = (Usage){0};
    while (dir && (name = g_dir_read_name(dir))) {
        g_autoptr(JsonObject) summary = run_id_is_valid(name) ? summary_of(name, session_id) : NULL;
        guint64 ended = summary ? json_get_uint(summary, "ended", 0) : 0;
        if (ended <= latest)
            continue;
        latest = ended;
        json_read_usage(json_get_object(summary, "session_usage"), ret_usage);
    }
}
