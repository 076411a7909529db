#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every file that meson installs is in a package of each distribution's: test-packages.py BUILD."""

import fnmatch
import json
import os
import re
import subprocess
import sys
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
MACROS = {
    "_bindir": "/usr/bin",
    "_libexecdir": "/usr/libexec",
    "_datadir": "/usr/share",
    "_includedir": "/usr/include",
    "_libdir": "/usr/lib/*",
    "_mandir": "/usr/share/man",
    "_metainfodir": "/usr/share/metainfo",
    "_userunitdir": "/usr/lib/systemd/user",
    "_prefix": "/usr",
}
ALL_OF_ARCH = """
source packaging/arch/PKGBUILD
_move() { printf '%s\\n' "$@"; }
install() { :; }
meson() { :; }
for function in $(compgen -A function package_); do pkgdir=/nowhere srcdir=/nowhere $function; done
"""


def installed(build):
    """The paths of a package's files, for the prefix /usr."""
    with open(f"{build}/meson-info/intro-buildoptions.json") as file:
        options = {option["name"]: option["value"] for option in json.load(file)}
    with open(f"{build}/meson-info/intro-installed.json") as file:
        paths = json.load(file).values()
    for path in paths:
        path = "/usr/" + os.path.relpath(path, options["prefix"])
        yield path.replace("/usr/share/systemd/user/", "/usr/lib/systemd/user/")


def debian():
    for name in os.listdir(f"{SOURCE}/debian"):
        if name.endswith(".install"):
            with open(f"{SOURCE}/debian/{name}") as file:
                yield from (f"/{line.strip()}" for line in file)


def rpm():
    with open(f"{SOURCE}/packaging/rpm/storkit.spec") as file:
        for line in file:
            if re.match(r"%\{_\w+\}/", line):
                yield re.sub(r"%\{(\w+)\}", lambda macro: MACROS[macro[1]], line.strip())


def arch():
    """Arch has programs that are not for people in /usr/lib, and libraries beside them."""
    moved = subprocess.run(
        ["bash", "-c", ALL_OF_ARCH], cwd=SOURCE, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    for path in moved.split():
        yield re.sub(r"^usr/lib/(storkit[\w-]*)$", r"/usr/libexec/\1", path)
        yield re.sub(r"^usr/lib/", "/usr/lib/*/", path)
        yield f"/{path}"


def covers(pattern, path):
    return any(fnmatch.fnmatch(path, form) for form in (pattern, f"{pattern}/*"))


class Packages(unittest.TestCase):
    def assert_all_are_in(self, patterns):
        patterns = list(patterns)
        self.assertGreater(len(patterns), 10)
        paths = sorted(installed(BUILD))
        self.assertGreater(len(paths), 10)
        lacking = [path for path in paths if not any(covers(name, path) for name in patterns)]
        self.assertEqual(lacking, [], "in no package")

    def test_debian(self):
        self.assert_all_are_in(debian())

    def test_rpm(self):
        self.assert_all_are_in(rpm())

    def test_arch(self):
        self.assert_all_are_in(arch())


if __name__ == "__main__":
    BUILD = sys.argv.pop(1)
    unittest.main()
