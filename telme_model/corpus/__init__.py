"""Corpora of conversations: what a dialogue is, and one reader per source.

    corpus = open_corpus(Path("MELD.Raw"))
    for dialogue in corpus.dialogues: ...

Nothing here needs torch. `health` looks at the annotations more closely, and `media.health` at the clips too.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from telme_model.corpus import emorynlp, iemocap, meld, own
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
from telme_model.corpus.reading import Reading, remembered
from telme_model.corpus.realignment import realigned
from telme_model.paths import as_written

__all__ = [
    "Clip",
    "Corpus",
    "CorpusError",
    "Dialogue",
    "Modality",
    "Problem",
    "Reading",
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


def open_corpus(root: Path, reading: Reading | None = None) -> Corpus:
    """Read the corpus in `root`, whichever it is; its annotation files may lie up to two levels down.

    `root` may also be one table. `reading` is how its tables are to be read, by default what is remembered of it.
    Rows, columns, files and splits that cannot be read become `Corpus.problems`. Media files are not looked at.
    Raises CorpusError when the folder is missing, unreadable, holds no known corpus or several, or has no turn.
    """
    root = as_written(root)
    if reading is None:
        reading = remembered(root)
    corpus = _open(root, reading)
    return realigned(corpus, Path(reading.realigned)) if reading.realigned else corpus


def _open(root: Path, reading: Reading) -> Corpus:
    if root.suffix.lower() in own.TABLES and root.is_file():
        folder = look_into(root.parent)
        return replace(own.read(folder, reading, own.one_table(root.absolute(), reading)), root=root.absolute())
    folder = look_into(root)
    if reading.columns:
        return _read_own(folder, reading)
    signs = {name: sign for name, (recognise, _) in _SOURCES.items() if (sign := recognise(folder))}
    if not signs:
        return _read_own(folder, reading)
    nearest = min(folder.depth(sign) for sign in signs.values())
    names = [name for name, sign in signs.items() if folder.depth(sign) == nearest]
    if len(names) > 1:
        places = ", ".join(f"{name} in '{signs[name].parent}'" for name in names)
        raise CorpusError(f"'{folder.root}' holds more than one corpus ({places}): open the folder of one of them.")
    corpus = _SOURCES[names[0]][1](folder)
    if reading.emotions or _has_own_labels(corpus, folder):
        return _read_own(folder, reading)
    return corpus


def _has_own_labels(corpus: Corpus, folder: Folder) -> bool:
    """Whether none of the labels is of the corpus' own set: a table in its layout, with labels of other names."""
    if any(turn.gold is not None for turn in corpus.turns()):
        return False
    if any(problem.code == "unknown-emotion" for problem in corpus.problems):
        return True
    unnamed = any((problem.code, problem.column) == ("missing-column", "Emotion") for problem in corpus.problems)
    return unnamed and any("emotion" in table.columns for table in own.tables_in(folder, Reading()))


def _read_own(folder: Folder, reading: Reading) -> Corpus:
    tables = own.tables_in(folder, reading)
    if tables:
        return own.read(folder, reading, tables)
    if (path := next(own.table_files(folder), None)) is not None and (header := own.header_of(path)):
        raise own.unknown_columns(path, header, reading)
    raise CorpusError(_nothing_found(folder))


def _nothing_found(folder: Folder) -> str:
    reason = (
        f"No corpus was found in '{folder.root}' or two levels below. Looked for MELD (train_sent_emo.csv, ...), "
        "EmoryNLP (emorynlp_train_final.csv, ...), IEMOCAP (IEMOCAP_train.csv, ..., or the folders "
        "Session1/dialog/transcriptions, ...) and any table of turns (.csv, .tsv, .xlsx)."
    )
    if archives := folder.archives():
        reason += f" {archives[0].relative_to(folder.root)} is still packed: unpack it first."
    return reason
