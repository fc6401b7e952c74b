"""The toy corpus as people have theirs: other layouts, tables, columns and labels, some or all turns unlabelled."""

import csv
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import openpyxl

from telme_model.corpus import Reading, Split
from telme_model.corpus.meld import CLIP_FOLDERS
from tests.support.clips import write_clip
from tests.support.corpora import rows

Rows = Iterable[dict[str, object]]
Make = Callable[[Path, Path], None]  # the toy corpus, and the folder to fill


@dataclass(frozen=True, slots=True)
class Kind:
    """A corpus: how it is made, how it is read, and what it then holds."""

    make: Make
    labels: str = "meld"
    reading: Reading | None = None
    unlabelled: int = 0  # turns
    trainable: bool = True
    clips: bool = True


def _tables(toy: Path, root: Path) -> None:
    for table in toy.glob("*.csv"):
        shutil.copy(table, root)


def _placed(name: Callable[[Split, int, int], str]) -> Make:
    """MELD's tables, and every clip under another name."""

    def make(toy: Path, root: Path) -> None:
        _tables(toy, root)
        for split, folder in CLIP_FOLDERS.items():
            for clip in (toy / folder).iterdir():
                dialogue, utterance = (int(part[3:]) for part in clip.stem.split("_"))
                place = root / name(split, dialogue, utterance)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(clip, place)

    return make


def _sounds(toy: Path, root: Path) -> None:
    _tables(toy, root)
    sound = write_clip(root / "sound.wav", seconds=0.6, picture=False, channels=1, codecs=("", "pcm_s16le"))
    for split, folder in CLIP_FOLDERS.items():
        (root / folder).mkdir()
        for row in rows(split):
            shutil.copy(sound, root / folder / f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.wav")
    sound.unlink()


def _named(toy: Path, root: Path) -> None:
    """Clips in a folder of one's own under any name, and a column that says which."""
    (root / "material").mkdir()
    for split, folder in CLIP_FOLDERS.items():
        table = []
        for number, row in enumerate(rows(split)):
            clip = toy / folder / f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}.mp4"
            path = f"material/{split} {number}.mp4"
            if clip.exists():
                shutil.copy(clip, root / path)
            table.append({**row, "Video_Path": f"./data/{path}"})
        _write(root / f"{split}_sent_emo.csv", table)


def _write(path: Path, table: Sequence[dict[str, object]], mark: str = ",", encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, table[0], delimiter=mark)
        writer.writeheader()
        writer.writerows(table)


def _everything(names: dict[str, str], **changes: Callable[[object], object]) -> list[dict[str, object]]:
    """All rows with columns of these names, and one for the split; `changes` by the new name."""
    return [
        {"part": split} | {new: changes.get(new, lambda value: value)(row[old]) for old, new in names.items()}
        for split in Split
        for row in rows(split)
    ]


MINE = {
    "Utterance": "sentence", "Speaker": "who", "Emotion": "feeling", "Dialogue_ID": "conversation",
    "Utterance_ID": "turn",
}  # fmt: skip
STRANGE = {
    "Utterance": "frase", "Speaker": "quem", "Emotion": "humor", "Dialogue_ID": "conversa", "Utterance_ID": "n",
}  # fmt: skip
PORTUGUESE = {
    "joy": "alegria", "anger": "raiva", "sadness": "tristeza", "fear": "medo", "surprise": "surpresa",
    "disgust": "nojo", "neutral": "neutro",
}  # fmt: skip
OWN = {"joy": "calm", "anger": "tense", "sadness": "calm", "fear": "tense"}


def _semicolons(toy: Path, root: Path) -> None:
    _write(
        root / "alles.csv", [{"set" if k == "part" else k: v for k, v in row.items()} for row in _everything(MINE)], ";"
    )
    _clips(toy, root)


def _clips(toy: Path, root: Path) -> None:
    for folder in CLIP_FOLDERS.values():
        shutil.copytree(toy / folder, root / folder)


def _sheets(toy: Path, root: Path) -> None:
    for split in Split:
        book = openpyxl.Workbook()
        assert book.active is not None
        table = [{k: v for k, v in row.items() if k != "part"} for row in _everything(MINE) if row["part"] is split]
        book.active.append(list(table[0]))
        for row in table:
            book.active.append([float(v) if isinstance(v, int) else v for v in row.values()])
        book.save(root / f"{split}.xlsx")
    _clips(toy, root)


def _foreign(toy: Path, root: Path) -> None:
    table = _everything(STRANGE, humor=lambda name: PORTUGUESE[str(name)])
    _write(root / "dados.tsv", table, "\t", "utf-16")
    _clips(toy, root)


def _own_labels(toy: Path, root: Path) -> None:
    for split in Split:
        _write(
            root / f"{split}_sent_emo.csv",
            [{**row, "Emotion": OWN.get(str(row["Emotion"]), "flat")} for row in rows(split)],
        )
    _clips(toy, root)


def _words(toy: Path, root: Path) -> None:
    """Words alone, in one folder a split."""
    for split in Split:
        (root / str(split)).mkdir()
        table = [{k: v for k, v in row.items() if k != "part"} for row in _everything(MINE) if row["part"] is split]
        _write(root / str(split) / "talk.csv", table, encoding="utf-8-sig")
    assert toy.is_dir()


def _bare(every: int) -> Make:
    """MELD's layout with the label of every so-manieth turn taken away."""

    def make(toy: Path, root: Path) -> None:
        for split in Split:
            _write(
                root / f"{split}_sent_emo.csv",
                [{**row, "Emotion": "" if n % every == 0 else row["Emotion"]} for n, row in enumerate(rows(split))],
            )
        _clips(toy, root)

    return make


def _transcript(toy: Path, root: Path) -> None:
    _write(root / "interview.csv", [{"speaker": row["Speaker"], "text": row["Utterance"]} for row in rows(Split.TEST)])
    assert toy.is_dir()


_TOLD = Reading().with_words(
    columns=["text=frase,speaker=quem,emotion=humor,dialogue=conversa,utterance=n,split=part"],
    emotions=[",".join(f"{theirs}={ours}" for ours, theirs in PORTUGUESE.items())],
)
_TURNS = {split: sum(1 for _ in rows(split)) for split in Split}
_THIRD = sum(-(-turns // 3) for turns in _TURNS.values())

KINDS = {
    "clips by split": Kind(_placed(lambda split, d, u: f"clips/{split}/dia{d}_utt{u}.mp4")),
    "a folder a dialogue": Kind(_placed(lambda split, d, u: f"{split}/dia{d}/utt{u}.mkv")),
    "other names": Kind(_placed(lambda split, d, u: f"media/{split}_dia{d:04}_utt{u:03}.MP4")),
    "sounds alone": Kind(_sounds),
    "clips named by the table": Kind(_named),
    "semicolons": Kind(_semicolons),
    "Excel": Kind(_sheets),
    "Portuguese": Kind(_foreign, reading=_TOLD),
    "labels of its own": Kind(_own_labels, labels="own:calm+flat+tense"),
    "words alone": Kind(_words, clips=False),
    "partly labelled": Kind(_bare(3), unlabelled=_THIRD),
    "unlabelled": Kind(_bare(1), unlabelled=sum(_TURNS.values()), trainable=False),
    "a transcript": Kind(_transcript, unlabelled=_TURNS[Split.TEST], trainable=False, clips=False),
}
