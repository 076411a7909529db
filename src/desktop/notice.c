/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/notice.h"

#include "ctl/format.h"
#include "ctl/text.h"
#include "desktop/info.h"

/* The approximate length of a notification's line; servers cut more. */
#define LINE_COLUMNS 240
/* More buttons than a server has room for. */
#define MAX_ANSWERS 4

static void action_free(gpointer data)
{
    NoticeAction *action = data;
    g_free(action->id);
    g_free(action->label);
    g_free(action);
}

static void add_action(GPtrArray *actions, char *id, char *label)
{
    NoticeAction *action = g_new(NoticeAction, 1);
    *action = (NoticeAction){id, label};
    g_ptr_array_add(actions, action);
}

static void add_actions(GPtrArray *actions, const char *const *pairs)
{
    for (; pairs[0]; pairs += 2)
        add_action(actions, g_strdup(pairs[0]), g_strdup(pairs[1]));
}

GPtrArray *notice_actions_new(const char *const *pairs)
{
    GPtrArray *actions = g_ptr_array_new_with_free_func(action_free);
    add_actions(actions, pairs);
    return actions;
}

/* An agent's or program's text, fit for a line. */
static char *clean_line(const char *text)
{
    g_autofree char *clean = text_clean(text, FALSE);
    return text_ellipsize(g_strstrip(clean), LINE_COLUMNS);
}

void notice_add_line(Notice *notice, const char *line)
{
    g_autofree char *body = g_steal_pointer(&notice->body);
    if (line && *line)
        notice->body = *body ? g_strconcat(body, "\n", line, NULL) : g_strdup(line);
    else
        notice->body = g_steal_pointer(&body);
}

static void add_clean_line(Notice *notice, const char *text)
{
    g_autofree char *line = clean_line(text ?: "");
    notice_add_line(notice, line);
}

/* "coder has finished 42_login" */
static char *sentence(GVariant *info, const char *what)
{
    return g_strdup_printf("%s %s %s", info_name(info, "agent_name"), what,
                           info_name(info, "story_id"));
}

static Notice *make(NoticeKind kind, GVariant *info, const char *what, char *key)
{
    Notice *notice = g_new0(Notice, 1);
    notice->kind = kind;
    notice->key = key;
    notice->title = sentence(info, what);
    notice->body = g_strdup("");
    notice->actions = g_ptr_array_new_with_free_func(action_free);
    return notice;
}

static void append_part(GString *text, char *part)
{
    if (*part)
        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", part);
    g_free(part);
}

static char *format_turns(guint64 turns)
{
    if (turns == 0)
        return g_strdup("");
    return g_strdup_printf("%" G_GUINT64_FORMAT " turn%s", turns, turns == 1 ? "" : "s");
}

static char *format_time_taken(GVariant *info)
{
    guint64 started = info_uint(info, "started"), ended = info_uint(info, "ended");
    return started > 0 && ended > started ? format_span(ended - started) : g_strdup("");
}

/* "3 turns, $0.42, 12min 3s": as reported by the agent, and how long it took. */
static void add_totals(Notice *notice, GVariant *info)
{
    g_autoptr(GString) text = g_string_new(NULL);
    double cost;
    append_part(text, format_turns(info_uint(info, "turns")));
    if (g_variant_lookup(info, "cost_usd", "d", &cost))
        append_part(text, format_cost(cost));
    append_part(text, format_time_taken(info));
    notice_add_line(notice, text->str);
}

static char *retry_line(GVariant *info, guint64 now)
{
    guint64 at = info_uint(info, "retry_at");
    if (at <= now)
        return g_strdup("");
    g_autofree char *time = at - now < G_TIME_SPAN_DAY ? format_clock(at) : format_time(at);
    return g_strdup_printf("The limit ends at %s.", time);
}

static Notice *notice_of_end(GVariant *info)
{
    static const char *const actions[] = {"show", "Show", "diff", "Diff", "resume", "Resume", NULL};
    Notice *notice = make(NOTICE_ENDED, info, "has finished", g_strdup("ended"));
    notice->category = "transfer.complete";
    notice->sound = "complete";
    notice->counts_changes = TRUE;
    add_actions(notice->actions, actions);
    add_totals(notice, info);
    return notice;
}

static Notice *notice_of_failure(GVariant *info, guint64 now)
{
    static const char *const actions[] = {"show", "Show", "diff", "Diff", "resume", "Resume", NULL};
    Notice *notice = make(NOTICE_FAILED, info, "failed on", g_strdup("failed"));
    g_autofree char *retry = retry_line(info, now);
    notice->category = "transfer.error";
    notice->sound = "dialog-error";
    notice->critical = TRUE;
    notice->counts_changes = TRUE;
    add_actions(notice->actions, actions);
    add_clean_line(notice, info_string(info, "error"));
    notice_add_line(notice, retry);
    add_totals(notice, info);
    return notice;
}

/* --- Waiting --- */

static GVariant *first_question(GVariant *info)
{
    g_autoptr(GVariant) questions =
        g_variant_lookup_value(info, "questions", G_VARIANT_TYPE("aa{sv}"));
    return questions && g_variant_n_children(questions) > 0
               ? g_variant_get_child_value(questions, 0)
               : NULL;
}

static void add_answer(Notice *notice, const char *id, const char *label)
{
    gboolean in_words = g_str_equal(id, "other"); /* a button has none */

    if (notice->actions->len <= MAX_ANSWERS && !in_words)
        add_action(notice->actions, g_strconcat("answer:", id, NULL), clean_line(label));
}

/* Options are names, or dictionaries of `id` and `name`. */
static void add_answers(Notice *notice, GVariant *question)
{
    g_autoptr(GVariant) options = g_variant_lookup_value(question, "options", NULL);
    gboolean named = options && g_variant_is_of_type(options, G_VARIANT_TYPE("aa{ss}"));
    for (gsize i = 0; options && i < g_variant_n_children(options); i++) {
        g_autoptr(GVariant) option = g_variant_get_child_value(options, i);
        const char *id = NULL, *name = NULL;
        if (named && g_variant_lookup(option, "id", "&s", &id))
            add_answer(notice, id, g_variant_lookup(option, "name", "&s", &name) ? name : id);
        else if (g_variant_is_of_type(option, G_VARIANT_TYPE_STRING))
            add_answer(notice, g_variant_get_string(option, NULL),
                       g_variant_get_string(option, NULL));
    }
}

/* A click shows; only then come the answers, so that none is given by accident. */
static Notice *notice_of_question(GVariant *info, GVariant *question)
{
    static const char *const show[] = {"show", "Show", NULL}, *const stop[] = {"stop", "Stop",
                                                                               NULL};
    Notice *notice = make(NOTICE_WAITING, info, "asks about",
                          g_strconcat("question ", info_name(question, "id"), NULL));
    add_actions(notice->actions, show);
    add_answers(notice, question);
    add_actions(notice->actions, stop);
    add_clean_line(notice, info_string(question, "title"));
    add_clean_line(notice, info_string(question, "detail"));
    return notice;
}

static Notice *notice_of_input(GVariant *info)
{
    static const char *const actions[] = {"attach", "Show", "stop", "Stop", NULL};
    const char *line = info_string(info, "unfinished_line");
    Notice *notice = make(NOTICE_WAITING, info, "is waiting for you on",
                          g_strconcat("input ", line ?: "", NULL));
    add_actions(notice->actions, actions);
    add_clean_line(notice, line);
    return notice;
}

static Notice *notice_of_limit(GVariant *info, guint64 now)
{
    static const char *const actions[] = {"show", "Show", "stop", "Stop", NULL};
    g_autofree char *retry = retry_line(info, now);
    Notice *notice = make(NOTICE_WAITING, info, "is waiting for a rate limit on",
                          g_strdup_printf("limit %" G_GUINT64_FORMAT, info_uint(info, "retry_at")));
    add_actions(notice->actions, actions);
    notice_add_line(notice, retry);
    return notice;
}

static Notice *notice_of_wait(GVariant *info, const char *waiting, guint64 now)
{
    g_autoptr(GVariant) question = first_question(info);
    Notice *notice;
    if (question)
        notice = notice_of_question(info, question);
    else if (g_str_equal(waiting, "limit"))
        notice = notice_of_limit(info, now);
    else
        notice = notice_of_input(info);
    notice->category = "im.received";
    notice->sound = "message-new-instant";
    notice->stays = !g_str_equal(waiting, "limit");
    return notice;
}

/* --- Trouble of the machine --- */

static Notice *notice_of_trouble(NoticeKind kind, GVariant *info, const char *what, char *key)
{
    static const char *const actions[] = {"show", "Show", "stop", "Stop", NULL};
    Notice *notice = make(kind, info, what, key);
    notice->category = "device.error";
    notice->sound = "dialog-warning";
    notice->critical = TRUE;
    add_actions(notice->actions, actions);
    return notice;
}

static Notice *notice_of_full_disk(GVariant *info)
{
    Notice *notice =
        notice_of_trouble(NOTICE_DISK_FULL, info, "is paused on", g_strdup("disk full"));
    notice_add_line(notice, "The disk is full: it continues as soon as there is space.");
    return notice;
}

static Notice *notice_of_memory(GVariant *info, guint64 kills)
{
    Notice *notice = notice_of_trouble(NOTICE_MEMORY, info, "ran out of memory on",
                                       g_strdup_printf("memory %" G_GUINT64_FORMAT, kills));
    g_autofree char *line =
        g_strdup_printf("%" G_GUINT64_FORMAT " of its processes %s killed for memory.", kills,
                        kills == 1 ? "was" : "were");
    notice_add_line(notice, line);
    return notice;
}

static Notice *notice_of_live(GVariant *info, guint64 now)
{
    const char *waiting = info_waits_for(info, now);
    guint64 kills = info_uint(info, "oom_kills");
    if (waiting)
        return notice_of_wait(info, waiting, now);
    if (info_flag(info, "disk_full"))
        return notice_of_full_disk(info);
    return kills > 0 ? notice_of_memory(info, kills) : NULL;
}

static Notice *notice_of_ended(GVariant *info, guint64 now)
{
    if (g_str_equal(info_name(info, "status"), "completed"))
        return notice_of_end(info);
    return g_str_equal(info_name(info, "status"), "failed") ? notice_of_failure(info, now) : NULL;
}

/* "project", or "project on gpu1" */
static char *place_of(GVariant *info)
{
    const char *host = info_string(info, "host");
    g_autofree char *project = info_project_name(info);
    return host ? g_strdup_printf("%s on %s", project, host) : g_steal_pointer(&project);
}

Notice *notice_new(GVariant *info, guint64 now)
{
    g_autofree char *place = place_of(info);
    Notice *notice = info_is_live(info) ? notice_of_live(info, now) : notice_of_ended(info, now);
    if (!notice)
        return NULL;
    notice->project = clean_line(place);
    notice->far = info_string(info, "host") != NULL;
    return notice;
}

char *notice_dup_text(const Notice *notice)
{
    gboolean both = *notice->body && *notice->project;
    return g_strconcat(notice->body, both ? "\n" : "", notice->project, NULL);
}

void notice_free(Notice *notice)
{
    g_free(notice->key);
    g_free(notice->title);
    g_free(notice->body);
    g_free(notice->project);
    g_ptr_array_unref(notice->actions);
    g_free(notice);
}
