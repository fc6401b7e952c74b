"""Broken corpora: each is read as far as it goes, and gives the sentence that says what is wrong."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_model.corpus import CorpusError, Severity, open_corpus
from telme_model.corpus.tables import TableReport, clock_seconds, plain_seconds, read_table, whole_number

HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
GOOD = '1,"Fine, thanks.",Ada,joy,positive,0,0,2,7,"00:01:02,500","00:01:04,000"'
LAST = '9,See you.,Bo,neutral,neutral,0,9,2,7,"00:02:02,500","00:02:04,000"'


def with_row(row: str) -> bytes:
    return "\n".join((HEADER, GOOD, row, LAST, "")).encode()


# name: (bytes of the train table, code, severity, row, column, part of the sentence, turns left)
ROWS = {
    "unknown emotion": (
        with_row(GOOD.replace(",0,0,", ",0,1,").replace("joy", "bliss")), "unknown-emotion", "fatal", 3, "Emotion",
        "Row 3 names the emotion 'bliss', which is none of anger, disgust,", 3),
    "dialogue not a number": (
        with_row(GOOD.replace(",0,0,", ",x,1,")), "bad-id", "fatal", 3, "Dialogue_ID",
        "Row 3 has 'x' in column 'Dialogue_ID', not a number. The row is left out.", 2),
    "negative utterance": (
        with_row(GOOD.replace(",0,0,", ",0,-1,")), "bad-id", "fatal", 3, "Utterance_ID", "Row 3 has '-1'", 2),
    "endless number": (
        with_row(GOOD.replace(",0,0,", f",0,{'1' * 5000},")), "bad-id", "fatal", 3, "Utterance_ID", "not a number", 2),
    "duplicate id": (
        with_row(GOOD), "duplicate-id", "fatal", 3, None,
        "Row 3 repeats train/dia0_utt0 of row 2; the first is kept.", 2),
    "unreadable time": (
        with_row(GOOD.replace(",0,0,", ",0,1,").replace("00:01:02,500", "noon")), "bad-time", "warning", 3, "StartTime",
        "Row 3 has 'noon' in column 'StartTime', not a time like 00:16:21,731; it is ignored.", 3),
    "sixty-one minutes": (
        with_row(GOOD.replace(",0,0,", ",0,1,").replace("00:01:04", "00:61:04")), "bad-time", "warning", 3, "EndTime",
        "Row 3 has '00:61:04,000' in column 'EndTime'", 3),
    "quotation mark never closed": (
        with_row('2,"Oh no,Ada,joy,positive,0,1,2,7,"00:01:02,500","00:01:04,000"'), "malformed-csv", "fatal", 3,
        "Utterance", "Row 3 is malformed in column 'Utterance': ", 2),
    "quotation mark open to the end": (
        with_row('2,Oh no,Ada,"joy,positive,0,1,2,7,,'), "malformed-csv", "fatal", 3, "Emotion",
        "Row 3 is malformed in column 'Emotion': its quotation mark is never closed. The row is left out.", 2),
    "text after a quotation mark": (
        with_row('2,"Oh" no,Ada,joy,positive,0,1,2,7,,'), "malformed-csv", "fatal", 3, "Utterance",
        "Row 3 is malformed in column 'Utterance': something follows its closing quotation mark.", 2),
    "a value without end": (
        with_row(f"2,{'x' * 200_000},Ada,joy,positive,0,1,2,7,,"), "malformed-csv", "fatal", 3, "Utterance",
        "it is longer than 131,072 characters", 2),
    "a quoted value without end": (
        with_row('2,"' + "x" * 200_000 + '",Ada,joy,positive,0,1,2,7,,'), "malformed-csv", "fatal", 3, "Utterance",
        "Row 3 is malformed in column 'Utterance': it is longer than 131,072 characters.", 2),
    "too few values": (
        with_row("2,Oh no,Ada"), "bad-row", "fatal", 3, "Emotion",
        "Row 3 ends before column 'Emotion' (3 of 11 values). The row is left out.", 2),
    "comma without quotation marks": (
        with_row("2,Oh, no, no,Ada,joy,positive,0,1,2,7,1,2"), "bad-row", "fatal", 3, "EndTime",
        "Row 3 has 13 values for 11 columns; quote values that hold a comma.", 2),
    "NUL byte": (
        with_row("2,Oh \0no,Ada,joy,positive,0,1,2,7,,"), "bad-row", "fatal", 3, "Utterance",
        "Row 3 has a NUL byte in column 'Utterance'. The row is left out.", 2),
    "Windows-1252": (
        with_row("2,It’s,Ada,joy,positive,0,1,2,7,,").decode().encode("cp1252"), "encoding", "note", 3, None,
        "train_sent_emo.csv is not UTF-8 (first in row 3): read as Windows-1252.", 3),
    "mis-decoded punctuation": (
        with_row("2,It\x92s,Ada,joy,positive,0,1,2,7,,"), "encoding-repaired", "note", None, None,
        "train_sent_emo.csv has 1 characters damaged by a wrong encoding (U+0080-9F)", 3),
    "no times at all": (
        b"Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID,Sentiment,Season,Episode,StartTime\nHi,A,joy,0,0,,,,\n",
        "missing-column", "warning", 1, "EndTime",
        "train_sent_emo.csv has no column 'EndTime'; its rows are read without it.", 1),
}  # fmt: skip

# name: (bytes of the dev table, code, part of the sentence); the split is lost, the train table beside it is read
FILES = {
    "empty": (b"", "empty-file", "dev_sent_emo.csv is empty: restore it"),
    "blank": (b"\n \n", "empty-file", "dev_sent_emo.csv is empty"),
    "binary": (bytes(range(256)) * 40, "not-text", "dev_sent_emo.csv is not a text file (it holds binary data)"),
    "broken UTF-16": (b"\xff\xfe\x00\xd8a", "not-text", "is not a text file"),
    "UTF-16 without its mark": (with_row("").decode().encode("utf-16-le"), "not-text", "is not a text file"),
    "no words": (
        with_row("").replace(b"Utterance,", b"Said,"), "missing-column",
        "dev_sent_emo.csv has no column 'Utterance' (its first row reads: Sr No., Said, Speaker, Emotion,"),
    "a column twice": (
        with_row("").replace(b"Sentiment", b"Emotion"), "duplicate-column",
        "dev_sent_emo.csv has two columns 'Emotion': rename or remove one of them."),
    "no header": (GOOD.encode(), "missing-column", "dev_sent_emo.csv has no column 'Utterance'"),
    "broken header": (b'Sr No.,"Utterance,Speaker\n' + GOOD.encode(), "malformed-csv", "The header is malformed: "),
}  # fmt: skip


def train(root: Path, table: bytes) -> Path:
    (root / "train_sent_emo.csv").write_bytes(table)
    return root


@pytest.mark.parametrize(("table", "code", "severity", "row", "column", "sentence", "left"), ROWS.values(), ids=ROWS)
def test_a_bad_row_costs_itself_at_most(
    tmp_path: Path,
    table: bytes,
    code: str,
    severity: str,
    row: int | None,
    column: str | None,
    sentence: str,
    left: int,
) -> None:
    corpus = open_corpus(train(tmp_path, table))
    found = [problem for problem in corpus.problems if problem.code not in ("no-clips", "missing-split")]
    assert [problem.code for problem in found] == [code]
    assert (found[0].severity, found[0].row, found[0].column) == (severity, row, column)
    assert found[0].file == tmp_path / "train_sent_emo.csv"
    assert sentence in found[0].reason
    assert len(list(corpus.turns())) == left


@pytest.mark.parametrize(("table", "code", "sentence"), FILES.values(), ids=FILES)
def test_a_bad_file_costs_its_split(tmp_path: Path, table: bytes, code: str, sentence: str) -> None:
    train(tmp_path, with_row(""))
    (tmp_path / "dev_sent_emo.csv").write_bytes(table)
    corpus = open_corpus(tmp_path)
    fatal = [problem for problem in corpus.problems if problem.severity is Severity.FATAL]
    assert {problem.code for problem in fatal} == {code}
    assert len(fatal) == 1 or code == "missing-column"
    assert sentence in fatal[0].reason
    assert corpus.splits() == ("train",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_with_or_without_a_mark_is_read(tmp_path: Path, encoding: str) -> None:
    table = with_row("2,Çok güzel – “evet”,Ada,joy,positive,0,1,2,7,,").decode().encode(encoding)
    assert [turn.text for turn in open_corpus(train(tmp_path, table)).turns()][1] == "Çok güzel – “evet”"


def test_a_quoted_line_break_is_part_of_the_text(tmp_path: Path) -> None:
    table = with_row('2,"One\nand ""two""",Ada,joy,positive,0,1,2,7,,')
    turns = list(open_corpus(train(tmp_path, table)).turns())
    assert [(turn.text, turn.row) for turn in turns][1:] == [('One\nand "two"', 3), ("See you.", 5)]


def test_a_table_that_is_a_dangling_link_is_named(tmp_path: Path) -> None:
    (train(tmp_path, with_row("")) / "dev_sent_emo.csv").symlink_to(tmp_path / "gone.csv")
    reasons = [problem.reason for problem in open_corpus(tmp_path).problems]
    assert (
        "dev_sent_emo.csv cannot be read (No such file or directory): check that it is a file you may open." in reasons
    )


def test_a_table_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(train(tmp_path, with_row("")) / "dev_sent_emo.csv")
    [fatal] = [problem for problem in open_corpus(tmp_path).problems if problem.severity is Severity.FATAL]
    assert fatal.code == "unreadable-file"
    assert fatal.reason.startswith("dev_sent_emo.csv cannot be read (it is no ordinary file)")


def test_links_that_lead_back_are_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    (root / "inner").mkdir(parents=True)
    (train(root, with_row("")) / "again").symlink_to(root)
    (root / "inner" / "up").symlink_to(tmp_path)
    (root / "circle").symlink_to(root / "circle")
    (tmp_path / "clips").mkdir()
    (root / "train_splits").symlink_to(tmp_path / "clips")  # elsewhere, as large corpora have it
    corpus = open_corpus(root)
    assert {problem.code for problem in corpus.problems} == {"missing-split"}
    clip = next(corpus.turns()).video
    assert clip is not None
    assert clip.path == root / "train_splits" / "dia0_utt0.mp4"


def test_missing_splits_are_warnings(tmp_path: Path) -> None:
    (tmp_path / "test_sent_emo.csv").write_bytes(with_row(""))
    missing = [problem for problem in open_corpus(tmp_path).problems if problem.code == "missing-split"]
    assert [problem.severity for problem in missing] == [Severity.WARNING] * 2
    assert missing[0].reason == "There is no annotation file of the train split; the corpus is read without it."


def _nothing(root: Path) -> Path:
    return root


def _file(root: Path) -> Path:
    (root / "file").touch()
    return root / "file"


def _loop(root: Path) -> Path:
    (root / "loop").symlink_to(root / "loop")
    return root / "loop"


def _two(root: Path) -> Path:
    for folder, name in (("a", "train_sent_emo.csv"), ("b", "emorynlp_train_final.csv")):
        (root / folder).mkdir()
        (root / folder / name).touch()
    return root


# name: (what is opened, the sentence)
FOLDERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing known": (
        _nothing,
        r"No corpus was found in .* Looked for MELD \(train_sent_emo\.csv, .*EmoryNLP.*IEMOCAP",
    ),
    "missing": (lambda root: root / "gone", r"There is no folder '.*gone': check the path\."),
    "a file": (_file, r"'.*file' is a file: give the folder that holds the corpus's annotation files\."),
    "a link to itself": (_loop, r"The folder '.*loop' cannot be read \(Too many levels of symbolic links\)"),
    "a name too long": (lambda root: root / ("x" * 300), r"cannot be read \(File name too long\): check the path"),
    "a NUL in the name": (lambda root: root / "a\0b", r"cannot be read \(embedded null byte\)"),
    "two corpora": (_two, r"holds more than one corpus \(MELD in '.*a', EmoryNLP in '.*b'\): open the folder of one"),
    "only an empty table": (
        lambda root: train(root, b""),
        r"Nothing in '.*' could be read: train_sent_emo\.csv is empty",
    ),
    "only a header": (
        lambda root: train(root, HEADER.encode()),
        r"could be read: train_sent_emo\.csv holds no turns: restore",
    ),
    "only bad rows": (
        lambda root: train(root, f"{HEADER}\n1,2\n".encode()),
        r"could be read: Row 2 ends before column 'Speaker' \(2 of 11 values\)",
    ),
}


@pytest.mark.parametrize(("make", "sentence"), FOLDERS.values(), ids=FOLDERS)
def test_a_folder_that_is_no_corpus_says_so(tmp_path: Path, make: Callable[[Path], Path], sentence: str) -> None:
    with pytest.raises(CorpusError, match=sentence):
        open_corpus(make(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every folder")
def test_a_locked_folder_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    with pytest.raises(CorpusError, match="Permission denied"):
        open_corpus(tmp_path)
    tmp_path.chmod(0o700)


@given(st.one_of(st.binary(max_size=400), st.text(st.sampled_from('a,"\n\r\0é;'), max_size=60).map(str.encode)))
def test_no_bytes_make_the_reader_fail(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    for head in (b"", b"a,b\n"):
        file.write_bytes(head + tail)
        for line, values in read_table(TableReport(file), ("a",), ("b",)):
            assert line > 1
            assert set(values) >= {"a", "b"}


@given(st.integers(0, 35_999_999), st.sampled_from(",."), st.booleans())
def test_times_of_day_are_read_to_the_millisecond(milliseconds: int, mark: str, one_digit: bool) -> None:
    minutes, left = divmod(milliseconds, 60_000)
    hours = f"{minutes // 60}" if one_digit else f"{minutes // 60:02}"
    text = f"{hours}:{minutes % 60:02}:{left // 1000:02}{mark}{left % 1000:03}"
    assert clock_seconds(text) == pytest.approx(milliseconds / 1000, abs=1e-9)


@given(st.text(max_size=12))
def test_odd_numbers_and_times_are_none_or_finite(text: str) -> None:
    for value in (clock_seconds(text), plain_seconds(text), whole_number(text)):
        assert value is None or 0 <= value < 1e10
