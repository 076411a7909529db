# SPDX-License-Identifier: LGPL-2.1-or-later
"""The other CLIs: how each kind is called, and what its JSON says, from what the real ones print."""

import json

from harness import main, raises
from replay import DATA, argv_of, replay

COUNTS = ("turns", "input_tokens", "cached_input_tokens", "output_tokens")
PROMPT = "Work on story {{story_id}}."


def repository(pool, kind, scenario, **keys):
    """A repository with one agent of that kind."""
    return pool.repository(agents={"coder": {"kind": kind, "scenario": scenario, "prompt": PROMPT} | keys})


def command_line(pool, kind, options=None, **keys):
    """The command line of an agent of that kind."""
    root = repository(pool, kind, "argv", **keys)
    info = pool.start(root, "42_login", **(options or {}))
    pool.wait(root, "42_login")
    return argv_of(pool, info["run_id"])


def see(pool, kind, name, status=0):
    """Runs a replay of what a CLI of that kind printed to its end; the info and all texts."""
    root = repository(pool, kind, f"{replay(name)}; exit {status}")
    info = pool.start(root, "42_login")
    ended = pool.wait(root, "42_login")
    events = list(pool.subscribe_run(info["run_id"]))
    assert events[-1]["type"] == ("done" if ended["status"] == "completed" else "error")
    return ended, [event["text"] for event in events if event["type"] == "output"], events


def facts(info):
    names = ("status", "session_id", "exit_code", "error", "cost_usd", *COUNTS)
    return {name: info[name] for name in names if name in info}


def test_codex_is_called_as_it_wants(pool):
    """codex: `exec --json`, the model, args, and the prompt last."""
    assert command_line(pool, "codex", model="o9", args=["--search"]) == [
        "exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox",
        "-m", "o9", "--search", "Work on story 42_login.",
    ]  # fmt: skip


def test_codex_resumes(pool):
    """codex resumes with a subcommand."""
    assert command_line(pool, "codex", {"resume": "abc"})[-3:] == [
        "resume",
        "abc",
        "Work on story 42_login.",
    ]


def test_gemini_is_called_as_it_wants(pool):
    """gemini: `-p PROMPT`, stream-json, and no questions."""
    assert command_line(pool, "gemini", model="flash") == [
        "-p", "Work on story 42_login.", "-m", "flash",
        "--output-format", "stream-json", "--yolo", "--skip-trust",
    ]  # fmt: skip


def test_gemini_resumes(pool):
    """gemini resumes with an option."""
    arguments = command_line(pool, "gemini", {"resume": "abc"})
    assert arguments[arguments.index("--resume") + 1] == "abc"


def test_opencode_is_called_as_it_wants(pool):
    """opencode: `run --format json`, and the prompt last."""
    assert command_line(pool, "opencode", model="a/b") == [
        "run", "--format", "json", "-m", "a/b", "Work on story 42_login.",
    ]  # fmt: skip


def test_opencode_resumes(pool):
    """opencode resumes a session."""
    arguments = command_line(pool, "opencode", {"resume": "ses_1"})
    assert arguments[arguments.index("--session") + 1] == "ses_1"


def test_raw_is_called_as_written(pool):
    """raw: the command and its args as written, placeholders replaced, nothing added."""
    args = ["--story", "{{story_id}}", "--base={{base_branch}}", "{{other}}"]
    assert command_line(pool, "raw", args=args) == ["--story", "42_login", "--base=main", "{{other}}"]


def test_raw_has_no_sessions(pool):
    """raw has no sessions: resume is InvalidArgument."""
    root = repository(pool, "raw", "exit 0")
    assert "raw" in raises("InvalidArgument", pool.start, root, "42_login", resume="abc").message


def test_codex_says_how_it_went(pool):
    """codex: the thread's id, the messages' texts, the usage."""
    info, texts, _ = see(pool, "codex", "codex-text")
    assert facts(info) == {
        "status": "completed",
        "session_id": "01a20335-e70d-7a13-8bb6-6ec8baf9c86f",
        "exit_code": 0,
        "input_tokens": 12,
        "cached_input_tokens": 0,
        "output_tokens": 7,
    }
    assert texts == ["hello from stub"]


def test_codex_says_what_failed(pool):
    """codex: a failed turn fails the run with codex's own words."""
    info, _, _ = see(pool, "codex", "codex-err429", status=1)
    assert (info["status"], info["exit_code"]) == ("failed", 1)
    assert info["error"] == "exceeded retry limit, last status: 429 Too Many Requests"


def test_gemini_says_how_it_went(pool):
    """gemini: the session's id, the assistant's texts but not the user's, the stats."""
    info, texts, _ = see(pool, "gemini", "gemini-text")
    assert facts(info) == {
        "status": "completed",
        "session_id": "a9478ecf-3ba8-439e-95ce-96b2e8e344b6",
        "exit_code": 0,
        "input_tokens": 12,
        "cached_input_tokens": 0,
        "output_tokens": 7,
    }
    assert texts[-1] == "hello from stub" and "say hello" not in texts


def test_gemini_without_a_result_has_failed(pool):
    """gemini: one that printed its init and no result has failed, whatever its exit status."""
    info, _, _ = see(pool, "gemini", "gemini-err500")
    assert info["status"] == "failed"
    assert info["error"].startswith("ended without a result; its last lines:\n"), info["error"]


def test_opencode_says_how_it_went(pool):
    """opencode: the session's id, the texts; cost and tokens are those of all steps together."""
    info, texts, _ = see(pool, "opencode", "opencode-tool")
    assert facts(info) == {
        "status": "completed",
        "session_id": "ses_dfcbadb5dffeJaGPIPFyCqGZ3x",
        "exit_code": 0,
        "cost_usd": 0.0,
        "input_tokens": 36,
        "cached_input_tokens": 0,
        "output_tokens": 21,
    }
    assert texts[-1] == "All done. final text from stub."


def test_opencode_that_stops_amid_its_steps_has_failed(pool):
    """opencode: a last step that asked for tools is no end."""
    step = {"type": "step_start", "sessionID": "ses_1", "part": {"type": "step-start"}}
    finish = {"type": "step_finish", "sessionID": "ses_1", "part": {"reason": "tool-calls"}}
    root = repository(pool, "opencode", f"json {json.dumps(step)}; json {json.dumps(finish)}")
    pool.start(root, "42_login")
    info = pool.wait(root, "42_login")
    assert (info["status"], info["error"]) == ("failed", "ended without a result")


def test_raw_is_its_exit_status(pool):
    """raw: each line is a text, and the exit status is all there is; JSON means nothing."""
    result = json.dumps({"type": "result", "is_error": True, "session_id": "abc"})
    root = repository(pool, "raw", f"print one; json {result}; print two; exit 0")
    info = pool.start(root, "42_login")
    ended = pool.wait(root, "42_login")
    assert facts(ended) == {"status": "completed", "exit_code": 0}
    events = pool.subscribe_run(info["run_id"])
    assert [event["text"] for event in events if event["type"] == "output"] == ["one", "two"]
    root = pool.repository("other", agents={"coder": {"kind": "raw", "scenario": "exit 3"}})
    pool.start(root, "42_login")
    assert pool.wait(root, "42_login")["error"] == "exit status 3"


def test_json_is_passed_on_whole(pool):
    """The JSON of every kind is passed on whole, in its order, texts before it."""
    for kind, name in (("codex", "codex-tool"), ("gemini", "gemini-tool"), ("opencode", "opencode-tool")):
        root = pool.repository(kind, agents={"coder": {"kind": kind, "scenario": replay(name)}})
        info = pool.start(root, "42_login")
        pool.wait(root, "42_login")
        got = [e["data"] for e in pool.subscribe_run(info["run_id"]) if e["type"] == "agent_json"]
        with open(f"{pool.run_folder(info['run_id'])}/transcript", errors="replace") as file:
            lines = [line.strip() for line in file if line.startswith("{")]
        assert got == [json.loads(line) for line in lines], kind


def promised():
    """What the captures of 2026-11 promise: (name, kind, promise)."""
    with open(f"{DATA}/promises.json") as file:
        promises = json.load(file)
    return [(name[:-4], name.split("-")[0], p) for name, p in promises.items() if "exit" in p]


def check_promise(name, promise, info):
    """The ended run @info is what the capture @name promises."""
    completed = promise["ended"] == "success" or promise["ended"] == "unknown" and promise["exit"] == 0
    assert info["status"] == ("completed" if completed else "failed"), (name, info)
    assert info["exit_code"] == promise["exit"], (name, info)
    if "session_id" in promise:
        assert info["session_id"] == promise["session_id"], (name, info)
    if "error" in promise:
        assert info["error"] == promise["error"], (name, info)
    elif not completed:
        assert info["error"].startswith(f"exit status {promise['exit']}; its last lines:\n"), (name, info)
    usage = promise.get("usage", {}) | promise.get("session_usage", {})
    assert {key: info[key] for key in COUNTS if key in info} == {
        key: value for key, value in usage.items() if key in COUNTS
    }, (name, info)
    assert abs(info.get("cost_usd", -1) - usage.get("cost_usd", -1)) < 1e-9, (name, info)


def test_every_capture_gives_what_its_kind_promises(pool):
    """What each CLI printed in 2026-11, through the PTY: status, words, session, totals."""
    captures = promised()
    assert len(captures) > 30
    root = pool.repository(
        agents={
            name: {"kind": kind, "scenario": f"{replay(name)}; exit {promise['exit']}"}
            for name, kind, promise in captures
        }
    )
    for name, _, promise in captures:
        pool.start(root, "42_login", name)
        check_promise(name, promise, pool.wait(root, "42_login", name))


def test_refused_resume_quotes_the_cli(pool):
    """A resume that the CLI refuses in plain text fails with that text."""
    for kind, name, status, words in (
        ("codex", "codex-0.171.0-resume-unknown", 1, "no rollout found for thread id"),
        ("gemini", "gemini-0.61.0-resume-unknown", 42, "Error resuming session: Invalid session"),
        ("opencode", "opencode-1.18.33-resume-unknown", 1, "Error: Session not found"),
        ("pi", "pi-1.6.0-resume-unknown", 1, "No session found matching"),
    ):
        root = pool.repository(kind, agents={"coder": {"kind": kind, "scenario": f"{replay(name)}; exit {status}"}})
        pool.start(root, "42_login", resume="abc")
        info = pool.wait(root, "42_login")
        assert info["error"].startswith(f"exit status {status}; its last lines:\n"), info
        assert words in info["error"] and info["session_id"] == "abc", info


def thread_run(thread, *usage):
    """The scenario of a codex that says what its thread has used so far; without, it just ends."""
    lines = [{"type": "thread.started", "thread_id": thread}]
    lines.append({"type": "item.completed", "item": {"type": "agent_message", "text": "hi"}})
    if usage:
        keys = ("input_tokens", "cached_input_tokens", "output_tokens")
        lines.append({"type": "turn.completed", "usage": dict(zip(keys, usage))})
    return "; ".join(f"json {json.dumps(line)}" for line in lines)


def test_codex_counts_its_thread_and_a_run_its_own(pool):
    """codex counts the thread: a run has what it used itself, also after a restart of the service;
    what can't be known is absent."""
    scenarios = {
        "first": thread_run("t1", 12, 0, 7),
        "second": thread_run("t1", 24, 4, 14),
        "refused": "print no such thread; exit 1",
        "third": thread_run("t1", 36, 4, 21),
        "cut": thread_run("t1"),
        "fourth": thread_run("t1", 60, 4, 35),
        "back": thread_run("t1", 50, 4, 30),
    }
    root = pool.repository(
        agents={name: {"kind": "codex", "scenario": text} for name, text in scenarios.items()}
    )

    def used(name, **options):
        return counts_of(pool, root, name, **options)[1:]

    assert used("first") == (12, 0, 7)
    assert used("second", resume="t1") == (12, 4, 7)
    assert used("refused", resume="t1") == (None, None, None)
    pool.restart_daemon()
    assert used("third", resume="t1") == (12, 0, 7)
    assert used("cut", resume="t1") == (None, None, None)
    assert used("fourth", resume="t1") == (None, None, None)
    assert used("back", resume="t1") == (None, 0, None)
    assert used("third", resume="unknown") == (None, None, None)


def counts_of(pool, root, agent, **options):
    """What the agent's next run reports to have used."""
    pool.start(root, "42_login", agent, **options)
    info = pool.wait(root, "42_login", agent)
    return tuple(info.get(key) for key in COUNTS)


def qwen_run(turns, *usage):
    keys = ("input_tokens", "cache_read_input_tokens", "output_tokens")
    result = {"type": "result", "is_error": False, "num_turns": turns,
              "usage": dict(zip(keys, usage))}  # fmt: skip
    return f"init; text hi; json {json.dumps(result)}"


def test_qwen_counts_its_session_and_a_run_its_own(pool):
    """The tokens of a resumed qwen are the session's, its turns the run's."""
    scenarios = {"first": qwen_run(1, 24, 0, 14), "second": qwen_run(2, 60, 8, 35)}
    root = pool.repository(
        agents={name: {"kind": "qwen", "scenario": text} for name, text in scenarios.items()}
    )
    assert counts_of(pool, root, "first") == (1, 24, 0, 14)
    session = pool.get(root, "42_login", "first")["session_id"]
    assert counts_of(pool, root, "second", resume=session) == (2, 36, 8, 21)


if __name__ == "__main__":
    main()
