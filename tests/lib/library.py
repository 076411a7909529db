# SPDX-License-Identifier: LGPL-2.1-or-later
"""client.c, run for a test: a program on libstorkit."""

import os
import shlex
import subprocess
import threading

from harness import wait_until


class Client:
    """client MODE ARGUMENT…, and its lines as they come. LIBRARY_WRAPPER is a command in front of
    it, such as valgrind."""

    def __init__(self, pool, *arguments):
        wrapper = shlex.split(os.environ.get("LIBRARY_WRAPPER", ""))
        self.process = subprocess.Popen(
            [*wrapper, os.environ["LIBRARY_CLIENT"], *map(str, arguments)],
            env=pool.environment | {"G_DEBUG": "fatal-warnings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, line):
        """Waits until a line begins like that."""
        starts = lambda: any(found.startswith(line) for found in self.lines)  # noqa: E731
        try:
            wait_until(starts, f"the client to print {line!r}")
        except AssertionError:
            print("\n".join(self.lines[-50:]))
            raise

    def end(self):
        """Ends its input and returns its lines once it has ended well."""
        self.process.stdin.close()
        wait_until(lambda: self.process.poll() is not None, "the client to end")
        self._reader.join()
        status = self.process.returncode
        assert status == 0, f"it ended with {status}: {self.lines[-50:]}"
        return self.lines

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
