/* SPDX-License-Identifier: LGPL-2.1-or-later */

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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sandbox-paths/state", test_state);
    return g_test_run();
}
