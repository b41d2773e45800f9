# shellcheck shell=bash
# A Docker engine and a runner image that never leave this machine. Sourced by .ci/run.

runner_suite=bookworm
runner_packages=bash,ca-certificates,curl,git,jq,nodejs
runner_image=sluice-ci/runner:$runner_suite
action_image=sluice-ci/action
builder_image=sluice-ci/builder
engine_pid=''

# start_engine: uses the engine that answers, else starts one of our own that
# needs neither iptables nor a bridge: every container shares this host's network.
start_engine() {
  if docker info >/dev/null 2>&1; then
    echo 'an engine is running already'
    return
  fi
  export DOCKER_HOST=unix://$work/docker.sock
  as_root env PATH=/usr/sbin:/usr/bin:/sbin:/bin dockerd \
    --host "$DOCKER_HOST" --group "$(id -gn)" \
    --data-root "$work/docker" --exec-root "$work/docker-exec" --pidfile "$work/docker.pid" \
    --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    >"$work/dockerd.log" 2>&1 </dev/null &
  engine_pid=$!
  wait_for_engine
}

wait_for_engine() {
  local attempt
  for attempt in $(seq 120); do
    if docker info >/dev/null 2>&1; then
      docker info --format 'engine {{.ServerVersion}}, storage {{.Driver}}'
      return
    fi
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 0.5
  done
  echo "the Docker engine did not come up (attempt $attempt):"
  tail -n 40 "$work/dockerd.log"
  return 1
}

stop_engine() {
  [ -n "$engine_pid" ] || return 0
  as_root kill "$(cat "$work/docker.pid")" 2>/dev/null || true
  wait "$engine_pid" 2>/dev/null || true
  as_root umount "$work/docker-exec/netns/default" 2>/dev/null || true # the host network's, kept by the engine
  engine_pid=''
}

# load_runner: the image that jobs run in, built from packages once and kept as an archive.
load_runner() {
  local archive
  archive=$cache/runner-$runner_suite-$(printf '%s' "$runner_packages" | sha256sum | cut -c1-12).tar.gz
  [ -f "$archive" ] || build_runner "$archive"
  docker import "$archive" "$runner_image"
}

# load_builder: our engine can pull nothing, so this machine's Go stands in for
# the image that the Dockerfile builds in, and brings what it has fetched and compiled
# of the program.
load_builder() {
  [ -n "$engine_pid" ] || return 0
  compile_program
  fetched_modules >"$work/modules"
  cat >"$work/Dockerfile" <<EOF
FROM $runner_image
COPY go /usr/local/go
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY download /modules
COPY program /program
ENV PATH=/usr/local/go/bin:/usr/bin:/bin GOTOOLCHAIN=local GOPROXY=file:///modules,$(go env GOPROXY) GOCACHE=/program
EOF
  tar --dereference -c --anchored --exclude=go/test --exclude=go/doc --exclude=go/api \
    -C "$(dirname "$(go env GOROOT)")" "$(basename "$(go env GOROOT)")" \
    -C "$(go env GOMODCACHE)/cache" --files-from="$work/modules" \
    -C "$cache" program -C /etc/ssl/certs ca-certificates.crt -C "$work" Dockerfile |
    docker build --quiet --tag "$builder_image" -
}

# fetched_modules: the files of the modules that the program is built from, as Go's proxies
# serve them, by their place in the module cache.
fetched_modules() {
  local modules
  modules=$(go env GOMODCACHE)/cache
  (cd "$modules" && find download -type f '(' -name '*.mod' -o -name '*.info' ')')
  go list -deps -f '{{with .Module}}{{if .Version}}{{.Path}}@{{.Version}}{{end}}{{end}}' . | sort -u |
    xargs go mod download -json | jq -r '.Zip' | sed "s|^$modules/||"
}

# compile_program: what the Dockerfile compiles, with its flags, kept from run to run in a
# cache of its own. Go finds there what has the same content, compiler and flags, wherever
# it lies: the Dockerfile's build only links, and the release's, which looks into Go's
# usual cache, compiles for the other architecture alone.
compile_program() {
  local flags usual
  mapfile -t flags <build.flags
  GOCACHE=$cache/program CGO_ENABLED=0 go list -export -deps "${flags[@]}" . >/dev/null # compiles, and links nothing
  usual=$(go env GOCACHE)
  cp -ru "$cache"/program/[0-9a-f][0-9a-f] "$usual"
}

# build_action: the real Dockerfile, as GitHub would build it.
build_action() {
  local args=()
  [ -z "$engine_pid" ] || args=(--build-arg "GO=$builder_image")
  docker build --quiet --network host "${args[@]}" --tag "$action_image" .
}

build_runner() {
  local root=$work/runner
  as_root debootstrap --variant=minbase --include="$runner_packages" "$runner_suite" "$root" \
    >"$work/debootstrap.log" 2>&1 || { tail -n 40 "$work/debootstrap.log"; return 1; }
  as_root tar -C "$root" -c \
    --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/lib/apt/lists/*' \
    --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' . |
    gzip -1 >"$1.part"
  mv "$1.part" "$1"
  as_root rm -rf "$root"
}
