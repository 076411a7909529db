/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sandbox-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "store/shim-protocol.h"

/* Terminals of its own among them. */
static const char *const devices[] = {
    "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
    "/dev/tty",  "/dev/ptmx", "/dev/pts",  NULL,
};

/* Caches that builds need, below the home folder. Only downloads and builds: none of their folders
 * with settings or programs on PATH. Where one lacks and its program is there, it is made, a folder
 * where it ends in "/": the agent could not. docs/sandbox.md lists them. */
static const struct {
    const char *name, *program;
} caches[] = {
    {".cache/", NULL},
    {".npm/_cacache/", "npm"},
    {".npm/_logs/", "npm"},
    {".npm/_npx/", "npm"},
    {".yarn/berry/cache/", "yarn"},
    {".local/share/pnpm/store/", "pnpm"},
    {".bun/install/cache/", "bun"},
    {".cargo/registry/", "cargo"},
    {".cargo/git/", "cargo"},
    {".cargo/.package-cache", "cargo"},
    {".cargo/.package-cache-mutate", "cargo"},
    {".cargo/.global-cache", "cargo"},
    {"go/pkg/", "go"},
    {".m2/repository/", "java"}, /* `mvnw` and `gradlew` of a project bring the rest */
    {".gradle/caches/", "java"},
    {".gradle/daemon/", "java"},
    {".gradle/native/", "java"},
    {".gradle/wrapper/", "java"},
    {".gradle/notifications/", "java"},
    {".gradle/workers/", "java"},
    {".ccache/", "ccache"},
    {".nuget/packages/", "dotnet"},
};

/* Not readable unless the roster says otherwise. */
static const char *const secrets[] = {
    ".ssh",
    ".gnupg",
    ".password-store",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".netrc",
    ".git-credentials",
    ".config/git/credentials",
    ".config/gh",
    ".config/hub",
    ".config/glab-cli",
    ".aws",
    ".azure",
    ".config/gcloud",
    ".kube",
    ".docker/config.json",
    ".config/doctl",
    ".terraform.d/credentials.tfrc.json",
    ".pypirc",
    ".mozilla",
    ".thunderbird",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    ".config/op",
    ".config/1Password",
    ".config/Bitwarden",
    ".config/keepassxc",
    NULL,
};

/* A program of agents and its state, below the home folder. Of claude's folder, the parts without
 * settings, hooks, commands or plugins, which the user's own claude would run. */
typedef struct {
    const char *name;        /* of its kind; a server of the Agent Client Protocol begins with it */
    const char *folder;      /* has all or most of it; … */
    const char *variable;    /* … another, where this is set; or NULL */
    const char *credentials; /* that the others should not see */
    const char *state[24];   /* those that end in "/" are made where they lack */
    const char *ignored;     /* a file beside its settings that it would write at first; or NULL */
} Cli;

static const Cli clis[] = {
    {"claude",
     ".claude",
     "CLAUDE_CONFIG_DIR",
     ".claude/.credentials.json",
     {".claude/projects/", ".claude/todos/", ".claude/tasks/", ".claude/plans/", ".claude/statsig/",
      ".claude/shell-snapshots/", ".claude/session-env/", ".claude/file-history/", ".claude/debug/",
      ".claude/cache/", ".claude/backups/", ".claude/telemetry/", ".claude/sessions/",
      ".claude/history.jsonl", ".claude/stats-cache.json", ".claude/.credentials.json",
      ".claude/.claude.json", ".claude.json"}},
    {"codex", ".codex", "CODEX_HOME", ".codex/auth.json", {".codex/"}},
    {"gemini", ".gemini", NULL, ".gemini/oauth_creds.json", {".gemini/"}},
    {"opencode",
     ".local/share/opencode",
     NULL,
     ".local/share/opencode/auth.json",
     {".local/share/opencode/", ".local/state/opencode/", ".config/opencode/node_modules/"},
     ".config/opencode/.gitignore"},
    {"qwen", ".qwen", NULL, ".qwen/oauth_creds.json", {".qwen/"}},
    {"pi", ".pi/agent", "PI_CODING_AGENT_DIR", ".pi/agent/auth.json", {".pi/agent/"}},
    {"kimi", ".kimi-code", "KIMI_CODE_HOME", ".kimi-code/credentials", {".kimi-code/"}},
    {"copilot", ".copilot", "COPILOT_HOME", ".copilot/config.json", {".copilot/"}},
    {"cline", ".cline", "CLINE_DIR", ".cline/data/settings", {".cline/"}},
};

static const char *home_of(const SandboxPlaces *places)
{
    const char *home = g_environ_getenv((char **)places->environment, "HOME");
    return home && *home == '/' ? home : g_get_home_dir();
}

/* Takes @path. One that leads through links counts where it leads: to that the kernel looks. A path
 * that is the root, or can't stand in a line of the plan, is left out. */
static void take_path(GPtrArray *paths, char *path)
{
    char *real = realpath(path, NULL);
    const char *best = real ? real : path;
    if (*best == '/' && best[1] && sandbox_path_is_sound(best))
        g_ptr_array_add(paths, g_strdup(best));
    free(real);
    g_free(path);
}

static gboolean is_beneath(const char *path, const char *folder)
{
    gsize length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* @name, which is beneath @folder, where @variable says that @folder is; or NULL. */
static char *moved(const SandboxPlaces *places, const char *name, const char *folder,
                   const char *variable)
{
    const char *other = g_environ_getenv((char **)places->environment, variable);
    if (!other || *other != '/' || !is_beneath(name, folder) || strchr(other, ':'))
        return NULL; /* GOPATH may be a list */
    const char *rest = name + strlen(folder);
    return g_canonicalize_filename(*rest ? rest + 1 : ".", other);
}

/* @name, as it is beneath a home folder. Caller frees. */
static char *below_home(const SandboxPlaces *places, const char *name)
{
    static const char *const folders[][2] = {
        {".cache", "XDG_CACHE_HOME"},      {".config", "XDG_CONFIG_HOME"},
        {".local/share", "XDG_DATA_HOME"}, {".local/state", "XDG_STATE_HOME"},
        {".cargo", "CARGO_HOME"},          {"go", "GOPATH"},
        {".gradle", "GRADLE_USER_HOME"},   {".ccache", "CCACHE_DIR"},
    };
    char *path = NULL;
    for (gsize i = 0; !path && i < G_N_ELEMENTS(folders); i++)
        path = moved(places, name, folders[i][0], folders[i][1]);
    return path ?: g_canonicalize_filename(name, home_of(places));
}

static void add_below_home(GPtrArray *paths, const SandboxPlaces *places, const char *const *names)
{
    for (; *names; names++)
        take_path(paths, below_home(places, *names));
}

/* As the roster writes them. */
static void add_configured(GPtrArray *paths, const SandboxPlaces *places, char *const *list)
{
    for (; list && *list; list++) {
        if (g_str_has_prefix(*list, "~/"))
            take_path(paths, g_build_filename(home_of(places), *list + 2, NULL));
        else
            take_path(paths, g_canonicalize_filename(*list, places->project_root));
    }
}

/* --- The state of its program --- */

/* @name of @cli's state, where it lies. Caller frees. */
static char *state_path(const Cli *cli, const SandboxPlaces *places, const char *name)
{
    char *path = cli->variable ? moved(places, name, cli->folder, cli->variable) : NULL;
    return path ?: below_home(places, name);
}

static gboolean is_program_of(const Cli *cli, const SandboxPlaces *places)
{
    gsize length = strlen(cli->name);
    g_autofree char *program = g_path_get_basename(places->program);
    if (!g_str_equal(places->kind, "acp"))
        return g_str_equal(places->kind, cli->name);
    return g_str_has_prefix(program, cli->name) && (!program[length] || program[length] == '-');
}

static const Cli *find_cli(const SandboxPlaces *places)
{
    for (gsize i = 0; i < G_N_ELEMENTS(clis); i++)
        if (is_program_of(&clis[i], places))
            return &clis[i];
    return NULL;
}

/* Takes @path. */
static void make_folder(char *path)
{
    if (g_mkdir_with_parents(path, 0700) < 0)
        g_info("making %s: %s", path, g_strerror(errno));
    g_free(path);
}

/* Takes @path. One that is there stays as it is. */
static void make_file(char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = g_mkdir_with_parents(folder, 0700) < 0
                 ? -1
                 : open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        g_info("making %s: %s", path, g_strerror(errno));
    fd_clear(&fd);
    g_free(path);
}

/* Takes @path. */
static void make(char *path, const char *name)
{
    if (g_str_has_suffix(name, "/"))
        make_folder(path);
    else
        make_file(path);
}

static gboolean is_on_path(const SandboxPlaces *places, const char *program)
{
    g_autofree char *file = find_program_in(places->environment, program);
    return file != NULL;
}

static void make_caches(const SandboxPlaces *places)
{
    const char *asked = NULL; /* the program of the one before, often that of this one, too */
    gboolean found = FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(caches); i++) {
        const char *program = caches[i].program;
        g_autofree char *path = below_home(places, caches[i].name);
        if (access(path, F_OK) == 0)
            continue;
        if (program && g_strcmp0(program, asked) != 0)
            found = is_on_path(places, asked = program);
        if (!program || found)
            make(g_steal_pointer(&path), caches[i].name);
    }
}

void sandbox_make_state(const SandboxPlaces *places)
{
    const Cli *cli = find_cli(places);
    make_caches(places);
    for (const char *const *name = cli ? cli->state : NULL; name && *name; name++)
        if (g_str_has_suffix(*name, "/"))
            make_folder(state_path(cli, places, *name));
    if (cli && cli->ignored)
        make_file(below_home(places, cli->ignored));
}

static void add_state(GPtrArray *paths, const SandboxPlaces *places)
{
    const Cli *cli = find_cli(places);
    for (const char *const *name = cli ? cli->state : NULL; name && *name; name++)
        take_path(paths, state_path(cli, places, *name));
}

static void add_credentials(GPtrArray *paths, const SandboxPlaces *places)
{
    const Cli *own = find_cli(places);
    for (gsize i = 0; i < G_N_ELEMENTS(clis); i++)
        if (&clis[i] != own)
            take_path(paths, state_path(&clis[i], places, clis[i].credentials));
}

/* --- Git --- */

/* Git's own folder, of which @admin is worktrees/NAME. */
static char *common_folder(const char *admin)
{
    g_autofree char *worktrees = g_path_get_dirname(admin);
    return g_path_get_dirname(worktrees);
}

char *sandbox_branch_folder(const char *admin, const char *branch, const char *below)
{
    g_autofree char *common = common_folder(admin);
    g_autofree char *reference = g_build_filename(common, below, branch, NULL);
    return g_path_get_dirname(reference);
}

/* The parts of git's folder that commits need, and no more: not its config, hooks and info, not
 * other worktrees, not packed-refs and the references of others. */
static void add_git(GPtrArray *paths, const SandboxPlaces *places)
{
    g_autofree char *common = common_folder(places->admin);
    take_path(paths, g_strdup(places->admin));
    take_path(paths, g_build_filename(common, "objects", NULL));
    take_path(paths, g_build_filename(common, "lfs", NULL));
    take_path(paths, sandbox_branch_folder(places->admin, places->branch, "refs/heads"));
    take_path(paths, sandbox_branch_folder(places->admin, places->branch, "logs/refs/heads"));
}

/* --- The lists --- */

GPtrArray *sandbox_writable_paths(const SandboxConfig *config, const SandboxPlaces *places)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(paths, g_strdup("/dev/shm"));
    take_path(paths, g_strdup(places->worktree));
    take_path(paths, g_build_filename(places->run_folder, SHIM_SANDBOX_TEMPORARY, NULL));
    add_git(paths, places);
    for (gsize i = 0; i < G_N_ELEMENTS(caches); i++)
        take_path(paths, below_home(places, caches[i].name));
    add_state(paths, places);
    add_configured(paths, places, config->writable);
    return paths;
}

/* What ssh reads to use the keys of an agent: not the keys. */
static const char *const for_ssh[] = {
    ".ssh/config", ".ssh/config.d", ".ssh/known_hosts", ".ssh/known_hosts2", NULL,
};

GPtrArray *sandbox_readable_paths(const SandboxConfig *config, const SandboxPlaces *places)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    add_configured(paths, places, config->readable);
    if (config->sockets && g_strv_contains((const char *const *)config->sockets, "ssh-agent"))
        add_below_home(paths, places, for_ssh);
    return paths;
}

/* What is to be read as a whole is not unreadable. */
static void leave_out_readable(GPtrArray *paths, const SandboxConfig *config,
                               const SandboxPlaces *places)
{
    g_autoptr(GPtrArray) readable = sandbox_readable_paths(config, places);
    for (guint i = 0; i < readable->len; i++)
        for (guint path = paths->len; path-- > 0;)
            if (is_beneath(g_ptr_array_index(paths, path), g_ptr_array_index(readable, i)))
                g_ptr_array_remove_index(paths, path);
}

GPtrArray *sandbox_unreadable_paths(const SandboxConfig *config, const SandboxPlaces *places)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    if (config->unreadable) {
        add_configured(paths, places, config->unreadable);
    } else {
        add_below_home(paths, places, secrets);
        add_credentials(paths, places);
    }
    leave_out_readable(paths, config, places);
    /* Transcripts and prompts of every run; the exception is this run's temporary folder. */
    take_path(paths, g_build_filename(g_get_user_state_dir(), "storkit", NULL));
    return paths;
}

const char *const *sandbox_devices(void)
{
    return devices;
}
