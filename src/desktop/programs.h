/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/** The storkitctl of this installation; of a build that is not installed, the one that STORKITCTL
 *  names, or that is on PATH. */
const char *program_storkitctl(void);
