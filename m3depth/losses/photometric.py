"""How unlike two images are, per pixel."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

C1, C2 = 0.01**2, 0.03**2  # Wang et al. 2004, for intensities in [0, 1]


def structural_dissimilarity(
    image: Float[Tensor, "b c h w"], rebuilt: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b c h w"]:
    """``clamp((1 - SSIM) / 2, 0, 1)`` over 3x3 average-pooled windows, borders reflected.

    Monodepth's form (Godard et al. 2017, equation 2): 0 for equal images, 1 at the most.
    """
    image = functional.pad(image, (1, 1, 1, 1), mode="reflect")
    rebuilt = functional.pad(rebuilt, (1, 1, 1, 1), mode="reflect")
    mean_image, mean_rebuilt = _pool(image), _pool(rebuilt)
    product, squares = mean_image * mean_rebuilt, mean_image.square() + mean_rebuilt.square()
    covariance = _pool(image * rebuilt) - product
    variances = _pool(image.square() + rebuilt.square()) - squares  # only their sum is needed
    similarity = ((2 * product + C1) * (2 * covariance + C2)) / ((squares + C1) * (variances + C2))
    return ((1 - similarity) / 2).clamp(0, 1)


def appearance(
    image: Float[Tensor, "b c h w"], rebuilt: Float[Tensor, "b c h w"], ssim_share: float = 0.85
) -> Float[Tensor, "b 1 h w"]:
    """``α (1 - SSIM) / 2 + (1 - α) |I - Î|``, mean over channels (M3Depth, L_ap, α = 0.85)."""
    structure = structural_dissimilarity(image, rebuilt).mean(1, keepdim=True)
    difference = (image - rebuilt).abs().mean(1, keepdim=True)
    return ssim_share * structure + (1 - ssim_share) * difference


def softened(image: Float[Tensor, "b c h w"], times: int) -> Float[Tensor, "b c h w"]:
    """Blurred by (1, 2, 1) / 4 along rows and columns so many times; borders reflected.

    Each time adds half a pixel to the variance: twice is a Gaussian of one pixel.

    Interpolation between pixels blurs, most of all halfway. Against an image that is not blurred
    it fits best where it removes noise, or where it keeps detail: disparities lock to half or to
    whole pixels. What is soft already is hardly blurred any more.
    """
    for _ in range(times):
        padded = functional.pad(image, (1, 1, 1, 1), mode="reflect")
        rows = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
        image = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 16
    return image


def _pool(image: Tensor) -> Tensor:
    """3x3 means; slices are four times as fast on a CPU as avg_pool2d, there and back."""
    rows = image[..., :-2, :] + image[..., 1:-1, :] + image[..., 2:, :]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9
