"""How corpora and runs are called in the window."""

from pathlib import Path

from telme_model import bundled


def corpus_name(root: Path, labels: str = "") -> tuple[str, str]:
    """How a corpus is called, and what is said beside it."""
    if root.resolve() == bundled.DEMO_CORPUS.resolve():
        return "Demo", "synthetic"
    return root.resolve().name, "own labels" if labels.startswith("own:") else labels


def run_name(run: Path) -> str:
    """How a run is called."""
    return "demo" if run.resolve() == bundled.DEMO_RUN.resolve() else run.resolve().name
