"""The current dialogue as one film: playing, pausing, seeking and stepping, in step with the session's current turn."""

import sys
from enum import StrEnum

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal

from telme_gui.player.cue import Playlist
from telme_gui.player.pictures import End, Measures, Pictures, Shot
from telme_gui.player.sound import Clock, SoundThread, Volume, WallClock
from telme_gui.session.session import Session
from telme_model.corpus import timing as film_time
from telme_model.corpus.dialogue import Dialogue, Modality, Turn

_EARLY = 0.001  # seconds: a shot due this soon is shown now
_TICK = 40  # ms between two looks at the clock, at most
# Seconds; Python's own 5 ms lets a busy thread delay pictures by up to 100 ms (tests/benchmarks/player.py late).
_SWITCH_INTERVAL = 0.0005


class Extent(StrEnum):
    """How far to play."""

    TURN = "turn"  # to the end of the current turn
    DIALOGUE = "dialogue"  # on to the end of the dialogue


class Film(QObject):
    """Plays the session's current dialogue. A turn that is chosen is shown at once; one that begins is selected."""

    shown = Signal(Shot)  # another picture, or none for this turn
    playing_changed = Signal(bool)
    settings_changed = Signal()  # loop, speed, volume
    silence_changed = Signal(str)  # why there is no sound; "" when there is
    measured = Signal()  # more is known of what is wrong with clips: ask `problem`
    _arrived = Signal()  # this and the next come from the pictures' thread
    _lengths = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.playing = False
        self.extent = Extent.TURN
        self.loop = False
        self.speed = 1.0
        self.volume = Volume()
        self.silence = ""
        self.measures = Measures()
        self._pictures = Pictures(self.measures, self._arrived.emit, self._lengths.emit)
        self._cue = Playlist(turns=())
        self._shot: Shot | None = None  # the last one shown
        self._now = 0.0  # seconds of playing of the cue, while paused
        self._owed = 0  # shots to be shown while paused, as soon as they are decoded
        self._ended = False
        self._pending: float | None = None  # a seek that waits for the last one's picture
        self._sounds: list[SoundThread] = []  # the last one is in use, those before it are ending
        self._clock: Clock | None = None
        self._switch_interval = sys.getswitchinterval()
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)
        self._lengths.connect(self._on_lengths, Qt.ConnectionType.QueuedConnection)
        session.corpus_changed.connect(self._on_corpus)
        session.current_changed.connect(self._on_current)
        session.seek_requested.connect(self.seek)
        session.presented_changed.connect(self._recue)
        self._pictures.start()
        self._on_corpus()

    # -- playing ------------------------------------------------------------------------------------------------

    def play_turn(self) -> None:
        """Play to the end of the current turn; from its beginning when it has ended."""
        self._play(Extent.TURN)

    def play_on(self) -> None:
        """Play on to the end of the dialogue."""
        self._play(Extent.DIALOGUE)

    def toggle(self) -> None:
        """Pause, or play the current turn."""
        if self.playing:
            self.pause()
        else:
            self.play_turn()

    def pause(self) -> None:
        """Stand still where we are."""
        if self.playing:
            self._now = self._clock.now() if self._clock else self._now
            self._set_playing(False)

    def stop(self) -> None:
        """Stand still at the beginning of the current turn."""
        self.pause()
        self._go(self._session.current)

    def close(self) -> None:
        """Stop, and wait for the threads."""
        self._set_playing(False)
        self._pictures.close()
        for thread in (self._pictures, *self._sounds):
            thread.join(timeout=3.0)  # a dead sound server may hold its thread; it ends with the program

    def _play(self, extent: Extent) -> None:
        turn = self._session.current
        if turn is None:
            return
        again = extent is not self.extent or self._ended
        at = 0.0 if self._ended else self.at
        self.extent = extent
        if again and not self._to_next_turn(extent):
            self._go(turn, at)
        if not self.playing:
            self._set_playing(True)

    def _to_next_turn(self, extent: Extent) -> bool:
        """Playing on from the end of a turn begins with the next one."""
        before = self._session.current
        if self._ended and extent is Extent.DIALOGUE:
            self._session.step(1)
        return self._session.current is not before

    def _set_playing(self, playing: bool) -> None:
        was, self.playing = self.playing, playing
        self._end_sound()
        if playing:
            self._owed = 0
            sys.setswitchinterval(_SWITCH_INTERVAL)
            self._start_sound()
            self._timer.start(0)
        elif was:
            self._timer.stop()
            sys.setswitchinterval(self._switch_interval)
        if was is not playing:
            self.playing_changed.emit(playing)

    def _start_sound(self) -> None:
        self._sounds = [thread for thread in self._sounds if thread.is_alive()]
        if Modality.AUDIO not in self._cue.presented:
            self._clock = WallClock(self._now)
            return
        sound = SoundThread(self._cue, self._now, self.measures.seconds, self.volume)
        self._sounds.append(sound)
        self._clock = sound
        sound.start()

    def _end_sound(self) -> None:
        if self._sounds:
            self._sounds[-1].stop()
        self._clock = None

    # -- where we are -------------------------------------------------------------------------------------------

    @property
    def at(self) -> float:
        """Seconds in the current turn."""
        if self._shot is None:
            return self._cue.start
        segment = self._shot.segment
        now = self._clock.now() if self._clock else self._now
        return min(max(segment.at(max(now, self._shot.due)), 0.0), self._session.turn_seconds(segment.turn))

    def seek(self, seconds: float) -> None:
        """Go to a time of the current dialogue's film."""
        dialogue = self._session.dialogue
        if dialogue is None:
            return
        if self._shot is None:  # dragging must show pictures on the way, so none is given up for the next
            self._pending = seconds
            return
        seconds = min(max(seconds, 0.0), self._session.film_seconds)
        starts = self._session.turn_starts
        place = film_time.turn_at(starts, seconds)
        self._go(dialogue.turns[place], seconds - starts[place])
        self._session.select(dialogue.turns[place].id)

    def _seek_on(self) -> None:
        """Go where a seek wanted to while the one before it had nothing to show yet."""
        if self._pending is not None and self._shot is not None:
            self.seek(self._pending)

    def step_frame(self, by: int) -> None:
        """Pause and show the next picture (`by` 1) or the one before (-1)."""
        self.pause()
        if self._shot is None or self._session.dialogue is None:
            return
        if by < 0:
            self.seek(self._start_of_shot() + self._shot.at - 0.001)
        elif self._ended:
            self._session.step(1)
        else:
            self._owed += 1
            self._on_arrived()

    def step_dialogue(self, by: int) -> None:
        """Go to the first turn of the next dialogue (`by` 1) or the one before (-1)."""
        corpus, dialogue = self._session.corpus, self._session.dialogue
        if corpus is not None and dialogue is not None:
            place = min(max(corpus.dialogues.index(dialogue) + by, 0), len(corpus.dialogues) - 1)
            self._session.select(corpus.dialogues[place].turns[0].id)

    def problem(self, turn: Turn) -> str:
        """What is wrong with the turn's clips, as far as it is known by now."""
        known = self.measures.get(turn)
        shot = self._shot if self._shot is not None and _same_clips(self._shot.segment.turn, turn) else None
        return (known.problem if known else "") or (shot.problem if shot else "")

    def set_loop(self, loop: bool) -> None:
        """Play the current turn again and again."""
        self.loop = loop
        self._recue()

    def set_speed(self, speed: float) -> None:
        """0.5 to 2 times as fast, with the pitch kept."""
        self.speed = min(max(speed, 0.5), 2.0)
        self._recue()

    def set_volume(self, level: float, *, muted: bool = False) -> None:
        """0 to 1."""
        self.volume.level, self.volume.muted = min(max(level, 0.0), 1.0), muted
        self.settings_changed.emit()

    def set_fit(self, size: QSize) -> None:
        """Decode for a picture of at most this many pixels."""
        if size != self._pictures.fit and not size.isEmpty():
            self._pictures.fit = size
            if not self.playing:
                self._recue()

    def _recue(self) -> None:
        """Begin anew where we are, with other settings."""
        if self._session.current is not None:
            ended = self._ended
            self._go(self._session.current, self.at)
            self._ended = ended
        self.settings_changed.emit()

    def _go(self, turn: Turn | None, at: float = 0.0) -> None:
        """Cue a moment of a turn and show it; playing goes on from there."""
        self._pending, self._ended, self._now, self._shot = None, False, 0.0, None
        if turn is None:
            self._cue = Playlist(turns=())
            self._pictures.play(None)
            return
        dialogue = self._session.dialogue_of[turn.id]
        rest = dialogue.turns[_place(dialogue, turn) :] if self.extent is Extent.DIALOGUE and not self.loop else (turn,)
        self._cue = Playlist(turns=rest, start=at, speed=self.speed, loop=self.loop, presented=self._session.presented)
        self._owed = 1
        self._pictures.play(self._cue, dialogue.turns)
        if self.playing:
            self._end_sound()
            self._start_sound()
        self._session.set_position(self._start_of(turn) + at)

    def _start_of(self, turn: Turn) -> float:
        dialogue = self._session.dialogue
        return self._session.turn_starts[_place(dialogue, turn)] if dialogue else 0.0

    # -- showing ------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Show what is due by now and look again when the next shot is."""
        if not self.playing or self._clock is None:
            return
        self._mind_the_sound()
        now = self._pictures.now = self._clock.now()
        due: Shot | None = None
        while (coming := self._pictures.next()) is not None and coming.due <= now + _EARLY:
            self._pictures.take()
            if isinstance(coming, End):
                self._end(due, coming)
                return
            due = self._later(due, coming)
        if due is not None:
            self._show(due)
        self._session.set_position(self._start_of_shot() + self.at)
        self._seek_on()
        wait = (coming.due - now) * 1000 if coming is not None else 5
        self._timer.start(int(min(max(wait, 0), _TICK)))

    def _later(self, shot: Shot | None, coming: Shot) -> Shot:
        """The one of two overdue shots to show; the turns that begin on the way are not skipped."""
        if shot is not None and coming.opens:
            self._show(shot)
        return coming

    def _mind_the_sound(self) -> None:
        """Change to the wall clock when the sound has failed."""
        sound = self._clock
        if not isinstance(sound, SoundThread):
            return
        if sound.failed or sound.lost:
            self._end_sound()
            self._clock = WallClock(sound.now())
            self._set_silence(sound.failed or "No sound: the output device stopped answering.")
        elif sound.heard:
            self._set_silence("")

    def _set_silence(self, reason: str) -> None:
        if reason != self.silence:
            self.silence = reason
            self.silence_changed.emit(reason)

    def _on_arrived(self) -> None:
        """While paused, show the shots that are owed."""
        if self.playing:
            self._tick()
            return
        while self._owed and (coming := self._pictures.next()) is not None:
            self._owed -= 1
            self._pictures.take()
            self._now = max(self._now, coming.due)
            if isinstance(coming, End):  # a step past the last picture
                self._ended = True
                self._session.step(1)
                return
            self._show(coming)
            self._session.set_position(self._start_of_shot() + self.at)
        self._seek_on()

    def _show(self, shot: Shot) -> None:
        self._shot = shot
        self._session.select(shot.segment.turn.id)
        self.shown.emit(shot)

    def _end(self, last: Shot | None, end: End) -> None:
        if last is not None:
            self._show(last)
        self._now = end.due
        self._ended = True
        self._set_playing(False)
        self._session.set_position(self._start_of_shot() + self.at)

    def _start_of_shot(self) -> float:
        return self._start_of(self._shot.segment.turn) if self._shot else 0.0

    # -- the session --------------------------------------------------------------------------------------------

    def _on_current(self) -> None:
        current = self._session.current
        here = self._shot.segment.turn if self._shot else next(iter(self._cue.turns), None)
        if current is None or here is None or not _same_clips(current, here):  # or else the film chose it
            self._go(current)

    def _on_corpus(self) -> None:
        self._set_playing(False)
        self.measures.forget()
        self._shot = None
        self._go(self._session.current)

    def _on_lengths(self, lengths: list[tuple[Turn, float]]) -> None:
        turns, rows = self._session.turns, self._session.rows
        ours = {
            turn.id: length
            for turn, length in lengths
            if turn.id in rows and _same_clips(turns[rows[turn.id]], turn)  # not those of the corpus before
        }
        self._session.learn_seconds(ours)
        if self._shot is not None:
            self._session.set_position(self._start_of_shot() + self.at)
        self.measured.emit()


def _place(dialogue: Dialogue, turn: Turn) -> int:
    """Where the turn stands in its dialogue, whatever its label is by now."""
    return next(place for place, other in enumerate(dialogue.turns) if other.id == turn.id)


def _same_clips(turn: Turn, other: Turn) -> bool:
    return (turn.id, turn.video, turn.audio) == (other.id, other.video, other.audio)
