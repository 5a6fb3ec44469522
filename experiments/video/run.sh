#!/usr/bin/env bash
# All runs of this study: experiments/video/run.sh
set -euo pipefail
here=$(dirname "$0")
runs=outputs/video
m3depth train experiment=video output=$runs/video
m3depth train experiment=video system=video_posed network.metric=true output=$runs/posed
m3depth train experiment=video_stereo "protocol=[unscaled,median]" output=$runs/stereo
m3depth train experiment=video_stereo "protocol=[unscaled,median]" output=$runs/stereo_solved \
  system/intrinsics@system.motion.intrinsics=solved_lens
m3depth train experiment=video output=$runs/translation "data.test.path.turn_deg=[0,0]" \
  trainer.max_epochs=4 trainer.check_val_every_n_epoch=2
for run in video stereo stereo_solved; do
  python "$here/measure.py" $runs/$run/checkpoints/last.ckpt > "$here/$run.json"
done
python "$here/measure.py" $runs/video/checkpoints/last.ckpt index=1 > "$here/held_out.json"
python "$here/lens.py" every=4 > "$here/lens.json"
python "$here/measure.py" $runs/translation/checkpoints/last.ckpt turn=0,0 > "$here/translation.json"
