"""What a person sees of long work in a terminal: a progress bar, a line an epoch, tables of scores."""

import json
import signal
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars

from telme_model.analysis.metrics import macro_note
from telme_model.analysis.models import TITLES, models_in
from telme_model.commands.telling import tell
from telme_model.corpus.dialogue import Dialogue
from telme_model.errors import harmless
from telme_model.events import EpochDone, Event, Message, Progress, StageDone, StageStarted, StepDone, TeacherAtChance
from telme_model.runs import at_chance
from telme_model.runs.config import AtChance
from telme_model.runs.history import History
from telme_model.runs.quantities import counted, duration


class Watcher:
    """Follows events on standard error: bars only where that is a terminal, so that logs stay readable."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.history = History()
        console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
        self.bars = Bars(
            *(TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TextColumn("{task.fields[note]}")),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self, event: Event) -> None:
        """Tell one event."""
        self.history.add(event, time.time())
        if self.quiet:
            return
        match event:
            case StageStarted():
                self.close()
                what = f" ({counted(event.turns, 'turn')}, {counted(event.epochs, 'epoch')})" if event.epochs else ""
                self._line(f"{event.phase}{what}")
                self.bars.add_task(event.phase, total=event.steps or None, note="")
                self.bars.start()
            case StepDone():
                self._advance(event.step, event.steps, f"loss {event.losses['total']:.3f}")
            case Progress() if not self.history.stages[event.phase].steps:
                self._advance(event.done, event.total, event.unit)
            case EpochDone():
                losses = "  ".join(f"{name} {value:.3f}" for name, value in event.losses.items() if name != "total")
                star = "  *" if event.best else ""
                self._line(
                    f"  epoch {event.epoch}/{event.epochs}  {losses}  dev weighted F1 {event.dev_weighted_f1:.2f}{star}"
                )
            case StageDone():
                self.close()
                best = "" if event.dev_weighted_f1 is None else f", best dev weighted F1 {event.dev_weighted_f1:.2f}"
                self._line(f"  {event.phase}: {event.seconds:.1f} s{best}")
            case TeacherAtChance():
                words = [f"{at_chance.TITLE}.", at_chance.cause(event), at_chance.follows(event)]
                self._line(f"  warning: {' '.join(words)}")
                if event.follows == AtChance.DISTIL:
                    self._line(f"  {at_chance.way_on()}")
            case Message():
                self._line(f"  {event.level}: {event.text}")
            case _:
                pass

    def close(self) -> None:
        """Take the bar away."""
        self.bars.stop()
        for task in self.bars.task_ids:
            self.bars.remove_task(task)

    def _advance(self, done: int, total: int, what: str) -> None:
        eta = self.history.eta if self.history.plan or self.history.current is None else self.history.current.eta
        left = "" if eta is None else f", {duration(eta)} left"
        for task in self.bars.task_ids:
            self.bars.update(task, completed=done, total=total, note=f"{what}{left}")

    def _line(self, text: str) -> None:
        self.bars.console.print(harmless(text))


def table(rows: Sequence[Sequence[str]], *, left: int = 1) -> Iterator[str]:
    """Lines of a table: the first `left` columns flush left, the others flush right."""
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]  # a line break would make a line of its own
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def score_table(scores: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One line a model: weighted F1 with its interval, macro F1, accuracy and the F1 of every emotion."""
    if not scores:
        return iter(("no turn has a label to score against",))
    labels = list(next(iter(scores.values()))["per_class"])
    rows = [["", "weighted F1", "95 %", "macro F1", "accuracy", *labels]]
    for model, values in scores.items():
        interval = (values["intervals"] or {}).get("weighted_f1")
        rows.append(
            [
                TITLES[model],
                f"{values['weighted_f1']:.2f}",
                f"{interval['low']:.1f}-{interval['high']:.1f}" if interval else "",
                f"{values['macro_f1']:.2f}",
                f"{values['accuracy']:.2f}",
                *(f"{values['per_class'][label]['f1']:.1f}" for label in labels),
            ]
        )
    note = macro_note([values["confusion"] for values in scores.values()], labels)
    return chain(table(rows), filter(None, [note]))


def dialogue_table(dialogue: Dialogue, records: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    """One line a turn: words, gold, what each model says, the shift; `records` by utterance."""
    models = models_in(list(records.values()))
    rows = [["speaker", "text", "gold", *(model.short for model in models), "shift", "/ limit"]]
    for turn in dialogue.turns:
        record = records[turn.id.utterance]
        text = turn.text if len(turn.text) <= 44 else turn.text[:43] + "…"
        moved = record["displacement"]
        rows.append(
            [
                turn.speaker,
                text,
                turn.gold or "",
                *(_best_emotion(record[model.key]) for model in models),
                f"{moved['shift']:.2f}" if moved else "",
                f"{moved['shift'] / (moved['theta'] * moved['text_norm']):.0%}" if moved else "",
            ]
        )
    return table(rows, left=3 + len(models))


def _best_emotion(probabilities: Mapping[str, float] | None) -> str:
    if probabilities is None:
        return "-"
    label = max(probabilities, key=lambda name: probabilities[name])
    return f"{label} {probabilities[label]:.0%}"


@contextmanager
def stopping_between_events() -> Iterator[Callable[[], bool]]:
    """Hear Ctrl+C, or a request to end, as a question between two events: the very step is kept. Twice ends at once."""
    received: list[int] = []
    former: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def receive(number: int, _frame: object) -> None:
        received.append(number)
        signal.signal(number, former[number])

    for number in former:
        signal.signal(number, receive)
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def watched(
    events: Iterator[Event], *, quiet: bool = False, asked: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """The same events, shown on the way; closed in good order when the person stops, or has `asked` to."""
    watcher = Watcher(quiet=quiet)
    try:
        for event in events:
            watcher.show(event)
            yield event
            if asked():
                raise KeyboardInterrupt
    finally:
        watcher.close()
        getattr(events, "close", lambda: None)()


class Returned:
    """Walks a generator and keeps what it returns."""

    def __init__(self, events: Generator[Event, None, Any]) -> None:
        self.events = events
        self.value: Any = None

    def __iter__(self) -> Iterator[Event]:
        self.value = yield from self.events


def print_json(value: object) -> None:
    """Print what a program reads, in letters that every encoding has."""
    tell(json.dumps(value, indent=1).replace("\x7f", "\\u007f"))
