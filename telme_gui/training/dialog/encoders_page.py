"""The dialog's page of pretrained encoders: where their weights are, what they weigh, and under which licence."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton

from telme_gui.look.words import Words, as_tip
from telme_gui.training.dialog.draft import Draft
from telme_gui.training.dialog.form import FormPage, dress
from telme_gui.training.dialog.reckoner import Reckoner
from telme_model.corpus.dialogue import Modality
from telme_model.runs.config import SETTINGS
from telme_model.runs.quantities import size
from telme_model.runs.weights import HubAnswer, Weights

NOT_COMMERCIAL = "-nc"  # in a licence's name


class EncodersPage(FormPage):
    """A row for each modality's weights, and what this machine and the hub say of them."""

    def __init__(self, draft: Draft, reckoner: Reckoner) -> None:
        super().__init__(draft)
        self._reckoner = reckoner
        self.states: dict[Modality, QLabel] = {}
        self.lead("Backbones", "Pretrained encoders, fetched from the Hugging Face hub at first use, or from a folder.")
        for modality in Modality:
            self.group(modality.capitalize())
            self.setting(SETTINGS[f"{modality}.weights"], wide=True)
            self._browse(modality)
        self.group("All")
        self.setting(SETTINGS["dim"])
        self.fill()
        reckoner.changed.connect(self._show)
        draft.changed.connect(self._show)
        self._show()

    def _browse(self, modality: Modality) -> None:
        state, browse = Words(), QPushButton("Folder…")
        state.setWordWrap(True)
        state.setObjectName("caption")
        browse.setAccessibleName(f"Choose a folder with the {modality} encoder")
        browse.clicked.connect(lambda: self._ask(modality))
        self.states[modality] = state
        self.beside(browse, state)

    def _ask(self, modality: Modality) -> None:
        chosen = QFileDialog.getExistingDirectory(self, f"Choose the folder of the {modality} encoder")
        if chosen:
            self.draft.set(f"{modality}.weights", str(Path(chosen)))

    def _show(self) -> None:
        answer = self._reckoner.answer
        for modality, label in self.states.items():
            found = answer.weights.get(modality) if answer else None
            if error := self.draft.errors.get(f"{modality}.weights"):
                _say(label, error[:1].upper() + error[1:], wrong=True)
            elif found is None or found.name != self.draft.text(f"{modality}.weights"):
                config = self.draft.config
                unused = config is not None and modality not in config.modalities
                looking = "Looking…" if config else ""  # while a setting is wrong, nobody looks
                _say(label, "Not used: the modality takes no part in this run." if unused else looking)
            else:
                label.setToolTip(as_tip(str(found.place or "")))
                _say(
                    label,
                    " ".join(weights_sentences(found, self._reckoner.hub.get(found.name))),
                    wrong=bool(found.lacking),
                )


def _say(label: QLabel, text: str, *, wrong: bool = False) -> None:
    label.setText(text)
    dress(label, "wrong" if wrong else "caption")


def weights_sentences(found: Weights, hub: HubAnswer | None) -> list[str]:
    """What is to be said of weights, sentence by sentence."""
    if found.built:
        return ["Built from scratch."]
    if found.lacking:
        return [f"{found.lacking}."]
    known = found.bytes if found.bytes is not None else (hub.bytes if hub else None)
    licence = found.licence or (hub.licence if hub else "")
    words = []
    if found.here:
        words.append(f"On this machine, {size(known or 0)}.")
    elif hub is not None and not hub.found:
        return [f"There is no folder and no model on the hub of this name: {found.name}."]
    else:
        words.append(f"Not on this machine: {size(known)} to download." if known else "Not on this machine.")
        if hub is not None and not hub.reached:
            words.append("The hub cannot be reached now.")
    words.append(
        f"Licence: {licence.replace('cc-by-nc', 'CC BY-NC')}." if licence else "Its licence is not known here."
    )
    if NOT_COMMERCIAL in licence.lower():
        words.append("Not for commercial use, nor is what is trained from it.")
    return words
