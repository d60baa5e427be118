//! The payment service as a program.

fn main() -> anyhow::Result<()> {
    chassis::run(payment_service::participant, payment_service::routes)
}
