"""The runs that are still to be trained, on the disk: they outlive the window in which they were asked for."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from telme_model.errors import StudioError
from telme_model.files import write_whole
from telme_model.paths import runs_folder
from telme_model.runs import catalogue
from telme_model.runs.config import ConfigError, from_dict, to_dict
from telme_model.runs.folder import RunError, is_run
from telme_model.runs.plan import Plan

_FILE, _LOCK = "waiting.json", ".waiting.lock"  # in the folder of runs


class Waiting:
    """The plans of one program at a time; those of a second one that is open beside it are kept nowhere."""

    def __init__(self) -> None:
        self._lock: FileLock | None = None
        self._written: list[Plan] | None = []  # as last written; None where that is not known

    def keep(self, plans: Sequence[Plan]) -> bool:
        """Keep these in place of the former ones; whether they are kept."""
        if list(plans) == self._written:
            return True
        if not self.held:
            return False
        try:
            text = json.dumps([_tree(plan) for plan in plans], indent=1, default=str) + "\n"
            write_whole(runs_folder() / _FILE, lambda scratch: scratch.write_text(text, "utf-8"))
        except (StudioError, ValueError):
            return False
        self._written = list(plans)
        return True

    def left(self) -> list[Plan]:
        """What an earlier window left to be trained, as far as it can be read; a damaged file is put aside.

        From here on other programs keep nothing there.
        """
        if not self.held:
            return []
        try:
            plans, whole = _read()
        except FileNotFoundError:
            return []
        except OSError:
            self.release()  # what may not be read is not written over
            return []
        self._written = None
        if not whole:
            with suppress(OSError):
                place = runs_folder() / _FILE
                place.replace(place.with_name("waiting.broken.json"))
        return still_to_train(plans)

    def release(self) -> None:
        """Leave them to the next window."""
        if self._lock is not None:
            self._lock.release()

    @property
    def held(self) -> bool:
        """Whether no other program keeps its plans there. Asked once: later its file would not be known."""
        if self._lock is None:
            folder = runs_folder()
            self._lock = FileLock(folder / _LOCK, thread_local=False)
            with suppress(OSError, Timeout):
                folder.mkdir(parents=True, exist_ok=True)
                self._lock.acquire(timeout=0)
        return self._lock.is_locked


def waiting() -> list[Plan]:
    """What is still to be trained, whichever program keeps it; nothing is held or put aside. Raises OSError."""
    try:
        return still_to_train(_read()[0])
    except FileNotFoundError:
        return []


def change(edit: Callable[[list[Plan]], list[Plan]]) -> list[Plan]:
    """Put what `edit` makes of the plans in their place, while no window keeps them. Raises RunError."""
    keeper = Waiting()
    try:
        plans = edit(keeper.left())
        if not keeper.held:
            raise RunError("a window keeps what waits to be trained: change it there, or close the window first")
        if not keeper.keep(plans):
            raise RunError(f"what waits to be trained cannot be kept: {runs_folder()} cannot be written")
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
    """The plans in the file that can be read, and whether those are all. Raises OSError."""
    try:
        trees = json.loads((runs_folder() / _FILE).read_text("utf-8"))
    except (ValueError, RecursionError):
        return [], False
    if not isinstance(trees, list):
        return [], False
    plans = list(_plans(trees))
    return plans, len(plans) == len(trees)


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
