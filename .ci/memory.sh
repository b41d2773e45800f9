# shellcheck shell=bash
# What memory is spent on where there is plenty. Sourced by .ci/run.

memory='' # a folder in it for what tests and builds write and forget

# in_memory COMMAND…: runs it with its temporary files in memory, where there is plenty:
# on a disk a new file may take a millisecond, and the tests make a hundred thousand.
in_memory() {
  if [ -z "$memory" ] && plenty; then
    memory=$(mktemp -d /dev/shm/sluice-ci.XXXXXX)
  fi
  TMPDIR=${memory:-${TMPDIR:-/tmp}} "$@"
}

# collect_late: where there is plenty of memory, Go's programs seek less often what they may
# free. Its compiler, half of all that runs here, takes a fifth less time.
collect_late() {
  plenty || return 0
  export GOGC=400 GOMEMLIMIT=3GiB
}

# plenty: 8 GB are free in /dev/shm, 12 GB in memory, and programs may be started there.
plenty() {
  local there memory script starts=''
  there=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1) || return 1
  memory=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)
  [ "$there" -ge $((8 << 20)) ] && [ "${memory:-0}" -ge $((12 << 20)) ] || return 1
  script=$(mktemp /dev/shm/sluice-ci.XXXXXX) || return 1
  printf '#!/bin/sh\n' >"$script"
  chmod +x "$script"
  "$script" 2>/dev/null && starts=yes
  rm -f "$script"
  [ -n "$starts" ]
}
