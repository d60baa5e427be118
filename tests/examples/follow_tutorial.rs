//! Writes the repository as it is after its tutorial was followed: `follow_tutorial <folder>`.

use std::path::Path;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let copy = std::env::args_os().nth(1).context("name the folder to write to")?;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    system_tests::tutorial::follow(Path::new(root), Path::new(&copy))
}
