//! Old versions of a payload, made new on reading. A released version is never changed; a change
//! that old readers could not survive becomes a new version and a step here.

use serde_json::{Value, json};

use crate::EventType;

/// Brings `data` of an older `version` to the newest of its type, one step at a time.
///
/// # Errors
/// When the data is not even an object, so that no field can be added to it.
pub(crate) fn to_newest(
    event_type: EventType,
    version: u32,
    mut data: Value,
) -> Result<Value, serde_json::Error> {
    for from in version..event_type.version() {
        step(event_type, from, &mut data)?;
    }
    Ok(data)
}

fn step(event_type: EventType, from: u32, data: &mut Value) -> Result<(), serde_json::Error> {
    let Some(fields) = data.as_object_mut() else {
        return Err(serde::de::Error::custom("data is not an object"));
    };
    match (event_type, from) {
        // Version 1 was written when the platform sold in US dollars only and named no currency.
        (EventType::OrderPlaced, 1) => {
            fields.insert("currency".to_owned(), json!("USD"));
            Ok(())
        }
        _ => Err(serde::de::Error::custom(format!("version {from} was never released"))),
    }
}
