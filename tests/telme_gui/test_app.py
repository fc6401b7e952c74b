"""The program as it is started: what it loads, draws, prints and leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from telme_gui.look.settings import Recent, Settings, save
from telme_gui.system import screen
from telme_model.corpus import open_corpus
from telme_model.corpus.dialogue import Split
from tests.support.predictions import store_run

ROOT = Path(__file__).parents[2]


def start(*arguments: str, code: str = "", home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run main.py, or `code`, with settings of its own and no display but what `variables` name."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"XDG_CONFIG_HOME": str(home), "PYTHONPATH": str(ROOT), **variables}
    command = ["-c", code] if code else [str(ROOT / "main.py")]
    return subprocess.run(
        [sys.executable, *command, *arguments], cwd=home, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("theme", "ground"), [("light", "#ffffff"), pytest.param("dark", "#1b1f26", marks=pytest.mark.slow)]
)
def test_open_draws_the_window_without_a_screen(
    tmp_path: Path, series: Path, night: Path, theme: str, ground: str
) -> None:
    picture = tmp_path / "new" / "window.png"
    done = start(
        *("open", str(series), "--run", str(night), "--turn", "dia0_utt1", "--offscreen"),
        *("--screenshot", str(picture), "--size", "1280x720", "--theme", theme),
        home=tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1280, 720)
    assert image.pixelColor(4, 400).name() == ground
    assert len({image.pixel(x, 360) for x in range(0, 1280, 3)}) > 10  # there is something to see
    assert [entry.name for entry in tmp_path.iterdir()] == ["new"]  # settings are left alone


@pytest.mark.slow
def test_settings_that_could_not_be_read_are_told(tmp_path: Path, series: Path) -> None:
    settings = tmp_path / "telme-studio" / "settings.json"
    settings.parent.mkdir()
    settings.write_text("{")
    arguments = ("open", str(series), "--screenshot", "a.png")
    done = start(*arguments, home=tmp_path, QT_QPA_PLATFORM="offscreen")
    assert "Your settings could not all be read: The program begins with its own settings." in done.stderr
    assert (tmp_path / "a.png").is_file()
    assert done.returncode == 0  # the picture has nothing to do with them


@pytest.mark.slow
def test_a_corpus_that_is_torn_is_drawn_and_its_losses_are_told(tmp_path: Path, series: Path) -> None:
    torn = tmp_path / "torn"
    torn.mkdir()
    for file in series.glob("*.csv"):
        (torn / file.name).write_bytes(file.read_bytes())
    (torn / "dev_sent_emo.csv").write_bytes(b"")
    arguments = ("open", str(torn), "--turn", "test/dia0_utt1", "--offscreen", "--screenshot", "a.png")
    done = start(*arguments, home=tmp_path)
    assert done.returncode == 0
    assert "torn is open, but not all of it could be read: Its annotations have a problem: dev_sent" in done.stderr
    assert (tmp_path / "a.png").is_file()
    done = start(*(*arguments[:3], "dev/dia0_utt0", *arguments[4:]), home=tmp_path)
    assert done.returncode == 1  # what is drawn is not what was asked for
    assert "There is no turn dev/dia0_utt0" in done.stderr


def test_the_window_is_painted_before_torch_is_there(tmp_path: Path, series: Path, night: Path) -> None:
    code = (
        "import sys\n"
        "from telme_gui import app\n"
        "drawn = app._draw\n"
        "def look(window, *rest, **more):\n"
        "    code = drawn(window, *rest, **more)\n"
        "    assert window.session.predictions is not None\n"
        "    print([name for name in ('torch', 'torchaudio', 'transformers') if name in sys.modules])\n"
        "    return code\n"
        "app._draw = look\n"
        "from telme_gui.commands import main\n"
        "raise SystemExit(main())"
    )
    arguments = ("open", str(series), "--run", str(night), "--offscreen", "--screenshot", "a.png")
    done = start(*arguments, code=code, home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.slow
def test_the_demo_without_a_display_prints_its_scores_and_names_its_picture(
    tmp_path: Path, series: Path, night: Path
) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from telme_model import bundled\n"
        f"bundled.DEMO_CORPUS, bundled.DEMO_RUN = Path({str(series)!r}), Path({str(night)!r})\n"
        "from telme_gui.commands import main\n"
        "raise SystemExit(main(['demo']))"
    )
    done = start(code=code, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("There is no display here")
    assert any(line.startswith("fused") for line in lines)
    assert lines[-1] == f"The window: {tmp_path / 'telme-demo.png'}"
    assert not QImage(str(tmp_path / "telme-demo.png")).isNull()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "there is no display here"),
        pytest.param(
            ["open", "nowhere", "--offscreen", "--screenshot", "a.png"],
            "nowhere cannot be opened",
            marks=pytest.mark.slow,
        ),
        (["open", "--offscreen"], "add --screenshot"),
        pytest.param(["open", "--offscreen", "--screenshot", "a.unknown"], "cannot be written", marks=pytest.mark.slow),
        (["open", "--offscreen", "--screenshot", "a.png", "--charts", "Score"], "there are: Scores, By emotion,"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    done = start(*arguments, home=tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_library_is_one_sentence(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['PySide6'] = None\n"
        "from telme_gui.commands import main\n"
        "raise SystemExit(main(['open', '--offscreen', '--screenshot', 'a.png']))"
    )
    done = start(code=code, home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("telme-studio: the window needs PySide6")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_missing_part_of_the_program_sends_nobody_for_a_library(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['telme_gui.browse.navigator'] = None\n"
        "from telme_gui.commands import main\n"
        "raise SystemExit(main(['open', '--offscreen', '--screenshot', 'a.png']))"
    )
    done = start(code=code, home=tmp_path)
    assert done.returncode == 1
    assert "telme_gui.browse.navigator" in done.stderr
    assert "apt" not in done.stderr


INTERRUPTED = """
import os, signal
from telme_gui.commands import main
from telme_gui.window.main_window import MainWindow
place = MainWindow._place
def interrupted(window):
    os.kill(os.getpid(), signal.{name})
    place(window)
MainWindow._place = interrupted
raise SystemExit(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_asked_to_end_while_it_is_built_the_window_closes_in_good_order(
    tmp_path: Path, series: Path, name: str
) -> None:
    code = INTERRUPTED.format(name=name)
    done = start("open", str(series), code=code, home=tmp_path, QT_QPA_PLATFORM="offscreen")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Traceback" not in done.stderr
    assert (tmp_path / "telme-studio" / "settings.json").is_file()


@pytest.mark.slow
def test_a_picture_that_is_not_waited_for_is_not_drawn(tmp_path: Path, series: Path) -> None:
    code = INTERRUPTED.format(name="SIGINT")
    done = start("open", str(series), "--offscreen", "--screenshot", "a.png", code=code, home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped; the window is not drawn\n")
    assert not (tmp_path / "a.png").exists()


@pytest.mark.slow
def test_what_a_picture_lacks_is_told(tmp_path: Path, series: Path) -> None:
    code = (
        "from telme_gui import app\n"
        "app.wait_until = lambda *_: None\n"  # patience has an end
        "from telme_gui.commands import main\n"
        "raise SystemExit(main())"
    )
    done = start("open", str(series), "--offscreen", "--screenshot", "a.png", code=code, home=tmp_path)
    assert (done.returncode, done.stderr) == (1, f"{series} is drawn before it is open\n")


@pytest.mark.slow
def test_a_picture_without_its_run_is_not_what_was_asked_for(tmp_path: Path, series: Path) -> None:
    """The run says nothing of the turn, and cannot predict it."""
    half = store_run(tmp_path / "half", open_corpus(series), Split.DEV)
    arguments = ("open", str(series), "--run", str(half), "--turn", "test/dia0_utt0", "--offscreen")
    done = start(*arguments, "--screenshot", "a.png", home=tmp_path)
    assert done.returncode == 1
    assert "half cannot predict" in done.stderr
    assert (tmp_path / "a.png").is_file()


@pytest.mark.slow
def test_a_picture_that_is_drawn_before_its_run_is_there_says_so(tmp_path: Path, series: Path, night: Path) -> None:
    code = (
        "from telme_gui.session.session import Session\n"
        "Session.set_predictions = lambda *_: None\n"  # what arrives too late
        "from telme_gui.commands import main\n"
        "raise SystemExit(main())"
    )
    arguments = ("open", str(series), "--run", str(night), "--turn", "test/dia0_utt0", "--offscreen")
    done = start(*arguments, "--screenshot", "a.png", code=code, home=tmp_path)
    told = f"The window is drawn without a prediction of {night} for test/dia0_utt0\n"
    assert (done.returncode, done.stderr) == (1, told)


@pytest.mark.slow
def test_recent_corpora_that_cannot_be_looked_into_keep_no_window_from_starting(tmp_path: Path) -> None:
    gone = tmp_path / ("x" * 300)
    settings = Settings(recent=[Recent(str(gone), str(gone))])
    assert save(settings, tmp_path / "telme-studio" / "settings.json")
    code = "from telme_gui import app; app.SETTLE = 0; from telme_gui.commands import main; raise SystemExit(main())"
    done = start("open", "--screenshot", "a.png", code=code, home=tmp_path, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0
    assert (tmp_path / "a.png").is_file()


def test_the_overview_names_the_commands_of_the_window_first(tmp_path: Path) -> None:
    done = start("--help", home=tmp_path)
    told = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    ") and line[4] != " "]
    assert told[:3] == ["demo", "open", "check"]


def test_a_size_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    done = start("open", "--size", "wide", home=tmp_path)
    assert done.returncode == 2
    assert "1280x720" in done.stderr


def test_a_display_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    done = start("open", home=tmp_path, DISPLAY=":65000")
    assert done.returncode == 1
    assert "does not answer" in done.stderr or "lacks" in done.stderr  # or a library of X11 is not installed here
    assert len(done.stderr.splitlines()) == 1


def test_a_library_that_qt_lacks_is_named_before_qt_ends_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "libqxcb.so"
    plugin.write_bytes(b"")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(screen, "_plugin", lambda: plugin)
    reason = screen.why_no_screen()
    assert str(plugin) in reason
    assert "apt install" in reason
    assert "libxcb-cursor0" in reason
