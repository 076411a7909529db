/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agents/decoded-line.h"

void decoded_line_clear(DecodedLine *line)
{
    g_clear_pointer(&line->cleaned, g_free);
    g_clear_pointer(&line->shown, g_free);
    g_clear_pointer(&line->piece, g_free);
    g_clear_pointer(&line->message, g_free);
    g_clear_pointer(&line->texts, g_ptr_array_unref);
    g_clear_pointer(&line->facts.session_id, g_free);
    g_clear_pointer(&line->facts.error, g_free);
    g_clear_pointer(&line->facts.question, agent_question_unref);
    g_clear_pointer(&line->facts.settled, g_ptr_array_unref);
}
