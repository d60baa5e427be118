//! What a service says about its configuration, and what it refuses to start with.

use std::{
    collections::BTreeMap,
    process::{Command, Output},
};

use system_tests::binary;

use super::SERVICES;

const SECRET: &str = "s3cret-Of-The-Test";

fn variables() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("HTTP_ADDR", "127.0.0.1:0".to_owned()),
        ("DATABASE_URL", format!("postgres://tester:{SECRET}@127.0.0.1:1/nowhere")),
        ("AMQP_URL", format!("amqp://tester:{SECRET}@127.0.0.1:1/nowhere")),
        ("BROKER_MANAGEMENT_URL", format!("http://tester:{SECRET}@127.0.0.1:1")),
    ])
}

fn run(service: &str, variables: &BTreeMap<&str, String>, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary(&format!("{service}-service")));
    command.env_clear().envs(variables).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn the_printed_configuration_is_whole_documented_and_without_secrets() {
    for service in SERVICES {
        let mut variables = variables();
        variables.insert("TIME_SCALE", "20".to_owned());
        let output = run(service, &variables, &["--print-config"]);
        let printed = text(&output);
        assert!(output.status.success(), "{service}: {printed}");
        assert!(!printed.contains(SECRET), "{service}: {printed}");
        assert!(printed.contains("DATABASE_URL=postgres://tester:***@127.0.0.1:1/nowhere"), "{printed}");
        assert!(printed.contains("AMQP_URL=amqp://tester:***@127.0.0.1:1/nowhere"), "{printed}");
        assert!(printed.contains("BROKER_MANAGEMENT_URL=http://tester:***@127.0.0.1:1"), "{printed}");
        assert!(printed.contains("TIME_SCALE=20  # "), "{printed}");
        assert!(printed.contains("CONSUMER_PREFETCH=256  # "), "{printed}");
        for line in printed.lines() {
            let (name, rest) = line.split_once('=').unwrap_or_else(|| panic!("{service}: {line}"));
            assert!(name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{line}");
            assert!(rest.contains("  # "), "{service} does not document {line}");
        }
        let own = match service {
            "payment" => ["GATEWAY_URL=", "GATEWAY_TIMEOUT_SECONDS=", "FRAUD_MODE="].as_slice(),
            "shipping" => ["CARRIER_URL=", "CARRIER_TIMEOUT_SECONDS="].as_slice(),
            _ => [].as_slice(),
        };
        assert!(own.iter().all(|name| printed.contains(name)), "{service}: {printed}");
    }
}

#[test]
fn a_missing_variable_ends_the_start_with_its_name() {
    for service in SERVICES {
        for missing in ["HTTP_ADDR", "DATABASE_URL", "AMQP_URL", "BROKER_MANAGEMENT_URL"] {
            for empty in [false, true] {
                let mut variables = variables();
                variables.remove(missing);
                if empty {
                    variables.insert(missing, String::new());
                }
                let output = run(service, &variables, &[]);
                let said = text(&output);
                assert!(!output.status.success(), "{service} started without {missing}");
                assert!(said.contains(missing), "{service} without {missing}: {said}");
                assert!(!said.contains(SECRET), "{service} without {missing}: {said}");
            }
        }
    }
}

#[test]
fn a_nonsense_variable_ends_the_start_with_its_name_and_not_with_its_secret() {
    let everywhere = [
        ("HTTP_ADDR", "nowhere"),
        ("HTTP_ADDR", "127.0.0.1"),
        ("HTTP_ADDR", "127.0.0.1:99999"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://tester:s3cret-Of-The-Test@127.0.0.1/x"),
        ("DATABASE_URL", "postgres://tester:s3cret-Of-The-Test@127.0.0.1:port/x"),
        ("AMQP_URL", "nonsense"),
        ("AMQP_URL", "http://tester:s3cret-Of-The-Test@127.0.0.1/x"),
        ("AMQP_URL", "amqp://tester:s3cret-Of-The-Test@127.0.0.1:port/x"),
        ("BROKER_MANAGEMENT_URL", "nonsense"),
        ("BROKER_MANAGEMENT_URL", "ftp://tester:s3cret-Of-The-Test@127.0.0.1"),
        ("BROKER_MANAGEMENT_URL", "http://tester:s3cret-Of-The-Test@127.0.0.1:port"),
        ("DATABASE_CONNECTIONS_MAX", "3"),
        ("DATABASE_CONNECTIONS_MAX", "lots"),
        ("CONSUMER_PREFETCH", "0"),
        ("CONSUMER_BATCH_SIZE_MAX", "-1"),
        ("TIME_SCALE", "0"),
        ("TIME_SCALE", "1.5"),
        ("LOG_FORMAT", "xml"),
    ];
    let payment = [
        ("GATEWAY_URL", "nonsense"),
        ("GATEWAY_URL", "ftp://127.0.0.1"),
        ("GATEWAY_JOURNAL_URL", "nonsense"),
        ("GATEWAY_TIMEOUT_SECONDS", "0"),
        ("GATEWAY_TIMEOUT_SECONDS", "NaN"),
        ("FRAUD_MODE", "maybe"),
        ("FRAUD_FALLBACK", "fail"),
    ];
    let shipping =
        [("CARRIER_URL", "nonsense"), ("CARRIER_TIMEOUT_SECONDS", "31"), ("CARRIER_TIMEOUT_SECONDS", "soon")];
    for service in SERVICES {
        let own: &[(&str, &str)] = match service {
            "payment" => &payment,
            "shipping" => &shipping,
            _ => &[],
        };
        for (name, nonsense) in everywhere.iter().chain(own) {
            let mut variables = variables();
            variables.insert(name, (*nonsense).to_owned());
            // Printing checks just as starting does, and ends by itself if it should not refuse.
            let output = run(service, &variables, &["--print-config"]);
            let said = text(&output);
            assert!(!output.status.success(), "{service} takes {name}={nonsense}");
            assert!(said.contains(name), "{service} with {name}={nonsense}: {said}");
            assert!(!said.contains(SECRET), "{service} with {name}={nonsense}: {said}");
        }
    }
}
