# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real notification server, dunst, on a real X server: what it shows, and what its actions do.
Skipped where there is neither; `scripts/check --long` installs both."""

import os

from desktop import Desktop, Dunst, Screen, agent
from harness import Pool, main, wait_until
from test_questions import QUESTION, RUN, Service


def config(pool, choice):
    """A dunst that shows everything, and whose menu of actions picks the line with @choice."""
    menu = f"{pool.folder}/menu"
    with open(menu, "w") as file:
        file.write(f"#!/bin/sh\nexec grep -m 1 '{choice}'\n")
    os.chmod(menu, 0o755)
    return (
        f"[global]\nnotification_limit = 20\ndmenu = {menu}\nhistory_length = 20\n"
        f'[urgency_critical]\nformat = "critical: %s\\n%b"\n'
    )


def written_config(pool):
    """A dunst that writes down each summary it shows; the settings, and the file."""
    script, shown = f"{pool.folder}/write", f"{pool.folder}/shown"
    with open(script, "w") as file:
        file.write(f'#!/bin/sh\necho "$DUNST_SUMMARY" >>{shown}\n')
    os.chmod(script, 0o755)
    open(shown, "w").close()
    return f"[global]\n[write]\nsummary = *\nscript = {script}\n", shown


def dismissed(dunst):
    """Takes all off the screen; the newest one of dunst's history, as a dict."""
    dunst.ctl("close-all")
    return wait_until(dunst.history, "the history")[0]


def test_shows_an_end_and_opens_a_terminal(pool):
    """dunst shows the end of a run with its changes; a click opens the terminal, and it goes."""
    root = pool.repository(agents=agent("init; write a.txt done; commit work; result"))
    with Screen(pool) as screen, Dunst(pool, screen) as dunst:
        with Desktop(pool, environment=screen.environment) as desktop:
            pool.start(root, "42_login")
            wait_until(dunst.displayed, "a notification")
            dunst.ctl("action", "0")
            assert desktop.terminal()["argv"][-2:] == ["watch", "42_login/coder"]
            wait_until(lambda: dunst.displayed() == 0, "it to go")
            shown = dunst.history()[0]
            assert shown["summary"] == "coder has finished 42_login", shown
            assert "1 file, +1 −0" in shown["body"], shown
            assert shown["category"] == "transfer.complete", shown


def test_shows_a_failure_and_resumes(pool):
    """dunst shows a failure as critical; Resume in its menu starts the agent again."""
    root = pool.repository(agents=agent("init; result error it broke; exit 1"))
    with Screen(pool) as screen, Dunst(pool, screen, config(pool, "Resume")) as dunst:
        with Desktop(pool, environment=screen.environment):
            first = pool.start(root, "42_login")["run_id"]
            wait_until(dunst.displayed, "a notification")
            dunst.ctl("context")
            wait_until(lambda: pool.get(root, "42_login")["run_id"] != first, "a new run")
            wait_until(dunst.displayed, "a notification of it")
            shown = dismissed(dunst)
            assert shown["summary"] == "coder failed on 42_login", shown
            assert shown["message"].startswith("critical: "), shown
            assert "it broke" in shown["body"], shown


def test_shows_what_waits_and_what_is_wrong():
    """dunst shows a question, whose answer in its menu is given; a full disk and a kill for memory
    take its place."""
    with Pool(daemon=False) as pool:
        service = Service(pool)
        with Screen(pool) as screen, Dunst(pool, screen, config(pool, "Deny")) as dunst:
            with Desktop(pool, environment=screen.environment):
                service.set(waiting="'permission'", questions=QUESTION)
                wait_until(dunst.displayed, "the question")
                dunst.ctl("context")
                wait_until(lambda: service.calls, "an answer")
                assert service.calls == [("Answer", RUN, "q1", "deny", {})]
                for members, words in (
                    ({"disk_full": "true"}, "is paused"),
                    ({"oom_kills": "uint64 2"}, "ran out of memory"),
                    ({"waiting": "'limit'", "retry_at": "uint64 9999999999999999"}, "a rate limit"),
                    ({"unfinished_line": "'Go on? '"}, "is waiting for you"),
                ):
                    service.set(**members)
                    wait_until(dunst.displayed, f"a notification with {words}")
                    assert words in dismissed(dunst)["summary"]


def test_many_at_once_are_one_for_dunst(pool):
    """dunst shows one notification for six runs that end together."""
    root = pool.repository(agents=agent("init; wait ../../../go; result"))
    config, shown = written_config(pool)
    with Screen(pool) as screen, Dunst(pool, screen, config) as dunst:
        with Desktop(pool, environment=screen.environment):
            for i in range(6):
                pool.start(root, f"{i}_story")
            with open(f"{root}/go", "w"):
                pass
            wait_until(lambda: "6 have finished" in open(shown).read(), "a notification of six")
            wait_until(lambda: dunst.displayed() == 1, "one of all")
            assert "6 have finished" in dismissed(dunst)["summary"]


if __name__ == "__main__":
    main()
