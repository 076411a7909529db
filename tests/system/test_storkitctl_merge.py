# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitctl merge: a story's work in its base, the worktree and the branch gone; or the reason why
not, and nothing changed."""

import os

from ctl import REFUSED, Ctl
from harness import main

IDENTITY = {
    "GIT_AUTHOR_NAME": "A Person", "GIT_AUTHOR_EMAIL": "a@localhost",
    "GIT_COMMITTER_NAME": "A Person", "GIT_COMMITTER_EMAIL": "a@localhost",
}  # fmt: skip
TWO_COMMITS = "write one.txt One.; commit First; write two.txt Two.; commit Second; result"


def project(pool, scenario, story="42_login"):
    """A project in which @story has been worked on."""
    ctl = Ctl(pool, scenario)
    ctl.environment |= IDENTITY
    ctl("start", story, "--wait")
    return ctl


def change_main(pool, root, name, text):
    with open(f"{root}/{name}", "w") as file:
        file.write(text)
    pool.git(root, "add", name)
    pool.git(root, "commit", "--quiet", "-m", "Meanwhile")


def subjects(pool, root):
    return pool.git(root, "log", "--format=%s").splitlines()


def assert_gone(pool, ctl):
    assert ctl.json("worktrees") == []
    assert "story/42_login" not in pool.git(ctl.root, "branch", "--list")


def test_merges_and_cleans_up(pool):
    """A story's commits come into the base, be that as it was or further on."""
    ctl = project(pool, TWO_COMMITS)
    said = ctl("diff", "42", "--", "--stat").err
    ctl("merge", "42")
    assert subjects(pool, ctl.root)[:2] == ["Second", "First"], said
    assert os.path.exists(f"{ctl.root}/two.txt")
    assert_gone(pool, ctl)
    pool.write_config(ctl.root, pool.roster({"coder": "write three.txt 3; commit Third; result"}))
    ctl("start", "42_login", "--wait")
    change_main(pool, ctl.root, "other.txt", "Other.\n")
    merged = ctl.json("merge", "42", "-m", "Merge it")
    assert merged["commit"] == pool.git(ctl.root, "rev-parse", "HEAD")
    assert subjects(pool, ctl.root)[0] == "Merge it"
    assert_gone(pool, ctl)


def test_squashes(pool):
    """merge --squash makes one commit of all, and then, too, nothing is left."""
    ctl = project(pool, TWO_COMMITS)
    change_main(pool, ctl.root, "other.txt", "Other.\n")
    ctl("merge", "42", "--squash", "-m", "Log in")
    assert subjects(pool, ctl.root)[:2] == ["Log in", "Meanwhile"]
    assert os.path.exists(f"{ctl.root}/one.txt") and os.path.exists(f"{ctl.root}/two.txt")
    assert_gone(pool, ctl)


def assert_refused(pool, ctl, words, *options):
    before = pool.git(ctl.root, "status", "--porcelain"), subjects(pool, ctl.root)
    said = ctl("merge", "42", *options, status=REFUSED).err
    assert words in said, said
    assert before == (pool.git(ctl.root, "status", "--porcelain"), subjects(pool, ctl.root))
    assert len(ctl.json("worktrees")) == 1


def test_refuses_what_is_not_ready(pool):
    """Uncommitted work and a live run are reasons against a merge, and each says what to do."""
    ctl = project(pool, "write one.txt One.; commit First; write two.txt Two.; result")
    assert_refused(pool, ctl, "42_login has uncommitted work: commit it")
    pool.write_config(ctl.root, pool.roster({"coder": "init; idle"}))
    ctl.start("42_login")
    assert_refused(pool, ctl, "42_login/coder is still running")
    ctl("stop", "42")


def test_refuses_where_the_base_is_not_ready(pool):
    """A conflict, changes that are staged, and a base that is nowhere checked out are reasons."""
    ctl = project(pool, "write one.txt One.; commit First; result")
    change_main(pool, ctl.root, "one.txt", "Other.\n")
    for options in ([], ["--squash"]):
        assert_refused(pool, ctl, "42_login conflicts with main", *options)
    pool.git(ctl.root, "reset", "--quiet", "--hard", "HEAD^")
    with open(f"{ctl.root}/staged.txt", "w") as file:
        file.write("Staged.\n")
    pool.git(ctl.root, "add", "staged.txt")
    assert_refused(pool, ctl, "has staged changes", "--squash")
    pool.git(ctl.root, "rm", "--quiet", "--force", "staged.txt")
    pool.git(ctl.root, "switch", "--quiet", "--create", "elsewhere")
    assert_refused(pool, ctl, f"`git -C {ctl.root} switch main`")
    pool.git(ctl.root, "switch", "--quiet", "main")
    ctl("merge", "42")
    assert_gone(pool, ctl)


def test_remove_and_diff_say_how_to_merge(pool):
    """Where diff ends, and where remove refuses what is not merged, it is said how to merge."""
    ctl = project(pool, TWO_COMMITS)
    assert "`storkitctl merge 42_login`" in ctl("remove", "42", status=REFUSED).err
    with ctl.terminal("diff", "42", "--no-pager", "--", "--stat", columns=120) as terminal:
        terminal.wait_for("`storkitctl merge 42_login` merges this into main.")
        assert terminal.wait_for_end() == 0


if __name__ == "__main__":
    main()
