"""From one scene to its two pictures: what is met, its light, the air, the lens, the sensor."""

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.rendering import Rendering
from m3depth.data.synthetic.views import ViewPixels, as_pair, occluded, view_pixels
from m3depth.data.synthetic.wide.camera import exposed, shown
from m3depth.data.synthetic.wide.lamps import lit_by
from m3depth.data.synthetic.wide.lens import Lens, through
from m3depth.data.synthetic.wide.meeting import Meeting, meeting
from m3depth.data.synthetic.wide.scene import WideScene
from m3depth.data.synthetic.wide.sensor import recorded
from m3depth.data.synthetic.wide.smoke import veiled
from m3depth.types import Pair
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import disparity_from_depth


@torch.inference_mode()
def render_wide(
    scene: WideScene,
    rig: StereoRig,
    size: tuple[int, int],
    grain: Float[Tensor, "2 4 h w"] | None = None,
    highlights: bool = True,
) -> Rendering:
    """Render one scene at ``size`` (height, width); the rendering is a batch of one.

    Args:
        scene: What is seen.
        rig: The endoscope's, at this size; its fields without a batch.
        size: Height and width in pixels.
        grain: Unit normal noise for the sensors; without it neither lens nor sensor is in the way.
        highlights: Whether wet tissue and metal shine.
    """
    rig = StereoRig(*(value[None] for value in rig))
    pose = scene.tissue.camera_to_world
    views = view_pixels(rig, pose, size)
    found = meeting(scene, views, rig)
    reached = as_pair(_light(scene, views, found, highlights), size)
    depths = as_pair(found.depth_mm[:, None], size)
    hidden = occluded(
        views, found.grid, scene.tissue.tools, found.met.point, found.depth_mm, rig, size
    )
    return Rendering(
        image=_pictures(scene, reached, grain),
        depth_mm=depths,
        disparity_px=Pair(*(disparity_from_depth(depth, rig) for depth in depths)),
        normal=as_pair(pose[:, :3, :3].mT @ found.met.normal, size),
        occluded=as_pair(hidden[:, None], size),
        tool=as_pair(found.is_tool[:, None], size),
        rig=rig,
        camera_to_world=pose,
        time_s=torch.zeros(1),
    )


def _light(
    scene: WideScene, views: ViewPixels, found: Meeting, highlights: bool
) -> Float[Tensor, "1 3 n2"]:
    """What reaches the lenses of both views, exposed."""
    look, pose = scene.tissue.light, scene.tissue.camera_to_world
    light = lit_by(scene.lamps, look.gloss, look.shininess, found.met, views.rays.origin, pose)
    leaving = light.diffuse + light.highlight if highlights else light.diffuse
    arriving = veiled(scene.smoke, leaving, views.rays, found.depth_mm, light.diffuse.mean())
    return exposed(scene.camera, arriving, light.diffuse, views.tangent)


def _pictures(scene: WideScene, reached: Pair, grain: Float[Tensor, "2 4 h w"] | None) -> Pair:
    """Each view through its own lens onto its own sensor."""
    if grain is None:
        return Pair(*(shown(scene.camera, view) for view in reached))
    views = zip(reached, scene.lenses, grain, strict=True)
    pictures = [_picture(scene, view[0], lens, own) for view, lens, own in views]
    return Pair(*(picture[None] for picture in pictures))


def _picture(
    scene: WideScene, reached: Float[Tensor, "3 h w"], lens: Lens, grain: Float[Tensor, "4 h w"]
) -> Float[Tensor, "3 h w"]:
    image = shown(scene.camera, through(lens, reached)[None])[0]
    return recorded(scene.sensor, image, grain)
