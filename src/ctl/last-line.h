/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/** The newest text that the journal has of run @run_id, cleaned, or NULL. Caller frees. */
char *last_line_from_journal(const char *run_id);
