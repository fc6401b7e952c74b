"""Label sets by name and order: the only place they are written.

Labels are stored and exchanged by name. The order below (alphabetical, as in the released TelME code) only
fixes which output unit of a classifier stands for which name.
"""

from dataclasses import dataclass


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
