/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "git/create.h"
#include "git/library.h"
#include "git/plan.h"

/* libgit2 1.5 leaks wherever it matches a pattern with git's config: for safe.directory, and for
 * the extensions of repositories of format 1. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define known_leaks_begin() __lsan_disable()
#define known_leaks_end() __lsan_enable()
#else
#define known_leaks_begin()
#define known_leaks_end()
#endif

/*
 * A real repository for each test, made with the git program, without any user's git config.
 */

typedef struct {
    char *folder; /* all of it, removed afterwards */
    char *root;   /* the repository: main, with one commit of README */
} Fixture;

/** To be called first in main(): libgit2 looks for HOME once. */
static inline void fixture_init(void)
{
    g_autofree char *home = g_dir_make_tmp("storkit-home-XXXXXX", NULL);

    g_assert_nonnull(home);
    g_setenv("HOME", home, TRUE);
    g_unsetenv("XDG_CONFIG_HOME");
    g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
    g_unsetenv("GIT_CONFIG_GLOBAL");
    g_unsetenv("GIT_DIR");
    g_setenv("GIT_AUTHOR_NAME", "A", TRUE);
    g_setenv("GIT_AUTHOR_EMAIL", "a@example.org", TRUE);
    g_setenv("GIT_COMMITTER_NAME", "A", TRUE);
    g_setenv("GIT_COMMITTER_EMAIL", "a@example.org", TRUE);
    worktree_library_init();
}

static inline void fixture_finish(void)
{
    g_assert_cmpint(g_rmdir(g_getenv("HOME")), ==, 0);
}

/** What @command prints, run by sh in @folder; it must succeed. Caller frees. */
static inline char *output_of(const char *folder, const char *command)
{
    const char *argv[] = {"/bin/sh", "-ec", command, NULL};
    g_autoptr(GError) error = NULL;
    char *output = NULL;
    g_autofree char *said = NULL;
    int status = 0;

    g_spawn_sync(folder, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, &said, &status,
                 &error);
    g_assert_no_error(error);
    if (status != 0)
        g_error("`%s` failed in %s: %s", command, folder, said);
    return output;
}

static inline void run(const char *folder, const char *command)
{
    g_free(output_of(folder, command));
}

static inline void assert_output(const char *folder, const char *command, const char *expected)
{
    g_autofree char *output = output_of(folder, command);
    g_assert_cmpstr(output, ==, expected);
}

static inline void assert_failed(gboolean failed, GError **error, int code, const char *part)
{
    g_assert_true(failed);
    g_assert_error(*error, STORKIT_ERROR, code);
    if (!strstr((*error)->message, part))
        g_error("\"%s\" is not in \"%s\"", part, (*error)->message);
}

static inline void fixture_set_up(Fixture *fixture, gconstpointer data)
{
    g_autofree char *made = g_dir_make_tmp("storkit-git-XXXXXX", NULL);

    fixture->folder = realpath(made, NULL);
    fixture->root = g_build_filename(fixture->folder, "project", NULL);
    run(fixture->folder, "git init -q -b main project && cd project && echo hello > README && "
                         "git add . && git commit -qm first");
}

static inline void fixture_tear_down(Fixture *fixture, gconstpointer data)
{
    g_autofree char *command = g_strdup_printf("chmod -R u+rwx '%s'; rm -rf '%s' \"$HOME\"/.[a-z]*",
                                               fixture->folder, fixture->folder);
    run("/", command);
    g_free(fixture->folder);
    g_free(fixture->root);
}

static inline Worktree *plan_worktree(const char *root, const char *story, const char *base,
                                      GError **error)
{
    g_autoptr(Repo) repo = repo_open(root, NULL, NULL, error);
    return repo ? worktree_plan(repo, story, base, NULL, error) : NULL;
}

static inline gboolean create_worktree(const Worktree *worktree, gboolean needs_setup,
                                       const char *const *copy, GError **error)
{
    g_autoptr(Repo) repo = repo_open(worktree->root, NULL, NULL, error);
    return repo && worktree_create(repo, worktree, needs_setup, copy, error);
}

/** Plans and makes the worktree of @story; it must succeed. */
static inline Worktree *make_worktree(const Fixture *fixture, const char *story)
{
    g_autoptr(GError) error = NULL;
    Worktree *worktree = plan_worktree(fixture->root, story, NULL, &error);

    g_assert_no_error(error);
    create_worktree(worktree, FALSE, NULL, &error);
    g_assert_no_error(error);
    return worktree;
}

#define TEST(path, function)                                                                       \
    g_test_add(path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
