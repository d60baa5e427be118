//! The analytics service: counts what happened, from the events alone.
