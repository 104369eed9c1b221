"""How an answer was found, and why not: the reasons that the judge gives."""

from enum import StrEnum


class Found(StrEnum):
    """How an answer was found in a completion, or why none was."""

    LETTER = "letter"
    """The letter of an option, with or without other words: B, (B), "The answer is B", \\boxed{B}."""
    LETTER_AND_TEXT = "letter and text"
    """A letter with the text of the same option beside it: "B. Cushing syndrome"."""
    TEXT = "text"
    """The text of one option and no letter: "The answer is Cushing syndrome"."""
    VALUE = "value"
    """A number, a date, a formula or free text, for questions without options."""
    NOTHING = "nothing"
    """No answer that a careful reader would accept."""
    EMPTY = "empty"
    """Nothing but white space or thinking: no answer was written."""
    SEVERAL = "several"
    """Two or more answers, none of them withdrawn, or a text that two options share."""
    CONTRADICTION = "contradiction"
    """A letter beside the text of another option."""
    DECLINED = "declined"
    """The completion says that it cannot tell, or that no option is right."""

    @property
    def by_text(self) -> bool:
        """Whether the answer was given by an option's text alone, without its letter."""
        return self is Found.TEXT

    @property
    def answered(self) -> bool:
        """Whether there is an answer at all."""
        return self in (Found.LETTER, Found.LETTER_AND_TEXT, Found.TEXT, Found.VALUE)
