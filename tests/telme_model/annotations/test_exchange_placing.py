"""Labels of files made elsewhere come to the turn that they were given, by speaker, words and time, or to none."""

from pathlib import Path

import pytest
from pympi import Elan

from telme_model.annotations.exchange import ExchangeError, Format, Incoming
from telme_model.annotations.exchange.terms import Terms
from telme_model.annotations.labels import GOLD, Label, Scope
from telme_model.corpus import Clip, Corpus, Dialogue, Split, Turn, TurnId
from telme_model.corpus.emotions import IEMOCAP, MELD
from tests.support.dialogues import annotated
from tests.support.eaf import aligned, eaf, hanging
from tests.support.exchange import take, write

LINES = (
    ("Ada", "Good morning!", 10.0, 12.0),
    ("Ben", "You forgot the keys again.", 15.0, 16.0),
    ("Ada", "I know. I am so sorry about that.", 20.0, 24.0),
)
IN_ORDER = {"utt0": "joy", "utt1": "fear", "utt2": "sadness"}
CLIPS = {"t0": 0, "t1": 2000, "t2": 3000, "t3": 7000}  # the clips one after another
CUT = {"t0": 0, "t1": 2000, "t2": 5000, "t3": 6000, "t4": 10_000, "t5": 14_000}  # in one piece, pauses kept


def meld() -> Corpus:
    """A dialogue of three turns of two speakers in MELD's shape, whose times have pauses."""
    turns = tuple(
        Turn(id=TurnId(Split.TRAIN, "0", n), speaker=who, text=text, gold="neutral", start=a, end=b)
        for n, (who, text, a, b) in enumerate(LINES)
    )
    dialogue = Dialogue(split=Split.TRAIN, name="0", turns=turns)
    return Corpus(root=Path("/nowhere"), kind="meld", labels=MELD, dialogues=(dialogue,))


def iemocap() -> Corpus:
    """Windows of one film, in which the two speakers overlap."""
    lines = (("F", "I think we should go home now.", 0, 5), ("M", "No way.", 4, 6), ("F", "Fine, stay then.", 5.5, 9))
    turns = tuple(
        Turn(
            id=TurnId(Split.TEST, "Ses05F", n), speaker=who, text=text, gold="neutral", video=Clip(Path("/f.avi"), a, b)
        )
        for n, (who, text, a, b) in enumerate(lines)
    )
    dialogue = Dialogue(split=Split.TEST, name="Ses05F", turns=turns)
    return Corpus(root=Path("/nowhere"), kind="iemocap", labels=IEMOCAP, dialogues=(dialogue,))


def emotions(incoming: Incoming, layer: str) -> dict[str, str | None]:
    return {f"utt{turn.utterance}": label.emotion for (_, turn), label in incoming.placed.get(layer, {}).items()}


def read(
    tmp_path: Path, text: str, corpus: Corpus, name: str = "train_dia0.eaf", terms: Terms | None = None
) -> Incoming:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return take([path], corpus, terms)


@pytest.mark.parametrize("seed", [*range(40), 268])
def test_labels_of_random_dialogues_come_back_or_are_listed(tmp_path: Path, seed: int) -> None:
    made = annotated(seed, tmp_path)
    try:
        incoming = take([made.path], made.corpus)
    except ExchangeError:
        assert not made.truth  # nothing in it
        return
    assert made.wrong(incoming) == []
    assert incoming.labels + len(incoming.unplaced) >= len(made.truth)


# cases that went wrong


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize("later", [0, 10_000, 723_450])
def test_pauses_are_kept(tmp_path: Path, words: bool, later: int) -> None:
    """Case 01: cut out in one piece, over the whole episode, and with a beginning of its own."""
    spans = [("t0", "t1"), ("t2", "t3"), ("t4", "t5")]
    anna = aligned("anna", *((*span, name) for span, name in zip(spans, IN_ORDER.values(), strict=True)))
    said = aligned("words", *((*span, line[1]) for span, line in zip(spans, LINES, strict=True)))
    slots = {name: time + later for name, time in CUT.items()}
    incoming = read(tmp_path, eaf(slots, *([said] if words else []), anna), meld())
    assert (emotions(incoming, "anna"), incoming.unplaced) == (IN_ORDER, ())


def test_one_label_at_a_time_that_fits_in_several_ways_is_refused(tmp_path: Path) -> None:
    path = eaf({"t0": 3000, "t1": 4000}, aligned("anna", ("t0", "t1", "fear")))  # Ben's second, or of Ada's last turn
    incoming = read(tmp_path, path, meld())
    assert incoming.placed == {}
    assert [one.reason[:43] for one in incoming.unplaced] == ["its times fit those of the turns nowhere, o"]


def test_overlapping_speakers(tmp_path: Path) -> None:
    """Case 02: each label is the speaker's whose tier it is in, and both tiers are one layer."""
    slots = {"f0": 0, "f1": 5000, "m0": 4000, "m1": 6000, "g0": 5500, "g1": 9000}
    text = eaf(
        slots,
        aligned("F", ("f0", "f1", "I think we should go home now."), ("g0", "g1", "Fine, stay then."), participant="F"),
        aligned("M", ("m0", "m1", "No way."), participant="M"),
        hanging("emotion F", ("Fa0", "happy"), ("Fa1", "sad"), parent_ref="F", participant="F"),
        hanging("emotion M", ("Ma0", "angry"), parent_ref="M", participant="M"),
    )
    incoming = read(tmp_path, text, iemocap(), "test_diaSes05F.eaf")
    assert emotions(incoming, "emotion") == {"utt0": "happy", "utt1": "angry", "utt2": "sad"}
    assert incoming.unplaced == ()


def test_overlapping_turns_are_exported_as_they_are_and_come_back(tmp_path: Path) -> None:
    """Case 03."""
    corpus = iemocap()
    gold = {GOLD: {(Scope.ALL, turn.id): Label(emotion="sad", time=1.0) for turn in corpus.turns()}}
    (path,) = write(Format.ELAN, tmp_path, corpus, gold).files
    document = Elan.Eaf(str(path))
    assert [span[:2] for span in document.get_annotation_data_for_tier("words: F")] == [(0, 5000), (5500, 9000)]
    assert [span[:2] for span in document.get_annotation_data_for_tier("words: M")] == [(4000, 6000)]
    for form in (Format.ELAN, Format.TEXTGRID, Format.WEBVTT):
        incoming = take(write(form, tmp_path / form, corpus, gold).files, corpus)
        assert (incoming.placed, incoming.unplaced) == (gold, ())


@pytest.mark.parametrize("kind", ["sub", "parts"])
def test_a_subdivision_is_spaced_evenly(tmp_path: Path, kind: str) -> None:
    """Case 04: the borders within have no time; those of a symbolic subdivision have not even slots."""
    slots: dict[str, int | None] = {"t0": 0, "t1": None, "t2": None, "t3": 7000}
    block = aligned("block", ("t0", "t3", "greeting"))
    if kind == "sub":
        parts = [(f"t{n}", f"t{n + 1}", name) for n, name in enumerate(IN_ORDER.values())]
        tier = aligned("anna", *parts, kind="sub", parent_ref="block")
    else:
        tier = hanging("anna", *(("blocka0", name) for name in IN_ORDER.values()), kind="parts", parent_ref="block")
    assert emotions(read(tmp_path, eaf(slots, block, tier), meld()), "anna") == IN_ORDER


def test_one_annotator_with_a_tier_for_each_speaker_is_one_layer(tmp_path: Path) -> None:
    """Case 05, with her name in ANNOTATOR; without it the layer is called as the tiers are."""
    for annotator, layer in ({"annotator": "anna"}, "anna"), ({}, "emotion"):
        text = eaf(
            CLIPS,
            aligned("Ada", ("t0", "t1", LINES[0][1]), ("t2", "t3", LINES[2][1]), participant="Ada"),
            aligned("Ben", ("t1", "t2", LINES[1][1]), participant="Ben"),
            hanging("emotion@Ada", ("Adaa0", "joy"), ("Adaa1", "sadness"), parent_ref="Ada", **annotator),
            hanging("emotion@Ben", ("Bena0", "fear"), parent_ref="Ben", **annotator),
        )
        incoming = read(tmp_path, text, meld())
        assert (emotions(incoming, layer), list(incoming.placed)) == (IN_ORDER, [layer])


def test_other_words_tiers_and_speakers_are_as_told(tmp_path: Path) -> None:
    """Case 06, and a tier whose name and participant tell nobody."""
    text = eaf(
        CLIPS,
        aligned("first pass", ("t0", "t1", "Happy"), ("t1", "t2", "angry"), ("t2", "t3", "Sad")),
        aligned("P1", ("t0", "t1", "joy"), ("t1", "t2", "joy")),
        aligned("notes for me", ("t0", "t1", "fear")),
    )
    refused = read(tmp_path, text, meld())
    assert refused.words == {"happy": 1, "angry": 1, "sad": 1}
    assert "--words happy=joy" in refused.unplaced[0].reason
    terms = Terms(
        emotions={"happy": "joy", "angry": "anger", "sad": "sadness"},
        layers={"first pass": "anna", "notes for me": "", "P1": "bo"},
        speakers={"P1": "Ben"},
    )
    incoming = read(tmp_path, text, meld(), terms=terms)
    assert emotions(incoming, "anna") == {"utt0": "joy", "utt1": "anger", "utt2": "sadness"}
    assert emotions(incoming, "bo") == {"utt1": "joy"}
    assert list(incoming.placed) == ["anna", "bo"]


def test_a_polarity_is_no_emotion(tmp_path: Path) -> None:
    tier = aligned("Coder 1", ("t0", "t1", "neutral"), ("t1", "t2", "negative"), ("t2", "t3", "neutral"))
    named = aligned("sentiment", ("t0", "t1", "neutral"), ("t1", "t2", "neutral"))
    incoming = read(tmp_path, eaf(CLIPS, tier, named), meld())
    assert incoming.placed == {}
    assert {one.reason for one in incoming.unplaced} == {"its texts tell a polarity, no emotion"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (  # case 08: a blank line between times and words
            "train_dia0.vtt",
            (
                "WEBVTT\n\n00:00.000 --> 00:02.000 line:91%\n<c.joy>Good morning!</c>\n\n"
                "00:02.000 --> 00:03.000 line:79%\n\n<c.fear>You forgot the keys again.</c>\n\n"
                "00:03.000 --> 00:07.000\n<c.sadness>I know.</c>\n"
            ),
        ),
        (  # case 09: commas, and an arrow in the words
            "train_dia0.vtt",
            (
                "WEBVTT\n\n1\n00:00:00,000 --> 00:00:02,000\n<c.joy>Good --> morning!</c>\n\n2\n"
                "00:00:02,000 --> 00:00:03,000\n<c.fear>You forgot</c>\n\n3\n0:03.0 --> 0:07.0\n<c.sadness>I know</c>\n"
            ),
        ),
        (
            "train_dia0.srt",
            (
                "1\n00:00:00,000 --> 00:00:02,000\n[joy] Ada: Good morning!\n\n2\n00:00:02,000 --> 00:00:03,000\n"
                "(fear) Ben: You forgot the keys again.\n3\n00:00:03,000 --> 00:00:07,000\nI know. [sadness]\n"
            ),
        ),
    ],
)
def test_subtitles_as_they_are_found(tmp_path: Path, name: str, text: str) -> None:
    incoming = read(tmp_path, text, meld(), name)
    assert (emotions(incoming, ""), incoming.unplaced) == (IN_ORDER, ())


def test_praats_numbers(tmp_path: Path) -> None:
    """Case 24, and numbers with a unit."""
    numbers = (
        '0.\n7.\n<exists>\n1\n"IntervalTier"\n"anna"\n0.\n7.\n3\n0.\n+2\n"joy"\n2s\n3.\n"fear"\n+.3e1\n7\n"sadness"\n'
    )
    text = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\n{numbers}'
    assert emotions(read(tmp_path, text, meld(), "train_dia0.TextGrid"), "anna") == IN_ORDER


def test_a_voice_keeps_a_label_from_another_speakers_turn(tmp_path: Path) -> None:
    cues = (
        "00:00.000 --> 00:02.000\n<v Ada><c.joy>Good morning!</c>",
        "00:02.000 --> 00:03.000\n<v Ada><c.fear>Hm</c>",
    )
    text = "\n\n".join(("WEBVTT", *cues))
    incoming = read(tmp_path, text, meld(), "train_dia0.vtt")
    assert emotions(incoming, "") == {"utt0": "joy"}
    assert len(incoming.unplaced) == 1
