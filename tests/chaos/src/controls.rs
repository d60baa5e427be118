//! The suite itself put to the test: every planted bug must be caught.

use std::path::Path;

/// Runs every planted bug under the fault that must expose it.
pub(crate) async fn run(_seed: u64, _only: &[String], _json: Option<&Path>) -> anyhow::Result<bool> {
    anyhow::bail!("no planted bugs yet")
}

/// Prints every planted bug.
pub(crate) fn list() {}
