# SPDX-License-Identifier: LGPL-2.1-or-later
"""The one table that all measurements go into: shown as it grows, and written as Markdown."""

import statistics


class Table:
    def __init__(self):
        self.failures = []
        self.markdown = []

    def head(self, text):
        print(f"\n{text}", flush=True)
        self.markdown += ["", f"### {text}", "", "| what | measured | aim | |", "|---|---|---|---|"]

    def row(self, what, measured, aim="", met=None):
        verdict = "" if met is None else "met" if met else "NOT MET"
        if met is False:
            self.failures.append(what)
        print(f"  {what:<49} {measured:>25}  {aim:<18} {verdict}".rstrip(), flush=True)
        self.markdown.append(f"| {what} | {measured} | {aim} | {verdict} |")


def median(values):
    return statistics.median(values)


def spread(values, digits=1):
    return f"{min(values):.{digits}f} … {max(values):.{digits}f}"


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
