# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others do to a run behind the service's back: systemctl freezes its scope or its slice."""

import contextlib
import os
import subprocess

from harness import main, raises, serial, skip, wait_until

SLICE = "app-storkit.slice"


def systemctl(*arguments):
    subprocess.check_call(["systemctl", "--user", *arguments])


def statuses(pool):
    return [event["status"] for event in pool.events if event["type"] == "status"]


def test_unit_that_systemctl_freezes_is_shown_as_frozen(pool):
    """`systemctl --user freeze` and `thaw` of a run's scope are told as Freeze and Thaw are; Thaw
    and Stop thaw the scope first, whoever froze it."""
    root = pool.repository(agents={"coder": "idle"})
    unit = pool.start(root, "s")["unit"]
    systemctl("freeze", unit)
    wait_until(lambda: pool.get(root, "s").get("frozen"), "it to be shown as frozen")
    systemctl("thaw", unit)
    wait_until(lambda: not pool.get(root, "s").get("frozen"), "it to be shown as running")
    systemctl("freeze", unit)
    wait_until(lambda: pool.get(root, "s").get("frozen"), "it to be frozen again")
    pool.thaw(root, "s")
    assert pool.manager.property(unit, "FreezerState") == "running"
    systemctl("freeze", unit)
    wait_until(lambda: pool.get(root, "s").get("frozen"), "it to be frozen once more")
    pool.stop(root, "s")
    pool.wait_for(lambda event: event.get("status") == "stopped")
    assert not pool.scope_exists(unit)
    assert "killing its processes" not in pool.log_text()
    live = ["frozen", "running", "frozen", "running", "frozen"]
    assert statuses(pool) == ["pending", "running", *live, "stopped"]


def test_unit_that_was_frozen_meanwhile_is_found_frozen(pool):
    """A scope that is frozen while no service runs is shown as frozen by the next, and can be
    stopped."""
    root = pool.repository(agents={"coder": "idle"})
    unit = pool.start(root, "s")["unit"]
    pool.kill_daemon()
    systemctl("freeze", unit)
    pool.start_daemon()
    wait_until(lambda: pool.get(root, "s").get("frozen"), "it to be found frozen")
    pool.stop(root, "s")
    assert not pool.scope_exists(unit)
    assert "killing its processes" not in pool.log_text()


@contextlib.contextmanager
def frozen_slice():
    """All agents of this user stand still meanwhile. Not for a machine that somebody works with."""
    if os.environ.get("STORKIT_TEST_HOST") != "1":
        skip("only the slice of a booted host may be frozen: tests/host/boot")
    systemctl("freeze", SLICE)
    try:
        yield
    finally:
        systemctl("thaw", SLICE)


@serial
def test_start_in_a_frozen_slice_says_so(pool):
    """A Start while app-storkit.slice is frozen fails, names the slice and leaves nothing; Thaw of a
    run in it, which is shown as frozen, says the same."""
    root = pool.repository(agents={"coder": "idle"})
    before = pool.start(root, "before")
    with frozen_slice():
        wait_until(lambda: pool.get(root, "before").get("frozen"), "the run to be shown as frozen")
        # systemd 252 thaws the slice, and no run in it, when a scope of it is stopped: first Thaw.
        for refused in (
            raises("ScopeFailed", pool.thaw, root, "before"),
            raises("ScopeFailed", pool.start, root, "new"),
        ):
            assert f"`systemctl --user thaw {SLICE}`" in refused.message, refused.message
        assert pool.run_folders() == [before["run_id"]]
    wait_until(lambda: not pool.get(root, "before").get("frozen"), "it to go on")
    pool.start(root, "new")


if __name__ == "__main__":
    main()
