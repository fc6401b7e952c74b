"""From turns to tensors: collating each modality's input, and putting turns of like length into one batch."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from telme_model.corpus.dialogue import Modality, Turn
from telme_model.media.cache import MediaCache
from telme_model.media.decoding import OverLong
from telme_model.networks.text_inputs import TextAssembler, read_position
from telme_model.runs.config import (
    AudioConfig,
    AudioPadding,
    Channels,
    Config,
    EvaluationOrder,
    Normalisation,
    TextConfig,
    TextLayout,
    TrainingBatches,
)

TIMESFORMER_MEAN, TIMESFORMER_STD = (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
OFFICIAL_MAX_SAMPLES = 400_000  # the released code keeps the last 400,000 samples of a clip


@dataclass(slots=True)
class Batch:
    """Inputs of one modality for B turns.

    `values`: token ids [B, T] int64, samples [B, T] float32, or pixels [B, F, 3, S, S] float32. `mask` [B, T] is
    True on what is not padding (None: nothing is padded, or the padding is meant to be seen). `read` [B] is the
    position whose hidden state is the feature (text only). `finish` makes `values` of what is here in their stead,
    which is smaller or sooner made; the device does it.
    """

    values: Tensor
    mask: Tensor | None = None
    read: Tensor | None = None
    finish: Callable[[Tensor], Tensor] | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same batch on `device`, finished."""
        values = _moved(self.values, device)
        mask, read = (None if part is None else _moved(part, device) for part in (self.mask, self.read))
        return Batch(values if self.finish is None else self.finish(values), mask, read)


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    # Where it is not CUDA, a copy that is not waited for may read memory that was let go meanwhile.
    return tensor.to(device, non_blocking=device.type == "cuda")


class Inputs(Protocol):
    """Where the inputs of one modality come from."""

    def length(self, turn: Turn) -> int:
        """Length of the turn's input, in any unit that grows with its cost."""
        ...

    def collate(self, turns: Sequence[Turn]) -> Batch:
        """One batch of the turns' inputs, in their order, for `Batch.to` to finish."""
        ...


class TextInputs:
    """Token ids of turns in context."""

    def __init__(self, assembler: TextAssembler) -> None:
        """Assemble every turn's tokens with `assembler`, once each."""
        self.assembler = assembler
        self._tokens: dict[Turn, list[int]] = {}

    def _tokens_of(self, turn: Turn) -> list[int]:
        if turn not in self._tokens:
            self._tokens[turn] = self.assembler(turn.id)
        return self._tokens[turn]

    def length(self, turn: Turn) -> int:
        """Tokens."""
        return len(self._tokens_of(turn))

    def collate(self, turns: Sequence[Turn]) -> Batch:
        """Token ids [B, T]."""
        pad: int = self.assembler.tokenizer.pad_token_id
        return collate_tokens([self._tokens_of(turn) for turn in turns], pad, self.assembler.config)


def collate_tokens(rows: Sequence[Sequence[int]], pad: int, config: TextConfig) -> Batch:
    """Pad token rows to one length: on the right, or on the left as the released code does it."""
    width = max(len(row) for row in rows)
    values = torch.full((len(rows), width), pad, dtype=torch.int64)
    mask = torch.zeros((len(rows), width), dtype=torch.bool)
    read = torch.empty(len(rows), dtype=torch.int64)
    for i, row in enumerate(rows):
        first = width - len(row) if config.layout is TextLayout.OFFICIAL else 0
        values[i, first : first + len(row)] = torch.tensor(row)
        mask[i, first : first + len(row)] = True
        read[i] = first + read_position(row, config)
    return Batch(values, mask, read)


class AudioInputs:
    """Waveforms from the cache."""

    def __init__(self, cache: MediaCache, config: AudioConfig) -> None:
        """Read from `cache`."""
        self.cache = cache
        self.config = config

    def length(self, turn: Turn) -> int:
        """Hundredths of a second."""
        return int(self.cache.seconds(turn) * 100)

    def collate(self, turns: Sequence[Turn]) -> Batch:
        """Samples [B, T], each clip with zero mean and unit variance."""
        return collate_waveforms([_present(self.cache.waveform(turn), turn) for turn in turns], self.config)


def collate_waveforms(waveforms: Sequence[np.ndarray], config: AudioConfig) -> Batch:
    """Normalise each clip as the pretrained processors do and pad: masked on the right, or plain on the left."""
    left = config.padding is AudioPadding.LEFT
    clips = [_normalise(clip) for clip in waveforms]
    if left:
        clips = [clip[-OFFICIAL_MAX_SAMPLES:] for clip in clips]  # after normalising, as the released code does it
    width = max(len(clip) for clip in clips)
    values = torch.zeros((len(clips), width))
    mask = torch.zeros((len(clips), width), dtype=torch.bool)
    for i, clip in enumerate(clips):
        first = width - len(clip) if left else 0
        values[i, first : first + len(clip)] = torch.from_numpy(clip)
        mask[i, : len(clip)] = True
    return Batch(values, None if left else mask)


def _normalise(clip: np.ndarray) -> np.ndarray:
    # 1e-7 in the denominator is Wav2Vec2FeatureExtractor's.
    scaled: np.ndarray = (clip - clip.mean()) / np.sqrt(clip.var() + 1e-7)
    return scaled.astype(np.float32)


class VisualInputs:
    """Frames from the cache."""

    def __init__(
        self, cache: MediaCache, channels: Channels, normalisation: Normalisation, *, zeros: bool = False
    ) -> None:
        """Read from `cache`, present the channels in the given order and scale; with `zeros` an over-long clip as 0."""
        self.cache = cache
        self.channels = channels
        self.zeros = zeros
        imagenet = normalisation is Normalisation.IMAGENET
        self.mean = torch.tensor(IMAGENET_MEAN if imagenet else TIMESFORMER_MEAN).view(3, 1, 1)
        self.std = torch.tensor(IMAGENET_STD if imagenet else TIMESFORMER_STD).view(3, 1, 1)

    def length(self, turn: Turn) -> int:  # noqa: ARG002 - clips do not differ
        """Always 1: every clip has as many frames."""
        return 1

    def collate(self, turns: Sequence[Turn]) -> Batch:
        """Frames [B, F, S, S, 3] uint8, as the cache has them; finished, they are pixels."""
        frames = np.stack([_present(self.cache.frames(turn), turn) for turn in turns])
        seen = torch.tensor([not (self.zeros and self.cache.over_long(turn)) for turn in turns])
        return Batch(torch.from_numpy(frames), finish=self._pixels if seen.all() else partial(self._with_zeros, seen))

    def _with_zeros(self, seen: Tensor, frames: Tensor) -> Tensor:
        """As `_pixels`; clips that are not `seen` [B] are 0 after normalisation, as the released code has them."""
        pixels = self._pixels(frames)
        return pixels.mul_(seen.to(pixels).view(-1, 1, 1, 1, 1))

    def _pixels(self, frames: Tensor) -> Tensor:
        """[B, F, S, S, 3] uint8 -> [B, F, 3, S, S] float32."""
        pixels = frames.permute(0, 1, 4, 2, 3).float().div_(255)
        if self.channels is Channels.BGR:
            pixels = pixels.flip(2)
        return pixels.sub_(self.mean.to(pixels.device)).div_(self.std.to(pixels.device))


def _present(value: np.ndarray | None, turn: Turn) -> np.ndarray:
    if value is None:
        raise ValueError(f"{turn.id} lacks this modality; leave such turns out before making batches")
    return value


def make_inputs(
    modality: Modality, config: Config, assembler: TextAssembler | None, cache: MediaCache | None
) -> Inputs:
    """The inputs of one modality: text needs the assembler, audio and visual the cache."""
    if modality is Modality.TEXT:
        assert assembler is not None
        return TextInputs(assembler)
    assert cache is not None
    if modality is Modality.AUDIO:
        return AudioInputs(cache, config.audio)
    visual, zeros = config.visual, config.over_long is OverLong.ZERO
    return VisualInputs(cache, visual.channels, visual.normalisation, zeros=zeros)


def shuffled_batches(
    lengths: Sequence[int], batch: int, seed: Sequence[int], kind: TrainingBatches = TrainingBatches.LENGTH
) -> list[list[int]]:
    """A shuffled epoch: batches of like length, or of any turns, in random order. One `seed` gives one epoch.

    For like lengths turns are shuffled, then sorted by length within pools of 10 batches: padding is saved, order
    stays random.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(lengths)).tolist()
    if kind is TrainingBatches.RANDOM:
        return [order[i : i + batch] for i in range(0, len(order), batch)]
    pool = batch * 10
    batches: list[list[int]] = []
    for first in range(0, len(order), pool):
        members = sorted(order[first : first + pool], key=lambda i: lengths[i])
        batches += [members[i : i + batch] for i in range(0, len(members), batch)]
    return [batches[i] for i in generator.permutation(len(batches))]


def ordered_batches(lengths: Sequence[int], batch: int) -> list[list[int]]:
    """Every turn once, longest first: a batch too large for the memory fails at once, not after an hour."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return [order[i : i + batch] for i in range(0, len(order), batch)]


def table_batches(turns: Sequence[Turn], batch: int) -> list[list[int]]:
    """Every row of `turns`, split by split in the order of the split's table, so many at once: as the released code.

    A corpus without one table a split (its rows' numbers repeat) keeps its own order.
    """
    batches: list[list[int]] = []
    for split in dict.fromkeys(turn.id.split for turn in turns):
        rows = [row for row, turn in enumerate(turns) if turn.id.split is split]
        if len({turns[row].row for row in rows}) == len(rows):
            rows.sort(key=lambda row: turns[row].row)
        batches += [rows[i : i + batch] for i in range(0, len(rows), batch)]
    return batches


def evaluation_batches(
    turns: Sequence[Turn], rows: Collection[int], batch: int, order: EvaluationOrder, length: Callable[[Turn], int]
) -> list[list[int]]:
    """`rows` of `turns` in the batches of a pass that learns nothing; `length` is that of a turn's input.

    In the table's order a turn that is not among `rows` leaves a gap, so that the others keep their company.
    """
    if order is EvaluationOrder.TABLE:
        wanted = set(rows)
        batches = ([row for row in members if row in wanted] for members in table_batches(turns, batch))
        return [members for members in batches if members]
    listed = list(rows)
    by_length = ordered_batches([length(turns[row]) for row in listed], batch)
    return [[listed[member] for member in members] for members in by_length]
