/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git-fixture.h"

#include "git/project-file.h"
#include "git/root.h"

static void assert_resolves(const char *path, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *root = project_resolve(NULL, path, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(root, ==, expected);
}

static void assert_refused(const char *path, int code, const char *part)
{
    g_autoptr(GError) error = NULL;

    assert_failed(!project_resolve(NULL, path, &error), &error, code, part);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void test_top_is_the_root(Fixture *fixture, gconstpointer data)
{
    g_autofree char *slash = g_strconcat(fixture->root, "/", NULL);

    assert_resolves(fixture->root, fixture->root);
    assert_resolves(slash, fixture->root);
}

static void test_subfolder_stands_for_the_top(Fixture *fixture, gconstpointer data)
{
    g_autofree char *below = g_build_filename(fixture->root, "a", "b", NULL);

    g_mkdir_with_parents(below, 0755);
    assert_resolves(below, fixture->root);
}

static void test_links_are_resolved(Fixture *fixture, gconstpointer data)
{
    g_autofree char *link = g_build_filename(fixture->folder, "link", NULL);

    g_assert_cmpint(symlink(fixture->root, link), ==, 0);
    assert_resolves(link, fixture->root);
}

static void test_separate_git_folder_is_fine(Fixture *fixture, gconstpointer data)
{
    g_autofree char *other = g_build_filename(fixture->folder, "other", NULL);

    run(fixture->folder, "git init -q --separate-git-dir=elsewhere other");
    assert_resolves(other, other);
}

static void test_relative_path_is_invalid(Fixture *fixture, gconstpointer data)
{
    assert_refused("project", STORKIT_ERROR_INVALID_ARGUMENT, "not absolute");
    assert_refused("", STORKIT_ERROR_INVALID_ARGUMENT, "not absolute");
}

static void test_path_that_is_too_long_is_not_quoted(Fixture *fixture, gconstpointer data)
{
    g_autofree char *rest = g_strnfill(1024 * 1024, 'x');
    g_autofree char *path = g_strconcat("/", rest, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(project_resolve(NULL, path, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT);
    g_assert_cmpuint(strlen(error->message), <, 200);
}

static void test_path_that_is_no_utf8_is_invalid(Fixture *fixture, gconstpointer data)
{
    g_autofree char *odd = g_build_filename(fixture->folder, "caf\xe9", NULL);
    g_autofree char *link = g_build_filename(fixture->folder, "cafe", NULL);

    run(fixture->folder, "git init -q \"$(printf 'caf\\351')\"");
    g_assert_cmpint(symlink(odd, link), ==, 0);
    assert_refused(odd, STORKIT_ERROR_INVALID_ARGUMENT, "not UTF-8");
    assert_refused(link, STORKIT_ERROR_INVALID_ARGUMENT, "not UTF-8");
}

static void test_path_that_no_bus_carries_is_invalid(Fixture *fixture, gconstpointer data)
{
    g_autofree char *odd = g_build_filename(fixture->folder, "odd\uFFFF", NULL);
    g_autofree char *link = g_build_filename(fixture->folder, "even", NULL);

    run(fixture->folder, "git init -q \"$(printf 'odd\357\277\277')\"");
    g_assert_cmpint(symlink(odd, link), ==, 0);
    assert_refused(odd, STORKIT_ERROR_INVALID_ARGUMENT, "noncharacter");
    assert_refused(link, STORKIT_ERROR_INVALID_ARGUMENT, "noncharacter");
}

static void test_missing_folder_is_no_project(Fixture *fixture, gconstpointer data)
{
    g_autofree char *missing = g_build_filename(fixture->folder, "missing", NULL);
    g_autofree char *file = g_build_filename(fixture->root, "README", NULL);

    assert_refused(missing, STORKIT_ERROR_NO_SUCH_PROJECT, missing);
    assert_refused(missing, STORKIT_ERROR_NO_SUCH_PROJECT, "name one that exists");
    assert_refused(file, STORKIT_ERROR_NO_SUCH_PROJECT, file);
}

static void test_folder_outside_git_is_refused(Fixture *fixture, gconstpointer data)
{
    assert_refused(fixture->folder, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, "git init");
}

static void test_bare_repository_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autofree char *bare = g_build_filename(fixture->folder, "bare.git", NULL);

    run(fixture->folder, "git clone -q --bare project bare.git");
    assert_refused(bare, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, "bare");
}

static void test_worktree_of_a_bare_repository_is_a_project(Fixture *fixture, gconstpointer data)
{
    g_autofree char *linked = g_build_filename(fixture->folder, "p", "main", NULL);

    run(fixture->folder, "git clone -q --bare project p/.bare && "
                         "echo 'gitdir: ./.bare' > p/.git && git -C p worktree add -q main");
    assert_resolves(linked, linked);
    g_autoptr(GError) error = NULL;
    g_autoptr(Worktree) worktree = plan_worktree(linked, "42", NULL, &error);
    g_assert_no_error(error);
    create_worktree(worktree, FALSE, NULL, &error);
    g_assert_no_error(error);
    assert_output(worktree->path, "cat README && git status --porcelain", "hello\n");
    assert_output(linked, "git status --porcelain", "");
}

static void test_unsupported_forms_are_named(Fixture *fixture, gconstpointer data)
{
    g_autofree char *sha256 = g_build_filename(fixture->folder, "sha256", NULL);

    run(fixture->folder, "git init -q --object-format=sha256 sha256");
    known_leaks_begin();
    assert_refused(sha256, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, "uses SHA-256 object names");
    run(fixture->root, "git config core.repositoryFormatVersion 1 && "
                       "git config extensions.refStorage reftable");
    assert_refused(fixture->root, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, "git refs migrate");
    known_leaks_end();
}

static void test_config_outside_the_sparse_cone_is_read(Fixture *fixture, gconstpointer data)
{
    run(fixture->root, "mkdir in .storkit && touch in/a && echo '[[agent]]' > "
                       ".storkit/project.toml && git add . && "
                       "git commit -qm config");
    g_autofree char *text = NULL;
    g_autofree char *none = NULL;
    g_autofree char *tracked = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;
    g_assert_true(project_file_read(fixture->root, &text, &length, &error));
    g_assert_cmpstr(text, ==, "[[agent]]\n");
    run(fixture->root, "git sparse-checkout set --cone in 2>&1");
    g_assert_true(project_file_read(fixture->root, &tracked, &length, &error));
    g_assert_cmpstr(tracked, ==, "[[agent]]\n");
    g_assert_cmpuint(length, ==, strlen(tracked));
    run(fixture->root, "git rm -rq --sparse .storkit && git commit -qm removed");
    g_assert_true(project_file_read(fixture->root, &none, &length, &error));
    g_assert_null(none);
}

static void test_linked_worktree_is_refused_with_the_main_path(Fixture *fixture, gconstpointer data)
{
    g_autofree char *linked = g_build_filename(fixture->folder, "linked", NULL);

    run(fixture->root, "git worktree add -q ../linked");
    assert_refused(linked, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, fixture->root);
    assert_refused(linked, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, "/linked is a linked worktree");
}

static void test_gits_own_folder_is_refused_with_the_top(Fixture *fixture, gconstpointer data)
{
    g_autofree char *git = g_build_filename(fixture->root, ".git", NULL);
    g_autofree char *hooks = g_build_filename(git, "hooks", NULL);
    g_autofree char *similar = g_build_filename(fixture->root, ".github", NULL);
    g_autofree char *part = g_strdup_printf("the git folder of %s: ", fixture->root);

    g_mkdir_with_parents(hooks, 0755);
    g_mkdir_with_parents(similar, 0755);
    assert_refused(git, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, part);
    assert_refused(hooks, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, part);
    assert_resolves(similar, fixture->root);
}

/* What git says of the repository. */
static gboolean git_works_in(const char *path)
{
    g_autofree char *command = g_strdup_printf(
        "git -C '%s' rev-parse --git-dir >/dev/null 2>&1 && echo yes || echo no", path);
    g_autofree char *answer = output_of("/", command);
    return g_str_equal(answer, "yes\n");
}

static void assert_as_git(const char *path)
{
    g_autoptr(GError) error = NULL;
    gboolean wanted = git_works_in(path);
    g_autofree char *root = project_resolve(NULL, path, &error);
    if (wanted)
        g_assert_no_error(error);
    else
        assert_failed(!root, &error, STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
                      "git config --global --add safe.directory '/");
}

static gboolean is_root(void)
{
    if (getuid() == 0)
        return TRUE;
    g_test_skip("needs root to give a repository to another user");
    return FALSE;
}

/* Each is done to the repository, or said in the user's git config, on top of those above it. */
static void test_other_users_repository_is_used_as_git_does(Fixture *fixture, gconstpointer data)
{
    static const struct {
        const char *command;
        int works; /* -1: that depends on the version of git */
    } steps[] = {
        {"chown 12345 project/.git", FALSE},
        {"chown -R 12345 project", FALSE},
        {"chown -R 0 project/.git", FALSE},
        {"chown -R 12345 project", FALSE},
        {"git config --global core.editor true", FALSE},
        {"git -C project -c safe.directory='*' config safe.directory '*'", FALSE},
        {"git config --global safe.directory \"$PWD/other\"", FALSE},
        {"git config --global --add safe.directory \"$PWD/*\"", -1},
        {"git config --global --add safe.directory \"$PWD/project/\"", -1},
        {"git config --global --add safe.directory ''", FALSE},
        {"git config --global --add safe.directory \"$PWD/project\"", TRUE},
        {"git config --global --add safe.directory ''", FALSE},
        {"git config --global --add safe.directory '*'", TRUE},
        {"rm \"$HOME\"/.gitconfig", FALSE},
        {"chown -R 0 project", TRUE},
    };
    if (!is_root())
        return;
    known_leaks_begin();
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_test_message("%s", steps[i].command);
        run(fixture->folder, steps[i].command);
        if (steps[i].works >= 0)
            g_assert_cmpint(git_works_in(fixture->root), ==, steps[i].works);
        assert_as_git(fixture->root);
    }
    known_leaks_end();
}

/* Root, by way of sudo, may work in what belongs to the user who called that, and nobody else's. */
static void test_callers_of_sudo_are_as_for_git(Fixture *fixture, gconstpointer data)
{
    if (!is_root())
        return;
    known_leaks_begin();
    run(fixture->folder, "chown -R 12345 project");
    g_setenv("SUDO_UID", "12345", TRUE);
    g_assert_true(git_works_in(fixture->root));
    assert_as_git(fixture->root);
    g_setenv("SUDO_UID", "12346", TRUE);
    g_assert_false(git_works_in(fixture->root));
    assert_as_git(fixture->root);
    run(fixture->folder, "chown -R 0 project");
    assert_as_git(fixture->root);
    g_unsetenv("SUDO_UID");
    known_leaks_end();
}

/* A `.git` that is a file, and the folder that it names, count as well as the tree. */
static void test_other_users_git_folder_is_as_for_git(Fixture *fixture, gconstpointer data)
{
    static const char *const foreign[] = {"elsewhere", "apart", "apart/.git"};
    if (!is_root())
        return;
    known_leaks_begin();
    run(fixture->folder, "git init -q --separate-git-dir=elsewhere apart");
    g_autofree char *apart = g_build_filename(fixture->folder, "apart", NULL);
    assert_as_git(apart);
    for (gsize i = 0; i < G_N_ELEMENTS(foreign); i++) {
        g_autofree char *give = g_strdup_printf("chown 12345 %s", foreign[i]);
        g_autofree char *take = g_strdup_printf("chown 0 %s", foreign[i]);
        run(fixture->folder, give);
        g_assert_false(git_works_in(apart));
        assert_as_git(apart);
        run(fixture->folder, take);
    }
    assert_as_git(apart);
    known_leaks_end();
}

/* The same in every call that opens it. */
static void test_other_users_repository_gets_no_worktree(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!is_root())
        return;
    run(fixture->folder, "chown -R 12345 project");
    g_autoptr(Worktree) worktree = plan_worktree(fixture->root, "story", NULL, &error);
    assert_failed(!worktree, &error, STORKIT_ERROR_WORKTREE_FAILED, "belongs to another user");
}

static void test_extensions_that_change_nothing_are_opened(Fixture *fixture, gconstpointer data)
{
    known_leaks_begin();
    run(fixture->root, "git config core.repositoryformatversion 1 && "
                       "git config extensions.worktreeConfig true");
    assert_resolves(fixture->root, fixture->root);
    known_leaks_end();
}

static void test_unknown_extension_is_refused_by_name(Fixture *fixture, gconstpointer data)
{
    known_leaks_begin();
    run(fixture->root, "git config core.repositoryformatversion 1 && "
                       "git config extensions.tomorrow true");
    assert_refused(fixture->root, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, "tomorrow");
    known_leaks_end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_init();
    TEST("/project/top-is-the-root", test_top_is_the_root);
    TEST("/project/subfolder-stands-for-the-top", test_subfolder_stands_for_the_top);
    TEST("/project/links-are-resolved", test_links_are_resolved);
    TEST("/project/separate-git-folder-is-fine", test_separate_git_folder_is_fine);
    TEST("/project/relative-path-is-invalid", test_relative_path_is_invalid);
    TEST("/project/path-that-is-too-long-is-not-quoted", test_path_that_is_too_long_is_not_quoted);
    TEST("/project/path-that-is-no-utf8-is-invalid", test_path_that_is_no_utf8_is_invalid);
    TEST("/project/path-that-no-bus-carries-is-invalid", test_path_that_no_bus_carries_is_invalid);
    TEST("/project/missing-folder-is-no-project", test_missing_folder_is_no_project);
    TEST("/project/folder-outside-git-is-refused", test_folder_outside_git_is_refused);
    TEST("/project/bare-repository-is-refused", test_bare_repository_is_refused);
    TEST("/project/worktree-of-a-bare-one", test_worktree_of_a_bare_repository_is_a_project);
    TEST("/project/unsupported-forms", test_unsupported_forms_are_named);
    TEST("/project/config-outside-the-sparse-cone-is-read",
         test_config_outside_the_sparse_cone_is_read);
    TEST("/project/linked-worktree-is-refused-with-the-main-path",
         test_linked_worktree_is_refused_with_the_main_path);
    TEST("/project/gits-own-folder-is-refused-with-the-top",
         test_gits_own_folder_is_refused_with_the_top);
    TEST("/project/other-users/repository-is-used-as-git-does",
         test_other_users_repository_is_used_as_git_does);
    TEST("/project/other-users/callers-of-sudo-are-as-for-git",
         test_callers_of_sudo_are_as_for_git);
    TEST("/project/other-users/git-folder-is-as-for-git",
         test_other_users_git_folder_is_as_for_git);
    TEST("/project/other-users/repository-gets-no-worktree",
         test_other_users_repository_gets_no_worktree);
    TEST("/project/extensions-that-change-nothing-are-opened",
         test_extensions_that_change_nothing_are_opened);
    TEST("/project/unknown-extension-is-refused-by-name",
         test_unknown_extension_is_refused_by_name);
    int result = g_test_run();
    fixture_finish();
    return result;
}
