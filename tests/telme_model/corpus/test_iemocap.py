"""IEMOCAP, on made-up rows of its form: the tables prepared for TelME, and the release itself."""

from pathlib import Path

import pytest

from telme_model.corpus import Clip, Corpus, Severity, Split, Turn, open_corpus
from telme_model.corpus.iemocap import DEV_DIALOGUES, GOLD

HEADER = "Utterance,Speaker,Dialogue_ID,Start_Time,End_Time,Wav_Path,Video_Path,Emotion"


def row(name: str, emotion: str = "ang", start: str = "1.5", end: str = "4.25", film: str = "") -> str:
    dialogue = name.rpartition("_")[0]
    session = f"./dataset/IEMOCAP_full_release/Session{name[4]}"
    film = film or f"{session}/dialog/avi/DivX/{dialogue}.avi"
    wav = f"{session}/sentences/wav/{dialogue}/{name}.wav"
    return f"Made up.,{name[-4]},{dialogue},{start},{end},{wav},{film},{emotion}"


def tables(root: Path, divx: str = "DivX", **rows: list[str]) -> Path:
    for split, lines in rows.items():
        (root / f"IEMOCAP_{split}.csv").write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")
    for session in range(1, 6):
        (root / f"Session{session}" / "dialog" / "avi" / divx).mkdir(parents=True)
        (root / f"Session{session}" / "sentences" / "wav").mkdir(parents=True)
    return root


def transcribe(root: Path, dialogue: str, lines: list[str], emotions: dict[str, str] | None) -> None:
    dialog = root / f"Session{dialogue[4]}" / "dialog"
    (dialog / "transcriptions").mkdir(parents=True, exist_ok=True)
    (dialog / "EmoEvaluation").mkdir(exist_ok=True)
    (dialog / "transcriptions" / f"{dialogue}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if emotions is not None:
        evaluated = [
            f"[1.0 - 2.0]\t{name}\t{emotion}\t[2.5, 2.5, 2.5]\nC-E1:\tX;\t()\n" for name, emotion in emotions.items()
        ]
        header = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        (dialog / "EmoEvaluation" / f"{dialogue}.txt").write_text(header + "\n".join(evaluated), encoding="utf-8")


def fatal(corpus: Corpus) -> list[str]:
    return [problem.reason for problem in corpus.problems if problem.severity is Severity.FATAL]


@pytest.mark.parametrize("divx", ["DivX", "Divx"])
def test_turns_of_the_tables_are_windows_with_a_wav_each(tmp_path: Path, divx: str) -> None:
    names = ["Ses05M_impro01_F000", "Ses05M_impro01_M000", "Ses05M_impro01_F001"]
    root = tables(tmp_path, divx, test=[row(name) for name in names])
    corpus = open_corpus(root)
    assert {problem.code for problem in corpus.problems} == {"missing-split"}
    assert (corpus.kind, corpus.labels.name, corpus.splits()) == ("iemocap", "iemocap", (Split.TEST,))
    film = Clip(root / "Session5" / "dialog" / "avi" / divx / "Ses05M_impro01.avi", 1.5, 4.25)
    wavs = root / "Session5" / "sentences" / "wav" / "Ses05M_impro01"
    [dialogue] = corpus.dialogues
    assert dialogue.name == "Ses05M_impro01"
    assert [turn.id.utterance for turn in dialogue.turns] == [0, 1, 2]
    assert [turn.speaker for turn in dialogue.turns] == ["F", "M", "F"]
    for turn, name in zip(dialogue.turns, names, strict=True):
        assert (turn.gold, turn.video, turn.audio) == ("angry", film, Clip(wavs / f"{name}.wav"))


def test_the_six_emotions_are_named_and_the_others_stay_as_context(tmp_path: Path) -> None:
    written = ["ang", "exc", "fru", "hap", "neu", "sad", "xxx", "sur", "joyous"]
    rows = [row(f"Ses01F_impro01_F00{place}", emotion) for place, emotion in enumerate(written)]
    corpus = open_corpus(tables(tmp_path, train=rows))
    assert [turn.gold for turn in corpus.turns()] == [*corpus.labels.labels, None, None, None]
    assert tuple(GOLD.values()) == corpus.labels.labels
    assert fatal(corpus) == ["Row 10 names the emotion 'joyous', which IEMOCAP does not have: the turn has no emotion."]


def one(root: Path, line: str) -> tuple[Corpus, Turn]:
    corpus = open_corpus(tables(root, train=[line]))
    return corpus, next(corpus.turns())


@pytest.mark.parametrize(("start", "end"), [("soon", "4"), ("4", "nan"), ("-1", "4"), ("4", "4"), ("5", "4")])
def test_without_usable_times_a_turn_has_no_picture(tmp_path: Path, start: str, end: str) -> None:
    corpus, turn = one(tmp_path, row("Ses01F_impro01_F000", start=start, end=end))
    assert turn.video is None
    assert turn.audio is not None
    problem = next(problem for problem in corpus.problems if problem.code == "bad-time")
    assert problem.row == 2
    assert problem.reason.endswith("the turn has no picture.")


def test_a_film_outside_the_folder_is_ignored(tmp_path: Path) -> None:
    corpus, turn = one(tmp_path, row("Ses01F_impro01_F000", film="../Ses01F_impro01.avi"))
    assert turn.video == Clip(tmp_path / "Session1/dialog/avi/DivX/Ses01F_impro01.avi", 1.5, 4.25)
    assert "path-outside" in {problem.code for problem in corpus.problems}


def test_a_turn_that_is_repeated_or_has_no_dialogue_is_left_out(tmp_path: Path) -> None:
    line = row("Ses01F_impro01_F000")
    corpus = open_corpus(tables(tmp_path, train=[line, line, line.replace(",Ses01F_impro01,", ",../../x,")]))
    assert len(list(corpus.turns())) == 1
    assert fatal(corpus) == [
        "Row 3 repeats the turn Ses01F_impro01_F000 of row 2; the first is kept.",
        "Row 4 has '../../x' in column 'Dialogue_ID', not a name. The row is left out.",
    ]


def test_the_release_is_read_from_transcriptions_and_evaluations(tmp_path: Path) -> None:
    lines = [
        "Ses01F_impro01_F000 [006.2901-008.2357]: Made up.",
        "M: An aside.",
        "Ses01F_impro01_M000 [010.0100-011.3925]: Also made up: twice.",
        "Ses01F_impro01_M000 [010.0100-011.3925]: Repeated.",
        "Ses01F_impro01_MXX0 [012.0-013.0]: Without a label.",
    ]
    transcribe(
        tmp_path / "release", "Ses01F_impro01", lines, {"Ses01F_impro01_F000": "neu", "Ses01F_impro01_M000": "fea"}
    )
    (tmp_path / "release" / "Session1" / "dialog" / "avi" / "DivX").mkdir(parents=True)
    (tmp_path / "release" / "Session1" / "sentences" / "wav").mkdir(parents=True)
    corpus = open_corpus(tmp_path)
    first, second, third = corpus.turns()
    assert (first.text, second.text, third.text) == ("Made up.", "Also made up: twice.", "Without a label.")
    assert (first.gold, second.gold, third.gold) == ("neutral", None, None)
    assert (first.speaker, second.speaker, third.speaker) == ("F", "M", "M")
    assert (first.row, second.row, third.row) == (1, 3, 5)
    session = tmp_path / "release" / "Session1"
    assert first.video == Clip(session / "dialog/avi/DivX/Ses01F_impro01.avi", 6.2901, 8.2357)
    assert first.audio == Clip(session / "sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav")
    reasons = {problem.code: problem.reason for problem in corpus.problems}
    assert reasons["untimed-line"].startswith("Row 2 is no turn with a name and times ('M: An aside.')")
    assert reasons["duplicate-id"] == "Row 4 repeats the turn Ses01F_impro01_M000; the first is kept."


def release(root: Path) -> Path:
    for session in range(1, 6):
        for number in range(8):
            dialogue = f"Ses0{session}F_impro{number:02}"
            name = f"{dialogue}_F000"
            transcribe(root, dialogue, [f"{name} [001.0-002.0]: Made up."], {name: "sad"})
    return root


def test_the_release_is_split_by_session_and_a_fixed_choice(tmp_path: Path) -> None:
    corpus = open_corpus(release(tmp_path))
    names = {split: {d.name for d in corpus.dialogues if d.split is split} for split in Split}
    assert {split: len(found) for split, found in names.items()} == {"train": 20, "dev": DEV_DIALOGUES, "test": 8}
    assert all(name.startswith("Ses05") for name in names[Split.TEST])
    note = next(problem for problem in corpus.problems if problem.code == "splits-chosen")
    assert note.severity is Severity.NOTE
    assert all(name in note.reason for name in names[Split.DEV])
    assert {turn.id for turn in open_corpus(tmp_path).turns()} == {turn.id for turn in corpus.turns()}
    assert len({name[:5] for name in names[Split.DEV]}) > 1


def test_a_dialogue_without_evaluations_keeps_its_turns(tmp_path: Path) -> None:
    transcribe(tmp_path, "Ses05F_impro01", ["Ses05F_impro01_F000 [1.0-2.0]: Made up."], None)
    corpus = open_corpus(tmp_path)
    assert [turn.gold for turn in corpus.turns(Split.TEST)] == [None]
    assert fatal(corpus) == [
        "Ses05F_impro01.txt is missing in EmoEvaluation: the turns of Ses05F_impro01 have no emotions."
    ]


def test_damaged_words_are_kept_beside_the_repaired_ones(tmp_path: Path) -> None:
    damaged = row("Ses01F_impro01_F000").replace("Made up.", "It\x92s made up\x85")
    first, second = open_corpus(tables(tmp_path, train=[damaged, row("Ses01F_impro01_M000")])).turns()
    assert (first.text, first.unrepaired) == ("It’s made up…", "It\x92s made up")  # Python counts U+0085 as a space
    assert (second.text, second.unrepaired) == ("Made up.", None)
