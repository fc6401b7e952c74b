"""Costs before a run: against counts by hand, the networks themselves, and a measurement."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from telme_model.bundled import DEMO_CORPUS, DEMO_ENCODERS, DEMO_RUN
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.corpus.meld import CLIP_FOLDERS
from telme_model.events import Phase
from telme_model.networks.backbones import load_backbone
from telme_model.runs.costs import Gpu, Machine, costs, key, memory, operations, phase_costs, samples_of, tokens
from telme_model.runs.folder import RunFolder
from telme_model.runs.history import History
from telme_model.runs.presets import DEMO, PAPER_MELD, TOY
from telme_model.runs.weights import Weights, ask_hub, find_weights
from telme_model.training.measuring import look_at_machine, measure
from tests.support.corpora import write_corpus

MACHINE = Machine(cores=2, free=8 * 10**9)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return open_corpus(write_corpus(tmp_path_factory.mktemp("estimates") / "toy", clips=False))


def bundled(modality: Modality) -> Weights:
    return find_weights(f"bundled:{modality}", modality)


@pytest.mark.parametrize("modality", Modality)
def test_weights_are_counted_as_the_network_counts_them(modality: Modality) -> None:
    found = bundled(modality)
    assert found.here
    assert found.architecture is not None
    network = load_backbone(f"bundled:{modality}", modality)
    counted = sum(p.numel() for p in network.parameters())
    assert found.architecture.parameters == pytest.approx(counted, rel=0.02)  # a pooler is left out
    assert found.bytes == (DEMO_ENCODERS / modality / "model.safetensors").stat().st_size


@pytest.mark.parametrize("modality", Modality)
def test_arithmetic_is_what_torch_counts(modality: Modality) -> None:
    architecture = bundled(modality).architecture
    assert architecture is not None
    network: Any = load_backbone(f"bundled:{modality}", modality).eval()
    network.set_attn_implementation("eager")  # torch counts no other on a CPU
    length = 120
    inputs: dict[str, torch.Tensor] = {
        Modality.TEXT: {"input_ids": torch.full((1, length), 5)},
        Modality.AUDIO: {"input_values": torch.randn(1, round(samples_of(architecture, length)))},
        Modality.VISUAL: {"pixel_values": torch.randn(1, 8, 3, 64, 64)},
    }[modality]
    if modality is Modality.VISUAL:
        length = 8 * (64 // architecture.patch) ** 2 + 1
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(**inputs)
    assert operations(architecture, DEMO, modality, length) == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_steps_disk_and_turns_are_counted_by_hand(corpus: Corpus, tmp_path: Path) -> None:
    config = TOY.with_settings(
        ["stages.teacher.batch=5", "stages.teacher.accumulate=2", "stages.teacher.epochs=3", "stages.fusion.batch=24"]
    )
    architectures = {m: find_weights("toy", m).architecture for m in Modality}
    cost = costs(corpus, config, architectures, MACHINE, cache=tmp_path / "cache", run=tmp_path / "run")
    assert cost.labelled == {Split.TRAIN: 24, Split.DEV: 9, Split.TEST: 9}
    assert [(stage.phase, stage.steps) for stage in cost.stages] == [
        (Phase.TEACHER, 9),  # 24 turns: 5 batches of 5, 3 steps of 2 batches, 3 epochs
        (Phase.AUDIO, 12),
        (Phase.VISUAL, 12),
        (Phase.FUSION, 2),
    ]
    assert cost.run_bytes == 4 * (3 * 6_000 + 3 * 42 * 12)
    assert cost.scratch_bytes == 24 * 6_000
    assert cost.one_disk
    assert not cost.measured


def test_time_is_counted_by_hand(corpus: Corpus, tmp_path: Path) -> None:
    """A turn that is learnt from goes forward and, at twice the cost, back; a core is left to the window."""
    config = TOY.with_settings(["stages.audio.epochs=3"])
    architectures = {m: find_weights("toy", m).architecture for m in Modality}
    audio = architectures[Modality.AUDIO]
    assert audio is not None
    lengths = [length for split in tokens(corpus, config, Modality.AUDIO, audio).values() for length in split]
    forward = operations(audio, config, Modality.AUDIO, fmean(lengths)) / 3e10
    expected = 3 * (24 * 3 * forward + 9 * forward) + 42 * forward
    for cores, at_once in ((1, 1), (2, 1), (4, 3)):
        machine = replace(MACHINE, cores=cores)
        cost = costs(corpus, config, architectures, machine, cache=tmp_path, run=tmp_path)
        assert cost.stages[1].seconds == pytest.approx(expected / at_once)
        assert cost.stages[3].seconds == pytest.approx(cost.stages[3].steps * 0.012)
        assert cost.seconds == pytest.approx(sum(stage.seconds or 0 for stage in cost.stages) + 3 * 0.15)


def test_several_runs_decode_once_and_keep_a_folder_each(corpus: Corpus, tmp_path: Path) -> None:
    architectures = {m: find_weights("toy", m).architecture for m in Modality}
    cost = costs(corpus, TOY, architectures, MACHINE, cache=tmp_path, run=tmp_path)
    assert cost.cache.turns == 3  # without clips, those of a split are alike
    one, three = cost.seconds, cost.seconds_of(3)
    assert one is not None
    assert three == pytest.approx(3 * one - 2 * 3 * 0.15)
    assert cost.run_bytes is not None
    assert cost.bytes_of(3) == 3 * cost.run_bytes + cost.scratch_bytes


def test_labelled_turns_without_their_clip_are_counted(tmp_path: Path) -> None:
    corpus = open_corpus(write_corpus(tmp_path / "toy"))  # a train and a test turn are without theirs
    (tmp_path / "toy" / CLIP_FOLDERS[Split.TRAIN] / "dia0_utt1.mp4").write_bytes(b"")
    for clip in (tmp_path / "toy" / CLIP_FOLDERS[Split.DEV]).iterdir():
        clip.unlink()
    architectures = {m: find_weights("toy", m).architecture for m in Modality}
    cost = costs(corpus, TOY, architectures, MACHINE, cache=tmp_path, run=tmp_path)
    expected = {Split.TRAIN: 2, Split.DEV: 9, Split.TEST: 1}
    assert cost.lacking == {Modality.AUDIO: expected, Modality.VISUAL: expected}
    assert cost.without_clips((Modality.TEXT, Modality.VISUAL)) == (Modality.VISUAL,)
    assert cost.without_clips((Modality.TEXT,)) == ()
    single = replace(cost, labelled={Split.TRAIN: 1}, lacking={Modality.AUDIO: Counter({Split.TRAIN: 1})})
    assert single.without_clips((Modality.AUDIO,)) == (Modality.AUDIO,)
    unlabelled = replace(cost, labelled={}, lacking={Modality.AUDIO: Counter[Split]()})
    assert unlabelled.without_clips((Modality.AUDIO,)) == ()
    words = [turn.gold for turn in corpus.turns(Split.TRAIN)]
    assert cost.emotions == {emotion: words.count(emotion) for emotion in corpus.labels.labels}


def test_an_unknown_encoder_leaves_its_cost_unknown(corpus: Corpus, tmp_path: Path) -> None:
    architectures = {Modality.TEXT: find_weights("toy", Modality.TEXT).architecture}
    cost = costs(corpus, TOY, architectures, MACHINE, cache=tmp_path, run=tmp_path)
    assert [stage.seconds is None for stage in cost.stages] == [False, True, True, False]
    assert (cost.seconds, cost.memory, cost.run_bytes) == (None, None, None)


def test_phases_cost_what_the_bundled_run_took() -> None:
    """Its share of the whole, of each stage, against the seconds in its log."""
    demo = open_corpus(DEMO_CORPUS)
    architectures = {m: bundled(m).architecture for m in Modality}
    expected = phase_costs(demo, RunFolder.open(DEMO_RUN).config, architectures, MACHINE)
    told = History.read(DEMO_RUN / "events.jsonl").stages
    took = {phase: told[phase].seconds for phase in expected}
    for phase in expected:
        share = expected[phase] / sum(expected.values())
        assert share == pytest.approx(took[phase] / sum(took.values()), abs=0.02), phase


def test_an_unknown_encoder_counts_as_the_known_ones_do(corpus: Corpus) -> None:
    known = {m: find_weights("toy", m).architecture for m in Modality}
    of_known = phase_costs(corpus, TOY, known, MACHINE)
    one = phase_costs(corpus, TOY, {**known, Modality.VISUAL: None}, MACHINE)
    assert one[Phase.VISUAL] == (of_known[Phase.TEACHER] + of_known[Phase.AUDIO]) / 2
    none = phase_costs(corpus, TOY, {}, MACHINE)
    assert none[Phase.TEACHER] == none[Phase.AUDIO] > 100 * none[Phase.FUSION] > 0


def test_text_is_read_in_its_context(corpus: Corpus) -> None:
    architecture = find_weights("toy", Modality.TEXT).architecture
    assert architecture is not None
    dialogue = next(d for d in corpus.dialogues if d.split is Split.DEV)
    own = [2 + -(-len(turn.text) // 4) for turn in dialogue.turns]
    every = tokens(corpus, TOY, Modality.TEXT, architecture)[Split.DEV]
    assert every[: len(own)] == [sum(own[: k + 1]) + 6 for k in range(len(own))]
    near = replace(TOY, text=replace(TOY.text, context_turns=1))
    assert tokens(corpus, near, Modality.TEXT, architecture)[Split.DEV][2] == own[1] + own[2] + 6
    short = replace(TOY, text=replace(TOY.text, max_tokens=16))
    assert max(tokens(corpus, short, Modality.TEXT, architecture)[Split.TRAIN]) == 16


def test_cards_are_faster_and_half_precision_is_smaller(corpus: Corpus, tmp_path: Path) -> None:
    card = replace(MACHINE, gpus=(Gpu(name="card", memory=24 * 10**9, free=20 * 10**9),))
    architectures = {m: find_weights(getattr(PAPER_MELD, m).weights, m).architecture for m in Modality}
    visual = architectures[Modality.VISUAL]
    assert visual is not None
    there: dict[str, Any] = {"cache": tmp_path, "run": tmp_path}
    slow, fast = (costs(corpus, PAPER_MELD, architectures, machine, **there) for machine in (MACHINE, card))
    assert slow.seconds is not None
    assert fast.seconds is not None
    assert fast.seconds < slow.seconds / 50
    on_processor = PAPER_MELD.with_settings(["device=cpu"])
    assert costs(corpus, on_processor, architectures, card, **there).seconds == slow.seconds
    full = PAPER_MELD.with_settings(["stages.visual.precision=fp32"])
    sizes = [memory(visual, corpus, config, Modality.VISUAL, card) for config in (PAPER_MELD, full)]
    assert sizes[0] < sizes[1]
    assert sizes[0] > 18 * 121_000_000  # TimeSformer in two precisions, its gradient and AdamW's moments


def drained(work: Any) -> Any:
    """What an iterator returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_a_measurement_takes_the_formula_s_place(corpus: Corpus, tmp_path: Path) -> None:
    machine = drained(look_at_machine())
    assert machine.cores >= 1
    assert machine.free > 0
    config = DEMO.with_settings(["stages.audio.batch=4", "device=cpu", "evaluation_batch=4"])
    speeds = drained(measure(config, corpus, machine))
    assert set(speeds) == {key(config, m) for m in Modality}
    architectures = {m: bundled(m).architecture for m in Modality}
    places: dict[str, Any] = {"cache": tmp_path, "run": tmp_path}
    cost = costs(corpus, config, architectures, machine, measured=speeds, **places)
    assert cost.measured
    speed = speeds[key(config, Modality.TEXT)]
    expected = 10 * (24 * speed.train + 9 * speed.score) + 42 * speed.score
    assert cost.stages[0].seconds == pytest.approx(expected)
    assert not costs(corpus, DEMO, architectures, machine, measured=speeds, **places).measured  # another batch


def test_what_is_not_here_is_not_measured(corpus: Corpus) -> None:
    config = TOY.with_settings(["audio.weights=some/encoder", "students=audio"])
    events = list(measure(config, corpus, MACHINE))
    assert any("audio student is not measured: some/encoder" in getattr(event, "text", "") for event in events)


# -- weights -----------------------------------------------------------------------------------------------------


def test_known_names_tell_their_cost_before_they_are_fetched() -> None:
    found = find_weights("roberta-large", Modality.TEXT)
    assert (found.here, found.bytes, found.licence) == (False, 4 * 355_359_744, "MIT")
    assert find_weights(PAPER_MELD.visual.weights, Modality.VISUAL).licence == "CC BY-NC 4.0"
    unknown = find_weights("a/b/c", Modality.AUDIO)
    assert (unknown.here, unknown.bytes, unknown.architecture) == (False, None, None)


def test_a_model_in_the_hub_s_cache_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--some--encoder"
    snapshot = folder / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc", encoding="utf-8")
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).write_bytes((DEMO_ENCODERS / "audio" / name).read_bytes())
    (snapshot / "README.md").write_text("---\nlanguage: en\nlicense: bsd\n---\nText", encoding="utf-8")
    found = find_weights("some/encoder", Modality.AUDIO)
    assert (found.here, found.place, found.licence) == (True, snapshot, "bsd")
    assert found.architecture == bundled(Modality.AUDIO).architecture
    (snapshot / "model.safetensors").unlink()
    assert not find_weights("some/encoder", Modality.AUDIO).here  # only its settings were fetched


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "no readable config.json"),
        ({"config.json": b"{"}, "no readable config.json"),
        ({"config.json": b"[" * 100_000}, "no readable config.json"),
        ({"config.json": b"{}"}, "no model.safetensors"),
        ({"config.json": b"{}", "model.safetensors": b"x"}, "no tokenizer.json"),
        ({"config.json": b"{}", "model.safetensors": b"x", "vocab.json": b"{}"}, "cannot be read"),
        ({"config.json": b"{}", "pytorch_model.bin": b"x", "vocab.json": b"{}"}, "does not say which encoder"),
        ({"config.json": b"{}", "model.safetensors": b"version https://git", "vocab.json": b"{}"}, "cannot be read"),
    ],
)
def test_a_folder_that_holds_no_encoder_says_what_it_lacks(
    tmp_path: Path, files: dict[str, bytes], reason: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = find_weights(str(tmp_path), Modality.TEXT)
    assert not found.here
    assert reason in found.lacking
    assert str(tmp_path) in found.lacking


@pytest.mark.parametrize("wanted", Modality)
@pytest.mark.parametrize("kind", Modality)
def test_an_encoder_of_another_kind_cannot_be_used(kind: Modality, wanted: Modality) -> None:
    """Also one that is known by its name alone, and would have to be fetched first."""
    for name in (f"bundled:{kind}", getattr(PAPER_MELD, kind).weights):
        found = find_weights(name, wanted)
        if kind is wanted:
            assert not found.lacking
        else:
            assert found.lacking.startswith(f"{name} is no {wanted} encoder but a")
            assert not found.here
            assert found.architecture is None


def test_a_type_that_is_not_known_here_is_left_to_the_libraries(tmp_path: Path) -> None:
    settings = json.loads((DEMO_ENCODERS / "audio" / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(settings | {"model_type": "of-tomorrow"}), encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes((DEMO_ENCODERS / "audio" / "model.safetensors").read_bytes())
    assert find_weights(str(tmp_path), Modality.AUDIO).here


def test_a_folder_with_pytorch_s_own_files_counts_four_bytes_each(tmp_path: Path) -> None:
    settings = {"hidden_size": 8, "num_hidden_layers": 2}
    (tmp_path / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    (tmp_path / "pytorch_model.bin").write_bytes(b"x" * 4_000)
    found = find_weights(str(tmp_path), Modality.VISUAL)
    assert found.here
    assert found.architecture is not None
    assert (found.architecture.parameters, found.architecture.feedforward) == (1_000, 32)


def test_offline_the_hub_is_quietly_out_of_reach() -> None:
    answers = drained(ask_hub(["roberta-large", "a/b/c"]))
    assert not answers["roberta-large"].reached
    assert (answers["a/b/c"].reached, answers["a/b/c"].found) == (True, False)
