# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a machine does to a service: systemd that hangs or reloads, a shim that dies too early, no
inotify watches, a transcript that lost its end."""

import contextlib
import json
import os
import resource
import signal
import subprocess

from follower import all_events, numbered_lines
from harness import Pool, PoolError, main, raises, serial, skip, timeout, wait_until

WATCH = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    int (*real)(int, const char *, uint32_t) = dlsym(RTLD_NEXT, "inotify_add_watch");
    if (access(getenv("NO_WATCHES"), F_OK) < 0)
        return real(fd, path, mask);
    errno = ENOSPC;
    return -1;
}
"""


def touch(path):
    open(path, "w").close()


@contextlib.contextmanager
def stopped_manager(pool):
    """The user's systemd does not answer meanwhile. Not for one that somebody works with."""
    if os.environ.get("STORKIT_TEST_HOST") != "1":
        skip("only the systemd of a booted host may be stopped: tests/host/boot")
    unit = f"user@{os.getuid()}.service"
    pid = int(subprocess.check_output(["systemctl", "show", "--value", "-p", "MainPID", unit]))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def shim_has_gone(pool, info):
    return os.path.exists(f"{pool.run_folder(info['run_id'])}/exit.json")


@serial
def test_stop_after_a_reload_of_systemd_waits_for_the_scope(pool):
    """A daemon-reload announces every unit as removed, and then as new: a Stop still replies only
    when the scope is gone."""
    root = pool.repository(agents={"coder": {"scenario": "idle", "stop_grace": "1s"}})
    info = pool.start(root, "s")
    subprocess.check_call(["systemctl", "--user", "daemon-reload"])
    cgroup = pool.manager.cgroup(info["unit"])
    with stopped_manager(pool):
        stop = pool.begin("Stop", "(sss)", root, "s", "coder")
        wait_until(lambda: stop.done() or shim_has_gone(pool, info), "the shim's end")
        pool.list()  # whatever came before that has been taken
        assert not stop.done(), "systemd has not said that the scope is gone"
    stop.result()
    assert not os.path.exists(cgroup) and not pool.scope_exists(info["unit"])


@serial
@timeout(90)
def test_stop_while_systemd_does_not_answer_a_new_service(pool):
    """A run is found and stopped while systemd hangs: the Stop replies once systemd has answered."""
    agent = {"scenario": "ignore INT; ignore TERM; init; idle", "stop_grace": "0s"}
    root = pool.repository(agents={"coder": agent})
    info = pool.start(root, "s")
    pool.wait_for("agent_json")
    pool.kill_daemon()
    with stopped_manager(pool):
        pool.start_daemon()
        stop = pool.begin("Stop", "(sss)", root, "s", "coder")
        wait_until(lambda: "killing its processes" in pool.log_text(), "the last resort")
        assert pool.running() and not stop.done()
    stop.result()
    assert not pool.scope_exists(info["unit"])


def wrapper_of(pool, name, command):
    path = f"{pool.folder}/{name}"
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\n{command}\n")
    os.chmod(path, 0o755)
    return path


def test_shim_that_dies_at_once_takes_nobody_along(pool=None):
    """A shim that is dead before its scope is there is in no scope: the service, and what else is
    in its cgroup, is not killed in its stead."""
    pool = Pool(daemon=False)
    pool.environment["STORKIT_SHIM"] = wrapper_of(pool, "shim", "exit 2")
    # In a scope of its own: else the test would be the one that is killed.
    scope = f"systemd-run --user --scope --quiet --collect {os.environ['STORKITD']}"
    os.environ["STORKITD"] = wrapper_of(pool, "storkitd", f"exec {scope}")
    with pool:
        pool.start_daemon()
        root = pool.repository()
        for number in range(3):
            raises("SpawnFailed", pool.start, root, f"s{number}")
        assert pool.running()
        assert pool.list() == [] and pool.run_folders() == []


def test_started_that_could_not_be_written_is_known_from_the_end(pool):
    """Where `started` can't be written the agent's work stays, and its run ends as it did."""
    blocked = f"cd {pool.run_folder('s.coder.*')} && mkdir started"
    component = f'[[component]]\nname = "all"\npath = "."\nsetup = [{json.dumps(blocked)}]\n'
    scenario = "init; write work.txt of an hour; result; exit 0"
    root = pool.repository(config=component + pool.roster({"coder": scenario}))
    pool.start(root, "s")
    info = pool.wait(root, "s")
    assert info["status"] == "completed", info
    assert os.path.exists(f"{info['worktree_path']}/work.txt"), "the agent's work is gone"


@timeout(90)
def test_no_inotify_watch_is_left(pool=None):
    """A user whose inotify watches are used up has slower events, and nothing worse."""
    pool = Pool(daemon=False)
    library = f"{pool.folder}/watch.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-"], input=WATCH, text=True, check=True
    )
    used_up = f"{pool.folder}/used-up"
    options = os.environ.get("ASAN_OPTIONS", "")
    pool.environment |= {
        "LD_PRELOAD": library,
        "NO_WATCHES": used_up,
        "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0",
    }
    with pool:
        pool.start_daemon()
        go = f"{pool.folder}/go"
        root = pool.repository(agents={"coder": f"init; wait {go}; print later; idle"})
        pool.start(root, "found")
        pool.kill_daemon()
        touch(used_up)
        pool.start_daemon()
        pool.start(root, "new")
        assert "twice a second" in pool.log_text()
        touch(go)
        for story in ("found", "new"):
            pool.wait_for(lambda e: e.get("text") == "later" and e["story_id"] == story)
            pool.stop(root, story)
        os.unlink(used_up)
        pool.start(root, "found")
        pool.stop(root, "found")
        # The shim and the stand-in had the library, too.
        pool.environment.pop("LD_PRELOAD")


def free_descriptors(pool, count):
    """The lowest ones that the service does not use."""
    used = {int(name) for name in os.listdir(f"/proc/{pool.process.pid}/fd")}
    return [n for n in range(len(used) + count) if n not in used][:count]


@contextlib.contextmanager
def descriptors_below(pool, limit):
    """The service can open files only as such descriptors meanwhile."""
    pid = pool.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_end_without_descriptors_is_looked_at_again(pool):
    """A run that ends while the service can open no file has the outcome and the events that it
    would have had."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"init; wait {go}; lines 3; result; exit 0"})
    limit = free_descriptors(pool, 1)[0]  # all below stay in use
    info = pool.start(root, "s")
    with descriptors_below(pool, limit):
        touch(go)
        wait_until(lambda: "looked at again" in pool.log_text(), "an end that cannot be read")
    assert pool.wait(root, "s")["status"] == "completed"
    assert numbered_lines(all_events(pool, info["run_id"])) == [1, 2, 3]


def test_cursor_without_descriptors_is_not_refused(pool):
    """Where the log of an ended run cannot be opened, the error says so, and not that the cursor is
    none."""
    root = pool.repository(agents={"coder": "init; lines 3; result; exit 0"})
    info = pool.start(root, "s")
    pool.wait(root, "s")
    cursor = all_events(pool, info["run_id"])[3]["cursor"]
    for limit in free_descriptors(pool, 12):
        with descriptors_below(pool, limit):
            try:
                pool.subscribe_run(info["run_id"], cursor).close()
            except PoolError as error:
                assert error.message.endswith("Too many open files"), (limit, error)


def test_git_without_descriptors_says_try_again(pool):
    """Where git's helper cannot be started for want of descriptors, the error does not send one to
    reinstall anything, and what was opened for it is closed."""
    folder = f"/proc/{pool.process.pid}/fd"
    for number, limit in enumerate(free_descriptors(pool, 10)):
        root = pool.repository(f"project{number}")
        before = len(os.listdir(folder))
        with descriptors_below(pool, limit):
            try:
                pool.list_worktrees(root)
            except PoolError as error:
                assert "reinstall" not in error.message, (limit, error)
                wait_until(lambda: len(os.listdir(folder)) <= before, "closed descriptors")


def test_transcript_that_lost_its_end_is_consistent(pool):
    """After a power cut a transcript may be shorter than exit.json says: the run's cursor is that
    of its last event."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"lines 50; wait {go}; exit 0"})
    info = pool.start(root, "s")
    pool.wait_for(lambda e: e.get("text") == "line 00000050")
    pool.kill_daemon()
    touch(go)
    wait_until(lambda: not pool.scope_exists(info["unit"]), "the end")
    os.truncate(f"{pool.run_folder(info['run_id'])}/transcript", 100)
    pool.start_daemon()
    last = list(pool.subscribe_run(info["run_id"]))[-1]
    assert last["type"] in ("done", "error")
    assert pool.get(root, "s", "coder")["cursor"] == last["cursor"]


def test_a_run_that_is_found_has_the_cursor_it_had(pool):
    """A service that has just come back does not tell an older cursor than the one before it."""
    root = pool.repository(agents={"coder": "lines 3000; idle"})
    pool.start(root, "s")
    last = pool.wait_for(lambda e: e.get("text") == "line 00003000")
    wait_until(lambda: pool.get(root, "s")["cursor"] == last["cursor"], "the cursor")
    pool.kill_daemon()
    pool.start_daemon()
    # Less the one event that may have been in flight.
    assert pool.get(root, "s", "coder")["cursor"] >= last["cursor"] - 64
    pool.stop(root, "s", "coder")


def test_state_folder_that_cannot_be_written_has_a_typed_error(pool):
    """What the disk refuses is SpawnFailed, with the path and what to do."""
    root = pool.repository()
    os.makedirs(pool.run_folder(""))
    os.chmod(pool.run_folder(""), 0o500)
    error = raises("SpawnFailed", pool.start, root, "s")
    os.chmod(pool.run_folder(""), 0o700)
    assert "storkit/runs" in error.message and "start it again" in error.message, error


def test_folder_of_the_agent_that_is_gone_is_named(pool):
    """Setup that takes the worktree away: the error does not blame the program."""
    away = "d=$PWD; cd /; mv $d $d.away; (sleep 1; mv $d.away $d) & sleep 0.2"
    component = f'[[component]]\nname = "all"\npath = "."\nsetup = [{json.dumps(away)}]\n'
    root = pool.repository(config=component + pool.roster({"coder": "exit 0"}))
    error = raises("SpawnFailed", pool.start, root, "s")
    assert "its folder could not be set up" in error.message, error


if __name__ == "__main__":
    main()
