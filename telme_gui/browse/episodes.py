"""Seasons, episodes and dialogues as a tree in the order of the show, of which the filter leaves what it found."""

from collections.abc import Iterator
from math import inf
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from telme_gui.look.words import as_tip
from telme_gui.session.filter import Filter
from telme_gui.session.session import Session
from telme_model.corpus.dialogue import Corpus, Dialogue, Split

NODE = Qt.ItemDataRole.UserRole  # the `Node` of a row
Index = QModelIndex | QPersistentModelIndex


class Node:
    """A row: a group (season, episode or split) or a dialogue, with all it holds and what of it is shown."""

    __slots__ = ("children", "dialogue", "first", "found", "last", "number", "parent", "place", "shown", "title")

    def __init__(self, number: int, title: str, parent: "Node | None", dialogue: Dialogue | None = None) -> None:
        self.number = number  # among all nodes: the internal id of its index
        self.title = title
        self.parent = parent
        self.dialogue = dialogue
        self.children: list[Node] = []
        self.shown: list[Node] = []  # the children in which the filter found a turn
        self.place = 0  # among the parent's shown children
        self.first, self.last = 0, 0  # its dialogues, in the order of the show: [first, last)
        self.found = 0  # turns

    @property
    def level(self) -> int:
        """0 for the outermost group."""
        return len(self.path()) - 1

    def path(self) -> list[str]:
        """Titles from the outermost group to this row."""
        return [*(self.parent.path() if self.parent and self.parent.number else []), self.title]


class EpisodeModel(QAbstractItemModel):
    """The tree of the session's corpus; a dialogue without a found turn, and a group without one, has no row."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._nodes = [Node(0, "", None)]
        self._rows = np.zeros(0, np.intp)  # first turn of each dialogue, corpus order [dialogues]
        self._order = np.zeros(0, np.intp)  # dialogues in the order of the show, as places in the corpus
        self._of: dict[tuple[Split, str], Node] = {}
        session.corpus_changed.connect(self._open)
        session.filter_changed.connect(self._show_found)
        self._open()

    # -- what is in the tree --------------------------------------------------------------------------------------

    @property
    def groups(self) -> list[Node]:
        """The groups that are shown, a group before those in it."""
        return [node for node in self._nodes[1:] if node.dialogue is None and node.found]

    @property
    def dialogues(self) -> int:
        """How many dialogues are shown."""
        return sum(1 for node in self._of.values() if node.found)

    def index_of(self, node: Node) -> QModelIndex:
        """Where a node is shown; invalid when the filter leaves nothing of it."""
        return self.createIndex(node.place, 0, node.number) if node.number and node.found else QModelIndex()

    def dialogue_index(self, dialogue: Dialogue) -> QModelIndex:
        """Where a dialogue is shown; invalid when no turn of it was found."""
        return self.index_of(self._of[dialogue.split, dialogue.name])

    def lit(self, dialogue: Dialogue) -> list[bool]:
        """Which turns of a dialogue the filter found."""
        first = self._session.rows[dialogue.turns[0].id]
        return [bool(found) for found in self._session.visible[first : first + len(dialogue.turns)]]

    def first_found(self, dialogue: Dialogue) -> int:
        """Place of the first turn of a dialogue that the filter found."""
        return self.lit(dialogue).index(True)

    def _open(self) -> None:
        self.beginResetModel()
        self._nodes, self._of = [Node(0, "", None)], {}
        corpus = self._session.corpus
        dialogues = corpus.dialogues if corpus else ()
        lengths = np.array([0, *(len(dialogue.turns) for dialogue in dialogues)], np.intp)
        self._rows = lengths.cumsum()[:-1]
        paths = _paths(corpus) if corpus else []
        keys = [(*(rank for rank, _ in path), start, place) for place, (path, start) in enumerate(paths)]
        order = sorted(range(len(dialogues)), key=keys.__getitem__)
        self._order = np.array(order, np.intp)
        for place, where in enumerate(order):
            group = self._nodes[0]
            for _, title in paths[where][0]:
                if not group.children or group.children[-1].title != title:
                    self._add(group, title, place)
                group = group.children[-1]
            self._add(group, f"Dialogue {dialogues[where].name}", place, dialogues[where])
        self._count()
        self.endResetModel()

    def _add(self, parent: Node, title: str, place: int, dialogue: Dialogue | None = None) -> None:
        node = Node(len(self._nodes), title, parent, dialogue)
        node.first = place
        parent.children.append(node)
        self._nodes.append(node)
        if dialogue is not None:
            self._of[dialogue.split, dialogue.name] = node
            above: Node | None = node
            while above is not None:
                above.last = place + 1
                above = above.parent

    def _show_found(self) -> None:
        self.beginResetModel()
        self._count()
        self.endResetModel()

    def _count(self) -> None:
        """Count the found turns of every node, and lay out those that have one."""
        counts = np.add.reduceat(self._session.visible, self._rows, dtype=np.intp) if len(self._rows) else self._rows
        sums = [0, *np.cumsum(counts[self._order]).tolist()]
        for node in self._nodes:
            node.found = sums[node.last] - sums[node.first]
        for node in self._nodes:
            if node.children:
                node.shown = [child for child in node.children if child.found]
                for place, child in enumerate(node.shown):
                    child.place = place

    # -- Qt's view of it ------------------------------------------------------------------------------------------

    def _node(self, index: Index) -> Node:
        return self._nodes[index.internalId()] if index.isValid() else self._nodes[0]

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008, D102 - Qt's
        shown = self._node(parent).shown
        if column != 0 or not 0 <= row < len(shown):
            return QModelIndex()
        return self.createIndex(row, 0, shown[row].number)

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]  # noqa: D102 - QObject.parent() is another
        above = self._node(index).parent
        return self.index_of(above) if above is not None else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102, N802 - Qt's
        return len(self._node(parent).shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: ARG002, B008, D102, N802 - Qt's
        return 1

    def flags(self, index: Index) -> Qt.ItemFlag:  # noqa: D102 - Qt's
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        enabled = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return enabled | Qt.ItemFlag.ItemNeverHasChildren if self._node(index).dialogue else enabled

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102 - Qt's
        if not index.isValid():
            return None
        node = self._node(index)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return node.title
            case Qt.ItemDataRole.UserRole:
                return node
            case Qt.ItemDataRole.ToolTipRole:
                return as_tip(self._sentence(node))
            case Qt.ItemDataRole.AccessibleTextRole:
                return self._sentence(node)
        return None

    def _sentence(self, node: Node) -> str:
        """What a row says, for a tooltip and a screen reader."""
        dialogue = node.dialogue
        if dialogue is None:
            return f"{' · '.join(node.path())}: {turns(node.found)} in {node.last - node.first:,} dialogues"
        found = f", {node.found:,} found" if self._session.filter != Filter() else ""
        speakers = ", ".join(dict.fromkeys(turn.speaker for turn in dialogue.turns))
        groups = " · ".join(node.path()[:-1])
        return f"{node.title} ({dialogue.split}) · {groups} · {turns(len(dialogue.turns))}{found} · {speakers}"


def turns(count: int) -> str:
    """A number of turns in words."""
    return f"{count:,} turn" if count == 1 else f"{count:,} turns"


Path = list[tuple[float, str]]  # rank and title of each group, from the outermost


def _paths(corpus: Corpus) -> list[tuple[Path, float]]:
    """Groups of each dialogue and when it begins, in corpus order; splits are the groups where nothing has a season."""
    if any(dialogue.season is not None for dialogue in corpus.dialogues):
        groups: Iterator[Path] = (
            [_numbered("Season", dialogue.season), _numbered("Episode", dialogue.episode)]
            for dialogue in corpus.dialogues
        )
    else:
        splits = list(Split)
        groups = ([(splits.index(dialogue.split), dialogue.split.capitalize())] for dialogue in corpus.dialogues)
    starts = (dialogue.turns[0].start for dialogue in corpus.dialogues)
    return [(path, inf if start is None else start) for path, start in zip(groups, starts, strict=True)]


def _numbered(kind: str, number: int | None) -> tuple[float, str]:
    return (inf, f"No {kind.lower()}") if number is None else (number, f"{kind} {number}")
