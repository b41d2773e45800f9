#!/usr/bin/env bash
# The vendors' own clients for Node.js and Go at the versions that the end-to-end tests
# speak to, unmodified, kept in the cache:
#
#   bash e2e/clients/install.sh
#
# It prints what to export. It needs npm and go.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

packages=(
  ec.sdk@0.30.4 heroku-client@3.1.4 @actions/artifact@6.2.1
  @aws-sdk/client-api-gateway@3.1142.0 @aws-sdk/client-ecs@3.1142.0 @aws-sdk/client-lambda@3.1142.0
)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-ci
home=$cache/clients-$(printf '%s ' "${packages[@]}" | sha256sum | cut -c1-12)

if [ ! -e "$home/complete" ]; then
  rm -rf "$home"
  mkdir -p "$home"
  # ec.sdk asks for a copy of tv4 in a repository; the published one does as well.
  echo '{"private": true, "overrides": {"tv4": "1.3.0"}}' >"$home/package.json"
  npm install --prefix "$home" --silent --no-audit --no-fund --ignore-scripts "${packages[@]}"
  touch "$home/complete"
fi
(cd google && GOFLAGS=-buildvcs=false go build -trimpath -o "$home/google" .)
echo "export CLIENTS_MODULES=$home"
