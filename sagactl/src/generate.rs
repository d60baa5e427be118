//! Files made from the choreography's table and the events' types, so that the page, the diagram, the contracts and the
//! broker never disagree with the code.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use chassis::topology::Secrets;

use crate::console::Palette;
use crate::schemas;
use crate::topology::definitions;

/// Every file that is made from the code alone, with its content. The record of what was released is made from what lies
/// there too, and not among them.
pub fn files() -> Result<Vec<(String, String)>> {
    // Without users: their passwords are a deployment's own, and never in a repository.
    let definitions = serde_json::to_string_pretty(&definitions("/", 1, &Secrets::new()))?;
    let mut files = vec![
        ("docs/events.md".to_owned(), shared_events::docs::events_page()),
        ("docs/choreography.mmd".to_owned(), shared_events::docs::mermaid()),
        ("deploy/rabbitmq/definitions.json".to_owned(), definitions + "\n"),
    ];
    files.extend(schemas::files());
    Ok(files)
}

/// Writes the files below `root`, or with `check` only compares them and fails naming the stale ones. Nothing is written
/// when a released contract would break.
pub fn run(root: &Path, check: bool, palette: Palette) -> Result<()> {
    if !root.join("shared-events").is_dir() {
        bail!("{} is not the root of the repository; go there, or pass --root", root.display());
    }
    schemas::refuse_breaks(root)?;
    let mut stale = Vec::new();
    for (name, wanted) in files()?.into_iter().chain(schemas::recorded(root)?) {
        let path = root.join(&name);
        if is_current(&path, &wanted) {
            continue;
        }
        if !check {
            write(&path, &wanted)?;
            println!("{} {name} written", palette.mark(true));
        }
        stale.push(name);
    }
    match (check, stale.as_slice()) {
        (_, []) => println!("{} generated files are current", palette.mark(true)),
        (true, stale) => {
            bail!("{} not what the code says; run `sagactl generate` and commit it", stale.join(", "))
        }
        (false, _) => {}
    }
    Ok(())
}

fn is_current(path: &PathBuf, wanted: &str) -> bool {
    std::fs::read_to_string(path).is_ok_and(|found| found == wanted)
}

fn write(path: &Path, content: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    std::fs::write(path, content).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_just_written_is_current_and_a_changed_file_is_stale() {
        let root = std::env::temp_dir().join(format!("sagactl-generate-{}", std::process::id()));
        schemas::tests::golden_files(&root);
        let contracts = root.join("shared-events/schemas");
        std::fs::create_dir_all(&contracts).expect("a folder");
        // An older version is written by nobody: it lies there since it was the newest.
        for old in shared_events::schemas::ALL.iter().filter(|old| old.version < old.event_type.version()) {
            let name = format!("{}.v{}.json", old.event_type, old.version);
            std::fs::write(contracts.join(name), old.text).expect("written");
        }
        assert!(run(&root, true, Palette::PLAIN).is_err(), "nothing is there yet");
        run(&root, false, Palette::PLAIN).expect("written");
        run(&root, true, Palette::PLAIN).expect("current");
        std::fs::write(root.join("docs/events.md"), "old").expect("written");
        let refused = run(&root, true, Palette::PLAIN).expect_err("stale").to_string();
        assert!(refused.contains("docs/events.md") && !refused.contains(".mmd"), "{refused}");
        std::fs::remove_dir_all(&root).expect("removed");
    }
}
