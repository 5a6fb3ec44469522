"""Images as a pretrained model takes them."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from m3depth.validation import require_number, require_size


class ImageInput(nn.Module):
    """RGB in [0, 1] to normalised RGB, at a size of which the model's patches leave nothing out."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        multiple: int,
        size: Sequence[int] | None,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        """Build it.

        Args:
            multiple: both sides become the nearest multiple of this, at least one.
            size: (height, width) that every image gets instead, for a model that takes no other.
            mean: of R, G and B, as the weights were trained.
            std: likewise.

        Raises:
            ConfigError: an option is out of range.
        """
        super().__init__()
        require_number("network.multiple", multiple, 1, whole=True)
        self.multiple = multiple
        self.size = None if size is None else require_size("network.size", size)
        for name, values in (("mean", mean), ("std", std)):
            statistic = torch.tensor(list(values))[:, None, None]
            self.register_buffer(name, statistic, persistent=False)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 k l"]:
        """Resized with the image's edges in place, so that the depth can be resized back."""
        size = self.size or (self._nearest(image.shape[-2]), self._nearest(image.shape[-1]))
        if image.shape[-2:] != size:
            image = functional.interpolate(
                image, size, mode="bilinear", align_corners=False, antialias=True
            )
        return (image - self.mean) / self.std

    def _nearest(self, side: int) -> int:
        return max(1, round(side / self.multiple)) * self.multiple
