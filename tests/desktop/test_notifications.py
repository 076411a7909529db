# SPDX-License-Identifier: LGPL-2.1-or-later
"""What storkit-desktop tells of runs, and what its buttons do, against the real service."""

import os

from desktop import Desktop, Server, agent, followed
from harness import main, wait_until

END = "init; text Hello.; wait go; write notes.txt done; commit work; result"


def touch(info, name="go"):
    with open(f"{info['worktree_path']}/{name}", "w"):
        pass


def followed_name(run_id):
    encoded = "".join(c if c.isalnum() and (i or not c.isdigit()) else f"_{ord(c):02x}"
                      for i, c in enumerate(run_id))  # fmt: skip
    return f"org.storkit.Followed.{encoded}"


def test_tells_of_an_end(pool):
    """A run that ends is told of, with what it did and changed."""
    root = pool.repository(agents=agent(END))
    server = Server(pool)
    with Desktop(pool):
        info = pool.start(root, "42_login")
        touch(info)
        shown = server.wait("coder has finished 42_login")
        assert "2 files, +1 −0" in shown.body, shown
        assert "turn" in shown.body and "$" in shown.body and "project" in shown.body, shown
        assert shown.hints["urgency"] == 1 and shown.hints["desktop-entry"] == "storkit"
        assert shown.hints["category"] == "transfer.complete" and shown.icon == "storkit"
        assert list(shown.actions) == ["default", "show", "diff", "resume"], shown
        assert shown.hints["sound-name"] == "complete" and shown.expires == -1


def test_tells_of_a_failure(pool):
    """A failure is critical, and says why."""
    root = pool.repository(agents=agent("init; result error it <b>broke</b>; exit 1"))
    server = Server(pool)
    with Desktop(pool):
        pool.start(root, "42_login")
        shown = server.wait("coder failed on 42_login")
        assert "&lt;b&gt;broke" in shown.body, shown
        assert shown.hints["urgency"] == 2 and shown.hints["sound-name"] == "dialog-error"


def test_a_plain_server_gets_plain_text(pool):
    """A server without markup, buttons and sounds gets none of them."""
    root = pool.repository(agents=agent("init; result error it <b>broke</b>; exit 1"))
    server = Server(pool, capabilities=("body",))
    with Desktop(pool):
        pool.start(root, "42_login")
        shown = server.wait("coder failed on")
        assert "<b>broke</b>" in shown.body and not shown.actions, shown
        assert "sound-name" not in shown.hints


def test_old_ends_are_no_news(pool):
    """What ended before it came is not told of, what ends afterwards is."""
    root = pool.repository(agents=agent("init; result"))
    server = Server(pool)
    pool.start(root, "1_old")
    pool.wait(root, "1_old")
    with Desktop(pool):
        pool.start(root, "2_new")
        server.wait("2_new")
        assert [shown.title for shown in server.log if "1_old" in shown.title] == []


def test_a_stop_takes_it_away(pool):
    """A run that is stopped is not told of, and what was told of it goes."""
    root = pool.repository(agents=agent("init; wait go; result"))
    server = Server(pool)
    with Desktop(pool):
        touch(pool.start(root, "1_a"))
        server.wait("1_a")
        pool.start(root, "2_b")
        pool.stop(root, "1_a")
        server.wait_empty()
        pool.stop(root, "2_b")
        touch(pool.start(root, "3_c"))
        server.wait("3_c")
        assert not any("2_b" in shown.title for shown in server.log)


def test_many_at_once_are_one(pool):
    """Six runs that end together are one notification, which leads to the table of all."""
    root = pool.repository(agents=agent("init; wait ../../../go; result"))
    server = Server(pool)
    with Desktop(pool) as desktop:
        for i in range(6):
            pool.start(root, f"{i}_story")
        with open(f"{root}/go", "w"):
            pass
        shown = server.wait("6 have finished")
        wait_until(lambda: len(server.shown) == 1, "one of all")
        assert "coder has finished 0_story" in shown.body, server.shown
        server.act(shown, "default")
        assert desktop.terminal()["argv"][-2:] == ["top", "--everywhere"]


def test_many_in_a_row_are_one(pool):
    """Two that have ended are told of each; four more, and all six are one notification."""
    first, later = agent("init; wait ../../../go; result"), agent("init; wait ../../../on; result")
    root = pool.repository(agents=first | {"later": later["coder"]})
    server = Server(pool)
    with Desktop(pool):
        for i in range(6):
            pool.start(root, f"{i}_story", "coder" if i < 2 else "later")
        with open(f"{root}/go", "w"):
            pass
        server.wait("coder has finished 0_story")
        server.wait("coder has finished 1_story")
        with open(f"{root}/on", "w"):
            pass
        server.wait("6 have finished")
        wait_until(lambda: len(server.shown) == 1, "one of all")


def test_who_follows_is_not_told(pool):
    """A run that somebody follows on a screen is not told of; what is on the screen goes when
    somebody begins to."""
    root = pool.repository(agents=agent("init; wait go; result"))
    server = Server(pool)
    with Desktop(pool):
        info = pool.start(root, "1_a")
        with followed(pool, followed_name(info["run_id"])):
            touch(info)
            pool.wait(root, "1_a")
            info = pool.start(root, "2_b")
            touch(info)
            server.wait("2_b")
            assert not any("1_a" in shown.title for shown in server.log)
        with followed(pool, followed_name(info["run_id"])):
            server.wait_empty()


def test_show_opens_a_terminal(pool):
    """Show opens a terminal that follows the run, in its worktree, and passes the focus on."""
    root = pool.repository(agents=agent("init; wait go; result"))
    server = Server(pool)
    with Desktop(pool) as desktop:
        info = pool.start(root, "42_login")
        touch(info)
        server.act(server.wait("42_login"), "show", token="focus-1")
        call = desktop.terminal()
        assert call["argv"][-3:] == [root, "watch", "42_login/coder"], call
        assert call["cwd"] == info["worktree_path"] and call["token"] == "focus-1", call
        server.wait_empty()


def test_diff_opens_a_terminal(pool):
    root = pool.repository(agents=agent("init; result"))
    server = Server(pool)
    with Desktop(pool) as desktop:
        pool.start(root, "42_login")
        server.act(server.wait("42_login"), "diff")
        assert desktop.terminal()["argv"][-2:] == ["diff", "42_login"]


def test_resume_starts_it_again(pool):
    """Resume starts the story's agent again, with its session."""
    root = pool.repository(agents=agent("argv; init; text Hello.; result"))
    server = Server(pool)
    with Desktop(pool):
        first = pool.start(root, "42_login")
        session = pool.wait(root, "42_login")["session_id"]
        server.act(server.wait("42_login"), "resume")
        wait_until(lambda: pool.get(root, "42_login")["run_id"] != first["run_id"], "a new run")
        pool.wait_for(
            lambda event: "--resume" in event.get("data", "") and session in event["data"],
            what="its arguments",
        )


def test_what_fails_is_said(pool):
    """An action that the service refuses is told of."""
    root = pool.repository(agents=agent("init; wait go; result"))
    server = Server(pool)
    with Desktop(pool):
        touch(pool.start(root, "42_login"))
        shown = server.wait("42_login")
        os.rename(f"{root}/.storkit/project.toml", f"{root}/.storkit/gone")
        with open(f"{root}/.storkit/project.toml", "w") as file:
            file.write("nonsense")
        server.act(shown, "resume")
        assert "project.toml" in server.wait("storkit could not do that").body


def test_settings_are_honoured(pool):
    """Kinds, projects and the sound can be turned off, and a change counts at once."""
    root = pool.repository(agents=agent("init; wait go; result") | {"breaker": "init; exit 1"})
    other = pool.repository("other", agents=agent("init; wait go; result"))
    server = Server(pool)
    with Desktop(pool, f'[notifications]\nprojects = ["{other}"]\nsound = false\n') as desktop:
        touch(pool.start(root, "1_a"))
        pool.wait(root, "1_a")
        touch(pool.start(other, "2_b"))
        shown = server.wait("2_b")
        assert "sound-name" not in shown.hints and shown.hints["suppress-sound"], shown
        with open(desktop.settings, "w") as file:
            file.write("[notifications]\nended = false\n")
        touch(pool.start(root, "3_c"))
        pool.wait(root, "3_c")
        pool.start(root, "3_c", "breaker")
        server.wait("breaker failed on")
        with open(desktop.settings, "w") as file:
            file.write("[notifications]\nended = 3\n")
        touch(pool.start(root, "4_d"))
        server.wait("4_d")
        told = " ".join(shown.title for shown in server.log)
        assert "1_a" not in told and "finished 3_c" not in told, told
        assert "desktop.toml:2:9: ended must be true or false" in desktop.log_text()


def test_the_service_may_come_and_go(pool):
    """A run that ends while the service is away is told of when it is back; the service is never
    started for it."""
    root = pool.repository(agents=agent("init; wait go; result"))
    server = Server(pool)
    with Desktop(pool):
        info = pool.start(root, "42_login")
        pool.kill_daemon()
        touch(info)
        wait_until(lambda: not pool.scope_exists(info["unit"]), "the end of the agent")
        assert not server.log
        pool.start_daemon()
        server.wait("42_login")


def test_the_server_may_come_and_go(pool):
    """Another notification server gets what comes next."""
    root = pool.repository(agents=agent("init; wait go; result"))
    server = Server(pool)
    with Desktop(pool):
        touch(pool.start(root, "1_a"))
        server.wait("1_a")
        server.connection.close_sync(None)
        wait_until(lambda: not pool.bus.owner("org.freedesktop.Notifications"), "its end")
        touch(pool.start(root, "2_b"))
        pool.wait(root, "2_b")
        second = Server(pool, capabilities=("body",))
        touch(pool.start(root, "3_c"))
        assert not second.wait("3_c").actions


if __name__ == "__main__":
    main()
