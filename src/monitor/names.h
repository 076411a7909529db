/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The monitor's names, which its desktop file, its service on the bus and its schema share.
 */

#define MONITOR_ID "org.storkit.Monitor"
#define MONITOR_RESOURCES "/org/storkit/Monitor"
