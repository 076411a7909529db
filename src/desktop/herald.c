/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/herald.h"

#include "desktop/actions.h"
#include "desktop/burst.h"
#include "desktop/changes.h"
#include "desktop/followed.h"
#include "desktop/info.h"
#include "desktop/notice.h"
#include "desktop/notifications.h"
#include "desktop/settings.h"

/* Notices are shown this long after the first one. */
#define GATHER_MS 250
/* More than MOST notifications within this time become one: runs that end together do not end in
 * the same instant. */
#define TOGETHER_US (30 * G_USEC_PER_SEC)
#define MOST 3

struct Herald {
    GDBusConnection *bus;
    Notifications *notifications;
    Followed *followed;
    Burst *burst;
    Bubble *own;         /* for notices without a run; created when needed */
    GHashTable *stories; /* run id to Story */
    guint64 began;
    guint timer;
};

/* The notices about one run. */
typedef struct {
    Herald *herald;
    char *run_id;
    GVariant *info; /* as of the notice */
    Notice *notice; /* the last one; NULL: none yet */
    Bubble *bubble;
    gboolean lived;   /* it was live when it was heard of */
    gboolean due;     /* the notice has not been shown */
    gint64 told;      /* when it was told alone, in µs of the monotonic clock */
    guint references; /* the table's, and that of a count of changes */
} Story;

static void tell(Story *story)
{
    const Notice *notice = story->notice;
    g_autofree char *body = notice_dup_text(notice);
    BubbleText text = {
        .title = notice->title,
        .body = body,
        .category = notice->category,
        .sound = settings_get()->sound ? notice->sound : NULL,
        .critical = notice->critical,
        .stays = notice->stays,
        .actions = notice->actions,
    };
    bubble_show(story->bubble, &text);
}

/* A count of its changes that is under way does not show it any more. */
static void close_alone(Story *story)
{
    if (story->notice)
        story->notice->counts_changes = FALSE;
    bubble_close(story->bubble);
}

static void withdraw(Story *story)
{
    story->due = FALSE;
    close_alone(story);
    burst_remove(story->herald->burst, story->run_id);
}

/* --- Actions --- */

static void on_done(const GError *error, gpointer data)
{
    if (error)
        herald_tell(data, "storkit could not do that", error->message);
}

static const char *action_meant(const Notice *notice, const char *action)
{
    const NoticeAction *first = notice->actions->pdata[0];
    return g_str_equal(action, "default") ? first->id : action;
}

static void on_action(Bubble *bubble, const char *action, const char *token, gpointer data)
{
    Story *story = data;
    action_run(story->herald->bus, action_meant(story->notice, action), story->info, token, on_done,
               story->herald);
    bubble_close(bubble);
}

static void on_closed(Bubble *bubble, gpointer data)
{
}

static const BubbleListener listener = {.action = on_action, .closed = on_closed};

/* --- Stories --- */

static Story *story_new(Herald *herald, const char *run_id)
{
    Story *story = g_new0(Story, 1);
    story->herald = herald;
    story->run_id = g_strdup(run_id);
    story->bubble = bubble_new(herald->notifications, &listener, story);
    story->references = 1;
    return story;
}

static void story_unref(Story *story)
{
    if (--story->references > 0)
        return;
    g_clear_pointer(&story->info, g_variant_unref);
    g_clear_pointer(&story->notice, notice_free);
    g_free(story->run_id);
    g_free(story);
}

/* Out of the table, and so out of mind: a count that is under way only drops it. */
static void story_forget(gpointer data)
{
    Story *story = data;
    bubble_free(story->bubble);
    story->bubble = NULL;
    story_unref(story);
}

/* --- From due to shown --- */

static void on_counted(const char *text, gpointer data)
{
    Story *story = data;
    /* It may have gone, or gone on, meanwhile. */
    if (story->bubble && story->notice && story->notice->counts_changes && !story->due) {
        notice_add_line(story->notice, text);
        story->notice->counts_changes = FALSE;
        tell(story);
    }
    story_unref(story);
}

static void tell_alone(Story *story)
{
    story->told = g_get_monotonic_time();
    if (!story->notice->counts_changes) {
        tell(story);
        return;
    }
    story->references++;
    changes_count(story->info, on_counted, story);
}

static void tell_together(Herald *herald, GPtrArray *due)
{
    for (guint i = 0; i < due->len; i++) {
        Story *story = due->pdata[i];
        close_alone(story);
        burst_add(herald->burst, story->run_id, story->notice);
    }
    burst_show(herald->burst);
}

static gboolean is_wanted(const Story *story, const FollowedNames *names)
{
    return !followed_has(names, story->run_id) &&
           settings_want(settings_get(), story->notice->kind,
                         info_name(story->info, "project_root"));
}

/* Takes the due notices from the stories. Caller: g_ptr_array_unref(). */
static GPtrArray *take_due(Herald *herald, const FollowedNames *names)
{
    GPtrArray *due = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, herald->stories);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Story *story = value;
        if (story->due && is_wanted(story, names))
            g_ptr_array_add(due, story);
        else if (story->due)
            withdraw(story);
        story->due = FALSE;
    }
    return due;
}

/* Told alone a moment ago, and still there or about to be: one that may join those of now. */
static gboolean is_recent(const Story *story, gint64 now)
{
    if (!story->notice || story->notice->stays || now - story->told > TOGETHER_US)
        return FALSE;
    return bubble_is_shown(story->bubble) ||
           (story->references > 1 && story->notice->counts_changes);
}

/* Caller: g_ptr_array_unref(). */
static GPtrArray *list_recent(Herald *herald)
{
    GPtrArray *recent = g_ptr_array_new();
    gint64 now = g_get_monotonic_time();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, herald->stories);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (is_recent(value, now))
            g_ptr_array_add(recent, value);
    return recent;
}

static void on_followed(const FollowedNames *names, gpointer data)
{
    Herald *herald = data;
    g_autoptr(GPtrArray) due = take_due(herald, names), recent = list_recent(herald);
    if (due->len == 0)
        return;
    if (due->len + recent->len > MOST || burst_is_shown(herald->burst)) {
        g_ptr_array_extend_and_steal(due, g_steal_pointer(&recent));
        tell_together(herald, due);
        return;
    }
    for (guint i = 0; i < due->len; i++)
        tell_alone(due->pdata[i]);
}

static gboolean on_gathered(gpointer data)
{
    Herald *herald = data;
    herald->timer = 0;
    followed_ask(herald->followed, on_followed, herald);
    return G_SOURCE_REMOVE;
}

static void tell_soon(Story *story)
{
    Herald *herald = story->herald;
    story->due = TRUE;
    if (herald->timer == 0)
        herald->timer = g_timeout_add(GATHER_MS, on_gathered, herald);
}

/* --- Events --- */

/* A run that had ended before we began is old news; another machine's clock may be a little off. */
static gboolean is_news(const Herald *herald, Story *story, GVariant *info)
{
    story->lived = story->lived || info_is_live(info);
    return story->notice || story->lived || info_uint(info, "ended") >= herald->began;
}

static void take_notice(Story *story, GVariant *info, Notice *notice)
{
    g_clear_pointer(&story->notice, notice_free);
    g_clear_pointer(&story->info, g_variant_unref);
    story->notice = notice;
    story->info = g_variant_ref(info);
}

static void story_hear(Story *story, GVariant *info)
{
    g_autoptr(Notice) notice = notice_new(info, (guint64)g_get_real_time());
    gboolean news = is_news(story->herald, story, info);
    if (!notice) {
        withdraw(story);
        g_clear_pointer(&story->notice, notice_free);
        return;
    }
    if (story->notice && g_str_equal(story->notice->key, notice->key))
        return;
    take_notice(story, info, g_steal_pointer(&notice));
    if (news)
        tell_soon(story);
}

void herald_hear(Herald *herald, const char *run_id, GVariant *after)
{
    Story *story = g_hash_table_lookup(herald->stories, run_id);
    if (!after) {
        if (story)
            withdraw(story);
        g_hash_table_remove(herald->stories, run_id);
        return;
    }
    if (!story) {
        story = story_new(herald, run_id);
        g_hash_table_insert(herald->stories, story->run_id, story);
    }
    story_hear(story, after);
}

/* Somebody looks at a run, or at all of them (NULL). */
static void on_seen(const char *run_id, gpointer data)
{
    Herald *herald = data;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, herald->stories);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Story *story = value;
        if (!run_id || g_str_equal(run_id, story->run_id))
            withdraw(story);
    }
}

/* --- Life and end --- */

Herald *herald_new(GDBusConnection *bus)
{
    Herald *herald = g_new0(Herald, 1);
    herald->bus = g_object_ref(bus);
    herald->began = (guint64)g_get_real_time();
    herald->notifications = notifications_new(bus);
    herald->burst = burst_new(bus, herald->notifications);
    herald->followed = followed_new(bus, on_seen, herald);
    herald->stories = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, story_forget);
    return herald;
}

void herald_free(Herald *herald)
{
    g_clear_handle_id(&herald->timer, g_source_remove);
    g_hash_table_unref(herald->stories);
    g_clear_pointer(&herald->own, bubble_free);
    burst_free(herald->burst);
    followed_free(herald->followed);
    notifications_free(herald->notifications);
    g_object_unref(herald->bus);
    g_free(herald);
}

static void on_own_action(Bubble *bubble, const char *action, const char *token, gpointer data)
{
}

void herald_tell(Herald *herald, const char *title, const char *body)
{
    static const BubbleListener silent = {.action = on_own_action, .closed = on_closed};
    const BubbleText text = {
        .title = title,
        .body = body,
        .category = "device",
        .sound = settings_get()->sound ? "dialog-warning" : NULL,
    };
    if (!herald->own)
        herald->own = bubble_new(herald->notifications, &silent, NULL);
    bubble_show(herald->own, &text);
}
