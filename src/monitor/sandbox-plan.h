/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * What a run's sandbox lets its agent do, as the plan in the run's folder has it
 * (store/shim-protocol.h). Nothing tells what was refused: see docs/sandbox.md.
 */

typedef struct {
    char *writable;   /* paths, a line each; NULL: none */
    char *unreadable; /* the same */
    char *network;    /* "full", "none", or ports: "443, 8080" */
} MonitorSandboxPlan;

/** That of the run; NULL where there is none. Caller: monitor_sandbox_plan_free(). */
MonitorSandboxPlan *monitor_sandbox_plan_read(const char *run_id);
void monitor_sandbox_plan_free(MonitorSandboxPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MonitorSandboxPlan, monitor_sandbox_plan_free)
