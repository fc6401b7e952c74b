"""The resources that come with the program: at the top of a clone, inside the package of an installed wheel."""

from importlib.resources import files
from pathlib import Path


def _resources() -> Path:
    inside = Path(str(files("telme_model"))) / "resources"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[1] / "resources"


RESOURCES = _resources()
FONTS, ICONS = RESOURCES / "fonts", RESOURCES / "icons"
DEMO = RESOURCES / "demo"
DEMO_CORPUS, DEMO_RUN, DEMO_ENCODERS = DEMO / "corpus", DEMO / "run", DEMO / "encoders"
