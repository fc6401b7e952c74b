"""What the run will cost, beside the form."""

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QVBoxLayout, QWidget

from telme_gui.look import theme
from telme_gui.look.widgets import caption
from telme_gui.look.words import Words
from telme_gui.training.dialog.reckoner import Reckoner
from telme_model.runs.config import Config
from telme_model.runs.costs import Costs, card
from telme_model.runs.notes import notes
from telme_model.runs.quantities import estimate, size

WIDTH = 256  # px
TOTAL = "Whole run"


class CostsPanel(QWidget):
    """Disk, memory and time, what is to be known of the turns, and the button that measures.

    `busy` tells whether a run is training, `count` how many runs are chosen; after a change of either, `refresh`.
    """

    def __init__(self, reckoner: Reckoner, busy: Callable[[], bool], count: Callable[[], int]) -> None:
        super().__init__()
        self._reckoner, self._busy, self._count = reckoner, busy, count
        self.setFixedWidth(WIDTH)
        title = Words("What it costs")
        title.setObjectName("title")
        self.how = caption()
        self.measure = QPushButton("Measure")
        self.measure.setToolTip("Train each encoder for a few steps with random weights: about a minute")
        self.measure.clicked.connect(reckoner.measure)
        self.note, self.turns = caption(), caption()
        self.note.setObjectName("wrong")
        self._facts: list[tuple[str, str]] = []
        self._lines = QGridLayout()
        self._lines.setHorizontalSpacing(theme.RHYTHM)
        self._lines.setVerticalSpacing(theme.RHYTHM // 2)
        self._lines.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * theme.RHYTHM, 2 * theme.RHYTHM, 2 * theme.RHYTHM, 2 * theme.RHYTHM)
        column.setSpacing(theme.RHYTHM)
        column.addWidget(title)
        column.addLayout(self._lines)
        column.addWidget(self.how)
        column.addWidget(self.measure)
        column.addWidget(self.note)
        column.addWidget(self.turns)
        column.addStretch(1)
        reckoner.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what the reckoner knows."""
        answer = self._reckoner.answer
        cost = answer.costs if answer else None
        self._write(self._reckoned(answer.config, cost) if answer and cost else [])
        corpus = answer.question.corpus if answer else None
        said = notes(corpus, answer.config, cost) if answer and corpus and cost else []
        self.turns.setText("\n\n".join(said))
        self.turns.setVisible(bool(said))
        busy = self._busy()
        self.measure.setEnabled(cost is not None and not self._reckoner.under_way and not busy)
        if self._reckoner.measuring:
            self.how.setText(f"{self._reckoner.measuring[:1].upper()}{self._reckoner.measuring[1:]}…")
        elif cost is None:
            self.how.setText("Reckoning…" if answer is None and self._reckoner.asked else "Nothing to reckon yet.")
        elif cost.measured:
            self.how.setText("Measured on this machine.")
        else:
            wait = " A run is training: measure when it has ended." if busy else ""
            self.how.setText("Time and memory are rough, by a formula, until they are measured." + wait)
        trouble = self._reckoner.trouble or (_tight(cost, self._free(answer.config)) if answer and cost else "")
        self.note.setText(trouble[:1].upper() + trouble[1:])
        self.note.setVisible(bool(trouble))

    def _free(self, config: Config) -> int:
        gpu = card(config.device, self._reckoner.machine)
        return gpu.free if gpu else self._reckoner.machine.free

    def _reckoned(self, config: Config, cost: Costs) -> list[tuple[str, str]]:
        machine, runs = self._reckoner.machine, max(self._count(), 1)
        silent = {config.phase(modality) for modality in cost.without_clips(config.modalities)}
        cache = cost.cache
        decode = f"{cache.turns:,} turns, {size(cache.bytes)}" if cache.bytes else "nothing"
        facts = [("Decode once", decode)]
        kept = cost.bytes_of(runs)
        facts.append(
            ("Run's folder" if runs == 1 else f"{runs} runs' folders", "unknown" if kept is None else size(kept))
        )
        facts += [("Disk", f"{size(min(cache.free_bytes, cost.run_free))} free"), ("", "")]
        for stage in cost.stages:
            facts.append(
                (str(stage.phase).capitalize(), "no clips" if stage.phase in silent else estimate(stage.seconds))
            )
        facts.append((TOTAL, estimate(None if silent else cost.seconds)))
        if runs > 1:
            facts.append((f"All {runs} runs", estimate(None if silent else cost.seconds_of(runs))))
        facts.append(("", ""))
        facts.append(("Memory", size(cost.memory) if cost.memory is not None else "unknown"))
        gpu = card(config.device, machine)
        if gpu is not None:
            facts.append((gpu.name, f"{size(gpu.free)} of {size(gpu.memory)} free"))
        else:
            facts.append((f"Processor, {machine.cores} cores", f"{size(machine.free)} free"))
        return facts

    def _write(self, facts: list[tuple[str, str]]) -> None:
        if facts == self._facts:
            return
        self._facts = facts
        while (item := self._lines.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        totals = [name for name, _ in facts if name == TOTAL or name.startswith("All ")][-1:]
        for row, (name, value) in enumerate(facts):
            if not name:
                line = QFrame()
                line.setObjectName("hairline")
                line.setFixedHeight(1)
                self._lines.addWidget(line, row, 0, 1, 2)
                continue
            label, said = caption(name), Words(value)
            said.setFont(theme.font(bold=name in totals, tabular=True))
            said.setWordWrap(True)
            self._lines.addWidget(label, row, 0)
            self._lines.addWidget(said, row, 1)


def _tight(cost: Costs, free: int) -> str:
    """Which stage the memory may not hold."""
    largest = max(cost.stages, key=lambda stage: stage.memory or 0)
    if (largest.memory or 0) <= free:
        return ""
    return f"The memory may not hold the {largest.phase}: halve its batch and double its accumulation."
