"""The charts' frame: which page, which split; each page is drawn when it is looked at."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from telme_gui.charts.agreement import AgreementPage
from telme_gui.charts.classes import ClassesPage
from telme_gui.charts.compare import ComparePage
from telme_gui.charts.confusion import ConfusionPage
from telme_gui.charts.contributions import ContributionsPage
from telme_gui.charts.counts import CountsPage
from telme_gui.charts.scores import ScoresPage
from telme_gui.charts.subset import Subset
from telme_gui.look import theme
from telme_gui.look.words import Words
from telme_gui.session.job import Job
from telme_gui.session.session import Session
from telme_model.annotations.labels import GOLD
from telme_model.corpus.dialogue import Split

SETTLE = 60  # ms at least between two drawings for further predictions, and ...
SETTLE_PER_TURN = 0.05  # ... this for each turn of the corpus
REST = 400  # ms without further predictions before intervals are computed
COUNTS, AGREEMENT = "Counts", "Agreement"  # pages that need no run
CHOOSER = 56, 96  # px, least and most: the pages' names need the room
SCORED = {"Scores", "By emotion"}  # pages with intervals


class Charts(QWidget):
    """Pages about the open run on the chosen split."""

    adjudication_wanted = Signal(object)  # tuple[TurnId, ...]: the turns to settle

    _palette: theme.Palette | None = None  # as last styled

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._part: Subset | None = None
        self._with_intervals = False  # or soon
        self._late = False  # there are newer predictions than those of `_part`
        self._stale: set[str] = set()
        self._pages: dict[str, QWidget] = {}
        self._make: dict[str, Callable[[], QWidget]] = {
            "Scores": lambda: ScoresPage(self),
            "By emotion": lambda: ClassesPage(self),
            "Confusion": lambda: ConfusionPage(session, self),
            "Shift": self._make_scatter,
            "Contributions": lambda: ContributionsPage(self),
            COUNTS: lambda: CountsPage(self),
            "Two runs": lambda: ComparePage(session, self),
            AGREEMENT: self._make_agreement,
        }
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._tabs = QTabBar(self, drawBase=False, expanding=False, usesScrollButtons=False)
        self._tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self._tabs.setAccessibleName("Chart")
        for name in self._make:
            self._tabs.addTab(name)
        self._split = QComboBox(self)
        self._split.setAccessibleName("Split")
        self._split.setToolTip("Which of the predicted turns the charts are about")
        self._truth = QComboBox(self)
        self._truth.setAccessibleName("Judged by")
        self._truth.setToolTip("Whose labels the predictions are judged by: gold, or a layer of annotations")
        self._empty = Words(parent=self, wordWrap=True)
        self._empty.setObjectName("empty")
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._empty)
        self._bootstrap: Job | None = None  # gives `_part` its intervals
        self._settled = QTimer(self, singleShot=True)
        self._settled.timeout.connect(self._catch_up)
        self._resting = QTimer(self, singleShot=True, interval=REST)
        self._resting.timeout.connect(self._give_intervals)
        self._lay_out()
        self._tabs.currentChanged.connect(self._look)
        self._split.currentIndexChanged.connect(self._choose_split)
        self._truth.currentIndexChanged.connect(lambda: session.judge_against(self._truth.currentData()))
        session.labels_changed.connect(self._list_truths)
        session.corpus_changed.connect(self._list_truths)
        session.corpus_changed.connect(self._renew)
        session.predictions_changed.connect(self._take)
        session.predicting_changed.connect(self._look)
        self._colour()
        self._renew()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(8, 4, 8, 0)
        head.addWidget(self._tabs)
        head.addStretch(1)
        for chooser in (self._truth, self._split):
            chooser.setMinimumWidth(CHOOSER[0])
            chooser.setMaximumWidth(CHOOSER[1])
            head.addWidget(chooser)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._stack, 1)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Little: a tall page takes no room from the timeline."""
        return QSize(480, 240)

    def _make_scatter(self) -> QWidget:
        from telme_gui.charts.scatter import ScatterPage  # brings pyqtgraph, which takes a while to import

        return ScatterPage(self._session, self)

    def _make_agreement(self) -> QWidget:
        page = AgreementPage(self._session, self)
        page.adjudicate.connect(self.adjudication_wanted)
        return page

    # -- following the session ----------------------------------------------------------------------------------

    def _take(self) -> None:
        """Predictions come turn by turn, or with every step of a slider: draw at once, and then now and then."""
        waits = self._settled.isActive() or not self.isVisible()
        if waits and self._part is not None and self._session.predictions is not None:
            self._late = True
        else:
            self._renew()

    def _catch_up(self) -> None:
        if self._late:
            self._renew()

    def _renew(self) -> None:
        self._late = False
        self._settled.start(SETTLE + round(SETTLE_PER_TURN * len(self._session.turns)))
        predictions = self._session.predictions
        splits = sorted({turn.split for turn in predictions.ids}, key=list(Split).index) if predictions else []
        wanted: list[Split | None] = [*splits, None] if len(splits) > 1 else [*splits]
        if self._part is not None and self._part.split in wanted:
            chosen = self._part.split
        else:
            chosen = Split.TEST if Split.TEST in splits else next(iter(splits), None)
        self._split.blockSignals(True)
        self._split.clear()
        for split in wanted:
            self._split.addItem(split.value if split else "all", split)
        if wanted:
            self._split.setCurrentIndex(wanted.index(chosen))
        self._split.blockSignals(False)
        self._set_part(Subset(predictions, chosen) if predictions is not None and len(predictions.ids) else None)

    def _list_truths(self) -> None:
        """Offer gold and every layer that says something of the whole turn."""
        session = self._session
        layers = [GOLD, *(layer for layer in session.labels.layers if session.labels.in_layer(layer))]
        if session.truth not in layers:
            session.judge_against(GOLD)  # its layer has gone; this comes back here
            return
        if [self._truth.itemData(place) for place in range(self._truth.count())] != layers:
            self._truth.blockSignals(True)
            self._truth.clear()
            for layer in layers:
                self._truth.addItem(f"by {layer}", layer)
            self._truth.blockSignals(False)
        self._truth.blockSignals(True)
        self._truth.setCurrentIndex(layers.index(session.truth))
        self._truth.blockSignals(False)
        if self._part is None:  # with predictions, those say so when something is hidden
            self._stale.add(COUNTS)
        self._look()

    def _choose_split(self) -> None:
        if self._session.predictions is not None:
            chosen = self._split.currentData()  # Qt hands a plain str back
            self._set_part(Subset(self._session.predictions, Split(chosen) if chosen else None))

    # -- pages --------------------------------------------------------------------------------------------------

    @property
    def part(self) -> Subset | None:
        """What the pages are about; None without predictions."""
        return self._part

    @property
    def names(self) -> tuple[str, ...]:
        """The pages in the order of their tabs."""
        return tuple(self._make)

    def page(self, name: str) -> QWidget:
        """Show the page of this name, brought up to date, and return it."""
        self._tabs.setCurrentIndex(self.names.index(name))
        self._look()
        return self._pages.get(name, self._empty)

    def _look(self) -> None:
        """Bring what is in view up to date, and nothing else."""
        if not self.isVisible():
            return
        name = self._tabs.tabText(self._tabs.currentIndex())
        needs_run = name not in (COUNTS, AGREEMENT)
        self._split.setVisible(needs_run and self._split.count() > 0)
        self._truth.setVisible(needs_run and self._truth.count() > 1)
        if self._session.corpus is None:
            self._say("Open a corpus to see how its emotions are spread and what a run makes of them")
        elif self._part is None and needs_run:
            self._say(self._why_empty())
        else:
            if name not in self._pages:
                self._pages[name] = self._make[name]()
                self._stack.addWidget(self._pages[name])
            if name in self._stale:
                self._stale.discard(name)
                self._fill(self._pages[name])
            self._stack.setCurrentWidget(self._pages[name])

    def _give_intervals(self) -> None:
        """Start what takes a moment; the pages show the scores alone until then."""
        if self._bootstrap is None and self._part is not None and not self._with_intervals:
            self._with_intervals = True
            self._bootstrap = self._session.jobs.start(self._part.bootstrap)
            self._bootstrap.finished.connect(self._take_intervals)

    def _take_intervals(self) -> None:
        if self.sender() is self._bootstrap:
            self._bootstrap = None
            self._stale |= SCORED
            self._look()

    def _set_part(self, part: Subset | None) -> None:
        self._part = part
        self._with_intervals = False
        self._resting.stop()
        if self._bootstrap is not None:
            self._bootstrap.stop()
            self._bootstrap = None
        self._stale = set(self._make)
        self._look()

    def _fill(self, page: QWidget) -> None:
        corpus, part = self._session.corpus, self._part
        if corpus is None:
            return
        match page:
            case AgreementPage():
                page.refresh()
            case CountsPage():
                page.show_corpus(corpus, self._session.gold)
            case ScoresPage() | ClassesPage() if part is not None:
                page.show_part(part, corpus)
                self._resting.start()
            case ContributionsPage() if part is not None:
                page.show_part(part, {turn.id: turn for turn in self._session.turns})
            case _ if part is not None:
                page.show_part(part)  # type: ignore[attr-defined]  # all the others take the part alone

    def _why_empty(self) -> str:
        session = self._session
        if session.predicting is not None:
            return "Predicting …: scores appear with the first turns"
        if session.predictions is not None:
            return f"{session.predictions.run or 'The run'} has predicted nothing of this corpus yet"
        return "No run is open: open one, or train one, to see its scores here"

    def _say(self, words: str) -> None:
        self._empty.setText(words)
        self._stack.setCurrentWidget(self._empty)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Now it is looked at."""
        super().showEvent(event)
        self._catch_up()
        self._look()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Other colours."""
        if theme.active_palette() is not self._palette:
            self._colour()
        super().changeEvent(event)

    def _colour(self) -> None:
        palette = self._palette = theme.active_palette()  # first: a new style sheet is a change, too
        self.setStyleSheet(
            f"Charts {{ background: {palette.surface} }}"
            f"QTabBar {{ background: {palette.surface} }}"
            f"QTabBar::tab {{ color: {palette.muted}; background: transparent; padding: 6px; border: none; margin: 0;"
            " border-radius: 0; border-bottom: 2px solid transparent }"
            f"QComboBox {{ font-size: {theme.CAPTION}px; padding: 3px 2px 3px 6px }}"
            f"QTabBar::tab:selected {{ color: {palette.text}; border-bottom: 2px solid {palette.accent} }}"
            f"QTabBar::tab:hover {{ color: {palette.text} }}"
            f"QLabel {{ color: {palette.text} }} QLabel#caption, QLabel#empty {{ color: {palette.muted} }}"
            "QLabel#empty { qproperty-alignment: AlignCenter; padding: 32px }"
            f"QTableView, QTreeView {{ background: {palette.surface}; color: {palette.text};"
            f" selection-background-color: {palette.selected}; selection-color: {palette.text}; border: none }}"
            f"QHeaderView {{ background: {palette.surface} }}"
            f"QHeaderView::section {{ background: {palette.surface}; color: {palette.muted}; border: none;"
            f" border-bottom: 1px solid {palette.line}; padding: 4px 2px; font-size: {theme.CAPTION}px }}"
        )
