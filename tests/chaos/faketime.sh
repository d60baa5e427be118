#!/usr/bin/env bash
# Says where libfaketime is: the installed one, or Debian's package unpacked beside the servers' programs. Nothing is
# installed and root is not needed. Fails when there is none to be had; the fault that needs it is then left out.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
PACKAGES=${STACK_PACKAGES:-$ROOT/.local/packages}
TREE=$PACKAGES/faketime

# shellcheck source=../../deploy/local/lib/output.sh
source "$ROOT/deploy/local/lib/output.sh"
# shellcheck source=../../deploy/local/lib/packages.sh
source "$ROOT/deploy/local/lib/packages.sh"

# The one for programs with several threads.
find_library() {
    local candidate
    for candidate in /usr/lib/*/faketime/libfaketimeMT.so.1 "$TREE"/usr/lib/*/faketime/libfaketimeMT.so.1; do
        if [[ -f $candidate ]]; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

if find_library; then
    exit 0
fi
mkdir -p "$PACKAGES"/apt/{lists,cache/archives}/partial
exec {lock}>"$PACKAGES/lock"
flock "$lock"
new=$(mktemp -d "$PACKAGES/faketime.XXXXXX")
trap 'rm -rf "$new"' EXIT
{
    private_apt apt-get update
    (cd "$new" && private_apt apt-get download libfaketime)
} >>"$PACKAGES/apt/log" 2>&1 || die "libfaketime cannot be downloaded" "see $PACKAGES/apt/log"
rm -rf "$TREE"
dpkg -x "$new"/*.deb "$TREE"
find_library
