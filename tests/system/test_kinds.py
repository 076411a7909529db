# SPDX-License-Identifier: LGPL-2.1-or-later
"""The other CLIs: how each kind is called, and what its JSON says, from what the real ones print."""

import json

from harness import main, raises
from replay import argv_of, replay

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
    names = ("status", "session_id", "exit_code", "error", "cost_usd", "input_tokens", "output_tokens")
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
        "output_tokens": 7,
    }
    assert texts[-1] == "hello from stub" and "say hello" not in texts


def test_gemini_without_a_result_has_failed(pool):
    """gemini: one that printed its init and no result has failed, whatever its exit status."""
    info, _, _ = see(pool, "gemini", "gemini-err500")
    assert (info["status"], info["error"]) == ("failed", "ended without a result")


def test_opencode_says_how_it_went(pool):
    """opencode: the session's id, the texts; cost and tokens are those of all steps together."""
    info, texts, _ = see(pool, "opencode", "opencode-tool")
    assert facts(info) == {
        "status": "completed",
        "session_id": "ses_dfcbadb5dffeJaGPIPFyCqGZ3x",
        "exit_code": 0,
        "cost_usd": 0.0,
        "input_tokens": 36,
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


if __name__ == "__main__":
    main()
