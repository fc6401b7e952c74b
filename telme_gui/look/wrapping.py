"""Words that are too many or too long for their place: broken where there is no space, and cut off with an ellipsis."""

import re
from functools import lru_cache
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QTextLayout, QTextOption

from telme_gui.look import theme

_LONGEST_WORD = 20  # characters, of the widest ones as many as the narrowest panel holds
_MOST = 2000  # characters that are laid out at all


def one_line(text: str) -> str:
    """The same words, a line break among them as a space."""
    return " ".join(text.split())


def breakable(text: str, most: int = _MOST) -> str:
    """For a label that wraps its words: a place to break in those that are too long, and an ellipsis after `most`."""
    return re.sub(rf"(\S{{{_LONGEST_WORD}}})(?=[^\s…])", "\\1\u200b", _cut(text, most))


@lru_cache(maxsize=32)  # it is asked for with every picture of a film
def wrapped(text: str, size: int, width: int, most: int) -> str:
    """The words in `size` px, as lines no wider than `width`; of more than `most` the last is elided."""
    text = one_line(_cut(text, _MOST))
    font = theme.font(size)
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    letters = text.encode("utf-16-le", "surrogatepass")  # as Qt counts them
    ends = [0]
    layout.beginLayout()
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        ends.append(line.textStart() + line.textLength())
    layout.endLayout()
    shown = ends if len(ends) <= most + 1 else [*ends[:most], ends[-1]]
    lines = [letters[2 * a : 2 * b].decode("utf-16-le", "surrogatepass").strip() for a, b in pairwise(shown)]
    if shown is not ends:
        lines[-1] = QFontMetrics(font).elidedText(lines[-1], Qt.TextElideMode.ElideRight, width)
    return "\n".join(lines)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
