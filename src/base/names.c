/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/names.h"

#include <string.h>

#include "base/bus-names.h"
#include "base/error.h"

/* µs since the epoch: in 2080 */
#define LAST_TIME (G_GUINT64_CONSTANT(3471292800) * G_USEC_PER_SEC)
#define NAME_MAX_LENGTH 64
#define TIME_LENGTH 10
#define SHOWN_MAX 80

static gboolean is_name_character(char c)
{
    return g_ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
}

static gboolean is_name(const char *name, gsize length)
{
    if (length == 0 || length > NAME_MAX_LENGTH || !g_ascii_isalnum(name[0]))
        return FALSE;
    for (gsize i = 1; i < length; i++) {
        if (!is_name_character(name[i]) || (name[i] == '.' && name[i - 1] == '.'))
            return FALSE;
    }
    if (name[length - 1] == '.')
        return FALSE;
    return length < 5 || memcmp(name + length - 5, ".lock", 5) != 0;
}

gboolean name_is_valid(const char *name)
{
    return is_name(name, strlen(name));
}

char *name_for_message(const char *name)
{
    /* One character more than is shown, of 4 bytes at most: one that is cut here is not shown. */
    g_autofree char *head = g_strndup(name, 4 * (SHOWN_MAX + 1));
    g_autofree char *valid = g_utf8_make_valid(head, -1);
    g_autoptr(GString) shown = g_string_new(NULL);
    const char *c = valid;

    for (int i = 0; *c && i < SHOWN_MAX; i++, c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        g_string_append_unichar(shown, g_unichar_isprint(character) ? character : 0xFFFD);
    }
    g_string_append(shown, *c ? "…" : "");
    return g_string_free(g_steal_pointer(&shown), FALSE);
}

gboolean name_check(const char *what, const char *name, GError **error)
{
    if (name_is_valid(name))
        return TRUE;
    g_autofree char *shown = name_for_message(name);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                "%s '%s' is not valid: use 1 to %d of the characters A-Z a-z 0-9 . _ -, "
                "beginning with a letter or digit, without '..', not ending in '.' or '.lock'",
                what, shown, NAME_MAX_LENGTH);
    return FALSE;
}

gboolean environment_name_is_valid(const char *name)
{
    if (!g_ascii_isalpha(name[0]) && name[0] != '_')
        return FALSE;
    for (const char *c = name; *c; c++) {
        if (!g_ascii_isalnum(*c) && *c != '_')
            return FALSE;
    }
    return TRUE;
}

static GMutex time_lock;
static guint64 last_time;

/* Microseconds since the epoch, made strictly increasing: the clock may stand still or be set
 * back. */
static guint64 next_time(void)
{
    g_mutex_lock(&time_lock);
    last_time = MAX((guint64)g_get_real_time(), last_time + 1);
    guint64 time = last_time;
    g_mutex_unlock(&time_lock);
    return time;
}

void run_id_keep_after(const char *id)
{
    guint64 time = g_ascii_strtoull(strrchr(id, '.') + 1, NULL, 36);
    if (time > LAST_TIME)
        return;
    g_mutex_lock(&time_lock);
    last_time = MAX(last_time, time);
    g_mutex_unlock(&time_lock);
}

/* In base 36, where microseconds have had ten digits since 1973 and have them until 2085. */
static void format_time(guint64 time, char text[TIME_LENGTH + 1])
{
    text[TIME_LENGTH] = '\0';
    for (int i = TIME_LENGTH - 1; i >= 0; i--) {
        text[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[time % 36];
        time /= 36;
    }
}

char *run_id_new(const char *story, const char *agent)
{
    char time[TIME_LENGTH + 1];
    format_time(next_time(), time);
    return g_strdup_printf("%s.%s.%s", story, agent, time);
}

/* Names have dots too, so any dot may be the one between the story and the agent. */
static gboolean is_story_and_agent(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (text[i] == '.' && is_name(text, i) && is_name(text + i + 1, length - i - 1))
            return TRUE;
    }
    return FALSE;
}

gboolean run_id_is_valid(const char *id)
{
    gsize length = strlen(id);
    if (length <= TIME_LENGTH + 1 || length > 2 * NAME_MAX_LENGTH + TIME_LENGTH + 2)
        return FALSE;
    const char *time = id + length - TIME_LENGTH;
    if (time[-1] != '.')
        return FALSE;
    for (const char *c = time; *c; c++) {
        if (!g_ascii_isdigit(*c) && !g_ascii_islower(*c))
            return FALSE;
    }
    return is_story_and_agent(id, length - TIME_LENGTH - 1);
}

char *run_unit_name(const char *run_id)
{
    GString *unit = g_string_new("app-storkit-");
    gboolean begins_word = FALSE;
    for (const char *c = run_id; *c; c++) {
        if (g_ascii_isalnum(*c))
            g_string_append_c(unit, begins_word ? g_ascii_toupper(*c) : *c);
        begins_word = !g_ascii_isalnum(*c);
    }
    return g_string_free(g_string_append(unit, ".scope"), FALSE);
}

char *run_object_path(const char *run_id)
{
    GString *path = g_string_new(STORKIT_RUNS_PATH "/");
    for (const char *c = run_id; *c; c++) {
        gboolean plain = g_ascii_isalpha(*c) || (c > run_id && g_ascii_isdigit(*c));
        if (plain)
            g_string_append_c(path, *c);
        else
            g_string_append_printf(path, "_%02x", (guchar)*c);
    }
    return g_string_free(path, FALSE);
}
