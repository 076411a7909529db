# SPDX-License-Identifier: LGPL-2.1-or-later
"""Agents of kind `acp`: spoken with by the Agent Client Protocol, on pipes that the shim holds."""

import json
import os

from ctl import Ctl
from harness import Pool, PoolError, main, raises, wait_until
from test_answers import answer, questions, wait_for_questions

AGENT = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "stand-in",
                     "acp-agent")  # fmt: skip

DATA = os.path.join(os.path.dirname(AGENT), "..", "data", "acp")


def speaking(turns=None, keys=None, **config):
    """An agent that does @turns: see the stand-in."""
    config |= {"turns": turns} if turns is not None else {}
    usual = {"kind": "acp", "command": AGENT, "stop_grace": "4s", "prompt": "Do it."}
    return {"coder": usual | {"env": {"ACP": json.dumps(config)}} | (keys or {})}


def lines(pool, info):
    with open(f"{pool.run_folder(info['run_id'])}/transcript") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def received(pool, info, method=None):
    """What the agent got, requests of @method only."""
    found = [line["params"] for line in lines(pool, info) if line.get("method") == "_received"]
    return [line for line in found if method in (None, line.get("method"))]


def prompts(pool, info):
    return [p["params"]["prompt"][0]["text"] for p in received(pool, info, "session/prompt")]


def outputs(pool, root, story="s"):
    return [e["text"] for e in pool.drain(root, story) if e["type"] == "output"]


def has_update(line, kind):
    return line.get("params", {}).get("update", {}).get("sessionUpdate") == kind


def restart(pool):
    pool.kill_daemon()
    pool.start_daemon()


def release(info, name="go"):
    with open(f"{info['worktree_path']}/{name}", "w"):
        pass


def test_a_server_is_given_to_new_and_loaded_sessions(pool):
    """With `mcp = true`, each session is opened with `storkitctl mcp` for a server."""
    root = pool.repository(agents=speaking([[["text", "Hello."]]], {"mcp": True}))
    for resume in ({}, {"resume": "acp-session-1"}):
        info = pool.start(root, "s", **resume)
        pool.wait(root, "s")
        method = "session/load" if resume else "session/new"
        server, = received(pool, info, method)[0]["params"]["mcpServers"]
        assert (server["name"], server["args"]) == ("storkit", ["mcp"])
        address = {v["name"]: v["value"] for v in server["env"]}["DBUS_SESSION_BUS_ADDRESS"]
        assert address == pool.environment["DBUS_SESSION_BUS_ADDRESS"]


def test_text_and_end(pool):
    """The agent is greeted, gets a session in the worktree and its prompt; pieces of its messages
    become lines of output, each of its lines an `agent_json`; its turn's end is the run's."""
    pieces = [["text", "One "], ["text", "line\nand an"],
              ["update", {"sessionUpdate": "usage_update"}],
              ["text", "other"], ["update", {"sessionUpdate": "tool_call", "title": "x"}],
              ["text", "The end."], ["stop", "end_turn", {"usage": {"inputTokens": 5,
               "cachedReadTokens": 2, "outputTokens": 3}}]]  # fmt: skip
    root = pool.repository(agents=speaking([pieces]))
    info = pool.start(root, "s")
    ended = pool.wait(root, "s")
    assert ended["status"] == "completed", ended
    assert ended["session_id"] == "acp-session-1" and ended["exit_code"] == 0
    assert (ended["input_tokens"], ended["output_tokens"]) == (7, 3), ended
    assert outputs(pool, root) == ["One line", "and another", "The end."]
    initialize, session, prompt = received(pool, info)
    assert initialize["params"]["protocolVersion"] == 1
    offered = initialize["params"]["clientCapabilities"]
    assert offered == {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
    assert session["method"] == "session/new" and session["params"]["mcpServers"] == []
    assert session["params"]["cwd"] == info["worktree_path"]
    assert prompt["params"]["prompt"] == [{"type": "text", "text": "Do it."}]


def test_its_lines_are_whole(pool):
    """What the agent and its tools print on the terminal stands between its lines; a line of half a
    megabyte is one; requests of its own are refused, and ids begin with 0."""
    turn = [["stderr", "warning\n"], ["half", "whole"], ["big", 561_000],
            ["request", "craft/drainMidTurnQueue"], ["line", "no json"]]  # fmt: skip
    root = pool.repository(agents=speaking([turn]))
    info = pool.start(root, "s")
    assert pool.wait(root, "s")["status"] == "completed"
    found = outputs(pool, root)
    assert sorted(found) == ["meanwhile", "no json", "response: -32601", "warning"], found
    methods = [line.get("method") for line in lines(pool, info)]
    assert "_half" in methods
    assert max(len(json.dumps(line)) for line in lines(pool, info)) > 561_000


def test_a_reader_may_begin_anywhere(pool):
    """Joined text depends on the transcript alone: from every cursor the rest is the same, also
    where a message goes on over megabytes of other lines."""
    turn = [["text", "a "], ["text", "b\nc "], ["big", 700_000], ["text", "d "], ["big", 700_000],
            ["text", "e\n\nf"], ["text", " g", "m2"], ["text", " h", "m2"]]  # fmt: skip
    root = pool.repository(agents=speaking([turn]))
    info = pool.start(root, "s")
    assert pool.wait(root, "s")["status"] == "completed"
    events = list(pool.subscribe_run(info["run_id"]))
    texts = [event["text"] for event in events if event["type"] == "output"]
    assert texts == ["a b", "c d ", "e", "f", " g h"], texts
    for number, event in enumerate(events):
        rest = list(pool.subscribe_run(info["run_id"], event["cursor"]))
        assert rest == events[number + 1 :], (event["cursor"], texts)


def test_how_it_ends(pool):
    """Only `end_turn` is a success; the words are the agent's, or say what its reason means."""
    cases = [
        ({"turns": [[["stop", "refusal"]]]}, "the agent refused to go on"),
        ({"turns": [[["stop", "max_tokens"]]]}, "the agent reached its limit of tokens"),
        ({"turns": [[["error", "no credit"]]]}, "Internal error: no credit"),
        ({"refuse": "session/new"}, "no session/new today"),
        ({"refuse": "initialize"}, "no initialize today"),
        ({"version": 2}, "it speaks version 2 of the Agent Client Protocol, and not version 1"),
        ({"turns": [[["exit", 0]]]}, "ended without a result"),
        ({"turns": [[["exit", 3]]]}, "exit status 3"),
    ]
    root = pool.repository(agents=speaking())
    for number, (config, words) in enumerate(cases):
        pool.write_config(root, pool.roster(speaking(**config)))
        pool.start(root, f"s{number}")
        info = pool.wait(root, f"s{number}")
        assert info["status"] == "failed" and info["error"].startswith(words), info


def test_one_that_stays_is_ended(pool):
    """An agent that does not end with its input is ended after `result_grace`, with success."""
    root = pool.repository(agents=speaking(stays=True, keys={"result_grace": "300ms"}))
    pool.start(root, "s")
    info = pool.wait(root, "s")
    assert info["status"] == "completed", info


def test_mode_and_model(pool):
    """`mode` and `model` are set before the prompt, by whichever way the session has for them; one
    that cannot be set fails the run before it has begun."""
    options = [{"id": "llm", "category": "model"}, {"id": "mode", "category": "mode"}]
    keys = {"mode": "plan", "model": "big"}
    sessions = [
        ({"modes": {}}, [("session/set_mode", "plan"), ("session/set_model", "big")]),
        ({"configOptions": options}, [("session/set_config_option", "plan"),
                                      ("session/set_config_option", "big")]),
        ({"modes": {}, "configOptions": options}, [("session/set_mode", "plan"),
                                                   ("session/set_config_option", "big")]),
    ]  # fmt: skip
    root = pool.repository(agents=speaking())
    for number, (session, expected) in enumerate(sessions):
        pool.write_config(root, pool.roster(speaking(session=session, keys=keys)))
        info = pool.start(root, f"s{number}")
        assert pool.wait(root, f"s{number}")["status"] == "completed"
        found = [(r["method"], r["params"].get("modeId") or r["params"].get("modelId") or
                  r["params"].get("value")) for r in received(pool, info)[2:-1]]  # fmt: skip
        assert found == expected, found
        assert received(pool, info)[-1]["method"] == "session/prompt"
    pool.write_config(root, pool.roster(speaking(refuse="session/set_mode", keys=keys)))
    info = pool.start(root, "t")
    ended = pool.wait(root, "t")
    assert ended["error"] == "its mode cannot be set: no session/set_mode today", ended
    assert prompts(pool, info) == []


def test_the_service_dies_at_any_word():
    """A service that dies when it has kept what it says, before the agent has it, has said it: the
    next one gives it, once; and one that dies before says it then."""
    with Pool(environment={"STORKIT_FAULT": "reply"}) as pool:
        root = pool.repository(agents=speaking([[["text", "Hello."], ["request", "x"]]]))
        try:
            pool.start(root, "s")
        except Exception:  # the reply is lost with it
            pass
        for _ in range(3):  # the session, the prompt, the refused request
            wait_until(lambda: not pool.running(), "the service to die")
            (run_id,) = pool.run_folders()
            pool.start_daemon()
        pool.environment.pop("STORKIT_FAULT")
        wait_until(lambda: not pool.running() or pool.get(root, "s")["status"] != "running", "it")
        if not pool.running():
            pool.start_daemon()
        info = pool.wait(root, "s")
        assert info["status"] == "completed", info
        names = [r.get("method", r.get("id")) for r in received(pool, {"run_id": run_id})]
        assert names == ["initialize", "session/new", "session/prompt", 0], names


def test_captures(pool):
    """What real servers said, each with its own habits, is read for what it means; the cost is the
    run's own where the server counts its session."""
    tool = ["I will run a command.", "Now a file.", "All done. final text from stub."]
    codex = "Model metadata for `stub-model` not found. Defaulting to fallback metadata; this " \
            "can degrade performance and cause issues."  # fmt: skip
    claude_id = "7eecfaa5-251f-42fc-b40a-1946fc8b205b"
    codex_id = "01a22852-ec26-7471-8b88-a5a02d08c8d7"
    captures = {
        "claude-perm": ({"mode": "default"}, {}, tool, claude_id, (36, 21, 0.000564)),
        "claude-load": ({}, {"resume": claude_id}, ["hello from stub"], claude_id,
                        (12, 7, 0.000376)),
        "codex-tool": ({}, {}, [codex + tool[0], *tool[1:]], codex_id, (None, None, None)),
        "codex-load": ({}, {"resume": codex_id}, [codex + "hello from stub"], codex_id,
                       (None, None, None)),
        "gemini-tool": ({}, {}, tool, "93efa6d9-afb3-4ec5-b1bf-1a544f32f291", (36, 21, None)),
        "opencode-tool": ({}, {}, tool, "ses_dd79c09ceffeheCioth5R9wDRX", (12, 7, 0.000078)),
    }  # fmt: skip
    root = pool.repository(agents=speaking())
    for name, (keys, options, texts, session, figures) in captures.items():
        capture = f"{DATA}/{name}.ndjson"
        pool.write_config(root, pool.roster(speaking(capture=capture, keys=keys)))
        pool.start(root, name, **options)
        info = pool.wait(root, name)
        assert info["status"] == "completed" and info["session_id"] == session, (name, info)
        assert outputs(pool, root, name) == texts, name
        found = tuple(info.get(key) for key in ("input_tokens", "output_tokens", "cost_usd"))
        assert found[:2] == figures[:2], (name, found)
        assert found[2] == figures[2] or abs(found[2] - figures[2]) < 1e-9, (name, found)
    pool.write_config(root, pool.roster(speaking(capture=f"{DATA}/cline-tool.ndjson")))
    pool.start(root, "cline")
    info = pool.wait(root, "cline")
    words = "Authentication required: Call authenticate before starting a session"
    assert info["error"] == words, info
    watched = Ctl(pool, root=root).out("watch", "opencode-tool")
    assert "→ execute  bash" in watched and "All done. final text from stub." in watched, watched


# --- Permissions ---

ASKS = [["ask", "execute", "rm -r build"]]


def test_permission_yes_and_no(pool):
    """With `permission = "ask"`, a request for permission is a question of the run; the answer is
    the agent's own option of that kind."""
    root = pool.repository(agents=speaking([ASKS * 2], {"permission": "ask"}))
    info = pool.start(root, "s")
    (question,) = wait_for_questions(pool, root)
    assert question["kind"] == "permission" and question["title"] == "May it run this command?"
    assert question["detail"] == "rm -r build"
    assert [(o["id"], o["name"]) for o in question["options"]] == [
        ("allow", "Yes"), ("always", "Always"), ("deny", "No")]  # fmt: skip
    assert pool.get(root, "s")["waiting"] == "permission"
    raises("InvalidArgument", answer, pool, info, question, "yes")
    answer(pool, info, question, "allow")
    wait_until(lambda: [q["id"] for q in questions(pool, root)] not in ([], [question["id"]]),
               "the second question")  # fmt: skip
    answer(pool, info, questions(pool, root)[0], "deny")
    assert pool.wait(root, "s")["status"] == "completed"
    assert outputs(pool, root) == ["answered: yes", "answered: no"]


def test_permission_over_a_kill(pool):
    """A question waits over a kill -9 of the service, and so does its answer; each once."""
    root = pool.repository(agents=speaking([ASKS + [["wait", "go"]]], {"permission": "ask"}))
    info = pool.start(root, "s")
    before = wait_for_questions(pool, root)
    restart(pool)
    assert wait_for_questions(pool, root) == before
    answer(pool, info, before[0], "always")
    restart(pool)
    wait_until(lambda: any(has_update(line, "tool_call_update") for line in lines(pool, info)),
               "the answer")  # fmt: skip
    release(info)
    assert pool.wait(root, "s")["status"] == "completed"
    assert outputs(pool, root) == ["answered: all"]
    assert len([r for r in received(pool, info) if "method" not in r]) == 1
    assert len(prompts(pool, info)) == 1


def test_rules(pool):
    """`bypass` says yes, `deny` no; rules by the tool's kind and what it is about come before both.
    A pattern allows no command that runs another."""
    git = [["ask", "execute", "git log"], ["ask", "execute", "git log; rm x"],
           ["ask", "edit", "a.c"]]  # fmt: skip
    only_no = [["ask", "read", "x", [("stop", "Stop", "reject_always")]], ["ask", "read", "x", []]]
    cases = [
        ({}, git, ["yes", "yes", "yes"]),
        ({"deny": ["execute(*rm*)"]}, git, ["yes", "no", "yes"]),
        ({"permission": "deny", "allow": ["execute(git *)"]}, git, ["yes", "no", "no"]),
        ({"permission": "deny", "allow": ["edit", "*(git *)"]}, git, ["yes", "no", "yes"]),
        ({"permission": "deny"}, only_no, ["stop", "cancelled"]),
    ]
    root = pool.repository(agents=speaking())
    for number, (keys, turn, expected) in enumerate(cases):
        pool.write_config(root, pool.roster(speaking([turn], keys)))
        pool.start(root, f"s{number}")
        assert pool.wait(root, f"s{number}")["status"] == "completed"
        assert outputs(pool, root, f"s{number}") == [f"answered: {e}" for e in expected], number


# --- Resume ---


def test_resume(pool):
    """A session is loaded; what it shows of its past, before or behind its response, is no output;
    and it stays so for a reader who comes later."""
    for number, history in enumerate(("before", "late")):
        root = pool.repository(name=history, agents=speaking([[["text", "New."]]], history=history))
        info = pool.start(root, "s", resume="acp-session-1")
        ended = pool.wait(root, "s")
        assert ended["status"] == "completed" and ended["session_id"] == "acp-session-1", ended
        load = received(pool, info)[1]
        assert load["method"] == "session/load"
        assert load["params"]["sessionId"] == "acp-session-1"
        assert outputs(pool, root) == ["New."]
        shown = [e["text"] for e in pool.subscribe_run(info["run_id"]) if e["type"] == "output"]
        assert shown == ["New."], shown
    pool.write_config(root, pool.roster(speaking(refuse="session/load")))
    pool.start(root, "s", resume="gone")
    ended = pool.wait(root, "s")
    assert ended["error"] == "no session/load today" and ended["session_id"] == "gone", ended


# --- Stop ---


def test_stop_cancels_the_turn(pool):
    """A Stop first asks the agent to cancel its turn; then its input ends, and nothing is left."""
    turn = [["text", "On it.\n"], ["hang"]]
    root = pool.repository(agents=speaking([turn], {"stop_grace": "60s"}))
    info = pool.start(root, "s")
    pool.wait_for(lambda e: e["type"] == "output")
    pool.stop(root, "s")
    assert not pool.scope_exists(info["unit"])
    assert received(pool, info)[-1]["method"] == "session/cancel"
    responses = [line for line in lines(pool, info) if line.get("id") == 100]
    assert responses[0]["result"] == {"stopReason": "cancelled"}


def test_stop_of_one_that_does_not_listen(pool):
    """An agent that does not cancel is ended like any other, within its grace."""
    turn = [["line", "busy"], ["ask", "read", "x"]]
    root = pool.repository(agents=speaking([turn], {"permission": "ask", "stop_grace": "2s"}))
    info = pool.start(root, "s")
    wait_for_questions(pool, root)
    pool.freeze(root, "s")
    pool.stop(root, "s")
    assert not pool.scope_exists(info["unit"])


# --- Messages ---


def test_messages(pool):
    """Messages wait for the turn before them, over a kill -9 of the service; the input closes
    behind the last one."""
    turns = [[["text", "First."], ["wait", "go"]], [["text", "Then."]]]
    root = pool.repository(agents=speaking(turns, {"interactive": True}))
    info = pool.start(root, "s")
    pool.send_message(root, "s", "second")
    restart(pool)
    pool.send_message(root, "s", "-third\nline")
    assert "empty" in raises("InvalidArgument", pool.send_message, root, "s", "").message
    release(info)
    wait_until(lambda: len(prompts(pool, info)) == 3, "three prompts")
    wait_until(lambda: [r["id"] for r in lines(pool, info) if r.get("id", 0) == 102], "their end")
    assert pool.get(root, "s")["status"] == "running"
    restart(pool)
    pool.send_message(root, "s", "fourth")
    pool.close_input(root, "s")
    try:
        pool.send_message(root, "s", "fifth")
        raise AssertionError("a message behind the end of the input")
    except PoolError as error:  # the run may be over by now
        assert error.name in ("InvalidArgument", "NotRunning"), error
    ended = pool.wait(root, "s")
    assert ended["status"] == "completed", ended
    assert prompts(pool, info) == ["Do it.", "second", "-third\nline", "fourth"]
    assert [r["id"] for r in lines(pool, info) if r.get("id", 0) >= 100] == [100, 101, 102, 103]


def test_stop_between_messages(pool):
    """An interactive agent that waits for a message has no turn to cancel."""
    root = pool.repository(agents=speaking(keys={"interactive": True}))
    info = pool.start(root, "s")
    wait_until(lambda: any(r.get("id") == 100 for r in lines(pool, info)), "the first turn's end")
    wait_until(lambda: not os.path.exists(f"{pool.run_folder(info['run_id'])}/cancel"), "no turn")
    pool.stop(root, "s")
    assert not pool.scope_exists(info["unit"])
    assert received(pool, info)[-1]["method"] == "session/prompt"


if __name__ == "__main__":
    main()
