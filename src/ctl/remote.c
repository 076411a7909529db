/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/remote.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "ctl/hosts/code.h"
#include "ctl/hosts/names.h"
#include "ctl/hosts/ssh.h"
#include "ctl/options.h"
#include "ctl/select.h"
#include "ctl/start-options.h"

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

static int run_ssh(const Ctl *ctl, SshManner manner, GSpawnFlags flags, const char *command,
                   GError **error)
{
    const char *host = ctl->hosts ? ctl->hosts[0] : ctl->host;
    g_auto(GStrv) argv = ssh_argv(host, manner, command);
    g_autoptr(GError) problem = NULL;
    GPid pid;
    flags |= G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN | G_SPAWN_DO_NOT_REAP_CHILD;
    if (g_spawn_async(NULL, argv, NULL, flags, ssh_die_with_parent, NULL, &pid, &problem))
        return wait_for(pid);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot run %s: %s", argv[0], problem->message);
    return -1;
}

static int explain(const Ctl *ctl, const Verb *verb, int status, const char *folder, GError **error)
{
    if (status == SSH_STATUS_FAILED)
        return CTL_EXIT_UNREACHABLE;
    if (status == SSH_STATUS_NO_FOLDER && folder) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
                    "%s has no folder %s: `git clone` the project to there, or name another with "
                    "-C DIR",
                    ctl->hosts[0], folder);
        return -1;
    }
    /* A program that a verb runs may be missing, too: the far side has said so. */
    if (status == SSH_STATUS_NO_PROGRAM && !verb->passes_on) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_NO_SERVICE,
                    "%s has no storkitctl on the PATH of ssh's commands: install storkit there",
                    ctl->hosts[0]);
        return -1;
    }
    return status;
}

/* The base that start is to have there, as its last option of that name: before "--". */
static char **with_base(char **words, const char *base)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_autofree char *option = g_strconcat("--base=", base, NULL);
    gsize i = 0;
    for (; words[i] && !g_str_equal(words[i], "--"); i++)
        g_strv_builder_add(builder, words[i]);
    g_strv_builder_add(builder, option);
    for (; words[i]; i++)
        g_strv_builder_add(builder, words[i]);
    return g_strv_builder_end(builder);
}

/* Takes the code of a story that is started along, for which @words change. */
static gboolean take_code(Ctl *ctl, const Verb *verb, char **arguments, char ***words,
                          GError **error)
{
    g_autofree char *story = NULL, *agent = NULL, *base = NULL;
    if ((verb != &start_verb && verb != &run_verb && verb != &submit_verb) || !arguments[0])
        return TRUE;
    select_split(ctl, arguments[0], &story, &agent);
    if (!code_push(ctl, story, start_arguments.base, &base, error))
        return FALSE;
    if (!base)
        return TRUE;
    char **more = with_base(*words, base);
    g_strfreev(*words);
    *words = more;
    return TRUE;
}

int remote_run(Ctl *ctl, const Verb *verb, char **arguments, char *const *words, GError **error)
{
    g_autofree char *shown = NULL;
    g_autofree char *folder = ssh_find_folder(ctl, &shown);
    g_auto(GStrv) far = without_host(ctl, words);
    if (!take_code(ctl, verb, arguments, &far, error))
        return -1;
    g_autofree char *command = ssh_command(folder, "", far);
    int status = run_ssh(ctl, SSH_FOR_PERSON, G_SPAWN_DEFAULT, command, error);
    return status < 0 ? -1 : explain(ctl, verb, status, shown, error);
}

void remote_complete(Ctl *ctl, char *const *words)
{
    if (!hosts_check_name(ctl->host, NULL) || !g_getenv("XDG_RUNTIME_DIR"))
        return;
    g_autofree char *shown = NULL;
    g_autofree char *folder = ssh_find_folder(ctl, &shown);
    g_auto(GStrv) far = without_host(ctl, words);
    g_autofree char *command = ssh_command(folder, " _complete", far);
    (void)run_ssh(ctl, SSH_QUICK, G_SPAWN_STDERR_TO_DEV_NULL, command, NULL);
}
