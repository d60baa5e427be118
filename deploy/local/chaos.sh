#!/usr/bin/env bash
# The fault suite on servers of its own: profile `chaos-stack`, free ports, removed afterwards, also after Ctrl-C.
#
#   chaos.sh full             all trials, as many as the claims want: about an hour on two cores, by estimate
#   chaos.sh night [HOURS]    round after round, each with another seed (default: 8 hours)
#   chaos.sh controls         the suite itself put to the test: every planted bug must be caught
#
# SEED= repeats a run, ONLY= takes faults (or bugs) whose name contains it. The programs are optimized and have their
# crash points. The report goes to the terminal and to .local/chaos/ (JSON, Markdown); the logs of platforms with
# violations, and of the servers, then lie beside it.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(cd "$HERE/../.." && pwd -P)
# shellcheck source=lib/output.sh
source "$HERE/lib/output.sh"
# shellcheck source=lib/process.sh
source "$HERE/lib/process.sh"

PROFILE=chaos-stack
STATE=$ROOT/.local/$PROFILE
REPORT=$ROOT/.local/chaos
MODE=${1:-help}
SUITE=""

case $MODE in
    full | controls) ARGUMENTS=("$MODE") ;;
    night) ARGUMENTS=(night --hours "${2:-8}") ;;
    *)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
[[ -z ${SEED:-} ]] || ARGUMENTS+=(--seed "$SEED")
[[ -z ${ONLY:-} ]] || ARGUMENTS+=(--only "$ONLY")
ARGUMENTS+=(--json "$REPORT/$MODE.json" --markdown "$REPORT/$MODE.md")

# Settings of the caller's own platform are none of the suite's.
forget_settings
need cargo "install Rust from https://rustup.rs"
cd "$ROOT"

# What a failed run leaves to look at, before the servers' folder is removed.
keep_logs() {
    rm -rf "$REPORT/platforms" "$REPORT/servers"
    [[ ! -d $STATE/platforms ]] || mv "$STATE/platforms" "$REPORT/platforms"
    [[ ! -d $STATE/logs ]] || mv "$STATE/logs" "$REPORT/servers"
    printf '\nlogs of platforms with violations: %s\n' "$REPORT/platforms"
    printf 'logs of their servers:             %s\n' "$REPORT/servers"
}

finish() {
    local code=$?
    trap - EXIT
    # Once more Ctrl-C must not leave servers behind.
    trap '' INT TERM
    if [[ -n $SUITE ]] && kill -0 "$SUITE" 2>/dev/null; then
        # It ends its platform's processes itself.
        kill -TERM "$SUITE" 2>/dev/null || true
        wait "$SUITE" || true
    fi
    ((code == 0)) || keep_logs
    "$HERE/stack.sh" reset --profile "$PROFILE" || code=1
    exit "$code"
}

# A run that was killed may have left its servers and their data.
"$HERE/stack.sh" reset --profile "$PROFILE"
mkdir -p "$REPORT"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cargo build --locked --profile faults --workspace --bins
"$HERE/stack.sh" up --profile "$PROFILE"
export SAGA_TEST_STACK=$STATE/stack.env
# In the background, so that a signal reaches this script at once.
"${CARGO_TARGET_DIR:-$ROOT/target}/faults/chaos" "${ARGUMENTS[@]}" &
SUITE=$!
wait "$SUITE"
SUITE=""
printf 'the report: %s/%s.json and .md\n' "$REPORT" "$MODE"
