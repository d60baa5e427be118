//! The gateway: the front door for browsers and the other seed systems, and the live feed of events.
