//! Makes the table of schemas from what lies in `schemas/`.
//!
//! The table is made from the folder, and not from a list in the code, so that a version whose file
//! does not exist yet compiles: `sagactl generate`, which writes the file, depends on this crate.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=schemas");
    println!("cargo::rerun-if-changed=build.rs");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("schemas");
    let mut released = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name().into_string().map_err(|name| format!("{name:?} is not UTF-8"))?;
        let Some(version) = name.strip_suffix(".json").and_then(|stem| stem.rsplit_once(".v")) else {
            continue;
        };
        released.push((version.0.to_owned(), version.1.parse::<u32>()?, name));
    }
    released.sort();
    let mut table = String::from("&[\n");
    for (event_type, version, name) in &released {
        let path = folder.join(name);
        let variant = camel_case(event_type);
        writeln!(
            table,
            "Schema {{ event_type: EventType::{variant}, version: {version}, text: include_str!({path:?}) }},"
        )?;
    }
    table.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("schemas.rs"), table)?;
    Ok(())
}

/// `order.cancel.requested` → `OrderCancelRequested`, the variant of `EventType`.
fn camel_case(event_type: &str) -> String {
    event_type
        .split('.')
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect()
}
