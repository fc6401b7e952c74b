"""Files made to harm, and files that are not what their ending says: each is refused with one sentence, at once."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telme_model.annotations.exchange import ENDINGS, ExchangeError, Format, elan
from telme_model.annotations.exchange.files import LARGEST_DIALOGUE, LARGEST_TABLE
from telme_model.corpus import Corpus, open_corpus
from tests.support.corpora import write_corpus
from tests.support.exchange import labelled, take, write

HEADER = '<?xml version="1.0"?>'
BOMB = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
GRID = 'File type = "ooTextFile"\nObject class = "TextGrid"\n'


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return open_corpus(write_corpus(tmp_path_factory.mktemp("hostile") / "corpus", clips=False))


def refused(path: Path, corpus: Corpus) -> str:
    """The one sentence, which says which file."""
    with pytest.raises(ExchangeError) as error:
        take([path], corpus)
    said = str(error.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    return said.removeprefix(str(path)).strip()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f'{HEADER}<!DOCTYPE a [<!ENTITY e0 "ha">{BOMB}]><a>&e9;</a>', "declares its own document type or entities"),
        (f'{HEADER}<!DOCTYPE a [<!ENTITY e SYSTEM "/etc/passwd">]><a>&e;</a>', "declares its own document type"),
        (f'{HEADER}<!DOCTYPE a SYSTEM "x.dtd"><a/>', "declares its own document type or entities"),
        (f"{HEADER}<ANNOTATION_DOCUMENT>&e;</ANNOTATION_DOCUMENT>", "is not valid XML (undefined entity"),
        (f"{HEADER}<html/>", "is XML, but no ELAN file: it begins with html"),
        (f"{HEADER}<ANNOTATION_DOCUMENT>" + "<TIER>" * 100_000, "is nested too deeply"),
        (f"{HEADER}<ANNOTATION_DOCUMENT>{'<TIER/>' * 3_001}</ANNOTATION_DOCUMENT>", "or has too many elements"),
        (f"{HEADER}<ANNOTATION_DOCUMENT/>", "is not a whole ELAN file: open it in ELAN and save it again"),
        ('<?xml version="1.0" encoding="no-such"?><a/>', "is not valid XML (unknown encoding"),
        ("", "is not valid XML (no element found"),
        ("\0\0\0\0", "is not valid XML"),
    ],
)
def test_hostile_xml(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, reason: str
) -> None:
    monkeypatch.setattr(elan, "_MOST", 3_000)
    path = tmp_path / "train_dia0.eaf"
    path.write_text(content)
    assert reason in refused(path, corpus)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"ooBinaryFile\x08TextGrid\x3f\0\0", "is a binary TextGrid: in Praat, save it with “Save as text file”"),
        (b'"Praat chronological TextGrid text file"\n0 1.8', "is a chronological TextGrid: in Praat, save"),
        ('"Praat chronological TextGrid text file"\n'.encode("utf-16"), "is a chronological TextGrid: in Praat, save"),
        (b"joy\0\0", "is not a text file (it holds NUL bytes), or UTF-16 without its mark"),
        (GRID.encode("utf-16-le"), "is not a text file (it holds NUL bytes), or UTF-16 without its mark"),
        (GRID.encode("utf-16")[:-1], "begins as UTF-16 and does not go on so: save it again as UTF-8"),
        (b"", "is not a whole TextGrid"),
        (b'"Praat", "Pitch"', "is not a TextGrid of Praat"),
        (GRID.encode() + b"0 9 <exists> 1000000000000", "is not a whole TextGrid"),
        (GRID.encode() + b'0 9 <exists> 1 "IntervalTier" "a" 0 9 1000000000000 0 1 "x"', "is not a whole TextGrid"),
        (GRID.encode() + b'0 9 <exists> 1 "IntervalTier" "a" 0 9 1 0 1e400 "x"', "is not a whole TextGrid"),
        (GRID.encode() + b'0 9 <exists> 1 "IntervalTier" "a" 0 9 1e999', "is not a whole TextGrid"),
        (GRID.encode() + b'0 9 <exists> 1 "Pitch" "a" 0 9 0', "is not a whole TextGrid"),
        (GRID.encode() + b'0 9 <exists> 1 "' + b'""' * 100_000, "is not a whole TextGrid"),
    ],
)
def test_hostile_textgrids(corpus: Corpus, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "train_dia0.TextGrid"
    path.write_bytes(content)
    assert reason in refused(path, corpus)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is no table of labels: labels.csv is empty: save it again with the program that made it."),
        ("Dialogue_ID,Emotion\n0,joy\n", "is no table of labels: labels.csv has no column 'Utterance_ID'"),
        ("\0" * 2000, "labels.csv is not a text file (it holds binary data): save it again with the program that"),
        ("Emotion,Dialogue_ID,Utterance_ID\n" + '"a"b,1,1\n' * 300_000, "has over 200 malformed rows"),
    ],
)
def test_hostile_tables(corpus: Corpus, tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    assert reason in refused(path, corpus)


def test_a_file_that_is_no_webvtt(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "train_dia0.vtt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    assert refused(path, corpus) == (
        "is not a WebVTT file (it does not begin with WEBVTT); name subtitles of SubRip .srt"
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_too_large_or_no_file_is_not_opened(corpus: Corpus, tmp_path: Path, ending: str) -> None:
    large = tmp_path / f"large{ending}"
    large.touch()
    largest = LARGEST_TABLE if ending in (".csv", ".jsonl", ".json") else LARGEST_DIALOGUE
    os.truncate(large, largest + 1)  # a hole: the file takes no room
    most = largest // 2**20
    assert refused(large, corpus) == f"has {most}.0 MiB, and such files are read up to {most}: is it one?"
    assert refused(tmp_path / f"none{ending}", corpus) == "does not exist: check the path"
    (tmp_path / f"folder{ending}").mkdir()
    assert refused(tmp_path / f"folder{ending}", corpus) == "is no ordinary file"
    os.mkfifo(tmp_path / f"pipe{ending}")
    assert refused(tmp_path / f"pipe{ending}", corpus) == "is no ordinary file"


def test_a_file_of_nothing_that_fits_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text("{}\n" * 20_001)
    with pytest.raises(ExchangeError, match=r"row 20001: over 20,000 labels find no place: are they of this corpus\?"):
        take([path], corpus)


def test_an_unknown_ending_is_told(corpus: Corpus, tmp_path: Path) -> None:
    known = ".csv, .jsonl, .eaf, .textgrid, .vtt, .srt, .json, .tsv, .boris, .txt"
    assert refused(tmp_path / "labels.xlsx", corpus) == "does not exist: check the path"
    for name, reason in (
        ("labels.odt", f"is of a format that is not read (.odt): save it as one of {known}"),
        ("labels", f"has no ending: rename it after its format ({known})"),
    ):
        (tmp_path / name).touch()
        assert refused(tmp_path / name, corpus) == reason


@settings(max_examples=60)
@pytest.mark.parametrize("form", Format)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_reported(
    form: Format, data: st.DataObject, corpus: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes cut out of a good file, or others put in: labels come in, are reported, or the file is refused."""
    folder = tmp_path_factory.getbasetemp() / f"damaged-{form}"
    if not folder.exists():
        write(form, folder, corpus, labelled(corpus, "anna"))
    good = max((path for path in folder.iterdir() if path.suffix != ".new"), key=lambda path: path.stat().st_size)
    content = good.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = min(len(content), start + data.draw(st.integers(0, 400)))
    path = folder.parent / f"one-damaged-{form}" / good.name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content[:start] + data.draw(st.binary(max_size=8)) + content[end:])
    try:
        incoming = take([path], corpus)
    except ExchangeError:
        return
    known = {turn.id for turn in corpus.turns()}
    assert {turn for labels in incoming.placed.values() for _, turn in labels} <= known
