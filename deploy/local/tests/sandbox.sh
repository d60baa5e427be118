# shellcheck shell=bash
# A copy of deploy/local in a temporary folder, and the few words the tests are written in: nothing here meets a stack
# that runs. Every test is a function whose name is a sentence; a failed expectation ends the run with what was seen.
# Sourced, never run. Wants HERE and ROOT; the test defines clean_up_servers.

# shellcheck source=../lib/output.sh
source "$HERE/../lib/output.sh"
# shellcheck source=../lib/ports.sh
source "$HERE/../lib/ports.sh"
# shellcheck source=../lib/process.sh
source "$HERE/../lib/process.sh"
# shellcheck source=../lib/services.sh
source "$HERE/../lib/services.sh"
# What the scripts would read from the caller must not reach the copies.
forget_settings

BEGAN=$(now_us)
COPY=$(mktemp -d "${TMPDIR:-/tmp}/stack-test.XXXXXX")
# Where user namespaces are forbidden, root hands Postgres to another user, who has to get here.
chmod 755 "$COPY"
# Packages already unpacked by the checkout are used again: the test is about servers, not about the network.
export STACK_PACKAGES=${STACK_PACKAGES:-$ROOT/.local/packages}
OUTPUT=$COPY/output
TESTS=0

copy_scripts() {
    mkdir -p "$1/deploy"
    cp -a "$HERE/.." "$1/deploy/local"
}

clean_up() {
    local code=$?
    trap - EXIT INT TERM
    clean_up_servers
    rm -rf "$COPY"
    if ((code == 0)); then
        printf '%s: %d tests passed in %s\n' "$(basename "$0")" "$TESTS" "$(seconds_since "$BEGAN")"
    else
        printf '%s: FAILED after %s\n' "$(basename "$0")" "$(seconds_since "$BEGAN")"
    fi
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    printf '\nexpected: %s\n' "$*" >&2
    if [[ -s $OUTPUT ]]; then
        printf 'the last command said:\n' >&2
        sed 's/^/    | /' "$OUTPUT" >&2
    fi
    exit 1
}

test_that() {
    local began
    began=$(now_us)
    "$1"
    TESTS=$((TESTS + 1))
    printf 'ok  %-62s %s\n' "${1//_/ }" "$(seconds_since "$began")"
}

said() {
    grep -q -- "$1" "$OUTPUT" || fail "a line with '$1'"
}

# Nothing that was started for this copy still lives: marks in the environment, and working folders below it.
nothing_lives() {
    local found left=40
    while found=$(processes_of_copy) && [[ -n $found ]]; do
        ((left-- > 0)) || fail "no process of the copy, but there are: $found"
        sleep 0.05
    done
}

processes_of_copy() {
    {
        grep -lzF "SAGA_PROCESS=$COPY/" /proc/[0-9]*/environ 2>/dev/null || true
        find /proc/[0-9]*/cwd -maxdepth 0 -lname "$COPY/*" 2>/dev/null || true
    } | tr '\n' ' '
}

copy_scripts "$COPY"
