/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/detach-key.h"

#include <stdio.h>
#include <string.h>

#define CTRL_BRACKET 0x1D
#define ESC '\033'

#define CTRL 4u
#define LOCKS (64u | 128u) /* caps lock, num lock */
#define RELEASED 3u

static gboolean is_key(guint code)
{
    return code == ']' || code == '5';
}

/* In both protocols modifiers are sent plus one. */
static gboolean is_ctrl_alone(guint modifiers)
{
    return modifiers > 0 && ((modifiers - 1) & ~LOCKS) == CTRL;
}

/* CODE[:SHIFTED[:BASE]];MODIFIERS[:EVENT][;TEXT]: the base code is the key's on a US keyboard. */
static gboolean is_kitty_key(const char *parameters)
{
    g_auto(GStrv) fields = g_strsplit(parameters, ";", 3);
    if (g_strv_length(fields) < 2)
        return FALSE;
    g_auto(GStrv) codes = g_strsplit(fields[0], ":", 3);
    guint code = (guint)g_ascii_strtoull(codes[0] ?: "", NULL, 10);
    guint base = g_strv_length(codes) > 2 ? (guint)g_ascii_strtoull(codes[2], NULL, 10) : 0;
    const char *event = strchr(fields[1], ':');
    return (is_key(code) || is_key(base)) &&
           is_ctrl_alone((guint)g_ascii_strtoull(fields[1], NULL, 10)) &&
           (!event || g_ascii_strtoull(event + 1, NULL, 10) != RELEASED);
}

static gboolean is_other_key(const char *parameters)
{
    guint modifiers, code;
    char rest;
    return sscanf(parameters, "27;%u;%u%c", &modifiers, &code, &rest) == 2 && is_key(code) &&
           is_ctrl_alone(modifiers);
}

/* Whether the whole sequence that is held is the key. */
static gboolean is_detach(const DetachKey *key)
{
    g_autofree char *parameters = g_strndup(key->held + 2, key->n_held - 3);
    char final = key->held[key->n_held - 1];
    return (final == 'u' && is_kitty_key(parameters)) || (final == '~' && is_other_key(parameters));
}

/* Whether @c continues the held sequence, so that it may still be the key. */
static gboolean goes_on(const DetachKey *key, char c)
{
    if (key->n_held == 1)
        return c == '[';
    return key->n_held < sizeof(key->held) - 1 && (g_ascii_isdigit(c) || c == ';' || c == ':');
}

static gboolean is_final(const DetachKey *key, char c)
{
    return key->n_held > 2 && (c == 'u' || c == '~');
}

void detach_key_release(DetachKey *key, GByteArray *typed)
{
    g_byte_array_append(typed, (const guint8 *)key->held, (guint)key->n_held);
    key->n_held = 0;
}

static gboolean take(DetachKey *key, char c, GByteArray *typed)
{
    gboolean final = is_final(key, c);
    if (key->n_held > 0 && !final && !goes_on(key, c))
        detach_key_release(key, typed);
    if (c == CTRL_BRACKET)
        return TRUE;
    if (key->n_held == 0 && c != ESC) {
        g_byte_array_append(typed, (const guint8 *)&c, 1);
        return FALSE;
    }
    key->held[key->n_held++] = c;
    if (!final)
        return FALSE;
    if (is_detach(key))
        return TRUE;
    detach_key_release(key, typed);
    return FALSE;
}

gboolean detach_key_feed(DetachKey *key, const char *bytes, gsize n, GByteArray *typed)
{
    for (gsize i = 0; i < n; i++)
        if (take(key, bytes[i], typed))
            return TRUE;
    return FALSE;
}
