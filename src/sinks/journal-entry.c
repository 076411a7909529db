/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sinks/journal-entry.h"

#include <string.h>
#include <sys/uio.h>
#include <syslog.h>

#include "base/json-scan.h"
#include "sinks/message-ids.h"
#include "transcript/event-json.h"

/* 12, and those of a sandbox. */
#define MAX_FIELDS 24
#define MAX_DATA (64u * 1024)
#define MAX_MESSAGE (16u * 1024)

typedef struct {
    struct iovec fields[MAX_FIELDS];
    char *owned[MAX_FIELDS];
    guint count;
} Entry;

static void entry_clear(Entry *entry)
{
    for (guint i = 0; i < entry->count; i++)
        g_free(entry->owned[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Entry, entry_clear)

static void add_field(Entry *entry, const char *name, const char *value, gsize length)
{
    gsize prefix = strlen(name);
    char *field = g_malloc(prefix + 1 + length);
    memcpy(field, name, prefix);
    field[prefix] = '=';
    memcpy(field + prefix + 1, value, length);
    entry->owned[entry->count] = field;
    entry->fields[entry->count++] = (struct iovec){field, prefix + 1 + length};
}

static void add_text(Entry *entry, const char *name, const char *value)
{
    add_field(entry, name, value, strlen(value));
}

typedef struct {
    const char *id;
    int priority;
} Kind;

static Kind classify(const Event *event)
{
    switch (event->type) {
    case EVENT_DONE:
        return (Kind){STORKIT_MESSAGE_DONE, LOG_NOTICE};
    case EVENT_ERROR:
        return (Kind){STORKIT_MESSAGE_FAILED, LOG_ERR};
    case EVENT_STATUS:
        if (g_str_equal(event->text, "running"))
            return (Kind){STORKIT_MESSAGE_RUNNING, LOG_NOTICE};
        if (g_str_equal(event->text, "stopped"))
            return (Kind){STORKIT_MESSAGE_STOPPED, LOG_NOTICE};
        return (Kind){NULL, LOG_INFO};
    case EVENT_AGENT_JSON:
        return (Kind){NULL, LOG_DEBUG};
    default:
        return (Kind){NULL, LOG_INFO};
    }
}

/* The entry of its start tells how a run is confined. */
static gboolean tells_sandbox(const JournalRun *run, const Event *event)
{
    return run->sandbox && event->type == EVENT_STATUS && g_str_equal(event->text, "running");
}

static char *describe_done(const RunIdentity *identity, const Event *event)
{
    g_autoptr(GString) text = g_string_new(NULL);
    double cost;
    guint turns;
    g_string_printf(text, "%s/%s finished", identity->story, identity->agent);
    if (g_variant_lookup(event->details, "turns", "u", &turns))
        g_string_append_printf(text, turns == 1 ? ", %u turn" : ", %u turns", turns);
    if (g_variant_lookup(event->details, "cost_usd", "d", &cost))
        g_string_append_printf(text, cost > 0 && cost < 0.01 ? ", $%.4f" : ", $%.2f", cost);
    return g_strdup(text->str);
}

/* Stands for the JSON, which is in STORKIT_DATA: people read a log. */
static char *describe_json(const RunIdentity *identity, const Event *event)
{
    JsonScan scan;
    json_scan_init(&scan);
    gboolean ok = json_scan_push(&scan, event->text, event->length) && json_scan_finish(&scan);
    const char *type = ok ? json_scan_type(&scan) : NULL;
    return g_strdup_printf("%s/%s printed %" G_GSIZE_FORMAT " bytes of JSON%s%s", identity->story,
                           identity->agent, event->length, type ? ": " : "", type ?: "");
}

static char *describe_status(const RunIdentity *identity, const JournalRun *run, const Event *event)
{
    g_autofree char *missing = tells_sandbox(run, event) && run->sandbox_missing
                                   ? g_strjoinv(", ", run->sandbox_missing)
                                   : NULL;
    return g_strdup_printf("%s/%s is %s%s%s", identity->story, identity->agent, event->text,
                           missing ? "; its sandbox does not enforce: " : "", missing ?: "");
}

/* The entry for people: an agent's text as it is, and for changes of a run the name of the run,
 * since the runs of all stories share one journal. */
static char *describe(const RunIdentity *identity, const JournalRun *run, const Event *event)
{
    const char *message = NULL;
    switch (event->type) {
    case EVENT_DONE:
        return describe_done(identity, event);
    case EVENT_ERROR:
        g_variant_lookup(event->details, "message", "&s", &message);
        return g_strdup_printf("%s/%s failed: %.*s", identity->story, identity->agent,
                               (int)event_cut_length(message, strlen(message), MAX_MESSAGE),
                               message);
    case EVENT_STATUS:
        return describe_status(identity, run, event);
    case EVENT_AGENT_JSON:
        return describe_json(identity, event);
    default:
        if (event->shown && *event->shown)
            return g_strndup(event->shown,
                             event_cut_length(event->shown, strlen(event->shown), MAX_MESSAGE));
        return g_strndup(event->text, event_cut_length(event->text, event->length, MAX_MESSAGE));
    }
}

static void add_identity(Entry *entry, const RunIdentity *identity, const char *unit)
{
    add_text(entry, "STORKIT_PROJECT", identity->project_root);
    add_text(entry, "STORKIT_STORY", identity->story);
    add_text(entry, "STORKIT_AGENT", identity->agent);
    add_text(entry, "STORKIT_RUN", identity->run_id);
    add_text(entry, "USER_UNIT", unit);
    add_text(entry, "SYSLOG_IDENTIFIER", "storkit");
}

static void add_number(Entry *entry, const char *name, guint64 value)
{
    char text[24];
    g_snprintf(text, sizeof(text), "%" G_GUINT64_FORMAT, value);
    add_text(entry, name, text);
}

/* @details with every string in them (an error's message, a session's id) cut to @max bytes. Caller
 * unrefs. */
static GVariant *cut_details(GVariant *details, gsize max)
{
    g_auto(GVariantDict) cut = G_VARIANT_DICT_INIT(details);
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_variant_iter_init(&iter, details);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        gsize length = 0;
        const char *text = g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)
                               ? g_variant_get_string(value, &length)
                               : NULL;
        if (length <= max)
            continue;
        g_autofree char *part = g_strndup(text, event_cut_length(text, length, max));
        g_variant_dict_insert(&cut, key, "s", part);
        g_variant_dict_insert(&cut, "truncated", "b", TRUE);
        g_variant_dict_insert(&cut, "length", "t", (guint64)length);
    }
    return g_variant_ref_sink(g_variant_dict_end(&cut));
}

static void append_json(GString *to, const RunIdentity *identity, const Event *event, gsize max)
{
    Event cut = *event;
    g_autoptr(GVariant) details = event->details ? cut_details(event->details, max) : NULL;
    cut.details = details;
    event_append_json(to, identity, &cut, max);
}

/* The event's JSON in at most MAX_DATA bytes: its text is cut, so that it stays JSON and tells what
 * is missing. Caller frees. */
static GString *describe_as_json(const RunIdentity *identity, const Event *event)
{
    GString *data = g_string_new(NULL);
    gsize max = event->details ? MAX_DATA : MIN(event->length, MAX_DATA);
    event_append_json(data, identity, event, MAX_DATA);
    while (data->len > MAX_DATA && max > 1) {
        /* In JSON a text is longer than it is, and a part of it by about as much. */
        max = MAX(max * MAX_DATA / data->len * 15 / 16, 1);
        g_string_truncate(data, 0);
        append_json(data, identity, event, max);
    }
    return data;
}

/* A field for each missing part: journalctl finds them one by one. */
static void add_sandbox(Entry *entry, const JournalRun *run)
{
    add_text(entry, "STORKIT_SANDBOX", run->sandbox);
    for (char **part = run->sandbox_missing; part && *part && entry->count < MAX_FIELDS; part++)
        add_text(entry, "STORKIT_SANDBOX_MISSING", *part);
}

void journal_send_event(JournalWriter *writer, const RunIdentity *identity, const JournalRun *run,
                        const Event *event)
{
    Kind kind = classify(event);
    g_auto(Entry) entry = {.count = 0};
    g_autofree char *message = describe(identity, run, event);
    g_autoptr(GString) data = describe_as_json(identity, event);
    add_text(&entry, "MESSAGE", message);
    add_identity(&entry, identity, run->unit);
    add_text(&entry, "STORKIT_EVENT", event_type_to_string(event->type));
    add_number(&entry, "STORKIT_CURSOR", event->cursor);
    add_number(&entry, "PRIORITY", (guint64)kind.priority);
    add_field(&entry, "STORKIT_DATA", data->str, data->len);
    if (kind.id)
        add_text(&entry, "MESSAGE_ID", kind.id);
    if (tells_sandbox(run, event))
        add_sandbox(&entry, run);
    journal_writer_send(writer, entry.fields, entry.count);
}

static void add_warning(Entry *entry, const RunIdentity *identity, const char *unit,
                        const char *message, const char *message_id)
{
    add_text(entry, "MESSAGE", message);
    if (message_id)
        add_text(entry, "MESSAGE_ID", message_id);
    add_identity(entry, identity, unit);
    add_number(entry, "PRIORITY", LOG_WARNING);
}

/* The message about a run, after the run's name. */
static const struct {
    const char *message, *id;
} notes[] = {
    [NOTE_FROZEN] = {"is frozen", NULL},
    [NOTE_THAWED] = {"goes on", NULL},
    [NOTE_DISK_FULL] = {"is paused: the disk is full", STORKIT_MESSAGE_DISK_FULL},
    [NOTE_DISK_ROOM] = {"continues: the disk has space again", NULL},
    [NOTE_WAITING] = {"waits for an answer: `storkitctl questions` shows what it asks", NULL},
    [NOTE_ANSWERED] = {"continues: all that it asked is answered", NULL},
    [NOTE_LIMITED] = {"waits for the end of a usage limit", NULL},
    [NOTE_UNLIMITED] = {"continues: its limit is over", NULL},
    [NOTE_BUDGET_LOW] = {"is told: 80 per cent of its project's budget for the day are spent",
                         NULL},
    [NOTE_BUDGET_SPENT] = {"is told: its project's budget for the day is spent", NULL},
    [NOTE_OOM_KILL] = {"ran out of memory: the kernel killed one of its processes",
                       STORKIT_MESSAGE_OOM_KILL},
};

void journal_send_note(JournalWriter *writer, const RunIdentity *identity, const char *unit,
                       RunNote note)
{
    g_auto(Entry) entry = {.count = 0};
    g_autofree char *message =
        g_strdup_printf("%s/%s %s", identity->story, identity->agent, notes[note].message);
    add_warning(&entry, identity, unit, message, notes[note].id);
    journal_writer_send(writer, entry.fields, entry.count);
}

void journal_send_skipped(JournalWriter *writer, const RunIdentity *identity, const char *unit,
                          guint64 from, guint64 to)
{
    g_auto(Entry) entry = {.count = 0};
    g_autofree char *message = g_strdup_printf(
        "The journal was more than ten minutes behind: events after cursor %" G_GUINT64_FORMAT
        " up to %" G_GUINT64_FORMAT " are in the transcript only",
        from, to);
    add_warning(&entry, identity, unit, message, STORKIT_MESSAGE_SKIPPED);
    add_number(&entry, "STORKIT_CURSOR", to);
    journal_writer_send(writer, entry.fields, entry.count);
}
