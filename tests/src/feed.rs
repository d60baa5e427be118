//! A reader of the gateway's live feed, one that remembers what it has read as a browser does.

use reqwest::Response;
use serde_json::Value;

use crate::Platform;

/// One event of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Its position, by which a reader resumes.
    pub id: u64,
    /// Its type.
    pub event: String,
    /// The envelope.
    pub data: Value,
}

/// An open stream.
#[derive(Debug)]
pub struct Feed {
    response: Response,
    buffer: Vec<u8>,
    last: Option<u64>,
}

impl Platform {
    /// Opens the live feed, after `last` when there is one; the error is what was answered instead.
    pub async fn feed(&self, query: &str, last: Option<u64>) -> Result<Feed, String> {
        // No time limit: a stream is meant to last.
        let client = reqwest::Client::builder().build().unwrap();
        let mut request = client.get(self.url("gateway", &format!("/api/events/stream{query}")));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = request.send().await.map_err(|error| format!("{error:#}"))?;
        if !response.status().is_success() {
            return Err(format!("{} {}", response.status(), response.text().await.unwrap_or_default()));
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Feed { response, buffer: Vec::new(), last })
    }
}

impl Feed {
    /// The next event; none when the stream has ended or was cut.
    pub async fn next(&mut self) -> Option<FeedEvent> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if let Some(event) = self.read(std::str::from_utf8(&frame).unwrap()) {
                    return Some(event);
                }
            }
            self.buffer.extend(self.response.chunk().await.ok()??);
        }
    }

    /// From where to resume: the last id that was heard, be it that of an event or of a mere sign of
    /// life.
    #[must_use]
    pub const fn last(&self) -> Option<u64> {
        self.last
    }

    /// One frame; no event when it only keeps the connection alive.
    fn read(&mut self, frame: &str) -> Option<FeedEvent> {
        let field = |name: &str| {
            let mut lines = frame.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            lines.next().map(|value| value.strip_prefix(' ').unwrap_or(value))
        };
        let id = field("id").map(|id| id.parse().unwrap());
        self.last = id.or(self.last);
        let data = serde_json::from_str(field("data").filter(|data| !data.is_empty())?).unwrap();
        Some(FeedEvent { id: id?, event: field("event")?.to_owned(), data })
    }
}
