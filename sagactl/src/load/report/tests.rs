use super::*;
use crate::load::tracker::Counts;

fn report(open: Vec<uuid::Uuid>) -> Report {
    let tally = Tally {
        counts: Counts { accepted: 1_000, refused: 0, settled: 1_000 - open.len() as u64 },
        outcomes: [("confirmed".to_owned(), 950), ("failed, payment: card_declined".to_owned(), 50)].into(),
        open,
        answered: vec![Duration::from_millis(4); 1_000],
        confirmed: vec![Duration::from_micros(12_340); 950],
        ..Tally::default()
    };
    let measured = Measured {
        source: "generated baskets, seed 1".into(),
        placing: Duration::from_secs(2),
        total: Duration::from_secs(6),
        settled_while_placing: 900,
        repeated: 3,
    };
    let aftermath = Aftermath {
        stock_balanced: true,
        ledger_balanced: true,
        differences: Vec::new(),
        queues: 28,
        waiting: Vec::new(),
    };
    Report::new(measured, tally, aftermath)
}

#[test]
fn the_summary_is_aligned_and_says_what_happened() {
    let expected = "
generated baskets, seed 1
1,000 accepted · 1,000 settled · placed in 2.0 s, settled after 6.0 s · 450 sagas/s

outcome                         orders   share
confirmed                          950  95.0 %
failed, payment: card_declined      50   5.0 %

milliseconds        p50   p95   p99   max  orders
POST to answer      4.0   4.0   4.0   4.0   1,000
POST to confirmed  12.3  12.3  12.3  12.3     950

✔ every accepted order settled
✔ 3 requests sent again with the same key
✔ stock balanced
✔ ledger balanced
✔ inboxes, retry and dead-letter queues empty (28)
";
    assert_eq!(report(Vec::new()).text(Palette::PLAIN), expected);
    assert!(report(Vec::new()).is_well());
}

#[test]
fn an_order_that_did_not_settle_is_named_and_the_run_is_not_well() {
    let id = uuid::Uuid::from_u128(7);
    let report = report(vec![id]);
    assert!(!report.is_well());
    assert!(report.text(Palette::PLAIN).contains(&id.to_string()));
}

#[test]
fn refused_orders_a_false_ledger_and_a_full_queue_each_spoil_the_run() {
    let mut refused = report(Vec::new());
    refused.refused.insert("422 Unprocessable Entity: no".into(), 1);
    let mut ledger = report(Vec::new());
    ledger.aftermath.ledger_balanced = false;
    let mut queue = report(Vec::new());
    queue.aftermath.waiting.push(("order.dlq".into(), 1));
    for report in [refused, ledger, queue] {
        assert!(!report.is_well());
        assert!(report.text(Palette::PLAIN).contains('✘'));
    }
}
