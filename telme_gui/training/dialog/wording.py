"""What every setting is called and what it does, in a sentence: the one table that the form and its tests read."""

from typing import NamedTuple


class Words(NamedTuple):
    """A label of a few words, and a sentence of help."""

    label: str
    help: str


# By path; `stages.*` stands for each stage.
SETTINGS = {
    "preset": Words("Preset", "The named configuration that everything else is a change of."),
    "dim": Words("Feature width", "Size of F_T, F_a and F_v; an encoder of another width gets a projection."),
    "teacher": Words("Teacher", "The modality that teaches the others and leads the fusion; the paper's is text."),
    "students": Words("Students", "The modalities that learn from the teacher and shift its features."),
    "over_long": Words("Over-long clips", "A clip beyond the longest sound is cut there, or counts as missing."),
    "seed": Words("Seeds", "One run for each: 0, or several such as 0-4 or 0, 7, 12."),
    "device": Words("Device", "Where it computes: auto is the first GPU, else the processor."),
    "evaluation_batch": Words("Scoring batch", "Turns that are scored at once; changes speed and memory only."),
    "background_turns": Words(
        "Background turns", "Training turns that stand for an absent modality in Shapley shares."
    ),
    "checkpoint_steps": Words(
        "Steps to a checkpoint", "What a killed run loses, in steps; more where a checkpoint takes seconds to write."
    ),
    "text.weights": Words("Text encoder", "A name on the Hugging Face hub, or a folder."),
    "text.prompt": Words(
        "Prompt", "Ends the input with “Now <speaker> feels <mask>” and reads F_T at the mask (equation 2)."
    ),
    "text.context_turns": Words("Turns of context", "Turns before this one that are read; 0 reads all."),
    "text.speakers": Words(
        "Speaker numbers", "Counted within each dialogue, or carried over as the released code does."
    ),
    "text.layout": Words("Text layout", "The paper's input, or the released code's: left padding, no first token."),
    "text.max_tokens": Words("Longest input", "Tokens; the oldest are left out beyond it."),
    "text.speaker_tokens": Words("Speaker tokens", "How many speakers of a dialogue have a token of their own."),
    "audio.weights": Words("Audio encoder", "A name on the Hugging Face hub, or a folder."),
    "audio.pooling": Words("Audio feature", "F_a is read at the first frame, or as the mean over frames (equation 4)."),
    "audio.sample_rate": Words("Sample rate", "Samples a second that the encoder hears; its weights expect 16000."),
    "audio.max_seconds": Words("Longest sound", "Seconds of a turn's sound at most."),
    "audio.padding": Words(
        "Audio padding", "Masked, so that it changes nothing, or plain zeros on the left (released code)."
    ),
    "visual.weights": Words("Visual encoder", "A name on the Hugging Face hub, or a folder."),
    "visual.pooling": Words("Visual feature", "F_v is read at the first position, or as the mean (equation 5)."),
    "visual.frames": Words("Frames", "Pictures of a turn that the encoder sees; its weights expect 8."),
    "visual.size": Words("Picture size", "Pixels a side; the encoder's weights expect 224."),
    "visual.sampling": Words("Frame choice", "Evenly over the turn, or as the released code chooses."),
    "visual.channels": Words(
        "Colour order", "RGB, as the weights were trained, or BGR as the released code feeds them."
    ),
    "visual.normalisation": Words(
        "Pixel scale", "Mean and deviation: TimeSformer's own, or ImageNet's (released code)."
    ),
    "stages.*.epochs": Words("Epochs", "Passes over the training turns; the best on dev is kept."),
    "stages.*.batch": Words("Batch", "Turns at once: what memory grows with."),
    "stages.*.learning_rate": Words("Learning rate", "AdamW's rate at its peak."),
    "stages.*.warmup": Words("Warm-up", "Share of the steps over which the rate rises from 0."),
    "stages.*.schedule": Words("Schedule counts", "Optimiser steps, or samples as the released code does."),
    "stages.*.weight_decay": Words("Weight decay", "How strongly AdamW pulls weights towards 0."),
    "stages.*.clip": Words("Gradient clip", "The gradient's norm is cut to this."),
    "stages.*.clip_scaled": Words(
        "Clip before unscaling", "Clips the fp16 gradient while it is still scaled (released code)."
    ),
    "stages.*.patience": Words("Patience", "Epochs without a better dev score before the stage ends; 0 runs them all."),
    "stages.*.accumulate": Words("Accumulate", "Batches to a step: a larger batch without its memory."),
    "stages.*.precision": Words("Precision", "auto is bf16 on a GPU that has it, else fp16; fp32 on a processor."),
    "distillation.alpha": Words(
        "Weight of L_response", "How much students follow the teacher's probabilities; 0 is off (equation 6)."
    ),
    "distillation.beta": Words(
        "Weight of L_feature", "How much students follow the teacher's features; 0 is off (equation 6)."
    ),
    "distillation.tau_response": Words(
        "Response temperature", "Softens the probabilities that are compared (equations 7 to 12)."
    ),
    "distillation.tau_feature": Words(
        "Feature temperature", "Softens the similarities that are compared (equations 13 to 15)."
    ),
    "fusion.kind": Words("Fusion", "Attention-based shifting, as in the paper, or a plainer way."),
    "fusion.theta": Words("Theta", "The shift is at most theta times the teacher's norm (equation 19)."),
    "fusion.heads": Words("Attention heads", "Of the fusion's self-attention; they divide its width."),
    "fusion.dropout": Words("Dropout", "Share of the attention's weights that is left out in training."),
    "fusion.attention": Words(
        "Attention over", "What the self-attention ranges over; the released code's is the batch."
    ),
    "fusion.normalised": Words("Residual and norms", "Adds the released code's residual, LayerNorms and gate order."),
}

PRESETS = {
    "paper-meld": Words("Paper, MELD", "Section 4 and the appendix of the paper, for MELD and EmoryNLP."),
    "paper-iemocap": Words("Paper, IEMOCAP", "Section 4 and the appendix of the paper, for IEMOCAP."),
    "official-meld": Words("Released code, MELD", "What the released code does where it differs from the paper."),
    "official-iemocap": Words("Released code, IEMOCAP", "What the released code does where it differs from the paper."),
    "compact": Words("Compact", "Base-size encoders and larger batches, for a smaller card."),
    "demo": Words("Demo", "The bundled tiny encoders: minutes on a processor, nothing to fetch."),
}  # the toy preset is the tests'


class Variant(NamedTuple):
    """One ablation: its name (also the end of its run's), what it is, and the settings that it changes."""

    name: str
    words: str
    settings: tuple[str, ...]  # as the command line takes them


VARIANTS = (
    Variant("no-prompt", "Without the prompt", ("text.prompt=false",)),
    Variant("no-response", "Without L_response", ("distillation.alpha=0",)),
    Variant("no-feature", "Without L_feature", ("distillation.beta=0",)),
    Variant("no-kd", "Without distillation", ("distillation.alpha=0", "distillation.beta=0")),
    Variant("concatenation", "Fused by concatenation", ("fusion.kind=concatenation",)),
    Variant("product", "Fused by product", ("fusion.kind=product",)),
    Variant("weighted-sum", "Fused by weighted sum", ("fusion.kind=weighted_sum",)),
    Variant("audio-teacher", "Audio teaches", ("teacher=audio", "students=text,visual")),
    Variant("visual-teacher", "Picture teaches", ("teacher=visual", "students=text,audio")),
    Variant("audio-only", "Audio student alone", ("students=audio",)),
    Variant("visual-only", "Visual student alone", ("students=visual",)),
)


def words_of(path: str) -> Words:
    """Label and help of a setting."""
    owner, *rest = path.split(".")
    return SETTINGS[f"stages.*.{rest[-1]}" if owner == "stages" else path]


def shown(value: str) -> str:
    """A setting's value as a person reads it: "weighted sum", "RGB", "fp32"."""
    return {"rgb": "RGB", "bgr": "BGR", "asf": "attention-based shifting"}.get(value, value.replace("_", " "))
