"""What a prediction record has to be before anything counts on it."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from telme_model.analysis.models import FUSED, TITLES, student_key
from telme_model.corpus.dialogue import Modality, Split

Emotions = AbstractSet[str]
Check = Callable[[Any, Emotions], bool]

_SPLITS, _MODALITIES = frozenset(map(str, Split)), frozenset(map(str, Modality))
_DISPLACEMENT = frozenset({"text_norm", "h_norm", "lambda", "shift", "theta", "open_gates"})
_OPTIONAL = student_key(Modality.TEXT)  # in runs alone that another modality teaches
_ROUNDED = 1e-3  # by which rounded probabilities may miss 1
_LARGEST = 1e30  # what single precision holds, with room


def check_record(record: Mapping[str, Any], labels: Emotions) -> None:
    """Raise ValueError, saying what is wrong, unless all fields are there, of these emotions, and their numbers sound.

    Thousands of records are read before a window shows anything: the numbers of a table are looked at together.
    """
    for name, (is_sound, wanted) in _FIELDS.items():
        if name not in record and name != _OPTIONAL:
            raise ValueError(f"it has no {name}")
        if not is_sound(record.get(name), labels):
            raise ValueError(f"its {name} is not {wanted.format(emotions=', '.join(sorted(labels)))}")


def _has_numbers(value: Any, names: Emotions) -> bool:
    try:
        # No sum with a NaN or an infinity in it is below anything.
        return bool(value.keys() == names and abs(sum(value.values())) < _LARGEST)
    except (AttributeError, TypeError, OverflowError):
        return False


def _has_probabilities(value: Any, labels: Emotions) -> bool:
    return _has_numbers(value, labels) and min(value.values()) >= 0 and abs(sum(value.values()) - 1) < _ROUNDED


def _has_shares(value: Any, labels: Emotions) -> bool:
    return isinstance(value, dict) and all(
        name in _MODALITIES and (shares is None or _has_numbers(shares, labels)) for name, shares in value.items()
    )


def _or_none(is_sound: Check) -> Check:
    return lambda value, labels: value is None or is_sound(value, labels)


_TEXT = (lambda value, _: isinstance(value, str), "a text")
_PROBABILITIES = (_has_probabilities, "the probabilities of {emotions}")
_PROBABILITIES_OR_NONE = (_or_none(_has_probabilities), _PROBABILITIES[1])
_SHARES = (_or_none(_has_shares), "shares of the modalities in {emotions}")
_FIELDS: dict[str, tuple[Check, str]] = {
    "split": (lambda value, _: isinstance(value, str) and value in _SPLITS, "one of train, dev, test"),
    "dialogue": _TEXT,
    "utterance": (lambda value, _: isinstance(value, int), "a whole number"),
    "speaker": _TEXT,
    "text": _TEXT,
    "gold": (_or_none(lambda value, labels: isinstance(value, str) and value in labels), "one of {emotions}"),
    **dict.fromkeys(TITLES, _PROBABILITIES_OR_NONE),
    FUSED: _PROBABILITIES,
    "displacement": (_or_none(lambda value, _: _has_numbers(value, _DISPLACEMENT)), "the numbers of a displacement"),
    "unshifted": _PROBABILITIES_OR_NONE,
    "shapley": _SHARES,
    "baseline": _PROBABILITIES_OR_NONE,
    "shift_shares": _SHARES,
    "missing": (
        lambda value, _: isinstance(value, list) and all(isinstance(m, str) and m in _MODALITIES for m in value),
        "a list of modalities",
    ),
    "run": _TEXT,
}
