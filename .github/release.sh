#!/usr/bin/env bash
# Builds the binaries and the image of $VERSION, publishes both and tags the
# commit whose action.yml names the image by digest. Reads VERSION, IMAGE, GH_TOKEN.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[[ $VERSION =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || {
  echo "::error::version '$VERSION' is not of the form v1.2.3"
  exit 1
}
if git ls-remote --exit-code --tags origin "refs/tags/$VERSION" >/dev/null; then
  echo "::error::$VERSION is tagged already; a release is never replaced"
  exit 1
fi
name=${IMAGE,,} # image names have no capitals

make release VERSION="$VERSION"

docker build --build-arg VERSION="$VERSION" --tag "$name:$VERSION" .
docker push "$name:$VERSION"
digest=$(docker inspect --format '{{index .RepoDigests 0}}' "$name:$VERSION")
sed -i "s|^  image: Dockerfile\$|  image: docker://$digest|" action.yml
grep -q "image: docker://$name@sha256:" action.yml

git config user.name 'github-actions[bot]'
git config user.email '41898282+github-actions[bot]@users.noreply.github.com'
git commit --quiet --message "Release $VERSION: the action is the published image" -- action.yml
git tag "$VERSION"
git push origin "refs/tags/$VERSION"
gh release create "$VERSION" --verify-tag --title "$VERSION" --notes-file CHANGELOG.md dist/*

# The major version moves last: it never names a release that is not complete.
git push --force origin "$VERSION:refs/tags/${VERSION%%.*}"
