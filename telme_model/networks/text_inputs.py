"""What the text encoder reads: a dialogue's turns with speaker tokens, and the prompt (equations 1-3)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from telme_model.corpus.dialogue import Dialogue, Turn, TurnId
from telme_model.runs.config import SpeakerNumbering, TextConfig, TextLayout

_LONGEST_KEPT = 2_000  # characters of a text whose tokens are kept: a turn, not a dialogue


def number_speakers(dialogues: Sequence[Dialogue], numbering: SpeakerNumbering) -> dict[TurnId, int]:
    """The number of each turn's speaker, from 1.

    `dialogue`: by first appearance, from 1 in every dialogue. `carried`: as the released code does it: the first
    turn of a dialogue is looked up in the previous dialogue's list, which is cleared only afterwards, and the
    first speaker is not put back. `turn`: the same, where every turn has a speaker of its own.
    """
    numbers: dict[TurnId, int] = {}
    seen: list[object] = []
    for dialogue in dialogues:
        if numbering is SpeakerNumbering.DIALOGUE:
            seen = []
        for place, turn in enumerate(dialogue.turns):
            speaker = turn.id if numbering is SpeakerNumbering.TURN else turn.speaker
            if speaker not in seen:
                seen.append(speaker)
            numbers[turn.id] = seen.index(speaker) + 1
            if numbering is not SpeakerNumbering.DIALOGUE and place == 0 and turn is not dialogues[0].turns[0]:
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
        special = [f"<s{number}>" for number in range(1, config.speaker_tokens + 1)]
        self._special = re.compile(f"({'|'.join(map(re.escape, [*special, tokenizer.sep_token or '</s>']))})")
        self._tokens: dict[str, list[int]] = {}

    def __call__(self, turn: TurnId, *, text: str | None = None, context_turns: int | None = None) -> list[int]:
        """Token ids of `turn` in its context.

        `text` replaces the turn's own words; `context_turns` keeps that many turns before it (None: the config's).
        Too long: the oldest tokens go, never the prompt.
        """
        dialogue, k = self.dialogues[turn.split, turn.dialogue], self.positions[turn]
        limit = self.config.context_turns if context_turns is None else context_turns
        first = max(k - limit, 0) if limit or context_turns == 0 else 0
        spoken = [(other.id, self._words(other)) for other in dialogue.turns[first : k + 1]]
        if text is not None:
            spoken[-1] = turn, text
        if self.config.layout is TextLayout.OFFICIAL and self.config.prompt:
            before_mask = list(self._official(spoken))
            return [*before_mask[-(self.config.max_tokens - 1) :], self.tokenizer.mask_token_id]
        context = [piece for other, words in spoken for piece in (self._speaker(other), *self._tokenise(words))]
        return self._fit(context, self._prompt(self._speaker(turn)) if self.config.prompt else [])

    def _words(self, turn: Turn) -> str:
        return turn.text if self.config.repaired or turn.unrepaired is None else turn.unrepaired

    def _official(self, spoken: Sequence[tuple[TurnId, str]]) -> Iterator[int]:
        """What the released code's tokenizer made of the whole string: speaker tokens eat the spaces beside them.

        The separator eats none. A speaker's number that has no token is plain text.
        """
        context = "".join(f"<s{self.numbers[turn]}> {words} " for turn, words in spoken).strip()
        whole = f"{context} {self.tokenizer.sep_token} Now <s{self.numbers[spoken[-1][0]]}> feels"
        plain, *rest = self._special.split(whole)
        yield from self._pieces(plain.rstrip() if rest else plain)
        for place in range(0, len(rest), 2):
            token, plain = rest[place : place + 2]
            yield self.tokenizer.convert_tokens_to_ids(token)
            plain = plain if token == self.tokenizer.sep_token else plain.lstrip()
            following = rest[place + 2] if place + 2 < len(rest) else ""
            yield from self._pieces(plain.rstrip() if following not in ("", self.tokenizer.sep_token) else plain)

    def _fit(self, context: list[int], prompt: list[int]) -> list[int]:
        ends = self.tokenizer
        tail = [ends.sep_token_id, *prompt]
        return [ends.cls_token_id, *context[-(self.config.max_tokens - 1 - len(tail)) :], *tail]

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
        found = self._tokens.get(text)
        if found is None:
            found = self.tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
            if len(text) < _LONGEST_KEPT:
                self._tokens[text] = found
        return found


def read_position(tokens: Sequence[int], config: TextConfig) -> int:
    """Where F_T is read: the mask, which stands last, or the first position when there is no prompt."""
    return len(tokens) - 1 if config.prompt else 0
