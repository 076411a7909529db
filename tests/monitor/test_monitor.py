# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkit-monitor: the real window on the real service, used by keys and seen by a screen reader's
means. Skipped where there is no Xvfb or no AT-SPI; `scripts/check --long` installs both."""

import os

from gi.repository import GLib

from harness import long, main, wait_until
from monitor import APPLICATION, NAME, Monitor, Screen

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


@long
def test_starts_follows_answers_merges_and_stops(pool):
    """A run is started by the form, followed over a kill of the service, answered and merged;
    another one is shown by the action and stopped."""
    idler = "init; text I wait.; wait never"
    root = pool.repository(agents={"asker": ASKER, "idler": idler})
    with Screen(pool) as screen, Monitor(pool, screen) as monitor:
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
        show(pool, pool.start(root, "43_cart", "idler"))
        monitor.wait("43_cart, idler", "label")
        monitor.keys("<Alt>1")
        monitor.wait("I wait.")
        monitor.keys("<Control><Shift>s")
        monitor.wait("Stop 43_cart, idler?")
        monitor.press("Stop")
        wait_until(lambda: [r["story_id"] for r in pool.list()] == ["42_login"], "the stop")
        monitor.wait("stopped", "label")


if __name__ == "__main__":
    main()
