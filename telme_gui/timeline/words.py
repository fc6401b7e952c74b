"""What the timeline shows, in words: for the tooltip."""

from telme_gui.timeline.lanes import LABELS, AnyLane, Lane, name
from telme_gui.timeline.painting import TimelineScene
from telme_model.analysis.models import Model


def describe(scene: TimelineScene, place: int, lane: AnyLane | None, words: str, sound_problem: str) -> str:
    """Who said these words at `place`, and what the lane says of the turn."""
    lines = [f"{place + 1} · {scene.turns[place].speaker}: {words}"]
    if isinstance(lane, Model) or lane in LABELS:
        lines.append(_emotion(scene, place, lane))
    elif lane is Lane.SHIFT:
        lines.append(_shift(scene, place))
    elif lane in (Lane.SOUND, Lane.SPECTROGRAM) and sound_problem:
        lines.append(sound_problem)
    return "\n".join(lines)


def _emotion(scene: TimelineScene, place: int, lane: AnyLane) -> str:
    emotion, row = scene.emotion(lane, place), scene.rows[place]
    if not isinstance(lane, Model):
        return f"{name(lane)}: {emotion or 'none'}"
    if emotion is None or row is None or scene.predictions is None:
        return f"{lane.title}: no prediction"
    probability = float(scene.predictions.probabilities[lane.key][row].max())
    return f"{lane.title}: {emotion}, {probability:.0%}"


def _shift(scene: TimelineScene, place: int) -> str:
    row, predictions = scene.rows[place], scene.predictions
    if row is None or predictions is None or predictions.shift[row] != predictions.shift[row]:
        return "shift: not known"
    shift, limit = float(predictions.shift[row]), float(predictions.limit[row])
    return f"shift ‖λH‖ {shift:.3g} of at most θ‖{predictions.models.lead}‖ = {limit:.3g}"
