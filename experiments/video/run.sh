#!/usr/bin/env bash
# All runs of this study: experiments/video/run.sh
set -euo pipefail
here=$(dirname "$0")
runs=outputs/video
translation="data.train.frames.path.turn_deg=[0,0]"
m3depth train experiment=video output=$runs/video
m3depth train experiment=video_posed output=$runs/posed
m3depth train experiment=video_stereo output=$runs/stereo
m3depth train experiment=video output=$runs/translation "$translation" trainer.max_epochs=3
for run in video posed stereo; do
  python "$here/measure.py" $runs/$run/checkpoints/last.ckpt > "$here/$run.json"
done
python "$here/measure.py" $runs/video/checkpoints/last.ckpt index=1 > "$here/held_out.json"
python "$here/measure.py" $runs/translation/checkpoints/last.ckpt turn=0,0 > "$here/translation.json"
