# SPDX-License-Identifier: LGPL-2.1-or-later
"""Resume: a session is gone on with, and its id is not lost to a CLI that refuses it."""

import json
import os

from harness import main, raises
from replay import argv_of, replay

UNKNOWN = "11111111-2222-4333-8444-555555555555"


def option(arguments, name):
    return arguments[arguments.index(name) + 1]


def run(pool, root, story="42_login", agent="", **options):
    """Runs an agent to its end; the info."""
    pool.start(root, story, agent, **options)
    return pool.wait(root, story, agent)


def test_resume_is_on_the_command_line(pool):
    """The session id of `resume` is on the command line, and the run's from then on."""
    root = pool.repository(agents={"coder": "argv; init; result"})
    info = run(pool, root, resume=UNKNOWN)
    assert option(argv_of(pool, info["run_id"]), "--resume") == UNKNOWN
    assert (info["status"], info["session_id"]) == ("completed", UNKNOWN)


def test_start_without_resume_has_a_session_of_its_own(pool):
    """Without `resume` there is none on the command line."""
    root = pool.repository(agents={"coder": "argv; init; result"})
    first, second = run(pool, root), run(pool, root)
    assert "--resume" not in argv_of(pool, second["run_id"])
    assert first["session_id"] != second["session_id"]


def test_last_is_the_storys_last_session(pool):
    """`last` is the session of the story's last run, also after a restart of the daemon."""
    root = pool.repository(agents={"coder": "argv; init; text hi; result"})
    session = run(pool, root)["session_id"]
    assert run(pool, root, "other")["session_id"] != session
    info = run(pool, root, resume="last")
    assert option(argv_of(pool, info["run_id"]), "--resume") == session
    pool.restart_daemon()
    assert run(pool, root, resume="last")["session_id"] == session


def test_last_after_a_stop(pool):
    """`last` finds the session of a run that was stopped and is off the list."""
    root = pool.repository(agents={"coder": "argv; init; text hi; idle"})
    pool.start(root, "42_login")
    session = pool.wait_for(lambda event: event.get("text") == "hi") and pool.get(root, "42_login")["session_id"]
    pool.stop(root, "42_login")
    info = pool.start(root, "42_login", resume="last")
    pool.wait_for(lambda event: event["run_id"] == info["run_id"] and event.get("text") == "hi")
    assert pool.get(root, "42_login")["session_id"] == session


def test_last_of_a_story_is_of_any_agent(pool):
    """`last` without an agent is that of the story's last session, not the default one, also after
    a restart of the daemon; an agent that the roster has lost is named."""
    scenario = "argv; init; text hi; idle"
    root = pool.repository(agents={"coder": scenario, "reviewer": scenario})
    pool.start(root, "42_login", "reviewer")
    pool.wait_for(lambda event: event.get("text") == "hi")
    session = pool.get(root, "42_login", "reviewer")["session_id"]
    pool.stop(root, "42_login", "reviewer")
    pool.restart_daemon()
    info = pool.start(root, "42_login", resume="last")
    assert info["agent_name"] == "reviewer"
    assert option(argv_of(pool, info["run_id"]), "--resume") == session
    pool.stop(root, "42_login", "reviewer")
    pool.write_config(root, pool.roster({"coder": scenario}))
    assert "reviewer" in raises("NoSuchAgent", pool.start, root, "42_login", resume="last").message


def test_last_without_a_session_is_refused(pool):
    """`last` where no session is known, and an id that is a flag, are InvalidArgument."""
    root = pool.repository(agents={"coder": "init; result"})
    for resume in ("last", "-x"):
        assert "resume" in raises("InvalidArgument", pool.start, root, "42_login", resume=resume).message


def test_refused_session_is_kept(pool):
    """A CLI that does not know the session fails with its own words; the id that was asked for and
    the worktree stay."""
    for number, name in enumerate(("claude-2.1.330-sess-unknown", "claude-2.1.112-sess-unknown")):
        root = pool.repository(f"p{number}", agents={"coder": f"{replay(name)}; exit 1"})
        info = run(pool, root, resume=UNKNOWN)
        assert (info["status"], info["exit_code"], info["session_id"]) == ("failed", 1, UNKNOWN)
        assert info["error"] == f"No conversation found with session ID: {UNKNOWN}", info["error"]
        assert pool.list_worktrees(root)[0]["path"] == info["worktree_path"]
        assert run(pool, root, resume="last")["session_id"] == UNKNOWN


def test_made_up_session_does_not_replace_the_one_asked_for(pool):
    """An `init` with a new id, from a CLI that then fails, does not replace the id asked for; from
    one that goes on, it does."""
    made_up = {"type": "system", "subtype": "init", "session_id": "made-up"}
    scenario = f"json {json.dumps(made_up)}; result error No such session.; exit 1"
    root = pool.repository(agents={"coder": scenario})
    info = run(pool, root, resume=UNKNOWN)
    assert (info["session_id"], info["error"]) == (UNKNOWN, "No such session.")
    going_on = f"json {json.dumps(made_up)}; text here we go; result"
    other = pool.repository("other", agents={"coder": going_on})
    assert run(pool, other, resume=UNKNOWN)["session_id"] == "made-up"


def test_rate_limit_says_when_to_retry(pool):
    """A rejected rate limit with a reset time gives retry_at, in µs; one that is not rejected gives
    none."""
    limit = {"status": "rejected", "resetsAt": 1790000000, "rateLimitType": "five_hour"}
    event = {"type": "rate_limit_event", "rate_limit_info": limit, "session_id": "abc"}
    root = pool.repository(
        agents={
            "limited": f"init; json {json.dumps(event)}; result error Limit reached; exit 1",
            "warned": f"init; json {json.dumps(event).replace('rejected', 'allowed_warning')}; result",
        }
    )
    info = run(pool, root, agent="limited")
    assert (info["status"], info["error"]) == ("failed", "Limit reached")
    assert info["retry_at"] == 1790000000 * 1000000
    assert "retry_at" not in run(pool, root, agent="warned")
    pool.restart_daemon()
    assert pool.get(root, "42_login", "limited")["retry_at"] == 1790000000 * 1000000


def test_long_result_line_counts(pool):
    """A `result` of over 4 MiB says how the run went as a short one does."""
    for number, (error, status) in enumerate((("false", "completed"), ("true", "failed"))):
        path = f"{pool.folder}/long{number}"
        with open(path, "w") as file:
            file.write('{"type":"result","result":"' + 5_000_000 * "x")
            file.write(f'","usage":{{"is_error":true}},"is_error":{error}}}\n')
        root = pool.repository(f"p{number}", agents={"coder": f"init; replay {path}; exit 0"})
        assert run(pool, root)["status"] == status


# --- gemini's conversations ---

GEMINI = """#!/bin/sh
# As gemini does: a resume leaves an empty file beside the conversation; what is new removes both.
chats=$HOME/.gemini/tmp/project/chats
mkdir -p $chats && pwd > $chats/../.project_root
case "$*" in
*--resume*)
    old=$(grep -ls "A conversation" $chats/session-*-1592c2f4.jsonl)
    [ "$old" ] || { echo "Invalid session identifier"; exit 42; }
    echo "A conversation goes on" >> $old
    echo "{}" > $chats/session-2026-11-30T04-00-1592c2f4.jsonl ;;
*)
    [ ! -e $chats/session-2026-11-30T04-00-1592c2f4.jsonl ] || rm $chats/*-1592c2f4.jsonl
    [ -e $chats/session-2026-11-30T03-00-1592c2f4.jsonl ] || [ -e $HOME/.gemini/begun ] ||
        echo "A conversation" > $chats/session-2026-11-30T03-00-1592c2f4.jsonl
    touch $HOME/.gemini/begun ;;
esac
echo '{"type":"init","session_id":"1592c2f4-bf31-48fc-b078-b494fdd3dc54"}'
echo '{"type":"result","status":"success"}'
"""


def test_a_conversation_of_gemini_is_put_back(pool):
    """gemini loses a conversation that was resumed once when something new begins in its folder: a
    resume finds it again, with all that was said, and a second one, too."""
    program, home = f"{pool.folder}/gemini", f"{pool.folder}/home-of-gemini"
    os.mkdir(home)
    with open(program, "w") as file:
        file.write(GEMINI)
    os.chmod(program, 0o755)
    agent = {"kind": "gemini", "command": program, "env": {"HOME": home}}
    root = pool.repository(agents={"coder": agent})
    session = "1592c2f4-bf31-48fc-b078-b494fdd3dc54"
    for resume in (None, session, None, session, None, session):
        pool.start(root, "s", **({"resume": resume} if resume else {}))
        info = pool.wait(root, "s")
        assert info["status"] == "completed" and info["session_id"] == session, (resume, info)
    chats = f"{home}/.gemini/tmp/project/chats"
    with open(f"{chats}/session-2026-11-30T03-00-1592c2f4.jsonl") as file:
        assert file.read().count("goes on") == 3


if __name__ == "__main__":
    main()
