#!/usr/bin/env bash
# The checks of the project.
#
#   verify.sh check   format, lints, unit tests, freshness of generated files; no server needed
#   verify.sh test    check, the scripts' own tests, and all tests against real servers
#   verify.sh deep    test with the long tests, more random cases, and the Postman collection against a whole platform
#
# It stops at the first failure, says where, and ends with one summary line. The servers it started are stopped
# afterwards, also after a failure or Ctrl-C; servers of profile test that ran before are left running. The platform of
# the Postman collection is a profile of its own, `postman`, on free ports, removed with its data when all went well.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(cd "$HERE/../.." && pwd -P)
MODE=${1:-check}
# shellcheck source=lib/output.sh
source "$HERE/lib/output.sh"
# shellcheck source=lib/newman.sh
source "$HERE/lib/newman.sh"
# shellcheck source=lib/process.sh
source "$HERE/lib/process.sh"

BEGAN=$(now_us)
STEP="the start"
PASSED=0
SKIPPED=0
STARTED_STACK=0
STARTED_POSTMAN=0
NOTES=()

cd "$ROOT"
mkdir -p .local
need cargo "install Rust from https://rustup.rs"

# step TEXT COMMAND…
step() {
    local began
    STEP=$1
    shift
    printf '\n== %s\n' "$STEP"
    began=$(now_us)
    "$@"
    printf '== %s: %s\n' "$STEP" "$(seconds_since "$began")"
}

finish() {
    local code=$?
    trap - EXIT INT TERM
    if ((STARTED_POSTMAN && code == 0)); then
        printf '\n== removing the platform of the Postman collection\n'
        postman_platform clean || code=1
    elif ((STARTED_POSTMAN)); then
        printf '\n== stopping the platform of the Postman collection; its logs stay in .local/postman/logs\n'
        postman_platform down || true
    fi
    if ((STARTED_STACK)); then
        printf '\n== stopping the test servers\n'
        "$HERE/stack.sh" down --profile test || code=1
    fi
    printf '\n'
    ((${#NOTES[@]} == 0)) || printf 'note: %s\n' "${NOTES[@]}"
    if ((code == 0)); then
        printf 'make %s: passed, %d tests, %d skipped, in %s\n' "$MODE" "$PASSED" "$SKIPPED" "$(seconds_since "$BEGAN")"
    else
        printf 'make %s: FAILED at: %s (exit code %d, after %s)\n' "$MODE" "$STEP" "$code" "$(seconds_since "$BEGAN")"
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run_tests ARGUMENT…: with nextest when it is there. The counts are read from what the runner prints: a skipped test is
# a test that did not run, and must not look like one that passed.
run_tests() {
    local output
    output=$(mktemp "$ROOT/.local/tests.XXXXXX")
    # Before the pipe, so that the runner's own colors do not hide the counts.
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --no-tests=pass --no-fail-fast --color never "$@" 2>&1 | tee "$output"
        count_nextest "$output"
    else
        cargo test --locked --no-fail-fast --color never "$@" 2>&1 | tee "$output"
        count_cargo_test "$output"
    fi
    rm -f "$output"
}

# Whole-system tests are capped, because each runs a platform of its own; those under alone:: stop servers that all
# share, and have to run by themselves, afterwards. nextest reads that from .config/nextest.toml.
run_all_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        run_tests --workspace
    else
        run_tests --workspace --exclude system-tests
        run_tests -p system-tests -- --skip alone:: --test-threads 2
        run_tests -p system-tests --test it -- alone:: --test-threads 1
    fi
}

# "Summary [   1.2s] 12 tests run: 12 passed (1 slow), 3 skipped"
count_nextest() {
    local passed skipped
    passed=$(sed -nE 's/.*tests? run: ([0-9]+) passed.*/\1/p' "$1" | tail -n 1)
    skipped=$(sed -nE 's/.*tests? run:.*[ ,]([0-9]+) skipped.*/\1/p' "$1" | tail -n 1)
    PASSED=$((PASSED + ${passed:-0}))
    SKIPPED=$((SKIPPED + ${skipped:-0}))
}

# "test result: ok. 12 passed; 0 failed; 3 ignored; …", once a binary.
count_cargo_test() {
    local passed ignored
    while read -r passed ignored; do
        PASSED=$((PASSED + passed))
        SKIPPED=$((SKIPPED + ignored))
    done < <(sed -nE 's/^test result: .* ([0-9]+) passed; [0-9]+ failed; ([0-9]+) ignored.*/\1 \2/p' "$1")
}

run_doc_tests() {
    local output
    output=$(mktemp "$ROOT/.local/tests.XXXXXX")
    cargo test --locked --workspace --doc --color never 2>&1 | tee "$output"
    count_cargo_test "$output"
    rm -f "$output"
}

# The service that docs/tutorial.md builds: the page followed in a copy, compiled and tested there.
run_tutorial() {
    local output
    output=$(mktemp "$ROOT/.local/tests.XXXXXX")
    "$HERE/tests/tutorial_test.sh" 2>&1 | tee "$output"
    count_cargo_test "$output"
    rm -f "$output"
}

# A few trials of each fault, on the test servers, which nobody else uses by now. Each fault counts as a test.
run_faults() {
    local output code=0 judged
    output=$(mktemp "$ROOT/.local/tests.XXXXXX")
    "${CARGO_TARGET_DIR:-$ROOT/target}/debug/chaos" sample 2>&1 | tee "$output" || code=$?
    judged=$(sed -nE 's/^([0-9]+) faults, .*seed [0-9]+$/\1/p' "$output" | tail -n 1)
    PASSED=$((PASSED + ${judged:-0}))
    rm -f "$output"
    return "$code"
}

# Against the last commit, too: a contract that was edited by hand together with its type would look fresh.
check_contracts() {
    cargo run --quiet --locked -p sagactl -- generate --check
    if git rev-parse --verify --quiet HEAD >/dev/null 2>&1; then
        cargo run --quiet --locked -p sagactl -- schemas check --against HEAD
    fi
}

check_dependencies() {
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny --locked check
    else
        NOTES+=("cargo-deny is not installed, so licenses and advisories were not checked (cargo install cargo-deny)")
    fi
}

check_scripts() {
    if command -v shellcheck >/dev/null; then
        shellcheck -x -P SCRIPTDIR "$HERE"/*.sh "$HERE"/lib/*.sh "$HERE"/tests/*.sh .ci/run
    else
        NOTES+=("shellcheck is not installed, so the scripts were not linted (apt-get install shellcheck)")
    fi
}

static_checks() {
    step "format" cargo fmt --all --check
    step "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
    step "scripts" check_scripts
    step "dependencies" check_dependencies
    step "generated files are fresh, released contracts kept" check_contracts
}

# Skipped tests are a failure, unless what they need, the shared data, is not here.
judge_skipped() {
    ((SKIPPED > 0)) || return 0
    if [[ -d ../shared/data ]]; then
        die "$SKIPPED tests were skipped" "a test that cannot run here must be made to run, or be removed"
    fi
    NOTES+=("$SKIPPED tests were skipped; ../shared/data, which some of them need, is absent")
}

start_test_stack() {
    if "$HERE/stack.sh" status --profile test >/dev/null 2>&1; then
        NOTES+=("the servers of profile test were already running and are left so")
    else
        STARTED_STACK=1
    fi
    "$HERE/stack.sh" up --profile test
    export SAGA_TEST_STACK=$ROOT/.local/test/stack.env
}

# Its settings are the defaults, whatever the caller has set for a platform of their own.
postman_platform() {
    (
        forget_settings
        PROFILE=postman "$HERE/platform.sh" "$@"
    )
}

start_postman_platform() {
    STARTED_POSTMAN=1
    # What a failed run has left would be counted as this one's.
    [[ ! -d .local/postman ]] || postman_platform clean
    postman_platform up
}

# Each assertion of the collection counts as a test.
run_postman_collection() {
    local code=0
    newman_run "$ROOT/.local/postman/platform.env" || code=$?
    PASSED=$((PASSED + NEWMAN_ASSERTIONS))
    return "$code"
}

all_tests() {
    static_checks
    # Whole-system tests, and the tests of the scripts, start the services' programs.
    step "build" cargo build --workspace --bins --locked
    step "the infrastructure's scripts" "$HERE/tests/stack_test.sh"
    step "the platform's scripts" "$HERE/tests/platform_test.sh"
    step "test servers" start_test_stack
    step "tests" run_all_tests
    step "faults, a sample" run_faults
    step "the tutorial's service" run_tutorial
    step "examples in the documentation" run_doc_tests
    step "skipped tests" judge_skipped
}

case $MODE in
    check)
        static_checks
        step "unit tests" run_tests --workspace --lib --bins
        step "skipped tests" judge_skipped
        ;;
    test)
        all_tests
        ;;
    deep)
        # Read by the tests: more random cases, longer runs.
        export SAGA_TEST_DEEP=1 PROPTEST_CASES=${PROPTEST_CASES:-4096}
        all_tests
        step "newman" newman_prepare
        step "a platform for the Postman collection" start_postman_platform
        step "Postman collection" run_postman_collection
        ;;
    *)
        trap - EXIT
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
