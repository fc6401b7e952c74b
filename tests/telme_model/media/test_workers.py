"""A script without a main guard gets one sentence that names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPT = """
import sys
from pathlib import Path
from telme_model.corpus import open_corpus
from telme_model.media.cache import build_cache
from telme_model.runs.presets import TOY
{guard}
    corpus = open_corpus(Path(sys.argv[1]))
    list(build_cache(tuple(corpus.turns()), TOY.media, Path(sys.argv[2]), workers=2))
"""


@pytest.mark.parametrize(
    ("guard", "code"), [("if True:", 1), pytest.param('if __name__ == "__main__":', 0, marks=pytest.mark.slow)]
)
def test_a_script_without_a_main_guard_is_named(corpus: Path, tmp_path: Path, guard: str, code: int) -> None:
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT.format(guard=guard), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, str(script), str(corpus), str(tmp_path / "own")],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.count("Traceback") == code  # the script's own, of an error that it does not catch
    if code:
        assert f"CacheError: {script} asks for this work at its top" in ended.stderr
        assert 'put it under `if __name__ == "__main__":`' in ended.stderr
