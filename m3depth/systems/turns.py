"""Which parts of a system learn at a step: all of them, or some in turn."""

from collections.abc import Sequence
from typing import Protocol

from torch import nn

from m3depth.errors import ConfigError
from m3depth.validation import require_number


class Turns(Protocol):
    """Called after the backward pass and before the optimizer's step."""

    def __call__(self, system: nn.Module, step: int) -> None:
        """Drop the gradients of the parts whose turn it is not."""


class Joint:
    """Everything learns at every step."""

    def __call__(self, system: nn.Module, step: int) -> None:
        """See `Turns`."""


class Alternating:
    """Groups of parts learn in turn; the others keep still, and so do their optimizer states.

    Of AF-SfMLearner: the optical flow at one step, all the rest at the next.
    """

    def __init__(self, groups: Sequence[Sequence[str]], every: int = 1) -> None:
        """Name them.

        Args:
            groups: of the system's parts, such as ``[[flow], [network, motion, brightness]]``; a
                part in no group learns at every step.
            every: steps that a turn lasts.

        Raises:
            ConfigError: fewer than two groups, or a part in two.
        """
        require_number("system.turns.every", every, 1, whole=True)
        self.groups, self.every = [tuple(group) for group in groups], every
        parts = [part for group in self.groups for part in group]
        if len(self.groups) < 2 or len(set(parts)) < len(parts):
            raise ConfigError(f"system.turns.groups={groups}: expected two or more, none shared")

    def __call__(self, system: nn.Module, step: int) -> None:
        """See `Turns`."""
        turn = step // self.every % len(self.groups)
        for number, group in enumerate(self.groups):
            for part in group if number != turn else ():
                for parameter in _part(system, part).parameters():
                    parameter.grad = None


class Stages:
    """Some parameters learn first, others after them; the rest learns throughout.

    All of them are the optimizer's from the start, so that the second stage really trains.
    """

    def __init__(self, first: Sequence[str], then: Sequence[str], warm_up: int) -> None:
        """Name them.

        Args:
            first: what the names of the first stage's parameters contain.
            then: the second's.
            warm_up: steps of the first stage.
        """
        require_number("system.turns.warm_up", warm_up, 0, whole=True)
        self.first, self.then, self.warm_up = tuple(first), tuple(then), warm_up

    def __call__(self, system: nn.Module, step: int) -> None:
        """See `Turns`.

        Raises:
            ConfigError: no parameter has such a name.
        """
        for stage, words in enumerate((self.first, self.then)):
            named = [p for name, p in system.named_parameters() if any(w in name for w in words)]
            if not named:
                raise ConfigError(f"system.turns: no parameter's name contains {', '.join(words)}")
            for parameter in named if stage != (step >= self.warm_up) else ():
                parameter.grad = None


def _part(system: nn.Module, name: str) -> nn.Module:
    try:
        return system.get_submodule(name)
    except AttributeError:
        parts = ", ".join(name for name, _ in system.named_children())
        raise ConfigError(f"system.turns.groups: no part {name}; there are {parts}") from None
