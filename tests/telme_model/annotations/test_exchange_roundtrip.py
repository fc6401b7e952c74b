"""Labels go out in each format and come back: nothing is lost that the format can hold, and others read it too."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st
from praatio.textgrid import openTextgrid
from pympi import Elan

from telme_model.annotations.exchange import ExchangeError, Format, Layers
from telme_model.annotations.labels import Label, Origin, Scope
from telme_model.corpus import Clip, Corpus, Dialogue, Split, Turn, TurnId, open_corpus
from telme_model.corpus.emotions import IEMOCAP, MELD
from tests.support.corpora import COLUMNS
from tests.support.exchange import labelled, take, write
from tests.support.released import Meld

DEMO = Path(__file__).parents[3] / "resources" / "demo" / "corpus"


def holdable(form: Format, layers: Layers) -> Layers:
    """What the format can hold: a table of MELD has one label a turn, all others everything."""
    if form is not Format.MELD:
        return layers
    return {name: {place: label for place, label in of.items() if place[0] is Scope.ALL} for name, of in layers.items()}


@pytest.fixture(scope="module")
def demo() -> Corpus:
    return open_corpus(DEMO)


@pytest.fixture(scope="module")
def anna(demo: Corpus) -> Layers:
    return labelled(demo, "anna")


@pytest.fixture(scope="module")
def released(meld: Meld) -> Corpus:
    return open_corpus(meld.root)


@pytest.mark.parametrize("form", Format)
def test_nothing_is_lost_on_the_demo_corpus(demo: Corpus, tmp_path: Path, form: Format) -> None:
    layers = labelled(demo, "anna", "Bo (face): é")
    report = write(form, tmp_path, demo, layers)
    incoming = take(report.files, demo)
    assert incoming.unplaced == ()
    assert incoming.placed == holdable(form, layers)
    assert report.labels == sum(map(len, holdable(form, layers).values()))
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path not in report.files]


@pytest.mark.parametrize("form", Format)
def test_nothing_is_lost_on_the_released_rows(released: Corpus, tmp_path: Path, form: Format) -> None:
    layers = {"anna": {(Scope.ALL, turn.id): Label(emotion=turn.gold, time=turn.row) for turn in released.turns()}}
    report = write(form, tmp_path, released, layers)
    incoming = take(report.files, released)
    assert (incoming.unplaced, incoming.placed == layers) == ((), True)


@pytest.mark.parametrize("split", Split)
def test_meld_rows_are_as_meld_writes_them(released: Corpus, meld: Meld, tmp_path: Path, split: Split) -> None:
    """Without a label the columns of MELD come out as they are in its own files, but for row numbers."""
    write(Format.MELD, tmp_path, released, {"anna": {}})
    with (meld.root / f"{split}_sent_emo.csv").open(encoding="utf-8", newline="") as file:
        theirs = {(row["Dialogue_ID"], row["Utterance_ID"]): row for row in csv.DictReader(file)}
    with (tmp_path / f"{split}_sent_emo.csv").open(encoding="utf-8-sig", newline="") as file:
        ours = list(csv.DictReader(file))
    assert tuple(ours[0])[: len(COLUMNS)] == COLUMNS
    assert len(ours) == len(theirs)
    for row in ours:
        wanted = theirs[row["Dialogue_ID"], row["Utterance_ID"]]
        for column in COLUMNS[2:9]:
            assert row[column] == wanted[column].strip()
        for column in COLUMNS[9:]:  # hours of one digit and thousandths of two are written in full
            assert seconds(row[column]) == pytest.approx(seconds(wanted[column]), abs=1e-9)
            assert len(row[column]) == len("00:16:21,731")


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def test_what_meld_cannot_hold_is_listed(demo: Corpus, tmp_path: Path) -> None:
    turn = demo.dialogues[0].turns[0].id
    layers = {"anna": {(Scope.FACE, turn): Label(emotion="joy"), (Scope.ALL, turn): Label(emotion="joy")}, "bo": {}}
    assert write(Format.MELD, tmp_path, demo, layers).left_out == (
        "1 labels of the face alone: a table of MELD has one label a turn",
        "718 rows have the corpus' own emotion, for anna has none there (Emotion_From is gold)",
        "719 rows have the corpus' own emotion, for bo has none there (Emotion_From is gold)",
        "Layers without a label leave no trace: bo",
    )
    assert write(Format.JSONL, tmp_path, demo, {"anna": layers["anna"]}).left_out == ()
    for form in (Format.ELAN, Format.TEXTGRID, Format.WEBVTT):
        (told,) = write(form, tmp_path / form, demo, {"anna": layers["anna"]}).left_out
        assert "sentiment, season, episode and times in the episode are not written" in told


def sentiment(turn: Turn, emotion: str | None) -> str | None:
    """As MELD has it; the polarity of a new surprise is nobody's to tell."""
    polar = {"neutral": "neutral", "joy": "positive", "surprise": None}
    return turn.sentiment if emotion == turn.gold else polar.get(str(emotion), "negative")


# other programs' readers


def test_code_for_meld_reads_the_labels(demo: Corpus, anna: Layers, tmp_path: Path) -> None:
    """The exported tables in the place of MELD's: its turns, with the annotator's emotions and gold in the gaps."""
    write(Format.MELD, tmp_path, demo, anna)
    ours = {turn.id: turn for turn in open_corpus(tmp_path).turns()}
    for turn in demo.turns():
        label = anna["anna"].get((Scope.ALL, turn.id))
        emotion = label.emotion if label and label.emotion else turn.gold
        assert replace(ours[turn.id], row=0, video=None, audio=None) == replace(
            turn, gold=emotion, sentiment=sentiment(turn, emotion), row=0, video=None, audio=None
        )


def test_pympi_reads_turns_words_and_emotions(demo: Corpus, anna: Layers, tmp_path: Path) -> None:
    write(Format.ELAN, tmp_path, demo, anna)
    dialogue = demo.dialogues[3]
    document = Elan.Eaf(str(tmp_path / f"{dialogue.split}_dia{dialogue.name}.eaf"))
    turns = sorted(document.get_annotation_data_for_tier("turn"))
    assert [text for _, _, text in turns] == [str(turn.id) for turn in dialogue.turns]
    assert turns[0][0] == 0
    assert all(start < end for start, end, _ in turns)
    words = sorted(entry for tier in document.get_tier_names() if tier.startswith("words: ")
                   for entry in document.get_annotation_data_for_tier(tier))  # fmt: skip
    assert [text for _, _, text in words] == [turn.text for turn in dialogue.turns]
    emotions = {start: text for start, _, text, _ in document.get_ref_annotation_data_for_tier("emotion: anna")}
    for turn, (start, _, _) in zip(dialogue.turns, turns, strict=True):
        label = anna["anna"].get((Scope.ALL, turn.id))
        assert emotions.get(start) == (label.emotion if label else None)
    assert document.get_parameters_for_tier("emotion: anna")["PARENT_REF"] == "turn"
    assert [values[0][0] for values, _ in document.get_cv_entries("emotions").values()] == list(MELD.labels)
    assert "default" not in document.get_tier_names()


def test_praatio_reads_turns_words_and_emotions(demo: Corpus, anna: Layers, tmp_path: Path) -> None:
    """Without comments: where one holds words of the format, praatio's reader breaks it off."""
    anna = {"anna": {place: replace(label, comment="") for place, label in anna["anna"].items()}}
    write(Format.TEXTGRID, tmp_path, demo, anna)
    dialogue = demo.dialogues[3]
    path = tmp_path / f"{dialogue.split}_dia{dialogue.name}.TextGrid"
    grid = openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")
    turns = grid.getTier("turn").entries
    assert [entry.label for entry in turns] == [str(turn.id) for turn in dialogue.turns]
    for tier in grid.tiers:  # Praat wants tiers without gaps
        assert tier.entries[0].start == 0
        assert tier.entries[-1].end == grid.maxTimestamp
        assert all(one.end == other.start for one, other in zip(tier.entries, tier.entries[1:], strict=False))
    emotions = {entry.start: entry.label for entry in grid.getTier("emotion: anna").entries if entry.label}
    for turn, entry in zip(dialogue.turns, turns, strict=True):
        label = anna["anna"].get((Scope.ALL, turn.id))
        assert emotions.get(entry.start) == (label.emotion if label else None)


def test_webvtt_reads_voices_words_and_classes(demo: Corpus, anna: Layers, tmp_path: Path) -> None:
    write(Format.WEBVTT, tmp_path, demo, anna)
    dialogue = demo.dialogues[3]
    cues = webvtt.read(str(tmp_path / f"{dialogue.split}_dia{dialogue.name}.vtt")).captions
    assert [cue.identifier for cue in cues] == [str(turn.id) for turn in dialogue.turns]
    assert [cue.voice for cue in cues] == [turn.speaker for turn in dialogue.turns]
    assert [cue.text for cue in cues] == [turn.text for turn in dialogue.turns]
    for turn, cue in zip(dialogue.turns, cues, strict=True):
        label = anna["anna"].get((Scope.ALL, turn.id))
        words = f"<c.{label.emotion}>{turn.text}</c>" if label and label.emotion else turn.text
        assert cue.raw_text == f"<v {turn.speaker}>{words}</v>"


def test_json_lines_are_a_turn_each(demo: Corpus, anna: Layers, tmp_path: Path) -> None:
    write(Format.JSONL, tmp_path / "labels.jsonl", demo, anna)
    records = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    turns = list(demo.turns())
    assert [(record["text"], record["gold"]) for record in records] == [(turn.text, turn.gold) for turn in turns]
    assert sum(len(record["labels"]) for record in records) == len(anna["anna"])


# labels, names and words of any kind

SNIPPETS = st.sampled_from(
    ["-->", "\n\n", '"', '""', "\\", "\\u0041", "]]>", "&lt;", "<c.joy>", '"IntervalTier"', "NOTE"]
)
TEXTS = st.lists(st.one_of(st.text(max_size=8), SNIPPETS), max_size=4).map("".join)
LABELS = st.builds(
    Label,
    emotion=st.sampled_from((*MELD.labels, None)),
    unsure=st.booleans(),
    flag=st.booleans(),
    comment=TEXTS,
    origin=st.sampled_from(Origin),
    run=TEXTS,
    time=st.floats(0, 1e10),
)
NAMES = TEXTS.filter(lambda name: name.strip() == name and name.isprintable() and name != "")
ODD = Corpus(
    root=Path("/nowhere"),
    kind="meld",
    labels=MELD,
    dialogues=tuple(
        Dialogue(
            split=split,
            name=name,
            turns=tuple(
                Turn(id=TurnId(split, name, number), speaker=speaker, text=text, gold="joy", start=5.0, end=5.0)
                for number, (speaker, text) in enumerate([('A "B" <c>&', "--> 1 < 2 & \n\n3\x01"), ("", "")])
            ),
        )
        for split, name in [
            (Split.TRAIN, "../../x"),
            (Split.TRAIN, "..\\..\\X"),
            (Split.DEV, "a-->\nb"),
            (Split.TEST, "7"),
        ]
    ),
)
PLACES = [(scope, turn.id) for turn in ODD.turns() for scope in Scope]


@settings(max_examples=12)
@pytest.mark.parametrize("form", Format)
@given(
    layers=st.dictionaries(NAMES, st.dictionaries(st.sampled_from(PLACES), LABELS, min_size=1), min_size=1, max_size=3)
)
def test_any_label_of_any_turn_comes_back(form: Format, layers: Layers) -> None:
    with TemporaryDirectory() as folder:
        report = write(form, Path(folder) / "out", ODD, layers)
        incoming = take(report.files, ODD)
        inside = [path for path in Path(folder).rglob("*") if path.is_file()]
        assert sorted(inside) == sorted(report.files)
    wanted = {name: labels for name, labels in holdable(form, layers).items() if labels}
    assert incoming.unplaced == ()
    assert incoming.placed == wanted


# where files go


@pytest.mark.parametrize("form", Format)
def test_nothing_is_written_in_the_corpus(demo: Corpus, form: Format) -> None:
    before = sorted(DEMO.rglob("*"))
    for out in (DEMO, DEMO / "new" / "folder", DEMO / ".." / "corpus" / "labels.jsonl"):
        with pytest.raises(ExchangeError, match="choose a place outside it"):
            write(form, out, demo, {"anna": {}})
    assert sorted(DEMO.rglob("*")) == before


def test_an_export_that_fails_leaves_the_former_file(demo: Corpus, tmp_path: Path) -> None:
    write(Format.JSONL, tmp_path, demo, labelled(demo, "anna"))
    former = (tmp_path / "labels.jsonl").read_bytes()
    unwritable = {"anna": {(Scope.ALL, demo.dialogues[0].turns[0].id): Label(time=complex(1))}}  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write(Format.JSONL, tmp_path, demo, unwritable)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.jsonl"]
    assert (tmp_path / "labels.jsonl").read_bytes() == former


def test_windows_of_one_film_keep_its_times_and_link_it(tmp_path: Path) -> None:
    film = tmp_path / "corpus" / "Ses01.avi"
    windows = [(1.0, 3.5), (3.0, 5.25), (6.0, 6.5)]  # the second speaks before the first has ended
    turns = tuple(
        Turn(id=TurnId(Split.TRAIN, "Ses01", place), speaker="F", text="Okay.", video=Clip(film, *window))
        for place, window in enumerate(windows)
    )
    dialogue = Dialogue(split=Split.TRAIN, name="Ses01", turns=turns)
    corpus = Corpus(root=tmp_path / "corpus", kind="iemocap", labels=IEMOCAP, dialogues=(dialogue,))
    (path,) = write(Format.ELAN, tmp_path / "out", corpus, labelled(corpus, "anna")).files
    document = Elan.Eaf(str(path))
    assert [media["MEDIA_URL"] for media in document.get_linked_files()] == [film.as_uri()]
    first, second = (sorted(document.get_annotation_data_for_tier(tier)) for tier in ("turn", "turn [2]"))
    assert [(start, end) for start, end, _ in first] == [(1000, 3500), (6000, 6500)]
    assert [(start, end) for start, end, _ in second] == [(3000, 5250)]
