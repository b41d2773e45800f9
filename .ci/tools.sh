# shellcheck shell=bash
# What the steps need, installed by name and only where it is missing. Sourced by .ci/run.

golangci_lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
actionlint=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
act=github.com/nektos/act@v0.2.89
# Two services that speak S3: what keeps state there is held to them, not to an emulator alone.
versitygw=github.com/versity/versitygw/cmd/versitygw@v1.8.0
minio=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# install_packages: Debian packages, each asked for by the command it brings.
install_packages() {
  local missing=() pair
  for pair in make:make gcc:gcc git:git curl:curl jq:jq shellcheck:shellcheck \
    dockerd:docker.io debootstrap:debootstrap aws:awscli npm:npm prometheus:prometheus; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    echo 'nothing is missing'
    return
  fi
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$work/apt.log" 2>&1 ||
    { cat "$work/apt.log"; return 1; }
  echo "installed ${missing[*]}"
}

install_linters() {
  install_go "$golangci_lint"
  install_go "$actionlint"
}

# install_clients: what drives the program from outside, beside Debian's aws.
install_clients() {
  install_go "$act"
  install_go "$versitygw"
  install_go "$minio"
  bash e2e/install-heroku.sh "$cache/bin"
}

# install_go MODULE@VERSION: built once per version into $cache/bin.
install_go() {
  local name version
  name=$(basename "${1%@*}")
  version=${1##*@}
  if [ ! -x "$cache/bin/$name-$version" ]; then
    echo "building $1"
    GOBIN=$work/bin go install "$1"
    mv "$work/bin/$name" "$cache/bin/$name-$version"
  fi
  ln -sf "$name-$version" "$cache/bin/$name"
}
