/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * A client of org.freedesktop.Notifications: asks for the server's capabilities, and leaves out the
 * others.
 */

typedef struct Notifications Notifications;

/** One notification on the screen, which changes in place. */
typedef struct Bubble Bubble;

typedef struct {
    /** The user chose @action; @token (or NULL) gives the opened window the focus. */
    void (*action)(Bubble *bubble, const char *action, const char *token, gpointer data);
    /** It is off the screen, for whatever reason. It may be shown again. */
    void (*closed)(Bubble *bubble, gpointer data);
} BubbleListener;

typedef struct {
    const char *title, *body;     /* plain text */
    const char *category, *sound; /* NULL: none */
    gboolean critical, stays;
    GPtrArray *actions; /* of NoticeAction; NULL: none */
} BubbleText;

/** Asks @bus for nothing yet. Caller: notifications_free(), after all bubbles. */
Notifications *notifications_new(GDBusConnection *bus);
void notifications_free(Notifications *notifications);

/** A bubble that is not on the screen yet. Caller: bubble_free(). */
Bubble *bubble_new(Notifications *notifications, const BubbleListener *listener, gpointer data);

/** Leaves the notifications on the screen. */
void bubble_free(Bubble *bubble);

/** Shows @text, in place of the bubble's previous text. */
void bubble_show(Bubble *bubble, const BubbleText *text);

/** Takes it off the screen; nothing where it is not there. `closed` does not follow. */
void bubble_close(Bubble *bubble);

gboolean bubble_is_shown(const Bubble *bubble);
