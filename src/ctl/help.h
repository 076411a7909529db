/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verb.h"

/** Prints the help for @verb; with NULL, for storkitctl as a whole. */
void help_print(Ctl *ctl, const Verb *verb);
