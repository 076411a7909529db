# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an agent of the real service asks: by its CLI's protocol, and by a line without an end."""

from desktop import Desktop, Server, agent
from harness import main
from test_answers import ASK, asking


def test_a_question_of_an_agent_is_answered(pool):
    """A button answers what the agent asks, and the agent goes on with that."""
    root = pool.repository(agents=asking(f"{ASK}; answers 1"))
    server = Server(pool)
    with Desktop(pool):
        pool.start(root, "s")
        shown = server.wait("coder asks about s")
        assert "May it use Bash?\nrm -r build" in shown.body, shown
        server.act(shown, "answer:allow")
        assert pool.wait(root, "s")["status"] == "completed"
        server.wait("coder has finished s")
        assert len(server.shown) == 1, server.log


def test_a_line_that_asks_is_told_of(pool):
    """A question at the end of a line without an end is told of; the answer takes it away."""
    root = pool.repository(agents=agent("bytes Go on? [y/N] ; read"))
    server = Server(pool)
    with Desktop(pool):
        pool.start(root, "42_login")
        assert "Go on? [y/N]" in server.wait("coder is waiting for you").body
        pool.send_input(root, "42_login", b"y\n")
        pool.stop(root, "42_login")
        server.wait_empty()


if __name__ == "__main__":
    main()
