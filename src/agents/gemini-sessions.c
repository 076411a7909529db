/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/gemini-sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file-read.h"
#include "base/names.h"
#include "base/util.h"

/* A longer conversation is kept where a link to it can be made, and not copied. */
#define COPY_MAX (64u * 1024 * 1024)

/* Of a session's id, in the name of its file: session-2026-11-30T03-47-1592c2f4.jsonl */
#define ID_LENGTH 8

static gboolean is_conversation(const char *name)
{
    return g_str_has_prefix(name, "session-") &&
           (g_str_has_suffix(name, ".jsonl") || g_str_has_suffix(name, ".json"));
}

static gboolean is_of_session(const char *name, const char *session_id)
{
    g_autofree char *part = g_strdup_printf("-%.*s.json", ID_LENGTH, session_id);
    return is_conversation(name) && strlen(session_id) > ID_LENGTH && strstr(name, part);
}

/* The folder with the conversations of @worktree, or NULL. Caller frees. */
static char *find_chats(const char *worktree, char *const *environment)
{
    const char *home = g_environ_getenv((char **)environment, "HOME") ?: g_get_home_dir();
    g_autofree char *parent = g_build_filename(home, ".gemini", "tmp", NULL);
    g_autoptr(GDir) dir = g_dir_open(parent, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(parent, name, ".project_root", NULL);
        g_autofree char *root = file_read_text(path, PATH_MAX);
        if (root && g_str_equal(g_strchomp(root), worktree))
            return g_build_filename(parent, name, "chats", NULL);
    }
    return NULL;
}

static void copy(int from, int to, const char *name)
{
    gsize length;
    g_autofree char *text = NULL;
    if (!file_read_own(from, name, COPY_MAX, &text, &length, NULL))
        return;
    autofd fd = open_regular(to, name, O_WRONLY | O_CREAT | O_EXCL);
    if (fd >= 0 && !write_all(fd, text, length))
        unlinkat(to, name, 0);
}

/* A link lives on when gemini removes the file, and grows with it until then. */
static void keep_file(int from, int to, const char *name)
{
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return;
    if (linkat(from, name, to, name, 0) < 0 && errno != EEXIST)
        copy(from, to, name);
}

static void keep_all(int folder_fd, const char *chats)
{
    g_autoptr(GDir) dir = g_dir_open(chats, 0, NULL);
    autofd chats_fd = open(chats, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *name;
    while (dir && chats_fd >= 0 && (name = g_dir_read_name(dir)))
        if (is_conversation(name))
            keep_file(chats_fd, folder_fd, name);
}

/* --- Putting back --- */

typedef struct {
    const char *session_id;
    char *folder, *name; /* of the longest file of the session so far; or NULL */
    goffset size;
} Search;

static void look_at(Search *search, const char *folder, const char *name)
{
    struct stat st;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (!is_of_session(name, search->session_id) || lstat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
        st.st_size <= search->size)
        return;
    g_free(search->folder);
    g_free(search->name);
    search->folder = g_strdup(folder);
    search->name = g_strdup(name);
    search->size = st.st_size;
}

static void look_into(Search *search, const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir)))
        look_at(search, folder, name);
}

static void look_into_runs(Search *search, const char *parent)
{
    g_autoptr(GDir) dir = g_dir_open(parent, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *folder = g_build_filename(parent, name, NULL);
        if (run_id_is_valid(name))
            look_into(search, folder);
    }
}

/* The longest one is the conversation; a resume leaves others beside it that hold nothing. */
static void put_back(const SessionPlaces *places, const char *chats)
{
    Search search = {.session_id = places->resume};
    look_into(&search, chats);
    look_into_runs(&search, places->runs_folder);
    if (search.folder && !g_str_equal(search.folder, chats)) {
        autofd from = open(search.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        autofd to = open(chats, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (from >= 0 && to >= 0)
            keep_file(from, to, search.name);
    }
    g_free(search.folder);
    g_free(search.name);
}

void gemini_look_after_sessions(const SessionPlaces *places)
{
    g_autofree char *chats = find_chats(places->worktree, places->environment);
    if (!chats)
        return;
    keep_all(places->folder_fd, chats);
    if (places->resume)
        put_back(places, chats);
}
