# shellcheck shell=bash
# Redis: caches and rate limits only, so nothing is written to disk.
# Sourced, never run.

redis_ports() {
    local standard=6379 fallback=16379
    [[ $PROFILE == dev ]] || standard=0 fallback=0
    choose_port redis REDIS_PORT "$standard" "$fallback" "${VALUES[REDIS_PORT]:-}" "${ASKED[REDIS_PORT]}"
    VALUES[REDIS_PORT]=$CHOSEN_PORT
}

# The password stands in a file of mode 600, because a command line is readable by everybody.
redis_launch() {
    (
        umask 077
        cat >"$STATE/redis.conf" <<CONF
bind 127.0.0.1
port ${VALUES[REDIS_PORT]}
requirepass ${VALUES[REDIS_PASSWORD]}
save ""
appendonly no
daemonize no
maxmemory 128mb
maxmemory-policy allkeys-lru
dir $DATA/redis
CONF
    )
    launch redis "$LOGS/redis.log" "$DATA/redis" \
        env "PATH=$TOOL_PATH" "LD_LIBRARY_PATH=$TOOL_LIBRARIES" "$REDIS_SERVER" "$STATE/redis.conf"
}

redis_ready() {
    local pid port=${VALUES[REDIS_PORT]}
    pid=$(pid_of redis) && listens "$pid" "$port" || return 1
    (
        exec {redis}<>"/dev/tcp/127.0.0.1/$port" || exit 1
        printf 'AUTH %s\r\nPING\r\n' "${VALUES[REDIS_PASSWORD]}" >&"$redis"
        IFS= read -r -t 2 auth <&"$redis" || auth=""
        IFS= read -r -t 2 pong <&"$redis" || pong=""
        [[ $auth == +OK* && $pong == +PONG* ]]
    ) 2>/dev/null
}

redis_stop() {
    stop_process redis TERM 10
}
