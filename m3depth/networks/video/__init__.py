"""Networks that learn from video beside the depth one: motion, intrinsics, flow, brightness."""
