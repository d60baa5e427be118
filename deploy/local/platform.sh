#!/usr/bin/env bash
# The whole platform on this machine: infrastructure, migrations, services, demo catalogue.
#
#   platform.sh up|down|status|clean|rabbitmq|ui
#   platform.sh logs [service]
#   platform.sh exec COMMAND…      runs it with the addresses and passwords of the running platform
#
# Everything lives in .local/dev/ (PROFILE names another folder). `up` again starts only what died or whose program or
# settings changed. Set before `up`: ORDER_PORT, INVENTORY_PORT, … for other ports; TIME_SCALE, PAYMENT_FAILURE_RATE,
# FRAUD_MODE, RUST_LOG and every other setting of the services to change their behavior.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(cd "$HERE/../.." && pwd -P)
PROFILE=${PROFILE:-dev}
STATE=$ROOT/.local/$PROFILE
RUN=$STATE/run
DATA=$STATE/data
LOGS=$STATE/logs
BINARIES=${CARGO_TARGET_DIR:-$ROOT/target}/release

# shellcheck source=lib/output.sh
source "$HERE/lib/output.sh"
# shellcheck source=lib/process.sh
source "$HERE/lib/process.sh"
# shellcheck source=lib/ports.sh
source "$HERE/lib/ports.sh"
# shellcheck source=lib/environment.sh
source "$HERE/lib/environment.sh"
# shellcheck source=lib/services.sh
source "$HERE/lib/services.sh"

# How long a service may take from its start to /readyz, in seconds. Connecting and checking takes one; the rest is for a
# machine that is busy.
READY_SECONDS=60
# How long a service may drain after SIGTERM, in seconds, before it is killed.
DRAIN_SECONDS=20

declare -A URLS=()

usage() {
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

stack() {
    "$HERE/stack.sh" "$@" --profile "$PROFILE"
}

take_lock() {
    need flock "install util-linux"
    mkdir -p "$ROOT/.local"
    exec {lock}>"$ROOT/.local/$PROFILE.platform.lock"
    flock --nonblock "$lock" || {
        say platform "another command works on it, waiting"
        flock --wait 1800 "$lock" || die "still busy after 30 minutes" \
            "see who holds it: fuser -v $ROOT/.local/$PROFILE.platform.lock"
    }
}

load_urls() {
    local key value name
    [[ -f $STATE/platform.env ]] || return 0
    while IFS='=' read -r key value; do
        name=${key%_URL}
        [[ $key != *_URL ]] || URLS[${name,,}]=$value
    done <"$STATE/platform.env"
}

save_urls() {
    local name
    (
        umask 077
        for name in $(service_names); do
            printf '%s_URL=%s\n' "${name^^}" "${URLS[$name]}"
        done >"$STATE/platform.env.new"
        # The command line has to scale its deadlines and the retry ladder as the services do.
        tunable TIME_SCALE 1 >>"$STATE/platform.env.new"
    )
    mv -f "$STATE/platform.env.new" "$STATE/platform.env"
}

# Infrastructure comes up while the compiler works: two long waits become one. Cargo's bar would be torn by the lines of
# the stack, so it prints lines too.
build_and_start_stack() {
    local began service built=0 stack_pid
    local -a packages=(-p sagactl)
    need cargo "install Rust from https://rustup.rs"
    for service in "${SERVICES[@]}"; do
        packages+=(-p "$(cut -d: -f2 <<<"$service")")
    done
    began=$(now_us)
    stack up &
    stack_pid=$!
    say build "cargo build --release (some minutes the first time)"
    (cd "$ROOT" && CARGO_TERM_PROGRESS_WHEN=never cargo build --release --locked \
        --target-dir "$(dirname "$BINARIES")" "${packages[@]}") || built=$?
    wait "$stack_pid" || die "the infrastructure did not start; see above"
    ((built == 0)) || die "the build failed; see above"
    say build "done after $(seconds_since "$began")"
}

# with_environment COMMAND…: stack.env and platform.env as variables, our programs first in the path.
with_environment() {
    [[ -f $STATE/stack.env ]] || die "the platform was never started" "start it with: make up"
    set -a
    # shellcheck source=/dev/null
    source "$STATE/stack.env"
    # shellcheck source=/dev/null
    [[ ! -f $STATE/platform.env ]] || source "$STATE/platform.env"
    set +a
    PATH=$BINARIES:$PATH
}

run_sagactl() {
    local began log=$LOGS/sagactl.log
    began=$(now_us)
    if ! (with_environment && "$BINARIES/sagactl" "$@") >"$log" 2>&1; then
        show_tail "$log"
        die "sagactl $* failed" "its output: $log"
    fi
    say sagactl "$* done after $(seconds_since "$began")"
}

# A service is started again when its program, or what it is told, is not what it was.
fingerprint() {
    local name=$1
    {
        stat -c '%i %Y %s' "$BINARIES/$(service_field "$name" 2)"
        service_environment "$name"
        printf '%s\n' "${RUST_LOG:-}"
    } | sha256sum | cut -d' ' -f1
}

choose_urls() {
    local name standard fallback kept asked
    CHOSEN_PORTS=""
    for name in $(service_names); do
        if running "$name"; then
            CHOSEN_PORTS+=" ${URLS[$name]##*:}"
        fi
    done
    for name in $(service_names); do
        running "$name" && continue
        clear_leftovers "$name" "$DATA/$name"
        standard=$(service_field "$name" 3)
        fallback=$((standard + 10000))
        kept=${URLS[$name]:-}
        asked=${name^^}_PORT
        [[ $PROFILE == dev ]] || standard=0 fallback=0
        choose_port "$name" "$asked" "$standard" "$fallback" "${kept##*:}" "${!asked:-}"
        URLS[$name]=http://127.0.0.1:$CHOSEN_PORT
    done
}

# runs_already NAME FINGERPRINT: true when it runs as it is meant to; one that runs otherwise is stopped.
runs_already() {
    local name=$1 mark=$2
    if running "$name"; then
        if [[ $(cat "$RUN/$name.build" 2>/dev/null) == "$mark" ]]; then
            say "$name" "already running (pid $(pid_of "$name"))${URLS[$name]:+ on ${URLS[$name]}}"
            return 0
        fi
        say "$name" "its program or settings changed, restarting"
        stop_process "$name" TERM "$DRAIN_SECONDS" || say "$name" "did not drain in $DRAIN_SECONDS s, killed"
    elif [[ -f $RUN/$name.pid ]]; then
        say "$name" "has died since the last start; its last words: $(tail -n 1 "$LOGS/$name.log" 2>/dev/null | cut -c 1-160)"
    fi
    return 1
}

# The keeper brings back what is taken away from the broker or changed there: services may declare nothing themselves. It
# has no address and needs nobody to wait for it.
start_keeper() {
    local mark
    mark=$({ stat -c '%i %Y %s' "$BINARIES/sagactl" && cat "$STATE/stack.env" "$STATE/platform.env"; } | cksum)
    ! runs_already keeper "$mark" || return 0
    printf '%s\n' "$mark" >"$RUN/keeper.build"
    (with_environment && launch keeper "$LOGS/keeper.log" "$ROOT" "$BINARIES/sagactl" topology keep)
    say keeper "watches over the broker's topology (pid $(pid_of keeper))"
}

stop_keeper() {
    if ! running keeper; then
        forget keeper
        say keeper "not running"
    elif stop_process keeper TERM "$DRAIN_SECONDS"; then
        say keeper "stopped"
    else
        say keeper "did not stop in $DRAIN_SECONDS s, killed"
    fi
    rm -f "$RUN/keeper.build"
}

start_service() {
    local name=$1 package binary mark
    package=$(service_field "$name" 2)
    binary=$BINARIES/$package
    [[ -x $binary ]] || die "the build made no program $binary" "package $package must have a binary of its name"
    mark=$(fingerprint "$name")
    ! runs_already "$name" "$mark" || return 0
    printf '%s\n' "$mark" >"$RUN/$name.build"
    (
        while IFS='=' read -r key value; do
            export "$key=$value"
        done < <(service_environment "$name")
        launch "$name" "$LOGS/$name.log" "$ROOT" "$binary"
    )
}

await_service() {
    local name=$1 began=$2 deadline=$((SECONDS + READY_SECONDS)) port=${URLS[$1]##*:}
    until [[ $(http_status "$port" /readyz) == 200 ]]; do
        if ! running "$name"; then
            show_tail "$LOGS/$name.log"
            die "$name ended while starting" "its log: $LOGS/$name.log"
        fi
        if ((SECONDS > deadline)); then
            show_tail "$LOGS/$name.log"
            die "$name is not ready after $READY_SECONDS s (GET ${URLS[$name]}/readyz says ${URLS[$name]:+$(http_status "$port" /readyz)})" \
                "its log: $LOGS/$name.log"
        fi
        sleep 0.1
    done
    say "$name" "ready after $(seconds_since "$began") on ${URLS[$name]} (pid $(pid_of "$name"))"
}

print_addresses() {
    local name
    printf '\n  %-12s %-28s %s\n' service address "try its calls"
    for name in $(service_names); do
        if [[ $name == simulators ]]; then
            printf '  %-12s %s\n' "$name" "${URLS[$name]}"
        else
            printf '  %-12s %-28s %s\n' "$name" "${URLS[$name]}" "${URLS[$name]}/docs"
        fi
    done
    printf '\n  %-12s %s\n' "start here" "${URLS[gateway]} (make ui)"
    printf '  %-12s %s\n' RabbitMQ "http://127.0.0.1:${VALUES[MANAGEMENT_PORT]} (guest / guest)"
    printf '  %-12s %s\n' mail "${DATA#"$ROOT"/}/mail/ (what customers were sent)"
    printf '  %-12s %s\n' logs "${LOGS#"$ROOT"/}/ (make logs)"
    printf '  %-12s %s\n\n' "try next" "make test-order   make test-failure   make load-test   make analytics   make down"
}

command_up() {
    local began name services_began
    began=$(now_us)
    build_and_start_stack
    load_values
    load_urls
    choose_urls
    save_urls
    run_sagactl provision
    run_sagactl topology apply
    services_began=$(now_us)
    for name in $(service_names); do
        start_service "$name"
    done
    for name in $(service_names); do
        await_service "$name" "$services_began"
    done
    start_keeper
    run_sagactl seed
    say platform "is up after $(seconds_since "$began")"
    print_addresses
}

# All are asked at once, so that the drains overlap; the outside world goes last, because charges may be in flight.
stop_services() {
    local name began
    local -a names
    mapfile -t names < <(service_names | tac)
    began=$(now_us)
    stop_keeper
    for name in "${names[@]}"; do
        if [[ $name != simulators ]] && running "$name"; then
            kill -TERM "$(pid_of "$name")" 2>/dev/null || true
        fi
    done
    for name in "${names[@]}"; do
        if ! running "$name"; then
            forget "$name"
            say "$name" "not running"
        elif stop_process "$name" TERM "$DRAIN_SECONDS"; then
            say "$name" "stopped after $(seconds_since "$began")"
        else
            say "$name" "did not drain in $DRAIN_SECONDS s, killed"
        fi
        clear_leftovers "$name" "$DATA/$name"
        rm -f "$RUN/$name.build"
    done
}

command_status() {
    local name pid status failed=0
    stack status || failed=1
    load_urls
    for name in $(service_names); do
        if pid=$(pid_of "$name"); then
            status=$(http_status "${URLS[$name]##*:}" /readyz)
            if [[ $status == 200 ]]; then
                say "$name" "ready, pid $pid, on ${URLS[$name]}"
            else
                say "$name" "pid $pid, not ready (/readyz says ${status:-nothing}), on ${URLS[$name]}"
                failed=1
            fi
        else
            say "$name" "not running"
            failed=1
        fi
    done
    if pid=$(pid_of keeper); then
        say keeper "running, pid $pid"
    else
        say keeper "not running: what is taken away from the broker is not brought back"
        failed=1
    fi
    return "$failed"
}

# On a terminal the logs are followed; in a pipe the last lines are enough.
command_logs() {
    local -a files=("$LOGS"/*.log)
    if [[ -n ${1:-} ]]; then
        files=("$LOGS/$1.log")
    fi
    [[ -f ${files[0]} ]] || die "no log ${files[0]#"$ROOT"/}" "there are: $(cd "$LOGS" 2>/dev/null && echo ./*.log)"
    if [[ -t 1 ]]; then
        exec tail -n 50 -F "${files[@]}"
    fi
    tail -n 100 "${files[@]}"
}

command_exec() {
    (($# > 0)) || die "exec what?" "for example: $0 exec sagactl health"
    with_environment
    command -v "$1" >/dev/null || die "there is no program '$1'" "build ours with: make up"
    exec "$@"
}

command_rabbitmq() {
    load_values
    [[ -n ${VALUES[MANAGEMENT_PORT]:-} ]] || die "the platform was never started" "start it with: make up"
    say management "http://127.0.0.1:${VALUES[MANAGEMENT_PORT]}"
    say user "guest / guest (this machine only)"
    say amqp "amqp://guest:guest@127.0.0.1:${VALUES[AMQP_PORT]}/%2f"
    command_exec sagactl topology check
}

# A browser is opened where there is a desktop; everywhere else the address is what is wanted.
command_ui() {
    load_values
    load_urls
    [[ -n ${URLS[gateway]:-} ]] || die "the platform was never started" "start it with: make up"
    print_addresses
    if [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] && command -v xdg-open >/dev/null; then
        xdg-open "${URLS[gateway]}" >/dev/null 2>&1 || true
    fi
}

COMMAND=${1:-help}
[[ $# -eq 0 ]] || shift
case $COMMAND in
    up)
        take_lock
        command_up
        ;;
    down)
        take_lock
        stop_services
        stack down
        ;;
    clean)
        take_lock
        stop_services
        stack reset
        ;;
    status) command_status ;;
    logs) command_logs "$@" ;;
    exec) command_exec "$@" ;;
    rabbitmq) command_rabbitmq ;;
    ui) command_ui ;;
    help | -h | --help) usage ;;
    *) usage >&2 && exit 2 ;;
esac
