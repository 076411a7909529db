/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Message ids of the journal entries that mark a run's life; data/storkit.catalog explains each.
 */

#define STORKIT_MESSAGE_RUNNING "aa7f012f22084f95bee604e2f79b4fef"
#define STORKIT_MESSAGE_DONE "44bc51be7d9c4e95ba9176526b4f8f98"
#define STORKIT_MESSAGE_FAILED "84c85ab2561f4061a8753ff4e7b489a3"
#define STORKIT_MESSAGE_STOPPED "952f21d007774994a6eab249fbf16021"
#define STORKIT_MESSAGE_SKIPPED "23871f22c77741dc8edbd48b9cf6f67c"
#define STORKIT_MESSAGE_DISK_FULL "a2e9e3b7f1a64d56a583501c2a797268"
#define STORKIT_MESSAGE_OOM_KILL "dc21cc5270874110af5239197a72b8a0"
