# shellcheck shell=bash
# Where the programs come from: installed ones when they are suitable, else Debian packages unpacked into the project's
# own folder. Nothing is installed, so no system service starts on a port of ours, and root is not needed.
# Sourced, never run. Wants PACKAGES.

# Libraries and tools that the packages name but our servers do not load: 60 MB saved (jit is off, logs rotate themselves).
PACKAGES_UNNEEDED='^(perl|perl-.*|libperl.*|libllvm.*|libz3.*|llvm.*|ssl-cert|logrotate|cron.*|anacron|bcron|systemd.*|dbus.*|socat|libwrap.*|.*-dev|.*-doc)$'

TOOL_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
TOOL_LIBRARIES=""
POSTGRES_BIN="" RABBITMQ_SBIN="" ERLANG_ROOT="" REDIS_SERVER=""

# find_programs TREE: fills in whatever is still unknown from the installed system (TREE empty) or the unpacked tree.
find_programs() {
    local tree=$1 candidate
    if [[ -z $POSTGRES_BIN ]]; then
        # The newest version; Debian keeps every one in a folder of its own. /usr/local/bin may hold wrappers.
        for candidate in $(printf '%s\n' "$tree"/usr/lib/postgresql/*/bin | sort -rV); do
            if [[ -x $candidate/postgres && -x $candidate/initdb ]]; then
                POSTGRES_BIN=$candidate
                break
            fi
        done
    fi
    if [[ -z $RABBITMQ_SBIN ]]; then
        for candidate in $(printf '%s\n' "$tree"/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin | sort -rV); do
            # An installed broker without an installed Erlang is of no use, and the reverse.
            if [[ -x $candidate/rabbitmq-server && -x $tree/usr/lib/erlang/bin/erl ]]; then
                RABBITMQ_SBIN=$candidate
                ERLANG_ROOT=$tree/usr/lib/erlang
                break
            fi
        done
    fi
    if [[ -z $REDIS_SERVER ]]; then
        for candidate in "$tree/usr/bin/redis-server" "$tree/usr/local/bin/redis-server"; do
            if [[ -x $candidate ]]; then
                REDIS_SERVER=$candidate
                break
            fi
        done
    fi
}

missing_packages() {
    local -a missing=()
    [[ -n $POSTGRES_BIN ]] || missing+=(postgresql)
    [[ -n $RABBITMQ_SBIN ]] || missing+=(rabbitmq-server)
    [[ -n $REDIS_SERVER ]] || missing+=(redis-server)
    printf '%s' "${missing[*]}"
}

# apt with lists and caches of its own: works without root and touches nothing of the system.
private_apt() {
    local program=$1
    shift
    "$program" -q -o "Dir::State::lists=$PACKAGES/apt/lists" -o "Dir::Cache=$PACKAGES/apt/cache" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@"
}

# package_names ROOT…: the packages to unpack. apt works out what this machine lacks; the program's own packages come
# first by name, because apt leaves them out when they are installed and we were told to ignore that.
package_names() {
    local root name
    local -a names=()
    for root in "$@"; do
        case $root in
            postgresql)
                name=$(private_apt apt-cache depends postgresql | sed -n 's/^ *Depends: \(postgresql-[0-9]*\)$/\1/p')
                name=${name%%$'\n'*}
                [[ -n $name ]] || die "apt knows no package postgresql" "see $PACKAGES/apt/log"
                names+=("$name" "${name/-/-client-}")
                ;;
            redis-server) names+=(redis-server redis-tools) ;;
            *) names+=("$root") ;;
        esac
    done
    printf '%s\n' "${names[@]}"
    # Lines "Inst name (version …)" are new here; "Inst name [old] (new …)" would be an upgrade: what is there will do.
    private_apt apt-get -s --no-install-recommends install "${names[@]}" 2>>"$PACKAGES/apt/log" |
        sed -n 's/^Inst \([^ ]*\) (.*/\1/p' | grep -vE "$PACKAGES_UNNEEDED" || true
}

# Erlang's start scripts know where they were to be installed; they are told to ask the environment.
relocate_erlang() {
    local tree=$1 script
    for script in "$tree"/usr/lib/erlang/bin/{erl,start} "$tree"/usr/lib/erlang/erts-*/bin/{erl,start}; do
        # shellcheck disable=SC2016 # expanded when Erlang starts
        [[ ! -f $script ]] || sed -i \
            's|^\( *\)ROOTDIR="\{0,1\}/usr/lib/erlang"\{0,1\}$|\1ROOTDIR="${ERL_ROOTDIR:-/usr/lib/erlang}"|' "$script"
    done
}

# unpack ROOT…: downloads and unpacks to the side, then renames: an interrupted download leaves nothing half done.
unpack() {
    local started name deb new=$PACKAGES/tree.new count=0
    local -a names
    started=$(now_us)
    need apt-get "install the programs by hand ($*), or use Debian or Ubuntu"
    need dpkg "install the programs by hand ($*), or use Debian or Ubuntu"
    mkdir -p "$PACKAGES"/apt/{lists,cache/archives}/partial "$PACKAGES/apt/debs"
    : >"$PACKAGES/apt/log"
    say packages "not installed here: $*; unpacking Debian packages into ${PACKAGES#"$ROOT"/}"
    if ! private_apt apt-get update >>"$PACKAGES/apt/log" 2>&1; then
        # One broken source among several is no reason to stop; a missing package is noticed below.
        warn packages "apt-get update complained (see $PACKAGES/apt/log)"
    fi
    mapfile -t names < <(package_names "$@" | sort -u)
    if ! (cd "$PACKAGES/apt/debs" && rm -f ./*.deb && private_apt apt-get download "${names[@]}") >>"$PACKAGES/apt/log" 2>&1; then
        show_tail "$PACKAGES/apt/log"
        die "the packages could not be downloaded" "check the network, or install by hand: $*"
    fi
    rm -rf "$new"
    mkdir -p "$new"
    for deb in "$PACKAGES"/apt/debs/*.deb; do
        dpkg -x "$deb" "$new" || die "dpkg cannot unpack $deb"
        count=$((count + 1))
    done
    relocate_erlang "$new"
    # What an earlier start unpacked stays where it is: a server may be running from it.
    if [[ -d $PACKAGES/tree ]]; then
        cp -an "$new/." "$PACKAGES/tree/"
        rm -rf "$new"
    else
        mv "$new" "$PACKAGES/tree"
    fi
    rm -rf "$PACKAGES/apt/debs" "$PACKAGES/apt/cache"
    say packages "$count packages unpacked in $(seconds_since "$started")"
}

# prepare_programs: afterwards the five variables above are set.
prepare_programs() {
    local missing tree=$PACKAGES/tree
    if [[ ${STACK_IGNORE_INSTALLED:-0} != 1 ]]; then
        find_programs ""
    fi
    missing=$(missing_packages)
    if [[ -n $missing ]]; then
        mkdir -p "$PACKAGES"
        exec {packages_lock}>"$PACKAGES/lock"
        flock "$packages_lock"
        find_programs "$tree"
        missing=$(missing_packages)
        if [[ -n $missing ]]; then
            # shellcheck disable=SC2086 # one argument per package
            unpack $missing
            find_programs "$tree"
            missing=$(missing_packages)
            [[ -z $missing ]] || die "unpacked, but still missing: $missing" "see $PACKAGES/apt/log"
        fi
        exec {packages_lock}>&-
    fi
    set_tool_paths "$tree"
}

# Libraries of the unpacked tree are offered only if something of it is used: an installed program should not meet them.
set_tool_paths() {
    local tree=$1 folder
    TOOL_PATH=$ERLANG_ROOT/bin:$TOOL_PATH
    [[ "$POSTGRES_BIN$RABBITMQ_SBIN$REDIS_SERVER" == *"$tree"* ]] || return 0
    TOOL_PATH=$tree/usr/bin:$TOOL_PATH
    for folder in "$tree"/usr/lib/*-linux-gnu* "$tree"/lib/*-linux-gnu*; do
        if [[ -d $folder ]]; then
            TOOL_LIBRARIES+=${TOOL_LIBRARIES:+:}$folder
        fi
    done
    return 0
}
