# shellcheck shell=bash
# What a vendor's own client asks of an emulator, a call a line; see calls.mjs. Sourced.
tab=$(printf '\t')
last= # what the last command answered

# call NAME WANTED command...: WANTED is a jq filter that is true of the JSON that the
# command prints, or with a leading ~ an expression that its text matches.
call() {
  local name=$1 wanted=$2 verdict=DIFFERS why
  shift 2
  if last=$("$@" 2>"$complaints") && fits "$wanted"; then
    verdict=WORKS why=
  else
    why=$(printf '%s %s' "$(tail -c 2000 "$complaints")" "$last" | tr -s '\n\t ' ' ' | head -c 600)
    if [[ $why == *'does not serve'* ]]; then verdict=REFUSED; fi
  fi
  echo "$verdict$tab$name$tab$why"
}

fits() {
  case $1 in
    ~*) grep -qE -- "${1#?}" <<<"$last" ;;
    *) jq -e "$1" >/dev/null 2>&1 <<<"$last" ;;
  esac
}

home=$(mktemp -d)
complaints=$home/complaints
trap 'rm -rf "$home"' EXIT
