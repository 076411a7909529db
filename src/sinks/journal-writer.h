/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/uio.h>

#include <glib.h>

/*
 * The way of the agents' entries into the journal: by storkit-journal (see sinks/journal-relay.c),
 * so that they are not among the service's own, where systemd has its socket; else by this process.
 */

typedef struct JournalWriter JournalWriter;

/** A storkit-journal that has not come up after @start_msec is left alone for as long; the process
 *  writes itself meanwhile. Never NULL. For one thread: all calls of one writer come from it. */
JournalWriter *journal_writer_new(guint start_msec);

/** Writes one entry of @count @fields ("NAME=value"). Blocks as long as journald does, and up to
 *  start_msec more where storkit-journal has to be started. An entry is lost where journald takes
 *  none, and is there twice where storkit-journal is killed before it has answered. */
void journal_writer_send(JournalWriter *writer, const struct iovec *fields, guint count);

/** Takes NULL. */
void journal_writer_free(JournalWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(JournalWriter, journal_writer_free)
