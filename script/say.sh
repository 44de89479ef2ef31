# How our scripts talk: one line when something starts, the whole output only when it fails. Sourced, never run.

say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# quietly WHAT COMMAND...: says WHAT and how long it took; shows the command's output only if it fails.
quietly() {
  local what=$1 log began=$SECONDS
  shift
  log=$(mktemp)
  printf '== %s ... ' "$what"
  if "$@" >"$log" 2>&1 </dev/null; then
    printf 'done (%d s)\n' $((SECONDS - began))
    rm -f "$log"
  else
    local code=$?
    printf 'failed (exit %d)\n' "$code"
    tail -n 200 "$log" >&2
    rm -f "$log"
    return "$code"
  fi
}

# as_root COMMAND...: directly when we are root, by sudo otherwise.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "this step needs root: run it as root or install sudo ($*)"
  fi
}
