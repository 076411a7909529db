# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where an installation puts its files."""

import json
import os
import re
import subprocess
import tempfile

from harness import main

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


class Setup:
    """A fresh build folder for a prefix; nothing is built in it."""

    def __init__(self, folder, prefix):
        self.output = subprocess.check_output(
            ["meson", "setup", "--prefix", prefix, folder, SOURCE], text=True
        )
        with open(f"{folder}/meson-info/intro-installed.json") as file:
            installed = json.load(file)
        self.files = {target: source for source, target in installed.items()}

    def read(self, path):
        with open(self.files[path]) as file:
            return file.read()


def check_prefix(prefix):
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(folder, prefix)
        share = f"{prefix}/share"
        units = f"{prefix}/lib/systemd/user" if prefix == "/usr" else f"{share}/systemd/user"
        for path in (
            f"{prefix}/bin/storkitctl",
            f"{prefix}/libexec/storkitd",
            f"{prefix}/libexec/storkit-shim",
            f"{prefix}/lib/systemd/catalog/storkit.catalog",
            f"{prefix}/libexec/storkit-journal",
            f"{units}/app-storkit.slice",
            f"{units}/storkit-journal.socket",
            f"{units}/storkit-journal@.service",
            f"{units}/storkit-resume.service",
            f"{units}/default.target.wants/storkit-resume.service",
            f"{share}/man/man1/storkitctl.1",
            f"{prefix}/libexec/storkit-desktop",
            f"{share}/applications/storkit.desktop",
            f"{share}/icons/hicolor/scalable/apps/storkit.svg",
            f"{share}/icons/hicolor/symbolic/apps/storkit-symbolic.svg",
            f"{share}/metainfo/org.storkit.storkit.metainfo.xml",
            f"{share}/gnome-shell/search-providers/org.storkit.search-provider.ini",
            f"{share}/gnome-shell/extensions/storkit@storkit.org/extension.js",
            f"{share}/krunner/dbusplugins/storkit.desktop",
            f"{share}/man/man8/storkit-desktop.8",
            f"{units}/storkit-desktop.service",
            f"{share}/dbus-1/services/org.storkit.Desktop.service",
            f"{share}/bash-completion/completions/storkitctl",
            f"{share}/zsh/site-functions/_storkitctl",
            f"{share}/fish/vendor_completions.d/storkitctl.fish",
        ):
            assert path in setup.files, f"{path} is not installed"
        unit = setup.read(f"{units}/storkitd.service")
        assert f"\nExecStart={prefix}/libexec/storkitd\n" in unit
        service = setup.read(f"{share}/dbus-1/services/org.storkit.AgentPool.service")
        assert f"\nExec={prefix}/libexec/storkitd\n" in service
        assert "\nSystemdService=storkitd.service\n" in service
        return setup.output


def test_usr():
    """With prefix /usr every file goes where systemd and D-Bus look for it."""
    assert "systemctl" not in check_prefix("/usr")


def test_usr_local():
    """With prefix /usr/local every file goes where systemd and D-Bus look for it."""
    assert "systemctl" not in check_prefix("/usr/local")


def test_home():
    """With prefix ~/.local every file goes where systemd and D-Bus look for it."""
    assert "systemctl" not in check_prefix(os.path.expanduser("~/.local"))


def test_other_prefix_says_what_to_do():
    """With a prefix that nobody looks into, meson prints the commands that make it known."""
    output = check_prefix("/opt/storkit")
    assert "systemctl --user link /opt/storkit/share/systemd/user/{storkitd.service," in output
    assert "ln -sf /opt/storkit/share/dbus-1/services/org.storkit.AgentPool.service" in output


def test_catalog_explains_every_message():
    """Every message id that the journal's entries carry has an entry in the catalog."""
    with open(f"{SOURCE}/src/sinks/message-ids.h") as file:
        ids = re.findall(r'"([0-9a-f]{32})"', file.read())
    with open(f"{SOURCE}/data/storkit.catalog") as file:
        explained = re.findall(r"^-- ([0-9a-f]{32})$", file.read(), re.MULTILINE)
    assert ids and sorted(ids) == sorted(explained)


if __name__ == "__main__":
    main()
