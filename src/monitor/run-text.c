/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/run-text.h"

#include <glib/gi18n.h>

#include "ctl/format.h"

gboolean run_is_live(StorkitRun *run)
{
    StorkitRunStatus status = storkit_run_get_status(run);
    return status == STORKIT_RUN_STATUS_PENDING || status == STORKIT_RUN_STATUS_RUNNING;
}

char *run_dup_project_name(StorkitRun *run)
{
    return g_path_get_basename(storkit_run_get_project_root(run) ?: "");
}

char *run_dup_name(StorkitRun *run)
{
    /* Translators: a story and the agent that works on it. */
    return g_strdup_printf(_("%s, %s"), storkit_run_get_story_id(run),
                           storkit_run_get_agent_name(run));
}

/* --- The status --- */

static char *first_question(StorkitRun *run)
{
    GVariant *questions = storkit_run_get_questions(run);
    g_autoptr(GVariant) question = questions ? g_variant_get_child_value(questions, 0) : NULL;
    const char *title;
    if (!question || !g_variant_lookup(question, "title", "&s", &title))
        return g_strdup(_("waits for an answer"));
    return g_strdup_printf(_("asks: %s"), title);
}

static char *limit_text(StorkitRun *run)
{
    guint64 retry = storkit_run_get_retry_at(run);
    if (retry == 0)
        return g_strdup(_("waits for the end of a usage limit"));
    g_autofree char *time = format_time(retry);
    return g_strdup_printf(_("usage limit until %s"), time);
}

static char *waiting_text(StorkitRun *run)
{
    const char *waiting = storkit_run_get_waiting(run);
    if (g_str_equal(waiting, "limit"))
        return limit_text(run);
    if (g_str_equal(waiting, "setup"))
        return g_strdup(_("prepares its worktree"));
    return first_question(run);
}

static char *pending_text(StorkitRun *run)
{
    guint position = storkit_run_get_queue_position(run);
    return position > 0 ? g_strdup_printf(_("number %u in the queue"), position)
                        : g_strdup(_("is about to start"));
}

static char *running_text(StorkitRun *run)
{
    if (storkit_run_get_frozen(run))
        return g_strdup(_("frozen"));
    if (storkit_run_get_disk_full(run))
        return g_strdup(_("paused: the disk is full"));
    g_autofree char *time = format_clock(storkit_run_get_started(run));
    return g_strdup_printf(_("running since %.5s"), time);
}

static char *ended_text(StorkitRun *run)
{
    guint64 started = storkit_run_get_started(run), ended = storkit_run_get_ended(run);
    g_autofree char *span = format_span(started > 0 && ended > started ? ended - started : 0);
    if (storkit_run_get_status(run) == STORKIT_RUN_STATUS_COMPLETED)
        return g_strdup_printf(_("completed in %s"), span);
    const char *error = storkit_run_get_error(run);
    return error ? g_strdup_printf(_("failed: %s"), error) : g_strdup(_("failed"));
}

char *run_dup_status(StorkitRun *run)
{
    if (!run_is_live(run))
        return ended_text(run);
    if (storkit_run_get_waiting(run))
        return waiting_text(run);
    return storkit_run_get_status(run) == STORKIT_RUN_STATUS_PENDING ? pending_text(run)
                                                                     : running_text(run);
}

/* --- Sums --- */

static void add_part(GString *text, char *part)
{
    g_string_append_printf(text, "%s%s", text->len > 0 ? " · " : "", part);
    g_free(part);
}

static void add_tokens(StorkitRun *run, GString *text)
{
    g_autofree char *in = format_count(storkit_run_get_input_tokens(run));
    g_autofree char *out = format_count(storkit_run_get_output_tokens(run));
    if (storkit_run_get_output_tokens(run) > 0)
        add_part(text, g_strdup_printf(_("%s tokens in, %s out"), in, out));
}

char *run_dup_totals(StorkitRun *run)
{
    GString *text = g_string_new(NULL);
    guint turns = storkit_run_get_turns(run);
    if (turns > 0)
        add_part(text, g_strdup_printf(ngettext("%u turn", "%u turns", turns), turns));
    if (storkit_run_get_cost_usd(run) > 0)
        add_part(text, format_cost(storkit_run_get_cost_usd(run)));
    add_tokens(run, text);
    return g_string_free(text, FALSE);
}

/* --- Pictures --- */

typedef enum { PENDING, RUNNING, FROZEN, WAITING, COMPLETED, FAILED } Look;

static const struct {
    const char *icon, *style;
} looks[] = {
    [PENDING] = {"content-loading-symbolic", "dim-label"},
    [RUNNING] = {"media-playback-start-symbolic", "accent"},
    [FROZEN] = {"media-playback-pause-symbolic", "warning"},
    [WAITING] = {"dialog-question-symbolic", "warning"},
    [COMPLETED] = {"emblem-ok-symbolic", "success"},
    [FAILED] = {"dialog-error-symbolic", "error"},
};

static Look look_of(StorkitRun *run)
{
    StorkitRunStatus status = storkit_run_get_status(run);
    const char *waiting = storkit_run_get_waiting(run);
    if (!run_is_live(run))
        return status == STORKIT_RUN_STATUS_COMPLETED ? COMPLETED : FAILED;
    if (waiting && !g_str_equal(waiting, "setup"))
        return WAITING;
    if (status == STORKIT_RUN_STATUS_PENDING)
        return PENDING;
    return storkit_run_get_frozen(run) ? FROZEN : RUNNING;
}

const char *run_icon(StorkitRun *run)
{
    return looks[look_of(run)].icon;
}

const char *run_style(StorkitRun *run)
{
    return looks[look_of(run)].style;
}

GVariant *run_resume_options(StorkitRun *run)
{
    GVariantDict options = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert(&options, "resume", "s", storkit_run_get_session_id(run) ?: "last");
    return g_variant_dict_end(&options);
}
