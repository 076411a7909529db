# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitctl as a person uses it: names typed wrong, many runs at once, one value of a run, a
worktree to go to, and what is said without being asked for."""

import json
import os
import re
import signal

from ctl import NOT_FOUND, RUN_FAILED, RUN_STOPPED, STORKITCTL, USAGE, Ctl
from harness import main, skip, wait_until
from terminal import Terminal
from test_disk import can_make_namespaces

TIMEOUT = 124


# Words


def test_a_slip_is_guessed(pool):
    """A command that is nearly one's name is guessed, and not run."""
    ctl = Ctl(pool, "init; result")
    slips = {"strat": "start", "lsit": "list", "atach": "attach", "wath": "watch"}
    for typed, meant in slips.items():
        said = ctl(typed, "42", status=USAGE).err
        assert f"unknown command '{typed}'; did you mean {meant}?" in said, said
    assert "did you mean" not in ctl("frobnicate", status=USAGE).err
    assert ctl.json("list") == []


def test_help_and_version_are_commands(pool):
    """help and version say what the options of those names do."""
    ctl = Ctl(pool, "init")
    assert ctl.out("help") == ctl.out("--help")
    assert ctl.out("help", "wait") == ctl.out("wait", "--help")
    assert ctl.out("version") == ctl.out("--version")
    assert "did you mean wait?" in ctl("help", "wiat", status=USAGE).err
    assert "too many arguments" in ctl("version", "1", status=USAGE).err


def test_what_is_nowhere_is_said_plainly(pool):
    """A story that never was, and a folder without a repository, are said as that."""
    ctl = Ctl(pool, "init; result")
    said = ctl("resume", "99", status=NOT_FOUND).err
    assert "story '99' has no run to resume" in said and "`storkitctl start 99`" in said, said
    said = ctl("log", "99", status=NOT_FOUND).err
    assert "nothing about a story '99'" in said, said
    said = ctl("start", "1", "-C", pool.folder, status=NOT_FOUND).err
    assert f"{pool.folder} is not in a git repository" in said, said


# Many


def test_stop_takes_patterns_and_all(pool):
    """stop takes patterns, --all, and stops what there is where one of the names is none."""
    ctl = Ctl(pool, agents={"coder": "init; idle", "clerk": "init; idle"})
    for run in ("41_a", "42_b", "42_c/clerk", "43_d"):
        ctl.start(run)
    said = ctl("stop", "99", "41", "98", status=NOT_FOUND).err
    assert "41_a/coder stopped" in said and "'99'" in said and "'98'" in said, said
    assert [run["story_id"] for run in ctl.json("list")] == ["42_b", "42_c", "43_d"]
    assert "no run matches '5*'" in ctl("stop", "5*", status=NOT_FOUND).err
    ctl("stop", "42*/clerk")
    assert [run["story_id"] for run in ctl.json("list")] == ["42_b", "43_d"]
    ctl("freeze", "--all")
    assert all(run["frozen"] for run in ctl.json("list"))
    ctl("thaw", "4?_*")
    assert "--all" in ctl("stop", "--all", "42", status=USAGE).err
    ctl("stop", "--all", "-a", "clerk")
    assert len(ctl.json("list")) == 2
    ctl("stop", "--all")
    assert ctl.json("list") == []
    ctl("stop", "--all")


def test_stories_are_in_version_order(pool):
    """9_x stands before 10_y; the keys of JSON are in one order, those that name a run first."""
    ctl = Ctl(pool, "init; result")
    for story in ("10_y", "9_x"):
        ctl("start", story, "--wait")
    assert [run["story_id"] for run in ctl.json("list")] == ["9_x", "10_y"]
    keys = list(ctl.json("show", "9")[0])
    assert keys[:5] == ["project_root", "story_id", "agent_name", "status", "run_id"], keys
    rest = [key for key in keys[5:] if key not in ("branch", "base_branch")]
    assert rest == sorted(rest), keys
    assert ctl.out("-j", "list") == ctl.out("list", "--json")


def test_max_agents_is_shown_and_set(pool):
    """max-agents shows how many agents run at a time, and sets it."""
    ctl = Ctl(pool, "init; result")
    ctl("max-agents", "3")
    assert ctl.out("max-agents") == "3\n" and pool.get_property("MaxAgents") == 3
    assert ctl.json("max-agents") == 3
    assert "'many' is not a number" in ctl("max-agents", "many", status=USAGE).err
    ctl("max-agents", "0", status=USAGE)


def test_status_counts_for_a_bar(pool):
    """status prints a line of JSON for a bar, and with --follow another at each change."""
    ctl = Ctl(pool, "init; wait go; result")
    bar = ctl.begin("status", "--follow")
    states = [json.loads(bar.stdout.readline())]
    info = ctl.start()
    while states[-1]["running"] == 0:
        states.append(json.loads(bar.stdout.readline()))
    assert json.loads(ctl.out("status")) == states[-1]
    ctl.touch(info)
    while states[-1]["running"] == 1:
        states.append(json.loads(bar.stdout.readline()))
    assert (states[0]["text"], states[0]["class"]) == ("0", "idle")
    running = next(state for state in states if state["running"])
    assert (running["text"], running["class"]) == ("1", "running"), running
    assert running["tooltip"] == "42_login/coder running", running
    assert all(a != b for a, b in zip(states, states[1:])), states
    bar.terminate()
    bar.wait()


def test_run_lives_as_long_as_its_command(pool):
    """run stays until the run has ended, with the agent's status; a signal to it stops the run."""
    ctl = Ctl(pool, agents={"coder": "init; text Hello.; idle", "broken": "print Alas.; exit 7"})
    assert "Alas." in ctl("run", "1/broken", status=7).out
    for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        lease = ctl.begin("run", "42_login")
        while "Hello." not in (line := lease.stdout.readline()):
            assert line, lease.stderr.read()
        lease.send_signal(signal_number)
        ctl.finish(lease, RUN_STOPPED)
        assert "42_login" not in [run["story_id"] for run in ctl.json("list")]


# One run


def test_show_prints_single_values(pool):
    """show -p prints the values that are asked for, with their keys or without."""
    ctl = Ctl(pool, "init; exit 3")
    ctl("start", "42_login", "--wait", status=RUN_FAILED)
    text = ctl.out("show", "42", "-p", "story_id,exit_code", "-p", "session")
    assert text == "story_id=42_login\nexit_code=3\nsession=\n", text
    assert ctl.out("show", "42", "-p", "status", "--value") == "failed\n"
    assert "--property" in ctl("show", "42", "--value", status=USAGE).err


def test_a_removed_worktree_is_not_told_of(pool):
    """What list and show say of a run has no path once its worktree is removed."""
    ctl = Ctl(pool, "init; result")
    ctl("start", "42_login", "--wait")
    path = ctl.json("show", "42")[0]["worktree_path"]
    assert path in ctl.out("show", "42")
    ctl("remove", "42")
    assert "worktree_path" not in ctl.json("list")[0]
    shown = ctl.out("show", "42")
    assert path not in shown and "Branch" not in shown, shown


def test_wait_gives_up_in_time(pool):
    """wait --timeout ends with 124 where the runs have not ended, else as without it."""
    ctl = Ctl(pool, "init; wait go; result")
    info = ctl.start()
    assert "1 run has not ended" in ctl("wait", "42", "--timeout=200ms", status=TIMEOUT).err
    for wrong in ("soon", "5x", "", "-1s"):
        assert "is not a duration" in ctl("wait", "42", f"--timeout={wrong}", status=USAGE).err
    ctl.touch(info)
    assert "completed" in ctl.out("wait", "42", "-t", "5min 30s")


def test_send_presses_enter(pool):
    """send --enter types the text and Enter into the agent's terminal, or Enter alone."""
    ctl = Ctl(pool, "init; read; result")
    ctl.start()
    ctl("send", "--enter", "42", "typed", "words")
    ctl("send", "--enter", "42")
    ctl("send", "--raw", "42", input="\x04")
    ctl("wait", "42")
    assert "typed words" in ctl.out("--json", "watch", "42")


def test_a_follower_is_told_the_end_once(pool):
    """A start that is followed ends in one line that says how, be it well or not."""
    ctl = Ctl(pool, "init; text Hello.; result")
    lines = ctl.out("start", "1", "--follow").splitlines()
    assert len([line for line in lines if re.search("finished|completed", line)]) == 1, lines
    assert "completed: 1 turn, $" in lines[-1], lines
    pool.write_config(ctl.root, pool.roster({"coder": "init; result error Alas."}))
    lines = ctl.out("start", "2", "-f", status=RUN_FAILED).splitlines()
    assert len([line for line in lines if "Alas." in line]) == 1, lines


# Worktrees


def test_path_and_shell_lead_to_the_worktree(pool):
    """path prints a worktree's folder; shell runs a shell there, or a command."""
    ctl = Ctl(pool, "init; result")
    ctl("start", "42_login", "--wait")
    path = ctl.json("worktrees")[0]["path"]
    assert ctl.out("path", "42") == f"{path}\n"
    assert ctl.out("shell", "42", "--", "pwd", "-P") == f"{path}\n"
    assert ctl.out("shell", "42", input="pwd\n", environment={"SHELL": "/bin/sh"}) == f"{path}\n"
    assert ctl("shell", "42", "--", "sh", "-c", "exit 7", status=7)
    assert "no worktree of story '99'" in ctl("path", "99", status=NOT_FOUND).err


def test_branches_are_offered(pool):
    """Tab offers the branches for --base, and commands for help."""
    ctl = Ctl(pool, "init; result")
    pool.git(ctl.root, "branch", "topic/one")
    offered = lambda *words: set(ctl.out("_complete", *words).split())  # noqa: E731
    assert offered("start", "1", "--base", "") == {"main", "topic/one"}
    assert offered("start", "1", "--base=to") == {"--base=topic/one"}
    assert offered("start", "1", "-b", "to") == {"topic/one"}
    assert {"watch", "wait", "worktrees"} == offered("help", "w")


# What is said


def test_start_tells_what_the_roster_gets_wrong(pool):
    """A limit that is misspelt is told when its agent starts."""
    ctl = Ctl(pool, agents={"coder": {"scenario": "init; result", "memroy_max": "4G"}})
    said = ctl("start", "1", "--wait").err
    assert "warning: " in said and "memroy_max" in said, said
    assert ctl("start", "2", "--wait", "-q").err == ""


def test_watch_says_what_it_follows(pool):
    """A watch of all that has nothing to show says what it waits for."""
    ctl = Ctl(pool, "init; idle")
    ctl.start("42_login")
    with ctl.terminal("watch", columns=120) as terminal:
        terminal.wait_for("Following 42_login/coder, and runs that start from now on")
        terminal.press("C-c")
        terminal.wait_for_end()
    ctl("stop", "42")


def test_a_stack_trace_is_folded(pool):
    """Of the stack trace of a program that fails, watch prints the first frame and how many follow;
    the events have them all."""
    frames = "".join(f"    at f{n} (file:///app/main.js:{n}:7)\\n" for n in range(1, 6))
    script = f"printf 'Error: no such thing\\n{frames}Node.js v22\\n'; exit 1"
    agent = {"kind": "raw", "command": "sh", "args": ["-c", script]}
    ctl = Ctl(pool, agents={"coder": agent})
    info = ctl.start()
    pool.wait(ctl.root, "42_login", "coder")
    lines = ctl.out("watch", "42").splitlines()
    (first,) = [n for n, line in enumerate(lines) if "main.js" in line]
    assert lines[first].endswith("at f1 (file:///app/main.js:1:7)"), lines
    assert lines[first + 1].endswith("… 4 more lines of the stack trace"), lines
    assert lines[first + 2].endswith("Node.js v22"), lines
    events = list(pool.subscribe_run(info["run_id"]))
    assert len([event for event in events if "main.js" in event.get("text", "")]) == 5


def test_a_stack_trace_of_python_is_folded(pool):
    """The same for Python's, with and without the code in it: the exception is shown, and what
    follows it."""
    plain = "def f(n): return f(n - 1) if n else {}[n]\\nf(9)"
    with open(f"{pool.folder}/deep.py", "w") as file:
        file.write("def g(n):\n    return g(n - 1) if n else {}[n]\n\n\ng(2)\n")
    other = f"python3 {pool.folder}/deep.py"
    script = f"printf '{plain}\\n' | python3 -; {other}; echo File \\\"a\\\"; exit 1"
    agent = {"kind": "raw", "command": "sh", "args": ["-c", script]}
    ctl = Ctl(pool, agents={"coder": agent})
    ctl.start()
    pool.wait(ctl.root, "42_login", "coder")
    lines = [line.split("  ", 1)[-1].strip() for line in ctl.out("watch", "42").splitlines()]
    begins = [n for n, line in enumerate(lines) if line.startswith("Traceback")]
    assert len(begins) == 2, lines
    for begin in begins:
        place, folded, error = lines[begin + 1 : begin + 4]
        assert place.startswith("File ") and place.endswith("in <module>"), lines
        assert "more lines of the stack trace" in folded and error == "KeyError: 0", lines
    assert lines[begins[1] + 4] == 'File "a"', lines


def test_an_unfinished_line_is_shown(pool):
    """A question without a newline is to be seen in show, top and watch, as what it is; a progress
    bar is shown as a terminal does, in the journal, too."""
    bar = r"bytes 0%\r 50%\r100%\n"
    ctl = Ctl(pool, rf"print Hello.; {bar}; bytes Proceed? [y/N] ; read")
    ctl.start()
    wait_until(lambda: "unfinished_line" in ctl.json("show", "42")[0], "the line")
    assert "Proceed? [y/N] (unfinished)" in ctl.out("show", "42")
    watcher = ctl.begin("watch", "42")
    lines = []
    while "Proceed? [y/N] (unfinished)" not in (line := watcher.stdout.readline()):
        assert line, lines
        lines.append(line)
    assert lines[-1].endswith("  100%\n"), lines
    with ctl.terminal("top", columns=120) as terminal:
        terminal.wait_for("Proceed? [y/N]")
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    wait_until(lambda: " 100%" in ctl.out("log", "42"), "the journal's entry")
    assert "0% 50%" not in ctl.out("log", "42")
    ctl("stop", "42")
    ctl.finish(watcher)


def test_limits_are_shown(pool):
    """show has a run's limits, of the configuration and of its start, as people write them."""
    ctl = Ctl(pool, agents={"coder": {"scenario": "init; idle", "memory_max": "4G"}})
    ctl.start("42_login", "--runtime-max=90min", "--tasks-max=100")
    shown = ctl.out("show", "42")
    assert "Limits: memory 4.0G, processes 100, runtime 1h 30min" in shown, shown
    ctl("stop", "42")


def test_start_says_what_a_logout_ends(pool):
    """To a user who does not linger start says, once a login, that agents end with it."""
    if not can_make_namespaces():
        skip("no unprivileged user namespaces here")
    ctl = Ctl(pool, "init; result")
    runtime = f"{pool.folder}/runtime"
    os.mkdir(runtime)
    environment = ctl.environment | {"XDG_RUNTIME_DIR": runtime}
    inner = f"unshare --user --map-user={os.getuid()} --map-group={os.getgid()} {STORKITCTL}"
    script = f'mount -t tmpfs none /var/lib/systemd/linger && exec {inner} "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", script, "bash"]
    for story, said in (("1", True), ("2", False)):
        with Terminal(
            pool.folder, environment, [*command, "start", story], columns=120, cwd=ctl.root
        ) as terminal:
            assert terminal.wait_for_end() == 0, terminal.screen()
            assert ("`loginctl enable-linger`" in terminal.screen()) == said, terminal.screen()
    wait_until(lambda: pool.get_property("Running") == 0, "the ends")


if __name__ == "__main__":
    main()
