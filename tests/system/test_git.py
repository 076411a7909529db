# SPDX-License-Identifier: LGPL-2.1-or-later
"""Git's work is done outside of the service: a hang, a crash and leftovers are one call's."""

import os
import signal
import time

from ctl import FAILED, Ctl
from harness import FACTOR, Pool, long, main, raises, timeout, wait_until
from session import is_helper, processes_of
from test_faults import STORY, units_of
from test_worktrees_removal import add_filter, worktree
from traces import touch


def commands(pool):
    """The command line of each of the pool's processes."""
    for pid in pool.processes():
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                yield file.read().replace("\0", " ")
        except OSError:
            pass


def runs(pool, part):
    return any(part in command for command in commands(pool))


def helpers(pool):
    return [pid for pid in processes_of(pool.marker) if is_helper(pid)]


def test_repository_that_hangs_is_an_error_of_its_call():
    """A call whose helper goes no further fails in its time, others notice nothing, and no process
    is left at it."""
    with Pool(environment={"STORKIT_GIT_LOOK_MSEC": "1500"}) as pool:
        root, other = pool.repository("a"), pool.repository("b")
        assert pool.call("ListWorktrees", "(s)", root)[0] == []
        (helper,) = helpers(pool)
        os.kill(helper, signal.SIGSTOP)
        call = pool.begin("ListWorktrees", "(s)", root)
        assert pool.start(other, "1")["status"] in ("pending", "running")
        assert "did not finish in 1.5 s" in raises("WorktreeFailed", call.result).message
        assert helper not in helpers(pool)
        assert pool.wait(other, "1")["status"] == "completed"


@long
@timeout(120)
def test_error_of_a_repository_that_hangs_reaches_the_user():
    """storkitctl waits longer for a look at a repository than the service does: it says what the
    service found, not that the service does not answer."""
    with Pool(environment={"STORKIT_GIT_LOOK_MSEC": "28000"}) as pool:
        ctl = Ctl(pool, "init; result")
        assert ctl.json("worktrees") == []
        (helper,) = helpers(pool)
        os.kill(helper, signal.SIGSTOP)
        assert "did not finish in 28 s" in ctl("worktrees", status=FAILED).err


def test_fifo_in_the_place_of_any_file_waits_for_nobody(pool):
    """A FIFO where libgit2 reads without a look, in the project or in a worktree: the calls go on
    as if it were not there, or fail at once."""
    agent = f"init; wait {pool.folder}/go; result"
    root = pool.repository(agents={"coder": agent})
    tree = pool.start(root, "1")["worktree_path"]
    for name in (".gitignore", ".gitattributes"):
        os.makedirs(f"{tree}/deep/er", exist_ok=True)
        os.mkfifo(f"{tree}/deep/er/{name}")
    touch(f"{tree}/deep/file")
    touch(f"{pool.folder}/go")
    pool.wait(root, "1")
    begin = time.monotonic()
    (found,) = pool.call("ListWorktrees", "(s)", root)[0]
    assert found["dirty"]
    raises("WorktreeDirty", pool.remove_worktree, root, "1")
    pool.start(root, "1")
    assert pool.wait(root, "1")["status"] == "completed"
    pool.remove_worktree(root, "1", force=True)
    assert not os.path.exists(tree)

    os.mkfifo(f"{root}/.git/fifo")
    with open(f"{root}/.git/config", "a", encoding="utf-8") as file:
        file.write("[include]\n\tpath = fifo\n")
    raises("NotAGitRepository", pool.start, root, "1")
    assert time.monotonic() - begin < 20 * FACTOR


def replace(path, make):
    """Puts what @make makes in the place of the file @path."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    make(path)


def make_large(path):
    """Two gibibytes that take no disk."""
    with open(path, "wb") as file:
        file.truncate(2 << 30)


def memory_peak(pool):
    with open(f"/proc/{pool.process.pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))


def test_special_and_endless_files_are_refused_at_once(pool):
    """A FIFO, or a file without end, where the roster or git's own files are: each call names it
    before it has waited for it, and works again when it is gone."""
    root = pool.repository()
    for name in (".storkit/project.toml", ".git/info/exclude", ".git/packed-refs", ".gitignore"):
        error = "InvalidConfig" if name.endswith(".toml") else "NotAGitRepository"
        path = f"{root}/{name}"
        for make, said in ((os.mkfifo, "a FIFO, not a regular file"), (make_large, "larger than")):
            kept = f"{pool.folder}/kept"
            if os.path.exists(path):
                os.rename(path, kept)
            replace(path, make)
            begin = time.monotonic()
            message = raises(error, pool.start, root, "1").message
            assert path in message and said in message, message
            assert time.monotonic() - begin < 20, name
            os.unlink(path)
            if os.path.exists(kept):
                os.rename(kept, path)
    assert memory_peak(pool) < 1 << 30
    pool.start(root, "1")
    assert pool.wait(root, "1")["status"] == "completed"


def test_special_file_for_a_reference_is_refused_at_once(pool):
    """A FIFO in the place of a loose reference, wherever an agent has put it, is named by each call
    that reads references, before one has waited for it."""
    root = pool.repository(agents={"coder": {}})
    for name in ("refs/heads/odd", "refs/remotes/origin/deep/er", "refs/tags/v1"):
        path = f"{root}/.git/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkfifo(path)
        begin = time.monotonic()
        for call in (pool.start, pool.remove_worktree):
            message = raises("WorktreeFailed", call, root, "1").message
            assert path in message and "a FIFO, not a regular file" in message, message
        assert path in raises("WorktreeFailed", pool.call, "ListWorktrees", "(s)", root).message
        assert time.monotonic() - begin < 20 * FACTOR, name
        os.unlink(path)
    pool.start(root, "1")
    assert pool.wait(root, "1")["status"] == "completed"


def test_helper_that_crashes_is_an_error_of_its_call(pool):
    """A Start whose helper dies by a signal fails, and the next one works."""
    root = pool.repository(agents={"coder": {}})
    pool.stop_daemon()
    crash = f"{pool.folder}/crash"
    with open(crash, "w", encoding="utf-8") as file:
        helper = os.environ["STORKIT_GIT"]
        file.write(f'#!/bin/sh\nrm "$0" && kill -SEGV $$\nexec {helper}\n')
    os.chmod(crash, 0o755)
    os.rename(crash, f"{pool.folder}/helper")
    pool.environment["STORKIT_GIT"] = f"{pool.folder}/helper"
    pool.start_daemon()
    assert "crashed" in raises("WorktreeFailed", pool.start, root, "1").message
    os.symlink(os.environ["STORKIT_GIT"], f"{pool.folder}/helper")
    pool.start(root, "1")
    assert pool.wait(root, "1")["status"] == "completed"


def test_what_a_filter_leaves_is_ended(pool):
    """A process that a filter leaves in the background, in a session of its own and with git's
    stderr open, does not hold the Start up, and is gone when that has answered."""
    root = pool.repository(agents={"coder": {}})
    add_filter(pool, root, "(setsid sleep 4711.75 </dev/null >/dev/null &) ; cat")
    begin = time.monotonic()
    pool.start(root, "1")
    assert time.monotonic() - begin < 60
    assert not runs(pool, "4711.75")
    pool.wait(root, "1")


def test_scope_is_made_beside_the_worktree(pool):
    """systemd and git work at the same time: the scope is there before the worktree is."""
    root = pool.repository(agents={"coder": {}})
    go = f"{pool.folder}/go"
    add_filter(pool, root, f"while [ ! -e {go} ]; do sleep 0.05; done; cat")
    start = pool.begin("Start", "(sss)", root, STORY, "")
    wait_until(lambda: units_of(pool, STORY), "the scope")
    assert not start.done()
    open(go, "w").close()
    assert start.result()["status"] == "running"
    pool.wait(root, STORY)


def test_what_a_teardown_leaves_is_ended(pool):
    """Of a teardown nothing runs when RemoveWorktree has answered, whatever session it is in."""
    config = '[[component]]\nname = "it"\npath = "."\n'
    config += 'teardown = ["setsid -f sh -c \'exec sleep 4711.25\'; sleep 0.2"]\n'
    root = pool.repository(config=config + pool.roster({"coder": {}}))
    pool.start(root, "1")
    pool.wait(root, "1")
    pool.remove_worktree(root, "1")
    assert not runs(pool, "4711.25")
    assert not os.path.exists(worktree(root, "1"))


def test_helpers_go_with_the_service(pool):
    """Neither the end of the service nor its death leaves a helper."""
    root = pool.repository(agents={"coder": {}})
    pool.start(root, "1")
    pool.wait(root, "1")
    assert helpers(pool)
    pool.kill_daemon()
    wait_until(lambda: not helpers(pool), "the end of the helpers")


if __name__ == "__main__":
    main()
