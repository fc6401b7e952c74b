"""What tests of broken input share: ways to break a corpus or a run, and how a refusal must look."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from telme_model.commands.main import main
from telme_model.corpus.dialogue import Split
from telme_model.runs.folder import RunFolder
from tests.support.corpora import rows, write_annotations
from tests.support.runs import ToyRun

Captured = pytest.CaptureFixture[str]


@dataclass(frozen=True, slots=True)
class Bench:
    """What a case breaks: folders of its own, and the finished run and corpus that it must leave alone."""

    tmp: Path
    toy: ToyRun
    taught: Path  # a run of which the teacher is trained

    @property
    def corpus(self) -> Path:
        return self.toy.corpus

    def tables(self, change: Callable[[str], str] = str, *, encoding: str = "utf-8") -> Path:
        """The corpus's annotations alone, each file's text changed."""
        folder = self.tmp / "tables"
        folder.mkdir()
        for table in self.corpus.glob("*.csv"):
            text = change(table.read_text(encoding="utf-8"))
            (folder / table.name).write_bytes(text.encode(encoding))
        return folder

    def clips(self, change: Callable[[Path], object]) -> Path:
        """The corpus with every clip changed in its place."""
        moved = Path(shutil.copytree(self.corpus, self.tmp / "corpus"))
        for clip in moved.rglob("*.mp4"):
            clip.unlink()
            change(clip)
        return moved

    def run(self, change: Callable[[RunFolder], object]) -> str:
        """The finished run, changed."""
        run = RunFolder(Path(shutil.copytree(self.toy.path, self.tmp / "run")))
        change(run)
        return str(run.path)

    def begun(self, change: Callable[[RunFolder], object]) -> str:
        """The run of which the teacher is trained, changed."""
        run = RunFolder(Path(shutil.copytree(self.taught, self.tmp / "run")))
        change(run)
        return str(run.path)

    def train(self, *options: str, corpus: Path | None = None, run: str = "") -> list[str]:
        preset = [] if {"--preset", "--config", "--resume"} & set(options) else ["--preset", "toy"]
        place = run or str(self.tmp / "run")
        return ["train", str(corpus or self.corpus), "--run", place, *preset, *options]

    def config(self, text: str | bytes) -> list[str]:
        """Train with a config file that holds this."""
        (self.tmp / "c.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.train("--config", str(self.tmp / "c.toml"))

    def predict(self, run: str | Path, corpus: Path | None = None, *options: str, out: str = "p.jsonl") -> list[str]:
        return ["predict", str(corpus or self.corpus), "--run", str(run), "--out", str(self.tmp / out), *options]

    def elsewhere(self) -> Path:
        """A corpus that is not the run's own, so that its encoders are needed."""
        moved = Path(shutil.copytree(self.corpus, self.tmp / "other"))
        table = moved / "test_sent_emo.csv"
        table.write_text(table.read_text(encoding="utf-8").replace("Okay.", "Fine."), encoding="utf-8")
        return moved


Case = tuple[Callable[[Bench], list[str]], str]  # the arguments, and what the sentence says


def one_sentence(arguments: list[str], capsys: Captured) -> str:
    """The command ends with exit code 1 and one line that says why; that line."""
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err
    said = [line for line in told.err.splitlines() if line.startswith("telme-studio: ")]
    assert told.err.splitlines()[-1:] == said
    return said[0].removeprefix("telme-studio: ")


def assert_says(pattern: str, sentence: str) -> None:
    assert re.search(pattern, sentence), sentence
    assert len(sentence) < 700


def a_file(bench: Bench) -> Path:
    (bench.tmp / "file").touch()
    return bench.tmp / "file"


def only(bench: Bench, split: Split) -> Path:
    folder = bench.tmp / "tables"
    folder.mkdir()
    write_annotations(folder, split, list(rows(split)))
    return folder


def cut_off(path: Path, keep: float = 0.5) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * keep)])


def not_finite(path: Path) -> None:
    stored = load_file(path)
    name = max(stored, key=lambda key: stored[key].numel())
    stored[name].view(-1)[0] = torch.nan
    save_file(stored, path)
