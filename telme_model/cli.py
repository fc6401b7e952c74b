"""The command line: everything the program does without a window."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from telme_model import __version__
from telme_model.annotations.commands import add_commands as add_label_commands
from telme_model.corpus.dialogue import Split
from telme_model.events import TurnPredicted

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]  # name, what it runs, help
RESOURCES = Path(__file__).resolve().parents[1] / "resources"
DEMO_CORPUS, DEMO_RUN = RESOURCES / "demo" / "corpus", RESOURCES / "demo" / "run"


def main(arguments: Sequence[str] | None = None, *, more: Callable[[Add], None] | None = None) -> int:
    """Run one command; the result is the exit code: 0 done, 1 failed or problems found, 2 wrong usage, 130 stopped.

    `more` adds the commands of who stands above this package, at the head of the list and in place of `demo`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # none without a terminal
            stream.reconfigure(errors="backslashreplace")
    options = _parser(more).parse_args(arguments)
    # One clear sentence for whatever a person can mend; anything else is a defect and may show its traceback.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # or it tells every attempt at a hub that is out of reach
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    command: Command = options.command
    try:
        return command(options)
    except KeyboardInterrupt:
        print("stopped; what was done is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except expected_errors() as error:
        print(f"telme-studio: {sentence(error)}", file=sys.stderr)
        return 1


def expected_errors() -> tuple[type[Exception], ...]:
    """The exceptions whose message is a sentence. The rooms that import torch are asked only once they are loaded."""
    from telme_model.cache import CacheError
    from telme_model.config import ConfigError
    from telme_model.corpus.dialogue import CorpusError
    from telme_model.demo.builder import DemoError
    from telme_model.demo.voices import SpeechError
    from telme_model.media import MediaError

    kinds: list[type[Exception]] = [CacheError, ConfigError, CorpusError, DemoError, SpeechError, MediaError]
    kinds += [OSError, MemoryError]
    for module, name in (
        ("annotations.database", "StoreError"),
        ("annotations.exchange.parcel", "ExchangeError"),
        ("checkpoints", "RunError"),
        ("backbones", "WeightsError"),
        ("fitting", "TrainingError"),
    ):
        loaded = sys.modules.get(f"telme_model.{module}")
        if loaded is not None:
            kinds.append(getattr(loaded, name))
    torch = sys.modules.get("torch")
    if torch is not None:
        kinds.append(torch.OutOfMemoryError)
    return tuple(kinds)


def sentence(error: Exception) -> str:
    """What an expected error says to a person."""
    if type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError):
        return "the memory is used up; take a smaller batch (--set stages.teacher.batch=2) and accumulate, or a CPU"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


# -- commands ---------------------------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    from telme_model.corpus import open_corpus
    from telme_model.corpus.dialogue import Severity
    from telme_model.corpus.health import ProblemFound, check
    from telme_model.terminal import counted, print_json, watched

    corpus = open_corpus(options.corpus)
    events = watched(check(corpus, media=not options.no_media), quiet=options.json)
    problems = [event.problem for event in events if isinstance(event, ProblemFound)]
    if options.json:
        print_json(
            [
                {
                    "severity": str(p.severity),
                    "code": p.code,
                    "file": str(p.file),
                    "row": p.row,
                    "column": p.column,
                    "turn": str(p.turn) if p.turn else None,
                    "reason": p.reason,
                }
                for p in problems
            ]
        )
    else:
        for problem in problems:
            place = f"{problem.file}" + (f", row {problem.row}" if problem.row else "")
            print(f"{problem.severity}: {problem.code}: {place}: {problem.reason}")
        count = {severity: sum(p.severity is severity for p in problems) for severity in Severity}
        turns = sum(1 for _ in corpus.turns())
        print(
            f"{corpus.kind}: {counted(len(corpus.dialogues), 'dialogue')}, {counted(turns, 'turn')}; "
            + ", ".join(f"{number} {severity}" for severity, number in count.items())
        )
    return int(any(p.severity is Severity.FATAL for p in problems))


def _train(options: argparse.Namespace) -> int:
    from telme_model.annotations.labels import GOLD
    from telme_model.checkpoints import RunError, RunFolder
    from telme_model.config import read_config
    from telme_model.events import RunFinished
    from telme_model.presets import preset
    from telme_model.terminal import print_json, score_table, stopping_between_events, watched
    from telme_model.training import STAGES, train

    if options.resume:
        if options.preset or options.config or options.warm_start or options.labels or options.seed is not None:
            raise RunError(
                "--resume goes on with the run's own settings; leave --preset, --config, --seed, --warm-start and "
                "--labels out (--set may change how its stages are optimised)"
            )
        config = RunFolder.open(options.run).config
    else:
        config = read_config(options.config) if options.config else preset(options.preset or "paper-meld")
        settings = list(options.set or ()) + ([] if options.seed is None else [f"seed={options.seed}"])
        config = config.with_settings(settings)
    stages = (options.stage,) if options.stage else STAGES
    events = train(
        config,
        options.corpus,
        options.run,
        stages=stages,
        resume=options.resume,
        changes=options.set or () if options.resume else (),
        warm_start=options.warm_start,
        layer=options.labels or GOLD,
        cache=options.cache,
    )
    with stopping_between_events() as asked:
        for event in watched(events, quiet=options.json, asked=asked):
            if isinstance(event, RunFinished):
                if options.json:
                    print_json({"run": str(options.run), "scores": event.scores})
                    continue
                for split, scores in event.scores.items():
                    print(f"\n{split}")
                    print("\n".join(score_table(scores)))
    return 0


def _predict(options: argparse.Namespace) -> int:
    from telme_model.checkpoints import check_outside
    from telme_model.corpus import open_corpus
    from telme_model.prediction import predict, write_embeddings
    from telme_model.records import ENDINGS, check_ending, check_place, write_records
    from telme_model.terminal import Returned, counted, watched

    check_ending(options.out, *ENDINGS)
    if options.embeddings:
        check_ending(options.embeddings, ".npz")
    corpus = open_corpus(options.corpus)
    for place in filter(None, (options.out, options.embeddings)):
        check_place(place, corpus.root, options.run)
    if options.cache:
        check_outside(options.cache, corpus.root)
    split = _split_of(corpus, options.split)
    embedding = Returned(
        predict(options.run, corpus, [split], cache=options.cache, contributions=not options.no_contributions)
    )
    records = [event.record for event in watched(iter(embedding)) if isinstance(event, TurnPredicted)]
    write_records(records, options.out)
    print(f"{counted(len(records), 'turn')} of {split} in {options.out}", file=sys.stderr)
    if options.embeddings:
        write_embeddings(options.run, embedding.value, split, options.embeddings)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from telme_model.analysis.evaluation import compare_runs
    from telme_model.checkpoints import RunError
    from telme_model.records import run_records, score_run, with_gold
    from telme_model.terminal import counted, print_json, score_table

    turns = _labelled_turns(options.run, options.labels) if options.labels else None
    scores = score_run(options.run, Split(options.split), turns)
    if turns and not scores:
        raise RunError(f"the layer {options.labels} labels no turn of {options.split}: nothing can be scored")
    result: dict[str, Any] = {"run": str(options.run), "split": options.split, "scores": scores}
    if options.against:
        ours, theirs = (run_records(run, Split(options.split)) for run in (options.run, options.against))
        if turns is not None:
            ours = with_gold(ours, turns)
        try:
            result["against"] = compare_runs(ours, theirs)
        except ValueError as error:
            raise RunError(f"{options.run} cannot be set against {options.against}: {error}") from error
    if options.json:
        print_json(result)
        return 0
    print("\n".join(score_table(scores)))
    if options.against:
        of = result["against"]
        low, high = of["interval"]["low"], of["interval"]["high"]
        print(
            f"\nfused against {options.against}: {of['difference']:+.2f} weighted F1 (95 % {low:+.2f} to {high:+.2f}, "
            f"p = {of['p']:.3f}, paired bootstrap over dialogues), {of['changed']} of "
            f"{counted(of['turns'], 'turn')} changed"
        )
    return 0


def _labelled_turns(run: Path, layer: str) -> tuple[Any, ...]:
    """The turns of a run's corpus with a layer's labels as their gold, and none where it says nothing."""
    from telme_model.annotations.apply import layer_labels, with_labels
    from telme_model.checkpoints import RunFolder
    from telme_model.corpus import open_corpus

    root = RunFolder.open(run).facts["corpus"].get("root", "")
    corpus = open_corpus((run / root).resolve())
    return tuple(with_labels(corpus, layer_labels(corpus, layer), fallback=False).turns())


def _demo(options: argparse.Namespace) -> int:
    return show_demo(options.dialogue)


def show_demo(dialogue: str = "") -> int:
    """Print a test dialogue of the bundled corpus as its bundled run predicts it, and the run's scores."""
    from telme_model.corpus import open_corpus
    from telme_model.corpus.dialogue import CorpusError
    from telme_model.records import run_records, score_run
    from telme_model.terminal import dialogue_table, score_table

    corpus = open_corpus(DEMO_CORPUS)
    records = run_records(DEMO_RUN, Split.TEST)
    dialogues = [d for d in corpus.dialogues if d.split is Split.TEST]
    chosen = next((d for d in dialogues if d.name == (dialogue or dialogues[0].name)), None)
    if chosen is None:
        names = ", ".join(d.name for d in dialogues)
        raise CorpusError(f"the demo has no test dialogue '{dialogue}'; it has {names}")
    by_utterance = {record["utterance"]: record for record in records if record["dialogue"] == chosen.name}
    print(f"The bundled demo corpus (synthetic): test dialogue {chosen.name}, predicted by its bundled run\n")
    print("\n".join(dialogue_table(chosen, by_utterance)))
    print(f"\nAll {len(records)} test turns\n")
    print("\n".join(score_table(score_run(DEMO_RUN, Split.TEST))))
    return 0


def _make_demo(options: argparse.Namespace) -> int:
    from telme_model.demo.builder import make_demo
    from telme_model.terminal import watched

    for _event in watched(
        make_demo(options.folder, dialogues=options.dialogues, seed=options.seed, texts=options.texts)
    ):
        pass
    print(f"a synthetic corpus of {options.dialogues} dialogues in {options.folder}", file=sys.stderr)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from telme_model import doctor
    from telme_model.terminal import print_json

    if options.json:
        print_json(doctor.report_data())
    else:
        print(doctor.report())
    return 0


# -- helpers ----------------------------------------------------------------------------------------------------


def _split_of(corpus: Any, name: str) -> Split:
    from telme_model.corpus.dialogue import CorpusError

    split = Split(name)
    if split not in corpus.splits():
        raise CorpusError(f"{corpus.root} has no {split} split; it has {', '.join(corpus.splits())}")
    return split


def _name(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("a name is needed, and this one is empty")
    return text


def _parser(more: Callable[[Add], None] | None = None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="telme-studio", description="Annotate and analyse emotion in conversation, around TelME."
    )
    parser.add_argument("--version", action="version", version=f"TelME Studio {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    splits = [str(split) for split in Split]

    if more is not None:
        more(add)
    else:
        demo = add("demo", _demo, "Show the bundled demo corpus with its bundled run (synthetic).")
        demo.add_argument("--dialogue", default="", help="which test dialogue, by its number")

    check = add("check", _check, "List every problem of a corpus; exit code 1 when one is fatal.")
    check.add_argument("corpus", type=Path)
    check.add_argument("--no-media", action="store_true", help="annotations only: leave the clips unopened")
    check.add_argument("--json", action="store_true")

    train = add("train", _train, "Train the three stages: teacher, students by distillation, fusion.")
    train.add_argument("corpus", type=Path)
    train.add_argument("--run", type=Path, required=True, metavar="DIR", help="the run's folder, new or to resume")
    train.add_argument("--preset", help="paper-meld (default), paper-iemocap, official-..., compact, demo, toy")
    train.add_argument("--config", type=Path, metavar="FILE", help="a config.toml instead of a preset")
    train.add_argument(
        "--set",
        action="append",
        metavar="KEY=VALUE",
        help="change one setting; may be repeated; with --resume, of the stages only",
    )
    train.add_argument("--seed", type=int)
    train.add_argument("--stage", choices=["teacher", "students", "fusion"], help="one stage only")
    train.add_argument("--resume", action="store_true", help="go on with a run that was stopped or killed")
    train.add_argument("--warm-start", type=Path, metavar="RUN", help="begin with this run's encoders")
    train.add_argument(
        "--labels", type=_name, metavar="LAYER", help="learn this layer's labels, gold where it has none"
    )
    train.add_argument("--cache", type=Path, metavar="DIR", help="where decoded media are kept")
    train.add_argument("--json", action="store_true", help="print only the final scores, as JSON")

    predict = add("predict", _predict, "Predict every turn of a split with a finished run.")
    predict.add_argument("corpus", type=Path)
    predict.add_argument("--run", type=Path, required=True, metavar="DIR")
    predict.add_argument("--split", choices=splits, default="test")
    predict.add_argument("--out", type=Path, required=True, metavar="FILE", help=".jsonl, .csv or .parquet")
    predict.add_argument("--embeddings", type=Path, metavar="FILE.npz", help="also write F_T, F_a, F_v and H")
    predict.add_argument("--no-contributions", action="store_true", help="leave the Shapley shares out")
    predict.add_argument("--cache", type=Path, metavar="DIR", help="where decoded media are kept")

    evaluate = add("evaluate", _evaluate, "Score a run, and set it against another.")
    evaluate.add_argument("--run", type=Path, required=True, metavar="DIR")
    evaluate.add_argument("--split", choices=["dev", "test"], default="test")
    evaluate.add_argument("--against", type=Path, metavar="DIR", help="another run on the same corpus")
    evaluate.add_argument(
        "--labels", type=_name, metavar="LAYER", help="score against this layer's labels instead of gold"
    )
    evaluate.add_argument("--json", action="store_true")

    add_label_commands(add)

    make = add("make-demo", _make_demo, "Build a synthetic corpus like the demo's, of any size.")
    make.add_argument("folder", type=Path)
    make.add_argument("--dialogues", type=int, default=84, help="split 60 : 8 : 16 (default 84)")
    make.add_argument("--seed", type=int, default=0)
    make.add_argument("--texts", type=Path, metavar="CSV", help="words and labels of a real MELD annotation file")

    doctor = add("doctor", _doctor, "Print a report of this installation for a bug report.")
    doctor.add_argument("--json", action="store_true")
    return parser
