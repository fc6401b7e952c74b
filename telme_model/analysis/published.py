"""Published weighted F1 scores in per cent, to set beside ours.

Tables are those of Yun et al., "TelME: Teacher-leading Multimodal Fusion Network for Emotion Recognition in
Conversation" (NAACL 2024, arXiv 2401.12987). None stands for a score that is not reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Published:
    """One row of a published table; `meld_f1` is F1 by emotion on MELD where reported."""

    name: str
    meld: float | None
    iemocap: float | None
    source: str
    meld_f1: Mapping[str, float] = field(default_factory=dict)


TELME = Published(
    "TelME",
    67.37,
    70.48,
    "table 2",
    {
        "neutral": 80.22,
        "surprise": 60.33,
        "fear": 26.97,
        "sadness": 43.45,
        "joy": 65.67,
        "disgust": 26.42,
        "anger": 56.70,
    },
)

_EMOTIONS = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")  # the columns of table 2


def _system(name: str, meld: float, iemocap: float | None, *f1: float | None) -> Published:
    columns = dict(zip(_EMOTIONS, f1, strict=True)) if f1 else {}
    reported = {emotion: value for emotion, value in columns.items() if value is not None}
    return Published(name, meld, iemocap, "table 2", reported)


SYSTEMS = (
    _system("DialogueRNN", 57.03, 62.75, 73.50, 49.40, 1.20, 23.80, 50.70, 1.70, 41.50),
    _system("ConGCN", 59.40, 64.18, 76.70, 50.30, 8.70, 28.50, 53.10, 10.60, 46.80),
    _system("MMGCN", 58.65, 66.22),
    _system("DialogueTRM", 63.50, 69.23),
    _system("DAG-ERC", 63.65, 68.03),
    _system("MM-DFN", 59.46, 68.18, 77.76, 50.69, None, 22.94, 54.78, None, 47.82),
    _system("M2FNet", 66.71, 69.86),
    _system("EmoCaps", 64.00, 71.77, 77.12, 63.19, 3.03, 42.52, 57.50, 7.69, 57.54),
    _system("UniMSE", 65.51, 70.66),
    _system("GA2MIF", 58.94, 70.00, 76.92, 49.08, None, 27.18, 51.87, None, 48.52),
    _system("FacialMMT", 66.58, None, 80.13, 59.63, 19.18, 41.99, 64.88, 18.18, 56.00),
)

ABLATION = (
    Published("concatenation", 67.04, 63.33, "table 3"),
    Published("ASF", 66.75, 68.19, "table 3"),
    Published("ASF + L_response", 67.23, 69.42, "table 3"),
    Published("ASF + L_response + L_feature", 67.37, 70.48, "table 3"),
)

# Tables 6 and 7 print text's 66.57 and 66.60 the other way round; table 8 agrees with table 4.
MODALITIES = (
    Published("audio", 46.60, 48.11, "table 4"),
    Published("visual", 36.72, 18.85, "table 4"),
    Published("text", 66.57, 66.60, "table 4"),
    Published("text + visual", 67.05, 67.94, "table 4"),
    Published("text + audio", 67.19, 69.26, "table 4"),
    Published("text + audio + visual", 67.37, 70.48, "table 4"),
)

TEACHERS = (
    Published("audio teacher", 56.28, 49.36, "table 5"),
    Published("visual teacher", 56.85, 56.78, "table 5"),
    Published("text teacher", 67.37, 70.48, "table 5"),
)

# A modality taught by itself is one trained without distillation.
STUDENTS = (
    Published("audio teacher, audio student", 44.55, 42.24, "tables 6 and 7"),
    Published("audio teacher, visual student", 34.86, 20.45, "tables 6 and 7"),
    Published("audio teacher, text student", 54.83, 57.42, "tables 6 and 7"),
    Published("visual teacher, audio student", 40.18, 44.13, "tables 6 and 7"),
    Published("visual teacher, visual student", 36.14, 22.06, "tables 6 and 7"),
    Published("visual teacher, text student", 59.72, 63.94, "tables 6 and 7"),
    Published("text teacher, audio student", 46.60, 48.11, "tables 6 and 7"),
    Published("text teacher, visual student", 36.72, 18.85, "tables 6 and 7"),
    Published("text teacher, text student", 66.57, 66.60, "table 4"),
)

PROMPT = (
    Published("context without prompt", 65.25, 66.48, "table 8"),
    Published("context and prompt", 66.57, 66.60, "table 8"),
)

LATER = (
    Published("same recipe, Findings of EACL 2026", 67.75, 72.44, "Findings of EACL 2026"),
    Published("PRC-Emo (8B language model, text only)", 70.44, None, "PRC-Emo"),
)
