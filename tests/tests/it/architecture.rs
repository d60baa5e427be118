//! The direction of dependencies, and what must be absent.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap()
}

/// Direct dependencies of every package of the workspace, without those for tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    metadata()
        .packages
        .iter()
        .map(|package| {
            let names = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), names)
        })
        .collect()
}

fn domains(all: &BTreeMap<String, BTreeSet<String>>) -> Vec<&String> {
    all.keys().filter(|name| name.ends_with("-domain")).collect()
}

#[test]
fn a_domain_package_knows_the_published_language_and_nothing_that_does_io() {
    let all = dependencies();
    // Besides shared-events, only what gives types for data: no runtime, no client, no clock source.
    let allowed = BTreeSet::from(["shared-events", "serde", "chrono", "uuid"]);
    assert_eq!(domains(&all).len(), 5);
    for domain in domains(&all) {
        for dependency in &all[domain] {
            assert!(allowed.contains(dependency.as_str()), "{domain} depends on {dependency}");
        }
    }
}

#[test]
fn only_the_chassis_speaks_amqp_and_exports_traces() {
    // The fault suite listens at the broker itself: it must not believe what it tests.
    for (package, names) in dependencies().into_iter().filter(|(package, _)| package != "chaos") {
        for name in &names {
            let reserved = name == "lapin" || name.starts_with("opentelemetry");
            assert!(!reserved || package == "chassis", "{package} depends on {name}");
        }
    }
}

#[test]
fn no_service_depends_on_another_service() {
    let all = dependencies();
    for (package, names) in all.iter().filter(|(name, _)| name.ends_with("-service")) {
        let own_domain = package.replace("-service", "-domain");
        for name in names {
            let foreign = name.ends_with("-service") || (name.ends_with("-domain") && *name != own_domain);
            assert!(!foreign, "{package} depends on {name}");
        }
    }
}

#[test]
fn the_published_language_is_pure() {
    let metadata = metadata();
    let language = metadata.packages.iter().find(|package| package.name == "shared-events").unwrap();
    let allowed = BTreeSet::from(["serde", "serde_json", "uuid", "chrono", "thiserror"]);
    // What makes schemas from the types is no part of the language: only the generator asks for it.
    let generator = "schemars";
    for dependency in &language.dependencies {
        let name = dependency.name.as_str();
        let is_for_tests = dependency.kind == DependencyKind::Development;
        let is_generator = name == generator && dependency.optional;
        assert!(is_for_tests || is_generator || allowed.contains(name), "shared-events depends on {name}");
    }
    assert_eq!(language.features["schemas"], ["dep:schemars"]);
    assert!(!language.features.contains_key("default"), "shared-events has features by default");
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.name == "shared-events")
        {
            let asks = dependency.features.iter().any(|feature| feature == "schemas");
            assert_eq!(asks, package.name == "sagactl", "{} and the feature schemas", package.name);
        }
    }
}

#[test]
fn faults_are_compiled_into_test_packages_and_nothing_that_runs_depends_on_one() {
    let metadata = metadata();
    let tests = metadata.workspace_root.join("tests");
    let (mut for_tests, mut others) = (BTreeSet::new(), Vec::new());
    for package in &metadata.packages {
        if package.manifest_path.starts_with(&tests) {
            for_tests.insert(package.name.as_str());
        } else {
            others.push(package);
        }
        let on_chassis = package.dependencies.iter().filter(|dependency| dependency.name == "chassis");
        for dependency in on_chassis {
            let asks = dependency.features.iter().any(|feature| feature == "faults");
            assert_eq!(asks, package.manifest_path.starts_with(&tests), "{} and faults", package.name);
        }
    }
    assert!(for_tests.contains("system-tests"));
    for package in others {
        assert!(!package.features.contains_key("default"), "{} has features by default", package.name);
        let run = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
        for dependency in run {
            let name = dependency.name.as_str();
            assert!(!for_tests.contains(name), "{} depends on {name}", package.name);
        }
    }
}
