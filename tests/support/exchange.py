"""Labels that leave a corpus and come back: what the tests of the exchange formats share."""

import random
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from telme_model.annotations.exchange import ExportReport, Format, Incoming, Layers, export, read
from telme_model.annotations.exchange.terms import Terms
from telme_model.annotations.labels import Label, Origin, Scope
from telme_model.corpus.dialogue import Corpus

COMMENTS = (
    "",
    "",
    "sounds sad",
    'she "means" it,\nbut\r\n --> 00:01\t',
    "\x00\x85\u2028 item [1]: xmin = 3 \\u0041 ",
    "泣 😀 <b>&",
)


def finish(work: Generator[Any, None, Any]) -> Any:
    """Walk to the end; what the generator returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def write(form: Format, out: Path, corpus: Corpus, layers: Layers) -> ExportReport:
    """Export, without watching."""
    report: ExportReport = finish(export(form, out, corpus, layers))
    return report


def take(files: Sequence[Path], corpus: Corpus, terms: Terms | None = None) -> Incoming:
    """Read, without watching."""
    incoming: Incoming = finish(read(files, corpus, terms))
    return incoming


def labelled(corpus: Corpus, *names: str, seed: int = 0) -> Layers:
    """Layers with a label for most turns, remarks without an emotion among them, some of one modality alone."""
    rng = random.Random(seed)
    shares = {scope: 0.9 if scope is Scope.ALL else 0.1 for scope in Scope}
    return {
        name: {
            (scope, turn.id): _label(rng, corpus)
            for turn in corpus.turns()
            for scope, share in shares.items()
            if rng.random() < share
        }
        for name in names
    }


def _label(rng: random.Random, corpus: Corpus) -> Label:
    return Label(
        emotion=rng.choice((*corpus.labels.labels, None)),
        unsure=rng.random() < 0.1,
        flag=rng.random() < 0.1,
        comment=rng.choice(COMMENTS),
        origin=rng.choice(list(Origin)),
        run=rng.choice(("", "demo run")),
        time=rng.random() * 2e9,
    )
