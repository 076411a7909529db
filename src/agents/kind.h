/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/question.h"
#include "base/permissions.h"

G_BEGIN_DECLS

typedef struct CommandLine CommandLine;
typedef struct DecodedLine DecodedLine;
typedef struct LineJson LineJson;

/** The meaning of one type of a kind's JSON lines. */
typedef struct {
    const char *type; /* of the top level, "" where it has none; NULL: every line of the kind */
    /** Adds the facts in the line to @line. */
    void (*read)(LineJson json, DecodedLine *line);
    /** The same for a line too long to be parsed (a result that holds the agent's last words); or
     *  NULL. */
    void (*read_long)(const char *json, gsize length, DecodedLine *line);
} KindLine;

/** What the service knows as it replies to a line of an agent. */
typedef struct {
    const char *session_id;   /* by the lines so far, or NULL */
    const char *resume;       /* the session that the run goes on with, or NULL */
    const char *folder;       /* to work in */
    const char *mode, *model; /* as the roster names them, or NULL */
    const char *mcp_servers;  /* those that it is given, as a JSON array; or NULL */
    const Permissions *permissions;
    /** The @n-th message to the agent, the prompt being the first (0), "" where none will follow
     * and NULL where there is none yet. Caller frees. */
    char *(*read_message)(guint n, gpointer data);
    gpointer data;
} ReplyContext;

/** Where sessions of an agent may be. */
typedef struct {
    int folder_fd;            /* the run's folder */
    const char *runs_folder;  /* that of all runs */
    const char *worktree;     /* in which the agent works */
    const char *resume;       /* the session that the run goes on with, or NULL */
    char *const *environment; /* the agent's */
} SessionPlaces;

typedef enum {
    REPLY_NONE, /* it is answered by a person, or needs none */
    REPLY_TEXT, /* `text`, newline included */
    REPLY_WAIT, /* for the next message */
    REPLY_END,  /* the end of the agent's input */
} ReplyKind;

typedef struct {
    ReplyKind kind;
    char *text;
    gboolean is_prompt; /* a turn begins with it: until its end `cancel` ends that ... */
    gboolean is_first;  /* ... and the run's first one */
    char *cancel;       /* or NULL */
} AgentReply;

/**
 * AgentKind: which command-line interface an agent speaks (the contract's `kind`). All that is
 * known of one is in its own file, kind-NAME.c.
 */
typedef struct {
    const char *name;
    const char *program;     /* its usual `command`; NULL: it must be configured */
    const char *const *keys; /* what of the roster and of a Start its command line has a place for,
                                ended by NULL; see agent_kind_takes() */
    /** Appends its whole command line. */
    void (*build)(CommandLine *line);
    /** The environment variable by which it is given an MCP server; NULL where it is by its command
     *  line, by a message, or not at all: see agent_kind_takes(). */
    const char *mcp_variable;
    const KindLine *lines; /* those that mean something, ended by one without `read`; or NULL */
    /** The type of its closing line, if its program sometimes stays alive after it; or NULL. */
    const char *closing_type;
    gboolean counts_session; /* its totals count the session with all its earlier runs */
    gboolean tells_limits;   /* it says when the usage limit ends that it ran into */
    /** For a program that loses sessions: keeps those that there are, and puts back the one that is
     *  to be resumed. Before the program starts; blocking. NULL: there is nothing to do. */
    void (*look_after_sessions)(const SessionPlaces *places);
    /** One user message as an interactive agent reads it on stdin, newline included (caller frees);
     *  NULL where the kind takes none. */
    char *(*build_message)(const char *text);
    /** The answer to the question that the line @request asked, as the agent reads it on stdin,
     *  newline included (caller frees). Sets STORKIT_ERROR_INVALID_ARGUMENT. NULL where the kind
     *  can't ask. */
    char *(*build_answer)(LineJson request, const AgentAnswer *answer, GError **error);
    /** For a kind that is spoken with in requests and responses, on pipes: what is owed to it for
     *  @line, one that is `due` (LineFacts). Caller frees the texts. NULL for other kinds, which
     *  have their prompt from the start. */
    AgentReply (*reply)(LineJson line, const ReplyContext *context);
} AgentKind;

/** The table of kinds: a new one is a line here and a file of its own. */
#define AGENT_KINDS(KIND)                                                                          \
    KIND(claude)                                                                                   \
    KIND(codex)                                                                                    \
    KIND(gemini)                                                                                   \
    KIND(opencode)                                                                                 \
    KIND(qwen)                                                                                     \
    KIND(pi)                                                                                       \
    KIND(copilot)                                                                                  \
    KIND(kimi)                                                                                     \
    KIND(cline)                                                                                    \
    KIND(acp)                                                                                      \
    KIND(raw)

#define AGENT_KIND_DECLARE(name) extern const AgentKind agent_kind_##name;
AGENT_KINDS(AGENT_KIND_DECLARE)

/** All kinds in the table's order, ended by NULL. */
const AgentKind *const *agent_kinds(void);

/** The kind named @name; NULL if there is none. */
const AgentKind *agent_kind_find(const char *name);

/** The kind whose usual program is @command, in whatever folder; NULL if there is none. */
const AgentKind *agent_kind_of_program(const char *command);

/** The names of the kinds of which @matches is true, for a message: "claude or acp". Caller frees.
 */
char *agent_kinds_list(gboolean (*matches)(const AgentKind *kind));

/** Whether agents of the kind can ask whether they may do something. */
gboolean agent_kind_can_ask(const AgentKind *kind);

/** Whether agents of the kind can be given an MCP server. */
gboolean agent_kind_takes_mcp(const AgentKind *kind);

/** Whether agents of the kind take messages while they run. */
gboolean agent_kind_is_interactive(const AgentKind *kind);

/** Whether @kind's command line has a place for @key: "prompt", "model", "resume", "interactive",
 *  "mode", "mcp", "max_turns", "max_budget_usd", "allowed_tools", "system_prompt". Every kind takes
 *  any other. */
gboolean agent_kind_takes(const AgentKind *kind, const char *key);

G_END_DECLS
