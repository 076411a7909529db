/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/run-actions.h"

#include <glib/gi18n.h>

#include "monitor/command.h"
#include "monitor/far-run.h"
#include "monitor/report.h"
#include "monitor/run-text.h"

struct _MonitorRunActions {
    GObject parent;
    GtkWidget *widget;
    GSimpleActionGroup *group;
    StorkitPool *pool;
    StorkitRun *run;
};

G_DEFINE_FINAL_TYPE(MonitorRunActions, monitor_run_actions, G_TYPE_OBJECT)

/* One that a person has begun, and its run: the window may show another one by its end. */
typedef struct {
    MonitorRunActions *actions;
    StorkitRun *run;
    const char *said; /* by on_far_done(), or NULL */
} Deed;

static Deed *deed_new(MonitorRunActions *actions, StorkitRun *run)
{
    Deed *deed = g_new(Deed, 1);
    *deed = (Deed){.actions = g_object_ref(actions), .run = g_object_ref(run)};
    return deed;
}

static void deed_free(Deed *deed)
{
    g_object_unref(deed->actions);
    g_object_unref(deed->run);
    g_free(deed);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Deed, deed_free)

/* @text (or NULL) is said of the run where there is no @error. */
static void report(Deed *deed, const GError *error, const char *text)
{
    GtkWidget *widget = deed->actions->widget;
    if (!widget)
        return;
    g_autofree char *name = run_dup_name(deed->run);
    g_autofree char *said = text ? g_strdup_printf("%s: %s", name, text) : NULL;
    if (error)
        report_error(widget, error);
    else if (said)
        report_done(widget, said);
}

static void forget_deed(gpointer data, GClosure *closure)
{
    deed_free(data);
}

/* Asks; @handler acts upon the response "yes". */
static void ask(MonitorRunActions *self, const char *heading, const char *body, const char *yes,
                AdwResponseAppearance appearance, GCallback handler)
{
    GtkRoot *root = gtk_widget_get_root(self->widget);
    AdwMessageDialog *dialog =
        ADW_MESSAGE_DIALOG(adw_message_dialog_new(root ? GTK_WINDOW(root) : NULL, heading, body));
    adw_message_dialog_add_responses(dialog, "cancel", _("_Cancel"), "yes", yes, NULL);
    adw_message_dialog_set_response_appearance(dialog, "yes", appearance);
    adw_message_dialog_set_default_response(dialog, "yes");
    adw_message_dialog_set_close_response(dialog, "cancel");
    g_signal_connect_data(dialog, "response", handler, deed_new(self, self->run), forget_deed, 0);
    gtk_window_present(GTK_WINDOW(dialog));
}

/* --- On another machine --- */

static void on_far_done(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Deed) deed = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) output = command_run_finish(result, &error);
    report(deed, error, deed->said);
}

/* @said (or NULL) is a literal: it is said of the run once it is done. */
static void run_far(MonitorRunActions *self, StorkitRun *run, const char *verb, const char *name,
                    const char *said)
{
    const char *const arguments[] = {verb, name, NULL};
    Deed *deed = deed_new(self, run);
    deed->said = said;
    command_run_async(run, arguments, NULL, on_far_done, deed);
}

/* --- Stop --- */

static void on_stopped(GObject *run, GAsyncResult *result, gpointer data)
{
    g_autoptr(Deed) deed = data;
    g_autoptr(GError) error = NULL;
    (void)storkit_run_stop_finish(STORKIT_RUN(run), result, &error);
    report(deed, error, _("stopped"));
}

static void on_stop_answer(AdwMessageDialog *dialog, const char *response, Deed *deed)
{
    if (!g_str_equal(response, "yes"))
        return;
    if (far_run_get_host(deed->run))
        run_far(deed->actions, deed->run, "stop", storkit_run_get_run_id(deed->run), _("stopped"));
    else
        storkit_run_stop_async(deed->run, NULL, on_stopped, deed_new(deed->actions, deed->run));
}

static void stop(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    MonitorRunActions *self = data;
    g_autofree char *name = run_dup_name(self->run);
    g_autofree char *heading = g_strdup_printf(_("Stop %s?"), name);
    ask(self, heading,
        run_is_live(self->run) ? _("The agent ends, and all that it has started. Its worktree and "
                                   "its work stay.")
                               : _("The run leaves the list. Its worktree and its work stay."),
        _("_Stop"), ADW_RESPONSE_DESTRUCTIVE, G_CALLBACK(on_stop_answer));
}

/* --- Freeze --- */

static void on_frozen(GObject *run, GAsyncResult *result, gpointer data)
{
    g_autoptr(Deed) deed = data;
    g_autoptr(GError) error = NULL;
    (void)storkit_run_freeze_finish(STORKIT_RUN(run), result, &error);
    report(deed, error, NULL);
}

static void on_thawed(GObject *run, GAsyncResult *result, gpointer data)
{
    g_autoptr(Deed) deed = data;
    g_autoptr(GError) error = NULL;
    (void)storkit_run_thaw_finish(STORKIT_RUN(run), result, &error);
    report(deed, error, NULL);
}

/* The state follows the run's own, once it has changed. */
static void freeze(GSimpleAction *action, GVariant *value, gpointer data)
{
    MonitorRunActions *self = data;
    if (far_run_get_host(self->run))
        run_far(self, self->run, g_variant_get_boolean(value) ? "freeze" : "thaw",
                storkit_run_get_run_id(self->run), NULL);
    else if (g_variant_get_boolean(value))
        storkit_run_freeze_async(self->run, NULL, on_frozen, deed_new(self, self->run));
    else
        storkit_run_thaw_async(self->run, NULL, on_thawed, deed_new(self, self->run));
}

/* --- Resume --- */

static void on_resumed(GObject *pool, GAsyncResult *result, gpointer data)
{
    g_autoptr(Deed) deed = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(StorkitRun) run = storkit_pool_start_finish(STORKIT_POOL(pool), result, &error);
    report(deed, error, _("resumed"));
    if (run && deed->actions->widget)
        gtk_widget_activate_action(deed->actions->widget, "win.show-run", "s",
                                   storkit_run_get_run_id(run));
}

/* The new run comes into the list as all of that machine's do. */
static void resume_far(MonitorRunActions *self)
{
    g_autofree char *name = g_strdup_printf("%s/%s", storkit_run_get_story_id(self->run),
                                            storkit_run_get_agent_name(self->run));
    run_far(self, self->run, "resume", name, _("resumed"));
}

static void resume(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    MonitorRunActions *self = data;
    if (far_run_get_host(self->run)) {
        resume_far(self);
        return;
    }
    storkit_pool_start_async(self->pool, storkit_run_get_project_root(self->run),
                             storkit_run_get_story_id(self->run),
                             storkit_run_get_agent_name(self->run), run_resume_options(self->run),
                             NULL, on_resumed, deed_new(self, self->run));
}

/* --- Merge --- */

static void on_merged(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(Deed) deed = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) output = command_run_finish(result, &error);
    report(deed, error, _("merged"));
}

static void on_merge_answer(AdwMessageDialog *dialog, const char *response, Deed *deed)
{
    const char *const arguments[] = {"merge", storkit_run_get_story_id(deed->run), NULL};
    if (g_str_equal(response, "yes"))
        command_run_async(deed->run, arguments, NULL, on_merged,
                          deed_new(deed->actions, deed->run));
}

static void merge(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    MonitorRunActions *self = data;
    g_autofree char *heading = g_strdup_printf(_("Merge %s?"), storkit_run_get_story_id(self->run));
    g_autofree char *body =
        g_strdup_printf(_("Its commits go into %s; its worktree and its branch are removed. "
                          "Nothing changes if there is a conflict."),
                        storkit_run_get_base_branch(self->run) ?: _("its base"));
    ask(self, heading, body, _("_Merge"), ADW_RESPONSE_SUGGESTED, G_CALLBACK(on_merge_answer));
}

/* --- Which are possible --- */

static void set_enabled(MonitorRunActions *self, const char *name, gboolean enabled)
{
    GAction *action = g_action_map_lookup_action(G_ACTION_MAP(self->group), name);
    g_simple_action_set_enabled(G_SIMPLE_ACTION(action), enabled);
}

static void update(MonitorRunActions *self)
{
    gboolean live = self->run && run_is_live(self->run);
    gboolean running = self->run && storkit_run_get_status(self->run) == STORKIT_RUN_STATUS_RUNNING;
    GAction *freezing = g_action_map_lookup_action(G_ACTION_MAP(self->group), "freeze");
    set_enabled(self, "stop", self->run != NULL);
    set_enabled(self, "freeze", running);
    set_enabled(self, "resume", self->run && !live);
    set_enabled(self, "merge", self->run && !live && !far_run_get_host(self->run));
    g_simple_action_set_state(
        G_SIMPLE_ACTION(freezing),
        g_variant_new_boolean(self->run && storkit_run_get_frozen(self->run)));
}

static void forget_run(MonitorRunActions *self)
{
    if (self->run)
        g_signal_handlers_disconnect_by_data(self->run, self);
    g_clear_object(&self->run);
}

void monitor_run_actions_set_run(MonitorRunActions *self, StorkitPool *pool, StorkitRun *run)
{
    forget_run(self);
    g_set_object(&self->pool, pool);
    if (run) {
        self->run = g_object_ref(run);
        g_signal_connect_swapped(run, "notify::status", G_CALLBACK(update), self);
        g_signal_connect_swapped(run, "notify::frozen", G_CALLBACK(update), self);
    }
    update(self);
}

GActionGroup *monitor_run_actions_get_group(MonitorRunActions *self)
{
    return G_ACTION_GROUP(self->group);
}

MonitorRunActions *monitor_run_actions_new(GtkWidget *widget)
{
    MonitorRunActions *self = g_object_new(MONITOR_TYPE_RUN_ACTIONS, NULL);
    g_set_weak_pointer(&self->widget, widget);
    update(self);
    return self;
}

static void monitor_run_actions_finalize(GObject *object)
{
    MonitorRunActions *self = MONITOR_RUN_ACTIONS(object);
    forget_run(self);
    g_clear_weak_pointer(&self->widget);
    g_clear_object(&self->pool);
    g_object_unref(self->group);
    G_OBJECT_CLASS(monitor_run_actions_parent_class)->finalize(object);
}

static void monitor_run_actions_class_init(MonitorRunActionsClass *class)
{
    G_OBJECT_CLASS(class)->finalize = monitor_run_actions_finalize;
}

static void monitor_run_actions_init(MonitorRunActions *self)
{
    static const GActionEntry entries[] = {
        {.name = "stop", .activate = stop},
        {.name = "freeze", .state = "false", .change_state = freeze},
        {.name = "resume", .activate = resume},
        {.name = "merge", .activate = merge},
    };
    self->group = g_simple_action_group_new();
    g_action_map_add_action_entries(G_ACTION_MAP(self->group), entries, G_N_ELEMENTS(entries),
                                    self);
}
