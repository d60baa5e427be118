//! Faults of the servers themselves. Every test here stops, kills or starves one that all tests
//! share, so that these run one by one, with nothing beside them (see .config/nextest.toml and
//! deploy/local/verify.sh).

mod broker;
mod database;
mod memory_alarm;

use system_tests::{Platform, Stack};

/// Sees to it that a server runs again, also after a failed test; the next one needs it.
struct RunsAgain<'s> {
    stack: Stack,
    server: &'s str,
}

impl Drop for RunsAgain<'_> {
    fn drop(&mut self) {
        self.stack.server("start", self.server);
    }
}

/// To be held while a server may be down; declared after the platform, which needs it to clean up.
fn runs_again<'s>(platform: &Platform, server: &'s str) -> RunsAgain<'s> {
    RunsAgain { stack: platform.stack().clone(), server }
}

/// `stack.sh <verb> <server>`, while everything else goes on.
async fn server(platform: &Platform, verb: &'static str, server: &'static str) {
    let stack = platform.stack().clone();
    tokio::task::spawn_blocking(move || stack.server(verb, server)).await.unwrap();
}
