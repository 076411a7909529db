# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stub of the models' APIs that --stub names, and what was asked of it."""

import itertools
import json
import os
import subprocess


class Stub:
    def __init__(self, program, node, folder):
        self.log, self.dump = f"{folder}/stub.log", f"{folder}/stub"
        os.mkdir(self.dump)
        self.numbers = itertools.count(1)
        self.process = subprocess.Popen(
            [node, program, "--log", self.log, "--dump", self.dump],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.process.stdout.readline().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait()

    def url(self, scenario):
        """A base URL of its own, by which its requests are told from others."""
        return f"http://127.0.0.1:{self.port}/s/{scenario},trial={next(self.numbers)}"

    def times(self, url):
        """When the model at @url was asked, in seconds."""
        path = url.partition(str(self.port))[2] + "/"
        with open(self.log) as file:
            requests = [json.loads(line) for line in file]
        return [r["t"] / 1000 for r in requests if r.get("api") and r["url"].startswith(path)]

    def requests_with(self, word):
        """How many requests had that word in them, since the last call."""
        found = 0
        for name in os.listdir(self.dump):
            with open(f"{self.dump}/{name}") as file:
                found += word in file.read()
            os.unlink(f"{self.dump}/{name}")
        return found
