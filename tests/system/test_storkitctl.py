# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitctl, every command of it, against the real service."""

import json
import os
import re
import shutil
import signal
import time

from gi.repository import GLib

from ctl import FAILED, NOT_FOUND, REFUSED, RUN_FAILED, RUN_STOPPED, USAGE, Ctl, calls_seen, cursors
from harness import main, timeout, wait_until
from replay import argv_of
from traces import touch, with_setup

ESC = "\x1b"


# Runs


def test_starts_lists_and_shows_a_run(pool):
    """start says where it works; list and show have the run, as a table and as JSON."""
    ctl = Ctl(pool, "init; text Hello.; wait go; result")
    said = ctl("start", "42_login").err
    assert "42_login/coder is running in" in said, said
    info = ctl.json("list")[0]
    pool.units.add(info["unit"])
    assert (info["story_id"], info["status"]) == ("42_login", "running")
    table = ctl.out("list")
    assert "42_login" in table and "1 run listed" in table, table
    assert "STORY" not in ctl.out("list", "--no-legend")
    assert ctl.json("show", "42")[0]["run_id"] == info["run_id"]
    shown = ctl.out("show", "42/c")
    assert info["run_id"] in shown and info["worktree_path"] in shown, shown
    ctl.touch(info)
    assert "42_login/coder" in ctl.out("wait", "42")
    assert "completed" in ctl.out()
    assert ctl.out("list", cwd=pool.folder).count("42_login") == 1
    assert ctl.json("list", "--everywhere")[0]["status"] == "completed"


def test_memory_is_shown_where_it_is_counted(pool):
    """list has a column for memory and show a line, where the machine counts it; elsewhere not."""
    ctl = Ctl(pool, "init; idle")
    info = ctl.start()
    counted = "memory" in pool.get(ctl.root, info["story_id"])
    heads, row = ctl.out("list").splitlines()[:2]
    line = re.search(r"^ *Memory: +(.*)$", ctl.out("show"), re.MULTILINE)
    assert ("MEMORY" in heads) == counted == bool(line), (heads, line)
    if counted:
        assert re.search(r" \d[\d.]*[KM]( |$)", row), row
        assert re.match(r"\d[\d.]*[KM] .*peak", line[1]), line
    ctl("stop", info["story_id"])
    if os.environ.get("STORKIT_TEST_VM"):
        assert counted, "the machine was made to count it"


def test_story_is_known_inside_its_worktree(pool):
    """Inside a story's worktree its run is meant where no other is named."""
    ctl = Ctl(pool, "init; wait go; result")
    info = ctl.start()
    assert ctl.json("show", cwd=info["worktree_path"])[0]["run_id"] == info["run_id"]
    ctl("stop", "42", cwd=info["worktree_path"])


def test_start_passes_every_option_on(pool):
    """Each option of start reaches the agent or its scope."""
    ctl = Ctl(pool, "argv; env COLOUR; result")
    pool.git(ctl.root, "branch", "other")
    info = ctl.start(
        "42_login", "--prompt=Do it in {{story_id}}.", "--env=COLOUR=dark red", "-b", "other",
        "--memory-max=1G", "--memory-high=900M", "--cpu-weight=50", "--cpu-quota=150%",
        "--io-weight=60", "--tasks-max=100", "--runtime-max=1h", "--idle-timeout=10min",
        "--resume=11111111-2222-3333-4444-555555555555",
    )  # fmt: skip
    assert info["base_branch"] == "other"
    ctl("wait", "42")
    events = ctl.lines("watch", "42")
    argv = next(e["data"]["argv"] for e in events if e.get("data", {}).get("type") == "argv")
    assert "Do it in 42_login." in argv
    assert argv[argv.index("--resume") + 1] == "11111111-2222-3333-4444-555555555555"
    assert any(event.get("text") == "COLOUR=dark red" for event in events)
    with open(f"{pool.run_folder(info['run_id'])}/run.json") as file:
        limits = json.dumps(json.load(file))
    for value in (1 << 30, 900 << 20, 50, 60, 100, 3600 * 10**6, 600 * 10**6):
        assert str(value) in limits, f"{value} is not in {limits}"


def test_option_is_text_in_any_locale(pool):
    """An option's text is UTF-8 whatever the locale, and what is no UTF-8 is refused as that."""
    ctl = Ctl(pool, "argv; env COLOUR; result")
    plain = {"LC_ALL": "C"}
    ctl("start", "1", "--prompt", "Sag grüße.", "--env=COLOUR=grün", "-w", environment=plain)
    text = ctl.out("--json", "watch", "1")
    assert "Sag grüße." in text and "COLOUR=grün" in text, text
    assert "not valid UTF-8" in ctl("start", "2", "--prompt=\udcff", status=USAGE).err


def test_option_takes_any_value(pool):
    """A value that looks like an option is one's value all the same; a short option has it in the
    same word or in the next."""
    ctl = Ctl(pool, "argv; result")
    ctl("start", "1", "-p", "-Create it", "-w")
    ctl("start", "2", "--prompt", "-Create it", "-w")
    ctl("-C", ctl.root, "start", "3", "-wqp-Create it", cwd="/")
    for story in "123":
        assert "-Create it" in ctl.out("--json", "watch", story)
    assert len(ctl.lines("watch", "1", "-n1")) == len(ctl.lines("watch", "1", "-n", "1")) == 1


def test_start_takes_its_prompt_from_a_file_or_a_pipe(pool):
    """--prompt-file reads a file, and standard input for `-`."""
    ctl = Ctl(pool, "argv; result")
    with open(f"{pool.folder}/prompt", "w") as file:
        file.write("Out of a file.")
    ctl("start", "1_file", f"--prompt-file={pool.folder}/prompt", "--wait")
    ctl("start", "2_pipe", "--prompt-file=-", "--wait", input="Out of a pipe.")
    assert "Out of a file." in ctl.out("--json", "watch", "1_file")
    assert "Out of a pipe." in ctl.out("--json", "watch", "2_pipe")


def test_start_is_refused_in_the_words_of_its_options(pool):
    """What the service says of the call's options is said of start's."""
    ctl = Ctl(pool, "init; result")
    said = ctl("start", "42_login", "--base=nothing", status=FAILED).err
    assert "no branch nothing" in said and "pass another --base" in said, said
    said = ctl("start", "42_login", "--resume=last", status=USAGE).err
    assert "--resume=last: no earlier session" in said and "without --resume" in said, said


def test_start_tells_that_the_worktree_is_prepared(pool):
    """A start shows on a terminal that the worktree is still being prepared, and then that it
    runs; --no-block waits for none of it."""
    ready = f"{pool.folder}/ready"
    wait_for_it = f"until [ -e {ready} ]; do sleep 0.02; done"
    agents = {"coder": "init; idle", "reviewer": "init; idle"}
    ctl = Ctl(pool, root=with_setup(pool, wait_for_it, agents=agents))
    with ctl.terminal("start", "42_login") as terminal:
        terminal.wait_for("preparing the worktree of 42_login (")
        began = time.monotonic()
        assert ctl.json("start", "42_login/reviewer", "--no-block")["status"] == "pending"
        assert time.monotonic() - began < 10, "the service's own patience has passed"
        touch(ready)
        assert terminal.wait_for_end() == 0
        assert "42_login/coder is running in" in terminal.screen().replace("\n", "")
        assert "preparing" not in terminal.screen()
    wait_until(lambda: pool.get_property("Running") == 2, "the reviewer")
    ctl("stop", "42/coder", "42/reviewer")


def test_start_waits_in_the_queue_and_says_so(pool):
    """A start beyond MaxAgents shows its place on a terminal, and is done when it runs."""
    ctl = Ctl(pool, "init; wait go; result")
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    first = ctl.start()
    assert ctl.start("43_next", "--no-block")["status"] == "pending"
    with ctl.terminal("start", "44_last") as terminal:
        terminal.wait_for("44_last waits in the queue, number 2")
        ctl("stop", "43")
        terminal.wait_for("44_last waits in the queue, number 1")
        ctl.touch(first)
        assert terminal.wait_for_end() == 0
        assert "44_last/coder is running in" in terminal.screen().replace("\n", "")
        assert "waits in the queue" not in terminal.screen()
    ctl("stop", "44")


def test_interrupted_start_says_that_the_run_stays(pool):
    """Ctrl-C in a start that waits in the queue says that the run stays there, and what stops it."""
    ctl = Ctl(pool, "init; idle")
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    ctl.start()
    with ctl.terminal("start", "43_next", columns=200) as terminal:
        terminal.wait_for("43_next waits in the queue")
        terminal.press("C-c")
        screen = terminal.wait_for("stops it")
    assert "43_next/coder still waits in the queue" in screen, screen
    assert "`storkitctl stop 43_next/coder` stops it" in screen, screen
    assert ctl.json("show", "43")[0]["status"] == "pending"
    ctl("stop", "43", "42")


def test_start_that_ran_and_failed_did_start(pool):
    """A run that left the queue and failed before its start had read of either has failed; it is not
    said that it did not start."""
    ctl = Ctl(pool, agents={"coder": "init; wait go; result", "broken": "exit 3"})
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    first = ctl.start()
    with calls_seen(pool) as calls:
        waiting = ctl.begin("start", "43_next/broken", "--wait")
        wait_until(lambda: "SubscribeRun" in calls, "the subscription of the queued run")
    waiting.send_signal(signal.SIGSTOP)
    ctl.touch(first)
    ctl("wait", "43", status=RUN_FAILED)
    waiting.send_signal(signal.SIGCONT)
    said = ctl.finish(waiting, RUN_FAILED)
    assert "43_next/broken failed" in said.out and "did not start" not in said.err, said.err


def test_progress_keeps_to_its_line(pool):
    """The line that says what is waited for never scrolls the screen: its name is shortened."""
    ctl = Ctl(pool, "init; wait go; result")
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    ctl.start()
    story = "43_" + "a_very_long_name_" * 3 + "end"
    with ctl.terminal("start", story, columns=50) as terminal:
        screen = terminal.wait_for("… waits in the queue, number 1 (1s)")
        assert screen.count("43_a_very") == 1 and len(screen) < 50, screen
        terminal.resize(24, 46)
        terminal.wait_for("… waits in the queue, number 1 (2s)")
        ctl("stop", story)
        assert terminal.wait_for_end() == RUN_STOPPED
    ctl("stop", "42")


def test_stopping_a_queued_run_ends_its_start(pool):
    """A start that waits in the queue ends with its own status when the run is stopped."""
    ctl = Ctl(pool, "init; idle")
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    ctl.start()
    waiting = ctl.begin("start", "43_next")
    wait_until(lambda: len(pool.list()) == 2, "the queued run")
    ctl("stop", "43")
    assert "stopped" in ctl.finish(waiting, RUN_STOPPED).err
    ctl("stop", "42")


def test_start_follows_to_the_end(pool):
    """start --follow shows the events, and its status says how the run ended."""
    ctl = Ctl(pool, "init; text Hello there.; result")
    assert "Hello there." in ctl.out("start", "1", "--follow")
    pool.write_config(ctl.root, pool.roster({"coder": "print Alas.; exit 3"}))
    failed = ctl("start", "2", "-f", status=RUN_FAILED)
    assert "Alas." in failed.out and "exit status 3" in failed.out, failed.out
    ctl("start", "3", "--wait", status=RUN_FAILED)


def test_run_is_named_by_its_id(pool):
    """A run's id names it, and shows it when it is off the list, too."""
    ctl = Ctl(pool, "init; idle")
    ctl.start()
    run_id = ctl.json("list")[0]["run_id"]
    assert ctl.json("show", run_id)[0]["status"] == "running"
    ctl("stop", run_id)
    assert ctl.json("list") == []
    assert ctl.json("show", run_id)[0]["error"] == "stopped"
    assert "no run of story" in ctl("show", f"{run_id}x", status=NOT_FOUND).err
    assert "no run of story" in ctl("stop", run_id, status=NOT_FOUND).err


def test_stop_ends_several_runs(pool):
    """stop ends each of the runs named, and their scopes are gone when it is done."""
    ctl = Ctl(pool, "init; idle")
    runs = [ctl.start("42_login"), ctl.start("43_search")]
    said = ctl("stop", "42", "43").err
    assert "42_login/coder stopped" in said and "43_search/coder stopped" in said, said
    assert not any(pool.scope_exists(run["unit"]) for run in runs)
    assert ctl.json("list") == []


def test_freeze_and_thaw(pool):
    """freeze halts a run and thaw lets it go on; list tells."""
    ctl = Ctl(pool, "init; wait go; result")
    info = ctl.start()
    ctl("freeze", "42")
    assert ctl.json("show", "42")[0]["frozen"] is True
    assert "frozen" in ctl.out("list")
    ctl.touch(info)
    ctl("thaw", "42")
    ctl("wait", "42")


def test_resume_goes_on_with_the_session(pool):
    """resume starts the agent with the session id that its run had named."""
    ctl = Ctl(pool, "init; argv; result")
    ctl("start", "42_login", "--wait")
    session = ctl.json("show", "42")[0]["session_id"]
    ctl("resume", "42", "Now", "test", "it.", "--wait")
    events = ctl.lines("watch", "42")
    argv = next(e["data"]["argv"] for e in events if e.get("data", {}).get("type") == "argv")
    assert argv[argv.index("--resume") + 1] == session
    assert "Now test it." in argv


def test_resume_goes_on_after_a_stop(pool):
    """resume finds the session of a run that was stopped, as the journal's catalog says; the story
    is written in full."""
    agents = {"coder": "init; idle", "reviewer": "init; argv; wait go; result"}
    ctl = Ctl(pool, agents=agents)
    ctl.start("42_login/reviewer")
    wait_until(lambda: "session_id" in ctl.json("show", "42")[0], "the session")
    session = ctl.json("show", "42")[0]["session_id"]
    ctl("stop", "42")
    unlisted = ctl("resume", "42/reviewer", status=NOT_FOUND).err
    assert "story '42' has no run to resume" in unlisted, unlisted
    assert "42_login/reviewer is running" in ctl("resume", "42_login/reviewer", "Go on.").err
    ctl.touch(ctl.json("show", "42")[0])
    ctl("wait", "42")
    argv = argv_of(pool, ctl.json("show", "42")[0]["run_id"])
    assert argv[argv.index("--resume") + 1] == session and "Go on." in argv, argv


def test_resume_refuses_what_it_cannot_resume(pool):
    """resume says what to do about a run that is live, or that named no session."""
    ctl = Ctl(pool, "print No session.; wait go")
    info = ctl.start()
    assert "storkitctl send" in ctl("resume", "42", status=REFUSED).err
    ctl.touch(info)
    ctl("wait", "42")
    assert "storkitctl start" in ctl("resume", "42", status=REFUSED).err


# Following


def test_watch_shows_events(pool):
    """watch shows one run or several from their start, for people and as the service's JSON."""
    ctl = Ctl(pool, r"init; text Hello.; print \e[31mred\e[0m and \x07; result")
    ctl("start", "42_login", "--wait")
    ctl("start", "43_search", "--wait")
    text = ctl.out("watch", "42")
    assert "Hello." in text and "red and" in text and ESC not in text, text
    events = ctl.lines("watch", "42", "43")
    assert sorted(cursors(events)) == sorted(
        cursors(replay(pool, ctl.root, "42_login", "43_search"))
    )
    assert len(ctl.lines("watch", "42", "-n2")) == 2


def test_watch_from_now_of_an_ended_run_ends(pool):
    """watch -n 0 of a run that has ended has nothing to show, and ends at once; beside a live run it
    goes on with that one."""
    ctl = Ctl(pool, "init; wait go; text Hello.; result")
    ended, live = ctl.start("42_login"), ctl.start("43_search")
    ctl.touch(ended)
    ctl("wait", "42")
    assert ctl("watch", "42", "-n", "0").out == ""
    with calls_seen(pool) as calls:
        watcher = ctl.begin("watch", "42", "43", "-n", "0")
        wait_until(lambda: calls.count("SubscribeRun") == 2, "the subscriptions")
    ctl.touch(live)
    assert "Hello." in ctl.finish(watcher).out


def test_watch_of_all_follows_new_runs(pool):
    """watch without a run follows what starts from then on, each event once, until interrupted."""
    ctl = Ctl(pool, "init; text Hello.; result")
    with calls_seen(pool) as calls:
        watcher = ctl.begin("--json", "watch")
        wait_until(lambda: "List" in calls, "the watcher's first look")
    ctl("start", "42_login", "--wait")
    ctl("start", "43_search", "--wait")
    seen = read_events(watcher, lambda seen: ends(seen) == 2)
    watcher.send_signal(signal.SIGINT)
    watcher.communicate()
    assert sorted(cursors(seen)) == sorted(cursors(replay(pool, ctl.root, "42_login", "43_search")))


def read_events(process, condition):
    """The events that a watch prints, until @condition is true of them."""
    seen = []
    while not condition(seen):
        line = process.stdout.readline()
        assert line, f"the watch has ended: {process.stderr.read()}"
        seen.append(json.loads(line))
    return seen


def ends(events):
    return sum(event["type"] in ("done", "error") for event in events)


def said(events, text):
    return [event["story_id"] for event in events if event.get("text") == text]


def replay(pool, root, *stories):
    return [event for story in stories for event in pool.subscribe(root, story)]


def test_watch_of_several_outlives_the_service(pool):
    """A watch of several runs goes on over a SIGKILL of the service: each has all of its events,
    once and in order."""
    ctl = Ctl(pool, "init; lines 200 before; wait go; lines 200 after; result")
    runs = [ctl.start("42_login"), ctl.start("43_search")]
    watcher = ctl.begin("--json", "watch", "42", "43")
    seen = read_events(watcher, lambda seen: len(said(seen, "before 00000200")) == 2)
    pool.kill_daemon()
    for info in runs:
        ctl.touch(info)
    pool.start_daemon()
    seen += map(json.loads, ctl.finish(watcher).out.splitlines())
    for story in ("42_login", "43_search"):
        own = cursors(event for event in seen if event["story_id"] == story)
        assert own == cursors(pool.subscribe(ctl.root, story))
        assert len(set(own)) == len(own) > 400


def test_watch_of_all_outlives_the_service(pool):
    """A watch of all runs goes on over a SIGKILL of the service, with the runs that were there and
    with those that start afterwards: every event once."""
    ctl = Ctl(pool, "init; text Before.; wait go; text After.; result")
    with calls_seen(pool) as calls:
        watcher = ctl.begin("--json", "watch")
        wait_until(lambda: "List" in calls, "the watcher's first look")
    runs = [ctl.start("42_login"), ctl.start("43_search")]
    seen = read_events(watcher, lambda seen: len(said(seen, "Before.")) == 2)
    pool.kill_daemon()
    ctl.touch(runs[0])
    pool.start_daemon()
    runs.append(ctl.start("44_logout"))
    for info in runs[1:]:
        ctl.touch(info)
    seen += read_events(watcher, lambda seen: ends(seen) == 3)
    watcher.send_signal(signal.SIGINT)
    assert watcher.communicate()[0] == "", "events after the end of every run"
    stories = ("42_login", "43_search", "44_logout")
    assert sorted(cursors(seen)) == sorted(cursors(replay(pool, ctl.root, *stories)))


def test_wait_outlives_the_service(pool):
    """A wait goes on over a SIGKILL of the service, and its status is that of the run."""
    ctl = Ctl(pool, "init; wait go; exit 3")
    info = ctl.start()
    with calls_seen(pool) as calls:
        waiting = ctl.begin("wait", "42")
        wait_until(lambda: "Wait" in calls, "the call of Wait")
    pool.kill_daemon()
    ctl.touch(info)
    pool.start_daemon()
    assert "exit status 3" in ctl.finish(waiting, RUN_FAILED).out


def test_wait_waits_for_any_or_all(pool):
    """wait --any returns with the first end, --all with the last; the status says how."""
    ctl = Ctl(pool, "init; wait go; exit 3")
    first, second = ctl.start("42_login"), ctl.start("43_search")
    with calls_seen(pool) as calls:
        any_, all_ = ctl.begin("wait", "--any", "42", "43"), ctl.begin("wait", "42", "43")
        wait_until(lambda: calls.count("Wait") == 4, "the calls of Wait")
    ctl.touch(first)
    out = ctl.finish(any_, RUN_FAILED).out
    assert "42_login" in out and "43_search" not in out, out
    assert ctl.json("show", "43")[0]["status"] == "running"
    assert "42_login" in ctl.out("wait", "--any", "43", "42", status=RUN_FAILED)
    assert all_.poll() is None
    ctl("stop", "43")
    out = ctl.finish(all_, RUN_FAILED).out
    assert "42_login" in out and "43_search" in out, out
    third = ctl.start("44_quiet")
    ctl.touch(third)
    (info,) = ctl.lines("wait", "44", status=RUN_FAILED)
    assert info["exit_code"] == 3


def test_wait_tells_a_stopped_run(pool):
    """A run that was stopped while it was waited for has a status of its own."""
    ctl = Ctl(pool, "init; idle")
    ctl.start()
    with calls_seen(pool) as calls:
        waiting = ctl.begin("wait", "42")
        wait_until(lambda: "Wait" in calls, "the call of Wait")
    ctl("stop", "42")
    ctl.finish(waiting, RUN_STOPPED)


def test_log_is_the_journal(pool):
    """log shows a story's journal, by journalctl, and needs no service for it."""
    ctl = Ctl(pool, "init; text Hello from the journal.; result")
    ctl("start", "42_login", "--wait")
    wait_until(lambda: "Hello from" in ctl.out("log", "42_login"), "the journal's entry")
    entries = ctl.lines("log", "42", "-n", "1")
    assert len(entries) == 1 and entries[0]["STORKIT_STORY"] == "42_login"
    assert "Hello from" in ctl.out("log", "42", "--", "--output=cat")
    pool.kill_daemon()
    assert "Hello from" in ctl.out("log", "42_login")


def test_log_leaves_json_out(pool):
    """log shows what people read; that an agent printed JSON is there for those who ask for its
    priority, and the JSON for those who ask for all fields."""
    ctl = Ctl(pool, "init; text Hello.; result")
    ctl("start", "42_login", "--wait")
    wait_until(lambda: "42_login/coder finished" in ctl.out("log", "42"), "the journal's last entry")
    assert "Hello." in ctl.out("log", "42") and '"session_id"' not in ctl.out("log", "42")
    for option in ("-pdebug", "--priority=debug"):
        shown = ctl.out("log", "42", "--", option)
        assert " bytes of JSON: result" in shown and '"session_id"' not in shown
        assert '"session_id"' in ctl.out("log", "42", "--", option, "--output=verbose")
    assert "Hello." not in ctl.out("log", "42", "--", "-p", "notice")


def test_log_waits_for_no_service(pool):
    """log does not wait for a service that hangs."""
    ctl = Ctl(pool, "init; text Hello.; result")
    ctl("start", "42_login", "--wait")
    wait_until(lambda: "Hello." in ctl.out("log", "42_login"), "the journal's entry")
    pool.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    assert "Hello." in ctl.out("log", "42_login")
    assert time.monotonic() - began < 15, "that is as long as a bus call takes to time out"
    pool.process.send_signal(signal.SIGCONT)


def test_log_follows_the_journal(pool):
    """log --follow shows new entries as they come, until it is interrupted."""
    ctl = Ctl(pool, "init; text Before.; wait go; text After.; result")
    info = ctl.start()
    follower = ctl.begin("log", "42", "--follow", "--", "--output=cat")
    read_until(follower, "Before.")
    ctl.touch(info)
    read_until(follower, "After.")
    assert follower.poll() is None
    follower.send_signal(signal.SIGINT)
    follower.communicate()


def read_until(process, text):
    """Reads lines of @process up to @text."""
    while text not in (line := process.stdout.readline()):
        assert line, f"it has ended without {text!r}: {process.stderr.read()}"


def test_log_asks_which_story_is_meant(pool):
    """log asks about a name that several stories begin with."""
    ctl = Ctl(pool, "init; result")
    ctl("start", "42_login", "--wait")
    ctl("start", "42_logout", "--wait")
    assert "42_login, 42_logout" in ctl("log", "42", status=USAGE).err


# Steering


def test_send_talks_to_an_agent(pool):
    """send gives an interactive agent a message, from the arguments or a pipe; --close ends it."""
    agent = {"scenario": "init; read; result", "interactive": True}
    ctl = Ctl(pool, agents={"coder": agent})
    ctl.start()
    ctl("send", "42", "Use", "tabs.")
    ctl("send", "42", input="And no tests.")
    ctl("send", "42", "--close")
    ctl("wait", "42")
    text = ctl.out("--json", "watch", "42")
    assert "Use tabs." in text and "And no tests." in text, text


def test_send_types_bytes(pool):
    """send --raw types bytes into the agent's terminal."""
    ctl = Ctl(pool, "init; read; result")
    ctl.start()
    ctl("send", "--raw", "42", input="typed words\n\x04")
    ctl("wait", "42")
    assert "typed words" in ctl.out("--json", "watch", "42")


def test_send_waits_for_an_agent_that_does_not_read(pool):
    """send waits as long as the agent does not read, longer than a bus call has, and says so; what
    was sent arrives even when it is interrupted, and its end says that."""
    agent = {"scenario": "init; wait go; read; result", "interactive": True}
    ctl = Ctl(pool, agents={"coder": agent})
    ctl.environment["SYSTEMD_BUS_TIMEOUT"] = "3s"  # 25, unless sd-bus is told otherwise
    info = ctl.start()
    with open(f"{pool.folder}/long", "w+") as file:
        print("x" * 200_000, file=file, flush=True)
        file.seek(0)
        with calls_seen(pool) as calls:
            first = ctl.begin("send", "42", stdin=file)
            wait_until(lambda: "SendMessage" in calls, "the first message")
    second = ctl.begin("send", "42", "Nor this.")
    with ctl.terminal("send", "42", "Not lost.") as terminal:
        terminal.wait_for("waiting for 42_login/coder to read (5s)")
        terminal.press("C-c")
        terminal.wait_for("do not send it again")
    assert second.poll() is None
    ctl.touch(info)
    ctl.finish(first)
    ctl.finish(second)
    ctl("send", "42", "--close")
    ctl("wait", "42")
    text = ctl.out("--json", "watch", "42")
    assert "Not lost." in text and "Nor this." in text


def test_send_refuses_an_agent_that_takes_no_messages(pool):
    """send to an agent that is not interactive, or whose input is closed, is refused, and not
    called wrong."""
    agents = {"coder": "init; idle", "chat": {"scenario": "init; idle", "interactive": True}}
    ctl = Ctl(pool, agents=agents)
    ctl.start("42_login/coder")
    ctl.start("43_talk/chat")
    assert "interactive = true" in ctl("send", "42", "hello", status=REFUSED).err
    ctl("send", "42", "--close", status=REFUSED)
    ctl("send", "43", "--close")
    assert "closed" in ctl("send", "43", "hello", status=REFUSED).err
    ctl("stop", "42", "43")


def test_send_refuses_what_is_no_message(pool):
    """A message is text of at most 1 MiB: anything else is wrong, and nothing of it is sent."""
    ctl = Ctl(pool, agents={"coder": {"scenario": "init; read", "interactive": True}})
    ctl.start()
    assert "--raw" in ctl("send", "42", input="cut\0off", status=USAGE).err
    assert "--raw" in ctl("send", "42", "\udcff", status=USAGE).err
    assert "1 MiB" in ctl("send", "42", input="x" * (1 << 20) + "x", status=USAGE).err
    ctl("stop", "42")


def test_attach_is_the_agents_terminal(pool):
    """attach shows the agent's terminal and takes keys; its size follows; Ctrl-] detaches."""
    ctl = Ctl(pool, "print Ready.; size; read")
    ctl.start()
    with ctl.terminal("attach", "42") as terminal:
        terminal.wait_for("Attached to 42_login/coder")
        terminal.wait_for("size 24 80")
        terminal.resize(50, 200)
        terminal.wait_for("size 50 200")
        terminal.type("Hello agent")
        terminal.press("Enter")
        terminal.wait_for("Hello agent")
        terminal.press("C-]")
        assert terminal.wait_for_end() == 0
        terminal.wait_for("Detached; 42_login/coder keeps running.")
    assert ctl.json("show", "42")[0]["status"] == "running"
    with ctl.terminal("attach", "42", rows=50, columns=200) as terminal:
        terminal.wait_for("Attached")
        ctl("stop", "42")
        assert terminal.wait_for_end() == 0
        assert "stopped" in terminal.screen()


def test_attach_outlives_the_service(pool):
    """An attached terminal is attached again when the service has been killed and is back; what is
    typed meanwhile arrives then."""
    ctl = Ctl(pool, "print Ready.; read; result")
    ctl.start()
    with ctl.terminal("attach", "42") as terminal:
        terminal.wait_for("Ready.")
        pool.kill_daemon()
        terminal.type("While you were away, ")
        with calls_seen(pool) as calls:
            pool.start_daemon()
            wait_until(lambda: "Resize" in calls, "the terminal to be attached again")
        terminal.type("still here?")
        terminal.press("Enter", "C-d")
        assert terminal.wait_for_end() == 0
    assert "While you were away, still here?" in ctl.out("--json", "watch", "42")


def test_attach_can_be_left_at_any_time(pool):
    """Ctrl-] detaches while the service is away, and where the agent takes none of what is typed."""
    ctl = Ctl(pool, "print Ready.; idle")
    ctl.start()
    with ctl.terminal("attach", "42") as terminal:
        terminal.wait_for("Ready.")
        ctl("freeze", "42")
        terminal.paste("much to type " * 100_000)
        terminal.press("C-]")
        assert terminal.wait_for_end() == 0
        terminal.wait_for("Detached")
    ctl("thaw", "42")
    with ctl.terminal("attach", "42") as terminal:
        terminal.wait_for("Ready.")
        pool.kill_daemon()
        terminal.type("Anybody there?")
        terminal.press("C-]")
        assert terminal.wait_for_end() == 0
        terminal.wait_for("Detached")
    pool.start_daemon()
    ctl("stop", "42")


def test_attach_ends_with_its_run(pool):
    """A run that another one follows at once is over for who was attached to it."""
    ctl = Ctl(pool, "print Ready.; wait go")
    info = ctl.start()
    with ctl.terminal("attach", "42") as terminal:
        terminal.wait_for("Ready.")
        terminal.kill(signal.SIGSTOP)
        ctl.touch(info)
        ctl("wait", "42")
        ctl.start()
        terminal.kill(signal.SIGCONT)
        assert terminal.wait_for_end() == 0
        terminal.wait_for("a new run of it has started")
    ctl("stop", "42")


def test_attach_leaves_a_terminal_fit_for_a_shell(pool):
    """Whatever a full-screen program has done to the terminal is undone by detaching."""
    modes = {
        "alternate_on": "0",
        "cursor_flag": "1",
        "keypad_flag": "0",
        "keypad_cursor_flag": "0",
        "wrap_flag": "1",
        "insert_flag": "0",
        "mouse_any_flag": "0",
        "scroll_region_upper": "0",
        "scroll_region_lower": "23",
    }
    told = r"\e[?1h\e=\e[?7l\e[4h\e[?25l\e[?1000h\e[?2004h\e(0\e[31m"
    screens = {"one": r"\e[?1049\;25h", "two": r"\e[?47h", "three": ""}
    begin = rf"print Before.; wait go; bytes {told}\e[5\;10r\e[7H"
    agents = {name: f"{begin}{screen}Ready; idle" for name, screen in screens.items()}
    ctl = Ctl(pool, agents=agents)
    for name, screen in screens.items():
        info = ctl.start(f"42_{name}/{name}")
        with ctl.terminal("attach", f"42_{name}", stay=True) as terminal:
            terminal.wait_for("Before.")
            ctl.touch(info)
            terminal.wait_for("Ready")
            terminal.press("C-]")
            assert terminal.wait_for_end() == 0
            terminal.wait_for(f"Detached; 42_{name}/{name} keeps running.")
            assert terminal.modes(*modes) == modes, name
            lines = terminal.screen().splitlines()
            assert lines[0].startswith("Attached to") and ("Ready" in lines) == (not screen), lines
            # The cursor was in the seventh line, and not in the corner as after a scroll region.
            assert lines[7].startswith("Detached"), lines
        ctl("stop", f"42_{name}")


def test_a_signal_gives_the_terminal_back(pool):
    """attach and top leave the terminal as it was, whatever signal ends them."""
    ctl = Ctl(pool, "print Ready.; idle")
    ctl.start()
    expected = {"alternate_on": "0", "cursor_flag": "1"}
    for command, sign in ((("attach", "42"), "Ready."), (("top",), "storkit: 1 running")):
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
            with ctl.terminal(*command, stay=True) as terminal:
                terminal.wait_for(sign)
                terminal.kill(number)
                assert terminal.wait_for_end() == 0, (command, number)
                wait_until(lambda: terminal.modes(*expected) == expected, "the terminal's modes")
    ctl("stop", "42")


def test_watch_and_list_fit_any_terminal(pool):
    """list and watch fit 80x24 and 200x50; a watch goes on while it is resized."""
    long_line = "word " * 60
    ctl = Ctl(pool, f"init; text {long_line}; wait go; text The end.; result")
    info = ctl.start()
    for rows, columns in ((24, 80), (50, 200)):
        with ctl.terminal("list", rows=rows, columns=columns) as terminal:
            assert terminal.wait_for_end() == 0
            table = terminal.screen().splitlines()
            assert len(table[1]) <= columns and table[1].startswith("42_login"), table
    with ctl.terminal("list", rows=24, columns=30) as terminal:
        assert terminal.wait_for_end() == 0
        header, row, blank, *_ = terminal.screen().splitlines()
        assert header.startswith("STORY") and row.startswith("42_login") and blank == "", header
    with ctl.terminal("watch", "42") as terminal:
        terminal.wait_for("word")
        terminal.resize(50, 200)
        ctl.touch(info)
        terminal.wait_for("The end.")
        assert terminal.wait_for_end() == 0


def test_top_is_live(pool):
    """top shows the runs in place, in any size, and its keys stop, attach and show the log."""
    ctl = Ctl(pool, "init; text Busy with it.; read")
    ctl.start("42_login")
    ctl.start("43_search")
    with ctl.terminal("top") as terminal:
        screen = terminal.wait_for("43_search")
        assert all(len(line) <= 80 for line in screen.splitlines())
        terminal.wait_for("Busy with it.")
        terminal.resize(50, 200)
        wait_until(lambda: len(terminal.screen().splitlines()) > 24, "the footer at the bottom")
        terminal.wait_for("42_login")
        terminal.resize(24, 80)
        terminal.press("a")
        terminal.wait_for("Attached to 42_login/coder")
        terminal.press("C-]")
        terminal.wait_for("43_search")
        terminal.press("l")
        screen = terminal.wait_until(lambda screen: "storkit[" in screen, "the log")
        assert "Busy with it." in screen and "43_search" not in screen, screen
        terminal.press("q")
        terminal.wait_for("43_search")
        terminal.press("j", "s")
        terminal.wait_for("Stop 43_search/coder? y/n")
        terminal.press("y")
        terminal.wait_for("43_search", gone=True)
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    ctl("stop", "42")


def test_top_shows_what_its_commands_say(pool):
    """What a key's command says stays to be read: why it failed, and a log without a pager."""
    ctl = Ctl(pool, "init; text Done already.; result")
    ctl("start", "42_login", "--wait")
    wait_until(lambda: "Done already." in ctl.out("log", "42"), "the journal's entry")
    with ctl.terminal("top", environment={"PAGER": "cat"}) as terminal:
        terminal.wait_for("42_login")
        terminal.press("a")
        screen = terminal.wait_for("Press a key to go back")
        assert "has ended" in screen, screen
        terminal.press("Space")
        terminal.wait_for("storkit: 0 running")
        terminal.press("l")
        again = lambda screen: screen.count("Press a key to go back") == 2  # noqa: E731
        assert "Done already." in terminal.wait_until(again, "the end of the log")
        terminal.press("q")
        terminal.wait_for("storkit: 0 running")
        terminal.press("q")
        assert terminal.wait_for_end() == 0


def test_top_shows_how_an_attached_run_ended(pool):
    """What attach says at the end of a run stays to be read before the table is back."""
    ctl = Ctl(pool, "print Ready.; wait go; result")
    info = ctl.start()
    with ctl.terminal("top") as terminal:
        terminal.wait_for("42_login")
        terminal.press("a")
        terminal.wait_for("Attached to 42_login/coder")
        ctl.touch(info)
        screen = terminal.wait_for("Press a key to go back")
        assert "42_login/coder completed" in screen, screen
        terminal.press("Space")
        terminal.wait_for("storkit: 0 running")
        terminal.press("q")
        assert terminal.wait_for_end() == 0


def test_top_tells_projects_and_agents_apart(pool):
    """With -e a column names the project, and so does the question before a stop; -a filters."""
    agents = {"coder": "init; idle", "reviewer": "init; idle"}
    roots = [pool.repository(name, agents=agents) for name in ("shop", "blog")]
    for root in roots:
        Ctl(pool, root=root).start()
    ctl = Ctl(pool, root=roots[0])
    ctl.start("42_login/reviewer")
    with ctl.terminal("top", "-e", "-a", "coder") as terminal:
        screen = terminal.wait_for("storkit: 2 running")
        header, first, second = screen.splitlines()[2:5]
        assert "PROJECT" in header and "blog" in first and "shop" in second, screen
        assert "reviewer" not in screen, screen
        terminal.press("j", "s")
        terminal.wait_for("Stop 42_login/coder of shop? y/n")
        terminal.press("y")
        terminal.wait_for("storkit: 1 running")
        assert "PROJECT" not in terminal.wait_for("shop", gone=True)
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    with ctl.terminal("top", "-a", "reviewer") as terminal:
        assert "PROJECT" not in terminal.wait_for("42_login")
        terminal.press("s")
        terminal.wait_for("Stop 42_login/reviewer? y/n")
        terminal.press("n", "q")
        assert terminal.wait_for_end() == 0
    ctl("stop", "42")
    Ctl(pool, root=roots[1])("stop", "42")


def test_top_fits_any_terminal(pool):
    """In however few lines or columns, the summary stays on top, and no line wraps."""
    ctl = Ctl(pool, "init; text A long line to be cut.; idle")
    ctl.start("42_login")
    with ctl.terminal("top") as terminal:
        terminal.wait_for("42_login")
        for rows in (5, 4, 3, 2):
            terminal.resize(rows, 40)

            def is_drawn(screen, rows=rows):
                lines = screen.splitlines()
                top = lines[0].startswith("storkit: 1 running")
                return top and len(lines) == rows and lines[-1].startswith("s stop")

            lines = terminal.wait_until(is_drawn, f"{rows} lines").splitlines()
            assert ("42_login" in lines[-2], "STORY" in lines[-3:][0]) == (rows > 2, rows > 3), lines
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    ctl("stop", "42")


def test_top_outlives_what_interrupts_its_commands(pool):
    """Ctrl-C and Ctrl-\\ end what top has given the terminal to, not top."""
    ctl = Ctl(pool, "init; text Done already.; result")
    ctl("start", "42_login", "--wait")
    # Outside of a login session journalctl takes no other pager than less, unless it is told to.
    pager = {"PAGER": "sleep infinity", "SYSTEMD_PAGERSECURE": "0"}
    for key in ("C-c", "C-\\"):
        with ctl.terminal("top", environment=pager) as terminal:
            terminal.wait_for("42_login")
            terminal.press("l")
            terminal.wait_for("42_login", gone=True)
            on_main = {"alternate_on": "0"}
            terminal.wait_until(lambda _: terminal.modes(*on_main) == on_main, "the main screen")
            terminal.press(key)
            terminal.wait_for("Press a key to go back")
            terminal.press("Space")
            terminal.wait_for("storkit: 0 running")
            time.sleep(0.3)  # a signal that waited would have come by now
            terminal.press("q")
            assert terminal.wait_for_end() == 0
            assert "Press a key" in terminal.screen()


def test_top_waits_for_the_service(pool):
    """top says that the service is away, and goes on when it is back."""
    ctl = Ctl(pool, "init; idle")
    ctl.start()
    with ctl.terminal("top") as terminal:
        terminal.wait_for("42_login")
        pool.kill_daemon()
        terminal.wait_for("waiting for it")
        terminal.press("s", "y")
        terminal.wait_for("nothing on the session bus provides")
        terminal.press("j")
        terminal.wait_for("q quit")
        pool.start_daemon()
        terminal.wait_for("waiting for it", gone=True)
        terminal.wait_for("42_login")
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    ctl("stop", "42")


# Worktrees and the project


def test_diff_shows_the_worktrees_work(pool):
    """diff shows committed and uncommitted work against the base, through git's pager."""
    commit = r"write login.py def check(): pass\n; commit Write it"
    ctl = Ctl(pool, rf"{commit}; write README Hi.\n; result")
    ctl("start", "42_login", "--wait")
    text = ctl.out("diff", "42")
    assert "+def check(): pass" in text and "+Hi." in text, text
    files = {entry["path"]: entry for entry in ctl.json("diff", "42")["files"]}
    assert files["login.py"]["added"] == 1 and "README" in files
    assert "login.py |" in ctl.out("diff", "42", "--", "--stat")
    pager = {"GIT_PAGER": "sed 's/^/PAGED /'"}
    with ctl.terminal("diff", "42", environment=pager) as terminal:
        terminal.wait_for_end()
        assert "PAGED " in terminal.screen()
    with ctl.terminal("diff", "42", "--no-pager", environment=pager) as terminal:
        terminal.wait_for_end()
        assert "PAGED " not in terminal.screen()


def test_diff_knows_its_base_from_a_file(pool):
    """diff works where a file or a folder has the name of the base branch."""
    ctl = Ctl(pool, r"write main Not the branch.\n; commit A file; result")
    pool.git(ctl.root, "branch", "topic/one")
    ctl("start", "42_login", "--wait")
    assert "+Not the branch." in ctl.out("diff", "42")
    assert [file["path"] for file in ctl.json("diff", "42")["files"]] == ["main"]
    pool.git(ctl.root, "checkout", "--quiet", "topic/one")
    pool.git(ctl.root, "branch", "--quiet", "-D", "main")
    assert "the base branch main is gone" in ctl("diff", "42", status=NOT_FOUND).err


def test_diff_json_has_any_file(pool):
    """diff --json names every file as it is, and only those behind `--`, whatever repository the
    environment names."""
    ctl = Ctl(pool, "init; result")
    ctl("start", "42_login", "--wait")
    (worktree,) = ctl.json("worktrees")
    for name in (b"plain", b"caf\xe9", b'a "quoted"\tname\nof two lines', "grün".encode()):
        with open(os.fsencode(worktree["path"]) + b"/" + name, "w") as file:
            print("One line.", file=file)
    pool.git(worktree["path"], "add", ".")
    elsewhere = {"GIT_DIR": f"{pool.folder}/nothing", "GIT_INDEX_FILE": f"{pool.folder}/nothing"}
    files = ctl.json("diff", "42", environment=elsewhere)["files"]
    names = {"plain", "caf\ufffd", 'a "quoted"\tname\nof two lines', "grün"}
    assert {file["path"] for file in files} == names, files
    assert all(file["added"] == 1 for file in files), files
    (file,) = ctl.json("diff", "42", "--", "plain")["files"]
    assert file["path"] == "plain"
    assert "+One line." in ctl.out("diff", "42", environment=elsewhere)


def test_missing_worktree_is_told(pool):
    """worktrees says that a folder is gone, and diff what to do about that: which it does."""
    ctl = Ctl(pool, "write new.txt Work.; commit Work; result")
    ctl("start", "42_login", "--wait")
    (worktree,) = ctl.json("worktrees")
    shutil.rmtree(worktree["path"])
    assert "missing" in ctl.out("worktrees")
    assert "`storkitctl start 42_login`" in ctl("diff", "42", status=NOT_FOUND).err
    ctl("start", "42_login", "--wait")
    assert "clean" in ctl.out("worktrees") and "+Work." in ctl.out("diff", "42")


def test_worktrees_are_listed_and_removed(pool):
    """remove refuses unmerged and dirty work until forced; worktrees tells of both."""
    ctl = Ctl(pool, "write new.txt Work.; result")
    ctl("start", "42_login", "--wait")
    (worktree,) = ctl.json("worktrees")
    assert (worktree["story"], worktree["dirty"]) == ("42_login", True)
    assert "uncommitted" in ctl.out("worktrees")
    refused = ctl("remove", "42", status=REFUSED).err
    assert "has work that would be lost" in refused, refused
    assert "`storkitctl remove --force 42_login`" in refused, refused
    assert os.path.exists(worktree["path"])
    ctl("remove", "--force", "42")
    assert not os.path.exists(worktree["path"])
    assert ctl.json("worktrees") == []


@timeout(240)
def test_flags_take_no_value(pool):
    """Every flag, and a flag of every command, refuses a value, before anything is done."""
    ctl = Ctl(pool, "write new.txt Work.; result")
    ctl("start", "42_login", "--wait")
    (worktree,) = ctl.json("worktrees")
    seen = set()
    verbs = re.findall(r"^  (?!storkitctl)([a-z-]+) ", ctl.out("--help"), re.MULTILINE)
    assert len(verbs) >= 17, verbs
    for verb in ["", *verbs]:
        words = [verb] if verb else []
        flags = re.findall(r"^  (?:-\w, )?(--[a-z-]+) ", ctl.out(*words, "--help"), re.MULTILINE)
        # One reader has them all: a flag that many commands have is tried once.
        for flag in [flag for flag in flags if flag not in seen] or flags[:1]:
            said = ctl(*words, f"{flag}=no", "42_login", status=USAGE)
            assert f"{flag} takes no value" in said.err and not said.out, said.err
            seen.add(flag)
    assert {"--force", "--json", "--quiet", "--everywhere", "--any", "--version"} <= seen, seen
    for word in ("-f=no", "--force="):
        ctl("remove", word, "42_login", status=USAGE)
    assert os.path.exists(worktree["path"] + "/new.txt")
    said = ctl("start", "1", "--prompt", "--force=no", "--wait")  # a value of another option
    assert "--force" not in said.err, said.err


def test_remove_knows_all_names_first(pool):
    """remove of several removes none where one of the names is none; one named twice is removed
    once."""
    ctl = Ctl(pool, "init; result")
    ctl("start", "42_login", "--wait")
    ctl("remove", "42", "99", status=NOT_FOUND)
    assert len(ctl.json("worktrees")) == 1
    ctl("remove", "42", "42_login")
    assert ctl.json("worktrees") == []


def test_quiet_says_nothing(pool):
    """-q leaves the confirmations and the endings out, not the results."""
    ctl = Ctl(pool, "init; result")
    for command in (["start", "42_login", "--wait"], ["wait", "42"], ["stop", "42"]):
        said = ctl("-q", *command)
        assert said.out == said.err == "", command
    assert "42_login" in ctl.out("-q", "worktrees")
    said = ctl("-q", "remove", "42")
    assert said.out == said.err == ""


def test_remove_of_a_busy_worktree_says_how(pool):
    """remove refuses the worktree of a live run, and says what would remove it all the same."""
    ctl = Ctl(pool, "init; idle")
    info = ctl.start()
    refused = ctl("remove", "42", status=REFUSED).err
    assert "is running" in refused and "`storkitctl remove --force 42_login`" in refused, refused
    ctl("remove", "--force", "42")
    assert not os.path.exists(info["worktree_path"])


def test_config_is_what_the_service_understood(pool):
    """config shows the agents with their keys."""
    ctl = Ctl(pool, agents={"coder": {"scenario": "init", "memory_max": "2G"}, "reviewer": {}})
    assert [agent["name"] for agent in ctl.json("config")["agents"]] == ["coder", "reviewer"]
    text = ctl.out("config")
    assert "reviewer" in text and "2.0G" in text, text


# How it speaks


def test_json_is_json_everywhere(pool):
    """Every command prints JSON with --json, those that else only confirm what they did, too."""
    ctl = Ctl(pool, "init; text Hello.; result")
    ctl("start", "42_login", "--wait")
    for command in (["list"], ["show"], ["worktrees"], ["diff", "42"], ["config"]):
        ctl.json(*command)
    for command in (["watch", "42"], ["wait", "42"], ["start", "43", "-f"], ["start", "44", "-w"]):
        assert ctl.lines(*command)


def test_json_of_what_was_done(pool):
    """stop, freeze, thaw, send and remove print what they left behind, and no words: the runs' last
    infos, the worktrees that were removed; of several those that it was done to."""
    ctl = Ctl(pool, agents={"coder": {"scenario": "init; idle", "interactive": True}, "clerk": "result"})
    for story in ("42_login", "43_logout"):
        ctl.start(story)
    sent = ctl("--json", "send", "42", "Hello.")
    assert json.loads(sent.out)["story_id"] == "42_login" and sent.err == "", sent.err
    assert ctl.json("send", "42", "--close")["status"] == "running"
    for command, frozen in (("freeze", True), ("thaw", False)):
        said = ctl("--json", command, "42", "43")
        infos = json.loads(said.out)
        assert [info["story_id"] for info in infos] == ["42_login", "43_logout"], infos
        assert [info["frozen"] for info in infos] == [frozen] * 2 and said.err == "", said.err
    ctl("start", "44_lost/clerk", "--wait")
    refused = ctl("--json", "freeze", "44", "43", status=REFUSED)
    assert [info["story_id"] for info in json.loads(refused.out)] == ["43_logout"], refused.out
    assert "44_lost" in refused.err
    stopped = ctl("--json", "stop", "42", "43", "44")
    ends = [(info["status"], info.get("error")) for info in json.loads(stopped.out)]
    assert ends == [("failed", "stopped")] * 2 + [("completed", None)], ends
    assert stopped.err == "" and ctl.json("list") == []
    (worktree, *others) = ctl.json("worktrees")
    assert ctl.json("remove", "42") == [worktree]
    assert ctl.json("worktrees") == others


def test_ambiguous_names_are_asked_about(pool):
    """A shortened story or a story of two agents that could be either is a question."""
    ctl = Ctl(pool, agents={"coder": "init; idle", "reviewer": "init; idle"})
    ctl.start("42_login")
    ctl.start("42_logout/reviewer")
    ctl.start("42_logout/coder")
    assert "42_login, 42_logout" in ctl("stop", "42", status=USAGE).err
    assert "42_logout/coder" in ctl("stop", "42_logo", status=USAGE).err
    assert [run["story_id"] for run in ctl.json("list", "-a", "reviewer")] == ["42_logout"]
    ctl("stop", "42_logo/r", "42_logo/c", "42_login")


if __name__ == "__main__":
    main()
