/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/burst.h"

#include "desktop/actions.h"
#include "desktop/settings.h"

/* Lines that a server shows before it cuts. */
#define MOST_LINES 6

struct Burst {
    GDBusConnection *bus;
    Bubble *bubble;
    GHashTable *entries; /* run id to Entry */
};

typedef struct {
    NoticeKind kind;
    char *title;
    gboolean far;
} Entry;

static void entry_free(gpointer data)
{
    Entry *entry = data;
    g_free(entry->title);
    g_free(entry);
}

static guint count(const Burst *burst, NoticeKind least, NoticeKind most)
{
    GHashTableIter iter;
    gpointer value;
    guint n = 0;
    g_hash_table_iter_init(&iter, burst->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Entry *entry = value;
        n += entry->kind >= least && entry->kind <= most;
    }
    return n;
}

static void append_count(GString *text, guint n, const char *one, const char *many)
{
    if (n > 0)
        g_string_append_printf(text, "%s%u %s", text->len > 0 ? ", " : "", n, n == 1 ? one : many);
}

/* "3 have finished, 1 has failed, 1 waits for you" */
static char *title_of(const Burst *burst)
{
    GString *text = g_string_new(NULL);
    append_count(text, count(burst, NOTICE_ENDED, NOTICE_ENDED), "has finished", "have finished");
    append_count(text, count(burst, NOTICE_FAILED, NOTICE_FAILED), "has failed", "have failed");
    append_count(text, count(burst, NOTICE_WAITING, NOTICE_WAITING), "waits", "wait");
    append_count(text, count(burst, NOTICE_DISK_FULL, NOTICE_MEMORY), "is in trouble",
                 "are in trouble");
    return g_string_free(g_string_prepend(text, "Agents: "), FALSE);
}

static int compare_entries(gconstpointer a, gconstpointer b)
{
    const Entry *first = a, *second = b;
    /* What wants a person comes first. */
    int order = (int)(second->kind != NOTICE_ENDED) - (int)(first->kind != NOTICE_ENDED);

    return order != 0 ? order : g_strcmp0(first->title, second->title);
}

static char *body_of(const Burst *burst)
{
    GList *entries = g_list_sort(g_hash_table_get_values(burst->entries), compare_entries);
    guint left = g_hash_table_size(burst->entries), n = 0;
    GString *text = g_string_new(NULL);
    for (GList *link = entries; link && n < MOST_LINES; link = link->next, n++, left--)
        g_string_append_printf(text, "%s%s", n > 0 ? "\n" : "", ((Entry *)link->data)->title);
    if (left > 0)
        g_string_append_printf(text, "\nand %u more", left);
    g_list_free(entries);
    return g_string_free(text, FALSE);
}

void burst_show(Burst *burst)
{
    g_autofree char *title = title_of(burst), *body = body_of(burst);
    g_autoptr(GPtrArray) actions = notice_actions_new((const char *const[]){"top", "Show", NULL});
    gboolean critical = count(burst, NOTICE_FAILED, NOTICE_FAILED) > 0;
    BubbleText text = {
        .title = title,
        .body = body,
        .category = critical ? "transfer.error" : "transfer",
        .sound = !settings_get()->sound ? NULL
                 : critical             ? "dialog-error"
                                        : "complete",
        .critical = critical,
        .actions = actions,
    };
    bubble_show(burst->bubble, &text);
}

gboolean burst_is_shown(const Burst *burst)
{
    return bubble_is_shown(burst->bubble);
}

void burst_add(Burst *burst, const char *run_id, const Notice *notice)
{
    Entry *entry = g_new(Entry, 1);
    *entry = (Entry){notice->kind, g_strdup(notice->title), notice->far};
    g_hash_table_replace(burst->entries, g_strdup(run_id), entry);
}

void burst_remove(Burst *burst, const char *run_id)
{
    if (!g_hash_table_remove(burst->entries, run_id) || !burst_is_shown(burst))
        return;
    if (g_hash_table_size(burst->entries) == 0)
        bubble_close(burst->bubble);
}

/* The table of this machine, unless all are of others. */
static gboolean open_top(const Burst *burst, const char *token, GError **error)
{
    gboolean far = TRUE;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, burst->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        far = far && ((Entry *)value)->far;
    return far ? action_open_top_of_hosts(burst->bus, token, error)
               : action_open_top(burst->bus, NULL, token, error);
}

static void on_action(Bubble *bubble, const char *action, const char *token, gpointer data)
{
    Burst *burst = data;
    g_autoptr(GError) error = NULL;
    if (!open_top(burst, token, &error))
        g_warning("%s", error->message);
    g_hash_table_remove_all(burst->entries);
    bubble_close(bubble);
}

static void on_closed(Bubble *bubble, gpointer data)
{
    Burst *burst = data;
    g_hash_table_remove_all(burst->entries);
}

Burst *burst_new(GDBusConnection *bus, Notifications *notifications)
{
    static const BubbleListener listener = {.action = on_action, .closed = on_closed};
    Burst *burst = g_new0(Burst, 1);
    burst->bus = g_object_ref(bus);
    burst->bubble = bubble_new(notifications, &listener, burst);
    burst->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    return burst;
}

void burst_free(Burst *burst)
{
    bubble_free(burst->bubble);
    g_hash_table_unref(burst->entries);
    g_object_unref(burst->bus);
    g_free(burst);
}
