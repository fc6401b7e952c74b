"""Labels that cannot be opened as they are: a damaged store, or a corpus that changed. A line over the panels asks."""

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QComboBox, QPushButton, QWidget

from telme_gui.look.widgets import Banner, push_button, row
from telme_gui.session.session import Session
from telme_model.annotations.backups import taken
from telme_model.annotations.places import Adopted, Candidate, adopt, candidates, store_path
from telme_model.annotations.recovery import Recovery, labels_in, recover
from telme_model.annotations.sqlite import StoreDamagedError
from telme_model.corpus.dialogue import Corpus
from telme_model.events import Event, Message
from telme_model.paths import annotations_folder

ALIKE = 0.5  # of the turns, to take another corpus for this one as it was

RecoveryOffer = tuple[str, str, Callable[[], object]]  # a button: its text, what it does in a sentence, and the deed


class StoreBanner(Banner):
    """Says what is wrong with the labels of the open corpus and offers what can be done; hidden while all is well."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.buttons: list[QPushButton] = []
        self.which = QComboBox()  # of several stores that are like the corpus'
        self.which.setAccessibleName("Whose labels")
        self.which.setToolTip("Stores whose turns are like those of this corpus")
        self._offers = row(self.which, None)
        self.add_under(self._offers)
        session.corpus_changed.connect(self._look)
        session.labels.damaged.connect(self._offer_repair)
        session.labels.changed.connect(self._yield)
        self._offering = False  # another corpus' labels, which is over when there are own ones

    # -- a damaged store ----------------------------------------------------------------------------------------

    def _offer_repair(self, damage: StoreDamagedError) -> None:
        tip = "Take every label that can be read into a new file"
        offers: list[RecoveryOffer] = [("Recover what can be read", tip, partial(self._mend, damage))]
        sentence = f"{damage.path} did not pass its check ({damage.reason}). "
        found = next(((backup, count) for backup in damage.backups if (count := labels_in(backup)) is not None), None)
        if found:
            backup, count = found
            local = taken(backup).astimezone()
            when = f"{local.day} {local:%B %Y, %H:%M}"
            sentence += f"The newest backup that can be read is of {when} and holds {count:,} labels. "
            tip = f"Go back to the {count:,} labels of {when}"
            offers.append(("Restore the backup", tip, partial(self._mend, damage, backup)))
        else:
            sentence += "There is no backup that can be read. "
        sentence += "Whatever you choose, the damaged file is kept."
        offers.append(("Not now", "Look on without labels; they are asked for again when you label", self.hide))
        self._show("The labels of this corpus are damaged", sentence, offers)

    def _mend(self, damage: StoreDamagedError, backup: Path | None = None) -> None:
        corpus = self._session.corpus
        if corpus is not None:
            work = partial(recover, damage.path, corpus, backup)
            self._do("Recovering labels", damage.path, work, partial(self._tell_repair, corpus))

    def _tell_repair(self, corpus: Corpus, done: Recovery) -> None:
        if corpus is self._session.corpus:
            layers = f" in {len(done.layers):,} layer{'' if len(done.layers) == 1 else 's'}" if done.layers else ""
            aside = f"{_labels(done.left_aside)} could not be read, or fit no turn or emotion, and stayed behind. "
            kept = f"The damaged file is kept as {done.damaged}." if done.damaged else ""
            sentence = (aside if done.left_aside else "") + kept
            self._show(f"{_labels(done.labels)}{layers} came back", sentence, [("Dismiss", "Hide this", self.hide)])

    # -- a corpus that changed ----------------------------------------------------------------------------------

    def _look(self) -> None:
        """Where the corpus has no labels yet, look on a thread for those of one like it."""
        self.hide()
        corpus = self._session.corpus
        if corpus is None or not any(annotations_folder().glob("*.sqlite")):
            return

        turns = len(self._session.turns)

        def work() -> Generator[Event, None, list[Candidate]]:
            yield Message(text="looking for labels of this corpus")
            if store_path(corpus).exists():
                return []
            return [one for one in candidates(corpus) if one.matching >= ALIKE * min(one.turns, turns)]

        self._session.jobs.start(work).done.connect(partial(self._offer_labels, corpus))

    def _offer_labels(self, corpus: Corpus, found: list[Candidate] | None) -> None:
        if not found or corpus is not self._session.corpus or self._session.labels.store is not None:
            return
        self.which.clear()
        for one in found:
            self.which.addItem(f"{one.root.name}: {_labels(one.labels)}, {one.matching:,} turns alike", one)
        best, turns = found[0], len(self._session.turns)
        sentence = (
            f"This corpus is like the one that was in {best.root}: {best.matching:,} of its {turns:,} turns are the "
            f"same. There are {_labels(best.labels)}; those of turns that changed stay in the old file."
        )
        offers: list[RecoveryOffer] = [
            ("Take the labels over", "Copy the labels of the turns that are the same", self._adopt),
            ("Not now", "Begin without them; you are asked again when the corpus is opened", self.hide),
        ]
        self._show("There are labels of an earlier state of this corpus", sentence, offers)
        self.which.setVisible(len(found) > 1)
        self._offering = True

    def _adopt(self) -> None:
        corpus, chosen = self._session.corpus, self.which.currentData()
        if corpus is not None:
            work = partial(adopt, chosen.path, corpus)
            self._do("Taking labels over", store_path(corpus), work, partial(self._tell_adopted, corpus))

    def _tell_adopted(self, corpus: Corpus, done: Adopted) -> None:
        if corpus is self._session.corpus:
            left = f"{_labels(done.left_out)} of turns that changed stayed in the old file." if done.left_out else ""
            self._show(f"{_labels(done.labels)} taken over", left, [("Dismiss", "Hide this", self.hide)])

    def _yield(self) -> None:
        """Own labels leave nothing to be offered."""
        if self._offering and self._session.labels.store is not None:
            self._offering = False
            self.hide()

    # -- both ---------------------------------------------------------------------------------------------------

    def _do(self, name: str, store: Path, deed: Callable[[], Any], tell: Callable[[Any], None]) -> None:
        """Make a store anew on a thread, while nobody opens it."""

        def work() -> Generator[Event, None, Any]:
            yield Message(text=name)
            return deed()

        labels = self._session.labels
        self._offering = False
        labels.hold(store)
        self._show(f"{name}…", "", [])
        job = self._session.jobs.start(work, name)
        job.failed.connect(partial(self._fail, name))
        job.done.connect(lambda done: tell(done) if done is not None else self.hide())
        job.finished.connect(labels.release)

    def _fail(self, name: str, error: Exception) -> None:
        self.hide()  # what is still damaged is offered again
        self._session.jobs.fail(f"{name} did not succeed", error)

    def _show(self, title: str, sentence: str, offers: list[RecoveryOffer]) -> None:
        self.which.hide()
        for old in self.buttons:
            self._offers.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.buttons = []
        for place, (text, tip, deed) in enumerate(offers, 1):
            offer = push_button(text, tip)
            offer.setAccessibleDescription(tip)
            offer.clicked.connect(lambda _checked, deed=deed: deed())
            self.buttons.append(offer)
            self._offers.insertWidget(place, offer)
            offer.show()  # the layout would, with its next event
        self.say(title, sentence)


def _labels(count: int) -> str:
    return f"{count:,} label{'' if count == 1 else 's'}"
