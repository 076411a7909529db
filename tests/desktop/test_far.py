# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkit-desktop and the runs of another machine: it has an sshd, a service and a home of its own
here."""

from desktop import Desktop, Server
from harness import main, wait_until
from session import processes_of
from test_hosts import two_hosts, write_hosts

SCENARIO = (
    'init; wait go; ask q1 Bash {"command":"rm -r build"}; answers 1; '
    "write notes.txt done; commit work; result"
)


def follows(pool):
    """Whether a storkitctl brings the runs of other machines."""
    for pid in processes_of(pool.marker):
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                if file.read().split("\0")[1:4] == ["--json", "-H", "all"]:
                    return True
        except OSError:
            pass  # it has ended
    return False


def test_tells_of_other_machines(pool):
    """What a run of a host in ctl.toml asks, and its end, are told with the host's name; buttons
    act there; what ended while the host was away is told when it is back."""
    with two_hosts(pool, SCENARIO) as (hosts, ctl):
        there, server = hosts.ctl["two"], Server(pool)
        with Desktop(pool, environment={"STORKIT_SSH": hosts.far["one"].ssh}) as desktop:
            assert not follows(pool)
            write_hosts(pool, "localhost", "gone", "two")
            info = there.start("42_login")
            there.touch(info)
            check_question(server, there)
            check_end(server, desktop, there)
            check_away(server, there, hosts.far["two"])
            assert not any("gone" in shown.body for shown in server.log), server.log
            with open(desktop.settings, "a") as file:
                file.write("[notifications]\nhosts = false\n")
            wait_until(lambda: not follows(pool), "the end of the following")


def check_question(server, there):
    shown = server.wait("coder asks about 42_login")
    assert "rm -r build" in shown.body and "project on two" in shown.body, shown
    server.act(shown, "answer:allow")
    wait_until(lambda: there.json("questions") == [], "the answer")


def check_end(server, desktop, there):
    shown = server.wait("coder has finished 42_login")
    assert "2 files, +1 −0" in shown.body and "project on two" in shown.body, shown
    server.act(shown, "diff")
    argv = desktop.terminal()["argv"]
    assert argv[-6:] == ["-H", "two", "-C", there.root, "diff", "42_login"], argv


def check_away(server, there, far):
    info = there.start("7_logs")
    there.touch(info)
    shown = server.wait("coder asks about 7_logs")
    far.take_away()
    there("answer", "7", "yes")
    there("wait", "7")
    assert shown in server.shown.values(), "what was told of a host that is away stays"
    far.start()
    server.wait("coder has finished 7_logs")


if __name__ == "__main__":
    main()
