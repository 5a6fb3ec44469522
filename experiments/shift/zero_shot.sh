#!/usr/bin/env bash
# bash zero_shot.sh OUTPUT [OVERRIDE...]: train on scenes as varied as the world, then score every held-out split, unscaled
# and after median scaling, into OUTPUT/zero_shot.json. OVERRIDEs are for the training, such as
#   data.train.world.own_chance=0.5  how often the endoscope's own lamp and camera look; the splits that are scored have 0.5
#   data.train.kept=false data.workers=2  workers render each frame when it is asked for, again in every epoch; no wait at
#     the start and little memory, for many scenes and few epochs
set -euo pipefail
output=$1 here=$(dirname "$0")
shift
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

[ -f "$output/train/metrics.json" ] || m3depth train experiment=demo data=synthetic_wide +data.train.kept=true \
  data.train.count=1600 data.train.world.own_chance=1 objective=matched augmentation=hues augmentation.recolour=0 \
  augmentation.hues=0.5 output="$output/train" overwrite=true "$@"

scored() { # DATA SPLIT OVERRIDE...: as they are in conf/, whatever the training was
  [ -f "$output/$1/$2/metrics.json" ] || m3depth evaluate checkpoint="$output/train/checkpoints/best.ckpt" data="$1" \
    data.test.split="$2" data.workers=0 protocol='[unscaled,median]' flip=true output="$output/$1/$2" overwrite=true "${@:3}"
}
for split in test test_style test_spleen test_gallbladder test_omentum; do scored synthetic $split; done
for split in test test_style test_spleen test_gallbladder test_omentum test_lamps test_cameras; do
  # the mean depth is of 256 scenes, rendered once for all splits
  scored synthetic_wide $split data.train.count=256 +data.train.kept=true +data.train.cache=true
done
python "$here/zero_shot.py" "$output" > "$output/zero_shot.json"
