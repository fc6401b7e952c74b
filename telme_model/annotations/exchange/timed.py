"""Files of one list of timed lines: subtitles, Audacity's labels, BORIS' events. Each line may say who, what, how."""

from collections.abc import Sequence
from dataclasses import dataclass

from telme_model.annotations.exchange.interface import UNNAMED, Inbox, NoPlaceError, TimedText
from telme_model.annotations.exchange.matching import Matcher
from telme_model.annotations.exchange.meanings import holds_words
from telme_model.annotations.exchange.notes import noted_label
from telme_model.annotations.labels import Scope
from telme_model.corpus.dialogue import Dialogue, TurnId


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedLine:
    """One line: its stretch, what may be its emotion, who speaks, what is said; "" where nothing tells."""

    where: str
    start: int  # milliseconds
    end: int
    emotion: str = ""
    speaker: str = ""
    words: str = ""


def place_lines(lines: Sequence[TimedLine], dialogue: Dialogue, inbox: Inbox) -> dict[TurnId, tuple[str, str]]:
    """(emotion's text, where) by turn; lines without an emotion only tell when turns are on."""
    speakers = {turn.speaker for turn in dialogue.turns}
    timed: dict[int, TimedLine] = {}
    intervals: list[TimedText] = []
    for line in lines:
        who = inbox.speaker(line.speaker, speakers) if line.speaker else ""
        one = TimedText(start=line.start, end=line.end, text=line.emotion or line.words, speaker=who, words=line.words)
        timed[id(one)] = line
        intervals.append(one)
    spoken = [one for one in intervals if one.words]
    texts = [TimedText(start=one.start, end=one.end, text=one.words) for one in spoken]
    if not holds_words(texts, dialogue):  # words of something else tell nothing
        bare = [TimedText(start=one.start, end=one.end, text=one.text, speaker=one.speaker) for one in intervals]
        timed = {id(new): timed[id(old)] for new, old in zip(bare, intervals, strict=True)}
        intervals, spoken = bare, []
    matcher = Matcher(dialogue)
    matcher.listen(intervals, [one for one in spoken if not timed[id(one)].emotion])
    found, unplaced = matcher.place([one for one in intervals if timed[id(one)].emotion])
    for one, reason in unplaced:
        inbox.refuse(timed[id(one)].where, one.text, reason)
    return {turn: (one.text, timed[id(one)].where) for turn, one in found.items()}


def take_lines(lines: Sequence[TimedLine], dialogue: Dialogue, inbox: Inbox, layer: str = UNNAMED) -> None:
    """Put the emotions of lines into the inbox."""
    for turn, (text, where) in place_lines(lines, dialogue, inbox).items():
        try:
            if emotion := inbox.emotion(text):
                inbox.put(layer, (Scope.ALL, turn), noted_label({}, emotion), where)
        except NoPlaceError as error:
            inbox.refuse(where, text, str(error))


def emotion_among(marks: Sequence[str], words: str, inbox: Inbox) -> tuple[str, str]:
    """(emotion, words) of a line: a mark that is an emotion, or words that are nothing else."""
    known = next((mark for mark in marks if inbox.knows(mark)), "")
    if known:
        return known, words
    if inbox.knows(words):
        return words, ""
    return "", words
