/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/question-bar.h"

#include <glib/gi18n.h>

#include "ctl/text.h"
#include "monitor/command.h"
#include "monitor/far-run.h"
#include "monitor/report.h"

struct _MonitorQuestionBar {
    AdwBin parent;
    GtkRevealer *revealer;
    GtkLabel *title, *detail;
    GtkEntry *message;
    GtkBox *options;
    StorkitRun *run;
    char *question; /* the id of the one that is shown, or NULL */
};

G_DEFINE_FINAL_TYPE(MonitorQuestionBar, monitor_question_bar, ADW_TYPE_BIN)

static void on_answered(GObject *run, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorQuestionBar) self = data;
    g_autoptr(GError) error = NULL;
    if (!storkit_run_answer_finish(STORKIT_RUN(run), result, &error))
        report_error(GTK_WIDGET(self), error);
    gtk_widget_set_sensitive(GTK_WIDGET(self->options), TRUE);
}

static void on_answered_far(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(MonitorQuestionBar) self = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) output = command_run_finish(result, &error);
    if (error)
        report_error(GTK_WIDGET(self), error);
    gtk_widget_set_sensitive(GTK_WIDGET(self->options), TRUE);
}

static void answer_far(MonitorQuestionBar *self, const char *option, const char *words)
{
    const char *arguments[] = {"answer", storkit_run_get_run_id(self->run), self->question,
                               option,   *words ? "--message" : NULL,       words,
                               NULL};
    command_run_async(self->run, arguments, NULL, on_answered_far, g_object_ref(self));
}

static void answer(MonitorQuestionBar *self, const char *option, const char *words)
{
    GVariantDict details = G_VARIANT_DICT_INIT(NULL);
    if (*words)
        g_variant_dict_insert(&details, "message", "s", words);
    storkit_run_answer_async(self->run, self->question, option, g_variant_dict_end(&details), NULL,
                             on_answered, g_object_ref(self));
}

static void on_option(GtkWidget *button, gpointer data)
{
    MonitorQuestionBar *self = data;
    const char *option = g_object_get_data(G_OBJECT(button), "option");
    const char *words = gtk_editable_get_text(GTK_EDITABLE(self->message));
    gtk_widget_set_sensitive(GTK_WIDGET(self->options), FALSE);
    if (far_run_get_host(self->run))
        answer_far(self, option, words);
    else
        answer(self, option, words);
}

static void clear_options(MonitorQuestionBar *self)
{
    GtkWidget *child;
    while ((child = gtk_widget_get_first_child(GTK_WIDGET(self->options))))
        gtk_box_remove(self->options, child);
}

static void add_option(MonitorQuestionBar *self, GVariant *option, gboolean first)
{
    const char *id, *name;
    if (!g_variant_lookup(option, "id", "&s", &id))
        return;
    if (!g_variant_lookup(option, "name", "&s", &name))
        name = id;
    g_autofree char *label = text_clean(name, FALSE);
    GtkWidget *button = gtk_button_new_with_label(label);
    g_object_set_data_full(G_OBJECT(button), "option", g_strdup(id), g_free);
    if (first)
        gtk_widget_add_css_class(button, "suggested-action");
    g_signal_connect(button, "clicked", G_CALLBACK(on_option), self);
    gtk_box_append(self->options, button);
}

/* They are a{ss}, or in later versions may be a{sv}. */
static GVariant *plain_option(GVariant *element)
{
    if (g_variant_is_of_type(element, G_VARIANT_TYPE_VARDICT))
        return g_variant_ref(element);
    GVariantDict dict = G_VARIANT_DICT_INIT(NULL);
    GVariantIter iter;
    const char *key, *value;
    g_variant_iter_init(&iter, element);
    while (g_variant_iter_next(&iter, "{&s&s}", &key, &value))
        g_variant_dict_insert(&dict, key, "s", value);
    return g_variant_ref_sink(g_variant_dict_end(&dict));
}

static void show_options(MonitorQuestionBar *self, GVariant *question)
{
    g_autoptr(GVariant) options = g_variant_lookup_value(question, "options", NULL);
    clear_options(self);
    for (gsize i = 0; options && i < g_variant_n_children(options); i++) {
        g_autoptr(GVariant) element = g_variant_get_child_value(options, i);
        g_autoptr(GVariant) option = plain_option(element);
        add_option(self, option, i == 0);
    }
}

static void show_words(GtkLabel *label, GVariant *question, const char *key)
{
    const char *text = "";
    (void)g_variant_lookup(question, key, "&s", &text);
    g_autofree char *clean = text_clean(text, TRUE);
    gtk_label_set_text(label, clean);
    gtk_widget_set_visible(GTK_WIDGET(label), *clean != '\0');
}

static void show_question(MonitorQuestionBar *self, GVariant *question, const char *id)
{
    g_free(self->question);
    self->question = g_strdup(id);
    show_words(self->title, question, "title");
    show_words(self->detail, question, "detail");
    gtk_editable_set_text(GTK_EDITABLE(self->message), "");
    show_options(self, question);
}

static void on_questions(MonitorQuestionBar *self)
{
    GVariant *questions = self->run ? storkit_run_get_questions(self->run) : NULL;
    g_autoptr(GVariant) first = questions ? g_variant_get_child_value(questions, 0) : NULL;
    const char *id = NULL;
    gboolean there = first && g_variant_lookup(first, "id", "&s", &id);
    gtk_revealer_set_reveal_child(self->revealer, there);
    gtk_widget_set_visible(GTK_WIDGET(self), there);
    if (there && g_strcmp0(id, self->question) != 0)
        show_question(self, first, id);
    else if (!there)
        g_clear_pointer(&self->question, g_free);
}

static void forget_run(MonitorQuestionBar *self)
{
    if (self->run)
        g_signal_handlers_disconnect_by_data(self->run, self);
    g_clear_object(&self->run);
}

void monitor_question_bar_set_run(MonitorQuestionBar *self, StorkitRun *run)
{
    forget_run(self);
    g_clear_pointer(&self->question, g_free);
    if (run) {
        self->run = g_object_ref(run);
        g_signal_connect_swapped(run, "notify::questions", G_CALLBACK(on_questions), self);
    }
    on_questions(self);
}

static void monitor_question_bar_dispose(GObject *object)
{
    MonitorQuestionBar *self = MONITOR_QUESTION_BAR(object);
    forget_run(self);
    g_clear_pointer(&self->question, g_free);
    G_OBJECT_CLASS(monitor_question_bar_parent_class)->dispose(object);
}

static void monitor_question_bar_class_init(MonitorQuestionBarClass *class)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(class);
    G_OBJECT_CLASS(class)->dispose = monitor_question_bar_dispose;
    gtk_widget_class_set_template_from_resource(widget, "/org/storkit/Monitor/question-bar.ui");
    gtk_widget_class_bind_template_child(widget, MonitorQuestionBar, revealer);
    gtk_widget_class_bind_template_child(widget, MonitorQuestionBar, title);
    gtk_widget_class_bind_template_child(widget, MonitorQuestionBar, detail);
    gtk_widget_class_bind_template_child(widget, MonitorQuestionBar, message);
    gtk_widget_class_bind_template_child(widget, MonitorQuestionBar, options);
}

static void monitor_question_bar_init(MonitorQuestionBar *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}
