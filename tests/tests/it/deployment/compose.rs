//! `docker-compose.yml` with its `.env`, as far as the tests ask it questions.

use std::{collections::BTreeMap, fs};

use serde_yaml_ng::{Mapping, Value};

/// The repository.
pub(super) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A file of the repository.
pub(super) fn text(path: &str) -> String {
    fs::read_to_string(format!("{ROOT}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[derive(Debug)]
pub(super) struct Compose {
    pub(super) containers: BTreeMap<String, Container>,
    /// `.env`.
    pub(super) environment: BTreeMap<String, String>,
}

/// One entry of `services`.
#[derive(Debug)]
pub(super) struct Container(Mapping);

impl Compose {
    pub(super) fn read() -> Self {
        let mut file: Value = serde_yaml_ng::from_str(&text("docker-compose.yml")).unwrap();
        // Once for each level: what is merged may itself be merged from something.
        for _ in 0..3 {
            file.apply_merge().unwrap();
        }
        let containers = file["services"].as_mapping().unwrap().iter();
        let containers = containers.map(|(name, value)| {
            (name.as_str().unwrap().to_owned(), Container(value.as_mapping().unwrap().clone()))
        });
        let environment = text(".env");
        let environment =
            environment.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
        Self {
            containers: containers.collect(),
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    pub(super) fn container(&self, name: &str) -> &Container {
        self.containers.get(name).unwrap_or_else(|| panic!("docker-compose.yml has no {name}"))
    }

    /// The variables of a container as it would see them; `None` for those that are only handed on.
    pub(super) fn variables(&self, container: &Container) -> BTreeMap<String, Option<String>> {
        let Some(environment) = container.0.get("environment") else { return BTreeMap::new() };
        let named = environment.as_mapping().unwrap().iter();
        named
            .map(|(name, value)| {
                let value = value.as_str().map(|value| self.interpolated(value));
                (name.as_str().unwrap().to_owned(), value)
            })
            .collect()
    }

    /// Those of them that have a value.
    pub(super) fn values(&self, container: &Container) -> BTreeMap<String, String> {
        self.variables(container).into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// `${NAME:-default}`, `${NAME:?words}` and `$$`, the forms that our file uses. What is required must stand
    /// in `.env`, so that nobody has to set anything.
    fn interpolated(&self, value: &str) -> String {
        let mut parts = value.split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (variable, rest) = part.split_once('}').unwrap_or_else(|| panic!("{value} is not closed"));
            let found = match (variable.split_once(":-"), variable.split_once(":?")) {
                (Some((name, default)), _) => self.environment.get(name).map_or(default, String::as_str),
                (None, Some((name, _))) => {
                    self.environment.get(name).unwrap_or_else(|| panic!(".env has no {name}"))
                }
                (None, None) => panic!("{value}: say what is to be when {variable} is not set"),
            };
            whole.push_str(found);
            whole.push_str(rest);
        }
        whole.replace("$$", "$")
    }
}

impl Container {
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn is(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no {key} in {:?}", self.0))
    }

    pub(super) fn list(&self, key: &str) -> Vec<&str> {
        self.0
            .get(key)
            .and_then(Value::as_sequence)
            .into_iter()
            .flatten()
            .map(|row| row.as_str().unwrap())
            .collect()
    }

    /// `build.<key>`.
    pub(super) fn build(&self, key: &str) -> Option<&str> {
        self.0.get("build")?.get(key)?.as_str()
    }

    /// The program of ours that it runs; none for a server and for what runs once.
    pub(super) fn program(&self) -> Option<&str> {
        self.0.get("build")?.get("args")?.get("PROGRAM")?.as_str()
    }

    /// `depends_on`: what, and in which condition.
    pub(super) fn needs(&self) -> BTreeMap<&str, &str> {
        let needs = self.0.get("depends_on").and_then(Value::as_mapping);
        let needs = needs.into_iter().flatten();
        needs.map(|(name, need)| (name.as_str().unwrap(), need["condition"].as_str().unwrap())).collect()
    }

    /// Published ports, outside and inside; every one of them is on loopback.
    pub(super) fn published(&self, compose: &Compose) -> Vec<(u16, u16)> {
        let ports = self.list("ports").into_iter().map(|port| compose.interpolated(port));
        ports
            .map(|port| {
                let [address, outside, inside] = port.split(':').collect::<Vec<_>>()[..] else {
                    panic!("{port} names no address and would be open to the network")
                };
                assert_eq!(address, "127.0.0.1", "{port} is open to the network");
                (outside.parse().unwrap(), inside.parse().unwrap())
            })
            .collect()
    }
}
