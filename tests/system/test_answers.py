# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions: what an agent with `permission = "ask"` asks, and how it is answered."""

import json

from gi.repository import GLib

from harness import NAME, Pool, main, raises, wait_until

ASK = 'ask q1 Bash {"command":"rm -r build","n":1e2}'


def asking(scenario, **keys):
    """An agent whose scenario ends with its result, and with the end of its input."""
    keys = {"scenario": f"init; text On it.; {scenario}; result; read", "permission": "ask"} | keys
    return {"coder": {"stop_grace": "1s"} | keys}


def questions(pool, root, story="s"):
    return pool.get(root, story).get("questions", [])


def wait_for_questions(pool, root, n=1, story="s"):
    return wait_until(
        lambda: len(q := questions(pool, root, story)) == n and q, f"{n} open questions"
    )


def answer(pool, info, question, option, **details):
    variants = {
        key: GLib.Variant("a{ss}" if isinstance(value, dict) else "s", value)
        for key, value in details.items()
    }
    identity = (info["run_id"], question["id"], option, variants)
    pool.call("Answer", "(sssa{sv})", *identity)


def drained_json(pool, root):
    events = [e for e in pool.drain(root, "s") if e["type"] == "agent_json"]
    return [e["data"] if isinstance(e["data"], dict) else json.loads(e["data"]) for e in events]


def given(pool, root):
    lines = [line for line in drained_json(pool, root) if line["type"] == "answered"]
    found = [line["answer"]["response"] for line in lines]
    return [(response["request_id"], response["response"]) for response in found]


def test_a_question_waits_for_its_answer(pool):
    """A control request is a question of the run until it is answered; what was asked for is
    allowed word for word, the input closes behind the result, and the run completes."""
    root = pool.repository(agents=asking(f"{ASK}; answers 1"))
    info = pool.start(root, "s")
    (question,) = wait_for_questions(pool, root)
    assert question["kind"] == "permission" and question["title"] == "May it use Bash?"
    assert question["detail"] == "rm -r build"
    assert [o["id"] for o in question["options"]] == ["allow", "always", "deny"], question
    waiting = pool.get(root, "s")
    assert waiting["waiting"] == "permission" and waiting["status"] == "running"
    assert waiting["waiting_since"] >= waiting["started"]
    event = pool.wait_for(lambda e: e.get("status") == "waiting")
    assert (event["waiting"], event["question"]) == ("permission", question["id"])
    answer(pool, info, question, "allow")
    assert pool.wait(root, "s")["status"] == "completed"
    allowed = {"behavior": "allow", "updatedInput": {"command": "rm -r build", "n": 100.0}}
    assert given(pool, root) == [("q1", allowed)]
    assert "waiting" not in pool.get(root, "s")
    pool.wait_for("done")
    statuses = [e["status"] for e in pool.events if e["type"] == "status"]
    assert statuses == ["pending", "running", "waiting", "running"], statuses


def test_a_refusal_has_a_reason(pool):
    """`message` is what the agent is told; another input takes the place of what it asked for."""
    root = pool.repository(agents=asking(f"{ASK}; ask q2 Write {{}}; ask q3 Read {{}}; answers 3"))
    info = pool.start(root, "s")
    one, two, three = wait_for_questions(pool, root, 3)
    answer(pool, info, two, "allow", input='{"file_path":\n "other"}')
    answer(pool, info, one, "deny", message='Not "that".')
    answer(pool, info, three, "always")
    assert pool.wait(root, "s")["status"] == "completed"
    rule = {"type": "addRules", "rules": [{"toolName": "Read"}], "behavior": "allow",
            "destination": "session"}  # fmt: skip
    assert given(pool, root) == [
        ("q2", {"behavior": "allow", "updatedInput": {"file_path": "other"}}),
        ("q1", {"behavior": "deny", "message": 'Not "that".'}),
        ("q3", {"behavior": "allow", "updatedInput": {}, "updatedPermissions": [rule]}),
    ]


def test_a_question_is_answered_on_the_runs_object(pool):
    """org.storkit.Run has Answer, which needs no names and no id of the run."""
    root = pool.repository(agents=asking(f"{ASK}; answers 1"))
    info = pool.start(root, "s")
    (question,) = wait_for_questions(pool, root)

    def answer_there(option):
        arguments = GLib.Variant("(ssa{sv})", (question["id"], option, {}))
        pool.bus.connection.call_sync(
            NAME, info["object_path"], "org.storkit.Run", "Answer", arguments, None, 0, -1, None
        )

    try:
        answer_there("perhaps")
        raise AssertionError("an option that there is not was taken")
    except GLib.Error as error:
        assert "InvalidArgument" in error.message, error.message
    answer_there("allow")
    assert pool.wait(root, "s")["status"] == "completed"
    assert len(given(pool, root)) == 1


def test_an_answer_is_given_once(pool):
    """A second answer is refused and says so, as are wrong ones; none of them reaches the agent."""
    root = pool.repository(agents=asking(f"{ASK}; answers 1; wait go"))
    info = pool.start(root, "s")
    (question,) = wait_for_questions(pool, root)
    for wrong in (
        raises("InvalidArgument", answer, pool, info, question, "perhaps"),
        raises("InvalidArgument", answer, pool, info, {"id": "12345"}, "allow"),
        raises("InvalidArgument", answer, pool, info, {"id": "../q"}, "allow"),
        raises("InvalidArgument", answer, pool, info, question, "allow", input="[]"),
        raises("InvalidArgument", answer, pool, info, question, "allow", reason="x"),
    ):
        assert "answered" not in wrong.message, wrong
    answer(pool, info, question, "deny")
    again = raises("InvalidArgument", answer, pool, info, question, "allow")
    assert "answered already" in again.message
    with open(f"{info['worktree_path']}/go", "w"):
        pass
    assert pool.wait(root, "s")["status"] == "completed"
    assert [response["behavior"] for _, response in given(pool, root)] == ["deny"]
    raises("NotRunning", answer, pool, info, question, "allow")
    raises("NoSuchRun", answer, pool, {"run_id": "s.coder.aaaaaaaaaa"}, question, "allow")


def test_a_question_is_taken_back(pool):
    """A question that the agent takes back is open no more."""
    cancel = 'json {"type":"control_cancel_request","request_id":"q1"}'
    root = pool.repository(agents=asking(f"{ASK}; wait go; {cancel}"))
    info = pool.start(root, "s")
    (question,) = wait_for_questions(pool, root)
    with open(f"{info['worktree_path']}/go", "w"):
        pass
    assert pool.wait(root, "s")["status"] == "completed"
    assert pool.wait_for(lambda e: e.get("status") == "waiting")["question"] == question["id"]


def test_a_question_of_the_models_own(pool):
    """AskUserQuestion has its own options, or an answer in words."""
    def choice(name):
        options = [{"label": "Red", "description": "like fire"}, {"label": "Blue"}]
        asked = [{"question": "Which colour?", "options": options}]
        return f"ask {name} AskUserQuestion {json.dumps({'questions': asked})}"

    root = pool.repository(agents=asking(f"{choice('q1')}; {choice('q2')}; answers 2"))
    info = pool.start(root, "s")
    one, two = wait_for_questions(pool, root, 2)
    assert pool.get(root, "s")["waiting"] == "input" and one["title"] == "Which colour?"
    assert [o["name"] for o in one["options"]][:2] == ["Red", "Blue"]
    raises("InvalidArgument", answer, pool, info, one, "other")
    answer(pool, info, one, "2")
    answer(pool, info, two, "other", message="Green.")
    assert pool.wait(root, "s")["status"] == "completed"
    found = [response["updatedInput"]["answers"] for _, response in given(pool, root)]
    assert found == [{"Which colour?": "Blue"}, {"Which colour?": "Green."}]


def test_a_question_outlives_the_service(pool):
    """A question is still there after a kill -9 of the service, and is answered then."""
    root = pool.repository(agents=asking(f"{ASK}; answers 1"))
    info = pool.start(root, "s")
    before = wait_for_questions(pool, root), pool.get(root, "s")["waiting_since"]
    pool.kill_daemon()
    pool.start_daemon()
    after = wait_for_questions(pool, root), pool.get(root, "s")["waiting_since"]
    assert after == before
    answer(pool, info, before[0][0], "allow")
    assert pool.wait(root, "s")["status"] == "completed"
    assert [name for name, _ in given(pool, root)] == ["q1"]


def dies_at_the_answer(pool, info, question):
    try:
        answer(pool, info, question, "allow")
    except Exception:  # the reply is lost with it
        pass
    wait_until(lambda: not pool.running(), "the service to die")


def test_an_answer_outlives_the_service():
    """A service that dies when an answer is kept, before the agent has it, has answered: the next
    one gives it, once, and refuses another."""
    with Pool(environment={"STORKIT_FAULT": "answer"}) as pool:
        root = pool.repository(agents=asking(f"{ASK}; answers 1; wait go"))
        info = pool.start(root, "s")
        (question,) = wait_for_questions(pool, root)
        dies_at_the_answer(pool, info, question)
        pool.environment.pop("STORKIT_FAULT")
        pool.start_daemon()
        wait_until(lambda: given(pool, root) == [("q1", {
            "behavior": "allow", "updatedInput": {"command": "rm -r build", "n": 100.0},
        })], "the answer")  # fmt: skip
        assert "answered already" in raises(
            "InvalidArgument", answer, pool, info, question, "deny"
        ).message
        pool.kill_daemon()
        pool.start_daemon()
        with open(f"{info['worktree_path']}/go", "w"):
            pass
        assert pool.wait(root, "s")["status"] == "completed"
        with open(f"{pool.run_folder(info['run_id'])}/transcript") as file:
            assert file.read().count('"answered"') == 1


def test_nobody_answers(pool):
    """After `ask_timeout` the answer is no; with `on_ask_timeout = "stop"` the run fails."""
    root = pool.repository(agents=asking(f"{ASK}; answers 1", ask_timeout="500ms"))
    pool.start(root, "s")
    assert pool.wait(root, "s")["status"] == "completed"
    ((_, response),) = given(pool, root)
    assert response == {"behavior": "deny", "message": "Nobody answered in time."}
    stopped = asking(f"{ASK}; answers 1", ask_timeout=1, on_ask_timeout="stop")
    pool.write_config(root, pool.roster(stopped))
    pool.start(root, "t")
    info = pool.wait(root, "t")
    assert info["status"] == "failed" and "nobody answered its question" in info["error"], info
    assert pool.get(root, "t")["status"] == "failed"


def test_waiting_does_not_count(pool):
    """Neither `runtime_max` nor `idle_timeout` goes on while a question waits; they do again once
    it is answered."""
    limits = {"runtime_max": "3s", "idle_timeout": "2s"}
    root = pool.repository(agents=asking(f"sleep 1200; {ASK}; answers 1; idle", **limits))
    info = pool.start(root, "s")
    (question,) = wait_for_questions(pool, root)
    asked = pool.get(root, "s")["waiting_since"]
    wait_until(lambda: GLib.get_real_time() - asked > 3_500_000, "more than both limits")
    assert pool.get(root, "s")["status"] == "running"
    answer(pool, info, question, "allow")
    info = pool.wait(root, "s")
    assert info["status"] == "failed" and "its runtime_max" in info["error"], info
    assert info["ended"] - info["started"] >= 6_500_000, info


def test_a_frozen_agent_is_answered(pool):
    """An answer to a frozen agent is taken, and reaches it at the thaw."""
    root = pool.repository(agents=asking(f"{ASK}; answers 1"))
    info = pool.start(root, "s")
    (question,) = wait_for_questions(pool, root)
    pool.freeze(root, "s")
    answer(pool, info, question, "allow")
    assert questions(pool, root) == [] and pool.get(root, "s")["frozen"]
    pool.thaw(root, "s")
    assert pool.wait(root, "s")["status"] == "completed"


def test_a_stop_ends_a_run_that_waits(pool):
    """A run that waits is stopped like any other."""
    root = pool.repository(agents=asking(f"{ASK}; answers 1"))
    info = pool.start(root, "s")
    wait_for_questions(pool, root)
    pool.stop(root, "s")
    assert not pool.scope_exists(info["unit"])


def test_only_who_may_ask_has_questions(pool):
    """The same lines of an agent that may do everything are no questions: nobody could answer."""
    root = pool.repository(agents={"coder": f"init; {ASK}; result"})
    pool.start(root, "s")
    assert pool.wait(root, "s")["status"] == "completed"
    assert all(e.get("status") != "waiting" for e in pool.events)


def command_line(pool, root, **keys):
    pool.write_config(root, pool.roster({"coder": {"scenario": "argv; init; result"} | keys}))
    pool.start(root, "s")
    pool.wait(root, "s")
    return next(line["argv"] for line in drained_json(pool, root) if line["type"] == "argv")


def option_of(argv, name):
    return argv[argv.index(name) + 1] if name in argv else None


def test_the_roster_says_what_is_asked(pool):
    """`permission` and the rules become claude's options."""
    root = pool.repository()
    argv = command_line(pool, root)
    assert option_of(argv, "--permission-mode") == "bypassPermissions"
    rules = {"allow": ["Read", "Bash(git *)"], "deny": ["WebFetch"], "allowed_tools": ["Glob"]}
    argv = command_line(pool, root, permission="deny", **rules)
    assert option_of(argv, "--permission-mode") == "default"
    assert option_of(argv, "--allowedTools") == "Glob,Read,Bash(git *)"
    assert option_of(argv, "--disallowedTools") == "WebFetch"
    assert "--permission-prompt-tool" not in argv and "--input-format" not in argv
    argv = command_line(pool, root, permission="ask")
    assert option_of(argv, "--permission-prompt-tool") == "stdio"
    assert option_of(argv, "--input-format") == "stream-json"
    (agent,) = pool.get_config(root)["agents"]
    assert agent["permission"] == "ask"


def test_wrong_words_are_refused(pool):
    """Wrong values, and kinds that can't ask, are InvalidConfig and say what there is."""
    root = pool.repository()
    for keys, words in (
        ({"permission": "maybe"}, "bypass, ask and deny"),
        ({"permission": "ask", "on_ask_timeout": "wait"}, "deny and stop"),
        ({"permission": "ask", "ask_timeout": "soon"}, "write a time"),
        ({"permission": "ask", "allow": "Read"}, "array of strings"),
        ({"permission": "ask", "allow": [""]}, "empty rule"),
        ({"permission": "ask", "kind": "codex"}, "needs kind 'claude'"),
        ({"deny": ["x"], "kind": "raw"}, "needs kind 'claude'"),
    ):
        pool.write_config(root, pool.roster({"coder": keys}))
        assert words in raises("InvalidConfig", pool.start, root, "s").message, keys
    pool.write_config(root, pool.roster({"coder": {"allow": ["x"], "ask_timeout": 1}}))
    warnings = pool.get_config(root)["warnings"]
    assert [("allow" in w, "ask_timeout" in w) for w in warnings] == [(True, False), (False, True)]


if __name__ == "__main__":
    main()
