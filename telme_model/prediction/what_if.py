"""What a run would say of a turn if it were otherwise: another theta, no voice, no face, other words, less context."""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from telme_model.analysis.contributions import coalitions
from telme_model.analysis.models import FUSED
from telme_model.analysis.predictions import Predictions
from telme_model.corpus.dialogue import Corpus, Modality, Turn, TurnId
from telme_model.corpus.fingerprint import fingerprint
from telme_model.networks.batching import collate_tokens
from telme_model.networks.devices import answered_within_memory
from telme_model.networks.encoder import Encoder
from telme_model.networks.fusion import OFFICIAL_EPSILON, AttentionShifting, shift
from telme_model.networks.text_inputs import TextAssembler
from telme_model.prediction.predictor import Embedded, Predictor, load_embeddings, load_encoder
from telme_model.prediction.record import Fused, softmax
from telme_model.runs.config import AttentionScope
from telme_model.runs.folder import RunError, RunFolder
from telme_model.runs.records import Record

CPU = torch.device("cpu")  # one turn at a time: nothing to gain elsewhere
SPARE_CORES = max((os.cpu_count() or 1) - 1, 1)  # for what is not little: the window keeps a core


class WhatIf:
    """A run's fusion over its stored embeddings, loaded once; the text encoder is, when words first change."""

    @answered_within_memory
    def __init__(self, run_path: Path, corpus: Corpus) -> None:
        """Load the run. Raises RunError when it holds no embeddings of this very corpus; MemoryFullError."""
        self.run = RunFolder.open(run_path)
        if self.run.facts["corpus"]["fingerprint"] != fingerprint(corpus):
            raise RunError(f"{run_path} keeps embeddings of the corpus it was trained on, and this is another one")
        turns = tuple(corpus.turns())
        stored = {m: load_embeddings(self.run, f"embeddings/{m}", len(turns)) for m in self.run.config.modalities}
        self.predictor = Predictor(self.run, Embedded(turns, stored), CPU)
        self.corpus = corpus
        self.rows = {turn.id: row for row, turn in enumerate(turns)}
        self._reader: tuple[Encoder, TextAssembler] | None = None
        self._moved: tuple[tuple[TurnId, ...], Tensor, Tensor] | None = None

    # -- one turn -----------------------------------------------------------------------------------------------

    @answered_within_memory
    def ask(
        self,
        turn: TurnId,
        *,
        theta: float | None = None,
        mute: Collection[Modality] = frozenset(),
        text: str | None = None,
        context_turns: int | None = None,
    ) -> Record:
        """The turn's record under the given changes, None: as is.

        A modality in `mute` is replaced by the fusion's stand-in, as if the clip lacked it, in this turn alone;
        `text` replaces the turn's own words; `context_turns` is how many turns before it the text encoder reads.
        Where the fusion attends over batches, as the released code does, the turn keeps its company, and the
        Shapley shares, which are not of one turn then, are None. Raises KeyError for an unknown turn, RunError when
        the text encoder cannot be loaded, MemoryFullError.
        """
        with torch.no_grad(), _threads(1):
            return self._answer(self.rows[turn], theta, frozenset(mute), text, context_turns)

    def _answer(
        self, row: int, theta: float | None, mute: frozenset[Modality], text: str | None, context_turns: int | None
    ) -> Record:
        predictor = self.predictor
        rows, place = self._fused_with(row)
        own = {m: features.clone() for m, features in predictor.inputs.features(predictor.fusion, rows).items()}
        logits = {m: None if m in mute else own_logits for m, own_logits in predictor.logits(row).items()}
        if logits.get(Modality.TEXT) is not None and (text is not None or context_turns is not None):
            own[Modality.TEXT][place], logits[Modality.TEXT] = self._read(predictor.turns[row], text, context_turns)
        for muted in mute & set(own):
            own[muted][place] = predictor.fusion.stand_in[muted]
        turn = predictor.turns[row] if text is None else replace(predictor.turns[row], text=text)
        batch = predictor.fusion.scope is AttentionScope.BATCH
        fused = Fused(
            config=predictor.config,
            output=predictor.inputs.fuse(predictor.fusion, rows, own, theta),
            unshifted=softmax(predictor.fusion.unshifted(own[predictor.config.teacher])),
            values=None if batch else self._coalition_values(rows, own, theta),
            theta=predictor.config.fusion.theta if theta is None else theta,
        )
        return predictor.maker.record(turn, logits, fused, place)

    def _fused_with(self, row: int) -> tuple[Tensor, int]:
        """The rows that are fused together with `row`, and its place among them."""
        predictor = self.predictor
        if predictor.fusion.scope is not AttentionScope.BATCH:
            return torch.tensor([row]), 0
        split = predictor.turns[row].id.split
        rows = [other for other, turn in enumerate(predictor.turns) if turn.id.split is split]
        batch = next(batch for batch in predictor.batches(rows) if row in batch)
        return batch, batch.tolist().index(row)

    def _read(self, turn: Turn, text: str | None, context_turns: int | None) -> tuple[Tensor, Tensor]:
        """Features [dim] and logits [classes] of the text encoder for other words or another context."""
        if self._reader is None:
            encoder, assembler = load_encoder(self.run, Modality.TEXT, self.corpus)
            assert assembler is not None
            self._reader = encoder, assembler
        encoder, assembler = self._reader
        tokens = assembler(turn.id, text=text, context_turns=context_turns)
        with _threads(SPARE_CORES):
            output = encoder(collate_tokens([tokens], assembler.tokenizer.pad_token_id, assembler.config))
        return output.features[0].float(), output.logits[0].float()

    def _coalition_values(
        self, rows: Tensor, own: dict[Modality, Tensor], theta: float | None
    ) -> dict[frozenset[Modality], np.ndarray]:
        """v(S) [1, classes], as `Predictor.coalition_values`, all K background turns of a coalition in one batch."""
        predictor = self.predictor
        count = len(next(iter(predictor.background.values())))
        values = {}
        for coalition in coalitions(predictor.config.modalities):
            # With every modality the turn's own, the background turns do not matter: one will do.
            repeats = 1 if len(coalition) == len(own) else count
            mixed = {
                m: own[m].expand(repeats, -1) if m in coalition else predictor.background[m][:repeats] for m in own
            }
            output = predictor.inputs.fuse(predictor.fusion, rows.expand(repeats), mixed, theta)
            values[coalition] = softmax(output.logits).mean(0, keepdims=True)
        return values

    # -- all turns ----------------------------------------------------------------------------------------------

    @answered_within_memory
    def fuse_anew(self, theta: float, base: Predictions) -> Predictions:
        """`base` (this run's predictions of any turns) fused with another theta (equations 18 and 19).

        H does not depend on theta, so it is computed once for the same turns. The Shapley shares of all turns would
        take long and are NaN; `ask` has a turn's. A plain fusion has no theta: `base` comes back as it is.
        """
        if not isinstance(self.predictor.fusion.head, AttentionShifting):
            return base
        with torch.no_grad(), _threads(1):
            if self._moved is None or self._moved[0] != base.ids:
                self._moved = base.ids, *self._lead_and_displacement(base.ids)
            _, lead, vector = self._moved
            epsilon = OFFICIAL_EPSILON if self.predictor.config.fusion.normalised else 0.0
            moved, scale = shift(lead, vector, theta, epsilon)
            # `unshifted` is the head at the embedding it is given: here the one that is moved already.
            fused = softmax(self.predictor.fusion.unshifted(moved)).astype(np.float32)
        unknown = np.full_like(fused, np.nan)
        return replace(
            base,
            probabilities={**base.probabilities, FUSED: fused},
            shapley=dict.fromkeys(base.shapley, unknown),
            shift_shares=dict.fromkeys(base.shift_shares, unknown),
            scale=scale.numpy(),
            shift=(scale * vector.norm(dim=-1)).numpy(),
            theta=theta,
        )

    def _lead_and_displacement(self, turns: Sequence[TurnId]) -> tuple[Tensor, Tensor]:
        """F_T and H of the turns, [N, dim] each."""
        predictor = self.predictor
        wanted = [self.rows[turn] for turn in turns]
        vectors = torch.zeros(len(predictor.turns), predictor.config.dim)
        for split in {turn.split for turn in turns}:
            rows = [row for row in wanted if predictor.turns[row].id.split is split]
            if predictor.fusion.scope is AttentionScope.BATCH:  # every turn keeps its company
                rows = [row for row, turn in enumerate(predictor.turns) if turn.id.split is split]
            with _threads(SPARE_CORES):
                vectors[rows] = torch.from_numpy(predictor.displacement_vectors(rows))
        rows_wanted = torch.tensor(wanted)
        lead = predictor.inputs.features(predictor.fusion, rows_wanted)[predictor.config.teacher]
        return lead, vectors[rows_wanted]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute with `count` threads: for so little, waiting for a second one on a busy machine costs a hundredfold."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
