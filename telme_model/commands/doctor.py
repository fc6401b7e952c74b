"""One report to paste into a question: versions, hardware, sound, screen, caches. Whatever is broken says so.

What may hang or take the interpreter down (a GPU driver, a sound server, a window system) is asked in a process of
its own, so that the report is written on the very machine that needs it.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from telme_model import __version__
from telme_model.bundled import DEMO
from telme_model.commands.interface import Add
from telme_model.commands.telling import tell
from telme_model.paths import annotations_folder, media_cache_folder, predictions_folder, runs_folder

PROJECT = "telme-studio"
PATIENCE = 60.0  # seconds for one question; torch and a cold GPU driver take ten
GIB = 2**30

_GPU = """
import json, torch
print(json.dumps({
    "torch": torch.__version__, "CUDA of torch": torch.version.cuda, "CUDA usable": torch.cuda.is_available(),
    "devices": [f"{p.name}, {p.total_memory / 2**30:.1f} GiB, compute capability {p.major}.{p.minor}"
                for p in map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))],
    "Apple MPS usable": torch.backends.mps.is_available(), "threads": torch.get_num_threads()}))
"""
_SOUND = """
import json, sounddevice
apis = sounddevice.query_hostapis()
print(json.dumps({
    "PortAudio": sounddevice.get_portaudio_version()[1],
    "outputs": [f"{d['name']} ({apis[d['hostapi']]['name']}), {d['max_output_channels']} channels, "
                f"{d['default_samplerate']:.0f} Hz" for d in sounddevice.query_devices() if d["max_output_channels"]]}))
"""
_SCREEN = """
import json
from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
app = QGuiApplication([])
print(json.dumps({
    "Qt": qVersion(), "platform": app.platformName(),
    "screens": [f"{s.name()}, {s.size().width()}x{s.size().height()}, scale {s.devicePixelRatio():g}"
                for s in app.screens()]}))
"""
_MEDIA = """
import json, av
codecs = ("h264", "aac", "mpeg4", "mp3", "pcm_s16le")
print(json.dumps({
    "PyAV": av.__version__, "FFmpeg": av.ffmpeg_version_info,
    "missing decoders": [name for name in codecs if name not in av.codecs_available]}))
"""


def report_data() -> dict[str, Any]:
    """Everything the report says, by section. A section that cannot be told is a sentence in place of its values."""
    probes: dict[str, Callable[[], Any]] = {
        "system": _system,
        "packages": _packages,
        "GPU": lambda: _ask(_GPU),
        "sound": lambda: _ask(_SOUND),
        "screen": lambda: _variables("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY") | _nested(_ask(_SCREEN)),
        "media": lambda: _ask(_MEDIA),
        "speech synthesiser": _espeak,
        "folders": _folders,
        "demo": _demo,
    }
    return {section: _answer_or_reason(probe) for section, probe in probes.items()}


def report() -> str:
    """The report as text, one line a fact, with the home folder written as ~."""
    text = "\n".join(["TelME Studio doctor", *_lines(report_data(), 0)])
    return text.replace(str(Path.home()), "~") if len(str(Path.home())) > 1 else text


def _answer_or_reason(probe: Callable[[], Any]) -> Any:
    try:
        return probe()
    except Exception as error:  # noqa: BLE001 - the report is for machines on which anything may be broken
        return f"cannot be told: {type(error).__name__}: {error}"


def _ask(code: str, patience: float = PATIENCE) -> dict[str, Any] | str:
    """What `code` prints as JSON in a process of its own, or a sentence saying why it did not."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not working: no answer within {patience:g} seconds"
    if done.returncode == 0:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer
    end = f"stopped by signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no message"]
    reason = lines[-1] if lines[0].startswith("Traceback") else lines[0]  # Qt and drivers give the cause first
    return f"not working: {reason} ({end})"


def _nested(answer: dict[str, Any] | str) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else {"Qt": answer}


def _variables(*names: str) -> dict[str, Any]:
    return {name: os.environ.get(name, "not set") for name in names}


def _system() -> dict[str, Any]:
    import psutil  # here, so that a broken one costs this section alone

    memory = psutil.virtual_memory()
    return {
        "TelME Studio": __version__,
        "Python": f"{platform.python_version()} ({platform.python_implementation()}), {sys.executable}",
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": f"{psutil.cpu_count(logical=False)} physical, {psutil.cpu_count()} logical",
        "memory": f"{memory.total / GIB:.1f} GiB, {memory.available / GIB:.1f} GiB free",
    }


def _packages() -> dict[str, str]:
    """Version of each package the project names, extras included, read from its metadata without importing it."""
    try:
        requirements = importlib.metadata.requires(PROJECT) or []
    except importlib.metadata.PackageNotFoundError:
        return {PROJECT: "not installed: run `pip install -c constraints.txt -e .` in the project's folder"}
    names = {
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0]: "extra ==" in requirement for requirement in requirements
    }
    return {
        name: _version(name, optional) for name, optional in sorted(names.items(), key=lambda item: item[0].lower())
    }


def _version(name: str, optional: bool) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed (optional)" if optional else "NOT INSTALLED"


def _espeak() -> str:
    program = shutil.which("espeak-ng")
    if program is None:
        return "espeak-ng not found: it is needed to build demo corpora, not to open them"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    return done.stdout.strip()


def _folders() -> dict[str, str]:
    hub = os.environ.get("HF_HOME") or str(Path.home() / ".cache" / "huggingface")
    folders = {
        "decoded media": media_cache_folder(),
        "predictions": predictions_folder(),
        "runs": runs_folder(),
        "annotations": annotations_folder(),
        "Hugging Face": Path(hub),
        "working folder": Path.cwd(),
    }
    return {name: _folder(path) for name, path in folders.items()}


def _folder(path: Path) -> str:
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    state = "not made yet" if existing != path else "writable" if os.access(path, os.W_OK) else "NOT WRITABLE"
    return f"{path} ({state}, {shutil.disk_usage(existing).free / GIB:.1f} GiB free)"


def _demo() -> str:
    files = [path for path in DEMO.rglob("*") if path.is_file()]
    if not files:
        return f"missing: {DEMO} is empty or absent; get the project's folder whole"
    parts = ", ".join(sorted(path.name for path in DEMO.iterdir()))
    return f"{len(files)} files, {sum(path.stat().st_size for path in files) / 2**20:.1f} MiB: {parts}"


def _lines(data: Mapping[str, Any], depth: int) -> list[str]:
    lines = []
    for name, value in data.items():
        indent = "  " * depth
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}", *_lines(value, depth + 1)]
        elif isinstance(value, list):
            lines += [f"{indent}{name}: {'; '.join(map(str, value)) or 'none'}"]
        else:
            lines += [f"{indent}{name}: {_plain(value)}"]
    return lines


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def add_command(add: Add) -> None:
    """Add `doctor`."""
    doctor = add("doctor", _doctor, "Print a report of this installation for a bug report.")
    doctor.add_argument("--json", action="store_true")


def _doctor(options: argparse.Namespace) -> int:
    from telme_model.commands.terminal import print_json

    if options.json:
        print_json(report_data())
    else:
        tell(report())
    return 0
