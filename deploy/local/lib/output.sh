# shellcheck shell=bash
# What the scripts say: one line per thing done, with seconds, and errors that say what to do.
# Sourced, never run.

# Microseconds as an integer, so that plain shell arithmetic can time things.
now_us() {
    local now=${EPOCHREALTIME/[.,]/}
    printf '%s' "$now"
}

# Seconds with one decimal since a `now_us`.
seconds_since() {
    local elapsed=$(($(now_us) - $1))
    printf '%d.%d s' $((elapsed / 1000000)) $((elapsed / 100000 % 10))
}

# say NAME TEXT…: names are aligned so that the lines of several servers read as a table.
say() {
    local name=$1
    shift
    printf '  %-12s %s\n' "$name" "$*"
}

warn() {
    printf '  %-12s %s\n' "$1" "${*:2}" >&2
}

# die TEXT…: the only way these scripts give up. Each argument is a line of its own.
die() {
    printf 'error: %s\n' "$1" >&2
    shift
    (($# == 0)) || printf '       %s\n' "$@" >&2
    exit 1
}

# The end of a log, indented below an error, because nobody should have to look for the file first.
show_tail() {
    local log=$1 lines=${2:-15}
    printf '  last lines of %s\n' "$log" >&2
    if [[ -s $log ]]; then
        tail -n "$lines" "$log" | sed 's/^/    | /' >&2
    else
        printf '    | (empty)\n' >&2
    fi
}

# A log longer than LOG_BYTES_MAX makes room at the next start; one old copy is kept. 20 MiB is a few
# hours of a busy service, and small enough to open in an editor.
LOG_BYTES_MAX=$((20 * 1024 * 1024))
rotate_log() {
    local log=$1
    [[ -f $log ]] || return 0
    if (($(stat -c %s "$log") > LOG_BYTES_MAX)); then
        mv -f "$log" "$log.1"
    fi
}

# need PROGRAM PACKAGE: a missing prerequisite is one clear line, not a "command not found" further down.
need() {
    command -v "$1" >/dev/null 2>&1 || die "'$1' is missing: $2"
}
