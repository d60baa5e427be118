# shellcheck shell=bash
# stack.env: the one file that says where the servers are and with which passwords.
# Sourced, never run. Wants STATE. It is also the memory of the stack: ports and passwords are kept in it.

STACK_ENV_SERVICES=(order inventory payment shipping notification analytics ai gateway)
declare -A VALUES=()

# 128 bits in hex, which no URL, shell or SQL needs to quote.
new_password() {
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

load_values() {
    local key value
    [[ -f $STATE/stack.env ]] || return 0
    while IFS='=' read -r key value; do
        [[ $key =~ ^[A-Z_]+$ ]] && VALUES[$key]=$value
    done <"$STATE/stack.env"
    return 0
}

# keep_or_make KEY: a password once made stays, because the servers have stored it.
keep_or_make() {
    [[ -n ${VALUES[$1]:-} ]] || VALUES[$1]=$(new_password)
}

make_passwords() {
    local service
    for service in "${STACK_ENV_SERVICES[@]}"; do
        keep_or_make "${service^^}_DB_PASSWORD"
        keep_or_make "${service^^}_DB_OWNER_PASSWORD"
        keep_or_make "${service^^}_AMQP_PASSWORD"
    done
    keep_or_make OPERATOR_AMQP_PASSWORD
    keep_or_make POSTGRES_PASSWORD
    keep_or_make REDIS_PASSWORD
}

derive_values() {
    local postgres=${VALUES[POSTGRES_PORT]:-} amqp=${VALUES[AMQP_PORT]:-} redis=${VALUES[REDIS_PORT]:-}
    local management=${VALUES[MANAGEMENT_PORT]:-}
    VALUES[POSTGRES_ADMIN_URL]="postgres://postgres:${VALUES[POSTGRES_PASSWORD]}@127.0.0.1:$postgres/postgres"
    VALUES[POSTGRES_PID_FILE]=$RUN/postgres.pid
    VALUES[AMQP_HOST]=127.0.0.1
    VALUES[AMQP_ADMIN_URL]="amqp://guest:guest@127.0.0.1:$amqp/%2f"
    VALUES[BROKER_MANAGEMENT_URL]="http://guest:guest@127.0.0.1:$management"
    VALUES[RABBITMQ_PID_FILE]=$RUN/rabbitmq.pid
    VALUES[RABBITMQCTL]=$STATE/bin/rabbitmqctl
    VALUES[REDIS_URL]="redis://:${VALUES[REDIS_PASSWORD]}@127.0.0.1:$redis/"
}

# Written to the side and renamed: a reader never sees half a file. Readable by the owner only.
save_values() {
    local key
    derive_values
    (
        umask 077
        for key in "${!VALUES[@]}"; do
            printf '%s=%s\n' "$key" "${VALUES[$key]}"
        done | LC_ALL=C sort >"$STATE/stack.env.new"
    )
    mv -f "$STATE/stack.env.new" "$STATE/stack.env"
}
