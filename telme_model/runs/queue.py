"""The runs that are still to be trained, on the disk: they outlive the window in which they were asked for."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from telme_model.files import write_whole
from telme_model.paths import runs_folder
from telme_model.runs import catalogue
from telme_model.runs.config import ConfigError, from_dict, to_dict
from telme_model.runs.folder import is_run
from telme_model.runs.plan import Plan

_FILE, _LOCK = "waiting.json", ".waiting.lock"  # in the folder of runs


class Waiting:
    """The plans of one program at a time; those of a second one that is open beside it are kept nowhere."""

    def __init__(self) -> None:
        self._lock: FileLock | None = None
        self._kept: list[Plan] | None = []  # as last written; None where that is not known

    def keep(self, plans: Sequence[Plan]) -> bool:
        """Keep these in place of the former ones; whether they are kept."""
        if list(plans) == self._kept:
            return True
        if not self._is_mine():
            return False
        try:
            text = json.dumps([_tree(plan) for plan in plans], indent=1, default=str) + "\n"
            write_whole(runs_folder() / _FILE, lambda scratch: scratch.write_text(text, "utf-8"))
        except (OSError, ValueError):
            return False
        self._kept = list(plans)
        return True

    def left(self) -> list[Plan]:
        """What an earlier window left to be trained, as far as it can be read; a damaged file is put aside.

        From here on other programs keep nothing there.
        """
        if not self._is_mine():
            return []
        place = runs_folder() / _FILE
        try:
            trees = json.loads(place.read_text("utf-8"))
        except FileNotFoundError:
            return []
        except OSError:
            self.let_go()  # what may not be read is not written over
            return []
        except (ValueError, RecursionError):
            trees = None
        self._kept = None
        plans = list(_plans(trees if isinstance(trees, list) else []))
        if not isinstance(trees, list) or len(plans) < len(trees):
            with suppress(OSError):
                place.replace(place.with_name("waiting.broken.json"))
        return still_to_train(plans)

    def let_go(self) -> None:
        """Leave them to the next window."""
        if self._lock is not None:
            self._lock.release()

    def _is_mine(self) -> bool:
        """Whether no other program keeps its plans there. Asked once: later its file would not be known."""
        if self._lock is None:
            folder = runs_folder()
            self._lock = FileLock(folder / _LOCK, thread_local=False)
            with suppress(OSError, Timeout):
                folder.mkdir(parents=True, exist_ok=True)
                self._lock.acquire(timeout=0)
        return self._lock.is_locked


def still_to_train(plans: Iterable[Plan]) -> list[Plan]:
    """Those that are not over; the ones that had begun go on. One that was cut off is left out: it is offered alone."""
    left = []
    for plan in plans:
        if not is_run(plan.run):
            left += [] if plan.resume else [plan]
        elif any(not found.cut_off for found in catalogue.unfinished([plan.run])):
            left.append(plan if plan.resume else plan.going_on())
    return left


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
