"""The dress of everything that Qt draws itself: one style sheet and one set of colours, from the palette in force."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from telme_gui.look import theme
from telme_gui.look.settings import Theme
from telme_gui.look.theme import Palette
from telme_model.bundled import ICONS

_FORCED = {Theme.SYSTEM: None, Theme.LIGHT: theme.LIGHT, Theme.DARK: theme.DARK}

# {r} is the radius, {c} and {t} the sizes of captions and titles; the rest are the palette's colours.
_SHEET = """
QMainWindow, #page {{ background: {p.surface}; }}
QMainWindow::separator {{ background: {p.line}; width: 1px; height: 1px; }}
QSplitter::handle {{ background: {p.line}; }}

#header {{ background: {p.window}; border-bottom: 1px solid {p.line}; }}
QMenuBar {{ background: transparent; color: {p.text}; padding: 0; }}
QMenuBar::item {{ background: transparent; padding: 5px 9px; border-radius: 6px; }}
QMenuBar::item:selected {{ background: {p.raised}; }}
QMenu {{ background: {p.surface}; color: {p.text}; border: 1px solid {p.line}; padding: 5px; }}
QMenu::item {{ padding: 5px 28px 5px 12px; border-radius: 5px; }}
QMenu::item:selected {{ background: {p.selected}; }}
QMenu::item:disabled {{ color: {p.muted}; }}
QMenu::separator {{ height: 1px; background: {p.line}; margin: 5px 8px; }}
QMenu::icon {{ padding-left: 8px; }}

QStatusBar {{ background: {p.window}; border-top: 1px solid {p.line}; color: {p.muted}; }}
QStatusBar::item {{ border: none; }}
QStatusBar QLabel {{ color: {p.muted}; font-size: {c}px; background: transparent; }}

QPushButton, QToolButton#plain {{
    background: {p.surface}; color: {p.text}; border: 1px solid {p.line}; border-radius: {r}px; padding: 6px 14px;
}}
QPushButton:hover, QToolButton#plain:hover {{ background: {p.raised}; }}
QPushButton:pressed {{ background: {p.selected}; }}
QPushButton:focus, QToolButton#plain:focus {{ border-color: {p.accent}; }}
QPushButton:disabled {{ color: {p.muted}; background: transparent; }}
QPushButton#primary {{ background: {p.accent}; color: {p.surface}; border-color: {p.accent}; font-weight: 600; }}
QPushButton#primary:hover {{ background: {p.text}; border-color: {p.text}; }}
QPushButton#primary:focus {{ border-color: {p.text}; }}
QPushButton#primary:disabled {{ background: {p.raised}; color: {p.muted}; border-color: {p.line}; }}
QPushButton#quiet, QToolButton#quiet {{
    background: transparent; border: 1px solid transparent; color: {p.muted}; padding: 3px 8px; border-radius: 6px;
}}
QPushButton#quiet:hover, QToolButton#quiet:hover {{ background: {p.raised}; color: {p.text}; }}
QPushButton#quiet:focus, QToolButton#quiet:focus {{ border-color: {p.accent}; }}
QPushButton#quiet:disabled, QToolButton#quiet:disabled {{ color: {p.faint}; }}
QToolButton::menu-indicator {{ image: none; }}
QToolButton#tab {{
    background: transparent; color: {p.muted}; border: 1px solid transparent; border-radius: 6px; padding: 3px 12px;
}}
QToolButton#tab:hover {{ color: {p.text}; }}
QToolButton#tab:checked {{ background: {p.selected}; color: {p.text}; }}
QToolButton#tab:focus {{ border-color: {p.accent}; }}

QLineEdit, QPlainTextEdit {{
    background: {p.raised}; color: {p.text}; border: 1px solid {p.line}; border-radius: {r}px; padding: 4px 7px;
    selection-background-color: {p.accent}; selection-color: {p.surface};
}}
QLineEdit:focus, QPlainTextEdit:focus {{ border-color: {p.accent}; }}
QPlainTextEdit#report {{ font-family: monospace; font-size: 12px; }}
QComboBox {{
    background: {p.surface}; color: {p.text}; border: 1px solid {p.line}; border-radius: {r}px; padding: 3px 8px;
    min-height: 18px;
}}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{ image: url("{icons}/down.svg"); width: 10px; height: 6px; margin-right: 6px; }}
QComboBox:hover {{ background: {p.raised}; }}
QComboBox:disabled {{ color: {p.muted}; }}
QComboBox:focus {{ border-color: {p.accent}; }}
QComboBox QAbstractItemView {{
    background: {p.surface}; color: {p.text}; border: 1px solid {p.line}; selection-background-color: {p.selected};
    selection-color: {p.text}; outline: 0;
}}
QCheckBox {{ color: {p.text}; spacing: 8px; }}
QToolTip {{ background: {p.raised}; color: {p.text}; border: 1px solid {p.line}; padding: 4px 6px; }}

QScrollBar {{ background: transparent; border: none; margin: 0; }}
QScrollBar:vertical {{ width: 9px; }}
QScrollBar:horizontal {{ height: 9px; }}
QScrollBar::handle {{ background: {p.line}; border-radius: 3px; margin: 1px; }}
QScrollBar::handle:vertical {{ min-height: 32px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; }}
QScrollBar::handle:hover {{ background: {p.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QProgressBar {{ background: {p.line}; border: none; border-radius: 2px; max-height: 4px; }}
QProgressBar::chunk {{ background: {p.accent}; border-radius: 2px; }}

QTabBar {{ background: {p.window}; border: none; font-size: {c}px; }}
QTabBar::tab {{
    background: transparent; color: {p.muted}; border: none; padding: 4px 12px; margin: 2px 2px 2px 4px;
    border-radius: 6px; font-size: {c}px;
}}
QTabBar::tab:hover {{ color: {p.text}; }}
QTabBar::tab:selected {{ background: {p.selected}; color: {p.text}; }}
QTabBar::tab:focus {{ color: {p.accent}; }}
QDockWidget {{ color: {p.muted}; font-size: {c}px; }}
QDockWidget::title {{ background: {p.window}; padding: 4px 8px; border-bottom: 1px solid {p.line}; }}
QDialog {{ background: {p.surface}; }}
QLabel {{ color: {p.text}; background: transparent; }}
QLabel#muted {{ color: {p.muted}; }}
QLabel#caption {{ color: {p.muted}; font-size: {c}px; }}
QLabel#title {{ font-size: {t}px; font-weight: 600; }}
QLabel#heading {{ font-size: 26px; font-weight: 600; }}
QLabel#keys {{
    color: {p.text}; background: {p.raised}; border: 1px solid {p.line}; border-radius: 5px; padding: 1px 6px;
    font-size: {c}px;
}}
QLabel#wrong {{ color: {p.bad}; font-size: {c}px; }}
QListWidget#pages {{ background: transparent; border: none; outline: 0; padding: 0; }}
QListWidget#pages::item {{ color: {p.muted}; border-radius: 6px; padding: 5px 10px; }}
QListWidget#pages::item:hover {{ background: {p.raised}; color: {p.text}; }}
QListWidget#pages::item:selected {{ background: {p.selected}; color: {p.text}; }}
QListWidget#pages::item:focus {{ border: 1px solid {p.accent}; }}
QTableView#lines {{
    background: {p.surface}; color: {p.text}; border: 1px solid {p.line}; border-radius: {r}px; outline: 0;
    selection-background-color: {p.selected}; selection-color: {p.text};
}}
QTableView#lines::item {{ padding: 0 6px; border: none; }}
QTableView#lines QLineEdit {{ border-radius: 0; padding: 0 4px; }}
#lines QHeaderView, #lines QTableCornerButton::section {{ background: {p.surface}; border: none; }}
#lines QHeaderView::section {{
    background: {p.surface}; color: {p.muted}; border: none; border-bottom: 1px solid {p.line}; padding: 4px 9px;
    font-size: {c}px;
}}
QTreeWidget#keys {{ background: transparent; border: none; outline: 0; }}
QTreeWidget#keys::item {{ padding: 4px 6px; border: none; }}
QTreeWidget#keys::item:hover {{ background: {p.raised}; }}
QTreeWidget#keys::item:selected {{ background: {p.selected}; color: {p.text}; }}
QScrollArea#plain, #form {{ background: transparent; border: none; }}
QFrame#hairline {{ background: {p.line}; border: none; }}
#banner {{ background: {p.raised}; border-bottom: 1px solid {p.line}; border-left: 3px solid {p.bad}; }}
#overlay {{ background: {p.surface}; border: 1px solid {p.line}; border-radius: 9px; }}
#card {{ background: {p.raised}; border-radius: 9px; }}
#recent {{ text-align: left; border: 1px solid transparent; background: transparent; padding: 7px 10px; }}
#recent:hover {{ background: {p.raised}; }}
#recent:focus {{ border-color: {p.accent}; }}
"""


def sheet(palette: Palette) -> str:
    """The application's style sheet."""
    return _SHEET.format(p=palette, r=theme.RADIUS, c=theme.CAPTION, t=theme.TITLE, icons=ICONS.as_posix())


def qt_palette(palette: Palette) -> QPalette:
    """The same colours for what no style sheet reaches."""
    made = QPalette()
    roles = QPalette.ColorRole
    for role, colour in {
        roles.Window: palette.surface,
        roles.WindowText: palette.text,
        roles.Base: palette.surface,
        roles.AlternateBase: palette.raised,
        roles.Text: palette.text,
        roles.Button: palette.surface,
        roles.ButtonText: palette.text,
        roles.ToolTipBase: palette.raised,
        roles.ToolTipText: palette.text,
        roles.PlaceholderText: palette.muted,
        roles.Highlight: palette.accent,
        roles.HighlightedText: palette.surface,
        roles.Accent: palette.accent,
        roles.Link: palette.accent,
        roles.Mid: palette.line,
        roles.Midlight: palette.line,
        roles.Dark: palette.line,
        roles.Light: palette.raised,
    }.items():
        made.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(palette.muted))
    return made


def _box_palette(palette: Palette) -> QPalette:
    """Fusion draws the frame of a box in a darker shade of the window's colour: on dark ground it would not be seen."""
    made = qt_palette(palette)
    made.setColor(QPalette.ColorRole.Base, QColor(palette.raised))
    made.setColor(QPalette.ColorRole.Window, QColor(palette.muted if palette is theme.DARK else palette.line))
    return made


class Appearance(QObject):
    """Dresses the application: light, dark, or as the system has it at the moment."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: Theme) -> None:
        super().__init__(app)
        self._app = app
        self._dressed: Palette | None = None
        self.choice = choice
        app.setStyle("Fusion")
        theme.load_fonts()
        app.setFont(theme.font())
        app.styleHints().colorSchemeChanged.connect(self._dress)
        self.choose(choice)

    def choose(self, choice: Theme) -> None:
        """Take this theme."""
        self.choice = choice
        theme.force_palette(_FORCED[choice])
        self._dress()

    def _dress(self) -> None:
        palette = theme.active_palette()
        if palette is not self._dressed:
            self._dressed = palette
            self._app.setPalette(qt_palette(palette))
            for box in ("QCheckBox", "QRadioButton"):
                self._app.setPalette(_box_palette(palette), box)  # type: ignore[arg-type]  # stub says bytes
            self._app.setStyleSheet(sheet(palette))
            self.changed.emit()
