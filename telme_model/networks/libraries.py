"""Torch, loaded on a Job's thread without the window standing still meanwhile."""

import ctypes
import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

_loading = Lock()


def load_torch() -> None:
    """Import torch; whoever asks meanwhile, or again, finds it there."""
    with _loading:
        if "torch" in sys.modules:
            return
        _map_machine_code()
        # Each hundred thousand new objects have the collector walk all there are, for up to 0.2 s at which no other
        # thread moves. What libraries and window are made of stays to the end: it is not looked through again.
        collecting = gc.isenabled()
        gc.disable()
        try:
            import torch  # noqa: F401
        finally:
            gc.freeze()
            if collecting:
                gc.enable()


def _map_machine_code() -> None:
    """Have the system load torch's machine code: 0.2 s, more from a cold disk.

    The import would hold Python's lock all that time; a foreign call lets go of it. The import says what is amiss.
    """
    spec = find_spec("torch")
    if os.name != "posix" or spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    load = ctypes.CDLL(None).dlopen
    load.argtypes, load.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    for name, mode in (("libtorch_global_deps", os.RTLD_GLOBAL), ("libtorch_python", os.RTLD_LOCAL)):
        for file in folder.glob(f"{name}.*"):
            load(os.fsencode(file), mode | os.RTLD_NOW)
