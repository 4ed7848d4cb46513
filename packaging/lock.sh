#!/usr/bin/env bash
# Makes every lock file: versions and hashes of all files on PyPI, for all platforms and Python >= 3.11,
# and no address of a registry, so that pip's own settings decide where the files come from.
# Usage: packaging/lock.sh UV [--upgrade]
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$1; shift

compile() { # OUTPUT INPUT OPTIONS...
  local output=$1 input=$2; shift 2
  "$uv" --no-config --quiet pip compile --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
    --constraint requirements/constraints.in "$@" "$input" --output-file "$output"
  sed -i -E '/^[[:space:]]*(--(index-url|extra-index-url|find-links|trusted-host)|-i|-f)([[:space:]]|=|$)/d' "$output"
  if grep -nE '://' "$output"; then
    echo "$output names an address" >&2
    exit 1
  fi
}

compile requirements/dev.txt pyproject.toml --all-extras "$@"
compile requirements/speech.txt pyproject.toml --extra speech --constraint requirements/dev.txt "$@"
compile requirements/all.txt pyproject.toml --extra all --constraint requirements/dev.txt "$@"
compile requirements/build.txt requirements/build.in --constraint requirements/dev.txt "$@"
compile requirements/openvino.txt requirements/openvino.in --constraint requirements/dev.txt "$@"
for peer in fastapi grpc mlserver litserve mediapipe; do
  compile "benchmarks/peers/$peer.txt" "benchmarks/peers/$peer.in" "$@"
done
