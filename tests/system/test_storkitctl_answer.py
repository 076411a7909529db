# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitctl: what runs ask, and the answers of a person."""

from ctl import REFUSED, USAGE, Ctl
from harness import main, wait_until

ASK = 'ask q1 Bash {"command":"rm -r build"}'


def asking(scenario):
    keys = {"scenario": f"init; text On it.; {scenario}; result; read", "permission": "ask"}
    return {"coder": {"stop_grace": "1s"} | keys}


def wait_for_questions(ctl, n=1):
    return wait_until(lambda: len(q := ctl.json("questions")) == n and q, f"{n} questions")


def behaviour(ctl, info):
    """What the agents were answered."""
    with open(f"{ctl.pool.run_folder(info['run_id'])}/transcript") as file:
        return [line for line in file.read().splitlines() if '"answered"' in line]


def test_a_run_that_waits_is_shown(pool):
    """list, show and questions say that a run waits and for what; nothing else does."""
    ctl = Ctl(pool, agents=asking(f"{ASK}; answers 1"))
    assert "No run asks anything." in ctl.out("questions")
    ctl.start("42_login")
    (question,) = wait_for_questions(ctl)
    assert question["story_id"] == "42_login" and question["detail"] == "rm -r build"
    listed = ctl.out("list")
    assert "waiting" in listed and "May it use Bash? rm -r build" in listed, listed
    shown = ctl.out("show", "42")
    assert "waiting" in shown and "Asks: May it use Bash? rm -r build" in shown, shown
    table = ctl.out("questions")
    assert question["id"] in table and "rm -r build" in table, table
    ctl("answer", "yes")
    ctl("wait", "42")
    assert "waiting" not in ctl.out("list")


def test_an_answer_is_an_option(pool):
    """answer takes options and beginnings of them, for the one open question, a run's or a named
    one; a reason goes with it, and what does not fit is refused."""
    ctl = Ctl(pool, agents=asking(f"{ASK}; ask q2 Read {{}}; answers 2"))
    info = ctl.start("42_login")
    one, two = wait_for_questions(ctl, 2)
    assert "2 questions are open" in ctl("answer", "allow", status=USAGE).err
    assert "no open question 7" in ctl("answer", "42", "7", "allow", status=REFUSED).err
    assert "allow (Allow)" in ctl("answer", "42", two["id"], "perhaps", status=USAGE).err
    ctl("answer", "42", two["id"], "no", "--message", "Not that.")
    ctl("answer", "42", "den")
    ctl("wait", "42")
    first, second = behaviour(ctl, info)
    assert "Not that." in first and '"q2"' in first
    assert '"q1"' in second and '"deny"' in second
    assert "no question is open" in ctl("answer", "yes", status=REFUSED).err
    assert one["id"] != two["id"]


def test_a_person_goes_through_them(pool):
    """answer alone needs a terminal; there it asks for each question in turn."""
    ctl = Ctl(pool, agents=asking(f"{ASK}; ask q2 Read {{}}; answers 2"))
    info = ctl.start("42_login")
    wait_for_questions(ctl, 2)
    assert "needs a terminal" in ctl("answer", status=USAGE).err
    with ctl.terminal("answer") as terminal:
        terminal.wait_for("rm -r build")
        terminal.wait_for("3) Deny")
        terminal.type("perhaps\n")
        terminal.wait_for("none of the answers")
        terminal.type("3\n")
        terminal.wait_for("In words")
        terminal.type("Not that.\n")
        terminal.wait_for("May it use Read?")
        terminal.type("allow\n")
        assert terminal.wait_for_end() == 0
    ctl("wait", "42")
    first, second = behaviour(ctl, info)
    assert "Not that." in first and '"q2"' in second and '"allow"' in second


def test_top_has_keys_for_answers(pool):
    """In top, the bottom line is what the selected run asks, and y allows it."""
    ctl = Ctl(pool, agents=asking(f"{ASK}; answers 1; idle"))
    info = ctl.start("42_login")
    wait_for_questions(ctl)
    with ctl.terminal("top") as terminal:
        terminal.wait_for("waiting")
        terminal.wait_for("y/n  May it use Bash?  rm -r build")
        terminal.press("y")
        terminal.wait_for("running")
        terminal.wait_for("q quit")
        wait_until(lambda: behaviour(ctl, info), "the answer")
        assert '"allow"' in behaviour(ctl, info)[0]
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    ctl("stop", "42")


def test_watch_tells_of_a_wait(pool):
    """watch says that a run waits for an answer."""
    ctl = Ctl(pool, agents=asking(f"wait go; {ASK}; answers 1"))
    info = ctl.start("42_login")
    watch = ctl.begin("watch", "42")
    assert any("On it." in line for line in watch.stdout)
    ctl.touch(info)
    wait_for_questions(ctl)
    ctl("answer", "42", "allow")
    out = ctl.finish(watch).out
    assert "waits for an answer" in out, out


def test_watch_that_comes_later_tells_of_the_question(pool):
    """watch that is begun while a run waits says what for, once."""
    ctl = Ctl(pool, agents=asking(f"{ASK}; answers 1"))
    ctl.start("42_login")
    wait_for_questions(ctl)
    watch = ctl.begin("watch", "42")
    seen = [next(line for line in watch.stdout if "May it use Bash? rm -r build" in line)]
    assert "waits for an answer" in next(iter(watch.stdout))
    ctl("answer", "42", "allow")
    out = ctl.finish(watch).out
    assert "completed" in out and "waits for an answer" not in out, (seen, out)


def test_answers_are_completed(pool):
    """Tab offers for answer the stories that ask, then their questions, and what answers them."""
    ctl = Ctl(pool, agents=asking(f"{ASK}; ask q2 Read {{}}; answers 2"))
    ctl.start("42_login")
    one, two = [question["id"] for question in wait_for_questions(ctl, 2)]
    assert ctl.out("_complete", "answer", "").split() == ["42_login"]
    offered = ctl.out("_complete", "answer", "42", "").split()
    assert offered[0] == one and offered[-1] == two and "allow" in offered, offered
    assert ctl.out("_complete", "answer", "42", two, "al").split()[0] == "allow"
    assert ctl.out("_complete", "answer", "42", "7", "").split() == []
    ctl("answer", "42", two, "allow")
    ctl("answer", "allow")
    ctl("wait", "42")
    assert ctl.out("_complete", "answer", "").split() == []


if __name__ == "__main__":
    main()
