"""MELD and EmoryNLP as they were released, and a small made-up sample of either that is odd in the same ways.

The real files are no part of the project: what is known of them is written down here, and tests read them where
they are. The sample has every form that the real files have: CRLF, hours of one digit, thousandths of two,
typographic quotes, double spaces, quoted quotes, a dialogue and turns that are not there, turns that overlap, run
backwards or last for minutes, several speakers in a list, a name with an apostrophe.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from telme_model.corpus.dialogue import Split, Turn, TurnId
from tests.conftest import ROOT
from tests.support.corpora import COLUMNS

REAL = ROOT.parent / "shared" / "data"
SOURCES = ("made up", *([pytest.param("real", marks=pytest.mark.slow)] if REAL.is_dir() else []))


@dataclass(frozen=True, slots=True)
class Meld:
    """A folder in MELD's form, and what is known of it by other means than this program."""

    root: Path
    sizes: Mapping[Split, tuple[int, int, tuple[int, ...], int, int]]
    """Turns, dialogues, turns of anger disgust fear joy neutral sadness surprise, most turns, most speakers."""
    absent: set[str]  # of the train split's dialogues
    with_gaps: int  # dialogues of the train split that lack a turn
    over_long: Mapping[str, float]  # s, of turns over 30 s
    backwards: str  # the turn that ends before it starts
    two_digits: Mapping[str, float]  # s, ends of turns whose thousandths have two digits
    overlapping: tuple[int, int, int]  # turns, by split
    misnumbered: tuple[int, int, int]  # inputs of which the released code says something false about who speaks
    episodes: int
    first: Turn  # of the dev split


@dataclass(frozen=True, slots=True)
class Emorynlp:
    """A folder in EmoryNLP's form, and what is known of it."""

    root: Path
    sizes: Mapping[Split, tuple[int, int, tuple[int, ...]]]
    """Turns, dialogues, turns of joyful mad neutral peaceful powerful sad scared."""
    together: tuple[int, int, int]  # turns of two, three and four speakers
    apostrophe: str  # a speaker of the train split
    first: tuple[object, ...]  # dialogue, utterance, season, episode, speaker, emotion, start and end of the first turn


def meld(source: str, folder: Path) -> Meld:
    """MELD itself, or the sample, written into `folder`."""
    return _real_meld() if source == "real" else _made_up_meld(folder)


def emorynlp(source: str, folder: Path) -> Emorynlp:
    """EmoryNLP itself, or the sample, written into `folder`."""
    return _real_emorynlp() if source == "real" else _made_up_emorynlp(folder)


def _real_meld() -> Meld:
    return Meld(
        root=REAL / "meld",
        sizes={
            Split.TRAIN: (9989, 1038, (1109, 271, 268, 1743, 4710, 683, 1205), 24, 9),
            Split.DEV: (1109, 114, (153, 22, 40, 163, 470, 111, 150), 23, 8),
            Split.TEST: (2610, 280, (345, 68, 50, 402, 1256, 208, 281), 33, 8),
        },
        absent={"60"},
        with_gaps=72,
        over_long={"train/dia309_utt0": 41.04, "test/dia38_utt4": 304.94, "test/dia220_utt0": 235.07},
        backwards="test/dia155_utt3",
        two_digits={"train/dia437_utt2": 407.28, "test/dia187_utt2": 311.82, "test/dia233_utt8": 701.41},
        overlapping=(628 + 23, 62 + 4, 101 + 4),  # overlapping and backward neighbours, counted in the files
        misnumbered=(6376, 680, 1612),
        episodes=190,
        first=Turn(
            id=TurnId(Split.DEV, "0", 0),
            speaker="Phoebe",
            text="Oh my God, he’s lost it. He’s totally lost it.",
            gold="sadness",
            sentiment="negative",
            season=4,
            episode=7,
            start=1257.256,
            end=1260.049,
            row=2,
        ),
    )


# Dialogue, utterance, episode of the first season, speaker, emotion, sentiment, start, end, words.
_MELD = {
    Split.TRAIN: """
0|0|1|Ada|neutral|neutral|00:16:16,059|00:16:21,731|I’ve kept the harbour’s books  since the ferry stopped.
0|1|1|The Clerk|neutral|neutral|00:16:21,940|00:16:23,442|“All” of them? Even the one called "Tides"?
0|3|1|Ada|joy|positive|00:16:23,000|00:16:26,389|All of them…  even that.
1|0|1|Guy #1|anger|negative|0:10:44,769|0:10:46,146|Who moved my ladder—
1|1|1|Ada|surprise|positive|0:10:46,200|0:10:47,28|You own a ladder?
3|1|2|Bo|sadness|negative|00:06:40,100|00:07:21,140|They sold the lighthouse, lamp and all.
3|2|2|Ada|disgust|negative|00:07:21,200|00:07:22,900|To whom? Not to “him”.
3|5|2|The Clerk|fear|negative|00:07:23,000|00:07:24,500|He’s at the door.
""",
    Split.DEV: """
0|0|3|Ada|joy|positive|00:20:57,256|00:21:00,049|Look, she’s back. She’s really back.
0|1|3|Bo|surprise|positive|00:20:59,927|00:21:03,261|What?
1|0|3|Bo|neutral|neutral|00:12:24,660|00:12:30,915|Then we mend the nets, sweep the yard, and go home.
""",
    Split.TEST: """
0|0|4|Bo|neutral|neutral|00:14:38,127|00:14:40,378|Why is there a number on every cup?
0|1|4|Ada|anger|negative|00:14:40,629|00:14:38,385|So that I know  whose is broken!
0|2|4|Ada|neutral|neutral|00:14:56,353|00:14:57,520|Y'know?
2|0|4|Cy|neutral|neutral|0:02:00,000|0:07:04,940|Come on, café’s open.
2|1|4|Ada|neutral|neutral|0:07:05,100|0:07:06,41|Fine.
""",
}


def _made_up_meld(folder: Path) -> Meld:
    folder.mkdir(parents=True, exist_ok=True)
    for split, text in _MELD.items():
        with (folder / f"{split}_sent_emo.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for number, line in enumerate(text.strip().splitlines(), start=1):
                dialogue, utterance, episode, speaker, emotion, sentiment, start, end, words = line.split("|")
                # numbers go on after rows that were taken out
                place = number + 15 * int(dialogue)
                writer.writerow(
                    (place, words, speaker, emotion, sentiment, dialogue, utterance, 1, episode, start, end)
                )
    return Meld(
        root=folder,
        sizes={
            Split.TRAIN: (8, 3, (1, 1, 1, 1, 2, 1, 1), 3, 3),
            Split.DEV: (3, 2, (0, 0, 0, 1, 1, 0, 1), 2, 2),
            Split.TEST: (5, 2, (1, 0, 0, 0, 4, 0, 0), 3, 2),
        },
        absent={"2"},
        with_gaps=2,
        over_long={"train/dia3_utt1": 41.04, "test/dia2_utt0": 304.94},
        backwards="test/dia0_utt1",
        two_digits={"train/dia1_utt1": 647.28, "test/dia2_utt1": 426.41},
        overlapping=(1, 1, 0),
        misnumbered=(1, 0, 0),  # The Clerk of the third dialogue has Bo's number
        episodes=4,
        first=Turn(
            id=TurnId(Split.DEV, "0", 0),
            speaker="Ada",
            text="Look, she’s back. She’s really back.",
            gold="joy",
            sentiment="positive",
            season=1,
            episode=3,
            start=1257.256,
            end=1260.049,
            row=2,
        ),
    )


def _real_emorynlp() -> Emorynlp:
    return Emorynlp(
        root=REAL / "emorynlp",
        sizes={
            Split.TRAIN: (7551, 659, (1677, 785, 2485, 638, 551, 474, 941)),
            Split.DEV: (954, 89, (205, 97, 322, 82, 70, 51, 127)),
            Split.TEST: (984, 79, (217, 86, 288, 111, 96, 70, 116)),
        },
        # the speaker lists with one, two and three commas between quotation marks, counted in the files
        together=(43 + 3 + 5, 6 + 1 + 2, 1),
        apostrophe="Phoebe's Assistant",
        first=("1x02-1", 1, 1, 2, "Monica Geller", "joyful", 2.877, 7.548),
    )


_EMORYNLP = {
    Split.TRAIN: """
What the tide takes it brings back.,['Ada Quill'],Joyful,1,1,1,2,00:00:02.877,00:00:07.548
"Yes, sure!.......R'you joking?",['Bo Marsh'],Neutral,1,2,1,2,00:00:04.504,00:00:07.548
Hear hear!,"['Ada Quill', 'Bo Marsh']",Powerful,1,3,1,2,00:00:07.924,00:00:09.508
She rang twice.,"[""Ada's Clerk""]",Scared,2,1,1,2,00:01:11.970,00:01:17.683
Never!,"['Ada Quill', 'Bo Marsh', 'Cy', 'Dee']",Mad,2,4,1,2,00:01:18.000,00:01:18.900
""",
    Split.DEV: """
Tea.,['Ada Quill'],Peaceful,1,1,1,15,00:00:03.795,00:00:05.004
Tea!,"['Bo Marsh', 'Cy', 'Dee']",Neutral,1,2,1,15,00:00:05.171,00:00:07.423
""",
    Split.TEST: """
"I’m to fix a hook to a hook, and I have no hook.",['Bo Marsh'],Sad,4,1,1,1,00:09:34.865,00:09:51.423
A lovely thing.,"['Cy', 'Dee']",Joyful,4,3,1,1,00:09:39.453,00:09:42.247
""",
}


def _made_up_emorynlp(folder: Path) -> Emorynlp:
    folder.mkdir(parents=True, exist_ok=True)
    header = "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time"
    for split, text in _EMORYNLP.items():
        file = folder / f"emorynlp_{split}_final.csv"
        file.write_text("\r\n".join((header, *text.strip().splitlines(), "")), encoding="utf-8", newline="")
    return Emorynlp(
        root=folder,
        sizes={
            Split.TRAIN: (5, 2, (1, 1, 1, 0, 1, 0, 1)),
            Split.DEV: (2, 1, (0, 0, 1, 1, 0, 0, 0)),
            Split.TEST: (2, 1, (1, 0, 0, 0, 0, 1, 0)),
        },
        together=(2, 1, 1),
        apostrophe="Ada's Clerk",
        first=("1x02-1", 1, 1, 2, "Ada Quill", "joyful", 2.877, 7.548),
    )
