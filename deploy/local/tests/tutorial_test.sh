#!/usr/bin/env bash
# Follows docs/tutorial.md in a copy of the repository, and runs the tests of the service that came out of it.
#
#   tutorial_test.sh      wants the servers of profile test, which SAGA_TEST_STACK names
#
# The copy is built in a folder of its own: cargo would take its crates for those of the repository otherwise. Both are
# kept, so that a second run builds only what has changed.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
COPY=$ROOT/target/tutorial
STACK=${SAGA_TEST_STACK:?run make test, or name the stack.env of profile test}

cd "$ROOT"
cargo run --quiet --locked -p system-tests --example follow_tutorial -- "$COPY"

# The servers are those of all tests, which know no service called loyalty: its passwords are added in a copy. Its roles
# stay on the test servers, where nobody minds them.
mkdir -p "$COPY/.local/test"
install -m 600 "$STACK" "$COPY/.local/test/stack.env"
for key in DB_PASSWORD DB_OWNER_PASSWORD AMQP_PASSWORD; do
    printf 'LOYALTY_%s=tutorial\n' "$key" >>"$COPY/.local/test/stack.env"
done
export SAGA_TEST_STACK=$COPY/.local/test/stack.env CARGO_TARGET_DIR=$ROOT/target/examples

cd "$COPY"
cargo fmt -p loyalty-service --check
# Simulators and shipping run beside loyalty in its test. The gateway had to be told of the new service; whether it still
# compiles takes minutes to find out.
cargo build --quiet -p loyalty-service -p simulators -p shipping-service -p sagactl
[[ -z ${SAGA_TEST_DEEP:-} ]] || cargo build --quiet -p gateway-service
# Not into the copy: it would have to be built anew each time.
GENERATED=$COPY/.local/generated
mkdir -p "$GENERATED/shared-events"
rm -rf "$GENERATED/shared-events/schemas" "$GENERATED/shared-events/golden"
cp -r shared-events/schemas shared-events/golden "$GENERATED/shared-events/"
cargo run --quiet -p sagactl -- generate --root "$GENERATED"
grep -q loyalty "$GENERATED/docs/events.md"
cargo test -p loyalty-service
