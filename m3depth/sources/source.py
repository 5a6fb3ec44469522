"""What everything that gives frames their depth has in common."""

from collections.abc import Sequence
from typing import Protocol

from m3depth.errors import ConfigError, DataError
from m3depth.types import DepthMap, Scale, StereoBatch


class NoDepthError(DataError):
    """The source has no depth for this frame."""


class Source(Protocol):
    """Gives frames their depth.

    `evaluate`, `predict`, `export` and `check` take any: ``source=NAME``, or a class path.

    Attributes:
        model: Its name, for records.
        checkpoint_sha256: Of its file, "" without one.
        batch_size: How many samples it is best given at once.
        size: (height, width) of the images that it works at; None takes them as they come.
        needs: The fields of a sample that it looks at, beside the left image.
        trained_on: Marks of the frames that it has learned from, where they are known.
    """

    model: str
    checkpoint_sha256: str = ""
    batch_size: int = 1
    size: tuple[int, int] | None = None
    needs: frozenset[str] = frozenset()
    trained_on: frozenset[str] = frozenset()

    def ahead(self, sample: StereoBatch) -> StereoBatch:
        """The sample with what another thread can prepare before its turn: by default nothing."""
        return sample

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        """The depth map of each sample.

        Args:
            samples: Single frames, not collated. ``rig`` may be absent from pictures.

        Returns:
            Maps (1, 1, h, w) of the left view, of any size that has the image's shape, on any
            device, each with its camera where one is known.

        Raises:
            NoDepthError: there is none for one of the samples.
            DataError: a sample lacks a field of ``needs``, or is not of the expected shape.
        """


def require_metric(found: DepthMap, source: Source) -> None:
    """Stop at depth that is not in millimetres where nothing else will do.

    Raises:
        ConfigError: it is known up to a scale only.
    """
    if found.scale is not Scale.METRIC:
        known, shifted = found.scale.value.replace("_", " "), Scale.UP_TO_SCALE_AND_SHIFT
        aligning = "scale_shift" if found.scale is shifted else "median"
        raise ConfigError(
            f"source: {source.model or 'it'} gives depth {known}, and here millimetres are needed; "
            "choose a source of metric depth, or give pairs=DIR of the same rig. `predict` takes "
            f"it as it is, and `evaluate` with a protocol that aligns: protocol={aligning}"
        )
