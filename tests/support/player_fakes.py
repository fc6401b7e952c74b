"""What the player's tests play: a corpus of short clips, some of them broken, and a sound device made of a thread."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from telme_model.corpus.dialogue import Clip, Corpus, Dialogue, Split, Turn, TurnId
from telme_model.corpus.emotions import MELD

BLOCK = 480  # samples at a time: 10 ms


def corpus_of(*dialogues: list[Clip | None]) -> Corpus:
    """A corpus whose turns have these clips for picture and sound; turns last half a second as annotated."""
    made = []
    for number, clips in enumerate(dialogues):
        turns = tuple(
            Turn(
                id=TurnId(Split.TEST, str(number), utterance),
                speaker="Ada",
                text=f"Turn {utterance}.",
                gold="joy",
                start=10.0 + utterance,
                end=10.5 + utterance,
                video=clip,
                audio=clip,
            )
            for utterance, clip in enumerate(clips)
        )
        made.append(Dialogue(split=Split.TEST, name=str(number), turns=turns))
    return Corpus(root=Path(), kind="meld", labels=MELD, dialogues=tuple(made))


class Device:
    """Stands for the `sounddevice` module: one output, in real time, whose samples are kept."""

    def __init__(self) -> None:
        self.heard: list[np.ndarray] = []
        self.streams = 0
        self.ready = Event()  # opening waits for it
        self.ready.set()
        self.dead = False  # as when the sound server dies: open, and never asking for sound again
        device = self

        class OutputStream:
            opened: ClassVar[int] = 0

            def __init__(self, *, callback: Callable[..., None], **_settings: Any) -> None:
                self._callback, self._running = callback, True
                self._thread = Thread(target=self._run, daemon=True)

            def start(self) -> None:
                device.ready.wait()
                device.streams += 1
                self._thread.start()

            def abort(self) -> None:
                self._running = False
                self._thread.join()

            def close(self) -> None:
                device.streams -= 1

            def _run(self) -> None:
                due = time.perf_counter()
                while self._running:
                    if not device.dead:
                        out = np.full((BLOCK, 2), np.nan, np.float32)
                        self._callback(out, BLOCK, SimpleNamespace(currentTime=1.0, outputBufferDacTime=1.1), None)
                        device.heard.append(out)
                    due += BLOCK / 48_000
                    time.sleep(max(due - time.perf_counter(), 0.0))

        self.OutputStream = OutputStream

    def _terminate(self) -> None: ...

    def _initialize(self) -> None: ...


class NoDevice(Device):
    """PortAudio is there, but nothing to play on."""

    def __init__(self) -> None:
        super().__init__()
        self.OutputStream = self._refuse  # type: ignore[assignment]

    def _refuse(self, **_settings: Any) -> None:
        raise RuntimeError("Error querying device -1")
