# shellcheck shell=bash
# Steps with their times. Sourced by .ci/run.

step_lines=()
step_name=''
step_started=0

# step NAME COMMAND…: runs the command; the first one that fails ends the run.
# The command is not called in a condition, so that `set -e` holds inside it.
step() {
  step_name=$1
  step_started=$SECONDS
  printf '\n=== %s\n' "$step_name"
  "${@:2}"
  step_done ok
}

step_done() {
  step_lines+=("$(printf '%5ds  %-6s  %s' $((SECONDS - step_started)) "$1" "$step_name")")
  step_name=''
}

# steps_report EXIT_CODE: what ran, how long it took, where it stopped.
steps_report() {
  if [ -n "$step_name" ]; then step_done failed; fi
  printf '\n=== times\n'
  printf '%s\n' "${step_lines[@]}"
  printf '%5ds  %s\n' "$SECONDS" "$([ "$1" -eq 0 ] && echo 'all steps passed' || echo "FAILED with exit code $1")"
}
