"""Which turns a stage learns from."""

from collections.abc import Sequence

import pytest
import torch

from telme_model.corpus.dialogue import Modality, Split, Turn, TurnId
from telme_model.corpus.emotions import MELD
from telme_model.events import Phase
from telme_model.networks.backbones import load_backbone
from telme_model.networks.batching import Batch
from telme_model.networks.embedding import Embeddings
from telme_model.networks.encoder import make_encoder
from telme_model.runs.config import DistillationConfig
from telme_model.runs.presets import TOY
from telme_model.training.tasks import EncoderTask


class Nothing:
    """Inputs that are only counted."""

    def length(self, turn: Turn) -> int:
        return turn.id.utterance

    def collate(self, turns: Sequence[Turn]) -> Batch:
        raise NotImplementedError


TURNS = [
    Turn(id=TurnId(split, "0", k), speaker="Ada", text="", gold="joy")
    for split in (Split.TRAIN, Split.DEV)
    for k in range(4)
]
HAS_SOUND = [True, False, True, True] * 2
HAS_FACE = [True, True, False, True] * 2


@pytest.mark.parametrize(("led", "learnt"), [(False, [0, 2, 3]), (True, [0, 3])])
def test_a_student_learns_from_turns_that_its_teacher_has(led: bool, learnt: list[int]) -> None:
    """A teacher without the turn's clip has zeros for it. On dev there is nothing to be taught."""
    encoder = make_encoder(Modality.AUDIO, load_backbone("toy", Modality.AUDIO), TOY, len(MELD.labels))
    teacher = Embeddings(torch.zeros(8, 12), torch.zeros(8, 7), torch.tensor(HAS_FACE))
    task = EncoderTask(
        Phase.AUDIO, encoder, Nothing(), TURNS, HAS_SOUND, MELD, device=torch.device("cpu"), dtype=None, batch=4,
        teacher=teacher if led else None, distillation=DistillationConfig(),
    )  # fmt: skip
    assert task.rows == learnt
    assert task.lengths == learnt
    assert len(task.gold) == len(learnt)
    assert task.dev == [4, 6, 7]
