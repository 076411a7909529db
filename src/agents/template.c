/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/template.h"

#include <string.h>

static const char *placeholder_value(const char *name, gsize length, const CommandContext *context)
{
    const struct {
        const char *name;
        const char *value;
    } placeholders[] = {
        {"worktree_path", context->worktree_path},
        {"story_id", context->story_id},
        {"base_branch", context->base_branch},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(placeholders); i++) {
        if (strlen(placeholders[i].name) == length &&
            strncmp(placeholders[i].name, name, length) == 0)
            return placeholders[i].value;
    }
    return NULL;
}

char *template_expand(const char *text, const CommandContext *context)
{
    g_autoptr(GString) expanded = g_string_new(NULL);
    while (*text) {
        const char *open = strstr(text, "{{");
        const char *close = open ? strstr(open, "}}") : NULL;
        if (!close)
            break;
        const char *value = placeholder_value(open + 2, (gsize)(close - open - 2), context);
        if (value) {
            g_string_append_len(expanded, text, open - text);
            g_string_append(expanded, value);
            text = close + 2;
        } else {
            /* One brace on: "{{{story_id}}" has a placeholder in it. */
            g_string_append_len(expanded, text, open + 1 - text);
            text = open + 1;
        }
    }
    g_string_append(expanded, text);
    return g_string_free(g_steal_pointer(&expanded), FALSE);
}
