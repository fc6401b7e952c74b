"""The text encoder's input: both layouts piece by piece, truncation, causality, and both speaker numberings."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, trainers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AddedToken, PreTrainedTokenizerFast

from telme_model.corpus import Dialogue, Split, Turn, TurnId, open_corpus
from telme_model.networks.backbones import load_tokenizer
from telme_model.networks.text_inputs import TextAssembler, number_speakers, read_position
from telme_model.runs.config import SpeakerNumbering, TextConfig, TextLayout
from tests.support.released import Meld

WORDS = [*"abcdefghijklmnopqrstuvwxyz", "Now", "feels"]
LINES = (("Ada", "a b c"), ("Bo", "d e"), ("Ada", "f"), ("Cy", "g h i j"), ("Bo", "k l"))


def dialogue(lines: tuple[tuple[str, str], ...], name: str = "0", split: Split = Split.TRAIN) -> Dialogue:
    turns = tuple(Turn(id=TurnId(split, name, k), speaker=who, text=text) for k, (who, text) in enumerate(lines))
    return Dialogue(split=split, name=name, turns=turns)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """One piece a word."""
    return load_tokenizer("toy", [" ".join(WORDS)], 9)


def pieces(tokenizer: Any, ids: list[int]) -> str:
    found: str = " ".join(tokenizer.convert_ids_to_tokens(ids))
    return found


def assembled(tokenizer: Any, config: TextConfig, k: int, *dialogues: Dialogue, **options: Any) -> str:
    assembler = TextAssembler(tokenizer, config, dialogues or [dialogue(LINES)])
    return pieces(tokenizer, assembler(TurnId(Split.TRAIN, "0", k), **options))


# --- layouts


def test_paper_layout(tokenizer: Any) -> None:
    config = TextConfig()
    assert assembled(tokenizer, config, 0) == "<s> <s1> a b c </s> Now <s1> feels <mask>"
    assert assembled(tokenizer, config, 3) == ("<s> <s1> a b c <s2> d e <s1> f <s3> g h i j </s> Now <s3> feels <mask>")
    assert assembled(tokenizer, replace(config, prompt=False), 1) == "<s> <s1> a b c <s2> d e </s>"


def test_official_layout_has_no_first_token(tokenizer: Any) -> None:
    config = TextConfig(layout=TextLayout.OFFICIAL)
    assert assembled(tokenizer, config, 1) == "<s1> a b c <s2> d e </s> Now <s2> feels <mask>"


@pytest.mark.parametrize("layout", TextLayout)
@pytest.mark.parametrize("prompt", [True, False])
def test_the_read_position_is_the_mask_or_the_first(tokenizer: Any, layout: TextLayout, prompt: bool) -> None:
    config = TextConfig(layout=layout, prompt=prompt)
    ids = TextAssembler(tokenizer, config, [dialogue(LINES)])(TurnId(Split.TRAIN, "0", 2))
    expected = tokenizer.mask_token_id if prompt else tokenizer.cls_token_id
    assert ids[read_position(ids, config)] == expected
    assert ids.count(tokenizer.mask_token_id) == prompt


def byte_level(strip: bool) -> Any:
    """RoBERTa's kind of tokenizer, in which spaces are part of the pieces, with speaker tokens that eat them or not."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=special, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    core.train_from_iterator(["Okay, now he feels fine. Now you are here? feels"] * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
    )
    speakers = [AddedToken(f"<s{i}>", lstrip=strip, rstrip=strip, special=True) for i in range(1, 10)]
    tokenizer.add_special_tokens({"additional_special_tokens": speakers})
    return tokenizer


SPOKEN = (("Ada", "Okay, now"), ("Bo", "you are here? "), ("Ada", "Now he feels fine."))


@pytest.mark.parametrize("k", range(3))
def test_official_pieces_are_those_of_the_whole_string(k: int) -> None:
    """What the released code tokenises in one go, with speaker tokens that eat the spaces around them."""
    tokenizer = byte_level(strip=True)
    numbers = [1, 2, 1]
    context = "".join(f"<s{numbers[i]}> {SPOKEN[i][1]} " for i in range(k + 1)).strip()
    whole = tokenizer(f"{context} </s> Now <s{numbers[k]}> feels", add_special_tokens=False)["input_ids"]
    config = TextConfig(layout=TextLayout.OFFICIAL)
    found = TextAssembler(tokenizer, config, [dialogue(SPOKEN)])(TurnId(Split.TRAIN, "0", k))
    assert pieces(tokenizer, found) == pieces(tokenizer, [*whole, tokenizer.mask_token_id])


def test_official_pieces_of_a_turn_without_words() -> None:
    tokenizer = byte_level(strip=True)
    whole = tokenizer("<s1> </s> Now <s1> feels", add_special_tokens=False)["input_ids"]
    config = TextConfig(layout=TextLayout.OFFICIAL)
    found = TextAssembler(tokenizer, config, [dialogue((("Ada", " "),))])(TurnId(Split.TRAIN, "0", 0))
    assert found == [*whole, tokenizer.mask_token_id]


def test_words_are_read_as_they_stand_in_the_table_where_they_are_not_to_be_repaired() -> None:
    """The released code's tables have Windows-1252 punctuation as control characters; one of them is a space."""
    tokenizer = byte_level(strip=True)
    damaged = ("It\x92s here \x97 now\x85", "\x93No\x94\x85 really")
    spoken = dialogue((("Ada", "It\u2019s here \u2014 now\u2026"), ("Bo", "\u201cNo\u201d\u2026 really")))
    turns = tuple(replace(turn, unrepaired=words) for turn, words in zip(spoken.turns, damaged, strict=True))
    spoken = replace(spoken, turns=turns)
    for repaired, words in ((True, [turn.text for turn in turns]), (False, damaged)):
        whole = f"<s1> {words[0].strip()} <s2> {words[1].strip()} </s> Now <s2> feels"
        expected = [*tokenizer(whole, add_special_tokens=False)["input_ids"], tokenizer.mask_token_id]
        config = TextConfig(layout=TextLayout.OFFICIAL, repaired=repaired)
        assert TextAssembler(tokenizer, config, [spoken])(turns[1].id) == expected
    told = TextAssembler(tokenizer, TextConfig(repaired=False), [spoken])
    assert told(turns[1].id) != TextAssembler(tokenizer, TextConfig(), [spoken])(turns[1].id)


def test_a_speaker_s_number_without_a_token_is_plain_text() -> None:
    """As the released code has it, for IEMOCAP above all: only <s1> to <s9> are in its vocabulary."""
    tokenizer = byte_level(strip=True)
    long = dialogue(tuple(("Ada", f"Okay, now {'you' * (k % 3)} ") for k in range(13)))
    config = TextConfig(layout=TextLayout.OFFICIAL, speakers=SpeakerNumbering.TURN)
    assembler = TextAssembler(tokenizer, config, [long])
    for k in (8, 9, 12):
        context = "".join(f"<s{i + 1}> {long.turns[i].text} " for i in range(k + 1)).strip()
        whole = tokenizer(f"{context} </s> Now <s{k + 1}> feels", add_special_tokens=False)["input_ids"]
        assert pieces(tokenizer, assembler(long.turns[k].id)) == pieces(tokenizer, [*whole, tokenizer.mask_token_id])


def test_paper_pieces_keep_the_space_after_a_speaker_token() -> None:
    tokenizer = byte_level(strip=False)
    whole = tokenizer("<s><s1> Okay, now<s2> you are here?</s> Now<s2> feels<mask>", add_special_tokens=False)
    found = TextAssembler(tokenizer, TextConfig(), [dialogue(SPOKEN)])(TurnId(Split.TRAIN, "0", 1))
    assert pieces(tokenizer, found) == pieces(tokenizer, whole["input_ids"])


# --- what is left out


def test_truncation_drops_the_oldest(tokenizer: Any) -> None:
    long = dialogue((("Ada", " ".join("abcdefghij")), ("Bo", "k l m n o")))
    paper = assembled(tokenizer, TextConfig(max_tokens=16), 1, long)
    assert paper == "<s> g h i j <s2> k l m n o </s> Now <s2> feels <mask>"
    official = assembled(tokenizer, TextConfig(max_tokens=16, layout=TextLayout.OFFICIAL), 1, long)
    assert official == "f g h i j <s2> k l m n o </s> Now <s2> feels <mask>"
    without = assembled(tokenizer, TextConfig(max_tokens=16, prompt=False), 1, long)
    assert without == "<s> c d e f g h i j <s2> k l m n o </s>"


@given(
    lines=st.lists(st.tuples(st.sampled_from("ABC"), st.lists(st.sampled_from(WORDS), max_size=12)), min_size=1),
    layout=st.sampled_from(TextLayout),
    limit=st.integers(16, 40),
)
def test_whatever_is_long_the_prompt_stays(
    lines: list[tuple[str, list[str]]], layout: TextLayout, limit: int, tokenizer: Any
) -> None:
    spoken = dialogue(tuple((who, " ".join(words)) for who, words in lines))
    uncut = TextAssembler(tokenizer, TextConfig(layout=layout, max_tokens=10_000), [spoken])
    cut = TextAssembler(tokenizer, TextConfig(layout=layout, max_tokens=limit), [spoken])
    for turn in spoken.turns:
        whole, found = uncut(turn.id), cut(turn.id)
        assert len(found) == min(len(whole), limit)
        first = layout is TextLayout.PAPER  # <s> stays
        assert found[first:] == whole[len(whole) - len(found) + first :]
        assert found[:first] == whole[:first]
        assert pieces(tokenizer, found[-4:]) == f"Now <s{cut.numbers[turn.id]}> feels <mask>"


def test_context_turns(tokenizer: Any) -> None:
    alone = "<s> <s3> g h i j </s> Now <s3> feels <mask>"
    two = "<s> <s1> f <s3> g h i j </s> Now <s3> feels <mask>"
    assert assembled(tokenizer, TextConfig(), 3, context_turns=0) == alone
    assert assembled(tokenizer, TextConfig(), 3, context_turns=1) == two
    assert assembled(tokenizer, TextConfig(context_turns=1), 3) == two
    assert assembled(tokenizer, TextConfig(context_turns=1), 3, context_turns=0) == alone
    assert assembled(tokenizer, TextConfig(context_turns=9), 3) == assembled(tokenizer, TextConfig(), 3)
    assert assembled(tokenizer, TextConfig(context_turns=2), 0) == assembled(tokenizer, TextConfig(), 0)


def test_other_words_for_a_turn(tokenizer: Any) -> None:
    changed = assembled(tokenizer, TextConfig(), 1, text="x y")
    assert changed == "<s> <s1> a b c <s2> x y </s> Now <s2> feels <mask>"
    assert "x y" not in assembled(tokenizer, TextConfig(), 2)


@pytest.mark.parametrize("numbering", SpeakerNumbering)
@pytest.mark.parametrize("layout", TextLayout)
def test_later_turns_change_nothing(tokenizer: Any, layout: TextLayout, numbering: SpeakerNumbering) -> None:
    config = TextConfig(layout=layout, speakers=numbering)
    before = dialogue((("Cy", "z"),), name="before")
    for k in range(len(LINES) - 1):
        otherwise = dialogue((*LINES[: k + 1], ("Dee", "x y z")))
        assert assembled(tokenizer, config, k, before, dialogue(LINES)) == assembled(
            tokenizer, config, k, before, otherwise
        )


# --- speakers


def test_numbers_by_first_appearance_and_as_carried_over() -> None:
    first = dialogue((("Ada", ""), ("Bo", ""), ("Cy", "")), name="0")
    second = dialogue((("Cy", ""), ("Bo", ""), ("Cy", "")), name="1")
    third = dialogue((("Dee", ""), ("Ada", ""), ("Dee", "")), name="2")
    for numbering, expected in (
        (SpeakerNumbering.DIALOGUE, [1, 2, 3, 1, 2, 1, 1, 2, 1]),
        # Cy is the third of the first dialogue; then the list is emptied, Cy is not put back, Bo comes first, ...
        (SpeakerNumbering.CARRIED, [1, 2, 3, 3, 1, 2, 3, 1, 2]),
        # Every turn is nobody's before: the fourth of four in the list, which is then emptied, the first, the second.
        (SpeakerNumbering.TURN, [1, 2, 3, 4, 1, 2, 3, 1, 2]),
    ):
        assert list(number_speakers([first, second, third], numbering).values()) == expected


def test_splits_are_numbered_apart(tokenizer: Any) -> None:
    """The first dialogue of a split has no dialogue before it to carry anything from."""
    config = TextConfig(speakers=SpeakerNumbering.CARRIED)
    train, dev = dialogue((("Ada", "a"), ("Bo", "b"))), dialogue((("Bo", "c"), ("Ada", "d")), split=Split.DEV)
    assembler = TextAssembler(tokenizer, config, [train, dev])
    assert [assembler.numbers[turn.id] for part in (train, dev) for turn in part.turns] == [1, 2, 1, 2]


def test_more_speakers_than_tokens_share_the_last(tokenizer: Any) -> None:
    crowd = dialogue(tuple((f"speaker {i}", "a") for i in range(4)))
    found = assembled(tokenizer, TextConfig(speaker_tokens=2), 3, crowd)
    assert found == "<s> <s1> a <s2> a <s2> a <s2> a </s> Now <s2> feels <mask>"


def renamed(speakers: list[str], numbers: list[int]) -> bool:
    """Whether the numbers are the speakers under other names: one number a speaker, one speaker a number."""
    pairs = set(zip(speakers, numbers, strict=True))
    return len(pairs) == len(set(speakers)) == len(set(numbers))


def test_speakers_of_the_released_corpus(meld: Meld) -> None:
    """In so many inputs of each split the released code's numbers say something false about who speaks."""
    corpus = open_corpus(meld.root)
    for split, misnumbered in zip(Split, meld.misnumbered, strict=True):
        dialogues = [part for part in corpus.dialogues if part.split is split]
        for numbering, expected in ((SpeakerNumbering.DIALOGUE, 0), (SpeakerNumbering.CARRIED, misnumbered)):
            numbers = number_speakers(dialogues, numbering)
            assert len(numbers) == meld.sizes[split][0]
            false = 0
            for part in dialogues:
                speakers, numbered = [turn.speaker for turn in part.turns], [numbers[turn.id] for turn in part.turns]
                false += sum(not renamed(speakers[: k + 1], numbered[: k + 1]) for k in range(len(speakers)))
            assert false == expected
