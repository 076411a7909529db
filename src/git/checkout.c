/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/checkout.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/test-hooks.h"
#include "base/util.h"
#include "git/fidelity.h"
#include "git/library.h"
#include "git/link.h"
#include "git/places.h"
#include "git/program.h"

static gboolean checkout_by_git(const Repo *repo, const Worktree *worktree, GError **error)
{
    const char *arguments[] = {"worktree", "add", worktree->path, worktree->branch, NULL};
    /* Git itself then brings along what belongs to a tree of its kind (the sparse checkout's
     * patterns, config.worktree), and leaves submodules empty, as it always does. */
    return git_program_run(repo, worktree->root, arguments, NULL, error);
}

/* With so many files, git's own checkout is faster than the library's, its start included. */
#define MANY_FILES 200

/* The size of the project's own checkout, by the head of its index: as good as that of the branch.
 */
static gboolean has_many_files(const Repo *repo)
{
    g_autofree char *path = repo_file(repo, "index");
    autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct {
        char signature[4];
        guint32 version, count;
    } head;
    return fd >= 0 && read(fd, &head, sizeof head) == sizeof head &&
           GUINT32_FROM_BE(head.count) >= MANY_FILES;
}

/* Of a tree that has none yet: the second half of `git worktree add`. */
static gboolean checkout_files_by_git(const Repo *repo, const Worktree *worktree, GError **error)
{
    const char *arguments[] = {"reset", "--hard", "--quiet", "--no-recurse-submodules", NULL};
    return git_program_run(repo, worktree->path, arguments, NULL, error);
}

static int checkout_files(git_repository *tree)
{
    char *attributes[] = {(char *)".gitattributes", (char *)"*/.gitattributes"};
    git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
    options.checkout_strategy = GIT_CHECKOUT_FORCE;
    /* libgit2 takes the attributes from the files on disk: where they come after the files that
     * they speak of, those would get the wrong line ends. */
    options.paths = (git_strarray){attributes, G_N_ELEMENTS(attributes)};
    if (git_checkout_head(tree, &options) < 0)
        return -1;
    options.paths = (git_strarray){NULL, 0};
    return git_checkout_head(tree, &options);
}

static gboolean checkout_by_library(const Worktree *worktree, GError **error)
{
    g_autoptr(git_repository) tree = git_library_open(worktree->path, error);
    if (!tree)
        return FALSE;
    if (checkout_files(tree) == 0)
        return TRUE;
    git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED, "cannot create the worktree %s",
                      worktree->path);
    return FALSE;
}

gboolean worktree_checkout(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autofree char *reference = g_strconcat(HEADS, worktree->branch, NULL);
    git_oid commit;
    if (git_reference_name_to_id(&commit, repo->git, reference) < 0) {
        git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED, "cannot read the branch %s",
                          worktree->branch);
        return FALSE;
    }
    if (worktree_needs_git(repo, &commit))
        return checkout_by_git(repo, worktree, error);
    if (!worktree_link(repo, worktree, error))
        return FALSE;
    fault_point("admin");
    if (has_many_files(repo) && git_program_is_there(repo))
        return checkout_files_by_git(repo, worktree, error);
    return checkout_by_library(worktree, error);
}
