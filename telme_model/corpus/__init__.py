"""Corpora of conversations: what a dialogue is, and one reader per source.

    corpus = open_corpus(Path("MELD.Raw"))
    for dialogue in corpus.dialogues: ...

Nothing here needs torch. `health` looks at the annotations more closely, and `media.health` at the clips too.
"""

from collections.abc import Callable
from pathlib import Path

from telme_model.corpus import emorynlp, iemocap, meld
from telme_model.corpus.dialogue import (
    Clip,
    Corpus,
    CorpusError,
    Dialogue,
    Modality,
    Problem,
    Severity,
    Split,
    Turn,
    TurnId,
)
from telme_model.corpus.folder import Folder, look_into

__all__ = [
    "Clip",
    "Corpus",
    "CorpusError",
    "Dialogue",
    "Modality",
    "Problem",
    "Severity",
    "Split",
    "Turn",
    "TurnId",
    "open_corpus",
]

_Recognise = Callable[[Folder], Path | None]
_Read = Callable[[Folder], Corpus]
_SOURCES: dict[str, tuple[_Recognise, _Read]] = {
    "MELD": (meld.recognise, meld.read),
    "EmoryNLP": (emorynlp.recognise, emorynlp.read),
    "IEMOCAP": (iemocap.recognise, iemocap.read),
}


def open_corpus(root: Path) -> Corpus:
    """Read the corpus in `root`, whichever it is; its annotation files may lie up to two levels down.

    Rows, columns, files and splits that cannot be read become `Corpus.problems`. Media files are not looked at.
    Raises CorpusError when the folder is missing, unreadable, holds no known corpus or several, or has no turn.
    """
    folder = look_into(root)
    signs = {name: sign for name, (recognise, _) in _SOURCES.items() if (sign := recognise(folder))}
    if not signs:
        raise CorpusError(_nothing_found(folder))
    nearest = min(folder.depth(sign) for sign in signs.values())
    names = [name for name, sign in signs.items() if folder.depth(sign) == nearest]
    if len(names) > 1:
        places = ", ".join(f"{name} in '{signs[name].parent}'" for name in names)
        raise CorpusError(f"'{folder.root}' holds more than one corpus ({places}): open the folder of one of them.")
    _, read = _SOURCES[names[0]]
    return read(folder)


def _nothing_found(folder: Folder) -> str:
    reason = (
        f"No corpus was found in '{folder.root}' or two levels below. Looked for MELD (train_sent_emo.csv, ...), "
        "EmoryNLP (emorynlp_train_final.csv, ...) and IEMOCAP (IEMOCAP_train.csv, ..., or the folders "
        "Session1/dialog/transcriptions, ...)."
    )
    if archives := folder.archives():
        reason += f" {archives[0].relative_to(folder.root)} is still packed: unpack it first."
    return reason
