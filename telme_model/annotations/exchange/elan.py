"""ELAN .eaf files, one a dialogue: a tier of turns, words by speaker, and labels that hang on the turns.

pympi writes and reads them. It reads with Python's plain XML parser, so a file is first gone through by defusedxml.
"""

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from pympi import Elan

from telme_model.annotations.exchange.files import LARGEST_DIALOGUE, check_size, dialogue_name, file_names
from telme_model.annotations.exchange.interface import ExchangeError, Inbox, Layers, Planned, Span, TimedText
from telme_model.annotations.exchange.meanings import HeldTier
from telme_model.annotations.exchange.placing import Places, media_file, spans
from telme_model.annotations.exchange.tiers import Tier, take_tiers, tiers_of
from telme_model.corpus.dialogue import Corpus, Dialogue
from telme_model.files import refusals

_DEEPEST = 16  # elements within one another; the format has six
_MOST = 300_000  # elements; an hour of dialogue with ten tiers has a tenth
_Times = dict[str, Span | None]  # of annotations, by their names
_VOCABULARY = "emotions"
_LANGUAGE = "und"  # undetermined: the names of emotions are the corpus'


def plan(out: Path, corpus: Corpus, layers: Layers) -> Planned:
    """A file a dialogue."""
    stems = file_names(map(dialogue_name, corpus.dialogues))
    for dialogue in corpus.dialogues:
        write = partial(_write, corpus=corpus, dialogue=dialogue, layers=layers)
        yield out / f"{stems[dialogue_name(dialogue)]}.eaf", write


def read(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the labels of one file. Raises ExchangeError when it is none, NoPlaceError when its dialogue is unknown."""
    _check(path)
    try:
        document = Elan.Eaf(str(path.absolute()), suppress_version_warning=True)
        times = _times(document)
        annotations = {name: list(_annotations(document, name, times)) for name in document.tiers}
        attributes = {name: document.tiers[name][2] for name in document.tiers}
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise ExchangeError(f"{path} is not a whole ELAN file: open it in ELAN and save it again") from error
    for name, texts in annotations.items():
        if timeless := sum(span is None for span, *_ in texts):
            where = f"{path.name}, tier '{name[:60]}'"
            inbox.refuse(where, f"{timeless} annotation{'s' * (timeless > 1)}", "they have no time: align them in ELAN")
    tiers = {
        name: HeldTier(
            intervals=[
                TimedText(start=span[0], end=span[1], text=text, words=over)
                for span, text, over in texts
                if span is not None
            ],
            participant=attributes[name].get("PARTICIPANT") or "",
            annotator=(attributes[name].get("ANNOTATOR") or "").strip(),
            parent=attributes[name].get("PARENT_REF") or "",
        )
        for name, texts in annotations.items()
    }
    take_tiers(path, tiers, places, inbox)


def _write(path: Path, *, corpus: Corpus, dialogue: Dialogue, layers: Layers) -> None:
    document = Elan.Eaf(author="TelME Studio")
    document.remove_tier("default")
    document.header = {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"}
    if media := media_file(dialogue):
        mime = mimetypes.guess_type(media.name)[0] or "unknown"
        document.add_linked_file(media.resolve().as_uri(), mimetype=mime)
    _add_types(document, corpus)
    times = spans(dialogue)
    turns: dict[int, str] = {}  # names of the annotations that hold ids, by the turns' places
    for tier in tiers_of(dialogue, layers, times):
        if tier.layer:
            _add_hanging(document, tier, turns)
            continue
        _add_timed(document, tier, times)
        if tier.turns:
            turns |= zip(tier.texts, document.tiers[tier.name][0], strict=True)
    text = Elan.to_string(document)
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', encoding="utf-8", newline="\n")


def _add_timed(document: Any, tier: Tier, times: Sequence[Span]) -> None:
    document.add_tier(tier.name, part=tier.speaker or None)
    for place, text in tier.texts.items():
        document.add_annotation(tier.name, *times[place], text)


def _add_hanging(document: Any, tier: Tier, turns: Mapping[int, str]) -> None:
    """A tier whose annotations refer to turns. pympi would look for each by its time; here it is known by its place."""
    document.add_tier(tier.name, ling="emotion" if tier.emotions else "note", parent=tier.turns, ann=tier.layer)
    references = document.tiers[tier.name][1]
    for place, text in tier.texts.items():
        name = document.generate_annotation_id()
        document.annotations[name] = tier.name
        references[name] = (turns[place], text, None, None)


def _add_types(document: Any, corpus: Corpus) -> None:
    """Labels are of the turn they stand under, and emotions are chosen from a list."""
    document.add_language(_LANGUAGE, "http://cdb.iso.org/lg/CDB-00130975-001", "undetermined (und)")
    document.add_controlled_vocabulary(_VOCABULARY)
    document.add_cv_description(_VOCABULARY, _LANGUAGE, f"Emotions of {corpus.labels.name}")
    for number, emotion in enumerate(corpus.labels.labels):
        document.add_cv_entry(_VOCABULARY, f"cveid{number}", [(emotion, _LANGUAGE, None)])
    document.add_linguistic_type("note", constraints="Symbolic_Association", timealignable=False)
    chosen = document.get_parameters_for_linguistic_type("note") | {"LINGUISTIC_TYPE_ID": "emotion"}
    document.add_linguistic_type("emotion", param_dict=chosen | {"CONTROLLED_VOCABULARY_REF": _VOCABULARY})


def _annotations(document: Any, name: str, times: _Times) -> Iterator[tuple[Span | None, str, str]]:
    """(times, text, text of the one that it refers to) of a tier's annotations."""
    aligned, references, *_ = document.tiers[name]
    for annotation, (_, _, text, _) in aligned.items():
        yield times[annotation], text, ""
    for annotation, (reference, text, *_) in references.items():
        yield times[annotation], text, _text(document, reference)


def _text(document: Any, annotation: str) -> str:
    aligned, references, *_ = document.tiers[document.annotations[annotation]]
    text = aligned[annotation][2] if annotation in aligned else references[annotation][1]
    return text or ""


def _times(document: Any) -> _Times:
    """The times of every annotation; None for one that has none.

    A tier of Time_Subdivision leaves the borders between its annotations without a time, and one of
    Symbolic_Subdivision has none at all: ELAN spaces both evenly.
    """
    slots = dict(document.timeslots)
    for aligned, *_ in document.tiers.values():
        _space_evenly(slots, {start: end for start, end, *_ in aligned.values()})
    times: _Times = {}
    for aligned, *_ in document.tiers.values():
        for annotation, (start, end, *_) in aligned.items():
            span = slots[start], slots[end]
            times[annotation] = None if None in span else span
    parts = _parts(document)
    for _, references, *_ in document.tiers.values():
        for annotation in references:
            times[annotation] = _hanging_span(annotation, times, parts)
    return times


def _space_evenly(slots: dict[str, int | None], following: Mapping[str, str]) -> None:
    """Give slots without a time theirs, in chains of annotations each of which begins where the one before ends."""
    for first in following:
        if slots[first] is None or slots[following[first]] is not None:
            continue
        chain = [first]
        while slots[chain[-1]] is None or len(chain) == 1:
            following_one = following.get(chain[-1])
            if following_one is None or following_one in chain:
                break
            chain.append(following_one)
        start, end = slots[chain[0]], slots[chain[-1]]
        if start is not None and end is not None:
            for place, slot in enumerate(chain):
                slots[slot] = start + round((end - start) * place / (len(chain) - 1))


def _parts(document: Any) -> dict[str, tuple[str, int, int]]:
    """(annotation that it refers to, place among its brothers, how many they are) of every one that refers."""
    found: dict[str, tuple[str, int, int]] = {}
    for _, references, *_ in document.tiers.values():
        brothers: dict[str, dict[str | None, str]] = {}
        for annotation, (reference, _, previous, *_) in references.items():
            brothers.setdefault(reference, {}).setdefault(previous or None, annotation)
        for annotation, (reference, *_) in references.items():
            if reference not in document.annotations:
                raise KeyError(reference)
            found[annotation] = reference, 0, 1
        for reference, after in brothers.items():
            order: list[str] = []
            while (one := after.get(order[-1] if order else None)) and one not in order:
                order.append(one)
            for place, one in enumerate(order):
                found[one] = reference, place, len(order)
    return found


def _hanging_span(name: str, times: _Times, parts: Mapping[str, tuple[str, int, int]]) -> Span | None:
    """The times of an annotation that refers to another: its part of the other's."""
    shares: list[tuple[int, int]] = []
    while name in parts and len(shares) < _DEEPEST:
        name, place, count = parts[name]
        shares.append((place, count))
    span = times.get(name) if name not in parts else None
    for place, count in reversed(shares):
        if span is not None:
            length = span[1] - span[0]
            span = span[0] + round(length * place / count), span[0] + round(length * (place + 1) / count)
    return span


def _check(path: Path) -> None:
    """Refuse what is no XML, or made to harm: entities, references to elsewhere, endless nesting or size."""
    check_size(path, LARGEST_DIALOGUE)
    depth = count = 0
    root = None
    try:
        with refusals(path, "read", ExchangeError), path.open("rb") as file:
            for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
                if event == "end":
                    depth -= 1
                    element.clear()
                    continue
                depth, count = depth + 1, count + 1
                root = root or element.tag
                if root != "ANNOTATION_DOCUMENT":
                    raise ExchangeError(f"{path} is XML, but no ELAN file: it begins with {element.tag[:40]}")
                if depth > _DEEPEST or count > _MOST:
                    raise ExchangeError(f"{path} is nested too deeply or has too many elements for an ELAN file")
    except DefusedXmlException as error:
        raise ExchangeError(f"{path} declares its own document type or entities, which ELAN never does") from error
    except (ParseError, LookupError, ValueError) as error:
        raise ExchangeError(f"{path} is not valid XML ({error})") from error
