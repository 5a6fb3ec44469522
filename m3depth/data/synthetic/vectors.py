"""Lengths of 3-vectors, component by component: a sum over so short a dimension is slow."""

from jaxtyping import Float
from torch import Tensor


def dot(a: Float[Tensor, "b 3 n"], b: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 1 n"]:
    """The inner product of each pair of vectors."""
    product = a * b
    return product[:, 0:1] + product[:, 1:2] + product[:, 2:3]


def length(vector: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 1 n"]:
    """The length of each vector."""
    return dot(vector, vector).sqrt()


def unit(vector: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 3 n"]:
    """Each vector at length 1."""
    return vector / length(vector).clamp_min(1e-12)
