//! When an event that was not handled is late, and when it is missing.

use super::*;

const PAIR: Pair = (Service::Order, Service::Analytics);
const EMPTY: Queues = Queues { inbox: Some(0), ladder: Some(0), dead_letters: Some(0) };

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn book() -> Book {
    Book::new(Waits { grace: TimeDelta::seconds(60), ladder: TimeDelta::seconds(341) })
}

fn event(id: u128, sent: i64) -> (SentEvent, EventType) {
    let event = SentEvent {
        event_id: Uuid::from_u128(id),
        event_type: "order.placed".to_owned(),
        order_id: Uuid::from_u128(7),
        published_at: at(sent),
        resends: 0,
    };
    (event, EventType::OrderPlaced)
}

/// Compares these events at a moment; the consumer has heard for an hour and knows all but `unknown`.
fn compare(book: &mut Book, now: i64, events: &[(SentEvent, EventType)], unknown: &[u128]) -> u64 {
    let unknown: Vec<Uuid> = unknown.iter().map(|id| Uuid::from_u128(*id)).collect();
    let hearing_for = Some(TimeDelta::hours(1));
    book.compare(&Comparison { pair: PAIR, events, now: at(now), unknown: &unknown, hearing_for }, at(now))
}

fn look(seconds: i64, queues: Queues) -> Look {
    Look { at: at(seconds), queues: BTreeMap::from([(Service::Analytics, queues)]) }
}

#[test]
fn an_event_that_cannot_be_on_its_way_in_two_looks_is_missing_and_is_told_once() {
    let mut book = book();
    assert_eq!(compare(&mut book, 100, &[event(1, 0)], &[1]), 1);
    assert_eq!(book.judge(&look(100, EMPTY)), [], "one look may have caught it between two queues");
    assert_eq!(book.judge(&look(105, EMPTY)), [], "and so may the same count, asked for again");
    assert_eq!(book.judge(&look(111, EMPTY)), [(PAIR, Uuid::from_u128(1))]);
    assert_eq!(book.judge(&look(122, EMPTY)), [], "it is not new any more");
    assert_eq!(book.missing().len(), 1);
    assert_eq!(book.late(), 0);
}

#[test]
fn a_slow_consumer_is_late_and_misses_nothing() {
    let mut book = book();
    compare(&mut book, 100, &[event(1, 0)], &[1]);
    let behind = Queues { inbox: Some(9), ..EMPTY };
    for seconds in (100..2_000).step_by(60) {
        assert_eq!(book.judge(&look(seconds, behind)), []);
    }
    let uncounted = Queues { inbox: None, ..EMPTY };
    assert_eq!(book.judge(&look(2_000, uncounted)), [], "a queue that is not counted is not empty");
    assert_eq!(book.late(), 1);
    book.handled(PAIR, &[Uuid::from_u128(1)], &[]);
    assert_eq!(book.late(), 0);
}

#[test]
fn an_inbox_that_is_never_empty_hides_nothing_that_was_overtaken() {
    let mut book = book();
    let busy = Queues { inbox: Some(500), ..EMPTY };
    compare(&mut book, 100, &[event(1, 0), event(2, 30)], &[1]);
    book.judge(&look(100, busy));
    assert_eq!(
        book.judge(&look(160, busy)),
        [],
        "what followed it closely proves nothing: replicas share an inbox"
    );
    compare(&mut book, 200, &[event(3, 61)], &[]);
    book.judge(&look(200, busy));
    assert_eq!(book.judge(&look(260, busy)), [(PAIR, Uuid::from_u128(1))]);
}

#[test]
fn what_was_sent_again_and_handled_long_ago_overtakes_nothing() {
    let mut book = book();
    let busy = Queues { inbox: Some(500), ..EMPTY };
    let mut again = event(2, 90);
    again.0.resends = 1;
    compare(&mut book, 200, &[event(1, 0), again], &[1]);
    book.judge(&look(200, busy));
    assert_eq!(book.judge(&look(260, busy)), []);
}

#[test]
fn an_event_on_the_ladder_is_late_until_the_ladder_has_ended() {
    let mut book = book();
    let climbing = Queues { ladder: Some(1), ..EMPTY };
    compare(&mut book, 100, &[event(1, 0)], &[1]);
    for seconds in [100, 200, 300, 400] {
        assert_eq!(book.judge(&look(seconds, climbing)), []);
    }
    book.judge(&look(402, climbing));
    assert_eq!(
        book.judge(&look(462, climbing)),
        [(PAIR, Uuid::from_u128(1))],
        "341 s of ladder, 60 s of grace"
    );
}

#[test]
fn a_count_from_before_the_event_was_sent_says_nothing_about_it() {
    let mut book = book();
    compare(&mut book, 100, &[event(1, 95)], &[1]);
    book.judge(&look(100, EMPTY));
    assert_eq!(book.judge(&look(104, EMPTY)), []);
    book.judge(&look(106, EMPTY));
    assert_eq!(book.judge(&look(117, EMPTY)), [(PAIR, Uuid::from_u128(1))]);
}

#[test]
fn a_consumer_that_was_added_later_is_not_asked_for_what_was_said_before() {
    let mut book = book();
    let events = [event(1, 0), event(2, 90)];
    let unknown = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let compared = |book: &mut Book, hearing_for| {
        let page = Comparison { pair: PAIR, events: &events, now: at(100), unknown: &unknown, hearing_for };
        book.compare(&page, at(100))
    };
    assert_eq!(compared(&mut book, None), 0, "it has handled nothing at all yet");
    assert_eq!(compared(&mut book, Some(TimeDelta::seconds(50))), 1);
    assert_eq!(book.open_of(PAIR), [Uuid::from_u128(2)]);
}

#[test]
fn an_event_is_sent_again_three_times_with_time_between_and_a_dead_letter_once() {
    let mut tried = Vec::new();
    for dead_letters in [Some(0), Some(4), None] {
        let mut book = book();
        let queues = Queues { dead_letters, ..EMPTY };
        compare(&mut book, 100, &[event(1, 0)], &[1]);
        let mut sent_at = Vec::new();
        for seconds in (100..1_000).step_by(6) {
            let look = look(seconds, queues);
            book.judge(&look);
            for (pair, id) in book.due(&look) {
                book.sent_again(pair.0, id, look.at);
                sent_at.push(seconds);
            }
        }
        assert!(sent_at.windows(2).all(|pair| pair[1] - pair[0] >= 20), "{sent_at:?}");
        assert_eq!(book.missing().len(), 1, "it stays missing while it is not handled");
        tried.push(sent_at.len());
    }
    assert_eq!(tried, [3, 1, 1]);
}

#[test]
fn an_event_that_went_out_again_is_heard_and_closed() {
    let mut book = book();
    compare(&mut book, 100, &[event(1, 0)], &[1]);
    book.judge(&look(100, EMPTY));
    book.judge(&look(120, EMPTY));
    book.sent_again(Service::Order, Uuid::from_u128(1), at(120));
    let mut again = event(1, 121);
    again.0.resends = 1;
    compare(&mut book, 200, &[again], &[]);
    assert!(book.missing().is_empty());
    assert!(book.open_of(PAIR).is_empty());
}
