# shellcheck shell=bash
# Processes that outlive the script that started them, and how they are recognized afterwards.
# Sourced, never run. Wants RUN (folder of the pid files).
#
# A pid file alone proves nothing: after a crash or a reboot the number may belong to a stranger. Beside
# NAME.pid lies NAME.stamp with the boot id and the start time of the process; only if both agree is it ours.

BOOT_ID=$(</proc/sys/kernel/random/boot_id)

# Whatever the caller has set for a platform of their own (TIME_SCALE, FRAUD_MODE, ORDER_PORT, …) is forgotten, by leaving
# only what programs and compilers need anywhere: a list of all settings would miss the next one.
forget_settings() {
    local name
    while read -r name; do
        case $name in
            HOME | PATH | SHELL | USER | LOGNAME | TMPDIR | TERM | TZ | LANG | LANGUAGE | LC_* | PWD | SHLVL | _) ;;
            CARGO_* | RUSTUP_* | RUSTC* | RUSTFLAGS | RUSTDOCFLAGS | CC | CXX | AR | *FLAGS | *_INCLUDE_PATH) ;;
            LD_LIBRARY_PATH | LIBRARY_PATH | PKG_CONFIG* | *_[pP][rR][oO][xX][yY] | SSL_CERT_*) ;;
            # Bash lets nobody unset these.
            SHELLOPTS | BASHOPTS | UID | EUID | PPID) ;;
            # How the tests are run, and where unpacked packages lie.
            STACK_* | SAGA_TEST_*) ;;
            *) unset "$name" ;;
        esac
    done < <(compgen -e)
}

# Field N of /proc/PID/stat counted from the state (1 = state, 20 = start time). The process name before it
# may contain blanks and brackets, hence the cut at the last one.
stat_field() {
    local line
    { line=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    line=${line##*) }
    local -a fields
    read -ra fields <<<"$line"
    printf '%s' "${fields[$2 - 1]}"
}

# True for a process that exists and is not a zombie (containers without an init keep those for ever).
alive() {
    local state
    state=$(stat_field "$1" 1) && [[ $state != Z && $state != X ]]
}

process_stamp() {
    local started
    started=$(stat_field "$1" 20) && printf '%s %s' "$BOOT_ID" "$started"
}

# The pid of NAME if it runs and is really ours.
pid_of() {
    local pid
    [[ -s $RUN/$1.pid && -s $RUN/$1.stamp ]] || return 1
    pid=$(<"$RUN/$1.pid")
    [[ $pid =~ ^[0-9]+$ ]] && alive "$pid" && [[ $(process_stamp "$pid") == "$(<"$RUN/$1.stamp")" ]] || return 1
    printf '%s' "$pid"
}

running() {
    pid_of "$1" >/dev/null
}

# launch NAME LOG FOLDER COMMAND…: in a session of its own, with no descriptor of ours but the log. A lock or
# a pipe handed down by accident would keep `make` or the next `up` waiting for the life of the server.
launch() {
    local name=$1 log=$2 folder=$3 pid
    shift 3
    mkdir -p "$RUN" "$(dirname "$log")"
    rotate_log "$log"
    rm -f "$RUN/$name.pid" "$RUN/$name.stamp"
    (
        cd "$folder" || exit 1
        local fd
        for fd in /proc/"$BASHPID"/fd/*; do
            fd=${fd##*/}
            ((fd > 2)) && eval "exec $fd>&-"
        done
        unset MAKEFLAGS MAKELEVEL MFLAGS
        export SAGA_PROCESS=$RUN/$name
        # A background process of a script leads no group, so setsid does not fork and the pid stays $!.
        exec setsid nohup "$@"
    ) </dev/null >>"$log" 2>&1 &
    pid=$!
    process_stamp "$pid" >"$RUN/$name.stamp" || true
    printf '%s\n' "$pid" >"$RUN/$name.pid"
}

forget() {
    rm -f "$RUN/$1.pid" "$RUN/$1.stamp"
}

# wait_gone PID SECONDS
wait_gone() {
    local pid=$1 left=$(($2 * 20))
    while alive "$pid"; do
        ((left-- > 0)) || return 1
        sleep 0.05
    done
}

# stop_process NAME SIGNAL SECONDS: asks, waits, and insists. Returns 1 when it had to insist.
stop_process() {
    local name=$1 signal=$2 seconds=$3 pid polite=0
    if ! pid=$(pid_of "$name"); then
        forget "$name"
        return 0
    fi
    kill "-$signal" "$pid" 2>/dev/null || true
    if ! wait_gone "$pid" "$seconds"; then
        polite=1
        kill -KILL "$pid" 2>/dev/null || true
        wait_gone "$pid" 5 || die "$name (pid $pid) survives SIGKILL; look at it with: ps -fp $pid"
    fi
    forget "$name"
    return "$polite"
}

# leftovers NAME FOLDER: pids started for NAME that still live, whether or not a pid file knows them: by the mark in
# their environment (Erlang's helpers), or, since Postgres and Redis write over theirs, by name and working folder.
leftovers() {
    local name=$1 folder=$2 path pid
    {
        grep -lzxF "SAGA_PROCESS=$RUN/$name" /proc/[0-9]*/environ 2>/dev/null || true
        find /proc/[0-9]*/cwd -maxdepth 0 -lname "$folder" 2>/dev/null || true
    } | while read -r path; do
        pid=${path#/proc/}
        pid=${pid%/*}
        # A person's shell that happens to stand in the folder is no leftover.
        if [[ $path == */cwd && ! $(cat "/proc/$pid/comm" 2>/dev/null) =~ ^(postgres|redis-server)$ ]]; then
            continue
        fi
        alive "$pid" && printf '%s\n' "$pid"
    done | sort -un
}

# clear_leftovers NAME FOLDER: children get three seconds to notice that their parent is gone.
clear_leftovers() {
    local name=$1 folder=$2 left=60 pids
    while pids=$(leftovers "$name" "$folder") && [[ -n $pids ]]; do
        if ((left-- <= 0)); then
            say "$name" "ending leftover processes:" "${pids//$'\n'/ }"
            # shellcheck disable=SC2086 # one argument per pid
            kill -KILL $pids 2>/dev/null || true
            sleep 0.2
            return 0
        fi
        sleep 0.05
    done
}
