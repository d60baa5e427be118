# shellcheck shell=bash
# Postgres: one private cluster; databases and roles are made by `sagactl provision`, not here.
# Sourced, never run.

POSTGRES_DATA_DIR=$DATA/postgres

postgres_ports() {
    local standard=5432 fallback=15432
    [[ $PROFILE == dev ]] || standard=0 fallback=0
    choose_port postgres POSTGRES_PORT "$standard" "$fallback" "${VALUES[POSTGRES_PORT]:-}" "${ASKED[POSTGRES_PORT]}"
    VALUES[POSTGRES_PORT]=$CHOSEN_PORT
}

# Postgres refuses to run as uid 0. Inside a user namespace root is somebody else, without any file changing
# hands; where namespaces are forbidden (many containers) the system's postgres user, or nobody, takes over.
postgres_as() {
    POSTGRES_AS=()
    ((EUID == 0)) || return 0
    # initdb looks its user up by number, so it has to be one that exists everywhere.
    local uid gid
    uid=$(id -u nobody) gid=$(id -g nobody)
    if unshare --user --map-user="$uid" --map-group="$gid" true 2>/dev/null; then
        POSTGRES_AS=(unshare --user --map-user="$uid" --map-group="$gid")
        # Data left behind by the other way belongs to the other user.
        [[ ! -d $POSTGRES_DATA_DIR ]] || chown -R 0:0 "$POSTGRES_DATA_DIR"
        return 0
    fi
    local user=postgres
    id postgres >/dev/null 2>&1 || user=nobody
    chown -R "$user" "$POSTGRES_DATA_DIR"
    chmod go+x "$STATE" "$DATA"
    POSTGRES_AS=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups)
    "${POSTGRES_AS[@]}" test -w "$POSTGRES_DATA_DIR" ||
        die "Postgres must not run as root, user namespaces are forbidden, and user '$user' cannot reach $DATA" \
            "run as an ordinary user, or move the checkout to a folder that user may enter"
}

# The cluster is made to the side and renamed when it is whole, so a start that was cut off leaves no half of one.
postgres_init() {
    local password_file=$POSTGRES_DATA_DIR.password new=$POSTGRES_DATA_DIR.new sync=()
    # Only a Postgres that may lose everything on a power cut skips the sync of the fresh cluster.
    [[ $PROFILE == test ]] && sync=(--no-sync)
    rm -rf "$new"
    mkdir -m 700 "$new"
    chown --reference="$POSTGRES_DATA_DIR" "$new"
    (
        umask 077
        printf '%s\n' "${VALUES[POSTGRES_PASSWORD]}" >"$password_file"
    )
    # initdb may run as another user, who has to read it.
    chown --reference="$POSTGRES_DATA_DIR" "$password_file"
    if ! (cd "$DATA" && env "LD_LIBRARY_PATH=$TOOL_LIBRARIES" "PATH=$TOOL_PATH" \
        "${POSTGRES_AS[@]}" "$POSTGRES_BIN/initdb" --pgdata="$new" --username=postgres \
        --pwfile="$password_file" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 "${sync[@]}" \
        >>"$LOGS/postgres.log" 2>&1 </dev/null); then
        rm -f "$password_file"
        show_tail "$LOGS/postgres.log"
        die "initdb failed" "its output: $LOGS/postgres.log"
    fi
    rm -f "$password_file"
    rmdir "$POSTGRES_DATA_DIR" || die "$POSTGRES_DATA_DIR is neither empty nor a Postgres cluster" "move it away"
    mv "$new" "$POSTGRES_DATA_DIR"
}

postgres_check_version() {
    local have want
    have=$(<"$POSTGRES_DATA_DIR/PG_VERSION")
    want=$(LD_LIBRARY_PATH=$TOOL_LIBRARIES "$POSTGRES_BIN/postgres" --version 2>/dev/null | sed 's/^[^0-9]*\([0-9]*\).*/\1/') || want=$have
    [[ -z $want || $have == "$want" ]] ||
        die "the data in $POSTGRES_DATA_DIR is of Postgres $have, the program is Postgres $want" \
            "keep the data: install Postgres $have; give it up: $0 reset --profile $PROFILE"
}

# A pid file of a dead server would stop the start if its number now belongs to a stranger.
postgres_clear_pid_file() {
    local file=$POSTGRES_DATA_DIR/postmaster.pid pid=""
    [[ -f $file ]] || return 0
    read -r pid <"$file" || true
    if [[ ! $pid =~ ^[0-9]+$ ]] || [[ $(readlink "/proc/$pid/cwd" 2>/dev/null) != "$POSTGRES_DATA_DIR" ]]; then
        rm -f "$file"
    fi
}

# 300 connections: eight services with pools of 10, three replicas each, and room for tests. jit costs more than it
# gives for queries of a millisecond. Commits stay synchronous: an acknowledged order survives kill -9.
postgres_launch() {
    local fsync=on
    [[ $PROFILE == test && ${TEST_FSYNC:-on} == off ]] && fsync=off
    mkdir -p "$POSTGRES_DATA_DIR"
    chmod 700 "$POSTGRES_DATA_DIR"
    postgres_as
    if [[ ! -f $POSTGRES_DATA_DIR/PG_VERSION ]]; then
        postgres_init
    fi
    postgres_check_version
    postgres_clear_pid_file
    launch postgres "$LOGS/postgres.log" "$POSTGRES_DATA_DIR" \
        env "LD_LIBRARY_PATH=$TOOL_LIBRARIES" "PATH=$TOOL_PATH" LC_ALL=C.UTF-8 \
        "${POSTGRES_AS[@]}" "$POSTGRES_BIN/postgres" -D "$POSTGRES_DATA_DIR" \
        -c listen_addresses=127.0.0.1 -c "port=${VALUES[POSTGRES_PORT]}" -c unix_socket_directories= \
        -c max_connections=300 -c shared_buffers=256MB -c jit=off -c max_wal_size=2GB \
        -c synchronous_commit=on -c "fsync=$fsync" -c password_encryption=scram-sha-256 \
        -c timezone=UTC -c log_timezone=UTC -c logging_collector=off -c log_line_prefix='%m [%p] %u@%d '
}

# The eighth line of postmaster.pid says "ready" once recovery is over: no client program is needed to ask.
postgres_ready() {
    local pid lines
    pid=$(pid_of postgres) && listens "$pid" "${VALUES[POSTGRES_PORT]}" || return 1
    { mapfile -t lines <"$POSTGRES_DATA_DIR/postmaster.pid"; } 2>/dev/null || return 1
    [[ ${lines[0]:-} == "$pid" && ${lines[7]:-} == ready* ]]
}

# SIGINT is Postgres' "fast": clients are cut off, everything committed is kept.
postgres_stop() {
    stop_process postgres INT 20
}
