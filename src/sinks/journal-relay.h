/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * What the service and storkit-journal say to each other, over a socket of type SOCK_SEQPACKET.
 * Both are of one build and on one machine: numbers are in its byte order.
 *
 * An entry is one packet: each field ("NAME=value") behind its length in bytes. Once it has been
 * given to journald, a packet of one byte comes back. The first such packet comes before any entry:
 * from then on somebody reads.
 */

/* The longest entry in bytes, with the lengths in it, and the most fields that it has. */
#define RELAY_ENTRY_MAX (256u * 1024)
#define RELAY_FIELDS_MAX 32

typedef uint32_t RelayLength;
