#!/usr/bin/env bash
# `sluice schema` before ajv, kept in the cache: bash e2e/schema.sh. It needs npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ajv=8.17.1 yaml=2.8.1
home=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-ci/ajv-$ajv-$yaml
if [ ! -e "$home/complete" ]; then
  rm -rf "$home"
  mkdir -p "$home"
  npm install --silent --no-fund --no-audit --prefix "$home" "ajv@$ajv" "yaml@$yaml"
  touch "$home/complete"
fi
schema=$(mktemp "${TMPDIR:-/tmp}/sluice-schema.XXXXXX")
trap 'rm -f "$schema"' EXIT
go run . schema >"$schema"
here=$PWD
err=()
for name in everything-wrong platforms canary checks names labels http durations missing-keys measures; do
  err+=("$here/testdata/err/$name.yaml")
done
cd "$home"
node "$here/e2e/schema.mjs" "$schema" "$here"/testdata/ok/*.yaml "$here"/examples/*/sluice.yaml "${err[@]}"
