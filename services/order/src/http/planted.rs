//! Planted bug of the order service (`chassis::faults`): nothing of this is reached without the feature.

use chassis::{App, Participant as _};
use chrono::Utc;
use order_domain::{Command, State};
use shared_events::{CorrelationId, OrderId};

use super::{place::Answer, view::OrderView};
use crate::Orders;

/// `Bug::AnswerBeforeCommit`: the customer is told what the order will be, and it is seen to later.
pub(super) fn answer_first(
    app: &App<Orders>,
    id: OrderId,
    command: Command,
    correlation: CorrelationId,
) -> Option<Answer> {
    let input = command.into();
    let decision = app.participant().decide(&(), &State::default(), &input, Utc::now()).ok()?;
    let order = OrderView::as_placed(id, &decision.state, correlation.0)?;
    let app = app.clone();
    tokio::spawn(async move {
        // Nobody is left to hear of an error.
        let _ = app.engine().command(id, input, Some(correlation)).await;
    });
    Some(Answer { id, order, replayed: false })
}
