/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/events.h"

#include <stdio.h>
#include <string.h>

#include "ctl/format.h"
#include "ctl/json-path.h"
#include "ctl/summary.h"
#include "ctl/text.h"

static gboolean is_type(JsonObject *event, const char *type)
{
    return g_strcmp0(json_get_string(event, "type"), type) == 0;
}

static gboolean is_status(JsonObject *event, const char *status)
{
    return is_type(event, "status") && g_strcmp0(json_get_string(event, "status"), status) == 0;
}

gboolean event_is_last(JsonObject *event)
{
    return is_type(event, "done") || is_type(event, "error") || is_status(event, "stopped");
}

static void reserve(EventView *view, const char *story, const char *agent)
{
    view->story_width = MAX(view->story_width, text_width(story));
    view->agent_width = MAX(view->agent_width, text_width(agent));
}

void event_view_reserve(EventView *view, const RunInfo *info)
{
    reserve(view, info->story, info->agent);
}

static char *text_of_output(JsonObject *event)
{
    const char *shown = json_get_string(event, "shown");
    const char *text = shown ?: json_get_string(event, "text") ?: "";
    if (shown && !*shown)
        return NULL; /* wiped */
    if (!json_get_boolean(event, "truncated"))
        return g_strdup(text);
    g_autofree char *size = format_bytes((guint64)json_get_int(event, "length"));
    return g_strdup_printf("%s… (a line of %s; the transcript has it whole)", text, size);
}

/* Takes @part. */
static void append_part(GString *text, char *part)
{
    g_string_append_printf(text, "%s%s", strchr(text->str, ':') ? ", " : ": ", part);
    g_free(part);
}

static char *tokens_of(JsonObject *event)
{
    g_autofree char *in = format_count((guint64)json_get_int(event, "input_tokens"));
    g_autofree char *out = format_count((guint64)json_get_int(event, "output_tokens"));
    return g_strdup_printf("%s tokens in, %s out", in, out);
}

static char *text_of_done(JsonObject *event)
{
    GString *text = g_string_new("completed");
    gint64 turns = json_get_int(event, "turns");
    if (turns > 0)
        append_part(text,
                    g_strdup_printf("%" G_GINT64_FORMAT " turn%s", turns, turns == 1 ? "" : "s"));
    if (json_object_has_member(event, "cost_usd"))
        append_part(text, format_cost(json_get_double(event, "cost_usd")));
    else if (json_object_has_member(event, "output_tokens"))
        append_part(text, tokens_of(event));
    return g_string_free(text, FALSE);
}

/* Words that a person would not know. */
static const struct {
    const char *status, *text;
} status_texts[] = {
    {"disk_full", "the disk is full: the agent waits for space"},
    {"waiting", "waits for an answer: `storkitctl answer` gives one"},
    {"budget_low", "80 per cent of the project's budget for the day are spent"},
    {"budget_spent", "the project's budget for the day is spent"},
    {"oom_kill", "out of memory: the kernel killed one of its processes"},
};

/* A question has its own words. */
static char *text_of_limit(JsonObject *event)
{
    guint64 retry = (guint64)json_get_int(event, "retry_at");
    if (retry == 0)
        return g_strdup("waits for the end of a usage limit");
    g_autofree char *time = format_time(retry);
    return g_strdup_printf("goes on after its usage limit at %s", time);
}

static char *text_of_status(JsonObject *event, Style *ret_style)
{
    const char *status = json_get_string(event, "status") ?: "?";
    *ret_style = g_str_equal(status, "running") ? STYLE_GOOD : STYLE_WARN;
    if (g_strcmp0(json_get_string(event, "waiting"), "limit") == 0)
        return text_of_limit(event);
    for (gsize i = 0; i < G_N_ELEMENTS(status_texts); i++)
        if (g_str_equal(status_texts[i].status, status))
            return g_strdup(status_texts[i].text);
    return g_strdup(status);
}

/* What to show of @event, not yet made harmless; NULL: nothing. */
static char *text_of_event(JsonObject *event, Style *ret_style)
{
    *ret_style = STYLE_NONE;
    if (is_type(event, "output"))
        return text_of_output(event);
    if (is_type(event, "agent_json"))
        return summarise_line(json_get_object(event, "data"), ret_style);
    if (is_type(event, "status"))
        return text_of_status(event, ret_style);
    if (is_type(event, "done")) {
        *ret_style = STYLE_GOOD;
        return text_of_done(event);
    }
    if (!is_type(event, "error"))
        return NULL;
    *ret_style = STYLE_BAD;
    return g_strdup_printf("failed: %s", json_get_string(event, "message") ?: "no reason given");
}

/* A long story's name leaves room for what its agent says. */
static int story_column(const EventView *view)
{
    return MIN(view->story_width, terminal_width() / 3);
}

/* Only events of several hosts have one. Returns the columns that it takes. */
static int append_host(EventView *view, GString *line, JsonObject *event)
{
    const char *host = json_get_string(event, "host");
    if (!host)
        return 0;
    view->host_width = MAX(view->host_width, text_width(host));
    text_append_padded(line, host, view->host_width, FALSE);
    g_string_append_c(line, ' ');
    return view->host_width + 1;
}

/* Returns the columns that the prefix takes. */
static int append_prefix(EventView *view, GString *line, JsonObject *event)
{
    g_autofree char *clock = format_clock((guint64)json_get_int(event, "time"));
    const char *story = json_get_string(event, "story_id") ?: "?";
    const char *agent = json_get_string(event, "agent_name") ?: "?";
    reserve(view, story, agent);
    int story_width = story_column(view);
    g_autofree char *cut = text_ellipsize(story, story_width);
    g_string_append_printf(line, "%s%s%s %s", style_begin(STYLE_DIM), clock, style_end(STYLE_DIM),
                           style_begin(STYLE_NAME));
    int host_columns = append_host(view, line, event);
    text_append_padded(line, cut, story_width, FALSE);
    g_string_append_c(line, ' ');
    text_append_padded(line, agent, view->agent_width, FALSE);
    g_string_append_printf(line, "%s  ", style_end(STYLE_NAME));
    return text_width(clock) + host_columns + story_width + view->agent_width + 4;
}

static void append_lines(GString *to, const char *text, int indent, Style style)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i]; i++) {
        if (i > 0)
            g_string_append_printf(to, "\n%*s", indent, "");
        g_string_append_printf(to, "%s%s%s", style_begin(style), lines[i], style_end(style));
    }
}

/* The closing line of a failing agent repeats the event `error`. */
static gboolean was_told(EventView *view, JsonObject *event, const char *text, Style style)
{
    const char *run = json_get_string(event, "run_id") ?: "";
    g_autofree char *failure = style == STYLE_BAD ? g_strdup_printf("%s: %s", run, text) : NULL;
    if (is_type(event, "error"))
        return g_strcmp0(failure, view->failure) == 0;
    if (failure) {
        g_free(view->failure);
        view->failure = g_steal_pointer(&failure);
    }
    return FALSE;
}

/* As the runtimes of most agents (Node, Bun) and of Java and .NET print one. */
static gboolean is_frame_at(const char *text)
{
    gsize length = strlen(text);
    return g_str_has_prefix(text, "at ") && strchr(text, ':') &&
           (text[length - 1] == ')' || g_ascii_isdigit(text[length - 1]));
}

/* "KeyError: 'x'", "json.decoder.JSONDecodeError: …": a dotted name, whose last part is a class's.
 */
static gboolean is_exception(const char *text)
{
    gsize length = strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.");
    gsize last = length;
    while (last > 0 && text[last - 1] != '.')
        last--;
    return length > 0 && g_ascii_isupper(text[last]) &&
           (text[length] == '\0' || g_str_has_prefix(text + length, ": "));
}

/* As Python prints one: a place, the code there, and marks below that. Without its indentation, the
 * code is what follows a place, unless it is the exception, since there was no code to show. */
static gboolean is_frame_of_python(EventView *view, const char *text, gboolean in_trace)
{
    gboolean after_place = in_trace && view->names_place;
    view->names_place = g_str_has_prefix(text, "File \"") && strstr(text, "\", line ");
    if (view->names_place)
        return TRUE;
    return in_trace &&
           (g_str_has_prefix(text, "[Previous line repeated ") ||
            strspn(text, "~^ ") == strlen(text) || (after_place && !is_exception(text)));
}

static gboolean is_frame(EventView *view, JsonObject *event, const char *text, gboolean in_trace)
{
    if (!is_type(event, "output") || !*text || strchr(text, '\n'))
        return FALSE;
    return is_frame_at(text) || is_frame_of_python(view, text, in_trace);
}

static void tell_folded(EventView *view)
{
    if (view->folded > 0)
        printf("%*s%s%s %u more line%s of the stack trace%s\n", view->traced_indent, "",
               style_begin(STYLE_DIM), text_glyph("…", "..."), view->folded,
               view->folded == 1 ? "" : "s", style_end(STYLE_DIM));
    view->folded = 0;
    g_clear_pointer(&view->traced, g_free);
}

/* Whether the line is a frame behind the first one, which is not printed. */
static gboolean fold(EventView *view, JsonObject *event, const char *text, int indent)
{
    const char *run = json_get_string(event, "run_id") ?: "";
    gboolean in_trace = g_strcmp0(run, view->traced) == 0;
    gboolean frame = is_frame(view, event, text, in_trace);
    if (frame && in_trace) {
        view->folded++;
        return TRUE;
    }
    tell_folded(view);
    if (frame)
        view->traced = g_strdup(run);
    view->traced_indent = indent;
    return FALSE;
}

void event_view_clear(EventView *view)
{
    tell_folded(view);
    g_clear_pointer(&view->failure, g_free);
}

void event_print(EventView *view, JsonObject *event)
{
    Style style;
    g_autofree char *text = text_of_event(event, &style);
    g_autoptr(GString) line = g_string_new(NULL);
    if (!text)
        return;
    gboolean one_line = is_type(event, "agent_json");
    int indent = append_prefix(view, line, event);
    g_autofree char *clean = text_clean(text, !one_line);
    if (fold(view, event, clean, indent) || was_told(view, event, clean, style))
        return;
    g_autofree char *cut =
        one_line ? text_ellipsize(clean, MAX(terminal_width() - indent, 20)) : g_strdup(clean);
    append_lines(line, g_strchomp(cut), indent, style);
    puts(line->str);
}

char *event_last_line(JsonObject *event)
{
    Style style;
    g_autofree char *text = text_of_event(event, &style);
    if (!text)
        return NULL;
    g_strchomp(text);
    const char *last = strrchr(text, '\n');
    return text_clean(last ? last + 1 : text, FALSE);
}
