"""What a label is, and the layers that hold labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from telme_model.corpus.dialogue import GOLD, TurnId

__all__ = ["ADJUDICATED", "GOLD", "Label", "LayerLabels", "Origin", "Scope"]

ADJUDICATED = "adjudicated"  # the layer that settles what annotators disagree on


class Scope(StrEnum):
    """What the annotator was given when labelling: the whole turn, or one modality of it alone."""

    ALL = "all"
    TEXT = "text"
    SOUND = "sound"
    FACE = "face"


class Origin(StrEnum):
    """How a label came about: without a look at any prediction or other label, with one, or from a file."""

    BLIND = "blind"
    ASSISTED = "assisted"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What one annotator says of one turn. Without an emotion it is a remark: a flag, a comment, a doubt."""

    emotion: str | None = None  # by name
    unsure: bool = False
    flag: bool = False
    comment: str = ""
    origin: Origin = Origin.ASSISTED
    run: str = ""  # the run whose suggestion was seen; "" where none was
    time: float = 0.0  # seconds since the epoch, UTC
    source: str = ""  # the file that it came from, or was changed by, at `time`; "" where a person gave it here


LayerLabels = Mapping[TurnId, Label]  # of one layer
