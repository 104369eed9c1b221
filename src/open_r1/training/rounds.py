"""Which groups of rollouts a batch keeps, and how many more to ask for: the arithmetic of dynamic sampling."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

# Two rewards closer than this are the same: their group tells the policy nothing.
SAME = 1e-6


@dataclass(frozen=True)
class Group:
    """The completions of one prompt: `rollouts` as the trainer wants them back, `rewards` (completions, functions)."""

    row: int
    rollouts: list
    rewards: torch.Tensor
    spread: float

    @property
    def informative(self) -> bool:
        """Whether some completion did better than another."""
        return self.spread > SAME


def spread(rewards: Sequence[float]) -> float:
    """Largest less smallest reward of a group; NaN rewards do not count, and no reward at all is no spread."""
    scored = [reward for reward in rewards if not math.isnan(reward)]
    return max(scored) - min(scored) if scored else 0.0


def pass_rate(rewards: Sequence[float]) -> float:
    """The share of a group's completions with a reward above 0; NaN when none was scored."""
    scored = [reward for reward in rewards if not math.isnan(reward)]
    return sum(reward > 0 for reward in scored) / len(scored) if scored else math.nan


def choose(groups: list[Group], count: int) -> list[Group]:
    """The first `count` informative groups, filled up with the first others, in the order they were generated in."""
    order = sorted(range(len(groups)), key=lambda place: (not groups[place].informative, place))
    return [groups[place] for place in sorted(order[:count])]


def next_round(wanted: int, generated: int, informative: int, num_generations: int, processes: int) -> int:
    """How many groups to generate next: what is missing over the keep rate so far, at most a batch.

    A multiple of what the processes can share equally. TRL's batch is one, so the limit is too.
    """
    if not informative:
        return wanted
    asked = math.ceil((wanted - informative) * generated / informative)
    share = processes // math.gcd(processes, num_generations)
    return min(wanted, math.ceil(asked / share) * share)
