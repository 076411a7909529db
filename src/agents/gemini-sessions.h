/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "agents/kind.h"

/** See AgentKind. gemini (0.61) loses a conversation that was resumed once as soon as anything new
 *  begins in its folder: it removes the file. So each Start first keeps the conversations of the
 *  worktree in the run's folder, as links that cost no space, and a resume puts the one back that
 *  it needs. Without errors: where this fails, gemini is as it is. */
void gemini_look_after_sessions(const SessionPlaces *places);
