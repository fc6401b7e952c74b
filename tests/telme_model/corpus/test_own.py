"""Tables of any kind as a corpus: encodings, separators, spreadsheets, columns and labels of other names."""

import csv
import datetime
import io
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from telme_model.corpus import Clip, Corpus, CorpusError, Reading, Severity, Split, open_corpus
from telme_model.corpus.reading import guessed, remember, remembered
from telme_model.paths import readings_folder

HEADER = ("Conversation ID", "Turn", "Name", "Sentence", "Label", "Start", "End")
ROWS = [
    ("a", 0, "Ana", "Olá, tudo bem?", "joy", 0.0, 1.5),
    ("a", 1, "Bo", "Não; “nunca”.", "anger", 1.5, 3.0),
    ("b", 0, "Ana", "…", "", 0.25, 62.5),
]
SAID = [row[3] for row in ROWS]


def delimited(mark: str, encoding: str, *, decimal: str = ".", before: str = "") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        file = io.StringIO()
        writer = csv.writer(file, delimiter=mark)
        writer.writerow(HEADER)
        for row in ROWS:
            writer.writerow(str(cell).replace(".", decimal) if isinstance(cell, float) else cell for cell in row)
        path = folder / ("talk.tsv" if mark == "\t" else "talk.csv")
        path.write_bytes((before + file.getvalue()).encode(encoding))
        return path

    return write


def workbook(folder: Path) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "empty"
    sheet = book.create_sheet("turns")
    sheet.append([])
    sheet.append(HEADER)
    for number, row in enumerate(ROWS):
        times = (datetime.time(0, 0, 1, 500_000), "0:00:03,0") if number == 1 else row[-2:]
        sheet.append([*row[:-2], *times])
    book.save(folder / "talk.xlsx")
    return folder / "talk.xlsx"


TABLES = {
    "commas": delimited(",", "utf-8"),
    "byte order mark": delimited(",", "utf-8-sig"),
    "semicolons and decimal commas": delimited(";", "cp1252", decimal=","),
    "tabs in UTF-16": delimited("\t", "utf-16", decimal=","),
    "separator named": delimited(";", "utf-8-sig", before="sep=;\n"),
    "blank lines first": delimited("|", "utf-8", before="\n\n"),
    "Excel": workbook,
}


@pytest.mark.parametrize("whole_folder", [True, False], ids=["folder", "file"])
@pytest.mark.parametrize("write", TABLES.values(), ids=TABLES)
def test_a_table_is_read_whatever_wrote_it(tmp_path: Path, write: Callable[[Path], Path], whole_folder: bool) -> None:
    path = write(tmp_path)
    corpus = open_corpus(tmp_path if whole_folder else path)
    assert corpus.root == (tmp_path if whole_folder else path)
    assert corpus.kind == "table"
    turns = list(corpus.turns())
    assert [turn.text for turn in turns] == SAID
    assert [str(turn.id) for turn in turns] == ["test/diaa_utt0", "test/diaa_utt1", "test/diab_utt0"]
    assert [turn.speaker for turn in turns] == ["Ana", "Bo", "Ana"]
    assert [turn.gold for turn in turns] == ["joy", "anger", None]
    assert [(turn.start, turn.end) for turn in turns] == [(0.0, 1.5), (1.5, 3.0), (0.25, 62.5)]
    assert corpus.labels.name == "meld"
    assert not [problem for problem in corpus.problems if problem.severity is Severity.FATAL]


def write(folder: Path, name: str, *lines: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


def codes(corpus: Corpus) -> list[str]:
    return [problem.code for problem in corpus.problems if problem.code != "no-clips"]


def ids(corpus: Corpus) -> list[str]:
    return [str(turn.id) for turn in corpus.turns()]


def test_without_ids_a_table_is_a_dialogue_and_turns_count_in_order(tmp_path: Path) -> None:
    write(tmp_path, "evening.csv", "text", "One.", "Two.")
    write(tmp_path, "morning.csv", "text", "Three.")
    corpus = open_corpus(tmp_path)
    assert ids(corpus) == ["test/diaevening_utt0", "test/diaevening_utt1", "test/diamorning_utt0"]
    assert {turn.speaker for turn in corpus.turns()} == {"?"}
    assert codes(corpus) == ["columns", "columns", "one-split"]


def test_numbers_that_are_none_are_places_in_the_dialogue(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "dialogue_id,utterance_id,text", "1.0,u-1,A", "2.0,u-1,B", "1.0,u-2,C", "1.0,3,D")
    assert ids(open_corpus(tmp_path)) == ["test/dia1_utt0", "test/dia1_utt1", "test/dia1_utt2", "test/dia2_utt0"]


def test_splits_come_from_a_column_or_a_table_each(tmp_path: Path) -> None:
    rows = ("text,dialog,set", "A,0,train", "B,0,Validation", "C,0,TEST", "D,1,fold 3", "E,1,fold 4")
    corpus = open_corpus(write(tmp_path / "one", "all.csv", *rows))
    assert ids(corpus) == [
        "train/dia0_utt0", "dev/dia0_utt0", "test/dia0_utt0", "test/dia1_utt0", "test/dia1_utt1",
    ]  # fmt: skip
    assert codes(corpus) == ["unknown-split", "columns"]
    for name in ("train.csv", "val/data.csv", "my_test_set.csv", "words.csv"):
        write((tmp_path / "several" / name).parent, Path(name).name, "text,dialog", "A,0")
    corpus = open_corpus(tmp_path / "several")
    assert ids(corpus) == ["train/dia0_utt0", "test/dia0_utt0"]  # the nearest ones
    assert codes(corpus).count("ignored-file") == 1


def test_dialogues_of_two_tables_are_two(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "text,dialogue", "A,0", "B,x/y")
    write(tmp_path, "b.csv", "text,dialogue", "C,0", "D,x y")
    assert [turn.id.dialogue for turn in open_corpus(tmp_path).turns()] == ["0", "x_y", "0_2", "x_y_2"]


def test_scenes_of_a_series_are_named_with_season_and_episode(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "text,Scene_ID,Season,Episode", "A,1,1.0,2", "B,1,1.0,3")
    turns = list(open_corpus(tmp_path).turns())
    assert [(turn.id.dialogue, turn.season, turn.episode) for turn in turns] == [("1-2-1", 1, 2), ("1-3-1", 1, 3)]


@pytest.mark.parametrize(
    ("labels", "name"),
    [("happy,sad", "iemocap"), ("Joy,SADNESS", "meld"), ("calm,bored", "own:bored+calm"), (",", "meld")],
)
def test_any_set_of_labels(tmp_path: Path, labels: str, name: str) -> None:
    corpus = open_corpus(write(tmp_path, "a.csv", "text,emotion", *(f"A,{label}" for label in labels.split(","))))
    assert corpus.labels.name == name
    assert [turn.gold for turn in corpus.turns()] == [label.lower() or None for label in labels.split(",")]


def test_melds_layout_with_labels_of_its_own(tmp_path: Path) -> None:
    header = "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID"
    for split in Split:
        write(tmp_path, f"{split}_sent_emo.csv", header, "A,Ada,Happy,0,1", "B,Bo,Calm,0,2")
    (tmp_path / "train_splits").mkdir()
    (tmp_path / "train_splits" / "dia0_utt1.mp4").touch()
    corpus = open_corpus(tmp_path)
    assert (corpus.kind, corpus.labels.labels, corpus.splits()) == ("table", ("calm", "happy"), tuple(Split))
    assert [turn.gold for turn in corpus.turns(Split.DEV)] == ["happy", "calm"]
    assert next(corpus.turns()).video == Clip(tmp_path / "train_splits" / "dia0_utt1.mp4")


def test_melds_layout_with_another_name_for_the_emotions(tmp_path: Path) -> None:
    write(tmp_path, "train_sent_emo.csv", "Utterance,Speaker,Label,Dialogue_ID,Utterance_ID", "A,Ada,joy,0,1")
    corpus = open_corpus(tmp_path)
    assert (corpus.labels.name, [turn.gold for turn in corpus.turns()]) == ("meld", ["joy"])


def test_names_of_labels_are_mapped(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "text,emotion", "A,Happy", "B,mad", "C,x", "D,1.0", "E,fear")
    reading = Reading().with_words(emotions=["happy=Joy,MAD=anger", "x=,1=sadness"])
    corpus = open_corpus(tmp_path, reading)
    assert [turn.gold for turn in corpus.turns()] == ["joy", "anger", None, "sadness", "fear"]
    assert corpus.labels.name == "meld"


def test_names_of_labels_without_their_column_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Said,Feels\nHello,happy\n", encoding="utf-8")
    told = ["text=Said"]
    warned = [problem.code for problem in open_corpus(tmp_path, Reading().with_words(told, ["happy=joy"])).problems]
    assert "no-labels" in warned
    corpus = open_corpus(tmp_path, Reading().with_words([*told, "emotion=Feels"], ["happy=joy"]))
    assert [turn.gold for turn in corpus.turns()] == ["joy"]
    assert "no-labels" not in {problem.code for problem in corpus.problems}


def test_what_holds_no_emotions_says_so(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "text,label", *(f"A,{n}" for n in range(100)))
    with pytest.raises(CorpusError, match=r"'label' of a\.csv does not hold emotions: 100 different labels .*emotion="):
        open_corpus(tmp_path)
    assert len(list(open_corpus(tmp_path, Reading(columns={"emotion": ""})).turns())) == 100


UNKNOWN = {
    "unknown words": (Reading(), "a.csv has no column that is known to hold the words"),
    "column not there": (Reading({"text": "said"}), "a.csv has no column 'said'"),
    "other not there": (Reading({"text": "frase", "speaker": "who"}), "a.csv has no column 'who' for speaker"),
}  # fmt: skip


@pytest.mark.parametrize(("reading", "sentence"), UNKNOWN.values(), ids=UNKNOWN)
def test_columns_that_are_not_known_are_named(tmp_path: Path, reading: Reading, sentence: str) -> None:
    with pytest.raises(CorpusError) as caught:
        open_corpus(write(tmp_path, "a.csv", "id,frase", "1,A"), reading)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no workbook", b"text\n"], ids=["empty", "garbage", "text"])
def test_a_spreadsheet_that_is_none_says_so(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(data)
    with pytest.raises(CorpusError, match=r"a\.xlsx is (no Excel table that can be read|empty)"):
        open_corpus(tmp_path / "a.xlsx")


# What was said is remembered


def test_what_was_said_is_remembered_beside_the_users_data(tmp_path: Path) -> None:
    corpus = write(tmp_path / "corpus", "a.csv", "frase,quem", "A,Ana")
    before = sorted(corpus.rglob("*"))
    remember(corpus, Reading().with_words(columns=["text=frase", "speaker=quem"]))
    assert next(open_corpus(corpus).turns()).speaker == "Ana"
    assert next(open_corpus(corpus / ".." / "corpus").turns()).text == "A"
    assert sorted(corpus.rglob("*")) == before
    assert remembered(tmp_path) == Reading()
    remember(corpus, remembered(corpus).with_words(columns=["auto"]))
    with pytest.raises(CorpusError, match="known to hold the words"):
        open_corpus(corpus)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"columns": {"text": 3}, "emotions": {}, "realigned": ""}'])
def test_what_cannot_be_remembered_is_forgotten(tmp_path: Path, text: str) -> None:
    remember(tmp_path, Reading({"text": "a"}))
    [place] = readings_folder().iterdir()
    assert json.loads(place.read_text(encoding="utf-8"))["columns"] == {"text": "a"}
    place.write_text(text, encoding="utf-8")
    assert remembered(tmp_path) == Reading()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("words=a", "A turn has no field 'words': the fields are text, speaker,"),
        ("text", "'text' names nothing: write"),
    ],
)
def test_what_cannot_be_said_is_a_sentence(words: str, sentence: str) -> None:
    with pytest.raises(CorpusError, match=sentence):
        Reading().with_words(columns=[words])


def test_a_column_may_have_commas_in_its_name() -> None:
    reading = Reading().with_words(columns=['"text=What, he said",speaker=Who'])
    assert reading.columns == {"text": "What, he said", "speaker": "Who"}


def test_names_of_columns_tell_what_they_are() -> None:
    assert guessed(["", "Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"]) == {
        "text": "Utterance", "speaker": "Speaker", "emotion": "Emotion", "sentiment": "Sentiment",
        "dialogue": "Dialogue_ID", "utterance": "Utterance_ID",
    }  # fmt: skip
    assert guessed(["utterance", "text", "name"]) == {"text": "utterance", "speaker": "name"}
    assert guessed(["a", "b"]) == {}


# Clips


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_clips_are_found_by_path_by_name_and_by_numbers(tmp_path: Path) -> None:
    touch(tmp_path, "media/a.mp4", "media/deep/b.wav", "media/dia3_utt7.mkv", "media/talk_8.mov")
    write(
        tmp_path,
        "t.csv",
        "text,dialogue,turn,clip",
        "A,3,0,media/a.mp4",
        "B,3,1,B.wav",
        "C,3,2,b",
        "D,3,7,",
        "E,talk,8,",
    )
    clips = [(turn.video, turn.audio) for turn in open_corpus(tmp_path).turns()]
    a, b, c, d = (Clip(tmp_path / f"media/{n}") for n in ("a.mp4", "deep/b.wav", "dia3_utt7.mkv", "talk_8.mov"))
    assert clips == [(a, a), (None, b), (None, b), (c, c), (d, d)]


def test_turns_of_one_film_are_its_windows(tmp_path: Path) -> None:
    touch(tmp_path, "film.mp4", "own.mp4", "talk.mp4", "talk.wav")
    rows = (
        "text,dialogue,start,end,video",
        "A,x,0,1.5,film.mp4",
        "B,x,1.5,2,film.mp4",
        "C,x,0,3,own.mp4",
        "D,talk,1,2,",
    )
    windows = [turn.video for turn in open_corpus(write(tmp_path, "t.csv", *rows)).turns()]
    film = tmp_path / "film.mp4"
    talk = Clip(tmp_path / "talk.mp4", 1.0, 2.0, tmp_path / "talk.wav")
    assert windows == [Clip(film, 0.0, 1.5), Clip(film, 1.5, 2.0), Clip(tmp_path / "own.mp4"), talk]


@pytest.mark.parametrize("path", ["../a.mp4", "/etc/passwd", "C:\\a.mp4", "link/a.mp4"])
def test_a_table_names_nothing_outside(tmp_path: Path, path: str) -> None:
    touch(tmp_path, "outside/a.mp4")
    corpus = write(tmp_path / "corpus", "t.csv", "text,video", f"A,{path}")
    (corpus / "link").symlink_to(tmp_path / "outside")
    found = open_corpus(corpus)
    assert next(found.turns()).video is None or path.endswith("a.mp4")
    assert [problem.row for problem in found.problems if problem.code == "path-outside"] == [2]
