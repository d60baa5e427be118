//! What the AI service decides about one order: score, verdict, review. Pure.
