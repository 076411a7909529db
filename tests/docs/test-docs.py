#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds what is written for people against the sources: each list of names in the one is the list
in the other."""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ET

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
CATALOG = f"{ROOT}/data/storkit.catalog"
INTERFACE = f"{ROOT}/introspection/org.storkit.AgentPool.xml"
PAGE = os.environ["PAGE"]


def read(path):
    with open(path if path.startswith("/") else f"{ROOT}/{path}", encoding="utf-8") as file:
        return file.read()


def section(page, name):
    """The text of one section of a manual page."""
    return re.search(rf"(?ms)^\.Sh {name}\n(.*?)(?=^\.Sh |\Z)", read(page))[1]


def tags(text):
    """The words in bold of a list's tags."""
    items = re.findall(r"(?m)^\.It (.*)", text)
    return {word for item in items for word in re.findall(r"S[y] (\w+)=?", item)}


class Catalog(unittest.TestCase):
    def test_explains_every_message_id_and_no_other(self):
        ids = re.findall(r'"([0-9a-f]{32})"', read("src/sinks/message-ids.h"))
        self.assertCountEqual(re.findall(r"(?m)^-- ([0-9a-f]{32})$", read(CATALOG)), ids)

    def test_is_what_journalctl_reads(self):
        with tempfile.TemporaryDirectory() as root:
            folder = f"{root}/usr/lib/systemd/catalog"
            os.makedirs(folder)
            shutil.copy(CATALOG, folder)
            update = self.journalctl(root, "--update-catalog")
            self.assertEqual((update.returncode, update.stderr), (0, ""))
            for message_id in re.findall(r"(?m)^-- (\w+)$", read(CATALOG)):
                text = self.journalctl(root, "--dump-catalog", message_id).stdout
                self.assertIn("Subject: ", text)
                self.assertIn("storkit", text)

    def journalctl(self, root, *arguments):
        return subprocess.run(
            ["journalctl", f"--root={root}", *arguments], capture_output=True, text=True
        )

    def test_uses_fields_that_entries_have(self):
        fields = set(re.findall(r'"([A-Z_]+)"', read("src/sinks/journal-entry.c")))
        self.assertLessEqual(set(re.findall(r"@(\w+)@", read(CATALOG))), fields)


class InterfacePage(unittest.TestCase):
    def test_has_every_error(self):
        errors = set(re.findall(r'NAME\("(\w+)"\)', read("src/base/error.c")))
        listed = set(re.findall(r"(?m)^\.It Er (\w+)", section(PAGE, "ERROR NAMES")))
        self.assertEqual(listed, errors)
        used = re.findall(r"(?s)Errors: ([\w\s,]+)", read(INTERFACE))
        self.assertLessEqual({name for names in used for name in re.findall(r"\w+", names)}, errors)

    def test_has_every_key_of_info(self):
        inserted = r'(?:add_\w+|g_variant_dict_insert(?:_value)?)\(&?(?:dict|builder),\s*"(\w+)"'
        sources = read("src/run/run-info.c") + read("src/store/facts.c")
        keys = set(re.findall(inserted, sources))
        keys |= set(re.findall(r'\[USAGE_\w+\] = "(\w+)"', read("src/agents/usage.c")))
        self.assertEqual(tags(section(PAGE, "INFO")), keys)

    def test_has_every_journal_field(self):
        fields = set(re.findall(r'"([A-Z_]+)"', read("src/sinks/journal-entry.c")))
        listed = set(re.findall(r"\bEv ([A-Z_]+)", section(PAGE, "JOURNAL")))
        self.assertEqual(listed, fields)

    def test_has_every_option_of_a_start(self):
        known = r'(?:g_str_equal\(key, |\{)"([a-z_]+)"'
        keys = set(re.findall(known, read("src/store/start-options.c")))
        keys |= set(re.findall(r'\{\{"([a-z_]+)", ', read("src/base/run-limits.c")))
        text = re.search(r"(?s)<!--\s*StartWithOptions:(.*?)-->", read(INTERFACE))[1]
        listed = re.findall(r"(?m)^\s*\n +((?:`\w+`,?\s+)+)\(", text)
        self.assertEqual(set(re.findall(r"`(\w+)`", str(listed))), keys)


class GeneratedPages(unittest.TestCase):
    """What others make of the contract's comments."""

    INTERFACES = sorted(glob.glob(f"{ROOT}/introspection/*.xml"))

    def generate(self, form):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        command = ["gdbus-codegen", f"--generate-{form}", "page", *self.INTERFACES]
        subprocess.run(command, cwd=folder.name, check=True)
        pages = sorted(glob.glob(f"{folder.name}/page-*"))
        self.assertEqual(len(pages), len(self.INTERFACES))
        return pages

    def test_are_docbook(self):
        for page in self.generate("docbook"):
            article = ET.parse(page).getroot()
            for entry in article.iter("varlistentry"):
                text = "".join(entry.find("listitem").itertext()).strip()
                self.assertTrue(text, f"{page}: {''.join(entry.itertext()).strip()}")

    def test_are_restructured_text(self):
        try:
            from docutils.core import publish_doctree
        except ImportError:
            self.skipTest("there is no docutils here")
        for page in self.generate("rst"):
            # A message of level 2, a warning, is an exception.
            tree = publish_doctree(read(page), settings_overrides={"halt_level": 2})
            text = tree.astext()
            self.assertNotRegex(text, r"(?m)^- |@\w+:")


class ConfigurationPages(unittest.TestCase):
    def test_have_every_key_of_the_project_file(self):
        keys = set(re.findall(r'(?m)^    \{"(\w+)",', read("src/project/roster-toml.cc")))
        page = read("man/storkit.toml.5")
        listed = {
            key
            for item in re.findall(r"(?m)^\.It (Sy .*)", page)
            for key in re.findall(r"Sy (\w+) No =", item)
        }
        self.assertEqual(listed, keys - {"agent", "component"})

    def test_have_every_setting(self):
        settings = read("src/pool/settings.c")
        keys = set(re.findall(r'\{GROUP_\w+, "(\w+)"', settings))
        keys |= set(re.findall(r'#define KEY_\w+ "(\w+)"', settings))
        self.assertEqual(tags(section("man/storkitd.8", "CONFIGURATION")), keys)

    def test_have_every_file_of_a_run(self):
        files = set(re.findall(r'"(run\.json|\w+\.json)"', read("src/store/record.c")))
        files |= {"transcript", "times", "started", "control", "input", "cursors", "stdin"}
        listed = set(re.findall(r"\.Pa ([\w.]+)", section("man/storkitd.8", "FILES")))
        self.assertLessEqual(files, listed)


class Papers(unittest.TestCase):
    PAGES = ["README.md", "HACKING.md", "NEWS.md", "SECURITY.md", "docs/**/*.md"]

    def test_link_to_what_there_is(self):
        for pattern in self.PAGES:
            for page in glob.glob(f"{ROOT}/{pattern}", recursive=True):
                for target in re.findall(r"\]\((?!\w+:)([^)#]+)", read(page)):
                    path = os.path.join(os.path.dirname(page), target)
                    self.assertTrue(os.path.exists(path), f"{page}: {target}")

    def test_name_files_that_there_are(self):
        folders = (f for f in os.listdir(ROOT) if os.path.isdir(f"{ROOT}/{f}") and f != ".git")
        folder = "|".join(map(re.escape, folders))
        for pattern in self.PAGES:
            for page in glob.glob(f"{ROOT}/{pattern}", recursive=True):
                for path in re.findall(rf"`((?:{folder})/[\w./-]+)`", read(page)):
                    if not re.search(r"/[a-z-]*[A-Z]{2,}", path):  # kind-NAME.c is a pattern
                        self.assertTrue(glob.glob(f"{ROOT}/{path}*"), f"{page}: {path}")

    def test_have_every_variable_of_the_tests(self):
        asked = r'(?:g_getenv|test_msec)\("(STORKIT_\w+)"|_VARIABLE "(STORKIT_\w+)"'
        sources = glob.glob(f"{ROOT}/src/**/*.c", recursive=True)
        found = {a or b for path in sources for a, b in re.findall(asked, read(path))}
        found -= {"STORKIT_SSH"}  # for users
        self.assertLessEqual(found, set(re.findall(r"`(STORKIT_\w+)`", read("HACKING.md"))))
        for page in [PAGE, *glob.glob(f"{ROOT}/man/*.[1-9]")]:
            self.assertFalse([name for name in found if name in read(page)], page)


class Pages(unittest.TestCase):
    def test_have_no_faults(self):
        for page in [PAGE, *glob.glob(f"{ROOT}/man/*.[1-9]")]:
            lint = subprocess.run(
                ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True
            )
            self.assertEqual(lint.stdout + lint.stderr, "", page)

    def test_name_no_page_of_ours_that_there_is_not(self):
        ours = {os.path.basename(page) for page in [PAGE, *glob.glob(f"{ROOT}/man/*.[1-9]")]}
        for page in [PAGE, *glob.glob(f"{ROOT}/man/*.[1-9]")]:
            for name, number in re.findall(r"\.Xr (\S*storkit\S*) (\d)", read(page)):
                self.assertIn(f"{name}.{number}", ours, page)


if __name__ == "__main__":
    unittest.main()
