/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * storkit-desktop's own names on the bus; the service's are in base/bus-names.h.
 */

#define DESKTOP_BUS_NAME "org.storkit.Desktop"
#define DESKTOP_GNOME_PATH "/org/storkit/Desktop/SearchProvider"
#define DESKTOP_KRUNNER_PATH "/org/storkit/Desktop/krunner"

/* A program owns this name and the last element of the run's object path (or "all") for as long as
 * it shows the run to a user: storkit-desktop(8). */
#define FOLLOWED_PREFIX "org.storkit.Followed."
#define FOLLOWED_ALL FOLLOWED_PREFIX "all"

#define DESKTOP_FILE_ID "storkit"
