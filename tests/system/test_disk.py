# SPDX-License-Identifier: LGPL-2.1-or-later
"""A transcript on a disk that fills up: the agent waits, and nothing is lost."""

import os
import subprocess
from contextlib import contextmanager

from ctl import Ctl
from follower import Follower, is_last, numbered_lines
from harness import Pool, main, skip, timeout, wait_until
from traces import touch

MB = 1 << 20
HELD_BACK = "the disk is full: the agent waits for space"

# In a mount namespace of its own storkitd finds a small tmpfs for its state; the user namespace
# around it is what an ordinary user needs to mount one, the one within has the user's own id again.
WRAPPER = """#!/bin/bash
exec unshare --user --map-root-user --mount bash -c '
    mount -t tmpfs -o size={size}m none "$XDG_STATE_HOME" || exit 99
    exec unshare --user --map-user={uid} --map-group={gid} {storkitd}'
"""


def can_make_namespaces():
    command = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


@contextmanager
def small_disk(pool, megabytes):
    """Within it, pool.start_daemon() starts a storkitd whose state folder has that much room."""
    if not can_make_namespaces():
        skip("no unprivileged user namespaces here")
    storkitd = os.environ["STORKITD"]
    wrapper = f"{pool.folder}/storkitd"
    with open(wrapper, "w") as file:
        file.write(
            WRAPPER.format(size=megabytes, uid=os.getuid(), gid=os.getgid(), storkitd=storkitd)
        )
    os.chmod(wrapper, 0o755)
    os.environ["STORKITD"] = wrapper
    try:
        yield
    finally:
        os.environ["STORKITD"] = storkitd


def inside(pool, path):
    """That path as the daemon sees it."""
    return f"/proc/{pool.process.pid}/root{path}"


def fill(pool, megabytes):
    path = inside(pool, f"{pool.environment['XDG_STATE_HOME']}/filling")
    with open(path, "wb") as file:
        file.write(bytes(megabytes * MB))
    return path


def check_full_disk(pool, size, filled):
    root = pool.repository(
        agents={
            "coder": f"init; wait {pool.folder}/go; flood {size}M 300; lines 3; result; exit 0",
            "other": "init; idle",
        }
    )
    ctl = Ctl(pool, root=root)
    filling = fill(pool, filled)
    info = pool.start(root, "s", "coder")
    follower = Follower(pool, info["run_id"])
    seen = f"{pool.folder}/seen"
    with open(seen, "w") as file:
        watcher = ctl.begin("watch", "s", stdout=file)
    wait_until(lambda: "session" in open(seen).read(), "the watcher")
    touch(f"{pool.folder}/go")
    wait_until(lambda: follower.step() or pool.get(root, "s", "coder").get("disk_full"), "no room")
    pool.wait_for(lambda e: e.get("status") == "disk_full")
    transcript = inside(pool, f"{pool.run_folder(info['run_id'])}/transcript")
    full = os.stat(transcript).st_size
    assert full < size * MB
    assert pool.get(root, "s", "coder")["status"] == "running"
    assert "disk full" in ctl.out("list")
    assert pool.cgroup_procs(info["unit"]), "the agent was ended"
    assert [run["run_id"] for run in pool.list()] == [info["run_id"]]
    # Also to a reader that was behind when the disk filled up.
    wait_until(lambda: HELD_BACK in open(seen).read(), "the words of it")
    assert "Disk: full: the agent waits" in ctl.out("show", "s")

    os.unlink(filling)
    ctl.finish(watcher)
    events = follower.finish(60)
    ended = pool.wait(root, "s", "coder")
    assert (ended["status"], ended["exit_code"]) == ("completed", 0)
    assert is_last(events[-1]) and numbered_lines(events) == [1, 2, 3]
    with open(transcript, "rb") as file:
        text = file.read()
    assert len(text) > size * MB and text.endswith(b"\r\n")
    begun, *flood, one, two, three, result = text.split(b"\r\n")[:-1]
    assert flood == flood[:2] * (len(flood) // 2), "a line is torn or missing"
    print(f"held at {full} of {len(text)} bytes")


@timeout(90)
def test_full_disk_holds_the_agent_back():
    """On a full disk the agent is held back and not ended, the daemon answers and says so; with
    room again nothing of its output is missing."""
    with Pool(daemon=False) as pool, small_disk(pool, 6):
        pool.start_daemon()
        check_full_disk(pool, size=2, filled=5)


def check_stop_on_full_disk(pool, size):
    agent = f"init; wait {pool.folder}/go; flood {size}M 300"
    root = pool.repository(agents={"coder": {"scenario": agent, "stop_grace": "200ms"}})
    filling = fill(pool, size)
    info, other = pool.start(root, "s"), pool.start(root, "t")
    touch(f"{pool.folder}/go")
    for story in "s", "t":
        wait_until(lambda: pool.get(root, story).get("disk_full"), f"no room for {story}")
    pool.stop(root, "s")
    ended = pool.get_run(info["run_id"])
    assert ended["status"] == "failed" and ended["error"] == "stopped", ended
    assert ended["lost_output"] > 0 and "disk_full" not in ended, ended
    assert not pool.scope_exists(info["unit"])

    subprocess.check_call(["systemctl", "--user", "stop", other["unit"]])
    assert pool.wait(root, "t")["lost_output"] > 0
    ctl = Ctl(pool, root=root)
    assert "Disk: was full at the end: the last " in ctl.out("show", "t")
    os.unlink(filling)


@timeout(90)
def test_stop_does_not_wait_for_a_full_disk():
    """A Stop answers while the disk is full, and how much output had no space is told, by its id
    and where List shows the run."""
    with Pool(daemon=False) as pool, small_disk(pool, 12):
        pool.start_daemon()
        check_stop_on_full_disk(pool, 8)


if __name__ == "__main__":
    main()
