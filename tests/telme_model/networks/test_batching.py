"""Collation against NumPy, and batches of like length."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from telme_model.corpus.dialogue import Split, Turn, TurnId
from telme_model.networks.batching import (
    AudioInputs,
    Batch,
    TextInputs,
    VisualInputs,
    collate_tokens,
    collate_waveforms,
    evaluation_batches,
    ordered_batches,
    shuffled_batches,
    table_batches,
)
from telme_model.runs.config import (
    AudioConfig,
    AudioPadding,
    Channels,
    EvaluationOrder,
    Normalisation,
    TextConfig,
    TextLayout,
    TrainingBatches,
)

# --- tokens

ROWS = [[5, 6, 7, 8], [9], [10, 11]]


@pytest.mark.parametrize(("prompt", "read"), [(True, [3, 0, 1]), (False, [0, 0, 0])])
def test_tokens_are_padded_on_the_right(prompt: bool, read: list[int]) -> None:
    batch = collate_tokens(ROWS, 1, TextConfig(prompt=prompt))
    assert batch.values.tolist() == [[5, 6, 7, 8], [9, 1, 1, 1], [10, 11, 1, 1]]
    assert batch.mask is not None
    assert batch.mask.int().tolist() == [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]]
    assert batch.read is not None
    assert batch.read.tolist() == read


def test_tokens_of_the_released_code_are_padded_on_the_left() -> None:
    batch = collate_tokens(ROWS, 1, TextConfig(layout=TextLayout.OFFICIAL))
    assert batch.values.tolist() == [[5, 6, 7, 8], [1, 1, 1, 9], [1, 1, 10, 11]]
    assert batch.mask is not None
    assert batch.mask.int().tolist() == [[1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 1, 1]]
    assert batch.read is not None
    assert batch.read.tolist() == [3, 3, 3]


# --- sound


def unit(clip: np.ndarray) -> np.ndarray:
    """Zero mean, unit variance."""
    wide = clip.astype(np.float64)
    scaled: np.ndarray = (wide - wide.mean()) / np.sqrt(((wide - wide.mean()) ** 2).mean() + 1e-7)
    return scaled


def clips(*lengths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0.1, 0.3, length).astype(np.float32) for length in lengths]


def test_waveforms_are_normalised_one_by_one_and_padded_with_a_mask() -> None:
    sounds = clips(50, 80, 20)
    batch = collate_waveforms(sounds, AudioConfig())
    expected = np.zeros((3, 80))
    for i, clip in enumerate(sounds):
        expected[i, : len(clip)] = unit(clip)
    assert batch.values.dtype == torch.float32
    np.testing.assert_allclose(batch.values.numpy(), expected, atol=1e-5)
    assert batch.mask is not None
    assert batch.mask.sum(1).tolist() == [50, 80, 20]
    assert batch.mask[0, :50].all()


def test_waveforms_of_the_released_code() -> None:
    """Zeros on the left, no mask; the last 400,000 samples, normalised by the mean and variance of the whole clip."""
    sounds = clips(50, 400_200)
    batch = collate_waveforms(sounds, AudioConfig(padding=AudioPadding.LEFT))
    assert batch.mask is None
    assert batch.values.shape == (2, 400_000)
    assert not batch.values[0, :-50].any()
    np.testing.assert_allclose(batch.values[0, -50:].numpy(), unit(sounds[0]), atol=1e-5)
    np.testing.assert_allclose(batch.values[1].numpy(), unit(sounds[1])[-400_000:], atol=1e-5)


@pytest.mark.parametrize("padding", AudioPadding)
def test_silence_stays_silent(padding: AudioPadding) -> None:
    batch = collate_waveforms([np.zeros(30, dtype=np.float32)], AudioConfig(padding=padding))
    assert batch.values.tolist() == [[0.0] * 30]


# --- from the cache


class FakeCache:
    """Media by utterance number; an utterance with neither stands for a clip that is not there."""

    def __init__(self, waveforms: Sequence[np.ndarray], frames: Sequence[np.ndarray]) -> None:
        self.waveforms, self.pictures = waveforms, frames

    def seconds(self, turn: Turn) -> float:
        return len(self.waveforms[turn.id.utterance]) / 16_000

    def waveform(self, turn: Turn) -> np.ndarray | None:
        return dict(enumerate(self.waveforms)).get(turn.id.utterance)

    def frames(self, turn: Turn) -> np.ndarray | None:
        return dict(enumerate(self.pictures)).get(turn.id.utterance)


TURNS = [Turn(id=TurnId(Split.TRAIN, "0", k), speaker="Ada", text="") for k in range(3)]


def test_audio_from_the_cache() -> None:
    inputs = AudioInputs(FakeCache(clips(8000, 16_000), []), AudioConfig())  # type: ignore[arg-type]
    assert [inputs.length(turn) for turn in TURNS[:2]] == [50, 100]
    batch = inputs.collate([TURNS[1], TURNS[0]])
    assert batch.mask is not None
    assert batch.mask.sum(1).tolist() == [16_000, 8000]
    with pytest.raises(ValueError, match="train/dia0_utt2 lacks this modality"):
        inputs.collate(TURNS)


@pytest.mark.parametrize("channels", Channels)
@pytest.mark.parametrize(
    ("normalisation", "mean", "std"),
    [
        (Normalisation.TIMESFORMER, (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)),
        (Normalisation.IMAGENET, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ],
)
def test_pixels(
    channels: Channels, normalisation: Normalisation, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    """The mean and deviation belong to the place in the picture the network sees, whatever colour stands there."""
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (2, 4, 4, 3), dtype=np.uint8) for _ in range(2)]
    inputs = VisualInputs(FakeCache([], frames), channels, normalisation)  # type: ignore[arg-type]
    batch = inputs.collate([TURNS[1], TURNS[0]])
    assert batch.values.dtype == torch.uint8  # a quarter of the way to the device
    found = batch.to(torch.device("cpu")).values
    assert found.shape == (2, 2, 3, 4, 4)
    assert found.dtype == torch.float32
    for b, picture in enumerate([frames[1], frames[0]]):
        for c in range(3):
            colour = 2 - c if channels is Channels.BGR else c
            expected = (picture[..., colour] / 255 - mean[c]) / std[c]
            np.testing.assert_allclose(found[b, :, c].numpy(), expected, atol=1e-6)
    assert np.array_equal(batch.values.numpy(), np.stack([frames[1], frames[0]])), "the cache's frames are as they were"
    assert {inputs.length(turn) for turn in TURNS} == {1}
    with pytest.raises(ValueError, match="utt2 lacks this modality"):
        inputs.collate(TURNS)


class CountingAssembler:
    """k + 1 tokens for utterance k; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.config = TextConfig()
        self.tokenizer = type("Tokenizer", (), {"pad_token_id": 1})

    def __call__(self, turn: TurnId) -> list[int]:
        self.asked += 1
        return [7] * (turn.utterance + 1)


def test_every_turn_is_assembled_once() -> None:
    assembler = CountingAssembler()
    inputs = TextInputs(assembler)  # type: ignore[arg-type]
    assert [inputs.length(turn) for turn in TURNS] == [1, 2, 3]
    assert inputs.collate([TURNS[2], TURNS[0]]).values.tolist() == [[7, 7, 7], [7, 1, 1]]
    assert inputs.collate(TURNS).values.shape == (3, 3)
    assert assembler.asked == 3


def test_moving_a_batch_keeps_what_it_lacks() -> None:
    moved = Batch(torch.ones(2, 3)).to(torch.device("meta"))
    assert moved.values.is_meta
    assert (moved.mask, moved.read) == (None, None)
    moved = Batch(torch.ones(2, 3, dtype=torch.uint8), finish=lambda values: values / 2).to(torch.device("meta"))
    assert moved.values.is_meta
    assert (moved.values.dtype, moved.finish) == (torch.float32, None)
    moved = collate_tokens(ROWS, 1, TextConfig()).to(torch.device("meta"))
    assert moved.mask is not None
    assert moved.read is not None
    assert (moved.mask.is_meta, moved.read.is_meta) == (True, True)


# --- epochs

LENGTHS = st.lists(st.integers(1, 500), max_size=300)


@given(LENGTHS, st.integers(1, 9), st.integers(0, 5), st.integers(0, 5))
def test_an_epoch_has_every_turn_once(lengths: list[int], batch: int, seed: int, epoch: int) -> None:
    batches = shuffled_batches(lengths, batch, (seed, epoch))
    assert sorted(i for members in batches for i in members) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch)
    assert sum(len(members) < batch for members in batches) <= 1
    assert all(batches)
    assert batches == shuffled_batches(lengths, batch, (seed, epoch))


@given(LENGTHS, st.integers(1, 9))
def test_in_order_means_longest_first(lengths: list[int], batch: int) -> None:
    batches = ordered_batches(lengths, batch)
    flat = [i for members in batches for i in members]
    assert sorted(flat) == list(range(len(lengths)))
    assert [lengths[i] for i in flat] == sorted(lengths, reverse=True)
    assert [len(members) for members in batches[:-1]] == [batch] * (len(batches) - 1)


def test_turns_of_one_length_stay_in_order() -> None:
    assert ordered_batches([1] * 5, 2) == [[0, 1], [2, 3], [4]]


def test_epochs_and_seeds_differ() -> None:
    lengths = list(range(100))
    epochs = [shuffled_batches(lengths, 4, seed) for seed in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert len({str(epoch) for epoch in epochs}) == 4
    many = np.random.default_rng(0).integers(10, 400, 2000).tolist()
    mates = [{frozenset(members) for members in shuffled_batches(many, 4, (0, epoch))} for epoch in range(2)]
    assert len(mates[0] & mates[1]) < 25


def test_bucketing_saves_padding_and_keeps_the_order_random() -> None:
    lengths = np.random.default_rng(0).integers(10, 400, 2000).tolist()

    def padded(batches: list[list[int]]) -> int:
        return sum(len(members) * max(lengths[i] for i in members) for members in batches)

    batches = shuffled_batches(lengths, 8, (0, 0))
    in_order = [list(range(i, i + 8)) for i in range(0, 2000, 8)]
    assert padded(batches) < 1.1 * sum(lengths) < padded(in_order)
    means = [float(np.mean([lengths[i] for i in members])) for members in batches]
    assert abs(float(np.corrcoef(means, np.arange(len(means)))[0, 1])) < 0.2


# --- the released code's


class OverLongCache(FakeCache):
    """Of which the second clip is over 30 s: kept as black frames."""

    def over_long(self, turn: Turn) -> bool:
        return turn.id.utterance == 1


def test_over_long_clips_may_be_zeros_after_normalisation() -> None:
    """Black frames normalised are another thing: -2.1 and the like."""
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (2, 4, 4, 3), dtype=np.uint8), np.zeros((2, 4, 4, 3), np.uint8)]
    cache = OverLongCache([], frames)
    plain, zeros = (
        VisualInputs(cache, Channels.BGR, Normalisation.IMAGENET, zeros=on).collate(TURNS[:2]).to(torch.device("cpu"))  # type: ignore[arg-type]
        for on in (False, True)
    )
    assert torch.equal(zeros.values[0], plain.values[0])
    assert not zeros.values[1].any()
    np.testing.assert_allclose(
        plain.values[1, 0, :, 0, 0].numpy(), [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], 1e-5
    )


def test_training_batches_may_be_of_any_turns() -> None:
    """A shuffled list, cut: its order does not know the lengths, and the last batch is what is left."""
    lengths = list(range(50))
    batches = shuffled_batches(lengths, 4, (3, 1), TrainingBatches.RANDOM)
    flat = [row for batch in batches for row in batch]
    assert sorted(flat) == lengths
    assert [len(batch) for batch in batches] == [4] * 12 + [2]
    assert batches == shuffled_batches([1] * 50, 4, (3, 1), TrainingBatches.RANDOM)
    assert batches != shuffled_batches(lengths, 4, (3, 2), TrainingBatches.RANDOM)


def said(split: Split, dialogue: str, utterance: int, row: int) -> Turn:
    return Turn(id=TurnId(split, dialogue, utterance), speaker="Ada", text="", row=row)


def test_evaluation_in_the_order_of_the_table() -> None:
    """Four turns at once from the head of each split's table, whose dialogues may lie in pieces."""
    dev = [
        said(Split.DEV, "0", 0, 2),
        said(Split.DEV, "0", 1, 5),
        said(Split.DEV, "1", 0, 3),
        said(Split.DEV, "1", 1, 4),
    ]
    test = [said(Split.TEST, "0", k, k + 2) for k in range(6)]
    assert table_batches([*dev, *test], 4) == [[0, 2, 3, 1], [4, 5, 6, 7], [8, 9]]
    assert table_batches([*dev, *test], 3) == [[0, 2, 3], [1], [4, 5, 6], [7, 8, 9]]
    # of one row number in two files: the corpus' own order
    of_files = [said(Split.DEV, "a", 0, 2), said(Split.DEV, "a", 1, 3), said(Split.DEV, "b", 0, 2)]
    assert table_batches(of_files, 2) == [[0, 1], [2]]


def test_a_turn_that_lacks_leaves_its_place_in_the_table_empty() -> None:
    turns = [said(Split.DEV, "0", k, k + 2) for k in range(9)]
    lengths = [5, 1, 7, 2, 9, 3, 8, 4, 6]

    def length(turn: Turn) -> int:
        return lengths[turn.id.utterance]

    rows = [0, 2, 3, 5, 6, 7, 8]
    assert evaluation_batches(turns, rows, 4, EvaluationOrder.TABLE, length) == [[0, 2, 3], [5, 6, 7], [8]]
    assert evaluation_batches(turns, rows, 4, EvaluationOrder.LENGTH, length) == [[6, 2, 8, 0], [7, 5, 3]]
