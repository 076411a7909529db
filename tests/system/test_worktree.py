# SPDX-License-Identifier: LGPL-2.1-or-later
"""Worktrees and their setup, as Start makes them."""

import os

from ctl import Ctl
from harness import main, raises, wait_until
from traces import read_text, refused, touch, traces, with_setup


def outputs_before_running(events):
    statuses = [event.get("status") for event in events]
    until = statuses.index("running")
    return [event["text"] for event in events[:until] if event["type"] == "output"]


def test_worktree_is_a_real_one(pool):
    """A story's worktree is one of git's, on its branch, from HEAD's, and git status shows nothing
    of it."""
    root = pool.repository(agents={"coder": "init; write made hello; commit The work.; result"})
    head = pool.git(root, "rev-parse", "HEAD")
    tree = pool.start(root, "42_login")["worktree_path"]
    assert pool.wait(root, "42_login")["status"] == "completed"
    listed = pool.git(root, "worktree", "list", "--porcelain")
    assert f"worktree {tree}\n" in listed and "branch refs/heads/story/42_login" in listed
    assert pool.git(tree, "log", "--format=%s", "main..") == "The work."
    assert pool.git(root, "rev-parse", "story/42_login~") == head
    assert pool.git(root, "status", "--porcelain") == ""
    assert pool.git(root, "branch", "--show-current") == "main"
    pool.git(root, "fsck")


def test_worktree_lives_where_the_roster_says(pool):
    """The key `worktrees` puts them beside the project: they are listed, known to storkitctl from
    within, used again, and removed, and nothing of them was in the project."""
    config = 'worktrees = "../{project}.trees"\n' + pool.roster({"coder": {}})
    root = pool.repository(config=config)
    before = pool.git(root, "status", "--porcelain", "--ignored")
    path = f"{root}.trees/42"
    assert pool.start(root, "42")["worktree_path"] == path
    assert pool.wait(root, "42")["status"] == "completed"
    assert [tree["path"] for tree in pool.list_worktrees(root)] == [path]
    assert pool.git(root, "status", "--porcelain", "--ignored") == before
    assert pool.get_config(root)["worktrees"] == "../{project}.trees"
    assert Ctl(pool, root=root).out("path", "42", cwd=path).strip() == path
    pool.write_config(root, pool.roster({"coder": {}}))
    assert pool.start(root, "42")["worktree_path"] == path
    pool.wait(root, "42")
    pool.remove_worktree(root, "42")
    assert not os.path.exists(f"{root}.trees")
    pool.write_config(root, config.replace("../", ".git/"))
    assert "git's own folder" in raises("InvalidConfig", pool.start, root, "42").message


def test_worktree_is_reused(pool):
    """A later Start of the story finds what the earlier one left, committed or not."""
    root = pool.repository(agents={"coder": {}})
    first = pool.start(root, "42_login")
    pool.wait(root, "42_login")
    touch(f"{first['worktree_path']}/uncommitted")
    second = pool.start(root, "42_login")
    assert second["worktree_path"] == first["worktree_path"]
    assert pool.wait(root, "42_login")["status"] == "completed"
    assert os.path.exists(f"{first['worktree_path']}/uncommitted")


def test_base_branch_is_the_callers(pool):
    """base_branch is where the branch begins; it is kept, and another is refused later."""
    root = pool.repository()
    pool.git(root, "checkout", "--quiet", "-b", "next")
    pool.git(root, "commit", "--quiet", "--allow-empty", "--message", "of next")
    pool.git(root, "checkout", "--quiet", "main")
    info = pool.start(root, "42_login", base_branch="next")
    assert info["base_branch"] == "next"
    assert pool.git(info["worktree_path"], "log", "-1", "--format=%s") == "of next"
    pool.wait(root, "42_login")
    pool.stop(root, "42_login")
    assert pool.start(root, "42_login")["base_branch"] == "next"
    pool.wait(root, "42_login")
    error = raises("WorktreeFailed", pool.start, root, "42_login", base_branch="main")
    assert "next" in error.message and "main" in error.message


def test_branch_that_exists_is_taken(pool):
    """A branch of the story that is there already is checked out, not made again."""
    root = pool.repository()
    pool.git(root, "branch", "story/42_login")
    info = pool.start(root, "42_login")
    assert pool.git(info["worktree_path"], "branch", "--show-current") == "story/42_login"


def test_branch_that_exists_survives_a_failed_start(pool):
    """A Start that fails leaves a branch that it did not make."""
    root = pool.repository(agents={"coder": {"command": "no-such-program"}})
    pool.git(root, "branch", "story/42_login")
    refused(pool, root, "SpawnFailed")


def test_branch_checked_out_elsewhere_is_refused(pool):
    """A story whose branch another worktree has is WorktreeFailed, with that worktree's path."""
    root = pool.repository()
    elsewhere = f"{pool.folder}/elsewhere"
    pool.git(root, "worktree", "add", "--quiet", "-b", "story/42_login", elsewhere)
    error = refused(pool, root, "WorktreeFailed")
    assert elsewhere in error.message, error


def test_folder_in_the_way_is_refused(pool):
    """A folder in the worktree's place that is not a worktree is refused and left alone."""
    root = pool.repository()
    os.makedirs(f"{root}/.storkit/worktrees/42_login")
    touch(f"{root}/.storkit/worktrees/42_login/precious")
    error = refused(pool, root, "WorktreeFailed")
    assert ".storkit/worktrees/42_login" in error.message, error
    assert os.path.exists(f"{root}/.storkit/worktrees/42_login/precious")


def test_branch_named_story_is_refused(pool):
    """A branch `story` makes every `story/…` impossible: the error says so."""
    root = pool.repository()
    pool.git(root, "branch", "story")
    assert "story" in refused(pool, root, "WorktreeFailed").message


def test_setup_runs_in_order_in_its_folder(pool):
    """The components' commands run in order, each in its component's folder, before the agent; what
    they print are events before `running`."""
    config = ""
    for name, commands in (
        ("web", '["echo web: $PWD", "echo second"]'),
        ("api", '["basename $PWD"]'),
    ):
        config += f'[[component]]\nname = "{name}"\npath = "{name}"\nsetup = {commands}\n'
    root = pool.repository(config=config + pool.roster({"coder": "print the agent"}))
    for folder in ("web", "api"):
        os.mkdir(f"{root}/{folder}")
        touch(f"{root}/{folder}/file")
    pool.git(root, "add", "--all")
    pool.git(root, "commit", "--quiet", "--message", "components")

    info = pool.start(root, "42_login")
    events = list(pool.subscribe_run(info["run_id"]))
    tree = info["worktree_path"]
    assert outputs_before_running(events) == [f"web: {tree}/web", "second", "api"]
    texts = [event["text"] for event in events if event["type"] == "output"]
    assert texts == [f"web: {tree}/web", "second", "api", "the agent"]


def test_setup_is_in_the_runs_scope(pool):
    """Setup's processes are the run's: in its scope, in the sub-cgroup, on its terminal."""
    root = with_setup(
        pool,
        "grep ^0: /proc/self/cgroup",
        "[ -t 1 ] && echo on a terminal",
        f"until [ -e {pool.folder}/go ]; do sleep 0.02; done",
    )
    call = pool.begin("Start", "(sss)", root, "42_login", "")
    pool.wait_for(lambda event: event.get("text") == "on a terminal")
    (run_id,) = pool.run_folders()
    info = pool.get(root, "42_login")
    assert (info["status"], info["run_id"]) == ("pending", run_id)
    cgroup = next(event["text"] for event in pool.events if event["type"] == "output")
    assert cgroup.endswith(f"/app-storkit.slice/{info['unit']}/agent")
    touch(f"{pool.folder}/go")
    assert call.result()["status"] == "running"


def test_setup_is_done_once(pool):
    """A later Start of the story does not run setup again."""
    root = with_setup(pool, f"echo once >> {pool.folder}/count")
    for _ in range(2):
        info = pool.start(root, "42_login")
        pool.wait(root, "42_login")
    assert read_text(f"{pool.folder}/count") == "once\n"
    assert outputs_before_running(list(pool.subscribe_run(info["run_id"]))) == []


def test_second_agent_waits_for_the_first_ones_setup(pool):
    """A second agent on a story shares its worktree, and waits for the first one's setup."""
    go = f"{pool.folder}/go"
    root = with_setup(
        pool,
        f"echo begin; until [ -e {go} ]; do sleep 0.02; done; echo done > prepared",
        agents={"coder": "idle", "reviewer": "cwd; idle"},
    )
    first = pool.begin("Start", "(sss)", root, "42_login", "coder")
    pool.wait_for(lambda event: event.get("text") == "begin")
    second = pool.begin("Start", "(sss)", root, "42_login", "reviewer")
    wait_until(lambda: len(pool.list()) == 2, "the second run")
    assert pool.get(root, "42_login", "reviewer")["status"] == "pending"
    assert not second.done()
    touch(go)
    tree = first.result()["worktree_path"]
    assert second.result()["worktree_path"] == tree
    assert read_text(f"{tree}/prepared") == "done\n"
    pool.wait_for(lambda event: event["agent_name"] == "reviewer" and event.get("text") == tree)
    assert [event.get("text") for event in pool.events].count("begin") == 1


def test_second_agent_sets_up_what_the_first_could_not(pool):
    """When the first one's setup fails, the one that waited makes the worktree itself."""
    go = f"{pool.folder}/go"
    root = with_setup(
        pool,
        f"echo begin; until [ -e {go} ]; do sleep 0.02; done",
        f"mkdir {pool.folder}/taken && exit 1; true",
        agents={"coder": "idle", "reviewer": "idle"},
    )
    first = pool.begin("Start", "(sss)", root, "42_login", "coder")
    pool.wait_for(lambda event: event.get("text") == "begin")
    second = pool.begin("Start", "(sss)", root, "42_login", "reviewer")
    wait_until(lambda: len(pool.list()) == 2, "the second run")
    touch(go)
    raises("SetupFailed", first.result)
    info = second.result()
    assert info["status"] == "running"
    assert pool.git(info["worktree_path"], "branch", "--show-current") == "story/42_login"
    (listed,) = pool.list()
    assert listed["agent_name"] == "reviewer"


def test_two_starts_at_once_both_make_their_worktree(pool):
    """Two Starts in one repository at once both succeed."""
    root = pool.repository(agents={"coder": "idle"})
    calls = [pool.begin("Start", "(sss)", root, story, "") for story in ("one", "two")]
    trees = [call.result()["worktree_path"] for call in calls]
    assert trees == [f"{root}/.storkit/worktrees/{story}" for story in ("one", "two")]
    listed = pool.git(root, "worktree", "list", "--porcelain")
    assert all(f"worktree {tree}\n" in listed for tree in trees)


def test_failure_does_not_take_anothers_worktree(pool):
    """A Start that fails while another agent works on the story leaves the worktree to that one."""
    root = pool.repository(agents={"coder": "idle", "lost": {"command": "no-such-program"}})
    info = pool.start(root, "42_login", "coder")
    before = traces(pool, root)
    raises("SpawnFailed", pool.start, root, "42_login", "lost")
    assert traces(pool, root) == before
    assert os.path.exists(info["worktree_path"])


def test_half_made_worktree_is_not_taken_for_one(pool):
    """A worktree whose setup was never recorded as done is set up (again)."""
    root = with_setup(pool, f"echo again >> {pool.folder}/count")
    tree = pool.start(root, "42_login")["worktree_path"]
    pool.wait(root, "42_login")
    for folder, _, names in os.walk(f"{root}/.git/worktrees/42_login"):
        for name in (name for name in names if "storkit" in name):
            os.unlink(f"{folder}/{name}")
    assert pool.start(root, "42_login")["worktree_path"] == tree
    pool.wait(root, "42_login")
    assert read_text(f"{pool.folder}/count") == "again\nagain\n"


if __name__ == "__main__":
    main()
