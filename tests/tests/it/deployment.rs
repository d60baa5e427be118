//! `docker-compose.yml`, the local stack and the code agree: names, ports, variables, databases, queues.
//!
//! No container engine and no server is needed: the files are read, and the programs are asked for
//! their configuration.

mod compose;
mod local;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use reqwest::Url;
use sagactl::{provision, topology};
use shared_events::Service;
use system_tests::binary;

use compose::{Compose, text};
use local::Local;

/// What the chassis needs to end within `stop_grace_period`.
const DRAIN_SECONDS: u64 = 20;
/// Handed to every container and read by the programs' logging, or by nobody yet.
const READ_ELSEWHERE: [&str; 3] = ["ENVIRONMENT", "RUST_LOG", "LOG_FORMAT"];

#[test]
fn compose_runs_the_programs_of_the_local_stack_on_the_same_ports() {
    let (compose, local) = (Compose::read(), Local::read());
    let programs: BTreeSet<&String> = compose
        .containers
        .iter()
        .filter(|(_, container)| container.program().is_some())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(programs, local.services.keys().collect());
    for (name, service) in &local.services {
        let container = compose.container(name);
        assert_eq!(container.program(), Some(service.package.as_str()), "{name}");
        let variables = compose.variables(container);
        assert_eq!(variables["HTTP_ADDR"], Some(format!("0.0.0.0:{}", service.port)), "{name}");
        assert_eq!(container.published(&compose), [(service.port, service.port)], "{name}");
    }
    let known: BTreeSet<String> = Service::ALL.iter().map(|service| service.name().to_owned()).collect();
    let services = local.services.keys().filter(|name| *name != "simulators").cloned();
    assert_eq!(services.collect::<BTreeSet<_>>(), known);
}

#[test]
fn a_container_is_told_the_variables_that_the_local_stack_tells() {
    let (compose, local) = (Compose::read(), Local::read());
    for (name, service) in &local.services {
        let mut told: BTreeSet<String> = compose.variables(compose.container(name)).into_keys().collect();
        // The local stack's programs inherit it.
        told.remove("RUST_LOG");
        let told_locally = service.variables.clone();
        assert_eq!(told, told_locally, "{name}: left compose, right deploy/local");
    }
}

#[test]
fn every_variable_of_a_container_is_read_by_its_program_and_makes_sense_to_it() {
    let compose = Compose::read();
    for (name, container) in &compose.containers {
        let Some(program) = container.program() else { continue };
        let told = compose.variables(container);
        let set = told.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        // The simulators are configured by a command line that reads the same variables.
        let question = if name == "simulators" { "--help" } else { "--print-config" };
        let output = Command::new(binary(program)).env_clear().envs(set).arg(question).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        for variable in told.keys().filter(|variable| !READ_ELSEWHERE.contains(&variable.as_str())) {
            let read = printed.lines().any(|line| {
                line.starts_with(&format!("{variable}=")) || line.contains(&format!("[env: {variable}="))
            });
            assert!(read, "{program} does not read {variable}");
        }
    }
}

#[test]
fn every_address_leads_to_a_container_and_a_port_it_listens_on() {
    let compose = Compose::read();
    let mut addresses = 0;
    for (name, container) in &compose.containers {
        for (variable, value) in compose.variables(container) {
            let Some(url) = value.filter(|value| value.contains("://")).map(|value| Url::parse(&value))
            else {
                continue;
            };
            let url = url.unwrap_or_else(|error| panic!("{name}: {variable}: {error}"));
            let port = url.port().unwrap_or_else(|| panic!("{name}: {variable} names no port"));
            match url.host_str() {
                // For a browser outside: a published port.
                Some("127.0.0.1") => {
                    let published = compose.containers.values().flat_map(|target| target.published(&compose));
                    assert!(published.into_iter().any(|(outside, _)| outside == port), "{name}: {variable}");
                }
                Some(host) => {
                    let inside = compose.container(host).published(&compose);
                    assert!(inside.iter().any(|(_, inside)| *inside == port), "{name}: {variable} = {url}");
                }
                None => panic!("{name}: {variable} names no host"),
            }
            addresses += 1;
        }
    }
    assert!(addresses > 30, "only {addresses} addresses");
}

#[test]
fn databases_broker_users_and_queues_are_those_that_provision_makes() {
    let compose = Compose::read();
    let given = compose.values(compose.container("provision"));
    let variable = |name: &str| given.get(name).cloned();
    let config =
        provision::ProvisionConfig::from_variables(given["POSTGRES_ADMIN_URL"].clone(), None, variable)
            .unwrap();
    let secrets = topology::secrets(variable);
    topology::require_all(&secrets).unwrap();
    let definitions = topology::definitions("/", 1, &secrets);
    let named =
        |kind: &str, name: &str| definitions[kind].as_array().unwrap().iter().any(|row| row["name"] == name);

    for service in Service::ALL {
        let name = service.name();
        let upper = name.to_uppercase();
        let told = compose.values(compose.container(name));
        let database = Url::parse(&told["DATABASE_URL"]).unwrap();
        assert_eq!((database.username(), database.path()), (name, format!("/{name}").as_str()));
        let made = config.services.iter().find(|made| made.service == name);
        let made =
            made.unwrap_or_else(|| panic!("provision makes no database {name}: no folder in migrations/"));
        assert_eq!(database.password(), Some(made.password.as_str()), "{name}");
        assert_ne!(made.password, made.owner_password, "{name} could change its own tables");

        let broker = Url::parse(&told["AMQP_URL"]).unwrap();
        assert_eq!((broker.username(), broker.path()), (name, "/%2f"));
        assert_eq!(broker.password(), Some(given[&format!("{upper}_AMQP_PASSWORD")].as_str()), "{name}");
        let management = Url::parse(&told["BROKER_MANAGEMENT_URL"]).unwrap();
        assert_eq!((management.username(), management.password()), (name, broker.password()));
        assert!(named("users", name), "no broker user {name}");
        assert!(named("queues", &format!("{name}.inbox")), "no queue {name}.inbox");
    }
    let administrator = Url::parse(&given["BROKER_MANAGEMENT_URL"]).unwrap();
    let broker = compose.values(compose.container("rabbitmq"));
    assert_eq!(administrator.username(), broker["RABBITMQ_DEFAULT_USER"]);
    assert_eq!(administrator.password(), Some(broker["RABBITMQ_DEFAULT_PASS"].as_str()));
    assert_ne!(administrator.username(), "guest", "the broker's well-known user is switched off");
    let passwords: Vec<&String> = compose
        .environment
        .iter()
        .filter(|(name, _)| name.ends_with("_PASSWORD"))
        .map(|(_, value)| value)
        .collect();
    assert_eq!(passwords.iter().collect::<BTreeSet<_>>().len(), passwords.len(), "a password is used twice");
}

#[test]
fn what_runs_for_long_is_watched_and_starts_after_what_it_needs() {
    let compose = Compose::read();
    for (name, container) in &compose.containers {
        let once = matches!(name.as_str(), "provision" | "seed" | "sagactl");
        assert_eq!(container.has("healthcheck"), !once, "{name}");
        assert_eq!(container.text("restart"), if once { "no" } else { "unless-stopped" }, "{name}");
        for (needed, condition) in container.needs() {
            let finishes = needed == "provision";
            let wanted = if finishes { "service_completed_successfully" } else { "service_healthy" };
            assert_eq!(condition, wanted, "{name} needs {needed}");
        }
    }
    for service in Service::ALL {
        let needs = compose.container(service.name()).needs();
        for needed in ["postgres", "rabbitmq", "provision"] {
            assert!(needs.contains_key(needed), "{service} starts before {needed}");
        }
    }
}

#[test]
fn nothing_is_open_to_the_network_privileged_or_of_an_unnamed_version() {
    let compose = Compose::read();
    for (name, container) in &compose.containers {
        container.published(&compose);
        assert!(!container.has("privileged") && !container.has("network_mode"), "{name}");
        let image = container.text("image");
        let (_, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{name}: {image} names no version"));
        let ours = image.starts_with("order-fulfilment/");
        let mut version = tag.split('-').next().unwrap_or_default().split('.');
        let pinned = version.clone().count() >= 2 && version.all(|part| part.parse::<u32>().is_ok());
        assert!(ours || pinned, "{name}: {image}");
        if ours {
            assert!(container.is("read_only"), "{name} may write to its root");
            assert_eq!(container.list("cap_drop"), ["ALL"], "{name}");
            assert_eq!(container.list("security_opt"), ["no-new-privileges:true"], "{name}");
            let grace: u64 = container.text("stop_grace_period").trim_end_matches('s').parse().unwrap();
            assert!(grace > DRAIN_SECONDS, "{name} would be killed while it drains");
        }
    }
    let broker = compose.container("rabbitmq").text("image");
    let version: Vec<u32> =
        broker.split([':', '-']).nth(1).unwrap().split('.').map(|part| part.parse().unwrap()).collect();
    assert!(version >= vec![4, 3, 5], "{broker}");
}

/// Targets that are built at the same time would export one tag over each other.
#[test]
fn an_image_has_one_builder_and_everyone_else_waits_for_it() {
    let compose = Compose::read();
    let mut builders = BTreeMap::new();
    for (name, container) in compose.containers.iter().filter(|(_, container)| container.has("build")) {
        let other = builders.insert(container.text("image").to_owned(), name.clone());
        assert_eq!(other, None, "{name} builds an image that another one builds too");
    }
    assert!(builders.len() > Service::ALL.len());
    for (name, container) in compose.containers.iter().filter(|(_, container)| !container.has("build")) {
        if builders.contains_key(container.text("image")) {
            assert_eq!(container.text("pull_policy"), "never", "{name}: nobody has this image but us");
        }
    }
}

#[test]
fn the_image_is_built_by_our_compiler_holds_every_program_and_is_not_root() {
    let dockerfile = text("deploy/docker/Dockerfile");
    let line = |start: &str| {
        let found = dockerfile.lines().find_map(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("the Dockerfile has no {start}")).trim_matches('"').to_owned()
    };
    let toolchain = text("rust-toolchain.toml");
    assert!(toolchain.contains(&format!("channel = \"{}\"", line("ARG RUST_VERSION="))), "{toolchain}");

    let (compose, local) = (Compose::read(), Local::read());
    let packages = line("ARG PACKAGES=");
    let built: BTreeSet<&str> = packages.split(' ').collect();
    let wanted = local.services.values().map(|service| service.package.as_str()).chain(["sagactl"]);
    assert_eq!(built, wanted.collect());
    let user: u32 = line("USER ").split(':').next().unwrap().parse().unwrap();
    assert!(user >= 1000, "runs as {user}");
    assert_eq!(line("STOPSIGNAL "), "SIGTERM");

    let stages: BTreeMap<&str, &str> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM ")?.split_once(" AS ").map(|(base, stage)| (stage, base)))
        .collect();
    assert_eq!(stages.len(), dockerfile.lines().filter(|line| line.starts_with("FROM ")).count());
    for (stage, base) in &stages {
        let pinned = stages.contains_key(base) || base.contains(":${");
        assert!(pinned && !base.contains("latest"), "{stage} is made from {base}");
    }
    for (name, container) in &compose.containers {
        let Some(target) = container.build("target") else { continue };
        assert!(stages.contains_key(target), "{name} wants the target {target}");
        assert_eq!(container.build("dockerfile"), Some("deploy/docker/Dockerfile"));
    }
}
