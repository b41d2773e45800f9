#!/usr/bin/env bash
# fuzz.sh TIME PACKAGE TARGET…: a package's fuzz targets, one after the other, for TIME
# each. `go test -fuzz` links the package anew for each of them; here it is built once.
set -euo pipefail

time=$1 package=$2
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
go test -c -fuzz=. -ldflags="-s -w" -o "$built/fuzz" "$package"
found=$(go env GOCACHE)/fuzz/$(go list "$package") # where `go test` keeps it, too

cd "$package" # what fails is written to its testdata
for target in "${@:3}"; do
  if ! said=$("$built/fuzz" -test.run='^$' -test.fuzz="^$target\$" -test.fuzztime="$time" -test.fuzzcachedir="$found" -test.parallel=1 2>&1); then
    printf '%s %s\n%s\n' "$package" "$target" "$said"
    exit 255 # so that xargs begins no other
  fi
  printf '%s %s\n' "$package" "$target"
done
