"""What a person should know of the turns that a run learns from, though it can start."""

from telme_model.corpus.dialogue import Corpus, Modality, Split
from telme_model.runs.config import Config
from telme_model.runs.costs import Costs

FEW = 50  # labelled turns of train


def notes(corpus: Corpus, config: Config, cost: Costs) -> list[str]:
    """A sentence for each thing, none where all is well."""
    return [*_labels(corpus), *_emotions(corpus, cost), *_clips(config, cost)]


def _labels(corpus: Corpus) -> list[str]:
    golds = [turn.gold for turn in corpus.turns()]
    bare = golds.count(None)
    text = (
        f"{bare:,} of {len(golds):,} turns have no label: they are context for the others, neither learnt nor scored."
    )
    return [text] if bare else []


def _emotions(corpus: Corpus, cost: Costs) -> list[str]:
    train = cost.labelled.get(Split.TRAIN, 0)
    if not train:
        return []  # it cannot start
    said = []
    absent = [label for label in corpus.labels.labels if label not in cost.emotions]
    if len(cost.emotions) == 1:
        said.append(f"Every labelled turn of train is {next(iter(cost.emotions))}: nothing else will be predicted.")
    elif absent:
        those = "it" if len(absent) == 1 else "they"
        said.append(f"No turn of train is {_listed(absent)}: {those} will not be predicted.")
    if train < FEW:
        said.append(f"{train} labelled turn{'s' * (train != 1)} in train: too few for scores that mean much.")
    return said


def _clips(config: Config, cost: Costs) -> list[str]:
    labelled = sum(cost.labelled.values())
    learnt = set(config.modalities) - set(cost.without_clips(config.modalities))
    lacking = {modality: sum(cost.lacking[modality].values()) for modality in cost.lacking if modality in learnt}
    if len(lacking) == 2 and len(set(lacking.values())) == 1:
        whole = lacking[Modality.AUDIO]
        return [f"{whole:,} of {labelled:,} labelled turns have no clip: text alone is known of them."] if whole else []
    names = {Modality.AUDIO: "sound", Modality.VISUAL: "picture"}
    return [
        f"{count:,} of {labelled:,} labelled turns have no {names[modality]}: it counts as missing there."
        for modality, count in lacking.items()
        if count
    ]


def _listed(names: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
