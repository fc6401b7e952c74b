"""The resources that come with the program: at the top of a clone, inside the package of an installed wheel."""

from importlib.resources import files
from pathlib import Path

_INSIDE = Path(str(files("telme_model"))) / "resources"
_CLONE = Path(__file__).resolve().parents[1]

RESOURCES = _INSIDE if _INSIDE.is_dir() else _CLONE / "resources"
FONTS, ICONS = RESOURCES / "fonts", RESOURCES / "icons"
DEMO = RESOURCES / "demo"
DEMO_CORPUS, DEMO_RUN, DEMO_ENCODERS = DEMO / "corpus", DEMO / "run", DEMO / "encoders"

PROGRAM = ("telme-studio",) if RESOURCES == _INSIDE else ("python", "main.py")  # how a shell calls it
