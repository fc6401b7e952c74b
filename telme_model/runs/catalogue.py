"""The runs of this machine: where they lie, which were left unfinished, how one is renamed or goes into the trash."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from telme_model import bundled
from telme_model.events import EpochDone, Phase
from telme_model.files import refusals
from telme_model.paths import as_written, runs_folder
from telme_model.runs.folder import NOTE, RESUME, RunError, RunFolder, is_run
from telme_model.runs.history import event_from_json
from telme_model.runs.names import run_name

_ELSEWHERE = "elsewhere.txt"  # in the runs' folder: a line for each run that was trained in another place
_DISCARDED = ".discarded-"  # in the name of a run that found no trash
_TAIL = 1 << 16  # bytes at the end of a log in which its latest epoch is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A run that can be gone on with."""

    run: Path
    corpus: Path
    phase: Phase  # the one that is not done
    epoch: int  # epochs of it done
    epochs: int  # planned; 0 where the phase has none
    cut_off: bool  # by a crash, not by a person
    touched: float  # when it was last written to, seconds since 1970


def remember(run: Path) -> None:
    """Keep in mind where a run lies that is not among the program's own. A place that cannot be written forgets."""
    folder, place = runs_folder(), run.absolute()
    if place.parent == folder.absolute() or place in _elsewhere(folder):
        return
    with suppress(OSError, UnicodeError):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _ELSEWHERE).open("a", encoding="utf-8") as file:
            file.write(f"{place}\n")


def known_runs() -> list[Path]:
    """The folders of all runs that were trained in the window and are still there, the latest written to first."""
    folder = runs_folder()
    places = {*_elsewhere(folder)}
    with suppress(OSError):
        places |= {place for place in folder.iterdir() if _DISCARDED not in place.name}
    return sorted(filter(is_run, places), key=_touched, reverse=True)


def unfinished(runs: Iterable[Path]) -> list[Unfinished]:
    """Those of `runs` that are not trained to their end and that nobody trains now; broken ones are left out."""
    found = []
    for run in runs:
        with suppress(RunError, OSError, KeyError, TypeError, ValueError):
            folder = RunFolder.open(run)
            phase = _next_phase(folder)
            if phase is not None and not folder.in_training:
                found.append(_unfinished(folder, phase))
    return found


def corpus_of(folder: RunFolder) -> Path:
    """Where the corpus of a run lies, by its run.json. Raises RunError."""
    if "imported" in folder.facts and not folder.facts["corpus"].get("root"):
        raise RunError(f"{folder.path} was imported without a corpus: open the corpus first, then the run")
    try:
        return (folder.path / str(folder.facts["corpus"].get("root", ""))).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a sign that no path can have
        raise RunError(f"{folder.path / 'run.json'} is damaged: it names no place where a corpus can be") from error


def check_free(run: Path, what: str) -> None:
    """See that a run may be changed. Raises RunError."""
    if is_bundled(run):
        raise RunError(f"the bundled run cannot be {what}: the demo needs it where it is")
    if RunFolder(run).in_training:
        raise RunError(f"{run.name} is being trained and cannot be {what}; stop it first")


def move_to_trash(run: Path) -> Path | None:
    """Move a run's folder into the system's trash; without one, to a name beside it, which is the result.

    Raises RunError where it may not go.
    """
    if not run.exists():
        return None
    check_free(run, "deleted")
    from send2trash import send2trash  # which looks for the desktop's libraries as it is imported

    try:
        send2trash(run.absolute())
    except OSError:  # there is none for this disk
        with refusals(run, "moved", RunError):
            return run.rename(run.with_name(f"{run.name}{_DISCARDED}{time.strftime('%Y%m%d-%H%M%S')}"))
    return None


def write_note(run: Path, text: str) -> None:
    """Keep a note in a run's folder in place of the former one; none, where the text is empty. Raises RunError."""
    folder = RunFolder.open(run)
    if is_bundled(run):
        raise RunError("the bundled run cannot be given a note: the demo needs it as it is")
    folder.write_text(NOTE, f"{text.strip()}\n" if text.strip() else "")


def find(name: str) -> Path:
    """The run that goes by this name among those of this machine, or whose folder it is. Raises RunError."""
    found = [run for run in known_runs() if run.name == name]
    if len(found) > 1:
        raise RunError(f"{len(found)} runs are called “{name}”; name the folder: {', '.join(map(str, found))}")
    if found:
        return found[0]
    folder = as_written(name)
    if name and is_run(folder):
        return folder.resolve()  # "." has no name to be changed
    if name == run_name(bundled.DEMO_RUN):
        return bundled.DEMO_RUN
    raise RunError(f"there is no run “{name}” on this machine, and no run's folder of that name")


def is_bundled(run: Path) -> bool:
    """Whether this is the demo's own run."""
    return run.resolve() == bundled.DEMO_RUN.resolve()


def rename(run: Path, name: str) -> Path:
    """Give a run's folder another name; where it lies then. Raises RunError."""
    if not name.strip() or name.startswith(".") or set("/\\\0") & set(name):
        raise RunError(f"a run cannot be called “{name}”: it names a folder, so no / or \\, and no dot before")
    check_free(run, "renamed")
    target = run.with_name(name)
    if target.exists():
        raise RunError(f"there is a “{name}” beside it already; choose another name")
    with refusals(run, "renamed", RunError):
        run.rename(target)
    remember(target)
    return target


def _next_phase(folder: RunFolder) -> Phase | None:
    done = folder.facts["stages"]
    left = [phase for phase in folder.config.phases if phase not in done]
    if left:
        return left[0]
    return None if (folder.path / "scores.json").is_file() else Phase.EVALUATING


def _unfinished(folder: RunFolder, phase: Phase) -> Unfinished:
    latest = _latest_epoch(folder.path / "events.jsonl", phase)
    return Unfinished(
        run=folder.path,
        corpus=corpus_of(folder),
        phase=phase,
        epoch=latest.epoch if latest else 0,
        epochs=latest.epochs if latest else 0,
        cut_off=folder.cut_off,
        touched=_touched(folder.path),
    )


def _latest_epoch(log: Path, phase: Phase) -> EpochDone | None:
    for line in reversed(list(_tail(log))):
        with suppress(ValueError, RecursionError):
            found = event_from_json(json.loads(line))
            if found is not None and isinstance(found[0], EpochDone) and found[0].phase is phase:
                return found[0]
    return None


def _tail(log: Path) -> Iterator[bytes]:
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        yield from file.read().splitlines()


def _elsewhere(folder: Path) -> list[Path]:
    try:
        lines = (folder / _ELSEWHERE).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    return [Path(line) for line in dict.fromkeys(lines) if line]


def _touched(run: Path) -> float:
    times = [0.0]
    for name in ("events.jsonl", "run.json", RESUME):
        with suppress(OSError):
            times.append((run / name).stat().st_mtime)
    return max(times)
