#!/usr/bin/env bash
# The private infrastructure of one profile: Postgres, RabbitMQ and Redis on loopback, without Docker and without root.
#
#   stack.sh up|down|status|reset|env                [--profile dev|test]
#   stack.sh start|stop|kill postgres|rabbitmq|redis [--profile dev|test]
#
# Everything lives in .local/<profile>/ of the checkout: data, logs, run (pid files) and stack.env, which says where the
# servers are. `up` may be called at any time and starts only what does not run. Profile dev wants the standard ports,
# every other profile (test, or any word) takes free high ones;
# POSTGRES_PORT, AMQP_PORT, MANAGEMENT_PORT and REDIS_PORT choose others. STACK_PACKAGES names a folder of unpacked
# packages to share between checkouts; STACK_IGNORE_INSTALLED=1 uses unpacked packages only; TEST_FSYNC=off lets the
# test Postgres trade durability for speed.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(cd "$HERE/../.." && pwd -P)

usage() {
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}

COMMAND=${1:-help}
[[ $# -eq 0 ]] || shift
SERVER=""
PROFILE=dev
while (($# > 0)); do
    case $1 in
        --profile) PROFILE=${2:-} && shift ;;
        --profile=*) PROFILE=${1#*=} ;;
        postgres | rabbitmq | redis) SERVER=$1 ;;
        *) usage >&2 && exit 2 ;;
    esac
    shift
done
[[ $PROFILE =~ ^[a-z][a-z0-9-]*$ ]] || {
    echo "error: --profile is dev, test or another word in lower case, not '$PROFILE'" >&2
    exit 2
}

STATE=$ROOT/.local/$PROFILE
RUN=$STATE/run
DATA=$STATE/data
LOGS=$STATE/logs
PACKAGES=${STACK_PACKAGES:-$ROOT/.local/packages}
SERVERS=(postgres rabbitmq redis)
# What the caller asked for, before stack.env is read.
declare -A ASKED=([POSTGRES_PORT]=${POSTGRES_PORT:-} [AMQP_PORT]=${AMQP_PORT:-}
    [MANAGEMENT_PORT]=${MANAGEMENT_PORT:-} [REDIS_PORT]=${REDIS_PORT:-})

# shellcheck source=lib/output.sh
source "$HERE/lib/output.sh"
# shellcheck source=lib/process.sh
source "$HERE/lib/process.sh"
# shellcheck source=lib/ports.sh
source "$HERE/lib/ports.sh"
# shellcheck source=lib/environment.sh
source "$HERE/lib/environment.sh"
# shellcheck source=lib/packages.sh
source "$HERE/lib/packages.sh"
# shellcheck source=lib/postgres.sh
source "$HERE/lib/postgres.sh"
# shellcheck source=lib/rabbitmq.sh
source "$HERE/lib/rabbitmq.sh"
# shellcheck source=lib/redis.sh
source "$HERE/lib/redis.sh"

# How long a server may take to answer, in seconds. A cold broker on a busy machine with two cores needs 15; ten times
# that means something is wrong. Recovery after kill -9 is included.
READY_SECONDS=150

# One command at a time per profile. The lock lies beside the folder, because `reset` removes the folder.
take_lock() {
    [[ $ROOT != *[[:space:]]* ]] || die "the path of this checkout contains a blank: $ROOT" \
        "the servers' settings cannot express that; move it"
    need flock "install util-linux"
    mkdir -p "$ROOT/.local"
    exec {lock}>"$ROOT/.local/$PROFILE.lock"
    flock --nonblock "$lock" || {
        say stack "another command works on profile $PROFILE, waiting for it"
        flock --wait 600 "$lock" || die "still busy after 10 minutes" "see who holds it: fuser -v $ROOT/.local/$PROFILE.lock"
    }
}

prepare_folders() {
    mkdir -p "$RUN" "$DATA"/{postgres,rabbitmq,redis,epmd} "$LOGS"
    chmod 700 "$STATE"
    chmod 700 "$DATA/postgres"
}

data_folder() {
    printf '%s' "$DATA/$1"
}

address_of() {
    case $1 in
        postgres) printf '127.0.0.1:%s' "${VALUES[POSTGRES_PORT]:-?}" ;;
        rabbitmq) printf '127.0.0.1:%s, management http://127.0.0.1:%s (guest/guest)' \
            "${VALUES[AMQP_PORT]:-?}" "${VALUES[MANAGEMENT_PORT]:-?}" ;;
        redis) printf '127.0.0.1:%s' "${VALUES[REDIS_PORT]:-?}" ;;
    esac
}

ports_of() {
    case $1 in
        postgres) printf '%s\n' "${VALUES[POSTGRES_PORT]}" ;;
        rabbitmq) printf '%s\n' "${VALUES[AMQP_PORT]}" "${VALUES[MANAGEMENT_PORT]}" \
            "${VALUES[RABBITMQ_PROMETHEUS_PORT]}" "${VALUES[RABBITMQ_DIST_PORT]}" ;;
        redis) printf '%s\n' "${VALUES[REDIS_PORT]}" ;;
    esac
}

# Ports of servers that run are theirs; a server that is started must not be given them.
reserve_ports_in_use() {
    local server
    CHOSEN_PORTS=""
    for server in "${SERVERS[@]}"; do
        if running "$server"; then
            CHOSEN_PORTS+=" $(ports_of "$server" | tr '\n' ' ')"
        fi
    done
}

# Another program may take a chosen port between the choice and the bind; then the server ends, and a new choice helps.
lost_a_port() {
    local port
    for port in $(ports_of "$1"); do
        port_free "$port" || return 0
    done
    return 1
}

await_ready() {
    local server=$1 deadline=$((SECONDS + READY_SECONDS))
    until "${server}_ready"; do
        running "$server" || return 1
        if ((SECONDS > deadline)); then
            show_tail "$LOGS/$server.log"
            die "$server did not answer within $READY_SECONDS s" "its log: $LOGS/$server.log"
        fi
        sleep 0.1
    done
}

# Called once all are launched: they come up side by side, which halves the wait for the broker.
finish_server() {
    local server=$1 began=$2 tries
    for tries in 1 2 3; do
        if await_ready "$server"; then
            say "$server" "ready after $(seconds_since "$began") on $(address_of "$server")"
            return 0
        fi
        if ! lost_a_port "$server" || [[ $COMMAND != up ]] || ((tries == 3)); then
            break
        fi
        say "$server" "lost a port to another program, choosing again"
        reserve_ports_in_use
        "${server}_ports"
        save_values
        "${server}_launch"
    done
    show_tail "$LOGS/$server.log"
    die "$server ended while starting" "its log: $LOGS/$server.log" \
        "if its data is damaged: $0 reset --profile $PROFILE"
}

start_servers() {
    local server began pid
    local -a dead=()
    began=$(now_us)
    for server in "$@"; do
        if pid=$(pid_of "$server"); then
            say "$server" "already running (pid $pid) on $(address_of "$server")"
        else
            dead+=("$server")
        fi
    done
    if ((${#dead[@]} == 0)) && [[ " $* " != *" rabbitmq "* ]]; then
        return 0
    fi
    prepare_programs
    reserve_ports_in_use
    for server in "${dead[@]}"; do
        [[ ! -f $RUN/$server.pid ]] || say "$server" "has died since the last start"
        # Before its ports are looked at: what is left of it may still hold them.
        clear_leftovers "$server" "$(data_folder "$server")"
        # Whoever stops and starts one server expects it at the same address.
        if [[ $COMMAND == up || -z $(ports_of "$server" 2>/dev/null | tr -d '\n') ]]; then
            "${server}_ports"
        elif lost_a_port "$server"; then
            die "a port of $server is taken by another program: $(address_of "$server")" \
                "free it, or choose another with: $0 up --profile $PROFILE"
        fi
    done
    save_values
    for server in "${dead[@]}"; do
        "${server}_launch"
    done
    for server in "${dead[@]}"; do
        finish_server "$server" "$began"
    done
    if [[ " $* " == *" rabbitmq "* ]] && ! running epmd; then
        say epmd "has died, starting it again"
        epmd_launch
    fi
}

stop_server() {
    local server=$1 began
    began=$(now_us)
    if running "$server"; then
        if "${server}_stop"; then
            say "$server" "stopped in $(seconds_since "$began")"
        else
            say "$server" "did not stop when asked, killed after $(seconds_since "$began")"
        fi
    else
        forget "$server"
        [[ $server == epmd ]] || say "$server" "not running"
    fi
    clear_leftovers "$server" "$(data_folder "$server")"
}

stop_everything() {
    local server
    for server in redis rabbitmq epmd postgres; do
        stop_server "$server"
    done
}

command_up() {
    local began
    began=$(now_us)
    prepare_folders
    make_passwords
    start_servers "${SERVERS[@]}"
    save_values
    say stack "profile $PROFILE is up after $(seconds_since "$began"); addresses in ${STATE#"$ROOT"/}/stack.env"
}

command_down() {
    stop_everything
    say stack "profile $PROFILE is down"
}

command_reset() {
    stop_everything
    rm -rf "$STATE"
    say stack "data, logs and passwords of profile $PROFILE are removed"
}

command_status() {
    local server pid state failed=0
    for server in "${SERVERS[@]}"; do
        state="not running"
        if pid=$(pid_of "$server"); then
            state="pid $pid, not answering"
            "${server}_ready" && state="running, pid $pid, on $(address_of "$server")"
        fi
        [[ $state == running* ]] || failed=1
        say "$server" "$state"
    done
    return "$failed"
}

command_env() {
    [[ -f $STATE/stack.env ]] || die "profile $PROFILE was never started" "start it with: $0 up --profile $PROFILE"
    cat "$STATE/stack.env"
}

one_server() {
    [[ -n $SERVER ]] || die "$COMMAND which server? postgres, rabbitmq or redis"
    [[ -f $STATE/stack.env ]] || die "profile $PROFILE was never started" "start it with: $0 up --profile $PROFILE"
}

command_kill() {
    local pid
    pid=$(pid_of "$SERVER") || die "$SERVER does not run"
    kill -KILL "$pid"
    wait_gone "$pid" 5 || die "$SERVER (pid $pid) survives SIGKILL"
    say "$SERVER" "killed (pid $pid)"
}

case $COMMAND in
    up | down | reset | start | stop | kill) take_lock ;;
esac
load_values
case $COMMAND in
    up) command_up ;;
    down) command_down ;;
    reset) command_reset ;;
    status) command_status ;;
    env) command_env ;;
    start)
        one_server
        prepare_folders
        start_servers "$SERVER"
        ;;
    stop)
        one_server
        stop_server "$SERVER"
        ;;
    kill)
        one_server
        command_kill
        ;;
    help | -h | --help) usage ;;
    *) usage >&2 && exit 2 ;;
esac
