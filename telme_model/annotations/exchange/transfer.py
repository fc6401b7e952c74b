"""Between store and files: layers to export, what a file would change, and its import as one step to undo."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from telme_model.annotations.exchange.interface import UNNAMED, ExchangeError, Incoming, Layers, ScopedTurn, Unplaced
from telme_model.annotations.labels import GOLD, Label, Origin, Scope
from telme_model.annotations.store import Key, Step, Store
from telme_model.corpus.dialogue import Corpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an import would do, by layer, scope and turn; `same` labels are left alone.

    `removed` are labels, and `cleared` the emotions of changed ones, that would go: none unless that was asked for.
    """

    new: Mapping[Key, Label]
    changed: Mapping[Key, Label]
    same: int
    unplaced: tuple[Unplaced, ...]
    removed: Mapping[Key, Label] = field(default_factory=dict)
    cleared: tuple[Key, ...] = ()

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that it would write in."""
        return tuple(dict.fromkeys(layer for layer, _, _ in (*self.new, *self.changed, *self.removed)))

    def summary(self) -> str:
        """The counts in one line."""
        gone = f"{len(self.removed)} removed, " if self.removed else ""
        gone += f"{len(self.cleared)} without an emotion now, " if self.cleared else ""
        kept = f"{self.same} the same, {len(self.unplaced)} not placed"
        counts = f"{len(self.new)} new, {len(self.changed)} changed, {gone}{kept}"
        return f"{counts}; layers: {', '.join(self.layers)}" if self.layers else counts

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        unplaced = [{"where": one.where, "what": one.what, "reason": one.reason} for one in self.unplaced]
        counts = {"new": len(self.new), "changed": len(self.changed), "same": self.same}
        gone = [
            {"layer": layer, "scope": str(scope), "turn": str(turn), "emotion": label.emotion}
            for (layer, scope, turn), label in self.removed.items()
        ]
        return {"layers": self.layers, **counts, "removed": gone, "unplaced": unplaced}


def layers_of(store: Store | None, corpus: Corpus, names: Iterable[str]) -> Layers:
    """Layers of the store as they are exported; `gold` is the corpus' own. Raises ExchangeError for an unknown one."""
    known = (*(store.layers() if store else ()), GOLD)
    layers = {}
    for name in names:
        if name not in known:
            raise ExchangeError(f"there is no layer {name}; there are: {', '.join(known)}")
        if name == GOLD:
            layers[name] = {
                (Scope.ALL, turn.id): Label(emotion=turn.gold, origin=Origin.IMPORTED)
                for turn in corpus.turns()
                if turn.gold is not None
            }
        elif store is not None:
            layers[name] = {
                (scope, turn): label for scope in Scope for turn, label in store.labels(name, scope).items()
            }
    return layers


def targets(incoming: Incoming, into: str = "") -> dict[str, str]:
    """Which layer of the store each of the file's goes into: the one of its name.

    Into `into` go those without a name, or all where there is one layer alone. Raises ExchangeError if it is not clear.
    """
    named = [source for source in incoming.placed if source != UNNAMED]
    if into and len(named) > 1 and len(named) == len(incoming.placed):
        raise ExchangeError(
            f"there are labels of several layers ({', '.join(named)}): leave --layer out, and they keep their names"
        )
    if not into and UNNAMED in incoming.placed:
        count = len(incoming.placed[UNNAMED])
        raise ExchangeError(f"labels do not say whose they are ({count:,}): name a layer for them (--layer)")
    alone = len(incoming.placed) == 1
    return {source: into if into and (alone or source == UNNAMED) else source for source in incoming.placed}


def preview(store: Store | None, incoming: Incoming, into: Mapping[str, str], *, replacing: bool = False) -> Preview:
    """Set what came in against the store, by the layer that each of the file's goes `into`; others are left out.

    A label that says the same as the store's is left alone, whenever and however it was given. What a file does not
    say removes nothing, unless it is `replacing`: then labels of the layer go that it has none for, in the dialogues
    that it speaks of. Raises ExchangeError for a layer that cannot be written.
    """
    if GOLD in into.values():
        raise ExchangeError("gold labels are the corpus' own and stay as they are: import into a layer of another name")
    if len(set(into.values())) < len(into):
        raise ExchangeError("two layers of a file cannot go into one: import one of them, or each into its own")
    new: dict[Key, Label] = {}
    changed: dict[Key, Label] = {}
    removed: dict[Key, Label] = {}
    same = 0
    for source, layer in into.items():
        labels = incoming.placed[source]
        for (scope, turn), given in labels.items():
            ours = store.label(layer, turn, scope) if store else None
            label = given if ours is None else _over(ours, given, replacing)
            if ours is None:
                new[layer, scope, turn] = label
            elif _says(ours) == _says(label):
                same += 1
            else:
                changed[layer, scope, turn] = label
        if store is not None and replacing:
            removed |= _missing(store, layer, labels)
    cleared = tuple(
        (layer, scope, turn)
        for (layer, scope, turn), label in changed.items()
        if store is not None and label.emotion is None and (store.label(layer, turn, scope) or label).emotion
    )
    return Preview(new=new, changed=changed, same=same, unplaced=incoming.unplaced, removed=removed, cleared=cleared)


def apply(store: Store, shown: Preview, source: str) -> Step | None:
    """Import what was shown, from the file or folder named `source`: a backup, then one step of the undo stack."""
    if not (shown.new or shown.changed or shown.removed):
        return None
    store.back_up()
    now = time.time()
    fresh = {key: label if label.time else replace(label, time=now, source=source) for key, label in shown.new.items()}
    changed = {
        key: replace(label, origin=Origin.IMPORTED, run="", time=now, source=source)
        for key, label in shown.changed.items()
    }
    count = len(fresh) + len(changed)
    gone = f", remove {len(shown.removed):,}" if shown.removed else ""
    name = f"import {count:,} labels{gone} from {source}"
    return store.edit(name, {**fresh, **changed, **dict.fromkeys(shown.removed)})


def _missing(store: Store, layer: str, labels: Mapping[ScopedTurn, Label]) -> dict[Key, Label]:
    """Labels of the store that a file has none for, in the dialogues and scopes that it has labels of."""
    dialogues = {(scope, turn.split, turn.dialogue) for scope, turn in labels}
    return {
        (layer, scope, turn): label
        for scope in Scope
        for turn, label in store.labels(layer, scope).items()
        if (scope, turn.split, turn.dialogue) in dialogues and (scope, turn) not in labels
    }


def _over(ours: Label, given: Label, replacing: bool) -> Label:
    """A label of a file over one of the store; what the file does not say, or had no room for, stays."""
    bare = Label(emotion=given.emotion, origin=Origin.IMPORTED)
    if given != bare and replacing:
        return given
    if given == bare and given.emotion == ours.emotion:
        return ours
    emotion = given.emotion or ours.emotion
    doubt = ours.unsure and emotion == ours.emotion  # a doubt about another emotion goes with it
    return replace(
        given,
        emotion=emotion,
        unsure=given.unsure or doubt,
        flag=given.flag or ours.flag,
        comment=given.comment or ours.comment,
    )


def _says(label: Label) -> tuple[str | None, bool, bool, str]:
    return label.emotion, label.unsure, label.flag, label.comment
