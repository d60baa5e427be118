//! The words: every kind of news in every channel, and what strangers' texts can do to them.

use notification_service::{
    compose,
    senders::Mail,
    state::{Letter, News, Purchase},
    wording::{SMS_SEPTETS_MAX, text_message},
};
use shared_events::{Currency, EventType, Money, events::order::RequestedBy};

use crate::world::*;

fn dollars(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn letter(news: News) -> Letter {
    Letter {
        news,
        name: Some("Ada Example".to_owned()),
        purchase: Some(Purchase { total: dollars(4998), pieces: 2 }),
        estimated_delivery: None,
    }
}

fn every_news() -> Vec<News> {
    vec![
        News::Received,
        News::Confirmed,
        News::Shipped { tracking_number: "T".repeat(64) },
        News::Delivered { tracking_number: "T".repeat(64) },
        News::Failed { step: "inventory".to_owned(), code: "insufficient_stock".to_owned() },
        News::Cancelled { by: RequestedBy::Customer, reason: "Ordered twice.".to_owned() },
        News::Refunded { amount: dollars(12_345_678_900) },
    ]
}

#[test]
fn every_kind_of_news_has_a_subject_two_bodies_and_one_text_message() {
    let mut subjects = std::collections::BTreeSet::new();
    for news in every_news() {
        let letter = letter(news);
        let email = compose::email(&letter, order()).unwrap();
        let template = letter.news.template();
        assert!(email.subject.len() > 10 && !email.subject.contains('\n'), "{template}");
        assert_eq!(email.subject, compose::subject(&letter, order()).unwrap());
        for part in [&email.text, &email.html] {
            assert!(part.contains(&order().to_string()), "{template}: the order's number");
            assert!(
                part.contains("Dear Ada Example,") && part.contains("2 items, $49.98 in total"),
                "{template}"
            );
            assert!(!part.contains("{{") && !part.contains("{%"), "{template}");
        }
        assert!(!email.text.contains("\n\n\n") && !email.html.contains("<p></p>"), "{template}");
        let sms = compose::sms(&letter, order()).unwrap();
        assert_eq!(sms, text_message(&sms));
        assert!(sms.chars().count() <= SMS_SEPTETS_MAX && sms.contains("00000001"), "{template}: {sms}");
        assert!(sms.ends_with(['.', '!', 'T']), "cut off: {sms}");
        assert!(subjects.insert(email.subject));
    }
}

#[test]
fn a_message_tells_what_its_event_says() {
    let known = after(&[said(EventType::OrderPlaced), said(EventType::ShippingScheduled)]);
    for (event_type, told) in [
        (EventType::ShippingDispatched, vec!["TRK-7F3K2", "expects to deliver it on"]),
        (EventType::ShippingDelivered, vec!["TRK-7F3K2"]),
        (EventType::OrderFailed, vec!["because your card was declined", "another means of payment"]),
        (EventType::OrderCancelled, vec!["As you wished", "“Ordered twice.”"]),
        (EventType::PaymentRefunded, vec!["$49.98"]),
    ] {
        let post = posts(&step(&known, &said(event_type))).remove(0);
        let text = compose::email(&post.letter, order()).unwrap().text;
        for part in told {
            assert!(text.contains(part), "{event_type} does not tell {part}:\n{text}");
        }
    }
}

#[test]
fn what_a_customer_wrote_is_escaped_in_html_and_stays_one_line() {
    let input = placed(|placed| {
        let name = "<script>alert(1)</script>\r\nBcc: everyone@example.com".to_owned();
        placed.customer.as_mut().unwrap().name = Some(name);
    });
    let letter = posts(&step(&Default::default(), &input)).remove(0).letter;
    let email = compose::email(&letter, order()).unwrap();
    assert!(!email.html.contains("<script>"), "{}", email.html);
    assert!(email.html.contains("&#60;script&#62;"), "{}", email.html);
    assert!(email.text.contains("Dear <script>alert(1)</script> Bcc: everyone@example.com,"));
    let quote = News::Cancelled { by: RequestedBy::Customer, reason: "<b>&</b>".to_owned() };
    let html = compose::email(&self::letter(quote), order()).unwrap().html;
    assert!(html.contains("&#60;b&#62;&#38;&#60;/b&#62;"), "{html}");
}

#[test]
fn an_operators_note_is_not_shown_to_the_customer() {
    let note = News::Cancelled { by: RequestedBy::Operator, reason: "smells of fraud".to_owned() };
    let email = compose::email(&letter(note), order()).unwrap();
    assert!(!email.text.contains("smells") && !email.html.contains("smells"));
    assert!(email.text.contains("We had to cancel"));
}

#[test]
fn little_known_is_little_said() {
    let bare = Letter { news: News::Received, name: None, purchase: None, estimated_delivery: None };
    let email = compose::email(&bare, order()).unwrap();
    assert!(email.text.starts_with("Hello,\n\n") && !email.text.contains("in total"));
    assert!(!compose::sms(&bare, order()).unwrap().contains('('));
}

#[test]
fn a_tracking_number_in_a_foreign_alphabet_does_not_lengthen_the_text_message() {
    let odd = letter(News::Shipped { tracking_number: "Ж".repeat(64) });
    let sms = compose::sms(&odd, order()).unwrap();
    assert!(sms.ends_with(&"?".repeat(64)), "{sms}");
}

/// Who writes.
pub(crate) fn from() -> lettre::message::Mailbox {
    "Orders <orders@example.com>".parse().expect("a mailbox")
}

/// A mail of the golden order for the senders' tests.
pub(crate) fn mail() -> Mail {
    let post = posts(&step(&Default::default(), &said(EventType::OrderPlaced))).remove(0);
    Mail {
        id: post.message,
        name: post.letter.name.clone(),
        address: post.recipient.clone(),
        written_at: post.created_at,
        email: compose::email(&post.letter, order()).expect("templates hold"),
    }
}
