//! What the AI service decides: a table for each rule of the scorecard, the life of a review, and
//! properties of every history.

mod histories;
mod reviews;
mod scores;
mod windows;
mod world;
