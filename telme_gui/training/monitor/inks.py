"""What each stage, loss term and compared run is drawn with: a colour, and a mark that tells it without the colour."""

from dataclasses import dataclass

from telme_gui.look import theme
from telme_model.events import Phase


@dataclass(frozen=True, slots=True)
class Ink:
    """A name as it is shown, its colour on a light and on a dark ground, and pyqtgraph's letter of its mark."""

    name: str
    light: str
    dark: str
    mark: str

    @property
    def colour(self) -> str:
        """The colour in force."""
        return self.dark if theme.active_palette() is theme.DARK else self.light

    @property
    def glyph(self) -> str:
        """The mark as a character."""
        return _GLYPHS[self.mark]


_GLYPHS = {"o": "●", "s": "■", "t1": "▲", "d": "◆", "t": "▼", "p": "⬟"}

GREY = ("#6B7482", "#98A1B0")
AMBER = ("#9A5F12", "#E0A45C")
TEAL = ("#147D73", "#62C6B8")
BLUE = ("#3A5BC7", "#86A2FF")
PLUM = ("#8A4FA3", "#C79BDD")
ROSE = ("#A83E63", "#EE93AE")

STAGES = {
    Phase.TEACHER: Ink("teacher", *GREY, "o"),
    Phase.TEXT: Ink("text", *PLUM, "t"),
    Phase.AUDIO: Ink("audio", *AMBER, "s"),
    Phase.VISUAL: Ink("visual", *TEAL, "t1"),
    Phase.FUSION: Ink("fused", *BLUE, "d"),
}

# Equation 6: L_student = L_cls + alpha L_response + beta L_feature
TERMS = {
    "cls": Ink("L_cls", *BLUE, "o"),
    "response": Ink("L_response", *AMBER, "s"),
    "feature": Ink("L_feature", *TEAL, "t1"),
}

_RUNS = ((BLUE, "o"), (AMBER, "s"), (TEAL, "t1"), (PLUM, "d"), (ROSE, "t"), (GREY, "p"))


def run_ink(name: str, place: int) -> Ink:
    """The ink of the run at `place` of those that are compared."""
    colours, mark = _RUNS[place % len(_RUNS)]
    return Ink(name, *colours, mark)
