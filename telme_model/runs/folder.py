"""A run on disk: a self-contained folder of config, weights, embeddings, scores and log, each file written whole."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NotRequired, Required, TypedDict

from filelock import FileLock, Timeout

from telme_model.corpus.dialogue import Modality
from telme_model.corpus.emotions import is_label_set
from telme_model.errors import StudioError, brief
from telme_model.events import Phase
from telme_model.files import FileError, read_bytes, read_text, refusals, write_whole
from telme_model.runs.config import Config, ConfigError, read_config, to_toml
from telme_model.settings import fault_in, faulty

FORMAT = 1
NOTE = "note.txt"  # what a person has written on the run
RESUME = "resume.pt"  # the stage in flight, while there is one
_LOCK = ".training"  # held while a program trains the run
_LOCK_SECONDS = 0.3  # a look at who holds it takes less
# All that a run without run.json holds, and what one that has it holds besides before there is anything to go on with.
_BEGINNING = {"labels.json", ".labels.json.new", "config.toml", ".config.toml.new", ".run.json.new", _LOCK}
_BEGUN = ("events.jsonl", "tensorboard", "encoders")


class RunError(StudioError):
    """A run folder that cannot be made, read or gone on with; the message says why and what to do."""


class RunInTrainingError(RunError):
    """A run folder that a program trains at this moment."""

    title = "This run is being trained already"
    remedy = "Wait for its end or stop it, or train into another folder."


class RunGoneError(RunError):
    """A run folder that is not there any more."""

    title = "The run’s folder has gone"
    remedy = "Put the folder back, from the trash perhaps, and resume the run; or train it anew."


class CorpusFacts(TypedDict):
    """What run.json tells of the corpus."""

    labels: str
    fingerprint: str
    root: NotRequired[str]
    kind: NotRequired[str]
    turns: NotRequired[dict[str, int]]


class StageFacts(TypedDict, total=False):
    """What it tells of a finished stage."""

    best_epoch: int
    dev_weighted_f1: float


class Lack(TypedDict):
    """A turn that was left out of a modality."""

    turn: str
    modality: str
    reason: str


class Facts(TypedDict, total=False):
    """What run.json holds; a run needs the first two."""

    corpus: CorpusFacts
    stages: dict[str, StageFacts]
    created: str
    environment: dict[str, Any]
    excluded: list[Lack]
    over_long: list[Any]
    warm_start: str
    layer: str


class StoredInterval(TypedDict):
    """The bounds of a score, in per cent."""

    low: float
    high: float


class StoredIntervals(TypedDict, total=False):
    """Those of a model's scores that anything reads."""

    weighted_f1: StoredInterval


class StoredScores(TypedDict, total=False):
    """What scores.json holds of a model on a split."""

    weighted_f1: Required[float]
    macro_f1: Required[float]
    accuracy: Required[float]
    turns: Required[int]
    per_class: dict[str, dict[str, float]]
    confusion: list[list[int]]
    intervals: StoredIntervals | None


_SHAPES: dict[str, Any] = {"run.json": Facts, "scores.json": dict[str, dict[str, StoredScores]]}
LARGEST = 64 << 20  # bytes of a run's JSON file; one that leaves out all of MELD's turns has two million


class RunFolder:
    """One run's files. Nothing is ever half there: each is written beside its place, synced and renamed."""

    def __init__(self, path: Path) -> None:
        """Stand for the folder; nothing is touched."""
        self.path = path

    # -- making and opening ------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, config: Config, facts: Mapping[str, Any]) -> "RunFolder":
        """Make an empty run. Raises RunError when the folder holds something already or cannot be written."""
        run = cls.claim(path)
        run.begin(config, facts)
        return run

    @classmethod
    def claim(cls, path: Path) -> "RunFolder":
        """Make the folder of a run to come. Raises RunError as `create` does."""
        try:
            str(path.absolute()).encode()
        except UnicodeEncodeError as error:  # TensorBoard's log cannot be written below it
            raise RunError(f"{path} has a name that is not text in UTF-8; choose a folder of another name") from error
        with refusals(path, "written", RunError):
            if RunFolder(path).in_training:
                raise _in_training(path)
            if not is_free(path) and not _failed_early(path):
                raise RunError(f"{path} already holds files; resume the run there, or choose an empty folder")
            path.mkdir(parents=True, exist_ok=True)
        return cls(path)

    def begin(self, config: Config, facts: Mapping[str, Any]) -> None:
        """Make a claimed folder a run, with nothing trained yet; what a start before it left is taken away."""
        with refusals(self.path, "written", RunError):
            for name in (*_BEGUN, *([] if "layer" in facts else ["labels.json"])):
                left = self.path / name
                if left.is_dir():
                    shutil.rmtree(left)
                else:
                    left.unlink(missing_ok=True)
        self.write_text("config.toml", to_toml(config))
        self.write_json("run.json", {"format": FORMAT, **facts, "stages": {}})

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Open an existing run. Raises RunError when there is none or a newer program wrote it."""
        run = cls(path)
        if not path.exists():
            raise RunGoneError(f"{path} is not a run: it has no run.json")
        if not is_run(path):
            raise RunError(f"{path} is not a run: it has no run.json")
        facts = run.facts
        if facts.get("format") != FORMAT:
            raise RunError(f"{path} has run format {brief(facts.get('format'))}; this program reads format {FORMAT}")
        if not _is_whole(facts):
            raise RunError(f"{path / 'run.json'} is damaged: it does not tell the run's corpus, emotions and stages")
        return run

    # -- who trains it ------------------------------------------------------------------------------------------

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep every other program from training this run. Raises RunError while one does."""
        place = self.path / _LOCK
        lock = FileLock(place, thread_local=False)
        with refusals(place, "written", RunError):
            try:
                lock.acquire(timeout=_LOCK_SECONDS)
            except Timeout:
                raise _in_training(self.path) from None
        try:
            yield
        finally:
            # Taken away while it is held, so that only a kill leaves it behind.
            with suppress(OSError):
                place.unlink()
            lock.release()

    @property
    def in_training(self) -> bool:
        """Whether a program trains this run now."""
        place = self.path / _LOCK
        if not place.exists():
            return False
        lock = FileLock(place, thread_local=False, preserve_lock_file=True)  # which tells of a kill, also on Windows
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:  # a disk that cannot be written: nothing trains there
            return False
        lock.release()
        return False

    @property
    def cut_off(self) -> bool:
        """Whether its training ended without a word: the program was killed, or the machine went down."""
        return (self.path / _LOCK).exists() and not self.in_training

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def config(self) -> Config:
        """The run's settings. Raises RunError."""
        try:
            return read_config(self.path / "config.toml")
        except ConfigError as error:
            raise RunError(str(error)) from error

    # -- small files --------------------------------------------------------------------------------------------

    @property
    def facts(self) -> dict[str, Any]:
        """What run.json holds: corpus, labels, fingerprint, environment, finished stages, excluded turns."""
        return self.read_json("run.json")

    def update(self, **facts: Any) -> None:
        """Change some of the facts in run.json."""
        self.write_json("run.json", {**self.facts, **facts})

    def stage_facts(self, phase: Phase) -> dict[str, Any] | None:
        """What is known of a finished stage, None while it is not finished."""
        done: dict[str, Any] | None = self.facts["stages"].get(phase)
        return done

    def finish_stage(self, phase: Phase, **facts: Any) -> None:
        """Mark a stage as finished."""
        self.update(stages={**self.facts["stages"], phase: facts})
        (self.path / RESUME).unlink(missing_ok=True)

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON file of the run. Raises RunError."""
        try:
            tree = json.loads(read_text(self.path / name, LARGEST, RunError))
        except (ValueError, RecursionError) as error:
            raise RunError(f"{self.path / name} is damaged: {error}") from error
        if not isinstance(tree, dict):
            raise RunError(f"{self.path / name} is damaged: it does not hold an object")
        if name in _SHAPES and tree.get("format", FORMAT) == FORMAT and (fault := fault_in(_SHAPES[name])(tree)):
            raise RunError(f"{self.path / name} is damaged: {faulty(fault)}")
        return tree

    def write_json(self, name: str, tree: Mapping[str, Any]) -> None:
        """Write a JSON file whole; in ASCII, for the name of a file need not be text."""
        self.write_text(name, json.dumps(tree, indent=1) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole."""
        self.write(name, lambda place: place.write_text(text, encoding="utf-8", errors="backslashreplace"))

    @property
    def note(self) -> str:
        """What a person has written on the run; "" where that is nothing, or cannot be read."""
        try:
            return read_bytes(self.path / NOTE, LARGEST).decode("utf-8", "replace").strip()
        except FileError:
            return ""

    def encoder_folder(self, modality: Modality) -> Path:
        """Where the encoder's config.json (and tokenizer) stand, which rebuild it without any hub."""
        return self.path / "encoders" / modality

    @contextmanager
    def whole_folder(self, name: str) -> Iterator[Path]:
        """A folder to fill that appears under `name` only when the block ends well."""
        target = self.path / name
        with refusals(self.path, "written", RunError):
            self._check_there()
            scratch = target.with_name(f".{target.name}.new")
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            try:
                yield scratch
                shutil.rmtree(target, ignore_errors=True)
                scratch.replace(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)

    def write(self, name: str, write: Callable[[Path], object]) -> None:
        """Have `write` make a file of the run, which is there whole or not at all. Raises RunError."""
        target = self.path / name
        self._check_there()
        with refusals(target, "written", RunError):
            target.parent.mkdir(exist_ok=True)
        write_whole(target, write, RunError)

    def _check_there(self) -> None:
        if not self.path.is_dir():
            raise RunGoneError(f"the run folder {self.path} has gone while it was being written")


def _in_training(path: Path) -> RunInTrainingError:
    return RunInTrainingError(f"{path} is being trained already, here or by another program")


def is_run(path: Path) -> bool:
    """Whether a run lies there, as far as can be seen: what may not be looked into is none."""
    try:
        return (path / "run.json").is_file()
    except OSError:
        return False


def is_free(path: Path) -> bool:
    """Whether nothing is there, or what a kill left before there was a run. Raises RunError where one may not look."""
    with refusals(path, "looked into", RunError):
        if not path.is_dir():
            return not path.exists()
        return {entry.name for entry in path.iterdir()} <= _BEGINNING and not RunFolder(path).in_training


def _failed_early(path: Path) -> bool:
    """Whether a run there ended with an error before there was anything to go on with, so that another may begin.

    One that was cut off is not such a run: it is offered to be gone on with.
    """
    held = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
    if _LOCK in held or not held <= _BEGINNING | {"run.json", *_BEGUN}:
        return False
    try:
        return not RunFolder.open(path).facts["stages"]
    except RunError:
        return False


def check_outside(place: Path, corpus: Path) -> None:
    """Raise RunError when `place` lies in a corpus' folder, which is never written in."""
    if place.resolve().is_relative_to(corpus.resolve()):
        raise RunError(f"{place} lies in the corpus folder {corpus}, which stays as it is: choose a place outside it")


def _is_whole(facts: Mapping[str, Any]) -> bool:
    """Whether a run.json tells what everything else relies on."""
    return {"corpus", "stages"} <= facts.keys() and is_label_set(facts["corpus"]["labels"])
