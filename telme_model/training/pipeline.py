"""The whole pipeline as an iterator of events: teacher, students by distillation, fusion, scores."""

import os
import platform
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from telme_model import __version__
from telme_model.analysis.evaluation import score_records
from telme_model.annotations.apply import layer_labels, with_labels, with_run_labels, write_labels
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import GOLD, Corpus, Modality, Split
from telme_model.corpus.fingerprint import fingerprint
from telme_model.errors import MemoryFullError
from telme_model.events import Event, Message, Phase, Progress, RunFinished, StageDone, StageStarted
from telme_model.media.cache import MediaCache, build_cache, estimate
from telme_model.media.workers import leave_if_not_meant
from telme_model.networks.backbones import load_backbone, load_tokenizer
from telme_model.networks.batching import Inputs, make_inputs
from telme_model.networks.devices import choose_device, leave_a_core, pass_type, random_numbers, within_memory
from telme_model.networks.embedding import Embeddings, FusionInputs, embed
from telme_model.networks.encoder import Encoder, make_encoder
from telme_model.networks.fusion import Fusion
from telme_model.networks.tensors import save_tensors
from telme_model.networks.text_inputs import TextAssembler
from telme_model.networks.warm_start import begin_with, open_source
from telme_model.paths import media_cache_folder
from telme_model.prediction.predictor import Embedded, Predictor, load_embeddings, load_encoder
from telme_model.runs.config import AtChance, Config, to_toml
from telme_model.runs.folder import RunError, RunFolder, check_outside
from telme_model.runs.notes import notes
from telme_model.runs.plan import STAGES
from telme_model.runs.records import jsonl_lines, with_gold
from telme_model.runs.remedies import changed, gentler_steps, smaller_batch
from telme_model.runs.weights import find_weights
from telme_model.training.beforehand import NoTurnsError, check_needs, check_trainable
from telme_model.training.fitting import Fit, NotFiniteError
from telme_model.training.judging import (
    TeacherAtChanceError,
    at_chance_event,
    begin_student_anew,
    check_distillation,
    teacher_on_dev,
)
from telme_model.training.log import RunLog
from telme_model.training.tasks import EncoderTask, FusionTask, labelled_rows, start_stand_ins

_TAUGHT = "embeddings/taught"  # the teacher's outputs that students learn from, where they are not its embeddings


class CorpusChangedError(RunError):
    """The corpus is not the one that the run began with."""

    title = "The corpus is not the one this run began with"
    remedy = "Put the annotations and clips back and resume, or train a new run on the corpus as it is now."
    needs_change = True


def train(
    config: Config,
    corpus_root: Path,
    run_path: Path,
    *,
    stages: Sequence[str] = STAGES,
    resume: bool = False,
    changes: Sequence[str] = (),
    warm_start: Path | None = None,
    layer: str = GOLD,
    store: Path | None = None,
    cache: Path | None = None,
) -> Iterator[Event]:
    """Train `stages` of the pipeline on the corpus into the run folder; every event is also logged there.

    `resume` goes on with a run that was stopped or killed, with the settings in its folder; what is finished is
    not done again; `changes` ("stages.audio.batch=2") hold from there on. `warm_start` is a run whose encoders are
    begun with. `layer` is whose labels are learnt and scored against where there are any, gold elsewhere; they are
    read once, from the corpus' own annotations or from `store`, and kept in the run. Stages not among `stages` must
    be finished in the run. Closing the iterator keeps everything up to the last whole step. Raises CorpusError,
    ConfigError, WeightsError, CacheError, StoreError, RunError, TrainingError.
    """
    leave_if_not_meant()
    corpus = open_corpus(corpus_root)
    cache = cache or media_cache_folder()
    check_outside(cache, corpus.root)
    if resume:
        run = RunFolder.open(run_path)
        config = changed(run.config, tuple(changes))
        check_distillation(run, config)
        _check_same(run, corpus)
        learnt = with_run_labels(run, corpus)
        source = run.facts.get("warm_start")
        begun_with = None if source is None else (run_path / source).resolve()
        cost = check_needs(config, learnt, run_path, cache, warm_start=begun_with, resume=True)
    else:
        labels = {} if layer == GOLD else layer_labels(corpus, layer, store)
        learnt = with_labels(corpus, labels)
        check_trainable(learnt)
        device = choose_device(config.device)  # refused before a folder is made
        check_outside(run_path, corpus.root)
        cost = check_needs(config, learnt, run_path, cache, warm_start=warm_start)
        run = RunFolder.claim(run_path)
    with run.hold():
        if not resume:
            layer_facts = {} if layer == GOLD else write_labels(run, layer, labels)
            run.begin(config, {**_facts(corpus, run_path, warm_start, device), **layer_facts})
        elif changes:
            begin_student_anew(run, config)
            run.write_text("config.toml", to_toml(config))
        walk = Pipeline(run, config, corpus, learnt, cache, notes(learnt, config, cost)).events(stages)
        with RunLog(run.path) as log, closing(walk) as events:
            for event in _with_remedy(events, config):
                log.write(event)
                yield event


def _with_remedy(events: Iterator[Event], config: Config) -> Iterator[Event]:
    """The same events; an error that other settings would mend names them."""
    phase = Phase.PREPARING
    try:
        for event in events:
            phase = getattr(event, "phase", phase)
            yield event
    except MemoryFullError as error:
        changes = smaller_batch(config, phase)
        if changes:
            remedy = "A smaller batch needs less; accumulated to as many turns a step, it learns the same."
        else:
            remedy = "The batches are as small as can be: shorten the input (text.max_tokens) or take smaller encoders."
        raise MemoryFullError(error.reason, what=f"the phase “{phase}”", remedy=remedy, changes=changes) from None
    except NotFiniteError as error:
        error.changes = gentler_steps(config, phase, halved=error.halved)
        raise


class Pipeline:
    """One run over one corpus, with what its stages share."""

    def __init__(
        self, run: RunFolder, config: Config, corpus: Corpus, learnt: Corpus, cache: Path, notes: Sequence[str] = ()
    ) -> None:
        """`learnt` is the corpus with the gold that is learnt; `notes` are told first. Nothing is loaded yet."""
        self.run, self.config, self.corpus, self.notes = run, config, corpus, notes
        self.cache_folder = cache
        self.distillation = config.distillation  # or none, where the teacher is at chance
        self.turns = tuple(learnt.turns())
        self.device = choose_device(config.device)
        leave_a_core(self.device)
        self.cache: MediaCache | None = None
        self.embeddings: dict[Modality, Embeddings] = {}

    @within_memory
    def events(self, stages: Sequence[str]) -> Generator[Event, None, None]:
        """Walk the pipeline."""
        yield from self._prepare(stages)
        config = self.config
        yield from self._encoder(config.teacher, train="teacher" in stages)
        yield from self._judge_teacher(stages)
        if "students" not in stages and "fusion" not in stages:
            return
        for modality in config.students:
            yield from self._encoder(modality, train="students" in stages)
        if "fusion" in stages:
            yield from self._fusion()
            yield from self._score()

    def _prepare(self, stages: Sequence[str]) -> Iterator[Event]:
        began = time.monotonic()
        yield StageStarted(phase=Phase.PREPARING)
        for problem in self.corpus.problems:
            yield Message(text=problem.reason, level="warning")
        for note in self.notes:
            yield Message(text=note)
        yield from self._fetch(stages)
        media = {Modality.AUDIO, Modality.VISUAL} & set(self.config.modalities)
        if media and self.corpus.root.exists():
            needed = estimate(self.turns, self.config.media, self.cache_folder)
            if needed.turns:
                yield Message(
                    text=f"{needed.turns} turn{'s' * (needed.turns > 1)} to decode once: "
                    f"{needed.bytes / 1e9:.2f} GB into {self.cache_folder}, "
                    f"where {needed.free_bytes / 1e9:.0f} GB are free"
                )
            yield from build_cache(self.turns, self.config.media, self.cache_folder)
            self.cache = MediaCache(self.cache_folder, self.config.media)
            self._note_excluded(media)
        self._check_taught(stages)
        yield StageDone(phase=Phase.PREPARING, seconds=time.monotonic() - began)

    def _fetch(self, stages: Sequence[str]) -> Iterator[Event]:
        """Have every encoder here before hours go into the first of them: the network may be gone by then."""
        for modality in self._untrained(stages):
            weights = getattr(self.config, modality).weights
            if find_weights(weights, modality).here:
                continue
            yield Message(text=f"fetching the {modality} encoder {weights}")
            with random_numbers:
                load_backbone(weights, modality)
                if modality is Modality.TEXT:
                    load_tokenizer(weights, (), self.config.text.speaker_tokens)

    def _untrained(self, stages: Sequence[str]) -> list[Modality]:
        """The encoders that `stages` train and that are not trained yet."""
        config = self.config
        wanted = [m for m in config.modalities if ("teacher" if m is config.teacher else "students") in stages]
        return [modality for modality in wanted if self.run.stage_facts(config.phase(modality)) is None]

    def _note_excluded(self, media: set[Modality]) -> None:
        assert self.cache is not None
        excluded = [
            {"turn": str(turn.id), "modality": str(modality), "reason": reason}
            for turn in self.turns
            for modality, reason in sorted(self.cache.missing(turn).items())
            if modality in media
        ]
        self.run.update(
            excluded=excluded, over_long=[str(turn.id) for turn in self.turns if self.cache.over_long(turn)]
        )

    def _check_taught(self, stages: Sequence[str]) -> None:
        """Every encoder that is to be trained finds turns, or the first hours would be for nothing."""
        for modality in self._untrained(stages):
            present = self._present(modality)
            taught = [a and b for a, b in zip(present, self._present(self.config.teacher), strict=True)]
            for split, having in ((Split.TRAIN, taught), (Split.DEV, present)):
                if not labelled_rows(self.turns, split, having):
                    raise NoTurnsError(
                        f"no labelled turn of the {split} split has {modality}",
                        f"Bring the clips to their folders, or leave {modality} out of teacher and students.",
                    )

    def _present(self, modality: Modality) -> list[bool]:
        if modality is Modality.TEXT:
            return [True] * len(self.turns)
        assert self.cache is not None
        return [modality not in self.cache.missing(turn) for turn in self.turns]

    def _encoder(self, modality: Modality, *, train: bool) -> Generator[Event, None, None]:
        """Train one encoder unless that is done, and embed every turn with it."""
        run, config = self.run, self.config
        phase = config.phase(modality)
        done = run.stage_facts(phase) is not None
        if not done and not train:
            raise RunError(f"the {phase} of {run.path} is not trained yet; train that stage first")
        stored = f"embeddings/{modality}"
        if done and (run.path / f"{stored}.safetensors").is_file():
            try:
                self.embeddings[modality] = load_embeddings(run, stored, len(self.turns))
                return
            except RunError:
                yield Message(text=f"{stored}.safetensors is damaged and is computed again", level="warning")
        present = self._present(modality)
        yield Message(text=f"loading the weights of the {phase}")
        with random_numbers:
            encoder, inputs = self._trained(modality) if done else self._build(modality)
        dtype = pass_type(config.evaluation_precision, config.stage(modality), self.device)
        if not done:
            task = EncoderTask(
                phase,
                encoder,
                inputs,
                self.turns,
                present,
                self.corpus.labels,
                device=self.device,
                dtype=dtype,
                batch=config.evaluation_batch,
                order=config.evaluation_order,
                teacher=None if modality is config.teacher else (yield from self._taught()),
                distillation=self.distillation,
            )
            yield from self._fit(task, modality)
        embeddings = yield from embed(
            encoder,
            inputs,
            self.turns,
            present,
            batch=config.evaluation_batch,
            order=config.evaluation_order,
            device=self.device,
            dtype=dtype,
            phase=phase,
        )
        save_tensors(run, stored, embeddings.tensors())
        self.embeddings[modality] = embeddings

    def _judge_teacher(self, stages: Sequence[str]) -> Iterator[Event]:
        """Set the teacher against chance on dev, once, before anything learns from it; the run's facts keep it."""
        run, config = self.run, self.config
        distils = bool(config.students) and not config.distillation.off
        left = [m for m in config.students if run.stage_facts(config.phase(m)) is None]
        if "teacher_on_dev" in run.facts:
            judged = run.facts["teacher_on_dev"]
        else:
            found = teacher_on_dev(self.embeddings[config.teacher], self.turns, self.corpus.labels)
            judged = {**asdict(found), "at_chance": found.at_chance}
            run.update(teacher_on_dev=judged)
            if found.at_chance and distils and left:
                yield at_chance_event(found, config.distillation.at_chance)
        if not judged["at_chance"] or not distils or not left:
            return
        if config.distillation.at_chance is AtChance.PLAIN:
            self.distillation = replace(config.distillation, alpha=0.0, beta=0.0)
        elif config.distillation.at_chance is AtChance.STOP and "students" in stages:
            raise TeacherAtChanceError

    def _taught(self) -> Generator[Event, None, Embeddings]:
        """What students learn from: the teacher's outputs, made anew where they are to be of another precision."""
        run, config = self.run, self.config
        own, stage = self.embeddings[config.teacher], config.stage(config.teacher)
        dtype = pass_type(config.distillation.teacher_precision, stage, self.device)
        if dtype == pass_type(config.evaluation_precision, stage, self.device):
            return own
        if not (run.path / f"{_TAUGHT}.safetensors").is_file():
            with random_numbers:
                encoder, inputs = self._trained(config.teacher)
            outputs = yield from embed(
                encoder,
                inputs,
                self.turns,
                [there and turn.id.split is Split.TRAIN for there, turn in zip(own.present.tolist(), self.turns)],
                batch=config.evaluation_batch,
                order=config.evaluation_order,
                device=self.device,
                dtype=dtype,
                phase=config.phase(config.teacher),
            )
            save_tensors(run, _TAUGHT, outputs.tensors())
        return load_embeddings(run, _TAUGHT, len(self.turns))

    def _fit(self, task: EncoderTask | FusionTask, modality: Modality | None) -> Iterator[Event]:
        stage = self.config.stages.fusion if modality is None else self.config.stage(modality)
        yield from Fit(
            self.run,
            task,
            stage,
            seed=self.config.seed,
            device=self.device,
            checkpoint_steps=self.config.checkpoint_steps,
        )

    def _trained(self, modality: Modality) -> tuple[Encoder, Inputs]:
        """A finished encoder and its inputs, from the run folder alone."""
        encoder, assembler = load_encoder(self.run, modality, self.corpus)
        return encoder.to(self.device), make_inputs(modality, self.config, assembler, self.cache)

    def _build(self, modality: Modality) -> tuple[Encoder, Inputs]:
        """A fresh encoder and its inputs; what rebuilds them later goes into the run."""
        torch.manual_seed(self.config.seed)
        weights = getattr(self.config, modality).weights
        backbone: Any = load_backbone(weights, modality)
        assembler = None
        with self.run.whole_folder(f"encoders/{modality}") as folder:
            if modality is Modality.TEXT:
                text = self.config.text
                tokenizer = load_tokenizer(
                    weights, (t.text for t in self.corpus.turns(Split.TRAIN)), text.speaker_tokens
                )
                backbone.resize_token_embeddings(len(tokenizer), mean_resizing=False)
                tokenizer.save_pretrained(folder)
                assembler = TextAssembler(tokenizer, text, self.corpus.dialogues)
            elif modality is Modality.AUDIO and self.config.audio.mask_frames:
                backbone.config.mask_time_length = self.config.audio.mask_frames
            backbone.config.save_pretrained(folder)
        encoder = make_encoder(modality, backbone, self.config, len(self.corpus.labels))
        source = self.run.facts.get("warm_start")
        if source is not None:
            begin_with(encoder, open_source((self.run.path / source).resolve(), self.config), self.corpus.labels.name)
        return encoder.to(self.device), make_inputs(modality, self.config, assembler, self.cache)

    def _fusion(self) -> Iterator[Event]:
        config, run = self.config, self.run
        if run.stage_facts(Phase.FUSION) is not None:
            return
        with random_numbers:
            torch.manual_seed(config.seed)
            fusion = Fusion(config.fusion, config.students, config.dim, len(self.corpus.labels))
        train = labelled_rows(self.turns, Split.TRAIN)
        start_stand_ins(fusion, self.embeddings, train)
        fusion.to(self.device)
        inputs = FusionInputs(self.embeddings, self.turns, config.teacher)
        dtype = pass_type(config.evaluation_precision, config.stages.fusion, self.device)
        task = FusionTask(
            fusion,
            inputs,
            self.turns,
            self.corpus.labels,
            device=self.device,
            dtype=dtype,
            batch=config.evaluation_batch,
            order=config.evaluation_order,
        )
        generator = torch.Generator().manual_seed(config.seed)
        chosen = torch.tensor(train)[torch.randperm(len(train), generator=generator)[: config.background_turns]]
        background = {
            f"{m}.{part}": getattr(own, part)[chosen]
            for m, own in self.embeddings.items()
            for part in ("features", "present")
        }
        save_tensors(run, "weights/background", background)
        yield from self._fit(task, None)

    def _score(self) -> Iterator[Event]:
        began = time.monotonic()
        splits = [split for split in (Split.DEV, Split.TEST) if split in self.corpus.splits()]
        yield StageStarted(phase=Phase.EVALUATING, steps=len(splits))
        predictor = Predictor(self.run, Embedded(tuple(self.corpus.turns()), self.embeddings), self.device)
        scores: dict[str, Any] = {}
        for done, split in enumerate(splits, 1):
            records = list(predictor.records([split]))
            self.run.write_text(f"predictions/{split}.jsonl", "".join(jsonl_lines(records)))
            by_model = score_records(with_gold(records, self.turns), self.corpus.labels.labels)
            scores[split] = {model: values.to_dict() for model, values in by_model.items()}
            yield Progress(phase=Phase.EVALUATING, done=done, total=len(splits), unit="splits")
        self.run.write_json("scores.json", scores)
        yield StageDone(phase=Phase.EVALUATING, seconds=time.monotonic() - began)
        yield RunFinished(run=self.run.name, scores=scores)


def _from_run(root: Path, run: Path) -> str:
    """The corpus' place as seen from the run, so that both may move together; absolute across drives."""
    try:
        return Path(os.path.relpath(root.resolve(), run.resolve())).as_posix()
    except ValueError:
        return str(root.resolve())


def _facts(corpus: Corpus, run: Path, warm_start: Path | None, device: torch.device) -> dict[str, Any]:
    return {
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "corpus": corpus_facts(corpus, run),
        "environment": environment(device),
        "excluded": [],
        "over_long": [],
        **({"warm_start": _from_run(warm_start, run)} if warm_start else {}),
    }


def corpus_facts(corpus: Corpus, run: Path) -> dict[str, Any]:
    """What a run keeps of its corpus, which tells it from others."""
    return {
        "root": _from_run(corpus.root, run),
        "kind": corpus.kind,
        "labels": corpus.labels.name,
        "turns": {split: sum(1 for _ in corpus.turns(split)) for split in corpus.splits()},
        "fingerprint": fingerprint(corpus),
    }


def environment(device: torch.device) -> dict[str, Any]:
    """What a run is made with."""
    packages = ("torch", "torchaudio", "transformers", "numpy", "av", "scikit-learn")
    return {
        "telme": __version__,
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        **{name: version(name) for name in packages},
    }


def _check_same(run: RunFolder, corpus: Corpus) -> None:
    if run.facts["corpus"]["fingerprint"] != fingerprint(corpus):
        raise CorpusChangedError(
            f"{corpus.root} is not what {run.path} was trained on: its annotations or clips changed"
        )
