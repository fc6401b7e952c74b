"""ELAN .eaf files, one a dialogue: a tier of turns, words by speaker, and labels that hang on the turns.

pympi writes and reads them. It reads with Python's plain XML parser, so a file is first gone through by defusedxml.
"""

import mimetypes
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from pympi import Elan

from telme_model.annotations.exchange.files import LARGEST_DIALOGUE, check_size, dialogue_name, file_names
from telme_model.annotations.exchange.interface import ExchangeError, Inbox, Layers, Planned
from telme_model.annotations.exchange.placing import Places, Span, TimedText, media_file, spans
from telme_model.annotations.exchange.tiers import TURNS, Tier, take_tiers, tiers_of
from telme_model.corpus.dialogue import Corpus, Dialogue
from telme_model.files import refusals

_DEEPEST = 16  # elements within one another; the format has six
_MOST = 300_000  # elements; an hour of dialogue with ten tiers has a tenth
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
        annotations = {name: list(_annotations(document, name)) for name in document.tiers}
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise ExchangeError(f"{path} is not a whole ELAN file: open it in ELAN and save it again") from error
    for name, texts in annotations.items():
        if timeless := sum(span is None for span, _ in texts):
            where = f"{path.name}, tier '{name[:60]}'"
            inbox.refuse(where, f"{timeless} annotation{'s' * (timeless > 1)}", "they have no time: align them in ELAN")
    tiers = {
        name: [TimedText(start=span[0], end=span[1], text=text) for span, text in texts if span is not None]
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
    first, *others = tiers_of(dialogue, layers)
    _add_timed(document, first, times)
    turns = list(document.tiers[TURNS][0])  # names of its annotations, in the order of the turns
    for tier in others:
        if tier.layer:
            _add_hanging(document, tier, turns)
        else:
            _add_timed(document, tier, times)
    text = Elan.to_string(document)
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', encoding="utf-8", newline="\n")


def _add_timed(document: Any, tier: Tier, times: Sequence[Span]) -> None:
    document.add_tier(tier.name, part=tier.speaker or None)
    for place, text in tier.texts.items():
        document.add_annotation(tier.name, *times[place], text)


def _add_hanging(document: Any, tier: Tier, turns: Sequence[str]) -> None:
    """A tier whose annotations refer to turns. pympi would look for each by its time; here it is known by its place."""
    document.add_tier(tier.name, ling="emotion" if tier.emotions else "note", parent=TURNS, ann=tier.layer)
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


def _annotations(document: Any, name: str) -> Iterator[tuple[Span | None, str]]:
    """(times, text) of a tier's annotations; one that refers to another has the times of that one."""
    aligned, references, *_ = document.tiers[name]
    for annotation, (_, _, text, _) in aligned.items():
        yield _span(document, annotation), text
    for reference, text, *_ in references.values():
        yield _span(document, reference), text


def _span(document: Any, name: str) -> Span | None:
    """The times of an annotation, or of the one that it refers to in the end; None where there is no such time."""
    for _ in range(_DEEPEST):
        aligned, references, *_ = document.tiers[document.annotations[name]]
        if name in aligned:
            start, end = (document.timeslots[slot] for slot in aligned[name][:2])
            return None if start is None or end is None else (start, end)
        name = references[name][0]
    return None


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
