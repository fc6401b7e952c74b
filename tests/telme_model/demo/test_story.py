"""The written series and the generated phrases: what the demo corpus promises about its words."""

import random
import re
from collections import Counter, defaultdict
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import MELD
from telme_model.demo.phrases import Phrases
from telme_model.demo.story import (
    CHARACTERS,
    LONGEST,
    SHORTEST,
    Cue,
    ScriptDialogue,
    ScriptTurn,
    fill_slots,
    read_scenes,
    write_series,
)

BUNDLE = {Split.TRAIN: 60, Split.DEV: 8, Split.TEST: 16}
SEEDS = range(5)


def turns(dialogues: tuple[ScriptDialogue, ...]) -> list[ScriptTurn]:
    return [turn for dialogue in dialogues for turn in dialogue.turns]


def words(dialogue: ScriptDialogue) -> tuple[tuple[str, str], ...]:
    return tuple((turn.speaker, turn.text) for turn in dialogue.turns)


def test_scenes_are_playable() -> None:
    scenes = read_scenes()
    assert len(scenes) >= sum(BUNDLE.values())
    assert {(scene.season, scene.episode) for scene in scenes} == {(1, 1), (1, 2), (2, 1)}
    assert {line.speaker for scene in scenes for line in scene.lines} == set(CHARACTERS)
    for scene in scenes:
        assert SHORTEST <= len(scene.lines) <= LONGEST, scene.title
        assert 2 <= len({line.speaker for line in scene.lines}) <= 4, scene.title
        for line in scene.lines:
            assert 1 <= len(set(line.emotions)) == len(line.emotions) <= 4, line
            assert not re.search(r"[{}|$]", fill_slots(line.text, random.Random(0))), line


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bundle_has_its_size_and_its_emotions(seed: int) -> None:
    series = write_series(BUNDLE, seed)
    sizes = {split: len(turns(dialogues)) for split, dialogues in series.items()}
    assert 470 <= sizes[Split.TRAIN] <= 560
    assert 55 <= sizes[Split.DEV] <= 85
    assert 120 <= sizes[Split.TEST] <= 160
    for split, dialogues in series.items():
        assert len(dialogues) == BUNDLE[split]
        assert len({(dialogue.season, dialogue.episode) for dialogue in dialogues}) == 3
        assert {turn.emotion for turn in turns(dialogues)} == set(MELD.labels)
    everything = [turn for dialogues in series.values() for turn in turns(dialogues)]
    shares = Counter(turn.emotion for turn in everything)
    assert min(shares.values()) >= 0.05 * len(everything)
    assert 0.25 <= shares["neutral"] / len(everything) <= 0.35
    assert min(Counter(turn.emotion for turn in turns(series[Split.TEST])).values()) >= 6


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_cue_has_its_share(seed: int) -> None:
    train = turns(write_series(BUNDLE, seed)[Split.TRAIN])
    assert {turn.cue for turn in train if turn.emotion == "neutral"} == {Cue.ALL}
    cues = Counter(turn.cue for turn in train if turn.emotion != "neutral")
    for cue in Cue:
        assert 0.17 <= cues[cue] / cues.total() <= 0.33, cue


@settings(max_examples=15)
@given(train=st.integers(0, 300), dev=st.integers(0, 40), test=st.integers(0, 60), seed=st.integers(0, 9))
def test_no_scene_serves_two_splits_whatever_the_size(train: int, dev: int, test: int, seed: int) -> None:
    series = write_series({Split.TRAIN: train, Split.DEV: dev, Split.TEST: test}, seed)
    assert [len(series[split]) for split in Split] == [train, dev, test]
    seen: dict[tuple[tuple[str, str], ...], Split] = {}
    for split, dialogues in series.items():
        for dialogue in dialogues:
            assert seen.setdefault(words(dialogue), split) is split


def test_the_same_seed_writes_the_same_series() -> None:
    assert write_series(BUNDLE, 3) == write_series(BUNDLE, 3)
    assert write_series(BUNDLE, 3) != write_series(BUNDLE, 4)


def test_a_large_series_repeats_scenes_with_other_words_and_emotions() -> None:
    dialogues = write_series({Split.TRAIN: 600}, 0)[Split.TRAIN]
    assert len(set(dialogues)) > 590
    assert len({words(dialogue) for dialogue in dialogues}) > 3 * len(read_scenes())


def test_open_lines_leave_the_emotion_open() -> None:
    series = write_series(BUNDLE, 0)
    emotions: defaultdict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for dialogues in series.values():
        for turn in turns(dialogues):
            if turn.cue in (Cue.VOICE, Cue.FACE):
                assert not re.search(r"[!?]", turn.text), turn
                emotions[turn.text].add(turn.emotion)
                counts[turn.text] += 1
    assert emotions["Okay."] == set(MELD.labels) - {"neutral"}
    assert counts["Okay."] >= 50
    for line, count in counts.items():
        assert count < 6 or len(emotions[line]) >= 3, line


def test_a_negative_number_of_dialogues_is_refused() -> None:
    with pytest.raises(ValueError, match="The number of dev dialogues is -1"):
        write_series({Split.DEV: -1}, 0)


def test_a_line_that_is_not_script_is_named(tmp_path: Path) -> None:
    (tmp_path / "s9e9.toml").write_text('season = 9\nepisode = 9\n[[scene]]\ntitle = "x"\nscript = "Mara, sad: Hm."')
    with pytest.raises(ValueError, match=r"s9e9\.toml: 'Mara, sad: Hm\.' is not of the form"):
        read_scenes(tmp_path)


def sentences(text: str) -> set[str]:
    return {sentence for sentence in re.split(r"(?<=[.!?]) ", text.lower()) if len(sentence.split()) > 4}


def test_pretraining_phrases_share_no_turn_and_no_long_sentence_with_the_series() -> None:
    written = {turn.text for seed in SEEDS for dialogues in write_series(BUNDLE, seed).values()
               for turn in turns(dialogues)}  # fmt: skip
    generated = {turn.text for conversation in islice(Phrases().conversations(random.Random(0)), 10_000)
                 for turn in conversation}  # fmt: skip
    assert len(generated) > 15_000
    assert not written & generated
    assert not set().union(*map(sentences, written)) & set().union(*map(sentences, generated))
    assert not set(Phrases().names) & set(CHARACTERS)
