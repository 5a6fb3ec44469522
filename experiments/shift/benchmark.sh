#!/usr/bin/env bash
# bash benchmark.sh OUTPUT NAME=CHECKPOINT ...: score networks on every style, lamp and camera that is kept for tests, as they
# are and after `m3depth adapt` to 40 other frames of the set; then one table of all that OUTPUT holds, benchmark.md and
# benchmark.json there. The mean depth of `synthetic` and the stereo matcher are rows of it.
#   LEVELS="statistics scale"  which of adapt's levels to try, one after another; "statistics scale steps" takes minutes a set
#   SEEDS="1 2 3"              other frames to adapt to, for each
# A rival's depth: write its maps of OUTPUT/images/SET/*.png (one file a picture, same name) into a folder, score them by
#   m3depth evaluate source=folder source.predictions=FOLDER data=... data.test.split=... "protocol=[unscaled,median]" \
#     output=OUTPUT/NAME/SET
# and say in OUTPUT/NAME/licence.txt what its weights may be used for; run this again.
set -euo pipefail
output=$1 here=$(dirname "$0")
shift
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
LEVELS=${LEVELS-statistics scale} SEEDS=${SEEDS:-1 2 3}
SETS="synthetic.test synthetic.test_style synthetic.test_spleen synthetic.test_gallbladder synthetic.test_omentum
  synthetic_wide.test_lamps synthetic_wide.test_cameras"

scored() { # SYSTEM SET OPTION...: what is there already stays
  local data=${2%.*} split=${2#*.} folder=$output/$1/$2
  [ -f "$folder/metrics.json" ] || m3depth evaluate "${@:3}" data="$data" data.test.split="$split" data.workers=0 \
    'protocol=[unscaled,median]' output="$folder" overwrite=true
}

for set in $SETS; do scored matcher "$set" source=stereo; done
for given in "$@"; do
  name=${given%%=*} checkpoint=${given#*=}
  for set in $SETS; do scored "$name" "$set" checkpoint="$checkpoint" flip=true; done
  tried=
  for level in $LEVELS; do
    tried=$tried$level,
    off=$(for one in statistics scale steps; do [[ ,$tried == *,$one,* ]] || echo "levels.$one=null"; done)
    for set in $SETS; do
      for seed in $SEEDS; do
        adapted=$output/adapted/$name/$set/$level/$seed
        # shellcheck disable=SC2086 # several words
        [ -f "$adapted/checkpoints/best.ckpt" ] || m3depth adapt checkpoint="$checkpoint" data="${set%.*}" part=test \
          data.test.split="${set#*.}" data.workers=0 +data.test.seed="$seed" data.test.count=56 $off output="$adapted" \
          overwrite=true
        scored "$name, $level, $seed" "$set" checkpoint="$adapted/checkpoints/best.ckpt" flip=true
      done
    done
  done
done
python "$here/benchmark.py" "$output"
