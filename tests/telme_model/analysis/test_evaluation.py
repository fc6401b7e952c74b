"""Scores and shares from prediction records."""

import pytest

from telme_model.analysis.evaluation import compare_runs, evidence_shares, mean_shares, predicted_label

PLAYERS = ("text", "audio", "visual")


def record(utterance: int, gold: str, fused: str, **phi: tuple[float, float]) -> dict[str, object]:
    """A turn with two emotions; `phi` gives each modality's value for joy and for anger."""
    probabilities = {"joy": 0.8, "anger": 0.2} if fused == "joy" else {"joy": 0.2, "anger": 0.8}
    shapley = {player: dict(zip(("joy", "anger"), values, strict=True)) for player, values in phi.items()}
    return {
        "split": "test",
        "dialogue": str(utterance % 2),
        "utterance": utterance,
        "speaker": "Ada",
        "text": f"Line {utterance}",
        "gold": gold,
        "fused": probabilities,
        "shapley": shapley,
    }


TURNS = [
    record(0, "joy", "joy", text=(0.3, -0.3), audio=(-0.1, 0.1), visual=(0.1, -0.1)),
    record(1, "anger", "joy", text=(0.2, -0.2), audio=(-0.3, 0.3), visual=(0.5, -0.5)),
]


def test_shares_of_the_prediction_are_absolute_values_of_its_class() -> None:
    expected = [(0.3 / 0.5 + 0.2 / 1.0) / 2, (0.1 / 0.5 + 0.3 / 1.0) / 2, (0.1 / 0.5 + 0.5 / 1.0) / 2]
    assert list(mean_shares(TURNS, PLAYERS).values()) == pytest.approx(expected)


def test_shares_of_the_evidence_are_what_speaks_for_gold() -> None:
    assert list(evidence_shares(TURNS[:1], PLAYERS).values()) == pytest.approx([0.75, 0.0, 0.25])
    assert list(evidence_shares(TURNS[1:], PLAYERS).values()) == pytest.approx([0.0, 1.0, 0.0])


def test_turns_without_gold_have_no_evidence() -> None:
    bare = {**TURNS[1], "gold": None}
    assert evidence_shares([TURNS[0], bare], PLAYERS) == evidence_shares(TURNS[:1], PLAYERS)


def test_a_turn_that_nothing_speaks_for_counts_in_equal_parts() -> None:
    against = [record(0, "joy", "anger", text=(-0.3, 0.3), audio=(-0.1, 0.1), visual=(-0.1, 0.1))]
    assert list(evidence_shares(against, PLAYERS).values()) == pytest.approx([1 / 3] * 3)


def test_the_first_of_equally_probable_emotions_is_predicted() -> None:
    assert predicted_label({"joy": 0.5, "anger": 0.5}) == "joy"


def test_comparing_runs_counts_the_turns_that_changed() -> None:
    baseline = [{**TURNS[0], "fused": {"joy": 0.1, "anger": 0.9}}, TURNS[1]]
    found = compare_runs(TURNS, baseline)
    assert (found["turns"], found["changed"]) == (2, 1)
    assert found["difference"] > 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": "Another line"}, "of different corpora: test/dia1_utt1 has other words, or another speaker, in each"),
        ({"speaker": "Bo"}, "of different corpora: test/dia1_utt1 has other words, or another speaker, in each"),
        ({"fused": {"joy": 0.5, "sad": 0.5}}, "the two runs predict different emotions"),
        ({"split": "dev", "dialogue": "9"}, ""),
    ],
)
def test_only_the_same_turns_are_compared(change: dict[str, object], reason: str) -> None:
    other = [TURNS[0], {**TURNS[0], "dialogue": "2"}, {**TURNS[1], **change}]
    ours = [TURNS[0], {**TURNS[0], "dialogue": "2"}, TURNS[1]]
    if reason:
        with pytest.raises(ValueError, match=reason):
            compare_runs(ours, other)
    else:
        assert compare_runs(ours, other)["turns"] == 2
