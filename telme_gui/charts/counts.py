"""How many turns each split has of each emotion (figure 6 of the paper)."""

from collections import Counter
from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from telme_gui.charts.bars import EmotionBar, EmotionBars
from telme_model.corpus.dialogue import Corpus, Turn


class CountsPage(QWidget):
    """Bars by split; needs no run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars = EmotionBars("Turns by emotion and split", self)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.addWidget(self._bars)

    def show_corpus(self, corpus: Corpus, gold: Callable[[Turn], str | None]) -> None:
        """Count a corpus' labels, as `gold` tells them."""
        labels = corpus.labels.labels
        columns = []
        for split in corpus.splits():
            counts = Counter(map(gold, corpus.turns(split)))
            total = sum(counts[label] for label in labels)
            bare = sum(counts.values()) - total
            most = max(1, *(counts[label] for label in labels))
            columns.append(
                EmotionBar(
                    title=f"{split} · {total:,}{f' of {total + bare:,}' if bare else ''} turns",
                    shares=[counts[label] / most for label in labels],
                    texts=[f"{counts[label]:,} · {counts[label] / max(total, 1):.0%}" for label in labels],
                )
            )
        self._bars.show_columns(labels, columns, "Turns with a gold label; each split's longest bar is its commonest")
