#!/usr/bin/env bash
# One clip, one splatter, only the prior swapped: bash run.sh PAPER.ckpt DEFAULT.ckpt OUTPUT [PRIOR...]
# The checkpoints are those of: m3depth train experiment=demo objective=m3depth (and objective=rig)
# PRIOR: none, exact, stereo, paper, default, adapted (from DEFAULT.ckpt); all, if none is named.
set -euo pipefail
export paper=$1 default=$2 output=$3 OMP_NUM_THREADS=1
shift 3
priors=("$@")
[ $# -gt 0 ] || priors=(none exact stereo paper default adapted)

exported() { # PRIOR CLIP
  local clip="data=synthetic_clip data.size=[128,160] data.test.index=$2 writer=npz" source="source=network flip=true"
  case $1 in
    exact | stereo) source="source=$1" ;;
    paper) source="$source checkpoint=$paper" ;;
    default) source="$source checkpoint=$default" ;;
    adapted) source="source=adapted checkpoint=$default" ;; # its fit sees no mirrored image
  esac
  m3depth export $source $clip output="$output/scenes/$1_$2"
}
splatted() { # PRIOR OBJECTIVE CLIP SEED
  local run="$output/runs/$1/$2/$3_$4"
  [ -f "$run/metrics.json" ] || m3depth splat scene="$output/scenes/${1/none/exact}_$3" \
    truth="$output/scenes/exact_$3" objective="$2" recipe.seed="$4" recipe.iterations=600 output="$run"
}
export -f splatted

for clip in 0 1 2; do
  for prior in exact "${priors[@]/none/exact}"; do
    [ -f "$output/scenes/${prior}_$clip/depth_meta.json" ] || exported "$prior" "$clip" # exact: the truth, for the scores
  done
done
for clip_seed in "0 0" "0 1" "0 2" "1 0" "2 0"; do
  for prior in "${priors[@]}"; do
    case $prior in
      none) echo "none colour $clip_seed" ;; # the control: points at random, no depth loss
      *) for objective in m3depth deform3dgs surgicalgs; do echo "$prior $objective $clip_seed"; done ;;
    esac
  done
done | xargs -P "${JOBS:-2}" -L 1 bash -c 'splatted "$@"' splatted
