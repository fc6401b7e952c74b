"""Files that other programs and people made: what finds its turn, and what is reported with which reason."""

import json
from pathlib import Path

import pytest

from telme_model.annotations.exchange import ExchangeError, Format, Incoming, found_in
from telme_model.annotations.labels import Label, Origin, Scope
from telme_model.corpus import Corpus, Dialogue, Split, Turn, TurnId, open_corpus
from telme_model.corpus.emotions import MELD
from tests.support.corpora import write_corpus
from tests.support.exchange import labelled, take, write


def turn(split: Split, dialogue: str, number: int, words: str, seconds: float) -> Turn:
    return Turn(id=TurnId(split, dialogue, number), speaker="Ada", text=words, gold="neutral", start=9, end=9 + seconds)


def corpus(*dialogues: tuple[Split, str]) -> Corpus:
    """Dialogues of three turns each, which lie at 0-2 s, 2-3 s and 3-7 s of their film."""
    lengths = ("Hello there!", 2.0), ("Oh.", 1.0), ("It’s me again, déjà vu.", 4.0)
    made = [
        Dialogue(split=split, name=name, turns=tuple(turn(split, name, n, *length) for n, length in enumerate(lengths)))
        for split, name in dialogues
    ]
    return Corpus(root=Path("/nowhere"), kind="meld", labels=MELD, dialogues=tuple(made))


ONE = corpus((Split.TRAIN, "7"))
BOTH = corpus((Split.TRAIN, "7"), (Split.TEST, "7"), (Split.TEST, "8"))


def emotions(incoming: Incoming, layer: str = "") -> dict[str, str | None]:
    return {str(turn): label.emotion for (_, turn), label in incoming.placed.get(layer, {}).items()}


def reasons(incoming: Incoming) -> list[str]:
    return [one.reason for one in incoming.unplaced]


# MELD's tables


def test_a_table_with_nothing_but_ids_and_emotions(tmp_path: Path) -> None:
    path = tmp_path / "train_new.csv"
    path.write_text("Utterance,Emotion,Dialogue_ID,Utterance_ID\nHello there!,JOY,7,0\nOh.,Surprise,7,1\n")
    incoming = take([path], ONE)
    assert incoming.placed == {
        "": {
            (Scope.ALL, TurnId(Split.TRAIN, "7", 0)): Label(emotion="joy", origin=Origin.IMPORTED),
            (Scope.ALL, TurnId(Split.TRAIN, "7", 1)): Label(emotion="surprise", origin=Origin.IMPORTED),
        }
    }
    assert incoming.unplaced == ()


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("decimals", [".0", ",0"])
def test_ids_may_have_got_decimals(tmp_path: Path, mark: str, decimals: str) -> None:
    """As pandas writes a column that had an empty cell, and as a spreadsheet in French writes that."""
    path = tmp_path / "train_new.csv"
    rows = [("Emotion", "Dialogue_ID", "Utterance_ID"), *(("joy", f"7{decimals}", f"{n}{decimals}") for n in (0, 2))]
    path.write_text("\n".join(mark.join(f'"{cell}"' for cell in row) for row in rows))
    incoming = take([path], ONE)
    assert emotions(incoming) == {"train/dia7_utt0": "joy", "train/dia7_utt2": "joy"}
    assert incoming.unplaced == ()


def test_rows_without_a_place_are_reported_and_the_others_taken(tmp_path: Path) -> None:
    path = tmp_path / "train_new.csv"
    rows = ["Oh.,joy,7,1", "Oh.,bliss,7,1", "Hi,joy,7,0", ",joy,7,9", ",joy,seven,0", ",joy,7,x", '"Oh.,joy,7,1']
    path.write_text("\n".join(("Utterance,Emotion,Dialogue_ID,Utterance_ID", *rows, "")))
    incoming = take([path], ONE)
    assert emotions(incoming) == {"train/dia7_utt1": "joy"}
    assert [one.where for one in incoming.unplaced] == [f"train_new.csv, row {row}" for row in (3, 4, 5, 6, 7, 8)]
    assert reasons(incoming) == [
        "'bliss' is not an emotion of meld: anger, disgust, fear, joy, neutral, sadness, surprise",
        "train/dia7_utt0 has other words in this corpus: 'Hello there!'",
        "the corpus has no turn train/dia7_utt9",
        "the corpus has no turn train/diaseven_utt0",
        "its Utterance_ID is 'x', not a number",
        "Row 8 is malformed in column 'Utterance': its quotation mark is never closed. The row is left out.",
    ]


def test_the_split_is_asked_for_where_numbers_repeat(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("Emotion,Dialogue_ID,Utterance_ID\njoy,7,0\nfear,8,1\n")
    incoming = take([path], BOTH)
    assert emotions(incoming) == {"test/dia8_utt1": "fear"}
    assert reasons(incoming) == ["dia7_utt0 is in train and test: name the file after one, as train_..."]


def test_words_in_a_wrong_encoding_are_still_those_of_the_turn(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    table = 'Utterance,Emotion,Dialogue_ID,Utterance_ID\n"It’s me again, déjà vu.",joy,7,2\n'
    path.write_bytes(table.encode("cp1252"))
    assert emotions(take([path], ONE)) == {"train/dia7_utt2": "joy"}


def test_an_emotion_changed_in_a_spreadsheet_is_a_label(tmp_path: Path) -> None:
    """In the exported table a row of gold that somebody changes becomes the layer's."""
    (path,) = write(Format.MELD, tmp_path, ONE, {"anna": {}}).files
    assert take([path], ONE).placed == {}
    path.write_text(path.read_text().replace("neutral", "sadness", 1))
    assert emotions(take([path], ONE), "anna") == {"train/dia7_utt0": "sadness"}


# JSON Lines


def test_lines_whose_ids_have_got_decimals(tmp_path: Path) -> None:
    path = tmp_path / "test_answers.jsonl"
    path.write_text('{"dialogue": 8.0, "utterance": 1.0, "emotion": "joy"}\n')
    assert emotions(take([path], BOTH)) == {"test/dia8_utt1": "joy"}


def test_lines_made_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "test_answers.jsonl"
    lines = [
        '{"dialogue": 8, "utterance": 0, "emotion": "Joy"}',
        '{"dialogue": "8", "utterance": 1, "emotion": null}',
        '{"split": "train", "dialogue": "7", "utterance": 2, "labels": [{"layer": "bo", "time": 1e99}]}',
        '{"dialogue": "8", "utterance": 2, "labels": [{"layer": "bo", "emotion": "fear", "flag": 1}]}',
        '{"dialogue": "8", "utterance": true, "labels": []}',
        '{"dialogue": "8", "utterance": 1, "labels": [{"emotion": ["joy"]}]}',
        "[1, 2]",
        "joy",
        "[" * 100_000,
        "",
    ]
    path.write_text("\n".join(lines))
    incoming = take([path], BOTH)
    assert emotions(incoming) == {"test/dia8_utt0": "joy"}
    assert [(one.where.split()[-1], one.reason) for one in incoming.unplaced] == [
        ("3", "its time is no number of seconds since 1970"),
        ("4", "its flag is '1', not true or false"),
        ("5", "it names no dialogue and utterance"),
        ("6", "its layer, scope or emotion is none"),
        ("7", "it is no JSON object"),
        ("8", "it is not valid JSON"),
        ("9", "it is not valid JSON"),
    ]


# ELAN


def eaf(slots: dict[str, int | None], *tiers: str) -> str:
    """A document as ELAN 6 writes it."""
    times = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="{name}"' + (f' TIME_VALUE="{time}"' if time is not None else "") + "/>"
        for name, time in slots.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" '
        'FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">'
        f'<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/><TIME_ORDER>{times}</TIME_ORDER>{"".join(tiers)}'
        '<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/></ANNOTATION_DOCUMENT>'
    )


def aligned(tier: str, *annotations: tuple[str, str, str]) -> str:
    inner = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{tier}a{number}" TIME_SLOT_REF1="{start}" '
        f'TIME_SLOT_REF2="{end}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
        for number, (start, end, text) in enumerate(annotations)
    )
    return f'<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="{tier}">{inner}</TIER>'


def hanging(tier: str, *annotations: tuple[str, str]) -> str:
    inner = "".join(
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{tier}r{number}" ANNOTATION_REF="{of}">'
        f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
        for number, (of, text) in enumerate(annotations)
    )
    return f'<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="{tier}">{inner}</TIER>'


def test_an_elan_file_is_placed_by_time(tmp_path: Path) -> None:
    path = tmp_path / "dia7.eaf"
    slots: dict[str, int | None] = {"ts1": 100, "ts2": 2050, "ts3": 6900, "ts4": None, "ts5": 90_000, "ts6": 99_000}
    words = aligned("speech", ("ts1", "ts2", "Hello there!"), ("ts2", "ts3", "Oh."))
    intervals = [("ts1", "ts2", "Joy "), ("ts2", "ts3", "fear"), ("ts4", "ts4", "fear"), ("ts5", "ts6", "joy")]
    coder = aligned("Coder 1", *intervals)
    child = hanging("Coder 2", ("speecha0", "anger"), ("speecha1", "rage"), ("nowhere1", "joy"))
    path.write_text(eaf(slots, words, coder, child))
    with pytest.raises(ExchangeError, match="is not a whole ELAN file"):  # a reference that leads nowhere
        take([path], ONE)
    path.write_text(eaf(slots, words, coder, hanging("Coder 2", ("speecha0", "anger"), ("speecha1", "rage"))))
    incoming = take([path], ONE)
    # The second interval lies over two turns, but what is said in it are the words of one.
    assert emotions(incoming, "Coder 1") == {"train/dia7_utt0": "joy", "train/dia7_utt1": "fear"}
    assert emotions(incoming, "Coder 2") == {"train/dia7_utt0": "anger"}
    assert [(one.where, one.what, one.reason[:40]) for one in incoming.unplaced] == [
        ("dia7.eaf, tier 'Coder 1'", "1 annotation", "they have no time: align them in ELAN"),
        ("dia7.eaf, tier 'Coder 1', 1:30.000", "joy", "no turn lies there, or none by half"),
        ("dia7.eaf, tier 'Coder 2', 0:02.050", "rage", "'rage' is not an emotion of meld: anger,"),
    ]


def test_a_circle_of_references_has_no_time(tmp_path: Path) -> None:
    path = tmp_path / "dia7.eaf"
    path.write_text(eaf({}, hanging("a", ("br0", "joy")), hanging("b", ("ar0", "joy"))))
    incoming = take([path], ONE)
    assert (incoming.placed, len(incoming.unplaced)) == ({}, 2)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dia7.eaf", "its file may be train_dia7 and test_dia7: name it so"),
        ("notes.eaf", "it has no turn ids, and its file is not named after a dialogue, as train_dia7.eaf"),
    ],
)
def test_a_file_of_no_certain_dialogue_is_reported(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    path.write_text(eaf({"ts1": 0, "ts2": 2000}, aligned("me", ("ts1", "ts2", "joy"))))
    incoming = take([path], BOTH)
    assert (incoming.placed, reasons(incoming)) == ({}, [reason])


def test_a_file_of_ours_that_was_renamed_still_finds_its_turns(tmp_path: Path) -> None:
    layers = labelled(BOTH, "anna")
    for form in (Format.ELAN, Format.TEXTGRID, Format.WEBVTT):
        for number, path in enumerate(write(form, tmp_path / form, BOTH, layers).files):
            path.rename(path.with_name(f"copy {number}{path.suffix}"))
        incoming = take(found_in(tmp_path / form), BOTH)
        assert (incoming.placed, incoming.unplaced) == (layers, ())


# Praat

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 7
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "Coder 1"
        xmin = 0
        xmax = 7
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.8
            text = "joy"
        intervals [2]:
            xmin = 1.8
            xmax = 3.1
            text = ""
        intervals [3]:
            xmin = 3.1
            xmax = 7
            text = "Fear"
    item [2]:
        class = "TextTier"
        name = "Coder 1"
        xmin = 0
        xmax = 7
        points: size = 2
        points [1]:
            number = 2.5
            mark = "anger"
        points [2]:
            number = 6.99
            mark = "joy"
    item [3]:
        class = "IntervalTier"
        name = "words ""here"""
        xmin = 0
        xmax = 7
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 7
            text = "item [4]: text = ""joy"" xmin = 3"
'''
SHORT = '''File type = "ooTextFile"
Object class = "TextGrid"

0
7
<exists>
3
"IntervalTier"
"Coder 1"
0
7
3
0
1.8
"joy"
1.8
3.1
""
3.1
7
"Fear"
"TextTier"
"Coder 1"
0
7
2
2.5
"anger"
6.99
"joy"
"IntervalTier"
"words ""here"""
0
7
1
0
7
"item [4]: text = ""joy"" xmin = 3"
'''


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("text", [LONG, SHORT, LONG.replace("\n", "\r\n")], ids=["long", "short", "windows"])
def test_a_textgrid_in_either_form_and_any_encoding(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "train_dia7.TextGrid"
    path.write_bytes(text.replace("words", "parolé").encode(encoding))
    incoming = take([path], ONE)
    assert emotions(incoming, "Coder 1") == {"train/dia7_utt0": "joy", "train/dia7_utt2": "fear"}
    assert emotions(incoming, "Coder 1 (2)") == {"train/dia7_utt1": "anger", "train/dia7_utt2": "joy"}
    assert [one.where for one in incoming.unplaced] == ["train_dia7.TextGrid, tier 'parolé \"here\"'"]


# WebVTT


def test_subtitles_made_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "train_dia7.vtt"
    path.write_text(
        "WEBVTT\n\nSTYLE\n::cue(.joy) {}\n\nNOTE by hand\n\n"
        "1\n00:00.100 --> 00:02.000\n<c.yellow.Joy>Hello there!</c>\n\n"
        "2\n00:02.000 --> 00:03.000\nOh.\n\n00:03.000 --> 00:04.500\n<c.fear>It’s me</c>\n\n"
        "00:04.500 --> 00:07.000\n<c.anger>again</c>\n\n01:00:00.000 --> 01:00:02.000\n<c.fear>x</c> <c.red>y</c>\n\n"
        "01:00:03.000 --> 01:00:04.000\n<c.red>y</c>\n",
        encoding="utf-8",
    )
    incoming = take([path], ONE)
    assert emotions(incoming) == {"train/dia7_utt0": "joy", "train/dia7_utt2": "anger"}
    assert [(one.where, one.what, one.reason) for one in incoming.unplaced] == [
        ("train_dia7.vtt, cue 01:00:03.000", "red", "no class of its words is an emotion"),
        ("train_dia7.vtt, cue 00:00:03.000", "fear", "train/dia7_utt2 lies more in another interval"),
        ("train_dia7.vtt, cue 01:00:00.000", "fear", "its words are not those of a turn there"),
    ]


# several files


def test_a_folder_is_every_known_file_in_it(tmp_path: Path) -> None:
    toy = open_corpus(write_corpus(tmp_path / "corpus", clips=False))
    layers = labelled(toy, "anna")
    write(Format.ELAN, tmp_path / "out" / "elan", toy, layers)
    (tmp_path / "out" / "readme.txt").write_text("not for us")
    (tmp_path / "out" / "broken.jsonl").write_text(json.dumps({"dialogue": 0}) + "\n")
    (tmp_path / "out" / "broken.eaf").write_text("no XML")
    incoming = take(found_in(tmp_path / "out"), toy)
    assert incoming.placed == layers
    assert [one.what for one in incoming.unplaced] == ["the whole file", '{"dialogue": 0}']
    (tmp_path / "empty").mkdir()
    with pytest.raises(ExchangeError, match="holds no file to import"):
        found_in(tmp_path / "empty")


def test_the_first_of_two_labels_for_one_turn_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("Emotion,Dialogue_ID,Utterance_ID\njoy,7,0\njoy,7,0\nfear,7,0\n")
    incoming = take([path], ONE)
    assert emotions(incoming) == {"train/dia7_utt0": "joy"}
    assert reasons(incoming) == ["train/dia7_utt0 is labelled already: joy"]
