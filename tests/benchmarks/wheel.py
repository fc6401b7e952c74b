"""The wheel in an empty environment, without the clone in sight: how large, how long, and does it work there?

    python tests/benchmarks/wheel.py [--folder DIR] [--epochs N]

Builds the wheel, makes an environment of its own in DIR (a temporary folder, else; 6 GB, most of it PyTorch with
CUDA), installs the wheel there at the versions of constraints.txt, and runs the installed program from an empty folder
with a home of its own. `--epochs 0` trains the whole demo preset. The screenshot is left in DIR, to be looked at.
Ends with 1 where a command fails, or where the installed files are others afterwards.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN_FOLDERS = ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
STAGES = ("teacher", "audio", "visual", "fusion")


def main() -> int:
    """Build, install, run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the environment is made, or was")
    parser.add_argument("--epochs", type=int, default=1, help="of each stage; 0: as the demo preset has them")
    options = parser.parse_args()
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="telme-wheel-"))).absolute()
    binaries = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    _install(folder, binaries)
    return _use(folder, binaries / "telme-studio", options.epochs)


def _install(folder: Path, binaries: Path) -> None:
    """The wheel in an environment of its own; what it asks for stays where it is there already."""
    quiet = ("--quiet", "--disable-pip-version-check")
    for old in folder.glob("*.whl"):
        old.unlink()
    _timed("build the wheel", [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT)
    (wheel,) = folder.glob("*.whl")
    if not binaries.is_dir():
        venv.create(folder / "env", with_pip=True)
    pip = [str(binaries / "python"), "-m", "pip"]
    _timed("install it alone", [*pip, "install", *quiet, "--no-deps", "--force-reinstall", str(wheel)], folder)
    _timed("and what it asks for", [*pip, "install", *quiet, "-c", str(ROOT / "constraints.txt"), str(wheel)], folder)
    print(f"{'the wheel':>40}: {wheel.stat().st_size / 1e6:.1f} MB")
    print(f"{'the environment':>40}: {sum(_sizes(folder / 'env').values()) / 1e6:.0f} MB")


def _use(folder: Path, program: Path, epochs: int) -> int:
    """Every command that the README promises of an installed program; 1 where one fails."""
    home = Path(tempfile.mkdtemp(prefix="home-", dir=folder))
    (here := home / "here").mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TELME_", "PYTHON"))}
    environment |= dict.fromkeys(OWN_FOLDERS, str(home))
    (package,) = (folder / "env").rglob("site-packages/telme_model")
    before = _sizes(package)
    corpus = package / "resources" / "demo" / "corpus"
    fewer = [f"--set=stages.{stage}.epochs={epochs}" for stage in STAGES] if epochs else []
    for name, words in {
        "demo --text": ["demo", "--text"],
        "demo --offscreen --screenshot": [
            "demo", "--offscreen", "--screenshot", str(folder / "demo.png"), "--size", "1280x720",
        ],
        "make-demo": ["make-demo", "more", "--dialogues", "7"],
        "check what it made": ["check", "more"],
        "train --preset demo": ["train", str(corpus), "--preset", "demo", "--run", "run", *fewer],
        "evaluate": ["evaluate", "--run", "run"],
        "predict": ["predict", "more", "--run", "run", "--out", "records.jsonl"],
        "doctor": ["doctor"],
    }.items():  # fmt: skip
        _timed(name, [str(program), *words], here, environment)
    changed = before.items() ^ _sizes(package).items()
    print(f"{'written into what is installed':>40}: {sorted({str(path) for path, _ in changed}) or 'nothing'}")
    print(f"{'the screenshot':>40}: {folder / 'demo.png'}")
    return int(bool(changed))


def _timed(name: str, command: list[str], place: Path, environment: dict[str, str] | None = None) -> None:
    """Run it; the benchmark ends where it fails."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    print(f"{name:>40}: {time.monotonic() - began:6.1f} s", flush=True)
    if done.returncode:
        raise SystemExit(f"exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _sizes(folder: Path) -> dict[Path, int]:
    """Sizes of all files but Python's own caches."""
    return {
        path: path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts
    }


if __name__ == "__main__":
    sys.exit(main())
