"""Label sets by name and order: the only place they are written.

Labels are stored and exchanged by name. The order below (alphabetical, as in the released TelME code) only
fixes which output unit of a classifier stands for which name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The emotions of one annotation scheme, in the order of the classifiers' outputs."""

    name: str
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def index(self, label: str) -> int:
        """Output unit of `label`. Raises ValueError naming the label and the set."""
        try:
            return self.labels.index(label)
        except ValueError:
            raise ValueError(f"'{label}' is not an emotion of {self.name}: {', '.join(self.labels)}") from None


MELD = LabelSet("meld", ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"))
EMORYNLP = LabelSet("emorynlp", ("joyful", "mad", "neutral", "peaceful", "powerful", "sad", "scared"))
IEMOCAP = LabelSet("iemocap", ("angry", "excited", "frustrated", "happy", "neutral", "sad"))

LABEL_SETS = {labels.name: labels for labels in (MELD, EMORYNLP, IEMOCAP)}
_OWN = "own:"  # begins the name of a set that a table brought; the emotions follow, so that the name tells them all
_MOST = 40  # emotions, and the longest name of one


def label_set(name: str) -> LabelSet:
    """The label set of this name. Raises KeyError when there can be none such."""
    if not name.startswith(_OWN):
        return LABEL_SETS[name]
    labels = tuple(map(unquote, name.removeprefix(_OWN).split("+")))
    if own_labels(labels).name != name:
        raise KeyError(name)
    return LabelSet(name, labels)


def is_label_set(name: str) -> bool:
    """Whether there can be a label set of this name."""
    try:
        label_set(name)
    except (KeyError, ValueError):
        return False
    return True


def labels_for(emotions: Iterable[str]) -> LabelSet:
    """The label set that a table with these emotions is of: the first known one that has them all, or its own.

    Raises ValueError with a sentence when they cannot be emotions.
    """
    found = frozenset(emotions)
    return next((labels for labels in LABEL_SETS.values() if found <= set(labels.labels)), None) or own_labels(found)


def own_labels(emotions: Iterable[str]) -> LabelSet:
    """A label set of these emotions alone. Raises ValueError with a sentence when they cannot be emotions."""
    labels = tuple(sorted(set(emotions)))
    if len(labels) > _MOST:
        raise ValueError(f"{len(labels)} different labels are no emotions ({', '.join(labels[:3])}, ...)")
    if not labels or any(not 0 < len(label) <= _MOST for label in labels):
        raise ValueError(f"a label is a name of at most {_MOST} letters")
    return LabelSet(_OWN + "+".join(quote(label, safe=" /&") for label in labels), labels)
