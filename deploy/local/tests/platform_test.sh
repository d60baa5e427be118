#!/usr/bin/env bash
# What platform.sh does with processes, tried on a copy with real infrastructure and stand-ins for the services: every
# service is the simulators' program under another name (it serves /readyz and drains on SIGTERM), cargo is a script that
# puts those in place, sagactl is a script that writes down how it was called. The real services are tried elsewhere.
#
#   platform_test.sh PROGRAM    the simulators' program (default: target/debug/simulators)
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(cd "$HERE/../../.." && pwd -P)
# shellcheck source=sandbox.sh
source "$HERE/sandbox.sh"
PROGRAM=$(realpath "${1:-${CARGO_TARGET_DIR:-$ROOT/target}/debug/simulators}")
[[ -x $PROGRAM ]] || die "there is no $PROGRAM" "build it with: cargo build -p simulators"
unset CARGO_TARGET_DIR

PLATFORM=$COPY/deploy/local/platform.sh
RELEASE=$COPY/target/release
CALLS=$COPY/sagactl.calls

clean_up_servers() {
    "$PLATFORM" down >/dev/null 2>&1 || true
}

platform() {
    PATH=$COPY/bin:$PATH "$PLATFORM" "$@" >"$OUTPUT" 2>&1
}

# cargo build … --target-dir FOLDER: a program that is there already is up to date.
write_stand_ins() {
    mkdir -p "$COPY/bin" "$COPY/stand-ins"
    local name
    for name in $(service_names); do
        name=$(service_field "$name" 2)
        printf '#!/usr/bin/env bash\nexport JOURNAL_PATH=%s/%s.journal\nexec %s\n' "$COPY" "$name" "$PROGRAM" \
            >"$COPY/stand-ins/$name"
    done
    cat >"$COPY/stand-ins/sagactl" <<SAGACTL
#!/usr/bin/env bash
[[ \$POSTGRES_ADMIN_URL == postgres://* && \$ORDER_URL == http://* ]] || exit 3
[[ \$* != "topology keep" ]] || exec sleep infinity
printf '%s\n' "\$*" >>"$CALLS"
SAGACTL
    cat >"$COPY/bin/cargo" <<CARGO
#!/usr/bin/env bash
mkdir -p "$RELEASE"
cp -n "$COPY"/stand-ins/* "$RELEASE/"
chmod +x "$RELEASE"/*
CARGO
    chmod +x "$COPY/bin/cargo"
}

pids() {
    local name
    for name in $(service_names) keeper; do
        printf '%s=%s\n' "$name" "$(cat "$COPY/.local/dev/run/$name.pid" 2>/dev/null)"
    done
}

url() {
    sed -n "s/^$1_URL=//p" "$COPY/.local/dev/platform.env"
}

every_service_is_ready() {
    local name address
    for name in $(service_names); do
        address=$(url "${name^^}")
        [[ $(http_status "${address##*:}" /readyz) == 200 ]] || fail "$name to be ready at $address"
    done
}

# Nobody listens yet when ports are chosen, so a look at the sockets would find them free.
one_port_is_not_given_twice() {
    local free
    CHOSEN_PORTS=""
    choose_port order ORDER_PORT 0 0 "" ""
    free=$CHOSEN_PORT
    ! (choose_port gateway GATEWAY_PORT 0 0 "" "$free") >"$OUTPUT" 2>&1 || fail "GATEWAY_PORT=$free to be refused"
    said 'set GATEWAY_PORT to another one'
    ! (choose_port gateway GATEWAY_PORT 0 0 "" "0$free") >"$OUTPUT" 2>&1 || fail "GATEWAY_PORT=0$free to be refused"
    choose_port gateway GATEWAY_PORT "$free" 10000 "$free" "" >"$OUTPUT"
    [[ $CHOSEN_PORT != "$free" ]] || fail "another port than $free, standard and kept as it is"
    CHOSEN_PORTS=""
}

what_the_caller_has_set_is_forgotten() {
    (
        local name
        while read -r name; do
            export "$name=1"
        done < <(settings_named_by_the_scripts)
        forget_settings
        for name in $(settings_named_by_the_scripts); do
            [[ -z ${!name:-} ]] || fail "$name to be forgotten"
        done
        [[ -n $PATH && -n ${STACK_PACKAGES:-} ]] || fail "the path and the packages to be kept"
    ) || exit 1
}

settings_named_by_the_scripts() {
    sed -nE 's/^ *(setting|tunable) ([A-Z_ ]+).*/\2/p' "$HERE/../lib/services.sh" | tr -s ' ' '\n'
    printf '%s\n' PROFILE RUST_LOG TEST_FSYNC {POSTGRES,AMQP,MANAGEMENT,REDIS}_PORT
    service_names | sed 's/.*/\U&_PORT/'
}

up_builds_provisions_starts_and_seeds() {
    platform up || fail "up to succeed"
    every_service_is_ready
    [[ $(cat "$CALLS") == $'provision\ntopology apply\nseed' ]] || fail "provision, topology apply, seed: $(cat "$CALLS")"
    said 'guest / guest'
    said "$(url ORDER)/docs"
}

up_can_be_read_through_a_pipe() {
    # Were a server holding the pipe, cat would wait for ever.
    timeout 60 bash -c "PATH=$COPY/bin:\$PATH '$PLATFORM' up 2>&1 | cat >'$OUTPUT'" || fail "up through a pipe to end"
    said 'is up after'
}

up_again_leaves_everything_alone() {
    local before
    before=$(pids)
    platform up || fail "a second up to succeed"
    [[ $(pids) == "$before" ]] || fail "the same processes"
}

up_starts_only_what_died() {
    local before
    before=$(pids)
    kill -KILL "$(sed -n 's/^payment=//p' <<<"$before")"
    platform up || fail "up to heal"
    said 'has died since'
    every_service_is_ready
    [[ $(pids | grep -v payment) == "$(grep -v payment <<<"$before")" ]] || fail "the others to be left alone"
}

up_restarts_what_changed() {
    local before
    before=$(pids)
    printf '# newer\n' >>"$RELEASE/inventory-service"
    FRAUD_MODE=gate platform up || fail "up to succeed"
    every_service_is_ready
    [[ $(pids | grep -E 'inventory|payment') != "$(grep -E 'inventory|payment' <<<"$before")" ]] ||
        fail "inventory (another program) and payment (another setting) to be restarted"
    [[ $(pids | grep -vE 'inventory|payment') == "$(grep -vE 'inventory|payment' <<<"$before")" ]] ||
        fail "the others to be left alone"
    tr '\0' '\n' <"/proc/$(pids | sed -n 's/^payment=//p')/environ" | grep -x FRAUD_MODE=gate >/dev/null ||
        fail "the caller's FRAUD_MODE to win"
}

status_tells_what_runs() {
    platform status || fail "status to succeed while everything runs"
    said 'keeper *running, pid'
    kill -KILL "$(pids | sed -n 's/^keeper=//p')"
    ! platform status || fail "status to fail when nobody keeps the topology"
    said 'keeper *not running'
    platform up || fail "up to start the keeper again"
    platform status || fail "status to succeed again"
    kill -KILL "$(pids | sed -n 's/^order=//p')"
    ! platform status || fail "status to fail when a service is dead"
    said 'order *not running'
}

exec_hands_over_addresses_and_passwords() {
    # shellcheck disable=SC2016 # expanded by the shell that is started
    platform exec bash -c 'printf "%s %s\n" "$ORDER_URL" "$ORDER_DB_PASSWORD"' || fail "exec to succeed"
    [[ $(cat "$OUTPUT") =~ ^http://127.0.0.1:[0-9]+\ [0-9a-f]{32}$ ]] || fail "an address and a password"
    ! platform exec no-such-program || fail "an unknown program to be refused"
}

a_service_that_does_not_start_is_shown_with_its_log() {
    printf '#!/bin/sh\necho "database is upside down"\nexit 1\n' >"$RELEASE/order-service"
    ! platform up || fail "up to fail"
    said 'order ended while starting'
    said 'database is upside down'
}

down_leaves_nothing() {
    platform down || fail "down to succeed"
    nothing_lives
    ! grep -q 'did not drain' "$OUTPUT" || fail "every service to drain when asked"
    platform clean || fail "clean to succeed"
    [[ ! -e $COPY/.local/dev ]] || fail "no data after clean"
}

write_stand_ins
test_that one_port_is_not_given_twice
test_that what_the_caller_has_set_is_forgotten
test_that up_builds_provisions_starts_and_seeds
test_that up_can_be_read_through_a_pipe
test_that up_again_leaves_everything_alone
test_that up_starts_only_what_died
test_that up_restarts_what_changed
test_that exec_hands_over_addresses_and_passwords
test_that status_tells_what_runs
test_that a_service_that_does_not_start_is_shown_with_its_log
test_that down_leaves_nothing
