//! The order service.

use std::time::Duration;

use shared_events::{
    CorrelationId, Currency, EventType,
    events::order::{Address, Line, OrderPlaced, PaymentMethod, RequestedBy},
};

use super::{NOW, ORDER, PRODUCT, TOTAL_MINOR, timer, timer_names};
use crate::{
    cast::{Actor, Heard, OrderStanding, Standing, Turn},
    mutants::Mutant,
};

/// The order service.
pub(crate) struct Orders {
    policy: order_domain::Policy,
    mutant: Option<Mutant>,
}

impl Orders {
    pub(crate) fn new(mutant: Option<Mutant>) -> Self {
        let minute = Duration::from_secs(60);
        // The first unanswered question already calls a person: more would only repeat themselves.
        let policy = order_domain::Policy {
            asks_before_alarm: 1,
            compensation_first: minute,
            compensation_give_up: minute,
            ..order_domain::Policy::default()
        };
        Self { policy, mutant }
    }
}

impl Actor for Orders {
    type State = order_domain::State;

    fn decide(&self, state: &Self::State, heard: Heard<'_>) -> Option<Turn<Self::State>> {
        use order_domain::{Command, Input, Place, Receipt};
        let input = match heard {
            Heard::Event(event) => Input::Event(event.clone()),
            Heard::Timer(number) => Input::Timer(timer(number)),
            Heard::Wish(crate::Wish::Place) => {
                let receipt = Receipt {
                    correlation_id: CorrelationId(ORDER.0),
                    body_sha256: [0; 32],
                    idempotency_key: None,
                };
                Input::Command(Command::Place(Box::new(Place { order: placed(), receipt })))
            }
            Heard::Wish(crate::Wish::Cancel) => {
                Input::Command(Command::Cancel { reason: String::new(), by: RequestedBy::Customer })
            }
            Heard::Wish(_) | Heard::Word(_) | Heard::Silence(_) => return None,
        };
        let decision = match &input {
            Input::Command(wish) => order_domain::command(&self.policy, state, wish, NOW).ok()?,
            Input::Event(_) | Input::Timer(_) => order_domain::decide(&self.policy, state, &input, NOW),
        };
        let mut turn = Turn::of(decision, |effect| match *effect {});
        if let Some(mutant) = self.mutant {
            mutant.order(state, heard, &mut turn);
        }
        if let Some(failure) = &mut turn.state.failure {
            failure.code.clear();
            failure.reason.clear();
        }
        Some(turn)
    }

    fn answers(&self, state: &Self::State, asked: EventType) -> Vec<EventType> {
        order_domain::answers(state, asked)
    }

    fn standing(&self, state: &Self::State) -> Standing {
        Standing::Order(OrderStanding {
            progress: state.progress,
            cancel: state.cancel,
            compensation: state.compensation,
            names_missing: state.stuck_on().is_some_and(|missing| !missing.is_empty()),
        })
    }

    fn apart_from_waiting(&self, state: &Self::State) -> Self::State {
        Self::State { resends: 0, overdue: None, ..state.clone() }
    }

    fn timers(&self) -> Vec<&'static str> {
        timer_names::<order_domain::OrderTimer>()
    }
}

/// The order that is placed: one piece of one product.
fn placed() -> OrderPlaced {
    let word = |text: &str| text.to_owned();
    OrderPlaced {
        customer_id: word("customer").try_into().expect("a short word is a customer id"),
        items: vec![Line { product_id: PRODUCT, quantity: 1, unit_price_minor: TOTAL_MINOR }],
        total_minor: TOTAL_MINOR,
        currency: Currency::USD,
        shipping_address: Address {
            street: word("1 Main Street"),
            city: word("Springfield"),
            state: word("IL"),
            zip: word("62701"),
            country: None,
        },
        payment_method: PaymentMethod {
            kind: word("credit_card"),
            token: None,
            card_brand: None,
            card_last_four: None,
        },
        customer: None,
        client: None,
    }
}
