/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/remote.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/options.h"
#include "ctl/project.h"

/* What the far shell exits with where the folder is missing, and what it says of a program. */
#define STATUS_NO_FOLDER 125
#define STATUS_NO_PROGRAM 127
/* ssh's, for a failure of its own. */
#define STATUS_SSH 255

/* How long a connection stays for the next command, in seconds; and the silence after which a cut
 * link is noticed: three times this. */
#define PERSIST "ControlPersist=60"
#define ALIVE "ServerAliveInterval=15"

gboolean remote_check_host(const char *host, GError **error)
{
    if (*host && *host != '-' && !strpbrk(host, ", \t\n"))
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "-H takes one host, as ssh knows it ([USER@]HOST), not '%s'", host);
    return FALSE;
}

/* The last flags of "-qH": without the H, or NULL where nothing is left. */
static char *without_letter(const char *word)
{
    const char *letter = strchr(word, 'H');
    return word[1] == '-' || letter == word + 1 ? NULL : g_strndup(word, letter - word);
}

/* @words without -H and its value. */
static char **without_host(Ctl *ctl, char *const *words)
{
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(g_free);
    const Verb *verb = NULL;
    gboolean separated = FALSE;
    for (; *words; words++) {
        const char *word = *words, *value = NULL;
        separated = separated || g_str_equal(word, "--");
        const GOptionEntry *option =
            separated ? NULL : options_find_valued(ctl, verb, word, &value);
        gboolean host = option && option->short_name == 'H';
        char *rest = host ? without_letter(word) : g_strdup(word);
        if (rest)
            g_ptr_array_add(kept, rest);
        if (option && !value && words[1] && *++words && !host)
            g_ptr_array_add(kept, g_strdup(*words));
        else if (!option && !verb && *word != '-')
            verb = verb_find(word);
    }
    g_ptr_array_add(kept, NULL);
    return (char **)g_ptr_array_steal(kept, NULL);
}

/* The project around the current folder, as a word for the far shell; NULL: there is none, or -C
 * says where. @ret_shown gets it for people. */
static char *find_folder(const Ctl *ctl, char **ret_shown)
{
    g_autofree char *root = NULL, *story = NULL;
    *ret_shown = NULL;
    if (ctl->directory || !project_find(".", &root, &story, NULL) || !root)
        return NULL;
    g_autofree char *home = realpath(g_get_home_dir(), NULL);
    gsize length = home ? strlen(home) : 0;
    if (length == 0 || !g_str_has_prefix(root, home) || root[length] != '/') {
        *ret_shown = g_strdup(root);
        return g_shell_quote(root);
    }
    g_autofree char *below = g_shell_quote(root + length);
    *ret_shown = g_strconcat("~", root + length, NULL);
    return g_strconcat("\"$HOME\"", below, NULL);
}

/* What the shell there runs. It splits what ssh gives it into words: each is quoted. */
static char *command_for(const char *folder, const char *hidden_verb, char *const *words)
{
    GString *command = g_string_new(NULL);
    if (folder)
        g_string_append_printf(command, "test -d %s || exit %d; ", folder, STATUS_NO_FOLDER);
    g_string_append_printf(command, "exec storkitctl%s", hidden_verb);
    if (folder)
        g_string_append_printf(command, " -C %s", folder);
    for (; *words; words++) {
        g_autofree char *quoted = g_shell_quote(*words);
        g_string_append_printf(command, " %s", quoted);
    }
    return g_string_free(command, FALSE);
}

static void add(GPtrArray *argv, const char *word)
{
    g_ptr_array_add(argv, g_strdup(word));
}

static void add_option(GPtrArray *argv, const char *option)
{
    add(argv, "-o");
    add(argv, option);
}

/* Where the shared connection's socket is; ssh makes its name from host, port and user. */
static void add_shared_path(GPtrArray *argv)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    g_autofree char *path = g_strdup_printf("ControlPath=%s/storkit-ssh-%%C", runtime ?: "");
    if (runtime)
        add_option(argv, path);
}

static void add_connection(GPtrArray *argv)
{
    add_shared_path(argv);
    if (g_getenv("XDG_RUNTIME_DIR")) {
        add_option(argv, "ControlMaster=auto");
        add_option(argv, PERSIST);
    }
    add_option(argv, ALIVE);
    add(argv, isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? "-t" : "-T");
}

/* Only over a connection that is there: a new one is too slow for a key, and may ask things. */
static void add_quick_connection(GPtrArray *argv)
{
    add_shared_path(argv);
    add_option(argv, "ControlMaster=no");
    add_option(argv, "ProxyCommand=false");
    add_option(argv, "BatchMode=yes");
    add(argv, "-T");
}

static char **ssh_argv(const Ctl *ctl, void (*connection)(GPtrArray *), const char *command)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    add(argv, g_getenv("STORKIT_SSH") ?: "ssh");
    connection(argv);
    add(argv, "--");
    add(argv, ctl->host);
    add(argv, command);
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_steal(argv, NULL);
}

/* In the child: it ends with us, however we end. */
static void die_with_parent(gpointer data)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* Ctrl-C is for ssh, which is in our process group: we wait for its end. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = number;
}

static int wait_for(GPid pid)
{
    const struct sigaction action = {.sa_handler = on_interrupt};
    int status;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGQUIT, &action, NULL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILURE;
    if (interrupted)
        return 128 + interrupted;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_ssh(const Ctl *ctl, void (*connection)(GPtrArray *), GSpawnFlags flags,
                   const char *command, GError **error)
{
    g_auto(GStrv) argv = ssh_argv(ctl, connection, command);
    g_autoptr(GError) problem = NULL;
    GPid pid;
    flags |= G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN | G_SPAWN_DO_NOT_REAP_CHILD;
    if (g_spawn_async(NULL, argv, NULL, flags, die_with_parent, NULL, &pid, &problem))
        return wait_for(pid);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot run %s: %s", argv[0], problem->message);
    return -1;
}

static int explain(const Ctl *ctl, const Verb *verb, int status, const char *folder, GError **error)
{
    if (status == STATUS_SSH)
        return CTL_EXIT_UNREACHABLE;
    if (status == STATUS_NO_FOLDER && folder) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
                    "%s has no folder %s: `git clone` the project to there, or name another with "
                    "-C DIR",
                    ctl->host, folder);
        return -1;
    }
    /* A program that a verb runs may be missing, too: the far side has said so. */
    if (status == STATUS_NO_PROGRAM && !verb->passes_on) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_NO_SERVICE,
                    "%s has no storkitctl on the PATH of ssh's commands: install storkit there",
                    ctl->host);
        return -1;
    }
    return status;
}

int remote_run(Ctl *ctl, const Verb *verb, char *const *words, GError **error)
{
    if (!remote_check_host(ctl->host, error))
        return -1;
    g_autofree char *shown = NULL;
    g_autofree char *folder = find_folder(ctl, &shown);
    g_auto(GStrv) far = without_host(ctl, words);
    g_autofree char *command = command_for(folder, "", far);
    int status = run_ssh(ctl, add_connection, G_SPAWN_DEFAULT, command, error);
    return status < 0 ? -1 : explain(ctl, verb, status, shown, error);
}

void remote_complete(Ctl *ctl, char *const *words)
{
    if (!remote_check_host(ctl->host, NULL) || !g_getenv("XDG_RUNTIME_DIR"))
        return;
    g_autofree char *shown = NULL;
    g_autofree char *folder = find_folder(ctl, &shown);
    g_auto(GStrv) far = without_host(ctl, words);
    g_autofree char *command = command_for(folder, " _complete", far);
    (void)run_ssh(ctl, add_quick_connection, G_SPAWN_STDERR_TO_DEV_NULL, command, NULL);
}
