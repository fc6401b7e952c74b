"""A run's scores on a split, from its prediction records: its models side by side, and against another run."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from telme_model.analysis.metrics import Scores, score
from telme_model.analysis.models import FUSED, TITLES
from telme_model.analysis.significance import paired_bootstrap
from telme_model.corpus.dialogue import Split, TurnId


def predicted_label(probabilities: dict[str, float]) -> str:
    """The emotion of the highest probability, the first of equals."""
    return max(probabilities, key=lambda label: probabilities[label])


def score_records(records: Sequence[dict[str, Any]], labels: Sequence[str]) -> dict[str, Scores]:
    """Scores with dialogue-bootstrap intervals of every model that predicted something.

    Each is scored on the turns it predicted (a student says nothing of a turn whose clip is missing).
    """
    scores = {}
    for model in TITLES:
        rows = [record for record in records if record.get(model)]
        if not any(record["gold"] for record in rows):
            continue
        scores[model] = score(
            [record["gold"] for record in rows],
            [predicted_label(record[model]) for record in rows],
            labels,
            dialogues=[record["dialogue"] for record in rows],
        )
    return scores


def mean_shares(records: Sequence[dict[str, Any]], players: Sequence[str]) -> dict[str, float]:
    """Mean share of each modality in the fused prediction, summing to 1.

    A turn's share of a modality is |phi| of the fused prediction's class over the sum of the modalities' |phi|.
    """
    return _mean_parts([[abs(_phi(r, p, predicted_label(r[FUSED]))) for p in players] for r in records], players)


def evidence_shares(records: Sequence[dict[str, Any]], players: Sequence[str]) -> dict[str, float]:
    """Mean share of each modality in what speaks for the gold emotion, summing to 1.

    A turn's share of a modality is the positive part of phi of the gold emotion over the sum of the positive parts;
    a turn that nothing speaks for counts in equal parts, one without gold not at all.
    """
    judged = [record for record in records if record["gold"] is not None]
    return _mean_parts([[max(_phi(r, p, r["gold"]), 0.0) for p in players] for r in judged], players)


def _phi(record: dict[str, Any], player: str, label: str) -> float:
    values = record["shapley"].get(player)
    return float(values[label]) if values else 0.0


def _mean_parts(values: Sequence[Sequence[float]], players: Sequence[str]) -> dict[str, float]:
    parts = np.array(values)
    sums = parts.sum(1, keepdims=True)
    shares = np.where(sums > 0, parts / np.where(sums > 0, sums, 1), 1 / len(players))
    return {player: float(value) for player, value in zip(players, shares.mean(0), strict=True)}


def compare_runs(records: Sequence[dict[str, Any]], baseline: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The fused predictions of a run against another's on the turns both predicted: difference, interval, p.

    Raises ValueError where they cannot be compared: no turn is in both, or what bears a turn's name is another turn.
    """
    other = {turn_key(record): record for record in baseline}
    pairs = [(record, other[turn_key(record)]) for record in records if turn_key(record) in other]
    if not pairs:
        raise ValueError("the two runs have no turn in common")
    for record, same in pairs:
        _check_same(record, same)
    gold = [record["gold"] for record, _ in pairs]
    ours = [predicted_label(record[FUSED]) for record, _ in pairs]
    theirs = [predicted_label(record[FUSED]) for _, record in pairs]
    dialogues = [record["dialogue"] for record, _ in pairs]
    found = paired_bootstrap(gold, ours, theirs, dialogues, sorted(pairs[0][0][FUSED]))
    return {
        "turns": len(pairs),
        "changed": sum(a != b for a, b in zip(ours, theirs, strict=True)),
        **asdict(found),
    }


def _check_same(record: dict[str, Any], other: dict[str, Any]) -> None:
    if record[FUSED].keys() != other[FUSED].keys():
        raise ValueError("the two runs predict different emotions")
    if (record["speaker"], record["text"]) != (other["speaker"], other["text"]):
        split, dialogue, utterance = turn_key(record)
        raise ValueError(
            f"they are of different corpora: {TurnId(Split(split), dialogue, utterance)} has other words, or another "
            "speaker, in each"
        )


def turn_key(record: dict[str, Any]) -> tuple[str, str, int]:
    """Identity of a record's turn."""
    return record["split"], record["dialogue"], record["utterance"]
