"""The picture with what is said over it: subtitle, speaker, emotion, and what is wrong."""

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from telme_gui.look import chips, icons, theme
from telme_gui.look.words import as_tip
from telme_gui.look.wrapping import one_line, wrapped
from telme_model.corpus.dialogue import Modality, Turn

# A picture is judged against black in either theme, so these are not in the theme's palette.
_GROUND = QColor("#0A0B0D")
_PLATE = QColor(10, 11, 13, 190)
_TEXT, _MUTED = QColor("#F4F6F9"), QColor("#9AA3B2")
_SPEAKER = QColor("#9DB4FF")
_WARNING = QColor("#F0B45A")

_TOP, _CENTRED = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignHCenter
_SIGN = 48  # px
_LINES = 4  # of a subtitle at most
_LONG = 160  # characters of words that a tooltip tells, for they may not have room
_ALL = frozenset(Modality)
_NAMES = {Modality.TEXT: "words", Modality.AUDIO: "sound", Modality.VISUAL: "face"}


class PictureView(QWidget):
    """Paints the latest picture of a turn, fitted into the widget."""

    clicked = Signal()
    double_clicked = Signal()
    resized = Signal(QSize)  # device pixels

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._turn: Turn | None = None
        self._emotion = ""
        self._presented = _ALL
        self._problem = ""
        self._note = ""
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 135)
        self.setAccessibleName("Picture")

    def sizeHint(self) -> QSize:  # noqa: N802
        """16:9."""
        return QSize(704, 396)

    def show_turn(self, turn: Turn | None, emotion: str = "") -> None:
        """Set what is said, by whom, and the emotion of the chip; the picture stays until the next one is there."""
        if turn is None:
            self._image = None
        self._turn, self._emotion = turn, emotion
        said = turn is not None and Modality.TEXT in self._presented
        self.setAccessibleDescription(f"{turn.speaker}: {turn.text}" if turn and said else "")
        self._explain()
        self.update()

    def present(self, modalities: frozenset[Modality]) -> None:
        """Set what may be seen of a turn: without the face words in its place, without the words no subtitle."""
        self._presented = modalities
        self.show_turn(self._turn, self._emotion)

    def show_image(self, image: QImage | None) -> None:
        """Set the picture."""
        self._image = image
        self.update()

    def show_problem(self, problem: str) -> None:
        """Set the banner: a sentence on what is wrong with the turn's clips; empty for none."""
        if problem != self._problem:
            self._problem = problem
            self._explain()
            self.update()

    def show_note(self, note: str) -> None:
        """Set the small print in the corner."""
        if note != self._note:
            self._note = note
            self.update()

    def _explain(self) -> None:
        """Tell in the tooltip what there may be no room for."""
        turn = self._turn
        long = turn is not None and Modality.TEXT in self._presented and len(turn.text) > _LONG
        self.setToolTip(as_tip(self._problem or (turn.text if turn is not None and long else "")))

    # -- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Ground, picture, and what lies over it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = self._frame()
        said = self._turn is not None and Modality.TEXT in self._presented
        if self._turn is not None and Modality.VISUAL not in self._presented:
            painter.fillRect(self.rect(), _GROUND)
            self._paint_unseen(painter, self._turn)
            said = False
        elif self._image is None:
            painter.fillRect(self.rect(), _GROUND)
            if not self._problem:
                self._paint_empty(painter)
        else:
            for side in self._sides(frame):
                painter.fillRect(side, _GROUND)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(frame, self._image)
        top = self._paint_problem(painter)
        if self._emotion:
            self._paint_emotion(painter, frame, top)
        if note := " · ".join(filter(None, (self._only(), self._note))):
            self._paint_note(painter, note, top)
        if said and self._turn is not None:
            self._paint_subtitle(painter, self._turn)
        painter.end()

    def _frame(self) -> QRect:
        """Where the picture goes."""
        if self._image is None or Modality.VISUAL not in self._presented:
            return self.rect()
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        corner = QPoint((self.width() - size.width()) // 2, (self.height() - size.height()) // 2)
        return QRect(corner, size)

    def _sides(self, frame: QRect) -> list[QRect]:
        """What the picture leaves."""
        width, height = self.width(), self.height()
        return [
            QRect(0, 0, width, frame.top()),
            QRect(0, frame.bottom() + 1, width, height - frame.bottom() - 1),
            QRect(0, frame.top(), frame.left(), frame.height()),
            QRect(frame.right() + 1, frame.top(), width - frame.right() - 1, frame.height()),
        ]

    def _paint_empty(self, painter: QPainter) -> None:
        if self._turn is None:
            said = "No dialogue is open"
        elif self._turn.video is None:
            said = "This corpus has no picture here" if self._turn.audio else "The corpus has no clip for this turn"
        else:
            return  # the first picture is on its way
        painter.setFont(theme.font())
        painter.setPen(_MUTED)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, said)

    def _paint_unseen(self, painter: QPainter, turn: Turn) -> None:
        """In place of the picture: the words, or the sign of sound where they are not to be seen either."""
        if Modality.TEXT not in self._presented:
            sign = QRectF(0, 0, _SIGN, _SIGN)
            sign.moveCenter(QRectF(self.rect()).center())
            icons.draw(painter, "sound" if Modality.AUDIO in self._presented else "muted", _MUTED.name(), sign)
            return
        size = min(max(self.height() // 16, theme.TITLE), 40)
        name, words = theme.font(max(size * 2 // 3, theme.BODY), bold=True), theme.font(size)
        room = self.rect().adjusted(self.width() // 8, 0, -self.width() // 8, 0)
        above = QFontMetrics(name).height() + theme.RHYTHM
        most = max((self.height() - 2 * above) // QFontMetrics(words).lineSpacing(), 1)
        text = wrapped(turn.text, size, room.width(), most) or "…"
        speaker = QFontMetrics(name).elidedText(one_line(turn.speaker), Qt.TextElideMode.ElideRight, room.width())
        height = QFontMetrics(words).boundingRect(room, _CENTRED, text).height()
        room.setTop(max((self.height() - height + above) // 2, above))
        painter.setFont(name)
        painter.setPen(_SPEAKER)
        painter.drawText(room.adjusted(0, -above, 0, 0), _CENTRED, speaker)
        painter.setFont(words)
        painter.setPen(_TEXT)
        painter.drawText(room, _CENTRED, text)

    def _only(self) -> str:
        """What is given of the turn, where it is not all."""
        if self._presented == _ALL or self._turn is None:
            return ""
        names = [name for modality, name in _NAMES.items() if modality in self._presented]
        return f"{' and '.join(names) or 'nothing'} only".capitalize()

    def _paint_problem(self, painter: QPainter) -> int:
        """Paint the banner and return where the room below it begins."""
        if not self._problem:
            return 0
        font = theme.font()
        metrics = QFontMetrics(font)
        text = wrapped(self._problem, theme.BODY, min(self.width() - 6 * theme.RHYTHM, 720), _LINES - 1)
        height = metrics.boundingRect(self.rect(), _TOP, text).height()
        banner = QRect(0, 0, self.width(), height + 2 * theme.RHYTHM)
        painter.fillRect(banner, QColor("#2B2417"))
        painter.setFont(font)
        painter.setPen(_WARNING)
        painter.drawText(
            QRect(2 * theme.RHYTHM, 0, 2 * theme.RHYTHM, banner.height()), Qt.AlignmentFlag.AlignVCenter, "!"
        )
        painter.setPen(QColor("#F2E3C6"))
        words = banner.adjusted(4 * theme.RHYTHM, theme.RHYTHM, -2 * theme.RHYTHM, -theme.RHYTHM)
        painter.drawText(words, _TOP, text)
        return banner.height()

    def _paint_emotion(self, painter: QPainter, frame: QRect, top: int) -> None:
        size = chips.chip_size(self._emotion, QFontMetrics(chips.chip_font()))
        gap = theme.RHYTHM + 4
        corner = QPoint(frame.right() + 1 - gap - size.width(), max(frame.top(), top) + gap)
        chips.paint_chip(painter, QRect(corner, size), self._emotion)

    def _paint_note(self, painter: QPainter, note: str, top: int) -> None:
        font = theme.font(theme.CAPTION)
        metrics = QFontMetrics(font)
        note = metrics.elidedText(note, Qt.TextElideMode.ElideRight, self.width() // 2)
        plate = QRectF(
            theme.RHYTHM, top + theme.RHYTHM, metrics.horizontalAdvance(note) + 2 * theme.RHYTHM, metrics.height() + 6
        )
        self._paint_plate(painter, plate)
        painter.setFont(font)
        painter.setPen(_MUTED)
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, note)

    def _paint_subtitle(self, painter: QPainter, turn: Turn) -> None:
        size = max(theme.TITLE, min(self.height() // 24, 34))
        name, words = theme.font(size, bold=True), theme.font(size)
        speaker = QFontMetrics(name).elidedText(one_line(turn.speaker), Qt.TextElideMode.ElideRight, self.width() // 4)
        name_width = QFontMetrics(name).horizontalAdvance(speaker) + size // 2
        gap = theme.RHYTHM + 2
        room = max(min(self.width() - 6 * theme.RHYTHM, 48 * size) - name_width - 2 * gap, 80)
        text = wrapped(turn.text, size, room, _LINES) or "…"
        bounds = QFontMetrics(words).boundingRect(self.rect(), _TOP, text)
        width = name_width + bounds.width() + 2 * gap + 2
        plate = QRect((self.width() - width) // 2, 0, width, bounds.height() + gap)
        plate.moveBottom(self.height() - 2 * theme.RHYTHM)
        self._paint_plate(painter, QRectF(plate))
        inner = plate.adjusted(gap, gap // 2, -gap, -gap // 2)
        painter.setFont(name)
        painter.setPen(_SPEAKER)
        painter.drawText(inner, _TOP, speaker)
        painter.setFont(words)
        painter.setPen(_TEXT)
        painter.drawText(inner.adjusted(name_width, 0, 2, 0), _TOP, text)

    def _paint_plate(self, painter: QPainter, rect: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_PLATE)
        painter.drawRoundedRect(rect, theme.RADIUS, theme.RADIUS)

    # -- mouse and size -----------------------------------------------------------------------------------------

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click plays or pauses."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        """A double click is for the full screen."""
        self.double_clicked.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Tell how many pixels there are."""
        self.resized.emit(event.size() * self.devicePixelRatioF())
