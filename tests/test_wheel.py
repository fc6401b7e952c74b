"""The wheel holds all that an installed program needs, and the program finds it there, with no clone in sight."""

import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from telme_model import __version__, bundled

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow  # it is packed, and unpacked


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, as `pip wheel .` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of site-packages with the wheel in it."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)
    return folder


def _files(folder: Path, place: str, *left_out: str) -> dict[str, int]:
    """Sizes of all files in a folder, by their path under `place`."""
    return {
        f"{place}/{path.relative_to(folder).as_posix()}": path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", *left_out} & set(path.relative_to(folder).parts)
    }


def test_it_holds_both_packages_and_the_resources_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        held = {name for name in file.namelist() if ".dist-info/" not in name}
    assert held == {
        *_files(ROOT / "telme_model", "telme_model"),
        *_files(ROOT / "telme_gui", "telme_gui"),
        *_files(bundled.RESOURCES, "telme_model/resources", "pictures"),  # which are the README's
    }
    for name in (
        "telme_model/py.typed",
        "telme_gui/py.typed",
        "telme_model/resources/icons/down.svg",
        "telme_model/resources/fonts/Inter_400Regular.ttf",
        "telme_model/resources/demo/corpus/test_sent_emo.csv",
        "telme_model/resources/demo/run/weights/fusion.safetensors",
        "telme_model/resources/demo/encoders/text/tokenizer.json",
        "telme_model/resources/demo/story/s1e1.toml",
        "telme_model/resources/demo/phrases.toml",
    ):
        assert name in held


def test_it_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        about = f"telme_studio-{__version__}.dist-info"
        metadata = message_from_bytes(file.read(f"{about}/METADATA"))
        assert file.read(f"{about}/entry_points.txt") == b"[console_scripts]\ntelme-studio = telme_gui.commands:main\n"
    assert (metadata["Name"], metadata["Version"]) == ("telme-studio", __version__)
    required = [line.partition(";")[0] for line in metadata.get_all("Requires-Dist", [])]
    assert not {"pyside6", "pyside6-addons"} & {line.partition(">")[0].lower().replace("_", "-") for line in required}


def test_the_installed_program_shows_its_demo_and_names_itself(installed: Path, tmp_path: Path) -> None:
    """With what it asks for beside it, from another folder; its own is left as it was."""
    before = _files(installed, ".")
    code = (
        "from pathlib import Path\n"
        "from telme_gui.commands import main\n"
        "from telme_model import bundled\n"
        "from telme_model.runs.plan import Plan\n"
        "from telme_model.runs.presets import DEMO\n"
        "print(bundled.RESOURCES)\n"
        "print(Plan(config=DEMO, corpus=Path('corpus'), run=Path('run')).command())\n"
        "raise SystemExit(main(['demo', '--text']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    resources, command, *told = done.stdout.splitlines()
    assert Path(resources) == installed / "telme_model" / "resources"
    assert command == "telme-studio train corpus --run run --preset demo"
    assert any(line.startswith("The bundled demo corpus (synthetic)") for line in told)
    assert _files(installed, ".") == before
    assert list(tmp_path.iterdir()) == []


def test_an_editable_install_points_at_the_clone_and_copies_nothing(tmp_path: Path) -> None:
    code = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        (pointer,) = (name for name in file.namelist() if ".dist-info/" not in name)
        assert Path(file.read(pointer).decode()) == ROOT
