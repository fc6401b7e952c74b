"""What the text encoder reads: a dialogue's turns with speaker tokens, and the prompt (equations 1-3)."""

from collections.abc import Sequence
from typing import Any

from telme_model.corpus.dialogue import Dialogue, TurnId
from telme_model.runs.config import SpeakerNumbering, TextConfig, TextLayout


def number_speakers(dialogues: Sequence[Dialogue], numbering: SpeakerNumbering) -> dict[TurnId, int]:
    """The number of each turn's speaker, from 1.

    `dialogue`: by first appearance, from 1 in every dialogue. `carried`: as the released code does it: the first
    turn of a dialogue is looked up in the previous dialogue's list, which is cleared only afterwards, and the
    first speaker is not put back.
    """
    numbers: dict[TurnId, int] = {}
    seen: list[str] = []
    for dialogue in dialogues:
        if numbering is SpeakerNumbering.DIALOGUE:
            seen = []
        for place, turn in enumerate(dialogue.turns):
            if turn.speaker not in seen:
                seen.append(turn.speaker)
            numbers[turn.id] = seen.index(turn.speaker) + 1
            if numbering is SpeakerNumbering.CARRIED and place == 0 and turn is not dialogues[0].turns[0]:
                seen = []
    return numbers


class TextAssembler:
    """Builds token ids for any turn of the given dialogues; every utterance is tokenised once."""

    def __init__(self, tokenizer: Any, config: TextConfig, dialogues: Sequence[Dialogue]) -> None:
        """Number the speakers split by split and prepare the prompt's tokens."""
        self.tokenizer = tokenizer
        self.config = config
        self.dialogues = {(dialogue.split, dialogue.name): dialogue for dialogue in dialogues}
        self.positions = {turn.id: k for dialogue in dialogues for k, turn in enumerate(dialogue.turns)}
        self.numbers: dict[TurnId, int] = {}
        for split in {dialogue.split for dialogue in dialogues}:
            part = [dialogue for dialogue in dialogues if dialogue.split is split]
            self.numbers |= number_speakers(part, config.speakers)
        self._tokens: dict[str, list[int]] = {}

    def __call__(self, turn: TurnId, *, text: str | None = None, context_turns: int | None = None) -> list[int]:
        """Token ids of `turn` in its context.

        `text` replaces the turn's own words; `context_turns` keeps that many turns before it (None: the config's).
        Too long: the oldest tokens go, never the prompt.
        """
        dialogue, k = self.dialogues[turn.split, turn.dialogue], self.positions[turn]
        limit = self.config.context_turns if context_turns is None else context_turns
        first = max(k - limit, 0) if limit or context_turns == 0 else 0
        context: list[int] = []
        for place in range(first, k + 1):
            other = dialogue.turns[place]
            words = text if place == k and text is not None else other.text
            context += [self._speaker(other.id), *self._tokenise(words)]
        if self.config.layout is TextLayout.OFFICIAL and self.config.prompt and words.strip():
            context += self._pieces(" ")  # the space before the separator was a piece of its own
        return self._fit(context, self._prompt(self._speaker(turn)) if self.config.prompt else [])

    def _fit(self, context: list[int], prompt: list[int]) -> list[int]:
        ends, limit = self.tokenizer, self.config.max_tokens
        if self.config.layout is TextLayout.OFFICIAL and self.config.prompt:
            before_mask = [*context, ends.sep_token_id, *prompt[:-1]]
            return [*before_mask[-(limit - 1) :], prompt[-1]]
        tail = [ends.sep_token_id, *prompt]
        return [ends.cls_token_id, *context[-(limit - 1 - len(tail)) :], *tail]

    def _prompt(self, speaker: int) -> list[int]:
        # The separator eats no space, in neither layout.
        return [*self._pieces(" Now"), speaker, *self._tokenise("feels"), self.tokenizer.mask_token_id]

    def _speaker(self, turn: TurnId) -> int:
        number = min(self.numbers[turn], self.config.speaker_tokens)
        token: int = self.tokenizer.convert_tokens_to_ids(f"<s{number}>")
        return token

    def _tokenise(self, text: str) -> list[int]:
        # After a speaker token the paper keeps the space before the words; the released tokeniser ate it.
        space = "" if self.config.layout is TextLayout.OFFICIAL else " "
        return self._pieces(space + text.strip())

    def _pieces(self, text: str) -> list[int]:
        if text not in self._tokens:
            self._tokens[text] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return self._tokens[text]


def read_position(tokens: Sequence[int], config: TextConfig) -> int:
    """Where F_T is read: the mask, which stands last, or the first position when there is no prompt."""
    return len(tokens) - 1 if config.prompt else 0
