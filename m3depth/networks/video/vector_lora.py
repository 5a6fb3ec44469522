"""Vector-LoRA: low-rank changes whose rows and columns are then re-weighed (EndoDAC, Cui 2024)."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from m3depth.errors import ConfigError
from m3depth.validation import require_number

LAYERS = ("fc1", "fc2")  # of a transformer's blocks


class VectorLora(nn.Module):
    """Says how a model's layers are adapted; the model's own weights are frozen.

    ``W + (B · v) (A · u)``, with a vector over the ranks and one over the outputs. In EndoDAC the
    matrices learn first and the vectors after them: ``turns=vector_lora`` (`Stages`), by the
    parameters' names.
    """

    def __init__(self, rank: int = 4) -> None:
        """``rank`` of the change of each ``fc1`` and ``fc2``."""
        super().__init__()
        require_number("network.adapter.rank", rank, 1, whole=True)
        self.rank = rank

    def adapt(self, model: nn.Module) -> None:
        """Change the layers of a model.

        Raises:
            ConfigError: it has none of their names.
        """
        model.requires_grad_(False)
        layers: list[Any] = [
            part
            for place, part in model.named_modules()
            if isinstance(part, nn.Linear) and place.rpartition(".")[2] in LAYERS
        ]
        if not layers:
            raise ConfigError(f"network.adapter: {type(model).__name__} has no {LAYERS[0]}")
        for layer in layers:
            change = VectorChange(layer.in_features, layer.out_features, self.rank)
            parametrize.register_parametrization(layer, "weight", change)


class VectorChange(nn.Module):
    """What is added to a weight; nothing at first."""

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        """``inputs`` and ``outputs`` of the layer."""
        super().__init__()
        self.matrix_in = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
        self.matrix_out = nn.Parameter(torch.zeros(outputs, rank))
        self.vector_in = nn.Parameter(torch.ones(rank, 1))
        self.vector_out = nn.Parameter(torch.ones(outputs, 1))

    def forward(self, weight: Float[Tensor, "o i"]) -> Float[Tensor, "o i"]:
        """The weight that the layer uses."""
        into = self.matrix_in * self.vector_in
        out = self.matrix_out * self.vector_out
        return weight + out @ into
