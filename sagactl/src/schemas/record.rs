//! The record of what was released: `shared-events/schemas/released.sha256`, which is only ever appended to.
//!
//! Beside the record, in `released/`, lies what each version promised when it was released, without words for people; a
//! later addition gets a file of its own. The record holds the digests of those files and of the golden files, in the
//! format of `sha256sum`. So neither deleting a contract nor editing it together with its type and its golden file makes
//! a break pass: somebody would have to change a line that lies there, which a review sees.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared_events::EventType;
use shared_events::schemas::generate::{newest, print};

use super::compatibility::{breaks, promises};
use super::{describe, path, read};

/// The paths in the record start below it, so that `sha256sum --check` can be asked there.
const BASE: &str = "shared-events";
pub(super) const FILE: &str = "shared-events/schemas/released.sha256";

const HEADER: &str = "\
# What was released, and stays as it is: shared-events/src/schemas.rs says how a contract may grow.
# Lines are appended by `sagactl generate`. Check by hand, in shared-events/: sha256sum --check schemas/released.sha256
";

/// One file that nobody changes any more.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Frozen {
    digest: String,
    /// Below `shared-events/`.
    path: String,
}

/// The record as it lies below a root.
#[derive(Debug, Default)]
pub(super) struct Record {
    text: String,
    frozen: Vec<Frozen>,
}

impl Record {
    /// An absent record is an empty one: nothing was released yet.
    pub(super) fn read(root: &Path) -> Result<Self> {
        match std::fs::read_to_string(root.join(FILE)) {
            Ok(text) => Self::parse(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).context(FILE),
        }
    }

    pub(super) fn parse(text: String) -> Result<Self> {
        let mut frozen: Vec<Frozen> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((digest, path)) = line.split_once("  ") else { bail!("{FILE}: cannot read {line:?}") };
            if frozen.iter().any(|other| other.path == path) {
                bail!("{FILE} lists {path} twice");
            }
            frozen.push(Frozen { digest: digest.to_owned(), path: path.to_owned() });
        }
        Ok(Self { text, frozen })
    }

    fn lists(&self, path: &str) -> bool {
        self.frozen.iter().any(|frozen| frozen.path == path)
    }

    /// Lines of an earlier record that are not here any more.
    pub(super) fn lost_since(&self, earlier: &Self) -> Vec<String> {
        let lost = earlier.frozen.iter().filter(|line| !self.frozen.contains(line));
        lost.map(|line| format!("{FILE} does not list {} as it was released", line.path)).collect()
    }

    /// Everything released that is not kept below `root`: files that are gone or changed, contracts and types that
    /// promise something else than a frozen one.
    pub(super) fn breaks(&self, root: &Path) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for frozen in &self.frozen {
            let name = format!("{BASE}/{}", frozen.path);
            match std::fs::read(root.join(&name)) {
                Ok(bytes) if digest(&bytes) == frozen.digest => {}
                Ok(_) => found.push(format!("{name} was released and is frozen, and was changed")),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    found.push(format!("{name} was released and is gone"));
                }
                Err(error) => return Err(error).context(name),
            }
        }
        for event_type in EventType::ALL {
            for version in 1..=event_type.version() {
                let Some(promised) = promised(root, *event_type, version)? else { continue };
                let released = self.released(root, *event_type, version)?;
                for (name, released) in &released {
                    found.extend(describe(name, &breaks(released, &promised)));
                }
                // No type makes it any more, so whatever it has gained was written by hand.
                if let (true, Some((_, last))) = (version < event_type.version(), released.last()) {
                    let added = breaks(&promised, last);
                    found.extend(
                        added.iter().map(|_| format!("{event_type} version {version} is old, and grew")),
                    );
                }
            }
        }
        Ok(found)
    }

    /// The files to be written so that everything below `root` is recorded: what new versions and additions promise, and
    /// the record with their lines at its end. None when all is recorded.
    pub(super) fn additions(&self, root: &Path) -> Result<Vec<(String, String)>> {
        let mut files = Vec::new();
        let mut text = if self.text.is_empty() { HEADER.to_owned() } else { self.text.clone() };
        let mut append = |path: &str, bytes: &[u8]| text.push_str(&format!("{}  {path}\n", digest(bytes)));
        for event_type in EventType::ALL {
            for version in 1..=event_type.version() {
                let golden = format!("golden/{event_type}.v{version}.json");
                if !self.lists(&golden) {
                    let file = root.join(BASE).join(&golden);
                    let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
                    append(&golden, &bytes);
                }
                let Some(promised) = promised(root, *event_type, version)? else { continue };
                let released = self.released(root, *event_type, version)?;
                // Going back would break it: so something was added.
                let grown = released.last().is_none_or(|(_, last)| !breaks(&promised, last).is_empty());
                if grown {
                    let path = frozen_path(*event_type, version, released.len());
                    let content = print(&promised);
                    append(&path, content.as_bytes());
                    files.push((format!("{BASE}/{path}"), content));
                }
            }
        }
        if text != self.text && !(files.is_empty() && text == HEADER) {
            files.push((FILE.to_owned(), text));
        }
        Ok(files)
    }

    /// What this version promised, from its first release to its last addition.
    fn released(&self, root: &Path, event_type: EventType, version: u32) -> Result<Vec<(String, Value)>> {
        let mut found = Vec::new();
        for addition in 0.. {
            let path = frozen_path(event_type, version, addition);
            if !self.lists(&path) {
                break;
            }
            let name = format!("{BASE}/{path}");
            // One that is gone is told of as such.
            if let Some(promised) = read(&root.join(&name))? {
                found.push((name, promised));
            }
        }
        Ok(found)
    }
}

/// `order.placed.v2.json`, and after the first addition `order.placed.v2.1.json`.
fn frozen_path(event_type: EventType, version: u32, addition: usize) -> String {
    let addition = if addition == 0 { String::new() } else { format!(".{addition}") };
    format!("schemas/released/{event_type}.v{version}{addition}.json")
}

/// What a version promises now: the newest by its type, an older one by the file it was left with.
fn promised(root: &Path, event_type: EventType, version: u32) -> Result<Option<Value>> {
    if version == event_type.version() {
        return Ok(Some(promises(&newest(event_type))));
    }
    Ok(read(&root.join(path(event_type, version)))?.map(|schema| promises(&schema)))
}

pub(super) fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
