"""The runs that are still to be trained, on the disk: they outlive the window in which they were asked for."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from telme_model.errors import StudioError
from telme_model.files import refusals, write_whole
from telme_model.paths import runs_folder
from telme_model.runs import catalogue
from telme_model.runs.config import ConfigError, from_dict, to_dict
from telme_model.runs.folder import RunError, is_run
from telme_model.runs.plan import Plan

_FILE, _LOCK = "waiting.json", ".waiting.lock"  # in the folder of runs
_REMEDY = "Give it back its permissions, or name another folder for runs with TELME_RUNS."


class Waiting:
    """The plans of one program at a time; those of a second one that is open beside it are kept nowhere."""

    def __init__(self) -> None:
        self._lock: FileLock | None = None
        self._written: list[Plan] | None = []  # as last written; None where that is not known

    def keep(self, plans: Sequence[Plan]) -> bool:
        """Keep these in place of the former ones; whether they are kept."""
        try:
            self.write(plans)
        except StudioError:
            return False
        return True

    def left(self) -> list[Plan]:
        """What an earlier window left to be trained, as far as it can be read; a damaged file is put aside.

        From here on other programs keep nothing there.
        """
        try:
            return self.read()
        except StudioError:
            self.release()  # what may not be read is not written over
            return []

    def write(self, plans: Sequence[Plan]) -> None:
        """As `keep`. Raises RunError where another program keeps its own there, or the disk refuses."""
        if list(plans) == self._written:
            return
        self._hold()
        text = json.dumps([_tree(plan) for plan in plans], indent=1, default=str) + "\n"
        write_whole(runs_folder() / _FILE, lambda scratch: scratch.write_text(text, "utf-8"), RunError, _REMEDY)
        self._written = list(plans)

    def read(self) -> list[Plan]:
        """As `left`. Raises RunError where another program keeps its own there, or the disk refuses."""
        self._hold()
        plans, whole = _read()
        self._written = plans if whole else None
        if not whole:
            with suppress(OSError):
                place = runs_folder() / _FILE
                place.replace(place.with_name("waiting.broken.json"))
        return still_to_train(plans)

    def release(self) -> None:
        """Leave them to the next window."""
        if self._lock is not None:
            self._lock.release()

    def _hold(self) -> None:
        """Keep other programs from the place. Tried once: later their file would not be known. Raises RunError."""
        if self._lock is None:
            folder = runs_folder()
            self._lock = FileLock(folder / _LOCK, thread_local=False)
            with refusals(folder, "written", RunError, _REMEDY), suppress(Timeout):
                folder.mkdir(parents=True, exist_ok=True)
                self._lock.acquire(timeout=0)
        if not self._lock.is_locked:
            raise RunError("a window keeps what waits to be trained: change it there, or close the window first")


def waiting() -> list[Plan]:
    """What is still to be trained, whichever program keeps it; nothing is held or put aside. Raises RunError."""
    return still_to_train(_read()[0])


def change(edit: Callable[[list[Plan]], list[Plan]]) -> list[Plan]:
    """Put what `edit` makes of the plans in their place, while no window keeps them. Raises RunError."""
    keeper = Waiting()
    try:
        plans = edit(keeper.read())
        keeper.write(plans)
        return plans
    finally:
        keeper.release()


def still_to_train(plans: Iterable[Plan]) -> list[Plan]:
    """Those that are not over; the ones that had begun go on. One that was cut off is left out: it is offered alone."""
    left = []
    for plan in plans:
        if not is_run(plan.run):
            left += [] if plan.resume else [plan]
        elif any(not found.cut_off for found in catalogue.unfinished([plan.run])):
            left.append(plan if plan.resume else plan.going_on())
    return left


def _read() -> tuple[list[Plan], bool]:
    """The plans in the file that can be read, none where there is no file; whether those are all. Raises RunError."""
    path = runs_folder() / _FILE
    try:
        with refusals(path, "read", RunError, _REMEDY), suppress(FileNotFoundError):
            if path.exists() and not path.is_file():  # a pipe would keep one waiting for ever
                raise OSError(0, "it is no ordinary file")
            trees = json.loads(path.read_text("utf-8"))
            plans = list(_plans(trees)) if isinstance(trees, list) else []
            return plans, isinstance(trees, list) and len(plans) == len(trees)
    except (ValueError, RecursionError):
        return [], False
    return [], True


def _tree(plan: Plan) -> dict[str, Any]:
    tree = {item.name: getattr(plan, item.name) for item in fields(plan)}
    places = {name: value.absolute() for name, value in tree.items() if isinstance(value, Path)}
    return {**tree, **places, "config": to_dict(plan.config)}


def _plans(trees: Iterable[Any]) -> Iterator[Plan]:
    """Those that can be read."""
    for tree in trees:
        with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError, ConfigError):
            yield _plan(tree)


def _plan(tree: Mapping[str, Any]) -> Plan:
    places = {name: Path(tree[name]) for name in ("corpus", "run")}
    places |= {name: tree[name] and Path(tree[name]) for name in ("warm_start", "store")}
    return Plan(**{**tree, **places, "config": from_dict(tree["config"]), "changes": tuple(tree["changes"])})
