# shellcheck shell=bash
# RabbitMQ with its management and Prometheus plugins, and the epmd (Erlang's name server) that belongs to it.
# Sourced, never run. Exchanges, queues and users are made by `sagactl topology apply`, not here.
#
# The wrappers in /usr/sbin change user and folder, so the scripts under /usr/lib/rabbitmq are called directly.

RABBITMQ_HOME_DIR=$DATA/rabbitmq

rabbitmq_ports() {
    local amqp=5672 amqp_fallback=25672 management=15672 management_fallback=35672
    [[ $PROFILE == dev ]] || amqp=0 amqp_fallback=0 management=0 management_fallback=0
    choose_port rabbitmq AMQP_PORT "$amqp" "$amqp_fallback" "${VALUES[AMQP_PORT]:-}" "${ASKED[AMQP_PORT]}"
    VALUES[AMQP_PORT]=$CHOSEN_PORT
    choose_port rabbitmq MANAGEMENT_PORT "$management" "$management_fallback" \
        "${VALUES[MANAGEMENT_PORT]:-}" "${ASKED[MANAGEMENT_PORT]}"
    VALUES[MANAGEMENT_PORT]=$CHOSEN_PORT
    choose_port rabbitmq "" 0 0 "${VALUES[RABBITMQ_PROMETHEUS_PORT]:-}" ""
    VALUES[RABBITMQ_PROMETHEUS_PORT]=$CHOSEN_PORT
    choose_port rabbitmq "" 0 0 "${VALUES[RABBITMQ_DIST_PORT]:-}" ""
    VALUES[RABBITMQ_DIST_PORT]=$CHOSEN_PORT
    # An epmd that outlived its node still holds the right port.
    if ! running epmd; then
        choose_port epmd "" 0 0 "${VALUES[ERL_EPMD_PORT]:-}" ""
        VALUES[ERL_EPMD_PORT]=$CHOSEN_PORT
    fi
}

# Every variable the node and its command line tools must agree on, as NAME=value lines. Two schedulers at least and
# four at most: a development machine has other work, and busy waiting (+sbwt) would burn it.
rabbitmq_environment() {
    local schedulers
    schedulers=$(nproc)
    ((schedulers < 4)) || schedulers=4
    cat <<ENVIRONMENT
PATH=$TOOL_PATH
LD_LIBRARY_PATH=$TOOL_LIBRARIES
ERL_ROOTDIR=$ERLANG_ROOT
HOME=$RABBITMQ_HOME_DIR/home
LC_ALL=C.UTF-8
RABBITMQ_NODENAME=saga@localhost
RABBITMQ_CONF_ENV_FILE=$RABBITMQ_HOME_DIR/rabbitmq-env.conf
RABBITMQ_MNESIA_BASE=$RABBITMQ_HOME_DIR/mnesia
RABBITMQ_LOG_BASE=$LOGS/rabbitmq
RABBITMQ_CONFIG_FILE=$RABBITMQ_HOME_DIR/rabbitmq.conf
RABBITMQ_ADVANCED_CONFIG_FILE=$RABBITMQ_HOME_DIR/advanced.config
RABBITMQ_ENABLED_PLUGINS_FILE=$RABBITMQ_HOME_DIR/enabled_plugins
RABBITMQ_GENERATED_CONFIG_DIR=$RABBITMQ_HOME_DIR/generated
RABBITMQ_PID_FILE=$RABBITMQ_HOME_DIR/node.pid
RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
RABBITMQ_NODE_PORT=${VALUES[AMQP_PORT]}
RABBITMQ_DIST_PORT=${VALUES[RABBITMQ_DIST_PORT]}
RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S $schedulers:$schedulers +sbwt none
ERL_INETRC=$RABBITMQ_HOME_DIR/inetrc
ERL_EPMD_PORT=${VALUES[ERL_EPMD_PORT]}
ERL_EPMD_ADDRESS=127.0.0.1
ENVIRONMENT
}

rabbitmq_write_files() {
    local home=$RABBITMQ_HOME_DIR
    mkdir -p "$home"/{home,mnesia,generated} "$LOGS/rabbitmq" "$STATE/bin"
    : >"$home/rabbitmq-env.conf"
    printf '[].\n' >"$home/advanced.config"
    # The node's name ends in localhost; a machine without /etc/hosts, or one that prefers ::1, shall not matter.
    printf '{host, {127,0,0,1}, ["localhost"]}.\n{lookup, [file, native]}.\n' >"$home/inetrc"
    printf '[rabbitmq_management,rabbitmq_prometheus].\n' >"$home/enabled_plugins"
    cat >"$home/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:${VALUES[AMQP_PORT]}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${VALUES[MANAGEMENT_PORT]}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = ${VALUES[RABBITMQ_PROMETHEUS_PORT]}
loopback_users.guest = true
disk_free_limit.absolute = 512MB
log.file.rotation.size = $LOG_BYTES_MAX
log.file.rotation.count = 2
CONF
    # Erlang refuses a cookie others can read, and cannot rewrite one it cannot.
    if [[ ! -s $home/home/.erlang.cookie ]]; then
        printf '%s' "$(new_password)" >"$home/home/.erlang.cookie"
        chmod 400 "$home/home/.erlang.cookie"
    fi
    rabbitmq_write_tool
}

# bin/rabbitmqctl speaks to this node and no other, from any shell; the other tools are links to it.
rabbitmq_write_tool() {
    local tool=$STATE/bin/rabbitmqctl name value
    {
        printf '#!/bin/sh\n# Made by deploy/local: the broker tools with the environment of this node.\n'
        while IFS='=' read -r name value; do
            printf "export %s='%s'\n" "$name" "$value"
        done < <(rabbitmq_environment)
        # shellcheck disable=SC2016 # expanded when the tool runs
        printf 'exec "%s/$(basename "$0")" "$@"\n' "$RABBITMQ_SBIN"
    } >"$tool.new"
    chmod 700 "$tool.new"
    mv -f "$tool.new" "$tool"
    ln -sf rabbitmqctl "$STATE/bin/rabbitmq-diagnostics"
    ln -sf rabbitmqctl "$STATE/bin/rabbitmq-queues"
}

# epmd is started by us and not by the node, so that `down` knows its pid.
epmd_launch() {
    local -a environment
    mapfile -t environment < <(rabbitmq_environment)
    launch epmd "$LOGS/epmd.log" "$DATA/epmd" \
        env "${environment[@]}" epmd -address 127.0.0.1 -port "${VALUES[ERL_EPMD_PORT]}"
    local left=100 pid
    until pid=$(pid_of epmd) && listens "$pid" "${VALUES[ERL_EPMD_PORT]}"; do
        if ((left-- <= 0)) || ! running epmd; then
            show_tail "$LOGS/epmd.log"
            die "epmd does not listen on port ${VALUES[ERL_EPMD_PORT]}"
        fi
        sleep 0.05
    done
}

# RUNNING_UNDER_SYSTEMD makes the script become the node instead of watching it: one pid, and signals arrive.
rabbitmq_launch() {
    local -a environment
    rabbitmq_write_files
    running epmd || epmd_launch
    mapfile -t environment < <(rabbitmq_environment)
    launch rabbitmq "$LOGS/rabbitmq.log" "$DATA/rabbitmq" \
        env RUNNING_UNDER_SYSTEMD=true "${environment[@]}" "$RABBITMQ_SBIN/rabbitmq-server"
}

rabbitmq_ready() {
    local pid
    pid=$(pid_of rabbitmq) && listens "$pid" "${VALUES[AMQP_PORT]}" || return 1
    [[ $(http_status "${VALUES[MANAGEMENT_PORT]}" /api/overview guest:guest) == 200 ]]
}

rabbitmq_stop() {
    stop_process rabbitmq TERM 40
}

epmd_stop() {
    stop_process epmd TERM 5
}
