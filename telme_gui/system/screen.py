"""Whether a window can be shown here, found out before Qt is asked: Qt ends the program where it cannot."""

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = "libegl1 libgl1 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1"


def why_no_screen() -> str:
    """Why there is no display, in a sentence; "" where there is one, or where it is for Qt to say."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM", "xcb").partition(":")[0] != "xcb":
        return ""
    if os.environ.get("WAYLAND_DISPLAY"):
        return ""
    display = os.environ.get("DISPLAY")
    if not display:
        return "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    return _unloadable(_plugin()) or ("" if _answers() else f"the display {display} (DISPLAY) does not answer")


def _plugin() -> Path | None:
    """Qt's part for X11; None where Qt is laid out otherwise than its wheel."""
    spec = find_spec("PySide6")
    path = Path(spec.origin).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so" if spec and spec.origin else None
    return path if path and path.is_file() else None


def _unloadable(plugin: Path | None) -> str:
    """Which library of the system the plugin lacks, in a sentence; "" where it loads."""
    try:
        if plugin is not None:
            ctypes.CDLL(str(plugin))
    except OSError as error:
        return f"the window needs a library that this system lacks ({error}); on Debian: apt install {LIBRARIES}"
    return ""


def _answers() -> bool:
    """Whether the X server that DISPLAY names takes a connection."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # Qt has its own way
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    refused = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not refused
