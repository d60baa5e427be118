//! The topology on a real broker, each test in a virtual host of its own.

use sagactl::broker::Management;
use sagactl::endpoints::BrokerArgs;
use sagactl::follow::Listening;
use sagactl::topology::{apply, check, definitions, require_all, secrets};
use serde_json::Value;

use crate::{Stack, unique};

struct Broker {
    management: Management,
    args: BrokerArgs,
    definitions: Value,
}

impl Broker {
    async fn new() -> Self {
        let stack = Stack::read();
        let vhost = unique("sagactl");
        let secrets = secrets(|name| stack.find(name));
        require_all(&secrets).expect("the stack has every password");
        let args = BrokerArgs {
            management_url: stack.get("BROKER_MANAGEMENT_URL"),
            amqp_host: stack.get("AMQP_HOST"),
            amqp_port: stack.get("AMQP_PORT").parse().expect("a port"),
            operator_amqp_password: stack.get("OPERATOR_AMQP_PASSWORD"),
            vhost: vhost.clone(),
        };
        let management = Management::new(&args).expect("a client");
        let definitions = definitions(&vhost, 1, &secrets);
        apply(&management, &definitions).await.expect("applied");
        Self { management, args, definitions }
    }

    async fn differences(&self) -> Vec<String> {
        check(&self.management, &self.definitions).await.expect("checked")
    }

    async fn drop(self) {
        self.management.delete_vhost().await.expect("deleted");
    }
}

#[tokio::test]
async fn what_was_applied_is_found_and_applying_again_changes_nothing() {
    let broker = Broker::new().await;
    assert_eq!(broker.differences().await, Vec::<String>::new());
    assert_eq!(apply(&broker.management, &broker.definitions).await.expect("applied again"), 0);
    assert_eq!(broker.differences().await, Vec::<String>::new());
    broker.drop().await;
}

#[tokio::test]
async fn a_removed_binding_is_noticed_and_applying_brings_it_back() {
    let broker = Broker::new().await;
    let bindings = broker.management.bindings().await.expect("bindings");
    let lost = bindings
        .iter()
        .find(|binding| binding.destination == "order.inbox" && binding.routing_key == "payment.processed")
        .expect("order hears payment.processed");
    broker.management.unbind(lost).await.expect("unbound");
    assert_eq!(
        broker.differences().await,
        ["binding payment.events → order.inbox [payment.processed] is missing"]
    );
    apply(&broker.management, &broker.definitions).await.expect("applied");
    assert_eq!(broker.differences().await, Vec::<String>::new());
    broker.drop().await;
}

#[tokio::test]
async fn a_binding_of_an_earlier_release_is_removed_by_applying() {
    let broker = Broker::new().await;
    let mut earlier = broker.definitions.clone();
    let mut stale = earlier["bindings"][0].clone();
    stale["routing_key"] = "order.forgotten".into();
    earlier["bindings"].as_array_mut().expect("a list").push(stale);
    broker.management.import(&earlier).await.expect("imported");

    let found = broker.differences().await;
    assert!(matches!(found.as_slice(), [one] if one.contains("order.forgotten")), "{found:?}");
    assert_eq!(apply(&broker.management, &broker.definitions).await.expect("applied"), 1);
    assert_eq!(broker.differences().await, Vec::<String>::new());
    broker.drop().await;
}

#[tokio::test]
async fn the_operator_may_listen_in_the_virtual_host() {
    let broker = Broker::new().await;
    let listening = Listening::to(&broker.args, &[]).await.expect("the operator may tap every exchange");
    drop(listening);
    broker.drop().await;
}
