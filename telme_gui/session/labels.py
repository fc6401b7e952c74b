"""What has been labelled in the open corpus, by whom and how: the annotation store as the window sees it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from telme_model.annotations.labels import ADJUDICATED, Label, Scope
from telme_model.annotations.places import store_path
from telme_model.annotations.sqlite import StoreDamagedError, StoreError
from telme_model.annotations.store import Key, Store, check_name, check_rename
from telme_model.annotations.undo import Step
from telme_model.corpus.dialogue import Corpus, TurnId

Touched = frozenset[TurnId] | None  # the turns whose labels changed; None: any of them, or how they are looked at
ANNOTATOR = "me"  # the layer that one labels in until another is chosen
LOOK = 1000  # ms between two looks for what other programs changed


class Labels(QObject):
    """The layers of the open corpus. A store is made with the first edit, so that looking on leaves no file.

    `layer` and `scope` are what is labelled now; with `blind`, what could bias is hidden until a turn is labelled
    there (see `Session.hides`).
    """

    changed = Signal(object)  # Touched: labels, the layers, the chosen layer or scope, or blind mode
    damaged = Signal(object)  # StoreDamagedError: the store failed its check, and nothing can be labelled
    failed = Signal(str, str)  # title and sentence

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store: Store | None = None
        self.layer = ANNOTATOR
        self.scope = Scope.ALL
        self.blind = False
        self.active = False  # somebody is annotating
        self.damage: StoreDamagedError | None = None  # nothing is read or written until it is mended
        self._mending: Path | None = None  # the file that is being made whole
        self.path: Path | None = None  # where the labels of this corpus lie, whether there are any yet or not
        self._corpus: Corpus | None = None
        self._clock = QTimer(self, interval=LOOK)
        self._clock.timeout.connect(self._look)

    # -- the corpus ---------------------------------------------------------------------------------------------

    def open(self, corpus: Corpus | None) -> None:
        """Turn to another corpus' labels (None: to none)."""
        self.close()
        self._corpus = corpus
        self.path = store_path(corpus) if corpus else None  # all its words are read for it: once
        if self.path is not None and self.path.is_file():
            self._open()
        if corpus is not None:
            self.changed.emit(None)

    def hold(self, path: Path) -> None:
        """Leave a store's file alone while it is made anew, until `release`; what is labelled meanwhile is refused."""
        if path == self.path:
            self._let_go()
        self._mending = path

    def release(self) -> None:
        """The file may be opened again; the open corpus' is."""
        self._mending = self.damage = None
        if self.path is not None and self.path.is_file():
            self._open()
        self.changed.emit(None)

    def close(self) -> None:
        """Let go of the store."""
        self._let_go()
        self._corpus = self.path = self.damage = None

    def _let_go(self) -> None:
        self._clock.stop()
        if self.store is not None:
            with suppress(StoreError):  # what was to be kept is on disk, and the file is let go of all the same
                self.store.close()
        self.store = None

    def _open(self) -> Store | None:
        """The store, made where there is none; None where it cannot be opened, which has been said."""
        if self.damage is not None:
            self.damaged.emit(self.damage)
        elif self.path is not None and self.path == self._mending:
            self.failed.emit("The labels are being recovered", "label on when that is done, in a moment")
        elif self.store is None and self._corpus is not None and self.path is not None:
            try:
                self.store = Store.open(self.path, self._corpus)
            except StoreDamagedError as problem:
                self._take_damage(problem)
            except StoreError as problem:
                self.failed.emit("The labels cannot be opened", problem.advice)
            else:
                self._clock.start()
        return self.store

    def _take_damage(self, problem: StoreDamagedError) -> None:
        self._let_go()
        self.damage = problem
        self.changed.emit(None)
        self.damaged.emit(problem)

    # -- what is there ------------------------------------------------------------------------------------------

    @property
    def layers(self) -> tuple[str, ...]:
        """The annotators' layers, then the adjudicated one; the chosen one is among them even while it is empty."""
        stored = self.store.layers() if self.store else ()
        names = dict.fromkeys((*stored, self.layer))
        return tuple(sorted(names, key=lambda name: name == ADJUDICATED))

    @property
    def annotators(self) -> tuple[str, ...]:
        """The layers of people, without what settles their disagreements."""
        return tuple(name for name in self.layers if name != ADJUDICATED)

    def in_layer(self, layer: str, scope: Scope = Scope.ALL) -> Mapping[TurnId, Label]:
        """The labels of a layer, a live view; gold is the corpus' and not here."""
        return self.store.labels(layer, scope) if self.store else {}

    def mine(self, turn: TurnId) -> Label | None:
        """What the chosen layer says of a turn in the chosen scope."""
        return self.in_layer(self.layer, self.scope).get(turn)

    def emotion(self, turn: TurnId) -> str | None:
        """The emotion that the chosen layer gives a turn in the chosen scope."""
        label = self.mine(turn)
        return label.emotion if label else None

    def is_labelled(self, turn: TurnId) -> bool:
        """Whether there is one."""
        return self.emotion(turn) is not None

    @property
    def in_use(self) -> bool:
        """Whether the chosen layer has anything to show in the chosen scope, or is being filled."""
        return self.active or bool(self.in_layer(self.layer, self.scope))

    # -- choices ------------------------------------------------------------------------------------------------

    def set_active(self, active: bool) -> None:
        """Begin or end annotating; ending shows everything again."""
        if active != self.active:
            self.active = active
            if not active:
                self.scope, self.blind = Scope.ALL, False
            self.changed.emit(None)

    def choose(self, *, layer: str | None = None, scope: Scope | None = None, blind: bool | None = None) -> None:
        """Label in another layer, unless its name cannot be one, or scope, or with what could bias hidden or shown."""
        before = (self.layer, self.scope, self.blind)
        try:
            self.layer = self.layer if layer is None else check_name(layer)
        except StoreError as problem:
            self.failed.emit("There can be no such layer", problem.advice)
        self.scope = self.scope if scope is None else scope
        self.blind = self.blind if blind is None else blind
        if before != (self.layer, self.scope, self.blind):
            self.changed.emit(None)

    def rename(self, layer: str, new: str) -> None:
        """Call a layer something else."""
        try:
            check_rename(layer, new)
            if self.store is not None and layer in self.store.layers():
                self.store.rename_layer(layer, new)
        except StoreError as problem:
            self.failed.emit("The layer keeps its name", problem.advice)
            return
        if self.layer == layer:
            self.layer = new
        self.changed.emit(None)

    def add_layer(self, layer: str) -> bool:
        """Add an empty layer; False where its name cannot be, which has been said."""
        store = self._open()
        if store is None:
            return False
        try:
            store.add_layer(layer)
        except StoreError as problem:
            self.failed.emit("The layer is not added", problem.advice)
            return False
        self.changed.emit(None)
        return True

    def delete_layer(self, layer: str) -> Step | None:
        """Remove a layer with all its labels, as one step of the undo stack; one labels on in another layer."""
        if self.store is None or layer not in self.store.layers():
            return None
        step = self.do(lambda store: store.delete_layer(layer))
        if step is not None and self.layer == layer:
            self.choose(layer=next(iter(self.store.layers()), ANNOTATOR))
        return step

    # -- edits --------------------------------------------------------------------------------------------------

    def put(self, turn: TurnId, label: Label | None, name: str) -> Step | None:
        """Give the turn a label in the chosen layer and scope, None for none; on disk when this returns."""
        return self.edit(name, {(self.layer, self.scope, turn): label})

    def edit(self, name: str, changes: Mapping[Key, Label | None]) -> Step | None:
        """One step of the undo stack; None where nothing changed or the disk refused, which has been said."""
        return self.do(lambda store: store.edit(name, changes), frozenset(turn for _, _, turn in changes))

    def back_up(self) -> Path | None:
        """Write a backup now; None where there is nothing to back up or it failed, which has been said."""
        if self.store is None:
            return None
        try:
            return self.store.back_up()
        except StoreDamagedError as problem:
            self._take_damage(problem)
        except StoreError as problem:
            self.failed.emit("There is no new backup", problem.advice)
        return None

    @property
    def undoable(self) -> Step | None:
        """What an undo would take back; None also where that cannot be read, which the undo itself will say."""
        with suppress(StoreError):
            return self.store.undoable if self.store else None
        return None

    @property
    def redoable(self) -> Step | None:
        """What a redo would do again; None likewise."""
        with suppress(StoreError):
            return self.store.redoable if self.store else None
        return None

    def undo(self) -> Step | None:
        """Take back the last step."""
        return self.do(Store.undo)

    def redo(self) -> Step | None:
        """Do again what was taken back last."""
        return self.do(Store.redo)

    def do(self, deed: Callable[[Store], Step | None], touched: Touched = None) -> Step | None:
        """Any one step, which changes no other turns' labels than `touched`.

        None where nothing changed or the disk refused, which has been said.
        """
        store = self._open()
        if store is None:
            return None
        try:
            step = deed(store)
        except StoreDamagedError as problem:
            self._take_damage(problem)
            return None
        except StoreError as problem:
            self.failed.emit("The label is not kept", problem.advice)
            return None
        if step is not None:
            single = frozenset({step.turn}) if step.size == 1 and step.turn is not None else None
            self.changed.emit(single or touched)
        return step

    def _look(self) -> None:
        """Take in what other programs have changed."""
        if self.store is not None:
            try:
                if self.store.changed_elsewhere():
                    self.changed.emit(None)
            except StoreDamagedError as problem:
                self._take_damage(problem)
            except StoreError as problem:
                self._clock.stop()
                self.failed.emit("The labels cannot be read any more", problem.advice)


def is_disputed(labels: Sequence[Label]) -> bool:
    """Whether annotators give a turn different emotions, or one is unsure."""
    return any(label.unsure for label in labels) or len({label.emotion for label in labels if label.emotion}) > 1


def label_sentence(label: Label | None) -> str:
    """What an annotator says of a turn, in words."""
    if label is None:
        return "Not labelled"
    marks = [name for name, on in (("unsure", label.unsure), ("flagged", label.flag)) if on]
    sentence = ", ".join([label.emotion or "no emotion", *marks, str(label.origin)])
    return f"{sentence}\n{label.comment}" if label.comment else sentence
