/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/program.h"

#include <locale.h>
#include <stdlib.h>

#define USAGE_STATUS 2

static gboolean parse(const Program *program, int *argc, char ***argv, gboolean *ret_version,
                      GError **error)
{
    const GOptionEntry entries[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, ret_version, "Print the version and exit", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(program->purpose);
    g_option_context_set_summary(context, program->summary);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (*argc == 1)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "this program takes no arguments");
    return FALSE;
}

int program_begin(const Program *program, int *argc, char ***argv)
{
    setlocale(LC_ALL, "");
    g_set_prgname(program->name);
    gboolean version = FALSE;
    g_autoptr(GError) error = NULL;
    if (!parse(program, argc, argv, &version, &error)) {
        g_printerr("%s: %s\n", program->name, error->message);
        return USAGE_STATUS;
    }
    if (!version)
        return -1;
    g_print("%s %s\n", program->name, program->version);
    return EXIT_SUCCESS;
}
