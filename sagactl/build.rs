//! Lists the folders under `migrations/`, so that a new service's schema is embedded without being named a second time.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    let root = Path::new("../migrations");
    println!("cargo::rerun-if-changed={}", root.display());

    let mut folders: Vec<String> = fs::read_dir(root)?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    folders.sort();

    let rows: String = folders
        .iter()
        .map(|name| format!("    ({name:?}, || sqlx::migrate!(\"../migrations/{name}\")),\n"))
        .collect();
    let source = format!(
        "/// Every folder under `migrations/`.\n\
         pub(crate) const FOLDERS: &[Folder] = &[\n{rows}];\n"
    );
    let target = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&target).join("migrations.rs"), source)
}
