//! The AI service: scores orders for fraud and keeps the reviews that people decide.
