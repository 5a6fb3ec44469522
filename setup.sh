#!/usr/bin/env bash
# Makes .venv with the exact versions of constraints.txt, and the shared libraries open3d needs.
set -euo pipefail
cd "$(dirname "$0")"
python=${1:-python3}

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || {
  echo "setup: Python 3.11 to 3.13 is needed, $("$python" --version) is here; make PYTHON=python3.11 ..." >&2
  exit 1
}

declare -A package=(
  [libusb-1.0.so.0]=libusb-1.0-0 [libGL.so.1]=libgl1 [libEGL.so.1]=libegl1
  [libX11.so.6]=libx11-6 [libudev.so.1]=libudev1 [libidn2.so.0]=libidn2-0
)
missing=()
for library in "${!package[@]}"; do
  "$python" -c "import ctypes; ctypes.CDLL('$library')" 2>/dev/null || missing+=("${package[$library]}")
done
if ((${#missing[@]})); then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -qq && apt-get install -y -qq "${missing[@]}" >/dev/null
  else
    echo "setup: open3d needs shared libraries: install ${missing[*]} (apt install ${missing[*]})" >&2
  fi
fi

if [[ ! -x .venv/bin/python ]]; then
  df -Pk . | awk 'NR == 2 && $4 < 7.7 * 2^20 { exit 1 }' || {
    echo "setup: .venv takes 7.7 GB, and $(df -Ph . | awk 'NR == 2 { print $4 }') is free in $PWD" >&2
    exit 1
  }
  "$python" -m venv .venv
fi
.venv/bin/python -m pip install --quiet --upgrade pip
.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
