/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "store/record.h"

/*
 * The daemon's side of shim-protocol.h: starting a shim behind its gate, and sending it records.
 */

/** A shim that waits at its gate. */
typedef struct {
    pid_t pid;
    int pidfd;
    int gate; /* write end: one byte opens it, closing it makes the shim go without a trace */
} Shim;

#define SHIM_INIT                                                                                  \
    {                                                                                              \
        .pid = -1, .pidfd = -1, .gate = -1                                                         \
    }

/** Closes its descriptors. A gate that is still closed then never opens. */
void shim_clear(Shim *shim);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Shim, shim_clear)

/** Starts the shim for @record's plan in the run's folder @run_id, with @environment as the
 * agent's.
 *  @has_stdin: the folder has a file `stdin`. Does not wait for anything. */
gboolean shim_spawn(const RunRecord *record, char *const *environment, gboolean has_stdin,
                    Shim *ret_shim, GError **error);

/** Lets the shim continue. */
gboolean shim_open_gate(Shim *shim, GError **error);

/** Whether a shim holds the folder: no run without one is alive. A caller that has no descriptor to
 *  look with is told that one does: to take a live run for a dead one would kill it. */
gboolean shim_is_alive(int folder_fd);

/** Makes the FIFOs of a run's folder. */
gboolean shim_make_fifos(int folder_fd, GError **error);

/** Asks for the run's end, with @grace_usec from SIGINT to the kill. Returns an fd of the FIFO, or
 *  -1 and @error where no shim is there. Caller closes it once the shim is gone: one that does not
 *  listen yet finds the record for as long as the fd is open. */
int shim_send_stop(int folder_fd, guint64 grace_usec, GError **error);

/** The same where nobody answered the agent's question in time; of a shim that listens. */
int shim_send_unanswered(int folder_fd, guint64 grace_usec, GError **error);

/** The same where the process is gone that the run is leased to. */
int shim_send_lease_gone(int folder_fd, guint64 grace_usec, GError **error);

/** Whether the agent waits for an answer: time does not count while it does. FALSE where no shim
 *  listens. */
gboolean shim_send_waiting(int folder_fd, gboolean waits);

/** Asks for another size of the terminal. FALSE where no shim listens. */
gboolean shim_send_resize(int folder_fd, guint16 rows, guint16 columns, GError **error);

/** Opens the FIFO of input for writing, non-blocking; -1 and @error where no shim listens. */
int shim_open_input(int folder_fd, GError **error);

/** Writes one record of @type (SHIM_INPUT_*) with as much of @bytes as fits into it. Returns the
 * number of bytes accepted; -1 with errno (EAGAIN: the agent is not reading at the moment). */
gssize shim_write_input(int input_fd, guint8 type, const void *bytes, gsize length);
