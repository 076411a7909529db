# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkit-monitor: the real window on the real service, used by keys and seen by a screen reader's
means. Skipped where there is no Xvfb or no AT-SPI; `scripts/check --long` installs both."""

import os
from contextlib import suppress

from gi.repository import GLib

from harness import long, main, timeout, wait_until
from monitor import APPLICATION, NAME, Monitor, Screen
from test_hosts import two_hosts, write_hosts

TALKER = {
    "scenario": "init; read",
    "interactive": True,
    "sandbox": "worktree",
    "stop_grace": "1s",
}
ASKER = {
    "scenario": 'init; text On it.; ask q1 Bash {"command":"rm -r build"}; answers 1;'
    " write a.txt done; commit work; text Committed.; result; read",
    "permission": "ask",
    "stop_grace": "1s",
}


def show(pool, run):
    """What a notification does."""
    pool.bus.connection.call_sync(
        NAME, APPLICATION, "org.freedesktop.Application", "ActivateAction",
        GLib.Variant("(sava{sv})", ("show-run", [GLib.Variant("s", run["run_id"])], {})),
        None, 0, -1, None,
    )  # fmt: skip


def start_by_form(pool, monitor, root):
    monitor.keys("<Control>n")
    monitor.write("Project Folder", root)
    monitor.wait("asker")
    monitor.write("Story", "42_login")
    monitor.press("Start")
    return wait_until(pool.list, "a run")[0]


def start_a_known_story(pool, monitor, root):
    """Those of the project that is shown are in a menu; the first one is chosen, and started.
    libadwaita 1.2 does not tell AT-SPI the text in a row of a form."""
    name = (root, "42_login", "asker")
    before = pool.get(*name)["run_id"]
    monitor.keys("<Control>n")
    monitor.wait("Known Stories", "push button")
    monitor.keys("Tab", "space")
    monitor.wait("43_cart", "menu item")
    monitor.wait_focused("42_login", "menu item")
    monitor.keys("Return")
    monitor.wait_gone("43_cart", "menu item")
    monitor.press("Start")
    run = wait_until(lambda: find_another(pool, before, *name), "its run")
    pool.units.add(run["unit"])
    pool.stop(*name)


def find_another(pool, run_id, *name):
    run = pool.get(*name)
    return run if run["run_id"] != run_id else None


def answer_after_a_kill(pool, monitor):
    """The service is killed while the agent waits for an answer."""
    monitor.wait("On it.")
    monitor.wait("May it use Bash?")
    pool.kill_daemon()
    monitor.wait("The service is away")
    pool.start_daemon()
    monitor.wait_gone("The service is away")
    monitor.press("Allow")
    monitor.wait("Committed.")
    monitor.wait_gone("May it use Bash?", "label")


def freeze_and_thaw(pool, monitor, run):
    for frozen in (True, False):
        monitor.keys("<Control>p")
        wait_until(lambda: pool.get_run(run["run_id"])["frozen"] is frozen, f"frozen: {frozen}")


def write_a_message(pool, monitor):
    monitor.wait("answer 1")
    monitor.keys("<Control>m", *"storks", "Return")
    monitor.wait("answer 2")
    assert monitor.text_of("Message to the agent") == ""


def attach(pool, monitor, opened):
    """Into the window where it is built with VTE, else into the user's terminal."""
    monitor.keys("<Alt>4")
    monitor.press("Attach")
    if not monitor.find("Attach", "push button", whole=True):
        return
    wait_until(lambda: os.path.exists(opened), "a terminal")
    with open(opened) as file:
        assert "attach 43_cart/talker" in file.read().replace("\n", " ")


def see_the_sandbox(monitor):
    monitor.keys("<Alt>3")
    monitor.wait("/.storkit/worktrees/43_cart\n", "label")
    monitor.wait("/.ssh", "label")


def shows_running(monitor):
    """Whether the head of the run that is shown says so; the list's rows begin with the agent."""
    with suppress(GLib.Error):  # it has changed meanwhile
        return any((node.get_name() or "").startswith("running") for node in monitor.nodes())


def resume(pool, monitor, run):
    """Of a run that has ended there is another one, with its session."""
    name = [run[key] for key in ("project_root", "story_id", "agent_name")]
    pool.close_input(*name)
    session = pool.wait(*name)["session_id"]
    monitor.wait("completed", "label")
    monitor.keys("<Control>r")
    run = wait_until(lambda: find_another(pool, run["run_id"], *name), "another run")
    pool.units.add(run["unit"])
    wait_until(lambda: shows_running(monitor), "the window to show it")
    wait_until(lambda: pool.get(*name).get("session_id") == session, "its session")


def stand_in_for_a_terminal(pool):
    """The folder with an xdg-terminal-exec, and the file in which that writes its arguments."""
    folder, opened = f"{pool.folder}/terminals", f"{pool.folder}/terminals/opened"
    os.mkdir(folder)
    with open(f"{folder}/xdg-terminal-exec", "w") as file:
        file.write(f'#!/bin/sh\nprintf "%s\\n" "$@" >{opened}.new\nmv {opened}.new {opened}\n')
    os.chmod(f"{folder}/xdg-terminal-exec", 0o755)
    return folder, opened


@long
@timeout(180)
def test_starts_follows_answers_merges_and_stops(pool):
    """A run is started by the form, followed over a kill of the service, answered and merged;
    another one is shown by the action, written to, frozen, attached to, resumed and stopped."""
    root = pool.repository(agents={"asker": ASKER, "talker": TALKER})
    folder, opened = stand_in_for_a_terminal(pool)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    with Screen(pool) as screen, Monitor(pool, screen, environment=environment) as monitor:
        monitor.wait("No Runs")
        run = start_by_form(pool, monitor, root)
        pool.units.add(run["unit"])
        answer_after_a_kill(pool, monitor)
        assert pool.wait(root, "42_login", "asker")["status"] == "completed"
        monitor.wait("completed: ")
        monitor.keys("<Alt>2")
        wait_until(lambda: "+done" in monitor.text_of("Changes"), "the diff")
        monitor.keys("<Control><Shift>m")
        monitor.press("Merge")
        wait_until(lambda: os.path.exists(f"{root}/a.txt"), "the merge")
        run = pool.start(root, "43_cart", "talker")
        show(pool, run)
        monitor.wait("43_cart, talker", "label")
        monitor.keys("<Alt>1")
        write_a_message(pool, monitor)
        freeze_and_thaw(pool, monitor, run)
        see_the_sandbox(monitor)
        attach(pool, monitor, opened)
        resume(pool, monitor, run)
        monitor.keys("<Control><Shift>s")
        monitor.wait("Stop 43_cart, talker?")
        monitor.press("Stop")
        wait_until(lambda: [r["story_id"] for r in pool.list()] == ["42_login"], "the stop")
        monitor.wait("stopped", "label")
        start_a_known_story(pool, monitor, root)


FAR = (
    'init; text Far away.; ask q1 Bash {"command":"rm -r build"}; answers 1;'
    " write a.txt done; commit work; text Committed.; read"
)


@long
def test_follows_other_machines(pool):
    """A run of a host in ctl.toml is in the list with the host's name; its events and changes are
    read, it is answered and stopped there. A host that does not answer is said to be away."""
    with two_hosts(pool, FAR) as (hosts, _):
        there, environment = hosts.ctl["two"], {"STORKIT_SSH": hosts.far["one"].ssh}
        write_hosts(pool, "localhost", "gone", "two")
        run = there.start("42_login")
        there.touch(run)
        with Screen(pool) as screen, Monitor(pool, screen, environment=environment) as monitor:
            monitor.wait("project on two")
            monitor.wait("gone: unreachable since", "label")
            show(pool, run)
            monitor.wait("Far away.")
            monitor.wait("May it use Bash?")
            monitor.press("Allow")
            monitor.wait("Committed.")
            monitor.keys("<Alt>2")
            wait_until(lambda: "+done" in monitor.text_of("Changes"), "the diff")
            monitor.keys("<Control><Shift>s")
            monitor.wait("Stop 42_login, coder?")
            monitor.press("Stop")
            wait_until(lambda: there.json("list") == [], "the stop")
            monitor.wait_gone("project on two")
            write_hosts(pool, "localhost")
            monitor.wait_gone("gone: unreachable since")


if __name__ == "__main__":
    main()
