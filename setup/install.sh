#!/usr/bin/env bash
# Downloads one release's binary for this runner, checks where it comes from and puts
# it on PATH. Reads SLUICE_REPOSITORY (owner/name), SLUICE_VERSION (a version, or the
# commit of one), SLUICE_VERIFY, GITHUB_ACTION_PATH, RUNNER_OS, RUNNER_ARCH, RUNNER_TEMP; writes
# GITHUB_PATH and GITHUB_OUTPUT. Needs gh, which every GitHub-hosted runner has.
set -euo pipefail

fail() {
  printf '::error::%s\n' "$1"
  exit 1
}

# tags: the newest hundred, one a line: name, its commit, that commit's parent. A
# release's tag is on a commit of its own over the one that was released.
tags() {
  # shellcheck disable=SC2016 # the query's own variables
  gh api graphql -F owner="${SLUICE_REPOSITORY%%/*}" -F name="${SLUICE_REPOSITORY#*/}" -f query='
    query($owner: String!, $name: String!) {
      repository(owner: $owner, name: $name) {
        refs(refPrefix: "refs/tags/", first: 100, orderBy: {field: TAG_COMMIT_DATE, direction: DESC}) {
          nodes { name target { ... on Commit { oid parents(first: 1) { nodes { oid } } } } }
        }
      }
    }' --jq '.data.repository.refs.nodes[] | select(.target.oid) | [.name, .target.oid, .target.parents.nodes[0].oid] | @tsv'
}

# version_of COMMIT: the release that was tagged at the commit, else over it.
version_of() {
  tags | awk -v sha="$1" '
    $1 ~ /^v[0-9]+\.[0-9]+\.[0-9]+$/ && $2 == sha { exact = $1 }
    $1 ~ /^v[0-9]+\.[0-9]+\.[0-9]+$/ && $3 == sha { over = $1 }
    END { print exact != "" ? exact : over }'
}

# newest PREFIX: the newest release of a major or minor version.
newest() {
  gh release list --repo "$SLUICE_REPOSITORY" --exclude-drafts --exclude-pre-releases \
    --limit 100 --json tagName --jq '.[].tagName' | grep -E "^${1//./\\.}\.[0-9.]+$" | sort -V | tail -n 1
}

# The runner does not always tell a composite action whose it is (actions/runner#2473);
# the folder that it put the action into does: …/_actions/OWNER/NAME/REF/setup.
action_path=${GITHUB_ACTION_PATH:-}
if [[ ${action_path//\\//} =~ /_actions/([^/]+/[^/]+)/(.+)/setup/?$ ]]; then
  SLUICE_REPOSITORY=${SLUICE_REPOSITORY:-${BASH_REMATCH[1]}}
  SLUICE_VERSION=${SLUICE_VERSION:-${BASH_REMATCH[2]}}
fi
[ -n "${SLUICE_REPOSITORY:-}" ] || fail 'setup: whose releases to install is not known; use the action as OWNER/NAME/setup@REF'

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
case ${SLUICE_VERIFY:-provenance} in
  provenance | checksum) ;;
  *) fail "setup: verify '$SLUICE_VERIFY' is neither provenance nor checksum" ;;
esac

if [[ $SLUICE_VERSION =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]]; then
  version=$SLUICE_VERSION
elif [[ $SLUICE_VERSION =~ ^v[0-9]+(\.[0-9]+)?$ ]]; then
  version=$(newest "$SLUICE_VERSION") || fail "setup: $SLUICE_REPOSITORY has no release $SLUICE_VERSION"
elif [[ $SLUICE_VERSION =~ ^[0-9a-f]{40}$ ]]; then
  version=$(version_of "$SLUICE_VERSION")
  [ -n "$version" ] || fail "setup: no release of $SLUICE_REPOSITORY is tagged at the commit $SLUICE_VERSION, or over it; take a release's commit, or give version"
else
  fail "setup: version '$SLUICE_VERSION' is not a release; give one such as v1.2.3, or the commit of one"
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

# A checksum comes from the same place as the binary. What the release workflow signed
# says that this repository's own workflow built it.
if [ "${SLUICE_VERIFY:-provenance}" = provenance ]; then
  gh attestation verify "$asset" --repo "$SLUICE_REPOSITORY" \
    --signer-workflow "$SLUICE_REPOSITORY/.github/workflows/release.yml" --deny-self-hosted-runners ||
    fail "setup: no attestation says that $asset of $version was built by $SLUICE_REPOSITORY's release workflow; gh 2.49 and newer can ask, and 'verify: checksum' does without where GitHub cannot be asked"
fi

mv "$asset" "sluice$suffix"
chmod +x "sluice$suffix"
printf '%s\n' "$folder" >>"$GITHUB_PATH"
printf 'version=%s\n' "$version" >>"$GITHUB_OUTPUT"
printf 'Sluice %s\n' "$version"
