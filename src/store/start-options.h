/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "base/run-limits.h"
#include "base/sandbox-config.h"
#include "host/lease.h"

/** The options of StartWithOptions. */
typedef struct {
    char *prompt;      /* template, or NULL */
    char *resume;      /* session id, or NULL */
    char *base_branch; /* or NULL */
    char **env;        /* NAME=VALUE, or NULL */
    Limits limits;
    SandboxMode sandbox; /* SANDBOX_UNSET: the roster's */
    gboolean leased;     /* to the caller; who that is, its message does not say */
    Lease *lease;        /* or NULL */
} StartOptions;

StartOptions *start_options_new(void);
/** Caller frees. */
StartOptions *start_options_copy(const StartOptions *options);
void start_options_free(StartOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StartOptions, start_options_free)

/** The caller is the process @pid (0: unknown): its lease, where the options want one. Sets
 *  STORKIT_ERROR_INVALID_ARGUMENT where it has none. */
gboolean start_options_set_caller(StartOptions *options, pid_t pid, GError **error);

/** The options of StartWithOptions (a{sv}), checked. An unknown key, a value of another type than
 *  the contract's, or one that means nothing is STORKIT_ERROR_INVALID_ARGUMENT, which names it.
 *  Caller frees. */
StartOptions *start_options_parse(GVariant *dict, GError **error);
