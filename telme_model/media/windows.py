"""What a clip lies in: the windows that follow one another, and the file beside it that is heard in its place.

The reader opens plain clips alone; whoever reads a turn's clip asks here first which those are.
"""

from itertools import accumulate

from telme_model.corpus.dialogue import Clip, Modality
from telme_model.media.reader import MediaError, open_clip


def heard_in(clip: Clip) -> Clip:
    """The clip in which a plain clip's sound is: the file beside it where it has none itself or cannot be read."""
    if clip.sound is None:
        return clip
    try:
        with open_clip(clip) as reader:
            reader.track(Modality.AUDIO)
    except MediaError:
        return Clip(clip.sound, clip.start, clip.end)
    return clip


def placed(clip: Clip) -> tuple[tuple[float, Clip], ...]:
    """Each window with the second of the whole at which it begins. All but the last have an end."""
    windows = clip.windows
    begins = accumulate((window.seconds or 0.0 for window in windows[:-1]), initial=0.0)
    return tuple(zip(begins, windows, strict=True))


def within(clip: Clip, seconds: float) -> tuple[Clip, ...]:
    """The windows of the first `seconds` of the whole, the last of them cut there."""
    kept = [(begin, window) for begin, window in placed(clip) if begin < seconds]
    begin, last = kept[-1]
    end = (last.start or 0.0) + seconds - begin
    cut = last if last.end is not None and last.end <= end else Clip(last.path, last.start, end, last.sound)
    return (*(window for _, window in kept[:-1]), cut)
