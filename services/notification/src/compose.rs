//! Puts a letter into words, from the templates in `templates/`.
//!
//! Each kind of news has a subject, a body of paragraphs and a text message. The two layouts put the
//! same paragraphs around greeting and order number, as plain text and as HTML, so that the two
//! halves of an e-mail cannot disagree; the HTML layout escapes whatever it is given.

use askama::Template;
use shared_events::{OrderId, events::order::RequestedBy};

use crate::{
    recipients::one_line,
    state::{Letter, News},
    wording,
};

/// Longest subject: what mail programs show of it, and far below what a header may have.
const SUBJECT_CHARS_MAX: usize = 120;

/// An e-mail in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// One line.
    pub subject: String,
    /// For whoever reads plain text.
    pub text: String,
    /// For everyone else.
    pub html: String,
}

/// The e-mail that says this.
///
/// # Errors
/// Only when a template does; a test renders them all.
pub fn email(letter: &Letter, order: OrderId) -> askama::Result<Email> {
    let words = words(letter, order)?;
    let subject = one_line(&words.subject, SUBJECT_CHARS_MAX);
    let greeting = match &letter.name {
        Some(name) => format!("Dear {name},"),
        None => "Hello,".to_owned(),
    };
    let summary = letter.purchase.map(|purchase| {
        format!("{}, {} in total", wording::pieces(purchase.pieces), wording::amount(purchase.total))
    });
    let (paragraphs, order) = (&paragraphs(&words.body), &order.to_string());
    let (greeting, summary) = (greeting.as_str(), summary.as_deref());
    let text = TextLayout { greeting, paragraphs, order, summary }.render()?;
    let html = HtmlLayout { subject: &subject, greeting, paragraphs, order, summary }.render()?;
    Ok(Email { subject, text, html })
}

/// The subject of that e-mail.
///
/// # Errors
/// As [`email`].
pub fn subject(letter: &Letter, order: OrderId) -> askama::Result<String> {
    Ok(one_line(&words(letter, order)?.subject, SUBJECT_CHARS_MAX))
}

/// The text message that says this, in the alphabet and the length of one.
///
/// # Errors
/// As [`email`].
pub fn sms(letter: &Letter, order: OrderId) -> askama::Result<String> {
    Ok(wording::text_message(words(letter, order)?.sms.trim()))
}

#[derive(Template)]
#[template(path = "layout.txt")]
struct TextLayout<'a> {
    greeting: &'a str,
    paragraphs: &'a [String],
    order: &'a str,
    summary: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "layout.html")]
struct HtmlLayout<'a> {
    subject: &'a str,
    greeting: &'a str,
    paragraphs: &'a [String],
    order: &'a str,
    summary: Option<&'a str>,
}

/// Lines of a template are wrapped for whoever edits it; an empty line ends a paragraph.
fn paragraphs(body: &str) -> Vec<String> {
    let joined = body.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    joined.filter(|paragraph| !paragraph.is_empty()).collect()
}

/// What the templates of all news may name; empty where it does not apply.
#[derive(Debug, Default)]
struct View {
    reference: String,
    total: Option<String>,
    tracking_number: String,
    estimated_delivery: Option<String>,
    reason: &'static str,
    advice: &'static str,
    by_customer: bool,
    quote: Option<String>,
    amount: String,
}

impl View {
    fn of(letter: &Letter, order: OrderId) -> Self {
        let view = Self {
            reference: wording::reference(order),
            total: letter.purchase.map(|purchase| wording::amount(purchase.total)),
            estimated_delivery: letter.estimated_delivery.map(wording::day),
            ..Self::default()
        };
        match &letter.news {
            News::Received | News::Confirmed => view,
            News::Shipped { tracking_number } | News::Delivered { tracking_number } => {
                Self { tracking_number: tracking_number.clone(), ..view }
            }
            News::Failed { step, code } => {
                Self { reason: wording::failure(step, code), advice: wording::advice(step, code), ..view }
            }
            News::Cancelled { by, reason } => Self {
                by_customer: *by == RequestedBy::Customer,
                // What an operator notes is not written for the customer.
                quote: Some(reason.clone()).filter(|quote| *by == RequestedBy::Customer && !quote.is_empty()),
                ..view
            },
            News::Refunded { amount } => Self { amount: wording::amount(*amount), ..view },
        }
    }
}

struct Words {
    subject: String,
    body: String,
    sms: String,
}

/// One module per kind of news: its three templates, checked against [`View`] by the compiler.
macro_rules! templates {
    ($($news:ident: $subject:tt, $body:tt, $sms:tt;)+) => {$(
        mod $news {
            use askama::Template;

            #[derive(Template)]
            #[template(path = $subject)]
            struct Subject<'a> {
                v: &'a super::View,
            }

            #[derive(Template)]
            #[template(path = $body)]
            struct Body<'a> {
                // Some bodies name nothing.
                #[allow(dead_code)]
                v: &'a super::View,
            }

            #[derive(Template)]
            #[template(path = $sms)]
            struct Sms<'a> {
                v: &'a super::View,
            }

            pub(super) fn words(v: &super::View) -> askama::Result<super::Words> {
                let (subject, body, sms) = (Subject { v }.render()?, Body { v }.render()?, Sms { v }.render()?);
                Ok(super::Words { subject, body, sms })
            }
        }
    )+};
}

templates! {
    received: "order_received/subject.txt", "order_received/body.txt", "order_received/sms.txt";
    confirmed: "order_confirmed/subject.txt", "order_confirmed/body.txt", "order_confirmed/sms.txt";
    shipped: "order_shipped/subject.txt", "order_shipped/body.txt", "order_shipped/sms.txt";
    delivered: "order_delivered/subject.txt", "order_delivered/body.txt", "order_delivered/sms.txt";
    failed: "order_failed/subject.txt", "order_failed/body.txt", "order_failed/sms.txt";
    cancelled: "order_cancelled/subject.txt", "order_cancelled/body.txt", "order_cancelled/sms.txt";
    refunded: "order_refunded/subject.txt", "order_refunded/body.txt", "order_refunded/sms.txt";
}

fn words(letter: &Letter, order: OrderId) -> askama::Result<Words> {
    let view = View::of(letter, order);
    match letter.news {
        News::Received => received::words(&view),
        News::Confirmed => confirmed::words(&view),
        News::Shipped { .. } => shipped::words(&view),
        News::Delivered { .. } => delivered::words(&view),
        News::Failed { .. } => failed::words(&view),
        News::Cancelled { .. } => cancelled::words(&view),
        News::Refunded { .. } => refunded::words(&view),
    }
}
