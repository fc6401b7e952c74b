"""What a damaged store still tells of its layers and labels, from the rows that stand on its pages."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from telme_model.annotations.labels import GOLD, Label
from telme_model.annotations.pages import Pages, StoredRow, free, pages, rows
from telme_model.annotations.sqlite import Place, UnreadableError, stored_label, stored_place
from telme_model.annotations.undo import StepState

_LABEL, _CHANGE, _LAYER = 7, 9, 3  # how many columns their rows have; those of steps have as many as those of labels


@dataclass(frozen=True, slots=True)
class Salvage:
    """What came back of a file."""

    layers: dict[int, str]
    labels: dict[Place, Label]
    unreadable: int  # labels whose row is there, and cannot be


@dataclass(slots=True)
class _Found:
    """The rows of each table, by number."""

    layers: dict[int, StoredRow] = field(default_factory=dict)
    labels: dict[int, StoredRow] = field(default_factory=dict)
    steps: dict[int, StoredRow] = field(default_factory=dict)
    changes: dict[int, StoredRow] = field(default_factory=dict)


def salvage(data: bytes, log: bytes, emotions: Collection[str], is_name: Callable[[object], bool]) -> Salvage:
    """Read a store's file and its write-ahead log as far as they can be read; other emotions cannot be.

    Labels come from their own table, and those that are missing there as the last step in force left them. Where it
    cannot be known which rows of the table were removed since, the steps have the last word.
    """
    file = pages(data, log)
    gone = free(file)
    found = _sorted(file, gone or frozenset())
    off = {number for number, row in found.steps.items() if row[4] != StepState.DONE}
    unread: set[object] = set()  # places, or rows where not even that reads

    def read(labels: dict[Place, Label | None], place: StoredRow, value: object, row: object) -> None:
        place_or_row = row
        try:
            place_or_row = where = stored_place(place)
            label = stored_label(value)
            if label is not None and label.emotion is not None and label.emotion not in emotions:
                raise UnreadableError(f"no emotion {label.emotion}")
        except UnreadableError:
            unread.add(place_or_row)
        else:
            labels[where] = label

    told: dict[Place, Label | None] = {}
    for number, (_, step, *place, _, after) in sorted(found.changes.items()):
        if step not in off:
            read(told, tuple(place), after, ("change", number))
    standing: dict[Place, Label | None] = {}
    for number, (_, *place, value) in sorted(found.labels.items()):
        read(standing, tuple(place), value, ("label", number))
    both = told | standing if gone is not None else standing | told
    labels = {place: label for place, label in both.items() if label is not None}
    return Salvage(_layers(found, is_name), labels, len(unread - both.keys()))


def _sorted(file: Pages, gone: frozenset[int]) -> _Found:
    found = _Found()
    for page, number, row in rows(file):
        if len(row) == _CHANGE:
            found.changes[number] = row
        elif len(row) == _LABEL and row[4] in set(StepState):
            found.steps[number] = row
        elif len(row) == _LABEL and isinstance(row[1], int) and page not in gone:
            found.labels[number] = row
        elif len(row) == _LAYER and isinstance(row[1], str):
            found.layers[number] = row
    return found


def _layers(found: _Found, is_name: Callable[[object], bool]) -> dict[int, str]:
    """Names of the layers, and of those whose name is lost."""
    layers: dict[int, str] = {}
    taken = {GOLD}
    for number, (_, name, deleted) in sorted(found.layers.items()):
        if not deleted and isinstance(name, str) and is_name(name) and name.casefold() not in taken:
            layers[number] = name
            taken.add(name.casefold())
    return layers
