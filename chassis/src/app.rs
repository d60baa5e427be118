//! What the HTTP routes of a service work with.

use std::sync::Arc;

use shared_events::{CorrelationId, OrderId};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    intake::{CommandError, IntakeHandle},
    outbox,
    participant::Participant,
    work::{Cause, Committed, Work},
};

/// What a service's HTTP routes work with.
#[derive(Debug)]
pub struct App<P: Participant> {
    pub(crate) participant: Arc<P>,
    pub(crate) pool: PgPool,
    pub(crate) intake: IntakeHandle<P>,
}

impl<P: Participant> Clone for App<P> {
    fn clone(&self) -> Self {
        Self { participant: self.participant.clone(), pool: self.pool.clone(), intake: self.intake.clone() }
    }
}

impl<P: Participant> App<P> {
    /// The service's database, for reading and for rows outside the saga.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The participant, with its configuration.
    #[must_use]
    pub fn participant(&self) -> &P {
        &self.participant
    }

    /// Where commands are decided.
    #[must_use]
    pub fn engine(&self) -> Commands<'_, P> {
        Commands { app: self }
    }
}

/// The commands' entrance to the engine.
#[derive(Debug)]
pub struct Commands<'a, P: Participant> {
    app: &'a App<P>,
}

impl<P: Participant> Commands<'_, P> {
    /// Decides a person's command in a transaction with others that wait. Its events carry
    /// `correlation`, or a new one.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn command(
        &self,
        order: OrderId,
        input: P::Input,
        correlation: Option<CorrelationId>,
    ) -> Result<Committed<P>, CommandError> {
        let correlation = correlation.unwrap_or_else(|| CorrelationId(Uuid::now_v7()));
        let cause = Cause::command(correlation);
        self.app.intake.decide(Work { order, input, cause }).await
    }

    /// Decides what the outside world reports unasked (a parcel was handed over): a consequence of
    /// this service's last word about the order, and no action of a person.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn report(&self, order: OrderId, input: P::Input) -> Result<Committed<P>, CommandError> {
        let last_word = outbox::last_word(&self.app.pool, order).await.map_err(|error| {
            tracing::warn!(%error, order_id = %order, "a report could not be placed");
            CommandError::Unavailable("the database is away; report it again".to_owned())
        })?;
        let cause = last_word.map_or_else(
            || Cause::command(CorrelationId(Uuid::now_v7())),
            |(event, correlation)| Cause::outcome(Some(event), correlation),
        );
        self.app.intake.decide(Work { order, input, cause }).await
    }
}
