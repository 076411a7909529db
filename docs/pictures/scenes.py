# SPDX-License-Identifier: LGPL-2.1-or-later
"""What docs/pictures/make takes pictures of: the real thing, on a screen that nobody sees."""

import os
import signal
import subprocess
import sys
import time

from desktop import Desktop, Dunst, Screen
from pool import STAND_IN, Pool
from session import processes_of, wait_until

OUT = sys.argv[1]
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

DUNST = f"""
[global]
width = (380, 460)
height = 300
origin = top-right
offset = 24x24
padding = 14
horizontal_padding = 16
frame_width = 2
frame_color = "#17607f"
font = DejaVu Sans 10
markup = full
format = "<b>%s</b>\\n%b"
show_indicators = false
icon_position = left
max_icon_size = 56
icon_path = {SOURCE}/data/desktop/icons
corner_radius = 6
notification_limit = 6
dmenu = MENU
[urgency_normal]
background = "#f7f7f5"
foreground = "#22313a"
timeout = 60
[urgency_critical]
background = "#fbe9e4"
foreground = "#22313a"
frame_color = "#e2542e"
"""

MENU_COLOURS = "-nb '#f7f7f5' -nf '#22313a' -sb '#17607f' -sf '#f7f7f5'"

WORK = (
    "init; text I read the story first.; text That is clear. I write it and test it.;"
    " write {file} done; commit work; text All tests pass, and the work is committed.; result"
)


def picture(screen, name, geometry=None):
    crop = ["-crop", geometry, "+repage"] if geometry else []
    time.sleep(1)  # for the last frame: a picture, no test
    subprocess.run(
        ["import", "-window", "root", *crop, f"{OUT}/{name}.png"],
        env=os.environ | screen.environment, check=True,
    )  # fmt: skip


def roster():
    lines = ("login.py", "cart.py", "search.py")
    agents = {f"coder{i or ''}": WORK.format(file=file) for i, file in enumerate(lines)}
    agents["reviewer"] = "init; text I look at the change.; result error API Error: 529 Overloaded"
    agents["tester"] = "init; text I run every test there is.; wait never"
    return agents


def xterm(screen, pool, *command, geometry="110x26+24+24"):
    return subprocess.Popen(
        ["xterm", "-fa", "DejaVu Sans Mono", "-fs", "11", "-bg", "#22313a", "-fg", "#f7f7f5",
         "-geometry", geometry, "-e", *command],
        env=pool.environment | screen.environment | {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"},
    )  # fmt: skip


SETTINGS = """
[terminal]
command = ["xterm", "-fa", "DejaVu Sans Mono", "-fs", "11", "-bg", "#22313a", "-fg", "#f7f7f5",
           "-geometry", "100x16+24+24", "-e"]
"""


def end(process):
    process.terminate()
    process.wait()


def main():
    with Pool() as pool, Screen(pool, "1100x620x24") as screen:
        menu = f"{pool.folder}/menu"
        with open(menu, "w") as file:
            file.write(f"#!/bin/sh\nexec dmenu -l 4 -fn DejaVuSans-11 {MENU_COLOURS}\n")
        os.chmod(menu, 0o755)
        subprocess.run(["xsetroot", "-solid", "#b9c8cc"], env=os.environ | screen.environment)
        root = pool.repository("shop", agents=roster())
        with Dunst(pool, screen, DUNST.replace("MENU", menu)) as dunst:
            environment = screen.environment | {"SHELL": "/bin/sh"}
            with Desktop(pool, SETTINGS, environment):
                pool.start(root, "42_login", "coder")
                wait_until(dunst.displayed, "a notification")
                picture(screen, "notification", "500x160+600+0")
                dunst.ctl("context")
                wait_until(lambda: running(pool, "dmenu"), "the menu of the actions")
                picture(screen, "notification-actions", "500x105+0+0")
                end_all(pool, "dmenu")
                dunst.ctl("action", "0")
                wait_until(lambda: running(pool, "xterm"), "the terminal")
                time.sleep(2)
                picture(screen, "terminal", "1100x330+0+0")
                end_all(pool, "xterm")
                pool.start(root, "43_cart", "coder1")
                wait_until(lambda: dunst.displayed() == 1, "a notification")
                pool.start(root, "43_cart", "reviewer")
                wait_until(lambda: dunst.displayed() == 2, "another")
                picture(screen, "notifications", "500x290+600+0")
                pool.start(root, "44_search", "tester")
                pool.start(root, "45_prices", "coder2")
                pool.wait(root, "45_prices", "coder2")
                wait_until(lambda: dunst.displayed() == 3, "a third")
                dunst.ctl("close-all")
                top = xterm(screen, pool, os.environ["STORKITCTL"], "top", "--everywhere",
                            geometry="110x12+24+24")  # fmt: skip
                time.sleep(3)
                picture(screen, "top", "1100x270+0+0")
                end(top)
                pool.stop(root, "44_search", "tester")


def running(pool, program):
    ours = map(str, processes_of(pool.marker))
    named = subprocess.run(["pgrep", "-x", program], stdout=subprocess.PIPE, text=True)
    return sorted(map(int, set(ours) & set(named.stdout.split())))


def end_all(pool, program):
    for pid in running(pool, program):
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not running(pool, program), f"the end of {program}")


main()
