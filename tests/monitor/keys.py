# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys and clicks, as a keyboard and a mouse give them to an X server: by its extension XTEST."""

import ctypes
import ctypes.util
import os

MODIFIERS = {"<Control>": b"Control_L", "<Shift>": b"Shift_L", "<Alt>": b"Alt_L"}


class Keyboard:
    def __init__(self):
        self.x11 = ctypes.CDLL("libX11.so.6")
        self.xtest = ctypes.CDLL("libXtst.so.6")
        self.x11.XOpenDisplay.restype = ctypes.c_void_p
        self.x11.XStringToKeysym.restype = ctypes.c_ulong
        self.display = ctypes.c_void_p(self.x11.XOpenDisplay(os.environ["DISPLAY"].encode()))
        assert self.display, "no X server"

    def _code(self, name):
        symbol = self.x11.XStringToKeysym(name)
        assert symbol, name
        return self.x11.XKeysymToKeycode(self.display, ctypes.c_ulong(symbol))

    def press(self, keys):
        """One key with its modifiers, as GTK writes them: "<Control>f", "Return"."""
        held = []
        for modifier, name in MODIFIERS.items():
            if modifier in keys:
                held.append(self._code(name))
                keys = keys.replace(modifier, "")
        code = self._code(keys.encode())
        for key, down in (
            *((key, 1) for key in held), (code, 1),
            (code, 0), *((key, 0) for key in reversed(held)),
        ):  # fmt: skip
            self.xtest.XTestFakeKeyEvent(self.display, key, down, 0)
        self.x11.XFlush(self.display)

    def click(self, x, y):
        self.xtest.XTestFakeMotionEvent(self.display, -1, x, y, 0)
        for down in (1, 0):
            self.xtest.XTestFakeButtonEvent(self.display, 1, down, 0)
        self.x11.XFlush(self.display)

    def close(self):
        self.x11.XCloseDisplay(self.display)
