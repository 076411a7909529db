/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>

#include "base/file-tree.h"
#include "store/sandbox-paths.h"

/* The state of an agent's program: whose it is, and where. */

static gboolean is_writable(const SandboxPlaces *places, const char *name)
{
    const SandboxConfig config = {.mode = SANDBOX_WORKTREE};
    g_autofree char *path =
        g_build_filename(g_environ_getenv((char **)places->environment, "HOME"), name, NULL);
    g_autoptr(GPtrArray) paths = sandbox_writable_paths(&config, places);
    sandbox_make_state(places);
    return g_ptr_array_find_with_equal_func(paths, path, g_str_equal, NULL);
}

static void test_state(void)
{
    static const struct {
        const char *kind, *program, *variable, *state; /* NULL: none is expected */
    } cases[] = {
        {"claude", "/usr/bin/claude", NULL, ".claude/projects"},
        {"acp", "claude-agent-acp", NULL, ".claude/projects"},
        {"acp", "/opt/bin/codex-acp", NULL, ".codex"},
        {"acp", "gemini", NULL, ".gemini"},
        {"acp", "geminis", NULL, NULL},
        {"qwen", "qwen", NULL, ".qwen"},
        {"kimi", "kimi", NULL, ".kimi-code"},
        {"copilot", "copilot", NULL, ".copilot"},
        {"cline", "cline", NULL, ".cline"},
        {"codex", "codex", "CODEX_HOME=elsewhere", "elsewhere"},
        {"claude", "claude", "CLAUDE_CONFIG_DIR=elsewhere", "elsewhere/projects"},
        {"opencode", "opencode", NULL, ".local/share/opencode"},
        {"opencode", "opencode", "XDG_DATA_HOME=elsewhere", "elsewhere/opencode"},
        {"raw", "codex", NULL, NULL},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *home = g_dir_make_tmp("test-sandbox-XXXXXX", NULL);
        g_auto(GStrv) variable = g_strsplit(cases[i].variable ?: "X=", "=", 2);
        g_autofree char *value = g_build_filename(home, variable[1], NULL);
        g_auto(GStrv) environment =
            g_environ_setenv(g_environ_setenv(NULL, "HOME", home, TRUE), variable[0], value, TRUE);
        const SandboxPlaces places = {
            .project_root = home,
            .worktree = home,
            .admin = "/none/.git/worktrees/x",
            .branch = "story/x",
            .kind = cases[i].kind,
            .program = cases[i].program,
            .run_folder = home,
            .environment = environment,
        };
        g_test_message("%s %s", cases[i].kind, cases[i].program);
        if (cases[i].state) {
            g_assert_true(is_writable(&places, cases[i].state));
            g_autofree char *made = g_build_filename(home, cases[i].state, NULL);
            g_assert_true(g_file_test(made, G_FILE_TEST_IS_DIR));
        }
        for (gsize other = 0; other < G_N_ELEMENTS(cases); other++)
            if (g_strcmp0(cases[other].state, cases[i].state) != 0 && cases[other].state)
                g_assert_false(is_writable(&places, cases[other].state));
        g_assert_true(file_tree_remove(home, NULL));
    }
}

/* A place with a home, and a PATH with these programs. */
static char **environment_with(const char *home, const char *const *programs)
{
    g_autofree char *bin = g_build_filename(home, "bin", NULL);
    g_assert_cmpint(g_mkdir(bin, 0700), ==, 0);
    for (; *programs; programs++) {
        g_autofree char *file = g_build_filename(bin, *programs, NULL);
        g_assert_true(g_file_set_contents_full(file, "", 0, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
    }
    return g_environ_setenv(g_environ_setenv(NULL, "HOME", home, TRUE), "PATH", bin, TRUE);
}

static gboolean is_there(const char *home, const char *name)
{
    g_autofree char *path = g_build_filename(home, name, NULL);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Those of the tools that are there, since the agent could not make them. */
static void test_caches(void)
{
    g_autofree char *home = g_dir_make_tmp("test-sandbox-XXXXXX", NULL);
    const char *const programs[] = {"npm", "cargo", "opencode", NULL};
    g_auto(GStrv) environment = environment_with(home, programs);
    environment = g_environ_setenv(environment, "GOPATH", "/a:/b", TRUE);
    const SandboxPlaces places = {
        .kind = "opencode", .program = "opencode", .worktree = home, .environment = environment};
    sandbox_make_state(&places);
    static const char *const made[] = {".cache", ".npm/_cacache", ".cargo/registry",
                                       ".cargo/.package-cache", ".config/opencode/.gitignore"};
    for (gsize i = 0; i < G_N_ELEMENTS(made); i++)
        g_assert_true(is_there(home, made[i]));
    static const char *const not_made[] = {"go", ".m2", ".gradle", ".nuget", ".bun", ".cargo/bin"};
    for (gsize i = 0; i < G_N_ELEMENTS(not_made); i++)
        g_assert_false(is_there(home, not_made[i]));
    g_assert_true(file_tree_remove(home, NULL));
}

static gboolean has(GPtrArray *paths, const char *home, const char *name)
{
    g_autofree char *path = g_build_filename(home, name, NULL);
    return g_ptr_array_find_with_equal_func(paths, path, g_str_equal, NULL);
}

static void test_readable(void)
{
    g_autofree char *home = g_dir_make_tmp("test-sandbox-XXXXXX", NULL);
    g_auto(GStrv) environment = g_environ_setenv(NULL, "HOME", home, TRUE);
    char *readable[] = {(char *)"~/.config/gh", (char *)"~/.aws/config", NULL};
    char *sockets[] = {(char *)"ssh-agent", NULL};
    const SandboxConfig config = {.readable = readable, .sockets = sockets};
    const SandboxPlaces places = {
        .kind = "raw", .program = "sh", .project_root = home, .environment = environment};
    g_autoptr(GPtrArray) hidden = sandbox_unreadable_paths(&config, &places);
    g_assert_false(has(hidden, home, ".config/gh"));
    g_assert_true(has(hidden, home, ".aws"));
    g_assert_true(has(hidden, home, ".ssh"));
    g_autoptr(GPtrArray) shown = sandbox_readable_paths(&config, &places);
    g_assert_true(has(shown, home, ".aws/config"));
    g_assert_true(has(shown, home, ".ssh/known_hosts"));
    g_assert_false(has(shown, home, ".ssh"));
    g_assert_true(file_tree_remove(home, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sandbox-paths/state", test_state);
    g_test_add_func("/sandbox-paths/caches", test_caches);
    g_test_add_func("/sandbox-paths/readable", test_readable);
    return g_test_run();
}
