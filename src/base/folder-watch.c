/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/folder-watch.h"

#include <glib-unix.h>
#include <sys/inotify.h>

#include "base/util.h"

#define MASK (IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR)

struct FolderWatch {
    int fd;
    guint source;
    GHashTable *entries; /* watch descriptor -> Entry * */
};

typedef struct {
    FolderChanged changed;
    gpointer data;
    gboolean due; /* the buffer that is being read has an event of it */
} Entry;

static void mark(FolderWatch *watch, const struct inotify_event *event)
{
    /* A queue that overflowed has lost an event: look at all of them. */
    GHashTableIter iter;
    Entry *entry = g_hash_table_lookup(watch->entries, GINT_TO_POINTER(event->wd));
    if (entry)
        entry->due = TRUE;
    if (!(event->mask & IN_Q_OVERFLOW))
        return;
    g_hash_table_iter_init(&iter, watch->entries);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&entry))
        entry->due = TRUE;
}

/* A callback may add and remove watches: take one that is due, and look again. */
static Entry *take_due(FolderWatch *watch)
{
    GHashTableIter iter;
    Entry *entry;
    g_hash_table_iter_init(&iter, watch->entries);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&entry)) {
        if (!entry->due)
            continue;
        entry->due = FALSE;
        return entry;
    }
    return NULL;
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer user_data)
{
    FolderWatch *watch = user_data;
    char buffer[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n = read(fd, buffer, sizeof(buffer));
    for (char *p = buffer; n > 0 && p < buffer + n;) {
        const struct inotify_event *event = (const struct inotify_event *)p;
        mark(watch, event);
        p += sizeof(*event) + event->len;
    }

    Entry *entry;
    while ((entry = take_due(watch)))
        entry->changed(entry->data);
    return G_SOURCE_CONTINUE;
}

FolderWatch *folder_watch_new(void)
{
    FolderWatch *watch = g_new0(FolderWatch, 1);
    watch->fd = -1;
    watch->entries = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return watch;
}

static gboolean open_instance(FolderWatch *watch, GError **error)
{
    if (watch->fd >= 0)
        return TRUE;
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd < 0) {
        set_errno_error(error, errno,
                        "making an inotify instance: other programs use all of yours (raise "
                        "fs.inotify.max_user_instances)");
        return FALSE;
    }
    watch->source = g_unix_fd_add(watch->fd, G_IO_IN, on_readable, watch);
    return TRUE;
}

void folder_watch_free(FolderWatch *watch)
{
    if (!watch)
        return;
    g_clear_handle_id(&watch->source, g_source_remove);
    g_hash_table_unref(watch->entries);
    fd_clear(&watch->fd);
    g_free(watch);
}

/* For a folder that is watched already, this changes the events that count. */
static int add_watch(FolderWatch *watch, int folder_fd, uint32_t mask)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", folder_fd);
    return inotify_add_watch(watch->fd, path, mask);
}

int folder_watch_add(FolderWatch *watch, int folder_fd, FolderChanged changed, gpointer data,
                     GError **error)
{
    if (!open_instance(watch, error))
        return -1;
    int id = add_watch(watch, folder_fd, MASK | IN_MODIFY);
    if (id < 0) {
        set_errno_error(error, errno, "watching a run's folder (fs.inotify.max_user_watches)");
        return -1;
    }
    Entry *entry = g_new0(Entry, 1);
    entry->changed = changed;
    entry->data = data;
    g_hash_table_insert(watch->entries, GINT_TO_POINTER(id), entry);
    return id;
}

void folder_watch_set_writes(FolderWatch *watch, int folder_fd, gboolean wanted)
{
    if (watch->fd >= 0)
        add_watch(watch, folder_fd, wanted ? MASK | IN_MODIFY : MASK);
}

void folder_watch_remove(FolderWatch *watch, int id)
{
    if (g_hash_table_remove(watch->entries, GINT_TO_POINTER(id)))
        inotify_rm_watch(watch->fd, id);
}
