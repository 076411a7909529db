/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"
#include "ctl/mcp/request.h"

/*
 * The runs' events as resources: storkit://run/RUN-ID.
 */

typedef struct Reading Reading;

/** Called once, when the request was answered; the callee may free it. */
typedef void (*ReadingDone)(Reading *reading, gpointer data);

/** Begins to answer resources/list, or resources/read where @request has a `uri`; takes @request.
 *  NULL: it has been answered already. */
Reading *reading_new(Ctl *ctl, Request *request_taken, ReadingDone done, gpointer data);

/** The request's id. */
JsonNode *reading_id(const Reading *reading);

void reading_free(Reading *reading);

/** Answers resources/templates/list. */
void resources_reply_templates(const Request *request);
