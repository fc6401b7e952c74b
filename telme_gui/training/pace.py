"""What the phases of a run cost against one another, so that the whole run has a bar and a time left."""

from collections.abc import Mapping

from telme_model.config import Config
from telme_model.corpus.dialogue import Modality
from telme_model.events import Phase

# Of one turn forward, in any unit. Paper: operations of RoBERTa-large on 200 tokens, data2vec-base on 3 s, TimeSformer
# on 8 frames. Bundled: seconds of the demo's encoders on a CPU.
_PAPER = {Modality.TEXT: 1.0, Modality.AUDIO: 0.35, Modality.VISUAL: 3.3}
_BUNDLED = {Modality.TEXT: 1.0, Modality.AUDIO: 3.8, Modality.VISUAL: 2.6}
_FUSION = 0.05
_BACKWARD = 3  # a training step costs this many times its forward pass


def phase_costs(config: Config, turns: Mapping[str, int]) -> dict[Phase, float]:
    """Cost of each phase from the teacher on; `turns` by split. Preparing is left out: its cost is known afterwards."""
    train, dev, all_ = turns.get("train", 0), turns.get("dev", 0), sum(turns.values())
    unit = _PAPER if config.text.weights not in ("toy", "bundled:text") else _BUNDLED

    def encoder(modality: Modality) -> float:
        return unit[modality] * (config.stage(modality).epochs * (_BACKWARD * train + dev) + all_)

    costs = {config.phase(modality): encoder(modality) for modality in (config.teacher, *config.students)}
    costs[Phase.FUSION] = _FUSION * config.stages.fusion.epochs * (_BACKWARD * train + dev)
    costs[Phase.EVALUATING] = _FUSION * all_
    return costs
