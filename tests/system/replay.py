# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the real CLIs printed, byte for byte (tests/data/agents), as scenarios of the stand-in."""

import os

DATA = f"{os.path.dirname(os.path.abspath(__file__))}/../data/agents"


def replay(name):
    return f"replay {DATA}/{name}.raw"


def argv_of(pool, run_id):
    """The command line of a run's stand-in that did `argv`, without the program."""
    for event in pool.subscribe_run(run_id):
        if event["type"] == "agent_json" and event["data"].get("type") == "argv":
            return event["data"]["argv"][1:]
    raise AssertionError("no argv was printed")
