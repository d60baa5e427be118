#!/usr/bin/env bash
# The local stack's own tests, on a copy of the scripts in a temporary folder: nothing here meets a stack that runs.
#
#   stack_test.sh            all tests; as root also once as an ordinary user
#   STACK_IGNORE_INSTALLED=1 stack_test.sh     the same with unpacked packages only
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(cd "$HERE/../../.." && pwd -P)
# shellcheck source=sandbox.sh
source "$HERE/sandbox.sh"

STACK=$COPY/deploy/local/stack.sh
SQUATTERS=()

clean_up_servers() {
    local pid
    for pid in "${SQUATTERS[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    "$STACK" down --profile test >/dev/null 2>&1 || true
    "$STACK" down --profile dev >/dev/null 2>&1 || true
}

stack() {
    "$STACK" "$@" >"$OUTPUT" 2>&1
}

value() {
    sed -n "s/^$1=//p" "$COPY/.local/$2/stack.env"
}

pid_in() {
    cat "$COPY/.local/$1/run/$2.pid"
}

# Asks the servers themselves, over the network, with what stack.env says.
everything_answers() {
    local profile=$1 reply
    exec {socket}<>"/dev/tcp/127.0.0.1/$(value REDIS_PORT "$profile")"
    printf 'AUTH %s\r\nPING\r\n' "$(value REDIS_PASSWORD "$profile")" >&"$socket"
    read -r -t 5 reply <&"$socket" || reply=nothing
    [[ $reply == +OK* ]] || fail "Redis to accept its password"
    read -r -t 5 reply <&"$socket" || reply=nothing
    [[ $reply == +PONG* ]] || fail "Redis to answer PING"
    exec {socket}>&-
    [[ $(http_status "$(value MANAGEMENT_PORT "$profile")" /api/vhosts/%2F guest:guest) == 200 ]] ||
        fail "RabbitMQ to show its virtual host to guest"
    [[ $(http_status "$(value MANAGEMENT_PORT "$profile")" /api/vhosts/%2F guest:wrong) == 401 ]] ||
        fail "RabbitMQ to refuse a wrong password"
    amqp_answers "$(value AMQP_PORT "$profile")" || fail "RabbitMQ to speak AMQP"
    postgres_refuses_strangers "$(value POSTGRES_PORT "$profile")" || fail "Postgres to ask for a SCRAM password"
}

# The broker opens with connection.start: frame type 1.
amqp_answers() {
    local first
    exec {socket}<>"/dev/tcp/127.0.0.1/$1"
    printf 'AMQP\x00\x00\x09\x01' >&"$socket"
    first=$(timeout 5 head -c 1 <&"$socket" | od -An -tx1)
    exec {socket}>&-
    [[ $first == *01 ]]
}

# A startup message for user postgres; the answer is 'R' (authentication) with code 10 (SASL).
postgres_refuses_strangers() {
    local answer
    exec {socket}<>"/dev/tcp/127.0.0.1/$1"
    printf '\x00\x00\x00\x29\x00\x03\x00\x00user\x00postgres\x00database\x00postgres\x00\x00' >&"$socket"
    answer=$(timeout 5 head -c 9 <&"$socket" | od -An -tx1 | tr -d ' ')
    exec {socket}>&-
    [[ $answer == 52????????0000000a ]]
}

ports_are_free() {
    local name port
    for name in POSTGRES_PORT AMQP_PORT MANAGEMENT_PORT REDIS_PORT ERL_EPMD_PORT RABBITMQ_DIST_PORT RABBITMQ_PROMETHEUS_PORT; do
        port=$(value "$name" "$1")
        port_free "$port" || fail "port $port ($name) to be free"
    done
}

# From nothing, and twice at the same time: the second waits for the first and finds everything done.
two_ups_at_once_start_three_servers_that_answer() {
    local first
    "$STACK" up --profile test >"$COPY/first" 2>&1 &
    first=$!
    stack up --profile test || fail "the second of two ups to succeed"
    wait "$first" || fail "the first of two ups to succeed: $(cat "$COPY/first")"
    [[ $(cat "$COPY/first" "$OUTPUT" | grep -c 'ready after') == 3 ]] || fail "three servers to be started: $(cat "$COPY/first")"
    everything_answers test
    [[ $(stat -c %a "$COPY/.local/test/stack.env") == 600 ]] || fail "stack.env to be readable by its owner only"
}

stack_env_holds_all_that_others_need() {
    local key service
    for key in POSTGRES_ADMIN_URL POSTGRES_PORT AMQP_HOST AMQP_PORT AMQP_ADMIN_URL BROKER_MANAGEMENT_URL MANAGEMENT_PORT \
        REDIS_URL REDIS_PORT RABBITMQCTL POSTGRES_PID_FILE RABBITMQ_PID_FILE OPERATOR_AMQP_PASSWORD; do
        [[ -n $(value "$key" test) ]] || fail "$key in stack.env"
    done
    for service in $(service_names); do
        [[ $service != simulators ]] || continue
        service=${service^^}
        for key in DB_PASSWORD DB_OWNER_PASSWORD AMQP_PASSWORD; do
            [[ $(value "${service}_$key" test) =~ ^[0-9a-f]{32}$ ]] || fail "${service}_$key in hex"
        done
    done
}

up_again_starts_nothing() {
    local before after
    before=$(cat "$COPY"/.local/test/run/*.pid "$COPY/.local/test/stack.env")
    stack up --profile test || fail "a second up to succeed"
    after=$(cat "$COPY"/.local/test/run/*.pid "$COPY/.local/test/stack.env")
    [[ $before == "$after" ]] || fail "the same processes and the same stack.env"
}

killed_servers_come_back_at_the_same_address_with_their_data() {
    local before after name
    "$(value RABBITMQCTL test)" add_user survivor secret >"$OUTPUT" 2>&1 || fail "rabbitmqctl to work"
    before=$(grep _PORT= "$COPY/.local/test/stack.env")
    for name in postgres rabbitmq redis epmd; do
        kill -KILL "$(pid_in test "$name")"
    done
    stack up --profile test || fail "up to heal"
    said 'has died since'
    after=$(grep _PORT= "$COPY/.local/test/stack.env")
    [[ $before == "$after" ]] || fail "the same ports after a crash"
    everything_answers test
    "$(value RABBITMQCTL test)" list_users >"$OUTPUT" 2>&1 || fail "rabbitmqctl to work after the crash"
    said survivor
}

one_server_can_be_killed_and_started_alone() {
    local name other
    for name in rabbitmq postgres; do
        other=$(pid_in test redis)
        stack kill "$name" --profile test || fail "kill $name to succeed"
        ! stack status --profile test || fail "status to say that $name is gone"
        stack start "$name" --profile test || fail "start $name to succeed"
        [[ $(pid_in test redis) == "$other" ]] || fail "the other servers to be left alone"
    done
    stack stop postgres --profile test || fail "stop postgres to succeed"
    stack start postgres --profile test || fail "start postgres to succeed"
    stack status --profile test || fail "everything to run again"
    everything_answers test
}

a_stale_pid_file_is_noticed() {
    stack stop redis --profile test || fail "stop redis to succeed"
    # The number of a living stranger: this very script.
    printf '%s\n' "$$" >"$COPY/.local/test/run/redis.pid"
    printf 'another-boot 12345' >"$COPY/.local/test/run/redis.stamp"
    stack up --profile test || fail "up to start Redis in spite of the stranger's pid"
    [[ $(pid_in test redis) != "$$" ]] || fail "a new pid"
    everything_answers test
}

a_server_without_pid_file_is_replaced() {
    local old
    old=$(pid_in test redis)
    rm "$COPY/.local/test/run/redis.pid"
    stack up --profile test || fail "up to succeed"
    ! alive "$old" || fail "the unrecorded Redis to be gone"
    everything_answers test
}

down_leaves_no_process_and_no_port() {
    stack down --profile test || fail "down to succeed"
    nothing_lives
    ports_are_free test
    stack down --profile test || fail "a second down to succeed"
}

# A port is taken by a server of another kind: our own Redis, the one program that listens at once.
squat() {
    local port=$1 left=100
    # The file has several names and asks how it was called.
    (LD_LIBRARY_PATH=$REDIS_LIBRARIES exec -a redis-server "$REDIS_PROGRAM" --bind 127.0.0.1 --port "$port" \
        --save '' --dir "$COPY" >/dev/null 2>&1 </dev/null) &
    SQUATTERS+=("$!")
    until ! port_free "$port"; do
        ((left-- > 0)) || fail "a squatter on port $port"
        sleep 0.05
    done
}

a_taken_port_is_avoided_and_an_asked_one_refused() {
    local kept
    kept=$(value POSTGRES_PORT test)
    squat "$kept"
    ! POSTGRES_PORT=$kept stack up --profile test || fail "up to refuse a port that was asked for and is taken"
    said POSTGRES_PORT
    # With the standard ports taken, profile dev must find others; whoever holds them already serves as well.
    for port in 5432 5672 15672 6379; do
        ! port_free "$port" || squat "$port"
    done
    stack up --profile dev || fail "up to find other ports"
    said 'is taken, using'
    [[ $(value POSTGRES_PORT dev) -ge 15432 && $(value AMQP_PORT dev) -ge 25672 ]] || fail "ports from the fallback range"
    everything_answers dev
}

reset_removes_everything_of_the_profile() {
    stack reset --profile dev || fail "reset to succeed"
    [[ ! -e $COPY/.local/dev && -d $COPY/.local/test ]] || fail "only profile dev to be removed"
    nothing_lives
}

nonsense_is_refused() {
    ! stack up --profile ../x || fail "a strange profile to be refused"
    ! stack start --profile test || fail "start without a server to be refused"
    ! stack frobnicate || fail "an unknown command to be refused"
}

# The last test of root's run: the same scripts for somebody who is not root, in a copy of his own.
an_ordinary_user_can_do_the_same() {
    local user=$ORDINARY_USER folder=$COPY/ordinary program
    copy_scripts "$folder"
    mkdir -p "$folder/.local"
    chown -R "$user" "$folder"
    for program in up status down; do
        (cd "$folder" && setpriv --reuid "$user" --regid nogroup --clear-groups env -i "PATH=$PATH" HOME="$folder" \
            "STACK_PACKAGES=$ORDINARY_PACKAGES" "STACK_IGNORE_INSTALLED=${STACK_IGNORE_INSTALLED:-0}" \
            "$folder/deploy/local/stack.sh" "$program" --profile test) >"$OUTPUT" 2>&1 || fail "$program as user $user"
    done
    nothing_lives
}

test_that two_ups_at_once_start_three_servers_that_answer
REDIS_PROGRAM=$(readlink "/proc/$(pid_in test redis)/exe")
REDIS_LIBRARIES=$(printf '%s:' "$STACK_PACKAGES"/tree/usr/lib/*-linux-gnu)
test_that stack_env_holds_all_that_others_need
test_that up_again_starts_nothing
test_that killed_servers_come_back_at_the_same_address_with_their_data
test_that one_server_can_be_killed_and_started_alone
test_that a_stale_pid_file_is_noticed
test_that a_server_without_pid_file_is_replaced
test_that down_leaves_no_process_and_no_port
test_that a_taken_port_is_avoided_and_an_asked_one_refused
test_that reset_removes_everything_of_the_profile
test_that nonsense_is_refused
ORDINARY_PACKAGES=$STACK_PACKAGES
ORDINARY_USER=nobody # exists everywhere, and initdb wants a user with a name
if ((EUID != 0)); then
    echo "--  not root, so this whole run was the one as an ordinary user"
elif ! setpriv --reuid "$ORDINARY_USER" --regid nogroup --clear-groups test -x "$(dirname "$COPY")" 2>/dev/null; then
    echo "--  skipped: an ordinary user cannot enter $(dirname "$COPY")"
else
    # Where he cannot read our packages he gets a copy.
    if [[ -d $STACK_PACKAGES/tree ]]; then
        ORDINARY_PACKAGES=$COPY/packages
        mkdir -p "$ORDINARY_PACKAGES"
        cp -a "$STACK_PACKAGES/tree" "$ORDINARY_PACKAGES/tree"
        chown -R "$ORDINARY_USER" "$ORDINARY_PACKAGES"
    fi
    test_that an_ordinary_user_can_do_the_same
fi
