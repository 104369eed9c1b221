"""One line of the doctor's report."""

from __future__ import annotations  # an older Python must get as far as being told so

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and for `warn` and `fail` what to do about it."""

    status: Literal["ok", "warn", "fail"]
    name: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.status:<5} {self.name:<12} {self.text}"
        return f"{line}\n{'':<18} -> {self.remedy}" if self.remedy else line


def findings_of(name: str, check: Callable[..., Iterator[Finding]], *arguments) -> Iterator[Finding]:
    """A check's findings; whatever breaks inside it is a finding too, since broken machines are what this is for."""
    try:
        yield from check(*arguments)
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        yield Finding("fail", name, f"could not be looked at: {told}", "mend what fails above, then look again")
