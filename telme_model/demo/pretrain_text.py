"""Pretrain the demo text encoder, a tiny RoBERTa, by masked words over generated conversations.

    python -m telme_model.demo.pretrain_text OUT_DIR [--steps N] [--seed S]

Inputs have the form that the teacher reads: `<s> <s1> ... <s2> ... </s> Now <s2> feels <mask>`. What the prompt's
mask has to answer are the words that were taken out of the last turn, whatever they are: the pretext knows of no
emotion.
"""

import argparse
import logging
import random
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM, get_linear_schedule_with_warmup

from telme_model.demo.phrases import Phrases, Utterance

PIECES = 2500  # of the vocabulary, special tokens and bytes included
LENGTH = 256  # tokens of the longest input
SPEAKERS = tuple(f"<s{number}>" for number in range(1, 10))
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", *SPEAKERS, "<mask>")  # RoBERTa's first four have RoBERTa's ids
PAD, IGNORED = 1, -100
log = logging.getLogger(__name__)
WORD = Regex(r"[\p{L}\p{N}]+('[\p{L}]+)?|[^\s\p{L}\p{N}]")

CONVERSATIONS = 30_000
HELD_OUT = 1_000
SINGLE_TURNS = 0.35  # of the steps: words are learnt from single turns first, several times sooner
SINGLE_BATCH, CONVERSATION_BATCH = 96, 48  # about as many pieces
PEAK_RATE = 2e-3
WARM_UP = 0.02  # of the steps
SHIFTED = 0.3  # of the inputs start at a random position, so that every position is learnt
MASKED, LAST_MASKED = 0.15, 0.4  # of the pieces, before and in the last turn; all become <mask>
COMMON = 60  # pieces that the prompt never asks for: full stop, "the", "is", ...


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation as pieces. `last` is where its last turn lies, without the speaker token."""

    context: tuple[int, ...]
    last: range
    prompt: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """Masked inputs, (batch, length) each. `labels` are IGNORED where nothing was taken out.

    The prompt's mask of row `prompts[i]`, column `ends[i]`, is to answer `answers[i]`; it may be asked several times.
    """

    input_ids: Tensor
    attention_mask: Tensor
    position_ids: Tensor
    labels: Tensor
    prompts: Tensor
    ends: Tensor
    answers: Tensor


def pretrain_text(out: Path, steps: int = 5200, seed: int = 0) -> None:
    """Train and save tokenizer and encoder as a Hugging Face folder under 1.5 MB; same arguments, same weights."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    conversations = list(islice(Phrases().conversations(rng), CONVERSATIONS + HELD_OUT))
    tokenizer = train_tokenizer(conversations)
    log.info("tokenizer of %d pieces", len(tokenizer))
    held_out = [encode(conversation, tokenizer) for conversation in conversations[:HELD_OUT]]
    seen = conversations[HELD_OUT:]
    singles = batches([encode([turn], tokenizer) for turns in seen for turn in turns], SINGLE_BATCH)
    whole = batches([encode(turns, tokenizer) for turns in seen], CONVERSATION_BATCH)

    model = RobertaForMaskedLM(tiny_config(len(tokenizer)))
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimiser, int(WARM_UP * steps), steps)
    masker = Masker(tokenizer.mask_token_id, singles)
    model.eval()  # no dropout: the material never runs out
    for step in range(1, steps + 1):
        batch = masker(rng.choice(singles if step <= SINGLE_TURNS * steps else whole), rng)
        words, prompt, _ = masked_losses(model, batch)
        loss = words + prompt
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            log.info("step %d of %d: words %.3f, prompt %.3f", step, steps, words.item(), prompt.item())
    save(model, tokenizer, out)
    right, guessed = accuracy(model, masker(held_out, random.Random(0)))
    log.info("masked pieces right: %.1f %%; by always the commonest: %.1f %%", 100 * right, 100 * guessed)


def train_tokenizer(conversations: list[list[Utterance]]) -> PreTrainedTokenizerFast:
    """A byte-level BPE in lower case that cuts at spaces and punctuation first, with RoBERTa's special tokens."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("\u2019", "'"), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(WORD, "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES,
        special_tokens=[AddedToken(token, lstrip=True, rstrip=True, normalized=False) for token in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = (f"Now {turn.speaker} feels: {turn.text}" for conversation in conversations for turn in conversation)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=LENGTH,
    )


def tiny_config(pieces: int) -> RobertaConfig:
    """RoBERTa's architecture with about 0.5 million parameters."""
    return RobertaConfig(
        vocab_size=pieces,
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=LENGTH + 2,  # RoBERTa counts positions from the padding id + 1
        type_vocab_size=1,
        initializer_range=0.06,  # RoBERTa's 0.02 keeps so narrow a network at word frequencies for long
        pad_token_id=PAD,
        bos_token_id=0,
        eos_token_id=2,
    )


def encode(conversation: list[Utterance], tokenizer: PreTrainedTokenizerFast) -> Example:
    """A conversation with its speakers numbered by first appearance, and the prompt about the last of them."""
    numbers: dict[str, str] = {}
    context: list[int] = [0]
    start = 0
    for turn in conversation:
        speaker = numbers.setdefault(turn.speaker, SPEAKERS[len(numbers)])
        start = len(context) + 1
        context += tokenizer.encode(f"{speaker} {turn.text}", add_special_tokens=False)
    prompt = tokenizer.encode(f"</s> Now {speaker} feels <mask>", add_special_tokens=False)
    return Example(tuple(context), range(start, len(context)), tuple(prompt))


def batches(examples: list[Example], size: int) -> list[list[Example]]:
    """Groups of inputs of similar length, so that little is spent on padding."""
    by_length = sorted(examples, key=lambda example: len(example.context))
    return [by_length[first : first + size] for first in range(0, len(by_length) - size + 1, size)]


class Masker:
    """Takes pieces out of examples at random; the prompt asks for those of the last turn."""

    def __init__(self, mask: int, seen: list[list[Example]]) -> None:
        self.mask = mask
        counts = Counter(piece for batch in seen for example in batch for piece in example.context)
        self.common = {piece for piece, _ in counts.most_common(COMMON)}

    def __call__(self, examples: list[Example], rng: random.Random) -> MaskedBatch:
        """One padded batch."""
        longest = max(len(example.context) + len(example.prompt) for example in examples)
        input_ids = torch.full((len(examples), longest), PAD)
        labels = torch.full((len(examples), longest), IGNORED)
        position_ids = torch.full((len(examples), longest), PAD)
        asked: list[tuple[int, int, int]] = []
        for row, example in enumerate(examples):
            pieces = [*example.context, *example.prompt]
            end = len(pieces) - 1
            for place in self._taken(example, rng):
                labels[row, place] = pieces[place]
                if place in example.last and pieces[place] not in self.common:
                    asked.append((row, end, pieces[place]))
                pieces[place] = self.mask
            input_ids[row, : end + 1] = torch.tensor(pieces)
            first = PAD + 1 + (rng.randint(0, LENGTH - len(pieces)) if rng.random() < SHIFTED else 0)
            position_ids[row, : end + 1] = torch.arange(first, first + len(pieces))
        prompts, ends, answers = torch.tensor(asked).unbind(1)
        return MaskedBatch(input_ids, (input_ids != PAD).long(), position_ids, labels, prompts, ends, answers)

    def _taken(self, example: Example, rng: random.Random) -> list[int]:
        return [
            place
            for place, piece in enumerate(example.context)
            if piece > self.mask and rng.random() < (LAST_MASKED if place in example.last else MASKED)
        ]


def masked_losses(model: RobertaForMaskedLM, batch: MaskedBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Cross entropy of the pieces taken out where they stood, and of those asked for by the prompt; the answers.

    The answers are (taken,): whether the piece was found where it stood.
    """
    hidden = model.roberta(
        input_ids=batch.input_ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids
    ).last_hidden_state
    taken = batch.labels != IGNORED
    logits = model.lm_head(hidden[taken])
    labels = batch.labels[taken]
    words = torch.nn.functional.cross_entropy(logits, labels)
    prompt = torch.nn.functional.cross_entropy(model.lm_head(hidden[batch.prompts, batch.ends]), batch.answers)
    return words, prompt, logits.argmax(1) == labels


def accuracy(model: RobertaForMaskedLM, batch: MaskedBatch) -> tuple[float, float]:
    """Share of the pieces taken out that are found, and that the commonest piece would have found."""
    with torch.inference_mode():
        found = masked_losses(model, batch)[2]
    labels = batch.labels[batch.labels != IGNORED]
    return found.float().mean().item(), (labels == labels.mode().values).float().mean().item()


def save(model: RobertaForMaskedLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """The encoder alone, its weights in half precision, to be loaded in single precision."""
    encoder = model.roberta.half()
    encoder.save_pretrained(out)
    encoder.float()
    encoder.config.dtype = "float32"
    encoder.config.save_pretrained(out)
    tokenizer.save_pretrained(out)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Pretrain the demo text encoder on generated conversations.")
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="folder for weights, configuration and tokenizer")
    parser.add_argument("--steps", type=int, default=5200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pretrain_text(arguments.out, arguments.steps, arguments.seed)


if __name__ == "__main__":
    main()
