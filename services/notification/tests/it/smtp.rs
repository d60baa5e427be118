//! SMTP, against a server that takes, refuses and falls silent wherever it can.

use std::time::{Duration, Instant};

use notification_service::{
    Delivery,
    senders::{Mailer, SmtpMailer},
};
use tokio::net::TcpListener;

use crate::{
    mailserver::{MailServer, Manner, WILLING},
    words::{from, mail},
};

/// Long enough for a server on this machine, short enough to wait for one that says nothing.
const SOON: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(20);

fn refusing(to_recipient: &'static str) -> Manner {
    Manner { to_recipient, ..WILLING }
}

#[tokio::test]
async fn a_server_that_is_busy_gets_the_same_mail_again_and_takes_it() {
    let server = MailServer::start(&[refusing("451 4.7.1 greylisted, try again"), WILLING]).await;
    let (mailer, mail) = (server.mailer(), mail());
    let Delivery::Later { why } = mailer.send(&mail).await else { panic!("a 4xx may pass") };
    assert!(why.contains("greylisted"), "{why}");
    assert_eq!(mailer.send(&mail).await, Delivery::Sent);
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    assert!(taken[0].contains(&format!("Message-ID: <{}@example.com>", mail.id)), "{}", taken[0]);
}

#[tokio::test]
async fn only_a_refusal_of_the_recipient_is_final() {
    for word in [
        "550 5.1.1 no such mailbox",
        "554 5.1.10 the domain takes no mail",
        "550 no such mailbox",
        "551 moved",
        "553 no such name",
    ] {
        let server = MailServer::start(&[refusing(word)]).await;
        let Delivery::Never { why } = server.mailer().send(&mail()).await else { panic!("{word}") };
        assert!(why.contains(&word[4..]), "{why}");
        assert!(server.taken().is_empty());
    }
    // A server that looks the recipient up at the end says so there.
    let at_the_end = Manner { to_mail: Some("550 5.1.1 no such mailbox"), ..WILLING };
    let server = MailServer::start(&[at_the_end]).await;
    assert!(matches!(server.mailer().send(&mail()).await, Delivery::Never { .. }));
}

#[tokio::test]
async fn a_refusal_that_is_about_us_or_the_mail_gives_up_no_customer() {
    let mut manners: Vec<Manner> = [
        "530 5.7.0 authentication required",
        "535 5.7.8 authentication failed",
        "550 5.7.1 relaying denied",
        "550 5.1.8 the sender's domain has no address",
        "552 5.2.2 mailbox full",
        "554 5.7.1 your address is on a block list",
        "554 no",
        "500 unheard of",
    ]
    .into_iter()
    .map(refusing)
    .collect();
    manners.push(Manner { to_sender: "550 sender rejected", ..WILLING });
    manners.push(Manner { to_sender: "550 5.1.1 sender rejected", ..WILLING });
    manners.push(Manner { to_mail: Some("550 looks like advertising"), ..WILLING });
    for manner in manners {
        let server = MailServer::start(&[manner]).await;
        let sent = server.mailer().send(&mail()).await;
        assert!(matches!(sent, Delivery::Later { .. }), "{manner:?}: {sent:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_may_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mailer = SmtpMailer::new(&format!("smtp://{}", listener.local_addr().unwrap()), from()).unwrap();
    drop(listener);
    assert!(matches!(mailer.send(&mail()).await, Delivery::Later { .. }));
}

#[tokio::test]
async fn a_server_that_never_answers_has_taken_nothing() {
    let server = MailServer::start(&[WILLING]).await;
    server.sleep(true);
    let mailer = server.mailer().within(SOON, LONG);
    let began = Instant::now();
    assert!(matches!(mailer.send(&mail()).await, Delivery::Later { .. }));
    assert!(began.elapsed() >= SOON && began.elapsed() < LONG);
    assert!(server.taken().is_empty());
}

#[tokio::test]
async fn a_server_that_falls_silent_after_the_mail_may_have_taken_it() {
    let server = MailServer::start(&[Manner { to_mail: None, ..WILLING }]).await;
    let sent = server.mailer().within(LONG, SOON).send(&mail()).await;
    assert!(matches!(sent, Delivery::Unknown { .. }), "{sent:?}");
    assert_eq!(server.taken().len(), 1, "it had taken it");
}

#[tokio::test]
async fn a_slow_word_is_waited_for() {
    let slow = Manner { thinks: 4 * SOON, ..WILLING };
    let server = MailServer::start(&[slow]).await;
    assert_eq!(server.mailer().within(SOON, LONG).send(&mail()).await, Delivery::Sent);
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn a_server_that_says_no_goodbye_has_taken_the_mail_all_the_same() {
    let server = MailServer::start(&[Manner { parts: false, ..WILLING }]).await;
    let began = Instant::now();
    assert_eq!(server.mailer().send(&mail()).await, Delivery::Sent);
    assert!(began.elapsed() < Duration::from_secs(3), "nobody waits for the goodbye");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_mail_leaves_it_unknown() {
    // An answer that is none ends the conversation, as a closed connection does.
    let server = MailServer::start(&[Manner { to_mail: Some("2xx what"), ..WILLING }]).await;
    let sent = server.mailer().send(&mail()).await;
    assert!(matches!(sent, Delivery::Unknown { .. }), "{sent:?}");
}

#[test]
fn a_mailer_says_how_long_it_takes_and_follows_the_rule_for_servers() {
    let mailer = SmtpMailer::new("smtp://localhost", from()).unwrap();
    assert!(mailer.takes_at_most() > Duration::from_secs(600), "RFC 5321 asks for ten minutes");
    assert_eq!(mailer.within(SOON, LONG).takes_at_most(), SOON + LONG);
}
