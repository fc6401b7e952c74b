"""Embeddings come back row by row, and the fusion gets each turn's own features and past."""

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from telme_model.corpus.dialogue import Modality, Split, Turn, TurnId
from telme_model.events import Event, Phase, Progress
from telme_model.networks.backbones import load_backbone
from telme_model.networks.batching import Batch, collate_tokens, collate_waveforms
from telme_model.networks.embedding import Embeddings, FusionInputs, embed, fusion_batches
from telme_model.networks.encoder import Encoder
from telme_model.networks.fusion import Fusion
from telme_model.runs.config import AttentionScope, AudioConfig, FusionConfig, FusionKind, Pooling, TextConfig

DIM, CLASSES = 12, 7
STUDENTS = (Modality.AUDIO, Modality.VISUAL)


def turns(*dialogues: tuple[Split, str, int]) -> list[Turn]:
    """`(split, name, turns)` each."""
    return [Turn(id=TurnId(split, name, k), speaker="Ada", text="") for split, name, n in dialogues for k in range(n)]


CORPUS = turns((Split.TRAIN, "0", 4), (Split.TRAIN, "1", 1), (Split.DEV, "1", 3))


class FakeInputs:
    """Tokens or sound of a length of its own for each row; rows that are not there refuse to be read."""

    def __init__(self, modality: Modality, missing: Sequence[int] = ()) -> None:
        rng = np.random.default_rng(0)
        self.modality = modality
        self.missing = {CORPUS[row].id for row in missing}
        self.tokens = {turn.id: rng.integers(2, 64, rng.integers(1, 30)).tolist() for turn in CORPUS}
        self.sound = {turn.id: rng.normal(size=rng.integers(650, 3000)).astype(np.float32) for turn in CORPUS}

    def length(self, turn: Turn) -> int:
        assert turn.id not in self.missing
        return len((self.tokens if self.modality is Modality.TEXT else self.sound)[turn.id])

    def collate(self, turns: Sequence[Turn]) -> Batch:
        assert not self.missing & {turn.id for turn in turns}
        if self.modality is Modality.TEXT:
            return collate_tokens([self.tokens[turn.id] for turn in turns], 1, TextConfig())
        return collate_waveforms([self.sound[turn.id] for turn in turns], AudioConfig())


def encoder_of(modality: Modality) -> Encoder:
    torch.manual_seed(0)
    return Encoder(modality, load_backbone("toy", modality), Pooling.FIRST, DIM, CLASSES)


def walked(generator: Generator[Event, None, Embeddings]) -> tuple[list[Event], Embeddings]:
    """What the generator tells, and what it returns."""
    told = []
    while True:
        try:
            told.append(next(generator))
        except StopIteration as stop:
            returned: Embeddings = stop.value
            return told, returned


def embedded(encoder: Encoder, inputs: FakeInputs, batch: int, **options: Any) -> tuple[list[Event], Embeddings]:
    return walked(
        embed(
            encoder,
            inputs,
            CORPUS,
            [turn.id not in inputs.missing for turn in CORPUS],
            batch=batch,
            device=torch.device("cpu"),
            dtype=options.get("dtype"),
            phase=Phase.TEACHER,
        )
    )


@pytest.mark.parametrize("modality", [Modality.TEXT, Modality.AUDIO])
@pytest.mark.parametrize("batch", [1, 3, 100])
def test_rows_are_in_order_whatever_the_batch(modality: Modality, batch: int) -> None:
    encoder, inputs = encoder_of(modality).train(), FakeInputs(modality)
    told, found = embedded(encoder, inputs, batch)
    assert not encoder.training
    assert not found.features.requires_grad
    for row, turn in enumerate(CORPUS):
        with torch.no_grad():
            own = encoder(inputs.collate([turn]))
        torch.testing.assert_close(found.features[row], own.features[0], rtol=0, atol=1e-5)
        torch.testing.assert_close(found.logits[row], own.logits[0], rtol=0, atol=1e-5)
    assert found.present.all()
    done = [*range(batch, 8, batch), 8]
    assert told == [Progress(phase=Phase.TEACHER, done=n, total=8) for n in done]
    assert set(found.tensors()) == {"features", "logits", "present"}


def test_rows_that_lack_the_modality_are_zero_and_never_read() -> None:
    inputs = FakeInputs(Modality.TEXT, missing=(0, 5))
    told, found = embedded(encoder_of(Modality.TEXT), inputs, 4)
    assert found.present.tolist() == [False, True, True, True, True, False, True, True]
    for rows in (found.features, found.logits):
        assert rows.any(1).tolist() == found.present.tolist()
    whole = embedded(encoder_of(Modality.TEXT), FakeInputs(Modality.TEXT), 4)[1]
    torch.testing.assert_close(found.features[found.present], whole.features[found.present], rtol=0, atol=1e-5)
    assert told[-1] == Progress(phase=Phase.TEACHER, done=6, total=6)


def test_nothing_to_embed() -> None:
    told, found = embedded(encoder_of(Modality.TEXT), FakeInputs(Modality.TEXT, missing=range(8)), 4)
    assert told == []
    assert not found.present.any()
    assert found.features.shape == (8, DIM)


def test_half_precision_comes_back_in_float32() -> None:
    encoder, inputs = encoder_of(Modality.TEXT), FakeInputs(Modality.TEXT)
    half = embedded(encoder, inputs, 4, dtype=torch.bfloat16)[1]
    exact = embedded(encoder, inputs, 4)[1]
    assert half.features.dtype == half.logits.dtype == torch.float32
    assert not torch.equal(half.features, exact.features)
    torch.testing.assert_close(half.features, exact.features, rtol=0.05, atol=0.05)


# --- what the fusion takes


def features(row: int, modality: Modality) -> Tensor:
    """[dim] known values of one row."""
    return torch.arange(DIM) / 10 + row + 100 * list(Modality).index(modality)


def embeddings(missing: Sequence[int] = ()) -> dict[Modality, Embeddings]:
    """Known values; the audio of `missing` rows is not there."""
    made = {}
    for modality in Modality:
        rows = torch.stack([features(row, modality) for row in range(len(CORPUS))])
        present = torch.ones(len(CORPUS), dtype=torch.bool)
        if modality is Modality.AUDIO:
            present[list(missing)] = False
            rows[list(missing)] = 0
        made[modality] = Embeddings(rows, torch.zeros(len(CORPUS), CLASSES), present)
    return made


def fusion(scope: AttentionScope, students: tuple[Modality, ...] = STUDENTS) -> Fusion:
    torch.manual_seed(0)
    made = Fusion(FusionConfig(heads=2, theta=1.0, attention=scope), students, DIM, CLASSES).eval()
    made.stand_in[Modality.AUDIO].data.fill_(-7)
    return made


class Overheard(Fusion):
    """A fusion that keeps what it was given."""

    def forward(self, lead: Tensor, students: Any, **given: Any) -> Any:
        self.lead, self.others, self.given = lead, students, given
        return super().forward(lead, students, **given)


def overheard(scope: AttentionScope, students: tuple[Modality, ...] = STUDENTS) -> Overheard:
    made = Overheard(FusionConfig(heads=2, attention=scope), students, DIM, CLASSES).eval()
    made.stand_in[Modality.AUDIO].data.fill_(-7)
    return made


def test_turns_start_where_their_dialogue_does() -> None:
    """Dialogue 1 is in two splits: two dialogues."""
    assert FusionInputs(embeddings(), CORPUS, Modality.TEXT).starts.tolist() == [0, 0, 0, 0, 4, 5, 5, 5]


@pytest.mark.parametrize("teacher", Modality)
def test_each_row_gets_its_own_features(teacher: Modality) -> None:
    made = overheard(AttentionScope.TURN, tuple(m for m in Modality if m is not teacher))
    FusionInputs(embeddings(missing=(2,)), CORPUS, teacher).fuse(made, torch.tensor([6, 2, 0]), theta=0.5)
    for place, row in enumerate((6, 2, 0)):
        for modality in Modality:
            lacking = modality is Modality.AUDIO and row == 2
            expected = torch.full((DIM,), -7.0) if lacking else features(row, modality)
            assert torch.equal(made.others[modality][place], expected)
    assert torch.equal(made.lead, made.others[teacher])
    assert made.given == {"past": None, "past_mask": None, "theta": 0.5}


def test_features_of_any_shape_of_rows() -> None:
    found = FusionInputs(embeddings(), CORPUS, Modality.TEXT).features(
        fusion(AttentionScope.TURN), torch.tensor([[3, 1], [0, 7]])
    )
    assert found[Modality.VISUAL].shape == (2, 2, DIM)
    assert torch.equal(found[Modality.VISUAL][1, 1], features(7, Modality.VISUAL))


def test_the_past_is_gathered_by_dialogue() -> None:
    """Row 3 has three turns before it, row 4 none, row 6 one (of its split); row 2's sound is missing."""
    made = overheard(AttentionScope.DIALOGUE)
    FusionInputs(embeddings(missing=(2,)), CORPUS, Modality.TEXT).fuse(made, torch.tensor([3, 4, 6]))
    past, mask = made.given["past"], made.given["past_mask"]
    assert mask.tolist() == [[True, True, True], [False, False, False], [True, False, False]]
    assert past.shape == (3, 3, 2 * DIM)
    for place, slot, row in ((0, 0, 0), (0, 1, 1), (0, 2, 2), (2, 0, 5)):
        audio = torch.full((DIM,), -7.0) if row == 2 else features(row, Modality.AUDIO)
        assert torch.equal(past[place, slot], torch.cat([audio, features(row, Modality.VISUAL)]))


@pytest.mark.parametrize("scope", [AttentionScope.TURN, AttentionScope.MODALITIES, AttentionScope.DIALOGUE])
def test_rows_do_not_depend_on_their_batch(scope: AttentionScope) -> None:
    made, inputs = fusion(scope), FusionInputs(embeddings(missing=(2,)), CORPUS, Modality.TEXT)
    together = inputs.fuse(made, torch.arange(8)).logits
    for row in range(8):
        torch.testing.assert_close(inputs.fuse(made, torch.tensor([row])).logits[0], together[row])
    backwards = inputs.fuse(made, torch.arange(7, -1, -1)).logits
    torch.testing.assert_close(backwards.flip(0), together)


def test_the_dialogue_scope_is_causal() -> None:
    """A turn's own and later rows' features may change; only its own and later logits do."""
    made = fusion(AttentionScope.DIALOGUE)
    before = FusionInputs(embeddings(), CORPUS, Modality.TEXT).fuse(made, torch.arange(8)).logits
    changed = embeddings()
    changed[Modality.AUDIO].features[2] *= -3
    after = FusionInputs(changed, CORPUS, Modality.TEXT).fuse(made, torch.arange(8)).logits
    moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert moved == [False, False, True, True, False, False, False, False]


def test_first_turns_alone_have_no_past() -> None:
    inputs, rows = FusionInputs(embeddings(), CORPUS, Modality.TEXT), torch.tensor([0, 4, 5])
    turn, dialogue = fusion(AttentionScope.TURN), fusion(AttentionScope.DIALOGUE)
    torch.testing.assert_close(inputs.fuse(dialogue, rows).logits, inputs.fuse(turn, rows).logits)


def test_other_features_replace_the_rows_own_but_not_their_past() -> None:
    made, inputs = overheard(AttentionScope.DIALOGUE), FusionInputs(embeddings(), CORPUS, Modality.TEXT)
    rows = torch.tensor([1, 2])
    own = inputs.features(made, rows)
    nothing = {modality: torch.zeros_like(value) for modality, value in own.items()}
    inputs.fuse(made, rows, features=nothing)
    assert not made.lead.any()
    assert torch.equal(made.given["past"][1, 1, DIM:], features(1, Modality.VISUAL))


@pytest.mark.parametrize(
    ("scope", "expected"),
    [(AttentionScope.BATCH, [[0, 1, 2, 3], [4, 5, 6, 7]]), (AttentionScope.TURN, [list(range(8))])],
)
def test_inference_batches(scope: AttentionScope, expected: list[list[int]]) -> None:
    """The released code's batches are part of what it computes; elsewhere they are not."""
    assert [rows.tolist() for rows in fusion_batches(fusion(scope), range(8), 4)] == expected
    many = [len(rows) for rows in fusion_batches(fusion(AttentionScope.TURN), range(600), 4)]
    assert many == [256, 256, 88]


@pytest.mark.parametrize("kind", FusionKind)
@pytest.mark.parametrize("scope", AttentionScope)
def test_every_fusion_takes_embeddings_without_gradients_to_them(kind: FusionKind, scope: AttentionScope) -> None:
    torch.manual_seed(0)
    made = Fusion(FusionConfig(kind=kind, heads=2, attention=scope), STUDENTS, DIM, CLASSES)
    output = FusionInputs(embeddings(missing=(1,)), CORPUS, Modality.TEXT).fuse(made, torch.tensor([3, 1, 5]))
    output.logits.sum().backward()
    assert output.logits.shape == (3, CLASSES)
    assert made.stand_in[Modality.AUDIO].grad is not None
