//! What the local stack starts, told by its own script.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use super::compose::{ROOT, text};

/// The line of a service in `deploy/local/lib/services.sh`, and the variables it is told.
#[derive(Debug)]
pub(super) struct LocalService {
    pub(super) package: String,
    pub(super) port: u16,
    pub(super) variables: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct Local {
    pub(super) services: BTreeMap<String, LocalService>,
}

/// Prints `= name:package:port` and the variables' lines of every service.
const SCRIPT: &str = r#"
set -e
source deploy/local/lib/services.sh
declare -A VALUES=() URLS=()
DATA=/data
for service in "${SERVICES[@]}"; do URLS[${service%%:*}]=http://127.0.0.1:${service##*:}; done
for service in "${SERVICES[@]}"; do
    printf '= %s\n' "$service"
    service_environment "${service%%:*}"
done
"#;

impl Local {
    pub(super) fn read() -> Self {
        // Whatever is handed on only when the caller has set it, is set.
        let script = text("deploy/local/lib/services.sh");
        let settings = script.lines().filter_map(|line| line.trim().strip_prefix("setting "));
        let settings = settings.flat_map(|names| names.split(' ').map(|name| (name, "1")));
        let output =
            Command::new("bash").args(["-c", SCRIPT]).current_dir(ROOT).envs(settings).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let mut services: BTreeMap<String, LocalService> = BTreeMap::new();
        let mut current = String::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            if let Some(service) = line.strip_prefix("= ") {
                let [name, package, port] = service.split(':').collect::<Vec<_>>()[..] else {
                    panic!("{line}")
                };
                current = name.to_owned();
                let port = port.parse().unwrap();
                let service = LocalService { package: package.to_owned(), port, variables: BTreeSet::new() };
                services.insert(current.clone(), service);
            } else {
                let (name, _) = line.split_once('=').unwrap();
                services.get_mut(&current).unwrap().variables.insert(name.to_owned());
            }
        }
        assert!(services.len() > 4, "{services:?}");
        Self { services }
    }
}
