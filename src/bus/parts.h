/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pool/pool.h"
#include "run/attachment.h"
#include "run/conversations.h"
#include "run/questions.h"
#include "run/steering.h"
#include "sinks/drain.h"
#include "sinks/subscription.h"

/** What methods on the bus ask: the service's parts below the bus. */
typedef struct {
    Pool *pool;
    Subscriptions *subscriptions;
    Drains *drains;
    Steering *steering;
    Questions *questions;
    Conversations *conversations;
    Attachments *attachments;
    guint asking; /* calls that wait for the bus to tell who has made them */
} BusParts;
