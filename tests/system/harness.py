# SPDX-License-Identifier: LGPL-2.1-or-later
"""The system tests: what they share, and what runs them.

A test is a function `test_…` of a file `test_….py`; its name and the first line of its docstring
say a behaviour. One that takes an argument gets a Pool: the real storkitd, on a bus and in folders
of its own, under the user's real systemd. Each is a test of its own to meson:

    tests/system/list-tests tests/system/test_start.py
    /usr/bin/python3 tests/system/test_start.py NAME…

Without a name, all of the file are run. They wait for conditions (wait_until), never for a time.
"""

import faulthandler
import inspect
import signal
import sys
import traceback

from pool import NAME, PATH, STAND_IN, EventStream, Pool, PoolError  # noqa: F401
from session import FACTOR, PATIENCE, connect, scope_name, wait_until  # noqa: F401


# How long a test may take, in seconds. It ends a test that hangs; no test measures by it.
LIMIT = 120


class Skipped(Exception):
    pass


class TimedOut(Exception):
    pass


def skip(why):
    """Ends the test without a verdict: this machine lacks what it needs."""
    raise Skipped(why)


def long(function):
    """Decorator: the test runs only with `scripts/check --long`."""
    function.suite = "long"
    return function


def root(function):
    """Decorator: the test needs a machine that it may harm; `scripts/check` runs it where it is
    root itself, as root in a booted host."""
    function.suite = "root"
    return function


def serial(function):
    """Decorator: the test needs the machine to itself."""
    function.parallel = "false"
    return function


def timeout(seconds):
    """Decorator: the test may take that long."""

    def decorate(function):
        function.timeout = seconds
        return function

    return decorate


def raises(name, function, *arguments, **keywords):
    """Calls @function, which has to fail with the PoolError @name; returns the error."""
    try:
        value = function(*arguments, **keywords)
    except PoolError as error:
        assert error.name == name, f"expected {name}, got {error}"
        assert error.message, f"{name} came without a message"
        return error
    raise AssertionError(f"expected {name}, got {value!r}")


def limit_of(function):
    return getattr(function, "timeout", LIMIT)


def tests_of(module):
    return {
        name.removeprefix("test_"): function
        for name, function in vars(module).items()
        if name.startswith("test_") and inspect.isfunction(function)
    }


def print_list(file, tests):
    """One line a test: its file, name, suite, seconds, whether others may run beside it."""
    for name, function in tests.items():
        suite = getattr(function, "suite", "system")
        # The minute is for what ends a test that has failed.
        print(file, name, suite, limit_of(function) + 60, getattr(function, "parallel", "true"))


def on_alarm(signal_number, frame):
    raise TimedOut("the test took too long")


def on_term(signal_number, frame):
    sys.exit("ended from outside")


def call_test(function):
    signal.setitimer(signal.ITIMER_REAL, limit_of(function) * FACTOR)
    try:
        if inspect.signature(function).parameters:
            with Pool() as pool:
                function(pool)
        else:
            function()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run_test(name, function):
    """The exit status that meson understands: 0, 1, or 77 for a skipped test."""
    print(f"# {name}: {(inspect.getdoc(function) or '').partition(chr(10))[0]}", flush=True)
    try:
        call_test(function)
    except Skipped as reason:
        print(f"skipped: {reason}")
        return 77
    except Exception:
        traceback.print_exc(file=sys.stdout)
        return 1
    return 0


def main():
    tests = tests_of(sys.modules["__main__"])
    names = sys.argv[1:]
    faulthandler.enable()
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, on_term)
    statuses = {run_test(name, tests[name]) for name in names or tests}
    sys.exit(1 if 1 in statuses else max(statuses))
