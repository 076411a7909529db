# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitctl in a session that is not the one of the user's service: it finds the service."""

import os

from ctl import STORKITCTL, Ctl, calls_seen
from harness import Pool, main, serial, skip, wait_until
from session import RUNTIME
from test_activation import REAL_BUS, UNIT, Installed, systemctl

NOTE = "The service is not on this session's bus"


class OtherSession(Ctl):
    """storkitctl in a session with a bus of its own."""

    command = ["dbus-run-session", "--", STORKITCTL]


def test_other_session_uses_the_one_service(pool):
    """With a session bus of its own, storkitctl talks to the service that has the runs."""
    ctl = OtherSession(pool, "init; wait go")
    info = ctl.start()
    assert pool.get(ctl.root, "42_login")["run_id"] == info["run_id"]
    assert [run["run_id"] for run in ctl.json("list")] == [info["run_id"]]
    assert info["unit"] in ctl.out("show", "42")
    ctl("stop", "42")
    assert pool.list() == []


def test_start_in_another_session_says_so(pool):
    """A person who starts an agent from another session is told; a program, and who starts one from
    the service's own session, is not."""
    here = Ctl(pool, "init; wait go")
    there = OtherSession(pool, root=here.root)
    assert NOTE not in there("start", "1_program").err
    for ctl, told in ((here, False), (there, True)):
        with ctl.terminal("start", f"2_{told}", rows=50, columns=300) as terminal:
            assert terminal.wait_for_end() == 0, terminal.screen()
            screen = terminal.screen()
            assert (NOTE in screen) == told, screen
            assert (f"DBUS_SESSION_BUS_ADDRESS={pool.bus.address}" in screen) == told, screen


@serial
def test_other_session_starts_the_users_service():
    """With a session bus of its own, or (as under cron) none, storkitctl has the user manager start
    the service, on the user's bus."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        there = OtherSession(pool, "init; wait go")
        info = there.start()
        assert session.owned() and session.call("List", "").count(info["run_id"])
        if RUNTIME != f"/run/user/{os.getuid()}":
            skip("the rest needs the usual runtime folder")
        cron = Ctl(pool, root=there.root)
        for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
            del cron.environment[name]
        assert [run["run_id"] for run in cron.json("list")] == [info["run_id"]]
        cron("stop", "42")


@serial
def test_question_that_is_lost_with_a_service_is_asked_of_the_next():
    """storkitctl list, whose call reaches a service that is killed before it answers, is answered
    by the one that comes after it."""
    with Pool(daemon=False) as pool, Installed(pool) as session:
        session.call("List", "")
        ctl = Ctl(pool, "init")
        ctl.environment |= REAL_BUS
        systemctl("kill", "--signal=STOP", UNIT)
        with calls_seen(REAL_BUS["DBUS_SESSION_BUS_ADDRESS"]) as calls:
            listing = ctl.begin("--json", "list")
            wait_until(lambda: "List" in calls, "the call of List")
        systemctl("kill", "--signal=KILL", UNIT)
        assert ctl.finish(listing).out == "[]\n"


if __name__ == "__main__":
    main()
