"""Models of transformers' families so small that a pass takes milliseconds."""

from typing import Any

from m3depth.networks.foundation.model import FoundationModel

BACKBONE = {
    "model_type": "dinov2",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
    "out_indices": [1, 2, 3, 4],
    "apply_layernorm": True,
    "reshape_hidden_states": False,
}
DEPTH_ANYTHING = {
    "model_type": "depth_anything",
    "reassemble_hidden_size": 32,
    "patch_size": 14,
    "neck_hidden_sizes": [8, 8, 8, 8],
    "fusion_hidden_size": 8,
    "head_hidden_size": 8,
    "backbone_config": BACKBONE,
}
METRIC = {**DEPTH_ANYTHING, "depth_estimation_type": "metric", "max_depth": 20}
RELATIVE = {"kind": "inverse_depth", "scale": "up_to_scale_and_shift"}


def tiny(**options: Any) -> FoundationModel:
    """Depth Anything with random weights."""
    usual = {
        "architecture": DEPTH_ANYTHING,
        **RELATIVE,
        "hub": "somebody/depth-model",
        "licence": "of somebody",
        "pretrained": False,
        "multiple": 14,
    }
    return FoundationModel(**{**usual, **options})
