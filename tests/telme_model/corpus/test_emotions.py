"""Label sets: the known ones by name, and those that tables bring, whose name tells their emotions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telme_model.corpus.emotions import LABEL_SETS, MELD, is_label_set, label_set, labels_for, own_labels

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@given(st.lists(NAMES, min_size=1, max_size=12, unique=True))
def test_an_own_label_set_is_told_whole_by_its_name(emotions: list[str]) -> None:
    labels = own_labels(emotions)
    assert labels.labels == tuple(sorted(emotions))
    assert label_set(labels.name) == labels
    assert labels.name not in LABEL_SETS


def test_a_known_set_is_taken_where_it_has_all() -> None:
    assert labels_for(["joy", "anger"]) is MELD
    assert labels_for([]) is MELD
    assert labels_for(["mad", "sad"]).name == "emorynlp"
    assert labels_for(["happy", "sad"]).name == "iemocap"
    assert labels_for(["happy", "calm"]).name == "own:calm+happy"
    assert label_set("meld") is MELD


@pytest.mark.parametrize("name", ["", "melt", "own:", "own:b+a", "own:a+a", "own:a++b", f"own:{'x' * 41}"])
def test_other_names_are_no_label_sets(name: str) -> None:
    assert not is_label_set(name)


def test_too_many_labels_are_no_emotions() -> None:
    with pytest.raises(ValueError, match=r"^41 different labels are no emotions \(0, 1, 10, \.\.\.\)$"):
        own_labels(map(str, range(41)))
