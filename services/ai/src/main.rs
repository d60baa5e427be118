//! The ai service as a program.

fn main() -> anyhow::Result<()> {
    chassis::run(ai_service::participant, ai_service::routes)
}
