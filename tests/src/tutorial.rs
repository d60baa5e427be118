//! `docs/tutorial.md` as a program reads it: the files it writes and the edits it makes.
//!
//! A block under `<!-- file: path -->` is that file, or its next part after an empty line. A `diff`
//! block edits an existing file: its lines without `+` must be found there exactly once, one below
//! the other. So whoever follows the tutorial gets what the tests here try out, and a change of an
//! edited file that the tutorial has missed is noticed at once.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{Context as _, Result, bail, ensure};

/// Languages of blocks that are to be read or typed and belong to no file.
const PROSE: &[&str] = &["sh", "text", "json"];

/// What the tutorial makes its reader do.
#[derive(Debug, Default)]
pub struct Tutorial {
    /// New files by their path from the root.
    pub files: BTreeMap<String, String>,
    /// Changes of existing files, in sequence.
    pub edits: Vec<Edit>,
}

/// One hunk of a `diff` block.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The file, from the root.
    pub path: String,
    old: String,
    new: String,
}

impl Edit {
    /// The file's text after this change.
    ///
    /// # Errors
    /// When what is to be changed is not there, or there more than once.
    pub fn apply(&self, text: &str) -> Result<String> {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1));
        let found: Vec<_> = lines.filter(|start| text[*start..].starts_with(&self.old)).collect();
        let [start] = found[..] else {
            bail!("{}: found {} times instead of once:\n{}", self.path, found.len(), self.old);
        };
        Ok(format!("{}{}{}", &text[..start], self.new, &text[start + self.old.len()..]))
    }
}

/// Reads the tutorial.
///
/// # Errors
/// A block that nothing checks, or a diff that says nothing.
pub fn read(text: &str) -> Result<Tutorial> {
    let mut tutorial = Tutorial::default();
    let mut lines = text.lines();
    let mut file = None;
    while let Some(line) = lines.next() {
        if let Some(path) = line.strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->")) {
            file = Some(path.to_owned());
            continue;
        }
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        match file.take() {
            Some(path) => add(&mut tutorial.files, path, &block),
            None if language == "diff" => tutorial.edits.extend(edits(&block)?),
            None if PROSE.contains(&language) => {}
            None => bail!("a block of {language} belongs to no file: {block:?}"),
        }
    }
    Ok(tutorial)
}

fn add(files: &mut BTreeMap<String, String>, path: String, block: &[&str]) {
    let text = files.entry(path).or_default();
    if !text.is_empty() {
        text.push('\n');
    }
    for line in block {
        text.push_str(line);
        text.push('\n');
    }
}

fn edits(block: &[&str]) -> Result<Vec<Edit>> {
    let (first, rest) = block.split_first().context("an empty diff")?;
    let path = first.strip_prefix("--- ").with_context(|| format!("a diff of no file: {first}"))?;
    rest.split(|line| *line == "@@").map(|hunk| edit(path, hunk)).collect()
}

fn edit(path: &str, hunk: &[&str]) -> Result<Edit> {
    let mut edit = Edit { path: path.to_owned(), ..Edit::default() };
    for line in hunk {
        let (sign, content) = line.split_at_checked(1).unwrap_or((" ", ""));
        let content = format!("{content}\n");
        match sign {
            " " => {
                edit.old.push_str(&content);
                edit.new.push_str(&content);
            }
            "-" => edit.old.push_str(&content),
            "+" => edit.new.push_str(&content),
            _ => bail!("{path}: a diff's line begins with a space, a plus or a minus: {line}"),
        }
    }
    ensure!(!edit.old.is_empty() && edit.old != edit.new, "{path}: a hunk says where, and changes something");
    Ok(edit)
}

/// Makes `copy` what the repository at `root` is to somebody who has followed its tutorial. Files
/// that are the same are not touched, so that a second build is a short one.
///
/// # Errors
/// When an edit does not fit any more, or a file cannot be read or written.
pub fn follow(root: &Path, copy: &Path) -> Result<()> {
    let tutorial = read(&fs::read_to_string(root.join("docs/tutorial.md"))?)?;
    let mut tree = BTreeMap::new();
    let mut permissions = BTreeMap::new();
    for path in tracked(root)? {
        let original = root.join(&path);
        // A file that was removed and not yet committed is still listed.
        if let Ok(content) = fs::read(&original) {
            // A script that cannot be run is of no use to the reader.
            permissions.insert(path.clone(), fs::metadata(&original)?.permissions());
            tree.insert(path, content);
        }
    }
    for edit in &tutorial.edits {
        let content = tree.get(&edit.path).with_context(|| format!("{} is not there", edit.path))?;
        let text = edit.apply(std::str::from_utf8(content)?)?;
        tree.insert(edit.path.clone(), text.into_bytes());
    }
    for (path, text) in tutorial.files {
        ensure!(!tree.contains_key(&path), "{path} exists already");
        tree.insert(path, text.into_bytes());
    }
    // A migration that has gone must not be applied.
    let migrations = copy.join("migrations");
    if migrations.is_dir() {
        fs::remove_dir_all(&migrations)?;
    }
    for (name, content) in tree {
        let path = copy.join(&name);
        if fs::read(&path).map_or(true, |there| there != content) {
            fs::create_dir_all(path.parent().unwrap_or(copy))?;
            fs::write(&path, content).with_context(|| path.display().to_string())?;
        }
        // Also of a file that is the same: a build does not look at its mode.
        if let Some(permissions) = permissions.remove(&name) {
            fs::set_permissions(&path, permissions).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

fn tracked(root: &Path) -> Result<Vec<String>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").arg("-C").arg(root).args(arguments).output()?;
    ensure!(listed.status.success(), "git: {}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout)?;
    Ok(names.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    fn tutorial() -> Tutorial {
        read(&fs::read_to_string(root().join("docs/tutorial.md")).unwrap()).unwrap()
    }

    #[test]
    fn every_block_of_the_tutorial_is_a_file_of_the_example_and_every_file_is_shown() {
        fn walk(folder: &Path, found: &mut BTreeMap<String, String>, base: &Path) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found, base);
                } else {
                    let name = path.strip_prefix(base).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, fs::read_to_string(&path).unwrap());
                }
            }
        }
        let base = root().join("examples/loyalty-points");
        let mut example = BTreeMap::new();
        walk(&base, &mut example, &base);
        let shown = tutorial().files;
        assert_eq!(shown.keys().collect::<Vec<_>>(), example.keys().collect::<Vec<_>>());
        for (path, text) in &shown {
            assert_eq!(text, &example[path], "{path}");
        }
    }

    #[test]
    fn every_edit_of_the_tutorial_fits_the_file_it_changes() {
        let edits = tutorial().edits;
        assert!(edits.len() > 5);
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        for edit in &edits {
            let file = root().join(&edit.path);
            let text = texts.entry(&edit.path).or_insert_with(|| {
                fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", edit.path))
            });
            *text = edit.apply(text).unwrap();
        }
    }

    #[test]
    fn blocks_become_files_and_edits() {
        let text = "Words.\n\n<!-- file: a.rs -->\n```rust\none\n```\nMore.\n<!-- file: a.rs -->\n```rust\ntwo\n```\n\
                    ```sh\nmake up\n```\n```diff\n--- b.toml\n first\n+second\n@@\n-third\n+fourth\n```\n";
        let tutorial = read(text).unwrap();
        assert_eq!(tutorial.files, BTreeMap::from([("a.rs".to_owned(), "one\n\ntwo\n".to_owned())]));
        let mut changed = "first\nthird\n".to_owned();
        for edit in &tutorial.edits {
            changed = edit.apply(&changed).unwrap();
        }
        assert_eq!(changed, "first\nsecond\nfourth\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_script_can_be_run_in_the_copy_also_after_an_edit_and_in_a_copy_of_before() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = std::env::temp_dir().join(format!("tutorial-modes-{}", std::process::id()));
        let (root, copy) = (folder.join("root"), folder.join("copy"));
        fs::create_dir_all(root.join("docs")).unwrap();
        fs::write(root.join("docs/tutorial.md"), "```diff\n--- edited.sh\n #!/bin/sh\n+true\n```\n").unwrap();
        for (name, mode) in [("edited.sh", 0o755), ("same.sh", 0o755), ("words", 0o644)] {
            fs::write(root.join(name), "#!/bin/sh\n").unwrap();
            fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let made = Command::new("git").arg("init").arg("--quiet").arg(&root).status().unwrap();
        assert!(made.success());
        // A copy that lost the mode, as this program once made them.
        fs::create_dir_all(&copy).unwrap();
        fs::write(copy.join("same.sh"), "#!/bin/sh\n").unwrap();

        follow(&root, &copy).unwrap();
        let mode = |name: &str| fs::metadata(copy.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(["edited.sh", "same.sh", "words"].map(mode), [0o755, 0o755, 0o644]);
        assert_eq!(fs::read_to_string(copy.join("edited.sh")).unwrap(), "#!/bin/sh\ntrue\n");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_edit_that_does_not_fit_or_fits_twice_is_refused() {
        let tutorial = read("```diff\n--- b\n line\n+new\n```\n").unwrap();
        for bad in ["", "another\n", "a line\n", "line here\n", "line\nline\n"] {
            assert!(tutorial.edits[0].apply(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_block_that_nothing_checks_is_refused() {
        for bad in [
            "```rust\ncode\n```\n",
            "```diff\n+a\n```\n",
            "```diff\n--- a\n+b\n```\n",
            "```diff\n--- a\n b\n```\n",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
