#!/bin/sh
# The random faults in three minutes: the seeds that once failed, and one of the written stretch.
# Usage: run.sh [SUMMITWATCH]
set -eu
cd "$(dirname "$0")"
bin=${1:-../../target/release/summitwatch}
python3 run.py --bin "$bin" --news written --seed 2 --seconds 90
python3 run.py --bin "$bin" --kept --seconds 45
