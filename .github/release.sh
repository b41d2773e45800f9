#!/usr/bin/env bash
# A release in three steps, each of which can be run again until the last one is
# done:
#   build    the binaries of $VERSION, what they are made of, checksums, notes: dist/
#   image    publishes dist's Linux binaries as one image and prints its digest
#   publish  tags the commit whose action.yml is that image, and releases dist/
# All read VERSION. image reads IMAGE, REGISTRY_USER, REGISTRY_TOKEN; publish reads
# REFERENCE (name@sha256:…) and GH_TOKEN.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf '::error::%s\n' "$1"
  exit 1
}

[[ $VERSION =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "version '$VERSION' is not of the form v1.2.3"

tool() { go run ./internal/release "$@"; }

# tagged TAG: the commit that the tag names at the origin, else nothing.
tagged() { git ls-remote --tags origin "refs/tags/$1" | cut -f1; }

build() {
  [ -z "$(tagged "$VERSION")" ] || ! gh release view "$VERSION" >/dev/null 2>&1 ||
    fail "$VERSION is released already; a release is never replaced"
  [ -d ".changes/$VERSION" ] ||
    fail "$VERSION has no notes: make notes VERSION=$VERSION, and merge what it writes"
  make release VERSION="$VERSION"
  # The newest section of the changelog, without its heading.
  awk -v heading="## $VERSION," 'index($0, "## ") == 1 { within = index($0, heading) == 1; next } within' \
    CHANGELOG.md >dist/notes.md
  grep -q . dist/notes.md || fail "CHANGELOG.md has no section '## $VERSION, …'"
}

image() {
  local name=${IMAGE,,} reference # image names have no capitals
  reference=$(tool image --name "$name" --version "$VERSION" \
    --source "${SOURCE:-https://github.com/${GITHUB_REPOSITORY:-}}" --revision "$(git rev-parse HEAD)")
  printf 'published %s\n' "$reference"
  printf 'name=%s\nreference=%s\ndigest=%s\n' "$name" "$reference" "${reference#*@}" >>"${GITHUB_OUTPUT:-/dev/null}"
}

publish() {
  [[ ${REFERENCE:-} =~ @sha256:[0-9a-f]{64}$ ]] || fail "REFERENCE '${REFERENCE:-}' is no image with its digest"
  (cd dist && sha256sum --check --quiet checksums.txt)
  # Nothing names the image yet. What a job could not pull is not released.
  tool pull "$REFERENCE"
  tag_release
  gh release view "$VERSION" >/dev/null 2>&1 ||
    gh release create "$VERSION" --verify-tag --title "$VERSION" --notes-file dist/notes.md \
      dist/sluice* dist/checksums.txt
  move_major
}

# tag_release: the tag, on a commit of its own over the one that is released. A tag
# that an earlier attempt left there is taken where it says the same.
tag_release() {
  local base
  base=$(git rev-parse HEAD)
  if [ -n "$(tagged "$VERSION")" ]; then
    git fetch --quiet --force origin "refs/tags/$VERSION:refs/tags/$VERSION"
    [ "$(git rev-parse "$VERSION^")" = "$base" ] || fail "$VERSION is tagged already, at another commit; choose the next version"
    git show "$VERSION:action.yml" | grep -qF "image: docker://$REFERENCE" ||
      fail "$VERSION is tagged already, with another image; choose the next version"
    return
  fi
  git checkout --quiet --detach "$base"
  sed -i "s|^  image: Dockerfile\$|  image: docker://$REFERENCE|" action.yml
  grep -qF "image: docker://$REFERENCE" action.yml || fail 'action.yml has no line "  image: Dockerfile"'
  git -c user.name='github-actions[bot]' -c user.email='41898282+github-actions[bot]@users.noreply.github.com' \
    commit --quiet --message "Release $VERSION: the action is the published image" -- action.yml
  git tag --force "$VERSION"
  git push --quiet origin "refs/tags/$VERSION"
}

# move_major: v1 names the newest complete release of its major version, never an
# older one that was mended later.
move_major() {
  local major=${VERSION%%.*} newest
  newest=$(git ls-remote --tags origin "refs/tags/$major.*" | sed 's|.*refs/tags/||' | grep -E '^v[0-9]+\.[0-9]+\.[0-9]+$' | sort -V | tail -n 1)
  if [ "$newest" != "$VERSION" ]; then
    printf '%s stays on %s, which is newer\n' "$major" "$newest"
    return
  fi
  git push --quiet --force origin "$VERSION^{commit}:refs/tags/$major"
}

case ${1:-} in
  build | image | publish) "$1" ;;
  *) fail 'usage: release.sh build | image | publish' ;;
esac
