#!/usr/bin/env bash
# Downloads one release's binary for this runner, checks it and puts it on PATH.
# Reads SLUICE_REPOSITORY (owner/name), SLUICE_VERSION, RUNNER_OS, RUNNER_ARCH,
# RUNNER_TEMP; writes GITHUB_PATH and GITHUB_OUTPUT. Needs gh, which every
# GitHub-hosted runner has.
set -euo pipefail

fail() {
  printf '::error::%s\n' "$1"
  exit 1
}

[[ $SLUICE_VERSION =~ ^v[0-9]+(\.[0-9]+){0,2}$ ]] ||
  fail "setup: version '$SLUICE_VERSION' is not a release; give one such as v1.2.3"

case $RUNNER_OS in
  Linux) os=linux ;;
  macOS) os=darwin ;;
  Windows) os=windows ;;
  *) fail "setup: no release for the operating system $RUNNER_OS" ;;
esac
case $RUNNER_ARCH in
  X64) arch=amd64 ;;
  ARM64) arch=arm64 ;;
  *) fail "setup: no release for the architecture $RUNNER_ARCH" ;;
esac

# A major or minor version means its newest release.
version=$SLUICE_VERSION
if [[ ! $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
  version=$(gh release list --repo "$SLUICE_REPOSITORY" --exclude-drafts --exclude-pre-releases \
    --limit 100 --json tagName --jq '.[].tagName' | grep -E "^${version//./\\.}\." | sort -V | tail -n 1) ||
    fail "setup: $SLUICE_REPOSITORY has no release $SLUICE_VERSION"
fi

suffix=''
[ "$os" != windows ] || suffix=.exe
asset=sluice-$os-$arch$suffix
folder=$RUNNER_TEMP/sluice-$version
mkdir -p "$folder"
gh release download "$version" --repo "$SLUICE_REPOSITORY" --dir "$folder" --clobber \
  --pattern "$asset" --pattern checksums.txt

cd "$folder"
grep -E "^[0-9a-f]{64}  $asset\$" checksums.txt >"$asset.sha256" ||
  fail "setup: checksums.txt of $version does not name $asset"
if command -v sha256sum >/dev/null; then
  sha256sum --check --quiet "$asset.sha256"
else
  shasum --algorithm 256 --check --quiet "$asset.sha256"
fi || fail "setup: $asset of $version does not have the published checksum"

mv "$asset" "sluice$suffix"
chmod +x "sluice$suffix"
printf '%s\n' "$folder" >>"$GITHUB_PATH"
printf 'version=%s\n' "$version" >>"$GITHUB_OUTPUT"
printf 'Sluice %s\n' "$version"
