"""The terminal says what files hold, and is not steered by them."""

import json
from pathlib import Path

import pytest

from telme_model.commands.main import main
from telme_model.commands.terminal import print_json, table
from telme_model.corpus.dialogue import Split
from telme_model.errors import StudioError, brief, harmless
from telme_model.runs import catalogue
from telme_model.runs.config import ConfigError, from_dict
from tests.support.corpora import rows, write_annotations
from tests.support.runs import copied_run

STEERING = "\x1b]0;owned\x07\x1b[2J\x9b1m\x08\x7f\u202e"


def _clean(text: str) -> bool:
    return not set(text) & set("\x1b\x07\x9b\x08\x7f\u202e")


def test_what_commands_say_of_files_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = list(rows(Split.TEST))
    table[0]["Emotion"] = table[1]["Speaker"] = table[2]["Utterance_ID"] = table[1]["Utterance"] = f"x{STEERING}"
    write_annotations(tmp_path, Split.TEST, table)
    main(["check", str(tmp_path)])
    run = copied_run(tmp_path / "default runs", "one", lambda tree: tree["corpus"].update(root=f"../{STEERING}"))
    catalogue.write_note(run, STEERING)
    main(["runs", "show", str(run)])
    main(["runs", "list"])
    main(["evaluate", "--run", str(tmp_path / STEERING)])
    said = capsys.readouterr()
    assert r"\x1b]0;owned\x07" in said.out
    assert _clean(said.out + said.err)


def test_json_holds_the_characters_and_shows_none(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": STEERING})
    said = capsys.readouterr().out
    assert _clean(said)
    assert json.loads(said) == {"name": STEERING}


def test_a_cell_with_line_breaks_is_one_line() -> None:
    assert list(table([["a", "b"], ["x\ny", "1"]])) == ["a    b", "x y  1"]


VALUES = {
    "a text": "x" * 10**6,
    "a number": 10**5000,
    "a list": ["x" * 10**6],
    "a table": {"x": "y" * 10**6},
    "a number below": -(10**400),
    "bytes": b"x" * 500,
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_in_a_sentence_is_cut_to_a_line(value: object) -> None:
    assert len(brief(value)) <= 80
    with pytest.raises(ConfigError) as caught:
        from_dict({"dim": value})
    assert len(str(caught.value)) < 200


def test_an_error_is_a_sentence_of_a_few_lines_at_most() -> None:
    error = StudioError(f"{STEERING}{'x' * 10**6}")
    assert _clean(str(error))
    assert len(str(error)) <= 1500
    assert harmless("a\tb\nc é 👨‍👩‍👧") == "a\tb\nc é 👨‍👩‍👧"
