"""What a fuzzer damages and who then reads it: a folder of good files of every kind, and every reader of ours."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from telme_gui.look.settings import Recent, Settings
from telme_gui.look.settings import load as load_settings
from telme_gui.look.settings import save as save_settings
from telme_model.annotations.exchange import Format, read
from telme_model.annotations.places import candidates, store_path
from telme_model.annotations.recovery import labels_in, recover
from telme_model.annotations.store import Store, StoreDamagedError
from telme_model.bundled import DEMO_ENCODERS, DEMO_RUN
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.corpus.reading import Reading, remember, remembered
from telme_model.corpus.survey import sketch, survey
from telme_model.media.cache import MediaCache, build_cache
from telme_model.media.decoding import read_turn
from telme_model.media.health import check, probe
from telme_model.runs import catalogue, queue
from telme_model.runs.comparison import compare
from telme_model.runs.facts import read_run
from telme_model.runs.folder import RunFolder
from telme_model.runs.history import History
from telme_model.runs.plan import Plan
from telme_model.runs.presets import TOY
from telme_model.runs.records import run_predictions, run_records, score_run
from telme_model.runs.summary import summarise
from telme_model.runs.weights import find_weights
from tests.support.corpora import write_corpus
from tests.support.exchange import finish, labelled, write
from tests.support.layouts import KINDS
from tests.support.mutations import whole
from tests.support.runs import copied_run, walk

Use = Callable[[], object]
FOLDERS = ("ANNOTATIONS", "READINGS", "RUNS", "PREDICTIONS", "CACHE")


@dataclass(frozen=True, slots=True)
class Target:
    """Files of which one is damaged, and what reads them."""

    files: tuple[Path, ...]
    uses: Callable[[], Iterator[Use]]
    beside: Mapping[Path, bytes] = field(default_factory=dict)  # what stands there again before every input


def _all(work: Any) -> object:
    return finish(work) if hasattr(work, "send") else list(work)


class Bench:
    """Good files of every kind below a folder, made once; `targets` are read from there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in FOLDERS:
            os.environ[f"TELME_{name}"] = str(root / name.lower())
        self.corpus = root / "corpus"

    def make(self, *, trained: bool = True) -> None:
        """Make everything; takes some seconds."""
        write_corpus(self.corpus)
        (self.root / "layouts").mkdir()
        for name in ("semicolons", "Excel", "Portuguese", "a transcript", "clips named by the table"):
            (self.root / "layouts" / name).mkdir()
            KINDS[name].make(self.corpus, self.root / "layouts" / name)
        _emorynlp(self.root / "emorynlp")
        _iemocap(self.root / "iemocap")
        corpus = open_corpus(self.corpus)
        layers = labelled(corpus, "anna", "bo")
        for form in Format:
            write(form, self.root / "exchange" / form, corpus, layers)
        _all(build_cache(tuple(corpus.turns()), TOY.media, self.root / "cache", workers=0))
        if trained:
            self._train()
        save_settings(
            Settings(recent=[Recent(str(self.corpus), str(DEMO_RUN), "test/dia0_utt0", filter={"text": "x"})]),
            self.root / "settings.json",
        )
        waiting = queue.Waiting()
        waiting.write([Plan(config=TOY, corpus=self.corpus, run=self.root / "runs" / name) for name in ("a", "b")])
        waiting.release()
        with Store.open(store_path(corpus), corpus) as store:
            for layer, labels in layers.items():
                store.edit("all", {(layer, *place): label for place, label in labels.items()})
            store.undo()
            store.redo()
        shutil.copytree(DEMO_ENCODERS, self.root / "encoders")
        _release(self.root / "release")

    def _train(self) -> None:
        runs = self.root / "runs"
        walk(self.corpus, runs / "toy", *(f"stages.{stage}.epochs=1" for stage in ("teacher", "audio", "visual")))
        copied_run(runs, "other")
        shutil.copytree(runs / "toy", runs / "begun")
        (runs / "begun" / "scores.json").unlink()

    def targets(self, *, trained: bool = True) -> dict[str, Target]:
        """By name; a name's first word says the kind."""
        remember(self.root / "layouts" / "Portuguese", KINDS["Portuguese"].reading or Reading())
        found = {f"table {place.name}": self._tables(place) for place in self._corpora()}
        corpus = open_corpus(self.corpus)
        for form in Format:
            files = _files(self.root / "exchange" / form)[:3]
            found[f"exchange {form}"] = Target(files, partial(_exchange, files, corpus))
        found |= self._small(corpus)
        store = store_path(corpus)
        found["store"] = Target((store,), lambda: self._store(store, corpus), _kept(store))
        found["cache"] = self._cache(corpus)
        if trained:
            found |= self._runs(corpus) | {"networks": self._networks(corpus)}
        for modality in Modality:
            found[f"encoder {modality}"] = Target(
                _files(self.root / "encoders" / modality),
                partial(_encoder, self.root / "encoders" / modality, modality),
            )
        found["checkpoint"] = Target(_files(self.root / "release", ".bin"), lambda: _checkpoint(self.root / "release"))
        clips = tuple(sorted(self.corpus.rglob("*.mp4")))[:6]
        found["clip"] = Target(clips, lambda: _clips(clips, corpus))
        return found

    def _corpora(self) -> list[Path]:
        return [self.corpus, self.root / "emorynlp", self.root / "iemocap", *sorted((self.root / "layouts").iterdir())]

    def _tables(self, place: Path) -> Target:
        files = tuple(path for path in _files(place) if path.suffix in (".csv", ".tsv", ".xlsx", ".txt"))

        def uses() -> Iterator[Use]:
            yield lambda: open_corpus(place)
            yield lambda: _all(check(open_corpus(place), media=False))
            if place.name != "iemocap":  # which has no table
                yield lambda: sketch(survey(place, Reading()), Reading())

        return Target(files, uses)

    def _runs(self, corpus: Corpus) -> dict[str, Target]:
        found = {}
        for name in ("toy", "other", "begun"):
            run = self.root / "runs" / name
            names = (
                "run.json",
                "config.toml",
                "scores.json",
                "events.jsonl",
                "predictions/dev.jsonl",
                "predictions/test.jsonl",
            )
            files, uses = tuple(run / file for file in names if (run / file).exists()), partial(_run, run, corpus)
            found[f"run {name}"] = Target(files, partial(uses, self.root / "runs" / "other"), _kept(*files))
        return found

    def _small(self, corpus: Corpus) -> dict[str, Target]:
        settings, waiting = self.root / "settings.json", self.root / "runs" / "waiting.json"
        remember(self.corpus, Reading({"text": "Utterance"}, {"happy": "joy"}, ""))  # filed under the corpus' place
        readings = _files(self.root / "readings")

        def remembering() -> Iterator[Use]:
            yield lambda: remembered(self.corpus)
            yield lambda: open_corpus(self.corpus)

        def queued() -> Iterator[Use]:
            yield queue.waiting
            keeper = queue.Waiting()
            yield keeper.left
            keeper.release()

        return {
            "settings": Target((settings,), lambda: iter([lambda: load_settings(settings)])),
            "queue": Target((waiting,), queued, _kept(waiting)),
            "readings": Target(readings, remembering),
        }

    def _store(self, path: Path, corpus: Corpus) -> Iterator[Use]:
        def edit() -> None:
            with Store.open(path, corpus) as store:
                for layer in store.layers():
                    dict(store.labels(layer))
                _ = store.undoable, store.redoable, store.changed_elsewhere()
                store.undo()
                store.redo()

        def mend() -> None:
            try:
                edit()
            except StoreDamagedError:
                recover(path, corpus)
                edit()

        yield lambda: labels_in(path)
        yield lambda: candidates(corpus)
        yield edit
        yield mend
        for file in path.parent.iterdir():
            if file.is_file() and file != path:
                file.unlink()

    def _cache(self, corpus: Corpus) -> Target:
        turns = tuple(corpus.turns(Split.TEST))
        files = tuple(path for path in _files(self.root / "cache") if path.suffix in (".sqlite", ".bin"))

        def look() -> None:
            cache = MediaCache(self.root / "cache", TOY.media)
            for turn in turns:
                cache.frames(turn), cache.waveform(turn), cache.missing(turn), cache.seconds(turn)

        def uses() -> Iterator[Use]:
            yield look
            yield lambda: _all(build_cache(turns, TOY.media, self.root / "cache", workers=0))

        return Target(files, uses, _kept(*files))

    def _networks(self, corpus: Corpus) -> Target:
        run = self.root / "runs" / "toy"
        files = tuple(
            path
            for path in _files(run)
            if path.parent.name in ("weights", "embeddings")
            or path.parent.parent.name == "encoders"
            or path.name in ("run.json", "config.toml")
        )
        return Target(files, lambda: _network(run, corpus), _kept(*files))


def _kept(*files: Path) -> dict[Path, bytes]:
    return {file: whole(file) for file in files}


def _files(folder: Path, suffix: str = "") -> tuple[Path, ...]:
    return tuple(path for path in sorted(folder.rglob("*")) if path.is_file() and path.name.endswith(suffix))


def _exchange(files: tuple[Path, ...], corpus: Corpus) -> Iterator[Use]:
    yield lambda: finish(read(files, corpus))


def _run(run: Path, corpus: Corpus, other: Path) -> Iterator[Use]:
    from telme_model.training.checkpoint import load_resume
    from telme_model.training.log import RunLog

    folder = RunFolder(run)
    yield lambda: RunFolder.open(run).config
    yield lambda: read_run(run)
    yield lambda: catalogue.unfinished([run])
    yield lambda: Plan.resuming(run).command()
    yield lambda: History.read(run / "events.jsonl")
    yield lambda: run_predictions(RunFolder.open(run), run_records(run, Split.TEST))
    yield lambda: score_run(run, Split.DEV, corpus.turns(Split.DEV))
    yield lambda: compare([run, other], Split.TEST)
    yield lambda: finish(summarise(run, [other]))
    yield lambda: [load_resume(folder, phase) for phase in RunFolder.open(run).config.phases]
    yield lambda: RunLog(run).__exit__(None, None, None)


def _network(run: Path, corpus: Corpus) -> Iterator[Use]:
    import torch

    from telme_model.prediction.predictor import Predictor, load_encoder, load_fusion, open_trained, stored_embeddings

    def predict() -> None:
        folder = open_trained(run)
        embedded = stored_embeddings(folder, corpus)
        if embedded is not None:
            list(Predictor(folder, embedded, torch.device("cpu")).records((Split.TEST,)))

    yield predict
    yield lambda: load_fusion(RunFolder.open(run))
    for modality in Modality:
        yield lambda m=modality: load_encoder(RunFolder.open(run), m, corpus)  # type: ignore[misc]


def _encoder(folder: Path, modality: Modality) -> Iterator[Use]:
    from telme_model.networks.backbones import check_weights, load_backbone, load_tokenizer, rebuild_backbone

    yield lambda: find_weights(str(folder), modality)
    yield lambda: check_weights(str(folder), modality)
    yield lambda: load_backbone(str(folder), modality)
    yield lambda: rebuild_backbone(folder, folder)
    if modality is Modality.TEXT:
        yield lambda: load_tokenizer(str(folder), (), 2)


def _checkpoint(folder: Path) -> Iterator[Use]:
    from telme_model.training.released import read_state

    for file in _files(folder, ".bin"):
        yield lambda file=file: read_state(file)  # type: ignore[misc]


def _clips(clips: tuple[Path, ...], corpus: Corpus) -> Iterator[Use]:
    yield lambda: [probe(clip) for clip in clips]
    yield lambda: [read_turn(turn, TOY.media) for turn in corpus.turns() if turn.video and turn.video.path in clips]


def _emorynlp(root: Path) -> None:
    root.mkdir()
    header = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Sr No"
    lines = [f"Hi there {n},['Ada'],Joyful,1,{n},1,1,{n}" for n in range(1, 20)]
    for part in ("train", "dev", "test"):
        (root / f"emorynlp_{part}_final.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def _iemocap(root: Path) -> None:
    for session in range(1, 6):
        name = f"Ses{session:02}F_impro01"
        evaluation = "".join(f"[{n}.29 - {n}.93]\t{name}_F{n:03}\tneu\t[2.5, 2.5, 2.5]\n" for n in range(9))
        words = "".join(f"{name}_F{n:03} [{n:03}.2900-{n:03}.9300]: Yes, {n}.\n" for n in range(9))
        for folder, text in (("EmoEvaluation", evaluation), ("transcriptions", words)):
            place = root / f"Session{session}" / "dialog" / folder / f"{name}.txt"
            place.parent.mkdir(parents=True)
            place.write_text(text)


def _release(root: Path) -> None:
    import torch

    root.mkdir()
    torch.save({"W.weight": torch.zeros(7, 8), "W.bias": torch.zeros(7)}, root / "teacher.bin")
    torch.save({"module.W.weight": torch.zeros(7, 8)}, root / "total_fusion.bin")
