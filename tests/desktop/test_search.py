# SPDX-License-Identifier: LGPL-2.1-or-later
"""The desktop's search finds stories, agents and projects: GNOME's and KDE's interface."""

from desktop import Desktop, Server, agent, own
from harness import main, wait_until

GNOME = ("/org/storkit/Desktop/SearchProvider", "org.gnome.Shell.SearchProvider2")
KRUNNER = ("/org/storkit/Desktop/krunner", "org.kde.krunner1")

APPLICATION_XML = """<node><interface name='org.freedesktop.Application'>
<method name='Activate'><arg type='a{sv}' direction='in'/></method>
<method name='ActivateAction'><arg type='s' direction='in'/><arg type='av' direction='in'/>
<arg type='a{sv}' direction='in'/></method></interface></node>"""


def own_window(pool):
    """Stands in for storkit-monitor; returns the arguments of the calls that come."""
    calls = []
    own(
        pool.bus.connection, "org.storkit.Monitor", "/org/storkit/Monitor", APPLICATION_XML,
        lambda method, arguments: calls.append(arguments),
    )  # fmt: skip
    return calls


def test_gnome_finds_and_opens(pool):
    """A story is found by parts of its words, described, and opened in its terminal, or in the
    window where there is one."""
    root = pool.repository("shop", agents=agent("init; idle"))
    with Desktop(pool) as desktop:
        run = pool.start(root, "42_login")["run_id"]
        pool.start(root, "43_logout")
        find = lambda *terms: desktop.call(  # noqa: E731
            *GNOME, "GetInitialResultSet", "(as)", terms
        )[0]
        wait_until(lambda: find("LOGIN", "cod") == [run], "the run to be found")
        wait_until(lambda: len(find("log")) == 2, "both runs to be found")
        assert find("nothing") == []
        assert find("shop")[-1] == f"project:{root}", find("shop")
        assert desktop.call(*GNOME, "GetSubsearchResultSet", "(asas)", [run], ["42"])[0] == [run]
        metas = desktop.call(*GNOME, "GetResultMetas", "(as)", [run, f"project:{root}"])[0]
        assert metas[0]["name"] == "42_login" and "coder, running" in metas[0]["description"]
        assert metas[1]["name"] == "shop" and metas[1]["gicon"] == "storkit"
        desktop.call(*GNOME, "ActivateResult", "(sasu)", run, ["42"], 0)
        assert desktop.terminal()["argv"][-2:] == ["watch", "42_login/coder"]
        desktop.call(*GNOME, "ActivateResult", "(sasu)", f"project:{root}", ["shop"], 0)
        assert desktop.terminal()["argv"][-3:] == ["-C", root, "top"]
        desktop.call(*GNOME, "LaunchSearch", "(asu)", ["log"], 0)
        assert desktop.terminal()["argv"][-2:] == ["top", "--everywhere"]
        opened = own_window(pool)
        desktop.call(*GNOME, "ActivateResult", "(sasu)", run, ["42"], 0)
        desktop.call(*GNOME, "LaunchSearch", "(asu)", ["log"], 0)
        wait_until(lambda: len(opened) == 2, "the window")
        assert opened == [("show-run", [run], {}), ({},)], opened
        pool.stop(root, "42_login")
        pool.stop(root, "43_logout")


def test_krunner_finds_and_acts(pool):
    """A story is found, and its actions stop it, resume it and show what it changes."""
    root = pool.repository("shop", agents=agent("init; idle"))
    with Desktop(pool) as desktop:
        run = pool.start(root, "42_login")["run_id"]
        match = lambda text: desktop.call(*KRUNNER, "Match", "(s)", text)[0]  # noqa: E731
        hits = wait_until(lambda: match("42_log"), "the run to be found")
        assert [hit[:3] for hit in hits] == [(run, "42_login", "storkit")], hits
        assert hits[0][5]["actions"] == ["diff", "stop"], hits
        assert match("42") == []  # too short
        actions = [action[0] for action in desktop.call(*KRUNNER, "Actions")[0]]
        assert actions == ["diff", "resume", "stop"]
        desktop.call(*KRUNNER, "SetActivationToken", "(s)", "focus-2")
        desktop.call(*KRUNNER, "Run", "(ss)", run, "diff")
        call = desktop.terminal()
        assert call["argv"][-2:] == ["diff", "42_login"] and call["token"] == "focus-2", call
        desktop.call(*KRUNNER, "Run", "(ss)", run, "stop")
        wait_until(lambda: pool.list() == [], "the stop")


def test_a_search_asks_the_service_once(pool):
    """The first search starts the service where it does not run; until then nothing does."""
    root = pool.repository(agents=agent("init; result"))
    pool.start(root, "42_login")
    pool.wait(root, "42_login")
    pool.stop_daemon()
    server = Server(pool)
    with Desktop(pool) as desktop:
        # This bus can't start it, so the search finds nothing, and says so at once.
        found = desktop.call(*GNOME, "GetInitialResultSet", "(as)", ["login"])[0]
        assert found == [] and not server.log


if __name__ == "__main__":
    main()
