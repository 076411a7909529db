# SPDX-License-Identifier: LGPL-2.1-or-later
"""ListWorktrees and RemoveWorktree: nothing that somebody made is lost without force."""

import json
import os
import shutil

from harness import Pool, PoolError, main, raises, timeout, wait_until
from leftovers import assert_nothing_runs
from test_faults import difference, snapshot
from traces import read_text, touch


def worktree(root, story):
    return f"{root}/.storkit/worktrees/{story}"


def run_story(pool, root, story, scenario="exit 0"):
    """Runs an agent on a story to its end, with this scenario."""
    pool.start(root, story, env={"STAND_IN": scenario})
    assert pool.wait(root, story)["status"] == "completed"
    # A thread lets go of it, while others are told of the end.
    claim = f"{root}/.git/worktrees/{story}/storkit-claim"
    wait_until(lambda: not os.path.exists(claim), "the end of the run's claim")


def listed(pool, root):
    return {entry["story"]: entry for entry in pool.list_worktrees(root)}


def has_branch(pool, root, story):
    return pool.git(root, "branch", "--list", f"story/{story}") != ""


def assert_sound(pool, root):
    """That git finds nothing wrong in the repository, nor a worktree that is not there."""
    pool.git(root, "fsck", "--strict", "--no-dangling")
    assert pool.git(root, "worktree", "prune", "--dry-run", "--verbose") == ""
    assert pool.git(root, "status", "--porcelain") == ""


def assert_gone(pool, root, story):
    assert not os.path.exists(worktree(root, story))
    assert not os.path.exists(f"{root}/.git/worktrees/{story}")
    assert story not in listed(pool, root)
    assert_sound(pool, root)


def assert_kept(pool, root, story):
    assert os.path.exists(f"{worktree(root, story)}/README")
    assert story in listed(pool, root) and has_branch(pool, root, story)


def test_worktrees_are_listed(pool):
    """ListWorktrees tells of each story's path, branch, base, what is not committed, and how many
    commits no other branch has; of one that was removed by hand, that it is missing."""
    root = pool.repository(agents={"coder": {}})
    run_story(pool, root, "clean")
    run_story(pool, root, "dirty", "write notes hm")
    run_story(pool, root, "ahead", "commit one; commit two")
    run_story(pool, root, "gone")
    shutil.rmtree(worktree(root, "gone"))
    entries = listed(pool, root)
    assert {story: (e["dirty"], e["ahead"]) for story, e in entries.items()} == {
        "ahead": (False, 2),
        "clean": (False, 0),
        "dirty": (True, 0),
        "gone": (False, 0),
    }
    assert entries["ahead"]["path"] == worktree(root, "ahead")
    assert entries["ahead"]["branch"] == "story/ahead" and entries["ahead"]["base_branch"] == "main"
    assert [story for story, entry in entries.items() if entry.get("missing")] == ["gone"]


def test_clean_worktree_goes_with_its_branch(pool):
    """A worktree without work of its own goes, and its branch with it."""
    root = pool.repository(agents={"coder": {}})
    run_story(pool, root, "42_login")
    pool.remove_worktree(root, "42_login")
    assert_gone(pool, root, "42_login")
    assert not has_branch(pool, root, "42_login")


def test_merged_worktree_goes_with_its_branch(pool):
    """A story whose commits are merged is without work of its own."""
    root = pool.repository(agents={"coder": {}})
    run_story(pool, root, "42_login", "write feature done; commit the feature")
    pool.git(root, "merge", "--quiet", "story/42_login")
    pool.remove_worktree(root, "42_login")
    assert_gone(pool, root, "42_login")
    assert not has_branch(pool, root, "42_login")
    assert os.path.exists(f"{root}/feature")


def test_dirty_worktree_is_refused(pool):
    """A worktree with a file that is not committed is refused, and the reason names it; forced, it is
    gone with its branch, and git fsck is clean."""
    root = pool.repository(agents={"coder": {}})
    run_story(pool, root, "42_login", "write notes.txt hm")
    error = raises("WorktreeDirty", pool.remove_worktree, root, "42_login")
    assert "notes.txt" in error.message and "force" in error.message, error
    assert_kept(pool, root, "42_login")
    assert read_text(f"{worktree(root, '42_login')}/notes.txt") == "hm"
    pool.remove_worktree(root, "42_login", force=True)
    assert_gone(pool, root, "42_login")
    assert not has_branch(pool, root, "42_login")


def test_refused_removal_has_touched_nothing(pool):
    """A removal that is refused leaves every file as it was, git's of the worktree too, and runs no
    teardown; also where a folder on the way to the worktree is a link."""
    config = pool.roster({"coder": {}})
    config += f'[[component]]\nname = "c"\npath = "."\nteardown = ["touch {pool.folder}/torn"]\n'
    root = pool.repository(config=config)
    run_story(pool, root, "42_login", "write notes.txt hm")
    elsewhere = f"{pool.folder}/elsewhere"
    os.mkdir(elsewhere)
    for folder in ("", ".storkit/worktrees", ".git/worktrees"):
        if folder:
            target = f"{elsewhere}/of{folder.replace('/', '-')}"
            shutil.move(f"{root}/{folder}", target)
            os.symlink(target, f"{root}/{folder}")
        before = snapshot(root), snapshot(elsewhere)
        try:
            pool.remove_worktree(root, "42_login")
            raise AssertionError("it was removed")
        except PoolError as error:
            assert folder or error.name == "WorktreeDirty", error
        after = snapshot(root), snapshot(elsewhere)
        assert after == before, [folder, *map(difference, before, after)]
    assert not os.path.exists(f"{pool.folder}/torn")


def test_error_with_odd_bytes_is_answered(pool):
    """What is no UTF-8 in what git says does not keep a call from its answer."""
    root = pool.repository()
    odd = os.fsencode(pool.folder) + b"/caf\xe9"
    pool.git(root, "worktree", "add", "--quiet", "-b", "story/42_login", odd)
    assert "caf\ufffd" in raises("WorktreeFailed", pool.start, root, "42_login").message


def test_changed_file_is_refused(pool):
    """A tracked file that was changed is as good a reason."""
    root = pool.repository(agents={"coder": {}})
    run_story(pool, root, "42_login", "write README other words")
    assert "README" in raises("WorktreeDirty", pool.remove_worktree, root, "42_login").message
    assert_kept(pool, root, "42_login")


def test_unmerged_worktree_is_refused(pool):
    """A worktree with a commit that no other branch has is refused, and the reason tells of it;
    forced, it is gone with its branch, and git fsck is clean."""
    root = pool.repository(agents={"coder": {}})
    run_story(pool, root, "42_login", "write feature done; commit the new feature")
    error = raises("WorktreeDirty", pool.remove_worktree, root, "42_login")
    assert "commit" in error.message and "force" in error.message, error
    assert_kept(pool, root, "42_login")
    pool.remove_worktree(root, "42_login", force=True)
    assert_gone(pool, root, "42_login")
    assert not has_branch(pool, root, "42_login")


def make_deep(folder, levels):
    """Folders within each other, deeper than a path can say."""
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("deep", dir_fd=fd)
        below = os.open("deep", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)


def test_deep_worktree_can_be_removed(pool):
    """A tree of any depth is refused as dirty, and goes by force."""
    root = pool.repository()
    run_story(pool, root, "42_login")
    make_deep(worktree(root, "42_login"), 2500)
    raises("WorktreeDirty", pool.remove_worktree, root, "42_login")
    assert_kept(pool, root, "42_login")
    pool.remove_worktree(root, "42_login", force=True)
    assert_gone(pool, root, "42_login")


def test_worktree_in_use_is_refused(pool):
    """A worktree that a run uses is refused, and the reason names the run's agent; forced, the run is
    stopped and the worktree gone."""
    root = pool.repository(agents={"coder": "write notes hm; children 3 daemon; print up; idle"})
    info = pool.start(root, "42_login")
    pool.wait_for(lambda event: event.get("text") == "up")
    error = raises("WorktreeBusy", pool.remove_worktree, root, "42_login")
    assert "coder" in error.message and "stop" in error.message, error
    assert pool.get(root, "42_login")["status"] == "running"
    assert_kept(pool, root, "42_login")
    pool.remove_worktree(root, "42_login", force=True)
    assert_nothing_runs(pool, info)
    assert_gone(pool, root, "42_login")
    assert pool.list() == []
    pool.wait_for(lambda event: event.get("status") == "stopped")


def test_forced_removal_does_not_hold_up_the_services_end(pool):
    """A removal that waits for its run to stop is given up when the service goes down, which ends;
    the worktree is kept."""
    asked = f"{pool.folder}/asked"
    scenario = f"on INT touch {asked}; ignore TERM; print up; idle"
    agent = {"scenario": scenario, "stop_grace": "5s", "writable": [pool.folder]}
    root = pool.repository(agents={"coder": agent})
    pool.start(root, "42_login")
    pool.wait_for(lambda event: event.get("text") == "up")
    removal = pool.begin("RemoveWorktree", "(ssb)", root, "42_login", True)
    wait_until(lambda: os.path.exists(asked), "the stop of the run")
    assert pool.stop_daemon() == 0
    raises("ShuttingDown", removal.result)
    pool.start_daemon()
    assert_kept(pool, root, "42_login")


def test_story_can_be_started_anew(pool):
    """After its worktree was removed, a story starts from a fresh one."""
    root = pool.repository(agents={"coder": {}})
    run_story(pool, root, "42_login", "write notes hm; commit it")
    pool.remove_worktree(root, "42_login", force=True)
    run_story(pool, root, "42_login")
    assert not os.path.exists(f"{worktree(root, '42_login')}/notes")


def test_story_without_a_worktree(pool):
    """What is not there cannot be removed, and that is said."""
    root = pool.repository(agents={"coder": {}})
    error = raises("WorktreeFailed", pool.remove_worktree, root, "42_login")
    assert "42_login" in error.message
    raises("InvalidArgument", pool.remove_worktree, root, "../42_login")


def test_worktree_removed_by_hand_is_cleaned_up(pool):
    """Of a tree that somebody removed by hand, git's leftovers are cleaned; commits stay on their
    branch."""
    root = pool.repository(agents={"coder": {}})
    run_story(pool, root, "clean")
    run_story(pool, root, "ahead", "commit something")
    for story in ("clean", "ahead"):
        shutil.rmtree(worktree(root, story))
        pool.remove_worktree(root, story)
        assert_gone(pool, root, story)
    assert (has_branch(pool, root, "clean"), has_branch(pool, root, "ahead")) == (False, True)


def test_story_starts_where_its_tree_was_removed_by_hand(pool):
    """Start on a story whose tree somebody removed makes it again, with the story's commits."""
    root = pool.repository(agents={"coder": {}})
    run_story(pool, root, "42_login", "write feature done; commit it")
    shutil.rmtree(worktree(root, "42_login"))
    run_story(pool, root, "42_login")
    assert read_text(f"{worktree(root, '42_login')}/feature") == "done"
    assert_sound(pool, root)


# Teardown


def with_teardown(pool, *commands):
    """A repository with a component that is taken down by these shell commands."""
    config = f'[[component]]\nname = "all"\npath = "."\nteardown = {json.dumps(commands)}\n'
    return pool.repository(config=config + pool.roster({"coder": {}}))


def test_teardown_comes_first(pool):
    """The components' teardown commands run in the worktree before it goes, in their order."""
    out = f"{pool.folder}/out"
    root = with_teardown(pool, f"pwd >{out}", f"cat README >>{out}")
    run_story(pool, root, "42_login")
    pool.remove_worktree(root, "42_login")
    assert read_text(out) == f"{worktree(root, '42_login')}\nThis is project.\n"
    assert_gone(pool, root, "42_login")


def test_teardown_that_fails_keeps_the_worktree(pool):
    """A teardown command that fails keeps the worktree; the error names it and has its last words.
    Forced, the worktree goes all the same."""
    out = f"{pool.folder}/out"
    root = with_teardown(pool, "echo the database is busy; exit 3", f"touch {out}")
    run_story(pool, root, "42_login")
    error = raises("WorktreeFailed", pool.remove_worktree, root, "42_login")
    for words in ("exit 3", "exit status 3", "the database is busy", "force"):
        assert words in error.message, error
    assert_kept(pool, root, "42_login")
    assert not os.path.exists(out)
    pool.remove_worktree(root, "42_login", force=True)
    assert_gone(pool, root, "42_login")


def test_teardown_waits_for_the_check(pool):
    """Nothing is taken down for a worktree that is refused anyway."""
    out = f"{pool.folder}/out"
    root = with_teardown(pool, f"touch {out}")
    run_story(pool, root, "42_login", "write notes hm")
    raises("WorktreeDirty", pool.remove_worktree, root, "42_login")
    assert not os.path.exists(out)


def test_teardown_that_hangs_is_ended():
    """A teardown command that never ends is killed at its time limit, with its children, and the
    error says so; other calls are answered meanwhile."""
    with Pool(environment={"STORKIT_TEARDOWN_MSEC": "500"}) as pool:
        root = with_teardown(pool, "sleep 1000 & sleep 1000")
        run_story(pool, root, "42_login")
        call = pool.begin("RemoveWorktree", "(ssb)", root, "42_login", False)
        assert len(pool.list()) == 1 and not call.done()
        error = raises("WorktreeFailed", call.result)
        assert "sleep 1000" in error.message and "0.5 s" in error.message, error
        assert_kept(pool, root, "42_login")


def test_teardown_does_not_wait_for_the_background(pool):
    """What a teardown command leaves in the background holds nobody up, and goes with it."""
    root = with_teardown(pool, "sleep 1000 &")
    run_story(pool, root, "42_login")
    pool.remove_worktree(root, "42_login")
    assert_gone(pool, root, "42_login")


def test_teardown_without_its_folder_fails(pool):
    """A component's folder that is gone keeps the worktree as any failure does, and is named."""
    config = '[[component]]\nname = "web"\npath = "web"\nteardown = ["true"]\n'
    root = pool.repository(config=config + pool.roster({"coder": {}}))
    run_story(pool, root, "42_login")
    assert "/web: " in raises("WorktreeFailed", pool.remove_worktree, root, "42_login").message
    assert_kept(pool, root, "42_login")


def begin_teardown(pool):
    """Begins a removal whose teardown goes on until `go` is there; returns the repository and that
    command's pid."""
    out, go = f"{pool.folder}/out", f"{pool.folder}/go"
    root = with_teardown(pool, f"echo $$ >{out}; until test -e {go}; do sleep 0.05; done")
    run_story(pool, root, "42_login")
    pool.begin("RemoveWorktree", "(ssb)", root, "42_login", False)
    wait_until(lambda: os.path.exists(out) and read_text(out).strip(), "the teardown")
    return root, int(read_text(out))


def lose_the_bus(pool, teardown):
    """Ends the bus; returns the status with which storkitd ends while that teardown goes on."""
    try:
        pool.bus.process.terminate()
        wait_until(lambda: not pool.running(), "the end of storkitd")
        assert os.path.exists(f"/proc/{teardown}"), "it has waited for the teardown"
        return pool.process.returncode
    finally:
        touch(f"{pool.folder}/go")
        wait_until(lambda: not os.path.exists(f"/proc/{teardown}"), "the teardown's end")


def test_bus_may_go_during_a_teardown():
    """A service that loses its bus for good while a worker is busy ends without a crash, and with
    status 0: it has not failed, and systemd need not try until it has had enough."""
    with Pool() as pool:
        _, teardown = begin_teardown(pool)
        assert lose_the_bus(pool, teardown) == 0


def test_session_may_end_during_a_teardown(pool):
    """The same where it is going down already: status 0."""
    root, teardown = begin_teardown(pool)
    pool.process.terminate()

    def refuses():
        try:
            pool.start(root, "other")
        except PoolError as error:
            return error.name == "ShuttingDown"

    wait_until(refuses, "the service to go down")
    assert lose_the_bus(pool, teardown) == 0


@timeout(90)
def test_stop_does_not_wait_for_a_teardown_for_ever(pool):
    """A service that is told to end waits 20 s for its workers, and then ends without a crash."""
    _, teardown = begin_teardown(pool)
    pool.process.terminate()
    try:
        wait_until(lambda: not pool.running(), "the end of storkitd", 40)
        assert pool.process.returncode == 0
    finally:
        touch(f"{pool.folder}/go")
        wait_until(lambda: not os.path.exists(f"/proc/{teardown}"), "the teardown's end")


def test_list_does_not_wait_for_a_writer(pool):
    """Worktrees are listed while one of them is being removed, and takes its time for it."""
    go = f"{pool.folder}/go"
    root = with_teardown(pool, f"until test -e {go}; do sleep 0.05; done")
    run_story(pool, root, "42_login")
    removing = pool.begin("RemoveWorktree", "(ssb)", root, "42_login", False)
    assert "42_login" in listed(pool, root)
    assert not removing.done()
    open(go, "w").close()
    removing.result()
    assert_gone(pool, root, "42_login")


# What git alone can check out, and what it leaves out


def test_ignored_files_are_copied(pool):
    """`copy` of the config brings ignored files along into a new worktree, and they do not make it
    dirty."""
    root = pool.repository(config='copy = [".env"]\n' + pool.roster({"coder": {}}))
    with open(f"{root}/.gitignore", "w") as file:
        file.write(".env\n")
    pool.git(root, "add", ".gitignore")
    pool.git(root, "commit", "--quiet", "--message", "ignore")
    with open(f"{root}/.env", "w") as file:
        file.write("SECRET=1\n")
    run_story(pool, root, "42_login")
    assert read_text(f"{worktree(root, '42_login')}/.env") == "SECRET=1\n"
    assert not listed(pool, root)["42_login"]["dirty"]
    pool.remove_worktree(root, "42_login")
    assert_gone(pool, root, "42_login")


def test_filters_are_honoured(pool):
    """A repository whose files go through a filter, as LFS's do, is checked out as git would, and is
    not dirty afterwards."""
    root = pool.repository(agents={"coder": {}})
    pool.git(root, "config", "filter.shout.clean", "tr A-Z a-z")
    pool.git(root, "config", "filter.shout.smudge", "tr a-z A-Z")
    pool.git(root, "config", "filter.shout.required", "true")
    with open(f"{root}/.gitattributes", "w") as file:
        file.write("*.shout filter=shout\n")
    with open(f"{root}/words.shout", "w") as file:
        file.write("LOUD\n")
    pool.git(root, "add", "--all")
    pool.git(root, "commit", "--quiet", "--message", "shout")
    assert pool.git(root, "show", "HEAD:words.shout") == "loud"
    run_story(pool, root, "42_login")
    assert read_text(f"{worktree(root, '42_login')}/words.shout") == "LOUD\n"
    assert not listed(pool, root)["42_login"]["dirty"]
    pool.remove_worktree(root, "42_login")
    assert_gone(pool, root, "42_login")


def add_filter(pool, root, smudge):
    with open(f"{root}/.gitattributes", "w") as file:
        file.write("*.some filter=some\n")
    with open(f"{root}/words.some", "w") as file:
        file.write("words\n")
    pool.git(root, "add", "--all")
    pool.git(root, "commit", "--quiet", "--message", "filter")
    pool.git(root, "config", "filter.some.smudge", smudge)
    pool.git(root, "config", "filter.some.required", "true")


def is_hanging(pool):
    for pid in pool.processes():
        try:
            if "4711.5" in (read_text(f"/proc/{pid}/cmdline") or ""):
                return True
        except OSError:
            pass  # it has just ended
    return False


def test_filter_that_hangs_can_be_stopped(pool):
    """A Stop, and the end of the service, end a checkout whose filter hangs, with the filter."""
    root = pool.repository(agents={"coder": {}})
    add_filter(pool, root, "sleep 4711.5")
    for name, end in (
        ("Stopped", lambda: pool.stop(root, "42_login", "coder")),
        ("ShuttingDown", pool.stop_daemon),
    ):
        starting = pool.begin("Start", "(sss)", root, "42_login", "")
        wait_until(lambda: is_hanging(pool), "the filter")
        end()
        raises(name, starting.result)
        assert not is_hanging(pool)
        assert not os.path.exists(worktree(root, "42_login"))
        assert pool.git(root, "branch", "--list", "story/*") == ""


def test_filter_is_where_the_login_environment_finds_it(pool):
    """The filters of a repository are found as in the user's terminal."""
    root = pool.repository(agents={"coder": {}})
    add_filter(pool, root, "my-filter")
    programs = f"{pool.folder}/home/.local/bin"
    os.makedirs(programs)
    with open(f"{programs}/my-filter", "w") as file:
        file.write("#!/bin/sh\ntr a-z A-Z\n")
    os.chmod(f"{programs}/my-filter", 0o755)
    for name in (".profile", ".bash_profile", ".bashrc"):
        with open(f"{pool.folder}/home/{name}", "w") as file:
            file.write("PATH=$HOME/.local/bin:$PATH\n")
    run_story(pool, root, "42_login")
    assert read_text(f"{worktree(root, '42_login')}/words.some") == "WORDS\n"


if __name__ == "__main__":
    main()
