/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"
#include "ctl/mcp/request.h"

/*
 * A call of a tool that is under way.
 */

typedef struct Call Call;

/** Called once, when the call was answered; the callee may free it. */
typedef void (*CallDone)(Call *call, gpointer data);

/** Begins the call that @request, which it takes, asks for. NULL: it has been answered already. */
Call *call_new(Ctl *ctl, Request *request_taken, CallDone done, gpointer data);

/** The request's id. */
JsonNode *call_id(const Call *call);

/** Ends its command, without an answer. */
void call_free(Call *call);
