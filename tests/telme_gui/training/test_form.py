"""The form is the configuration: every setting has words, an editor of its type, a check on the spot and a way back."""

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QCheckBox, QLineEdit
from pytestqt.qtbot import QtBot

from telme_gui.training.dialog.ablation_page import VARIANTS, hindrance, varied
from telme_gui.training.dialog.draft import Draft
from telme_gui.training.dialog.form import Choice, FormPage, Several
from telme_gui.training.dialog.layers import labels_sentence
from telme_gui.training.dialog.run_page import SeedsError, parse_seeds
from telme_model.corpus.dialogue import Corpus, Dialogue, Modality, Split, Turn, TurnId
from telme_model.corpus.emotions import MELD
from telme_model.media.cache import CacheEstimate
from telme_model.runs import presets
from telme_model.runs.config import SETTINGS, Config, ConfigError, to_dict
from telme_model.runs.costs import Costs
from telme_model.runs.notes import notes
from telme_model.runs.plan import flat

EVERY = tuple(SETTINGS.values())
OTHERWISE = ("preset", "teacher", "students")  # tested by themselves
ANOTHER = {  # a value that no preset has
    "text.weights": "/models/text",
    "audio.weights": "/models/audio",
    "visual.weights": "/models/visual",
    "device": "cuda:1",
    "dim": "1536",
    "fusion.heads": "6",
}


@pytest.fixture
def page(qtbot: QtBot) -> FormPage:
    """All settings of the paper's preset on one page."""
    page = FormPage(Draft())
    qtbot.addWidget(page)
    page.draft.setParent(page)
    for setting in EVERY:
        if setting.path != "preset":
            page.setting(setting)
    page.show()
    return page


def value(config: Config | None, path: str) -> object:
    assert config is not None
    return flat(to_dict(config))[path]


def test_the_form_has_the_words_of_the_configuration(page: FormPage) -> None:
    assert [setting.path for setting in EVERY] == list(flat(to_dict(Config())))
    for setting in EVERY[1:]:
        row = page.rows[setting.path]
        assert (row.label.text(), row.note.text()) == (setting.title, setting.help)
        assert row.editor.toolTip() == f"It has to {setting.allowed}"


def test_everything_is_described() -> None:
    assert set(presets.DESCRIPTIONS) == set(presets.PRESETS) - {"toy"}
    every = [(words.title, words.help) for words in EVERY] + list(presets.DESCRIPTIONS.values())
    assert all(title and sentence.endswith(".") for title, sentence in every)


@pytest.mark.slow
def test_an_editor_changes_its_setting_and_is_reset(qtbot: QtBot, page: FormPage) -> None:
    for setting in EVERY:
        if setting.path in OTHERWISE:
            continue
        row, before = page.rows[setting.path], value(page.draft.config, setting.path)
        editor = row.editor
        if isinstance(editor, QCheckBox):
            editor.click()
            wanted: object = not before
        elif isinstance(editor, Choice):
            other = next(i for i in range(editor.count()) if editor.itemData(i) != before)
            editor.setCurrentIndex(other)
            editor.activated.emit(other)
            wanted = editor.itemData(other)
        else:
            assert isinstance(editor, QLineEdit)
            editor.selectAll()
            text = ANOTHER.get(setting.path, "18" if setting.kind is int else "0.25")
            qtbot.keyClicks(editor, text)
            wanted = text if setting.kind is str else setting.kind(text)
        assert value(page.draft.config, setting.path) == wanted, setting
        assert not row.reset.isHidden(), setting
        row.reset.click()
        assert page.draft.config == presets.PAPER_MELD, setting
        assert row.reset.isHidden(), setting


def test_every_type_has_its_editor(page: FormPage) -> None:
    kinds = {path: type(row.editor) for path, row in page.rows.items()}
    for setting in EVERY[1:]:
        plain = setting.kind in (int, float, str)
        expected = Several if get_args(setting.kind) else QCheckBox if setting.kind is bool else Choice
        assert kinds[setting.path] is (QLineEdit if plain else expected)
        if expected is Choice and not plain:
            assert issubclass(setting.kind, StrEnum)


def test_what_is_wrong_is_said_beside_it_and_only_there(qtbot: QtBot, page: FormPage) -> None:
    batch, theta = page.rows["stages.audio.batch"], page.rows["fusion.theta"]
    for row, text in ((batch, "0"), (theta, "much")):
        assert isinstance(row.editor, QLineEdit)
        row.editor.clear()
        qtbot.keyClicks(row.editor, text)
    assert page.draft.config is None
    assert batch.note.text() == "Stages.audio.batch is 0; it has to be above 0"
    assert theta.note.text().startswith("Fusion.theta cannot be 'much'")
    assert page.rows["stages.visual.batch"].note.text() == SETTINGS["stages.visual.batch"].help
    page.draft.set("stages.audio.batch", "8")
    assert batch.note.text() == SETTINGS["stages.audio.batch"].help
    assert page.draft.config is None
    page.draft.reset("fusion.theta")
    assert value(page.draft.config, "stages.audio.batch") == 8


def test_what_one_setting_asks_of_another_is_said_at_the_one_that_is_named(page: FormPage) -> None:
    page.draft.set("dim", "100")
    assert page.draft.config is None
    assert "does not divide" in page.rows["fusion.heads"].note.text()
    page.draft.set("fusion.heads", "4")
    assert value(page.draft.config, "dim") == 100


def test_the_same_number_written_otherwise_is_no_change(qtbot: QtBot, page: FormPage) -> None:
    rate = page.rows["stages.teacher.learning_rate"].editor
    assert isinstance(rate, QLineEdit)
    rate.setFocus()
    rate.clear()
    qtbot.keyClicks(rate, "0.00001")
    assert rate.text() == "0.00001"
    assert page.draft.settings == []


def test_another_teacher_takes_its_place_among_the_students(page: FormPage) -> None:
    page.draft.set("teacher", "audio")
    assert page.draft.config is not None
    assert page.draft.config.students == (Modality.TEXT, Modality.VISUAL)
    page.draft.set("teacher", "text")
    assert page.draft.config == presets.PAPER_MELD
    page.draft.set("students", "text,audio")
    assert "its own student" in page.rows["students"].note.text()


texts = st.sampled_from(EVERY[1:]).flatmap(
    lambda setting: st.tuples(
        st.just(setting.path),
        st.sampled_from([str(member) for member in setting.kind])
        if isinstance(setting.kind, type) and issubclass(setting.kind, StrEnum)
        else st.sampled_from(
            ["0", "1", "-1", "2.5", "1e-4", "nan", "true", "false", "", "audio", "text,visual", "x y"]
        ),
    )
)


@pytest.mark.slow
@given(preset=st.sampled_from(sorted(presets.PRESETS)), changes=st.lists(texts, max_size=5))
def test_a_draft_is_what_the_command_line_would_make_of_its_settings(
    preset: str, changes: list[tuple[str, str]]
) -> None:
    draft = Draft()
    draft.load(preset)
    for path, text in changes:
        draft.set(path, text)
    try:
        expected = presets.preset(preset).with_settings(draft.settings)
    except ConfigError:
        assert draft.config is None
        assert draft.errors
    else:
        assert draft.config == expected
        assert not draft.errors
    again = Draft()
    again.load(preset, draft.settings)
    assert again.config is not None  # what was wrong is left out


@pytest.mark.parametrize(
    ("text", "seeds"), [("0", (0,)), (" 3-5 ,7,4", (3, 4, 5, 7)), ("12, 0", (12, 0)), ("7-7", (7,))]
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1,", "-1", "5-3", "0-100", "1.5", "0-4-5"])
def test_seeds_that_are_none(text: str) -> None:
    with pytest.raises(SeedsError, match="seeds"):
        parse_seeds(text)


def test_variants_change_a_run_and_are_off_where_it_is_so_already() -> None:
    for variant in VARIANTS:
        assert not hindrance(presets.PAPER_MELD, variant)
        changed = varied(presets.PAPER_MELD, variant)
        assert changed != presets.PAPER_MELD
        assert hindrance(changed, variant) == "The run is like this already"
    three_heads = presets.PAPER_MELD.with_settings(["dim=96", "fusion.heads=64"])
    assert "does not divide" in hindrance(three_heads, next(v for v in VARIANTS if v.name == "audio-only"))


def cost_of(emotions: dict[str, int], lacking: dict[Modality, int]) -> Costs:
    """Costs of a corpus of which little else is known."""
    return Costs(
        labelled={Split.TRAIN: sum(emotions.values()), Split.DEV: 10},
        emotions=emotions,
        lacking={modality: Counter({Split.TRAIN: count}) for modality, count in lacking.items()},
        cache=CacheEstimate(turns=0, bytes=0, free_bytes=0),
        run_bytes=None,
    )


ALL = dict.fromkeys(MELD.labels, 100)
WHOLE = {Modality.AUDIO: 0, Modality.VISUAL: 0}


@pytest.mark.parametrize(
    ("emotions", "lacking", "expected"),
    [
        (ALL, WHOLE, []),
        (ALL | {"fear": 0}, WHOLE, ["No turn of train is fear: it will not be predicted."]),
        (
            {"joy": 40, "anger": 40},
            WHOLE,
            ["No turn of train is disgust, fear, neutral, sadness or surprise: they will not be predicted."],
        ),
        ({"joy": 60}, WHOLE, ["Every labelled turn of train is joy: nothing else will be predicted."]),
        (dict.fromkeys(MELD.labels, 7), WHOLE, ["49 labelled turns in train: too few for scores that mean much."]),
        (ALL, {Modality.AUDIO: 3, Modality.VISUAL: 3}, ["3 of 710 labelled turns have no clip"]),
        (ALL, {Modality.AUDIO: 3, Modality.VISUAL: 0}, ["3 of 710 labelled turns have no sound"]),
        (ALL, {Modality.AUDIO: 700, Modality.VISUAL: 2}, ["2 of 710 labelled turns have no picture"]),
    ],
)
def test_what_a_person_should_know_of_the_turns(
    emotions: dict[str, int], lacking: dict[Modality, int], expected: list[str]
) -> None:
    corpus = Corpus(root=Path(), kind="meld", labels=MELD, dialogues=())
    told = notes(corpus, Config(), cost_of({name: count for name, count in emotions.items() if count}, lacking))
    assert [sentence.partition(": text")[0].partition(": it counts")[0] for sentence in told] == expected


def test_turns_without_a_label_are_counted() -> None:
    turns = tuple(
        Turn(id=TurnId(Split.TRAIN, "0", n), speaker="A", text="", gold=g) for n, g in enumerate(("joy", None))
    )
    dialogue = Dialogue(split=Split.TRAIN, name="0", turns=turns)
    corpus = Corpus(root=Path(), kind="meld", labels=MELD, dialogues=(dialogue,))
    [told] = notes(corpus, Config(), cost_of(ALL, WHOLE))
    assert told.startswith("1 of 2 turns have no label: ")


def test_without_clips_for_text_alone_there_is_nothing_to_say() -> None:
    corpus = Corpus(root=Path(), kind="meld", labels=MELD, dialogues=())
    assert notes(corpus, Config(students=()), cost_of(ALL, {Modality.AUDIO: 3, Modality.VISUAL: 3})) == []


@pytest.mark.parametrize(
    ("count", "words"),
    [
        ({Split.TRAIN: 1}, "1 label among 2 train turns, none among 1 dev turn; gold elsewhere."),
        ({Split.TEST: 5}, "no label among 2 train turns, none among 1 dev turn; gold elsewhere."),
        ({Split.TRAIN: 2, Split.DEV: 1}, "2 labels among 2 train turns, 1 label among 1 dev turn; gold elsewhere."),
    ],
)
def test_how_much_is_a_layer_s_own(count: dict[Split, int], words: str) -> None:
    def dialogue(split: Split, size: int) -> Dialogue:
        turns = [Turn(id=TurnId(split, "0", number), speaker="Ada", text="Yes.") for number in range(size)]
        return Dialogue(split=split, name="0", turns=tuple(turns))

    corpus = Corpus(root=Path(), kind="meld", labels=MELD, dialogues=(dialogue(Split.TRAIN, 2), dialogue(Split.DEV, 1)))
    assert labels_sentence(corpus, Counter(count)) == words
