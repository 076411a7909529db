/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/ssh.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ctl/project.h"

/* How long a connection stays for the next command, in seconds; and the silence after which a cut
 * link is noticed: three times this. */
#define PERSIST "ControlPersist=60"
#define ALIVE "ServerAliveInterval=15"

/* One host that does not answer keeps the others waiting, in seconds. */
#define PATIENCE "ConnectTimeout=10"

char *ssh_find_folder(const Ctl *ctl, char **ret_shown)
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

/* The far shell splits what ssh gives it into words: each is quoted. */
char *ssh_command(const char *folder, const char *hidden_verb, char *const *words)
{
    GString *command = g_string_new(NULL);
    if (folder)
        g_string_append_printf(command, "test -d %s || exit %d; ", folder, SSH_STATUS_NO_FOLDER);
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
}

static void add_for_person(GPtrArray *argv)
{
    add_connection(argv);
    add(argv, isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? "-t" : "-T");
}

static void add_plain(GPtrArray *argv)
{
    add_connection(argv);
    add(argv, "-T");
}

/* A new connection is too slow for a key, and may ask things. */
static void add_quick(GPtrArray *argv)
{
    add_shared_path(argv);
    add_option(argv, "ControlMaster=no");
    add_option(argv, "ProxyCommand=false");
    add_option(argv, "BatchMode=yes");
    add(argv, "-T");
}

static void add_unattended(GPtrArray *argv)
{
    add_connection(argv);
    add_option(argv, "BatchMode=yes");
    add_option(argv, PATIENCE);
    add(argv, "-T");
}

static GPtrArray *begin_argv(SshManner manner)
{
    static void (*const connections[])(GPtrArray *) = {
        [SSH_FOR_PERSON] = add_for_person,
        [SSH_PLAIN] = add_plain,
        [SSH_QUICK] = add_quick,
        [SSH_UNATTENDED] = add_unattended,
    };
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    add(argv, g_getenv("STORKIT_SSH") ?: "ssh");
    connections[manner](argv);
    return argv;
}

char **ssh_argv(const char *host, SshManner manner, const char *command)
{
    g_autoptr(GPtrArray) argv = begin_argv(manner);
    add(argv, "--");
    add(argv, host);
    add(argv, command);
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_steal(argv, NULL);
}

char *ssh_command_line(SshManner manner)
{
    g_autoptr(GPtrArray) argv = begin_argv(manner);
    GString *line = g_string_new(NULL);
    for (guint i = 0; i < argv->len; i++) {
        g_autofree char *quoted = g_shell_quote(argv->pdata[i]);
        g_string_append_printf(line, "%s%s", i > 0 ? " " : "", quoted);
    }
    return g_string_free(line, FALSE);
}

void ssh_die_with_parent(gpointer unused)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}
