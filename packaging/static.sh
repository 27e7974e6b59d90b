#!/bin/sh
# A program without shared libraries, for a machine with another or an older C library. Written and not yet built to
# its end, so no release ships it. Needs musl-tools and `rustup target add x86_64-unknown-linux-musl`.
# Usage: static.sh       prints the program's path
set -eu
cd "$(dirname "$0")/.."
export CC_x86_64_unknown_linux_musl=musl-gcc CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=musl-gcc
cargo build --release --locked --target x86_64-unknown-linux-musl >&2
echo target/x86_64-unknown-linux-musl/release/summitwatch
