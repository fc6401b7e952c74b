"""A digest that tells whether a corpus is the one a run was trained on."""

import hashlib

from telme_model.corpus.dialogue import Clip, Corpus


def fingerprint(corpus: Corpus) -> str:
    """A digest of what is trained on: every turn's identity, words, speaker, gold and clip names, in order."""
    digest = hashlib.sha256()
    for turn in corpus.turns():
        clips = [clip and _windows(clip) for clip in (turn.video, turn.audio)]
        digest.update(repr((str(turn.id), turn.speaker, turn.text, turn.gold, clips)).encode())
    return digest.hexdigest()


def _windows(clip: Clip) -> str:
    return " ".join(f"{window.path.name} {window.start} {window.end}" for window in clip.windows)
