"""What a run says of every turn: each model's prediction, the displacement, each modality's share in the outcome."""

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from telme_model.analysis.contributions import coalitions
from telme_model.corpus.dialogue import Corpus, Modality, Split, Turn
from telme_model.corpus.emotions import label_set
from telme_model.corpus.fingerprint import fingerprint
from telme_model.events import Event, Phase, StageDone, StageStarted, TurnPredicted
from telme_model.files import write_whole
from telme_model.media.cache import MediaCache, build_cache
from telme_model.media.workers import leave_if_not_meant
from telme_model.networks.backbones import load_tokenizer, rebuild_backbone
from telme_model.networks.batching import make_inputs
from telme_model.networks.devices import choose_device, leave_a_core, pass_type, random_numbers, within_memory
from telme_model.networks.embedding import Embeddings, FusionInputs, embed, fusion_batches
from telme_model.networks.encoder import Encoder, make_encoder
from telme_model.networks.fusion import Fusion
from telme_model.networks.tensors import check_tensors, load_tensors, load_weights
from telme_model.networks.text_inputs import TextAssembler
from telme_model.paths import media_cache_folder
from telme_model.prediction.record import Fused, RecordMaker, softmax
from telme_model.runs.folder import RunError, RunFolder, check_outside
from telme_model.runs.records import Record


@dataclass(frozen=True, slots=True)
class Embedded:
    """Turns, dialogue by dialogue, with the embeddings of every modality of a run."""

    turns: tuple[Turn, ...]
    embeddings: dict[Modality, Embeddings]


@within_memory
def predict(
    run_path: Path,
    corpus: Corpus,
    splits: Sequence[Split],
    *,
    device: str | None = None,
    cache: Path | None = None,
    contributions: bool = True,
) -> Generator[Event, None, Embedded]:
    """Predict every turn of `splits` with a finished run; yields a TurnPredicted each, in corpus order.

    Uses the run's stored embeddings when the corpus is the one it was trained on, else decodes and embeds.
    `contributions` off leaves the Shapley shares out. Raises RunError, CacheError, WeightsError.
    """
    leave_if_not_meant()
    run = open_trained(run_path)
    cache = cache or media_cache_folder()
    check_outside(cache, corpus.root)
    place = choose_device(device or run.config.device)
    leave_a_core(place)
    embedded = yield from embed_corpus(run, corpus, splits, place, cache)
    yield StageStarted(phase=Phase.EVALUATING)
    for record in Predictor(run, embedded, place).records(splits, contributions=contributions):
        yield TurnPredicted(record=record)
    return embedded


def open_trained(path: Path) -> RunFolder:
    """A run that is trained to its end. Raises RunError."""
    run = RunFolder.open(path)
    if run.stage_facts(Phase.FUSION) is None:
        raise RunError(f"{run.path} is not trained to its end; go on with it first (train ... --resume)")
    return run


@within_memory
def embed_corpus(
    run: RunFolder, corpus: Corpus, splits: Sequence[Split], device: torch.device, cache: Path
) -> Generator[Event, None, Embedded]:
    """The run's embeddings of a corpus: the stored ones of all splits if it is the run's own, else of `splits`."""
    stored = stored_embeddings(run, corpus)
    if stored is not None:
        return stored
    embedded = yield from Embedder(run, corpus, device, cache).embed(tuple(corpus.turns(*splits)))
    yield StageDone(phase=Phase.EVALUATING, seconds=0.0)
    return embedded


def stored_embeddings(run: RunFolder, corpus: Corpus) -> Embedded | None:
    """What the run keeps of all turns of its own corpus; None of another one. Raises RunError."""
    labels = run.facts["corpus"]["labels"]
    if corpus.labels.name != labels:
        raise RunError(
            f"{run.path} was trained on the emotions of {labels}, but {corpus.root} has {corpus.labels.name}'s"
        )
    if run.facts["corpus"]["fingerprint"] != fingerprint(corpus):
        return None
    modalities = run.config.modalities
    if not all((run.path / "embeddings" / f"{m}.safetensors").is_file() for m in modalities):
        return None
    turns = tuple(corpus.turns())
    return Embedded(turns, {m: load_embeddings(run, f"embeddings/{m}", len(turns)) for m in modalities})


class Embedder:
    """A run's encoders, each loaded when it is first needed, over any turns of a corpus."""

    def __init__(self, run: RunFolder, corpus: Corpus, device: torch.device, cache: Path) -> None:
        """Decoded media are kept in `cache`."""
        self._run, self._corpus, self._device, self._cache = run, corpus, device, cache
        self._encoders: dict[Modality, tuple[Encoder, TextAssembler | None]] = {}
        self._media: MediaCache | None = None

    def embed(self, turns: tuple[Turn, ...]) -> Generator[Event, None, Embedded]:
        """Decode what is not decoded yet, and embed the turns."""
        config, media = self._run.config, None
        # Found out now, not when hours of decoding and embedding are done.
        check_tensors(self._run, *(f"weights/{name}" for name in (*config.modalities, "fusion", "background")))
        if config.modalities != (Modality.TEXT,):
            yield from build_cache(turns, config.media, self._cache)
            media = self._media = MediaCache(self._cache, config.media)
        embeddings = {}
        for modality in config.modalities:
            encoder, assembler = self._encoder(modality)
            present = [
                modality is Modality.TEXT or (media is not None and modality not in media.missing(t)) for t in turns
            ]
            yield StageStarted(phase=Phase.EVALUATING, steps=sum(present))
            embeddings[modality] = yield from embed(
                encoder,
                make_inputs(modality, config, assembler, media),
                turns,
                present,
                batch=config.evaluation_batch,
                order=config.evaluation_order,
                device=self._device,
                dtype=pass_type(config.evaluation_precision, config.stage(modality), self._device),
                phase=Phase.EVALUATING,
            )
        return Embedded(turns, embeddings)

    def lasting(self, turn: Turn) -> bool:
        """Whether an embedded turn would be embedded the same at another time: nothing that may pass hid its clips."""
        return self._media is None or not self._media.again(turn)

    def _encoder(self, modality: Modality) -> tuple[Encoder, TextAssembler | None]:
        if modality not in self._encoders:
            encoder, assembler = load_encoder(self._run, modality, self._corpus)
            self._encoders[modality] = encoder.to(self._device), assembler
        return self._encoders[modality]


def load_embeddings(run: RunFolder, name: str, turns: int) -> Embeddings:
    """Embeddings that the run keeps under `name`, of its own corpus of `turns` turns. Raises RunError."""
    try:
        tensors = load_tensors(run, name)
    except RunError as error:
        raise RunError(f"{error}; delete it, and it is computed again") from error
    if set(tensors) != {"features", "logits", "present"} or {len(tensor) for tensor in tensors.values()} != {turns}:
        raise RunError(
            f"{run.path / name}.safetensors is damaged: it does not hold this corpus's {turns} turns; delete it, and "
            "it is computed again"
        )
    return Embeddings(**tensors)


def load_encoder(run: RunFolder, modality: Modality, corpus: Corpus) -> tuple[Encoder, TextAssembler | None]:
    """A trained encoder of a run, rebuilt from its folder alone; for text with what assembles `corpus`' inputs."""
    config, folder = run.config, run.encoder_folder(modality)
    classes = len(label_set(run.facts["corpus"]["labels"]))
    with random_numbers:
        encoder = make_encoder(modality, rebuild_backbone(folder, _weights(run, modality)), config, classes)
    load_weights(run, str(modality), encoder)
    assembler = None
    if modality is Modality.TEXT:
        tokenizer = load_tokenizer(str(folder), (), config.text.speaker_tokens)
        assembler = TextAssembler(tokenizer, config.text, corpus.dialogues)
    return encoder.eval(), assembler


def _weights(run: RunFolder, modality: Modality) -> Path:
    """The file of an encoder's weights. Raises RunError where it is not there."""
    check_tensors(run, f"weights/{modality}")
    return run.path / "weights" / f"{modality}.safetensors"


def load_fusion(run: RunFolder) -> Fusion:
    """The trained fusion of a run."""
    config = run.config
    with random_numbers:
        fusion = Fusion(config.fusion, config.students, config.dim, len(label_set(run.facts["corpus"]["labels"])))
    load_weights(run, "fusion", fusion)
    return fusion.eval()


class Predictor:
    """A run's fusion over embedded turns.

    Everything is deterministic and, but for the released code's attention over the batch, independent of batches.
    """

    def __init__(self, run: RunFolder, embedded: Embedded, device: torch.device) -> None:
        """Load the fusion and the background turns."""
        self.config = run.config
        self.name = run.name
        self.labels = label_set(run.facts["corpus"]["labels"]).labels
        self.maker = RecordMaker(run.name, self.labels)
        self.turns = embedded.turns
        self.embeddings = embedded.embeddings
        self.fusion = load_fusion(run).to(device)
        self.inputs = FusionInputs(embedded.embeddings, embedded.turns, self.config.teacher)
        self.background = self._background(load_tensors(run, "weights/background"), device)
        # A run that was imported without a corpus has none, and so no contributions.
        self.has_background = all(map(len, self.background.values()))

    def records(self, splits: Sequence[Split], *, contributions: bool = True) -> Iterator[Record]:
        """One record a turn of `splits`, in the order of the turns."""
        for split in splits:
            yield from self.records_of(
                [row for row, turn in enumerate(self.turns) if turn.id.split is split], contributions
            )

    def records_of(self, rows: Sequence[int], contributions: bool = True) -> Iterator[Record]:
        """One record for each of these rows of the turns."""
        made: dict[int, Record] = {}
        asked = deque(rows)
        for batch in self.batches(rows):
            made |= zip(batch.tolist(), self._batch(batch, contributions), strict=True)
            while asked and asked[0] in made:
                yield made.pop(asked.popleft())

    def batches(self, rows: Sequence[int]) -> list[Tensor]:
        """`rows` as they are fused together."""
        config = self.config
        return fusion_batches(self.fusion, rows, config.evaluation_batch, self.turns, config.evaluation_order)

    def probabilities(self, rows: Tensor, features: Mapping[Modality, Tensor] | None = None) -> np.ndarray:
        """Fused probabilities [B, classes] float64; `features` replaces the turns' own."""
        with torch.no_grad():
            return softmax(self.inputs.fuse(self.fusion, rows, features).logits)

    def displacement_vectors(self, rows: Sequence[int]) -> np.ndarray:
        """H [B, dim] float32; NaN where the fusion has none."""
        vectors = np.full((len(self.turns), self.config.dim), np.nan, np.float32)
        for batch in self.batches(rows):
            with torch.no_grad():
                moved = self.inputs.fuse(self.fusion, batch).displacement
            if moved is not None:
                vectors[batch.numpy()] = moved.vector.float().cpu().numpy()
        chosen: np.ndarray = vectors[list(rows)]
        return chosen

    def coalition_values(self, rows: Tensor) -> dict[frozenset[Modality], np.ndarray]:
        """v(S) [B, classes] for every set S of modalities that are the turn's own.

        v(S) are the fused probabilities with the other modalities taken from a background turn, mean over those.
        """
        with torch.no_grad():
            own = self.inputs.features(self.fusion, rows)
        values = {}
        for coalition in coalitions(self.config.modalities):
            if len(coalition) == len(own):
                values[coalition] = self.probabilities(rows, own)
                continue
            total = np.zeros((len(rows), len(self.labels)))
            for k in range(len(next(iter(self.background.values())))):
                mixed = {m: own[m] if m in coalition else self.background[m][k].expand_as(own[m]) for m in own}
                total += self.probabilities(rows, mixed)
            values[coalition] = total / len(next(iter(self.background.values())))
        return values

    def _background(self, stored: Mapping[str, Tensor], device: torch.device) -> dict[Modality, Tensor]:
        if not {f"{m}.{part}" for m in self.config.modalities for part in ("features", "present")} <= set(stored):
            raise RunError(f"weights/background.safetensors of the run {self.name} is damaged; train its fusion again")
        with torch.no_grad():
            return {
                m: self.fusion.fill(m, stored[f"{m}.features"].to(device), stored[f"{m}.present"].bool().to(device))
                for m in self.config.modalities
            }

    def _batch(self, rows: Tensor, contributions: bool) -> Iterator[Record]:
        with torch.no_grad():
            output = self.inputs.fuse(self.fusion, rows)
            lead = self.inputs.features(self.fusion, rows)[self.config.teacher]
            unshifted = softmax(self.fusion.unshifted(lead))
        values = self.coalition_values(rows) if contributions and self.has_background else None
        theta = self.config.fusion.theta
        fused = Fused(config=self.config, output=output, unshifted=unshifted, values=values, theta=theta)
        for place, row in enumerate(rows.tolist()):
            yield self.maker.record(self.turns[row], self.logits(row), fused, place)

    def logits(self, row: int) -> dict[Modality, Tensor | None]:
        """What each encoder says of a turn [classes]; None where it lacks the modality."""
        return {m: own.logits[row] if own.present[row] else None for m, own in self.embeddings.items()}


def write_embeddings(run_path: Path, embedded: Embedded, split: Split, path: Path) -> None:
    """An .npz with split, dialogue, utterance, F_T, F_a, F_v (where the run has them) and H, one row a turn.

    Raises RunError where it cannot be written.
    """
    predictor = Predictor(RunFolder.open(run_path), embedded, torch.device("cpu"))
    rows = [row for row, turn in enumerate(embedded.turns) if turn.id.split is split]
    ids = [embedded.turns[row].id for row in rows]
    names = {Modality.TEXT: "F_T", Modality.AUDIO: "F_a", Modality.VISUAL: "F_v"}
    arrays: dict[str, Any] = {names[m]: own.features[rows].numpy() for m, own in embedded.embeddings.items()}
    arrays |= {name: [getattr(turn, name) for turn in ids] for name in ("dialogue", "utterance")}
    arrays |= {"split": [str(turn.split) for turn in ids], "H": predictor.displacement_vectors(rows)}

    def write(place: Path) -> None:
        with place.open("wb") as file:  # to a name, numpy would add an ending
            np.savez(file, **arrays)

    write_whole(path, write, RunError)
