"""What a person says of files made elsewhere, and is remembered for a corpus: their words, tiers, speakers, columns."""

import csv
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from pathlib import Path

from telme_model.annotations.exchange.errors import ExchangeError
from telme_model.corpus import reading
from telme_model.corpus.dialogue import Corpus
from telme_model.errors import StudioError
from telme_model.files import read_text, refusals, write_whole
from telme_model.paths import readings_folder

AUTO = "auto"  # in place of pairs: forget what was said
_LARGEST = 2**20  # bytes
_EXAMPLES = {
    "emotions": "--words happy=joy,angry=anger",
    "layers": "--tiers 'Coder 1=anna,comments='",
    "speakers": "--speakers p1=Ada,p2=Ben",
    "columns": "--fields emotion=Label,dialogue=Scene",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """In which terms files speak, where it is not those of the corpus.

    `emotions` by the file's word in small letters, "" for one that is no emotion; `layers` by tier, "" for one that is
    left alone; `speakers` by tier, participant or voice; `columns` by field (`corpus.reading.FIELDS`).
    """

    emotions: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
    speakers: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    def with_words(self, **written: Iterable[str]) -> "Terms":
        """It with what a person wrote, `emotions=["happy=joy,angry=anger"]`; what is not named stays.

        Raises ExchangeError with a sentence.
        """
        terms = self
        for name, words in written.items():
            for line in words:
                pairs = {} if line == AUTO else {**getattr(terms, name), **_pairs(line, name)}
                terms = replace(terms, **{name: pairs})
        return terms

    def checked(self, corpus: Corpus) -> "Terms":
        """The same. Raises ExchangeError where it names an emotion or a speaker that the corpus has not."""
        speakers = {turn.speaker for turn in corpus.turns()}
        for word, emotion in self.emotions.items():
            if emotion and emotion not in corpus.labels.labels:
                known = ", ".join(corpus.labels.labels)
                raise ExchangeError(f"{word}={emotion}: '{emotion}' is not an emotion of {corpus.labels.name}: {known}")
        for name, speaker in self.speakers.items():
            if speaker and speaker not in speakers:
                known = ", ".join(sorted(speakers))[:200]
                raise ExchangeError(f"{name}={speaker}: nobody in the corpus is called '{speaker}'; there are {known}")
        return self


def _pairs(line: str, name: str) -> dict[str, str]:
    pairs = {}
    for pair in next(csv.reader([line]), []):
        left, sign, right = pair.rpartition("=") if name in ("layers", "speakers") else pair.partition("=")
        if not sign or not left.strip():
            raise ExchangeError(f"'{pair[:60]}' names nothing: write it as in {_EXAMPLES[name]}, or {AUTO} to forget")
        small = name == "emotions"
        pairs[left.strip().lower() if small else left.strip()] = right.strip().lower() if small else right.strip()
    return pairs


def remembered(corpus: Corpus) -> Terms:
    """What was said of files for the corpus in this place; nothing where nothing was, or it cannot be read any more.

    What the labels of the corpus' own tables mean is known of files, too.
    """
    tables = reading.remembered(corpus.root).emotions
    own = {name: to for name, to in tables.items() if not to or to in corpus.labels.labels}
    terms = _stored(corpus)
    return replace(terms, emotions={**own, **terms.emotions})


def _stored(corpus: Corpus) -> Terms:
    try:
        tree = json.loads(read_text(_place(corpus.root), _LARGEST))
        found = {of.name: dict(tree[of.name]) for of in fields(Terms)}
    except (StudioError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return Terms()
    strings = (part for pairs in found.values() for pair in pairs.items() for part in pair)
    return Terms(**found) if all(isinstance(part, str) for part in strings) else Terms()


def remember(corpus: Corpus, terms: Terms) -> None:
    """Keep what was said, beside the user's data. Raises FileError."""
    place = _place(corpus.root)
    if terms == remembered(corpus):
        return
    with refusals(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"root": os.path.realpath(corpus.root), **asdict(terms)}, indent=1, ensure_ascii=False)
    write_whole(place, lambda path: path.write_text(text, encoding="utf-8"))


def _place(root: Path) -> Path:
    digest = sha256(os.path.realpath(root).encode(errors="surrogatepass")).hexdigest()[:24]
    return readings_folder() / f"{digest}-import.json"
