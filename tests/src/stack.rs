//! The servers that `make test` has started.

use std::{collections::BTreeMap, path::PathBuf, process::Command};

/// The variables of `.local/test/stack.env`.
#[derive(Clone, Debug)]
pub struct Stack {
    variables: BTreeMap<String, String>,
    file: PathBuf,
}

impl Stack {
    /// Reads the file that `SAGA_TEST_STACK` names.
    #[must_use]
    pub fn read() -> Self {
        let file = std::env::var("SAGA_TEST_STACK").expect(
            "SAGA_TEST_STACK is not set: run `make test`, or `deploy/local/stack.sh up --profile test` and \
             set it to the absolute path of .local/test/stack.env",
        );
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let variables = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self { variables, file: file.into() }
    }

    /// A variable that must be there.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("{} has no {name}", self.file.display()))
    }

    /// A variable that may be there.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// `stack.sh <verb> <server>`: stop, start or kill one of the servers.
    pub fn server(&self, verb: &str, server: &str) {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        // `…/.local/<profile>/stack.env`
        let profile = self.file.parent().and_then(|folder| folder.file_name()).unwrap();
        let status = Command::new(format!("{root}/deploy/local/stack.sh"))
            .args([verb, server, "--profile"])
            .arg(profile)
            .status()
            .expect("stack.sh can be run");
        assert!(status.success(), "stack.sh {verb} {server} failed");
    }

    /// The broker's own command line; only for what its management API cannot do.
    pub fn rabbitmqctl(&self, arguments: &[&str]) {
        let status = Command::new(self.get("RABBITMQCTL")).args(arguments).status().expect("it can be run");
        assert!(status.success(), "rabbitmqctl {arguments:?} failed");
    }

    /// Where this run's logs go.
    pub(crate) fn logs(&self, platform: &str) -> PathBuf {
        let folder = self.file.parent().unwrap().join("platforms").join(platform);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Where the platforms of these servers say which ports they keep.
    pub(crate) fn ports(&self) -> PathBuf {
        self.file.parent().unwrap().join("ports")
    }
}
