"""What is done with labels as a whole: out, in, their layers, a backup; each asked for in the menu."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from telme_gui.annotating.working import LabelsDialog
from telme_gui.look.actions import window_action
from telme_gui.session.session import Session


class Tasks(QObject):
    """Opens the dialogs, one at a time. Those of other programs' files are imported when they are first asked for."""

    said = Signal(str)  # what was done, in a few words

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        self.dialog: LabelsDialog | None = None  # that is open
        self._back_up = window_action(window, "Back up now", "", self.back_up)
        self.all = [  # in the order of a menu
            window_action(window, "Export labels…", "", self.export),
            window_action(window, "Import labels…", "", self.import_),
            window_action(window, "Layers…", "", self.layers),
            self._back_up,
        ]
        session.corpus_changed.connect(self._enable)
        session.labels_changed.connect(self._enable)
        session.corpus_changed.connect(self._close)
        session.labels_changed.connect(self._follow)
        session.labels.failed.connect(self._say)
        self._enable()

    def _enable(self) -> None:
        for action in self.all:
            action.setEnabled(self._session.corpus is not None)
        self._back_up.setEnabled(self._session.labels.store is not None)

    def export(self) -> None:
        """Ask what to export, and where to."""
        from telme_gui.annotating.exporting import ExportDialog

        self._open(ExportDialog(self._session, self._window))

    def import_(self, places: Sequence[Path] = ()) -> None:
        """Show what these files and folders would change, or ask for some."""
        from telme_gui.annotating.importing import ImportDialog

        dialog = ImportDialog(self._session, self._window)
        dialog.accepted.connect(lambda: self.said.emit(f"Done: {dialog.step.name}" if dialog.step else ""))
        self._open(dialog)
        if places:
            dialog.read(places)

    def dropped(self, event: QDropEvent) -> list[Path]:
        """What is being dropped of files to import, and of folders."""
        from telme_gui.annotating.importing import dropped

        return dropped(event)

    def layers(self) -> None:
        """Show the layers."""
        from telme_gui.annotating.layers import LayersDialog

        self._open(LayersDialog(self._session, self._window))

    def back_up(self) -> None:
        """Write a backup now."""
        made = self._session.labels.back_up()
        if made is not None:
            self.said.emit(f"Backed up as {made}")

    def _open(self, dialog: LabelsDialog) -> None:
        self._close()
        self.dialog = dialog
        dialog.finished.connect(self._forget)
        dialog.open()

    def _follow(self) -> None:
        if self.dialog is not None:
            self.dialog.follow()

    def _say(self, _title: str, sentence: str) -> None:
        if self.dialog is not None:
            self.dialog.say(sentence)

    def _close(self) -> None:
        if self.dialog is not None:
            self.dialog.reject()

    def _forget(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None
