/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bus-names.h"
#include "desktop/actions.h"

#include <string.h>

#include "desktop/actions-far.h"
#include "desktop/info.h"
#include "desktop/monitor.h"
#include "desktop/programs.h"
#include "desktop/terminal.h"

/* After the command comes a shell, in the run's folder, so that the output stays readable. */
#define SHOW_SCRIPT "\"$@\"; exec \"${SHELL:-/bin/sh}\""

typedef struct {
    ActionDone done;
    gpointer data;
} Pending;

static const char *folder_of(GVariant *info)
{
    const char *worktree = info_string(info, "worktree_path");
    return worktree && g_file_test(worktree, G_FILE_TEST_IS_DIR) ? worktree
                                                                 : info_name(info, "project_root");
}

static gboolean open_verb(GDBusConnection *bus, const char *verb, GVariant *info, const char *token,
                          GError **error)
{
    g_autofree char *run =
        g_strdup_printf("%s/%s", info_name(info, "story_id"), info_name(info, "agent_name"));
    gboolean takes_story = g_str_equal(verb, "diff");
    g_autoptr(GPtrArray) words = program_storkitctl_words(info);
    const char *const script[] = {"sh", "-c", SHOW_SCRIPT, "storkit"};
    for (gsize i = 0; i < G_N_ELEMENTS(script); i++)
        g_ptr_array_insert(words, (int)i, g_strdup(script[i]));
    char **argv =
        program_add_words(words, verb, takes_story ? info_name(info, "story_id") : run, NULL);
    return desktop_terminal_open(bus, folder_of(info), (const char *const *)argv, token, error);
}

gboolean action_open_top_of_hosts(GDBusConnection *bus, const char *token, GError **error)
{
    const char *const argv[] = {program_storkitctl(), "-H", "all", "top", "--everywhere", NULL};
    return desktop_terminal_open(bus, g_get_home_dir(), argv, token, error);
}

gboolean action_open_top(GDBusConnection *bus, const char *root, const char *token, GError **error)
{
    const char *const here[] = {program_storkitctl(), "-C", root, "top", NULL};
    const char *const everywhere[] = {program_storkitctl(), "top", "--everywhere", NULL};
    return desktop_terminal_open(bus, root ?: g_get_home_dir(), root ? here : everywhere, token,
                                 error);
}

/* --- The service --- */

static void on_replied(GObject *bus, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(bus), result, &error);
    g_autofree Pending *pending = data;
    if (error)
        g_dbus_error_strip_remote_error(error);
    if (pending->done)
        pending->done(error, pending->data);
}

/* However long it takes: a stop waits for the run's end. */
static void ask(GDBusConnection *bus, const char *method, GVariant *parameters, ActionDone done,
                gpointer data)
{
    Pending *pending = g_new(Pending, 1);
    *pending = (Pending){done, data};
    g_dbus_connection_call(bus, STORKIT_BUS_NAME, STORKIT_OBJECT_PATH, STORKIT_INTERFACE, method,
                           parameters, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, on_replied,
                           pending);
}

static GVariant *run_parameters(GVariant *info)
{
    return g_variant_new("(sss)", info_name(info, "project_root"), info_name(info, "story_id"),
                         info_name(info, "agent_name"));
}

static GVariant *resume_parameters(GVariant *info)
{
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&options, "resume", "s", info_string(info, "session_id") ?: "last");
    return g_variant_new("(sss@a{sv})", info_name(info, "project_root"),
                         info_name(info, "story_id"), info_name(info, "agent_name"),
                         g_variant_dict_end(&options));
}

static GVariant *answer_parameters(GVariant *info, const char *option)
{
    g_autofree char *question = info_first_question(info);
    return g_variant_new("(sss@a{sv})", info_name(info, "run_id"), question, option,
                         g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0));
}

/* --- The window, or a terminal where there is none --- */

typedef struct {
    GDBusConnection *bus;
    GVariant *info;
    char *token;
    ActionDone done;
    gpointer data;
} Showing;

static void on_shown(const GError *problem, gpointer data)
{
    g_autofree Showing *showing = data;
    g_autoptr(GError) error = NULL;
    if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        (void)open_verb(showing->bus, "watch", showing->info, showing->token, &error);
    else if (problem)
        error = g_error_copy(problem);
    if (showing->done)
        showing->done(error, showing->data);
    g_object_unref(showing->bus);
    g_variant_unref(showing->info);
    g_free(showing->token);
}

static void show(GDBusConnection *bus, GVariant *info, const char *token, ActionDone done,
                 gpointer data)
{
    Showing *showing = g_new(Showing, 1);
    *showing = (Showing){g_object_ref(bus), g_variant_ref(info), g_strdup(token), done, data};
    desktop_monitor_open(bus, info_string(info, "run_id"), token, on_shown, showing);
}

void action_run(GDBusConnection *bus, const char *action, GVariant *info, const char *token,
                ActionDone done, gpointer data)
{
    static const char *const verbs[][2] = {
        {"attach", "attach"}, {"diff", "diff"}, {"show", "watch"}};
    g_autoptr(GError) error = NULL;
    if (info_string(info, "host") && action_run_far(action, info, done, data))
        return;
    if (g_str_has_prefix(action, ACTION_ANSWER)) {
        ask(bus, "Answer", answer_parameters(info, action + strlen(ACTION_ANSWER)), done, data);
        return;
    }
    if (g_str_equal(action, "show") && !info_string(info, "host")) {
        show(bus, info, token, done, data);
        return;
    }
    if (g_str_equal(action, "stop")) {
        ask(bus, "Stop", run_parameters(info), done, data);
        return;
    }
    if (g_str_equal(action, "resume")) {
        ask(bus, "StartWithOptions", resume_parameters(info), done, data);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_str_equal(action, verbs[i][0]))
            (void)open_verb(bus, verbs[i][1], info, token, &error);
    if (done)
        done(error, data);
}
