# shellcheck shell=bash
# Which ports are free, who listens, and how a port is chosen and kept.
# Sourced, never run. Everything is read from /proc: neither ss nor lsof need exist.

# Any socket on the port counts, whatever the address, that listens, is connected or about to be. What is left of a
# server that died, half-closed by clients that have not noticed yet (FIN_WAIT, TIME_WAIT, …), stops no server that binds.
port_free() {
    local hex
    printf -v hex '%04X' "$1"
    # No pipe into grep -q: under pipefail the writer's SIGPIPE would turn "taken" into "free".
    ! grep -qsE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:[0-9A-F]+ 0[1238A]" /proc/net/tcp /proc/net/tcp6
}

# listens PID PORT: the very process holds the listening socket, so a stranger's answer cannot be mistaken for ours.
listens() {
    local pid=$1 hex inode
    printf -v hex ':%04X' "$2"
    while read -r inode; do
        if [[ -n $(find "/proc/$pid/fd" -lname "socket:\[$inode\]" 2>/dev/null) ]]; then
            return 0
        fi
    done < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$hex" '$2 ~ port "$" && $4 == "0A" { print $10 }')
    return 1
}

# The first free port from FIRST on that is not among TAKEN.
next_free_port() {
    local port=$1 taken=$2 last
    last=$((port + 200))
    for (( ; port < last; port++)); do
        if [[ " $taken " != *" $port "* ]] && port_free "$port"; then
            printf '%s' "$port"
            return 0
        fi
    done
    die "no free port among $1 to $last"
}

# A random free port between 20000 and 29999: below the range the kernel gives to outgoing connections
# (32768 and up), so that no passing connection holds it when the server restarts.
random_free_port() {
    local taken=$1 port tries
    for ((tries = 0; tries < 100; tries++)); do
        port=$((20000 + RANDOM % 10000))
        if [[ " $taken " != *" $port "* ]] && port_free "$port"; then
            printf '%s' "$port"
            return 0
        fi
    done
    die "found no free port between 20000 and 29999 in 100 tries"
}

CHOSEN_PORTS=""

# What this run gave away, or a server of ours holds: nobody may listen there yet.
given_away() {
    [[ " $CHOSEN_PORTS " == *" $1 "* ]]
}

# choose_port NAME VARIABLE STANDARD FALLBACK KEPT ASKED: leaves the port in CHOSEN_PORT. The order is: what the
# caller asked for, what was chosen before, the standard port, the next free one from the fallback. STANDARD and
# FALLBACK are 0 for ports nobody needs to know by heart, and for profile test.
choose_port() {
    local name=$1 variable=$2 standard=$3 fallback=$4 kept=$5 asked=$6
    CHOSEN_PORT=""
    if [[ -n $asked ]]; then
        if [[ ! $asked =~ ^[0-9]{1,5}$ ]] || ((10#$asked < 1 || 10#$asked > 65535)); then
            die "$variable=$asked is not a port"
        fi
        # 08001 is 8001.
        asked=$((10#$asked))
        ! given_away "$asked" || die "port $asked of $name is another server's of this platform already" \
            "set $variable to another one, or unset it to let one be chosen"
        port_free "$asked" || die "port $asked of $name is taken by another program" \
            "set $variable to a free one, or unset it to let one be chosen"
        CHOSEN_PORT=$asked
    elif [[ -n $kept ]] && ! given_away "$kept" && port_free "$kept"; then
        CHOSEN_PORT=$kept
    elif ((standard != 0)) && ! given_away "$standard" && port_free "$standard"; then
        CHOSEN_PORT=$standard
    elif ((fallback != 0)); then
        CHOSEN_PORT=$(next_free_port "$fallback" "$CHOSEN_PORTS")
        say "$name" "port ${kept:-$standard} is taken, using $CHOSEN_PORT" \
            "(set $variable to choose)"
    else
        CHOSEN_PORT=$(random_free_port "$CHOSEN_PORTS")
    fi
    CHOSEN_PORTS+=" $CHOSEN_PORT"
}

# http_status PORT PATH [USER:PASSWORD]: the status code of a GET, without curl. Empty when nothing answers.
http_status() {
    local port=$1 path=$2 user=${3:-} authorization="" line
    if [[ -n $user ]]; then
        authorization="Authorization: Basic $(printf '%s' "$user" | base64 -w 0)"$'\r\n'
    fi
    (
        exec {http}<>"/dev/tcp/127.0.0.1/$port" || exit 0
        printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n%s\r\n' "$path" "$authorization" >&"$http"
        IFS= read -r -t 5 line <&"$http" || line=""
        [[ $line =~ ^HTTP/[0-9.]+\ ([0-9]{3}) ]] && printf '%s' "${BASH_REMATCH[1]}"
        exit 0
    ) 2>/dev/null
}
