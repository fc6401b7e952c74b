"""Beginning with another run's encoders instead of the pretrained ones."""

from pathlib import Path

from telme_model.networks.encoder import Encoder
from telme_model.networks.tensors import check_tensors, load_tensors
from telme_model.runs.config import Config
from telme_model.runs.folder import RunError, RunFolder


def open_source(path: Path, config: Config) -> RunFolder:
    """The run to begin with. Raises RunError unless it has finished an encoder for every modality of `config`.

    The weights' headers alone are read.
    """
    source = RunFolder.open(path)
    theirs = source.config
    for modality in config.modalities:
        if source.stage_facts(theirs.phase(modality)) is None:
            raise RunError(
                f"{path} has no trained {modality} encoder to begin with; choose a run that has finished one, or begin "
                "with the pretrained weights"
            )
        check_tensors(source, f"weights/{modality}")
    return source


def begin_with(encoder: Encoder, source: RunFolder, labels: str) -> None:
    """Fill `encoder` with the best weights of the source's; its classifier only where the emotions are the same.

    Raises RunError when the encoders are of different shapes.
    """
    tensors = load_tensors(source, f"weights/{encoder.modality}")
    if source.facts["corpus"]["labels"] != labels:
        tensors = {name: value for name, value in tensors.items() if not name.startswith("classifier.")}
    own = encoder.state_dict()
    for name, value in own.items():
        theirs = tensors.get(name)
        if theirs is None and name.startswith("classifier."):
            continue
        if theirs is None or theirs.shape != value.shape:
            has = "lacks it" if theirs is None else f"has {tuple(theirs.shape)}"
            raise RunError(
                f"the {encoder.modality} encoder of {source.path} is another one: '{name}' is {tuple(value.shape)} in "
                f"this run, and that one {has}; begin with a run of the same weights and dimension"
            )
    fitting = {name: value.to(own[name].dtype) for name, value in tensors.items() if name in own}
    encoder.load_state_dict(own | fitting)
