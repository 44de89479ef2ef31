#!/bin/sh
# Prints the folder of botocore's protocol test vectors (the release named in tools/models/VERSION), after fetching its
# source package once into build/vectors. With arguments: runs them with SAGELET_VECTORS set to that folder instead.
# Exit code 77: the package cannot be had here (no network), which a test runner counts as skipped.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
version=$(sed -n '1s/^botocore==\([0-9.]*\).*/\1/p' "$root/tools/models/VERSION")
cache=${SAGELET_VECTORS_CACHE:-$root/build/vectors}
folder=$cache/botocore-$version/tests/unit/protocols
if [ ! -d "$folder" ]; then
  mkdir -p "$cache"
  python3 -m pip download --quiet --no-deps --no-binary botocore --require-hashes \
    -r "$root/tools/models/VERSION" -d "$cache" >&2 || { echo "the protocol vectors cannot be fetched" >&2; exit 77; }
  # Unpacked beside and moved into place: a broken run leaves nothing that looks whole.
  rm -rf "$cache/part.$$"
  mkdir "$cache/part.$$"
  tar -xzf "$cache/botocore-$version.tar.gz" -C "$cache/part.$$" "botocore-$version/tests/unit/protocols"
  rm -rf "$cache/botocore-$version"
  mv "$cache/part.$$/botocore-$version" "$cache/botocore-$version"
  rmdir "$cache/part.$$"
fi
if [ $# -gt 0 ]; then
  SAGELET_VECTORS=$folder exec "$@"
fi
echo "$folder"
