/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/*
 * The properties of a run's object, which come from the run's info: EACH(name, key of the info,
 * type). D-Bus knows no absent value: what the info does not have is "", 0, false or empty.
 */

#define RUN_IDENTITY(EACH)                                                                         \
    EACH("ProjectRoot", "project_root", "s")                                                       \
    EACH("StoryId", "story_id", "s")                                                               \
    EACH("AgentName", "agent_name", "s")                                                           \
    EACH("RunId", "run_id", "s")                                                                   \
    EACH("Unit", "unit", "s")                                                                      \
    EACH("Parent", "parent", "s")

/* Those that change, with a signal each time. */
#define RUN_STATE(EACH)                                                                            \
    EACH("Status", "status", "s")                                                                  \
    EACH("SessionId", "session_id", "s")                                                           \
    EACH("WorktreePath", "worktree_path", "s")                                                     \
    EACH("Branch", "branch", "s")                                                                  \
    EACH("BaseBranch", "base_branch", "s")                                                         \
    EACH("Pid", "pid", "u")                                                                        \
    EACH("Started", "started", "t")                                                                \
    EACH("Ended", "ended", "t")                                                                    \
    EACH("ExitCode", "exit_code", "i")                                                             \
    EACH("ExitSignal", "exit_signal", "i")                                                         \
    EACH("Error", "error", "s")                                                                    \
    EACH("RetryAt", "retry_at", "t")                                                               \
    EACH("CostUsd", "cost_usd", "d")                                                               \
    EACH("Turns", "turns", "u")                                                                    \
    EACH("InputTokens", "input_tokens", "t")                                                       \
    EACH("OutputTokens", "output_tokens", "t")                                                     \
    EACH("Frozen", "frozen", "b")                                                                  \
    EACH("DiskFull", "disk_full", "b")                                                             \
    EACH("OomKills", "oom_kills", "t")                                                             \
    EACH("QueuePosition", "queue_position", "u")                                                   \
    EACH("Unenforced", "unenforced", "as")                                                         \
    EACH("Limits", "limits", "a{sv}")                                                              \
    EACH("UnfinishedLine", "unfinished_line", "s")                                                 \
    EACH("Sandbox", "sandbox", "s")                                                                \
    EACH("SandboxMissing", "sandbox_missing", "as")

/* Those that change from moment to moment, without a signal. */
#define RUN_FIGURES(EACH)                                                                          \
    EACH("Cursor", "cursor", "t")                                                                  \
    EACH("Memory", "memory", "t")                                                                  \
    EACH("MemoryPeak", "memory_peak", "t")                                                         \
    EACH("CpuUsec", "cpu_usec", "t")                                                               \
    EACH("Processes", "processes", "u")

/** More than there are of them. */
#define RUN_MAX_PROPERTIES 64

/** Appends the value of the property @name in @info. */
int bus_append_run_property(sd_bus_message *m, const char *name, GVariant *info);

/** Appends the interfaces of a run's object with their properties, as ObjectManager has them:
 *  a{sa{sv}}. @state and @figures are the two parts of the run's info. Any thread. */
int bus_append_run_interfaces(sd_bus_message *m, GVariant *state, GVariant *figures);

/** Puts the names of the properties of RUN_STATE whose values differ into @ret_names; NULL ends
 *  them. Returns how many there are. */
guint bus_compare_run_states(GVariant *before, GVariant *after,
                             const char *ret_names[RUN_MAX_PROPERTIES]);
