//! The senders: files that are written once, and SMTP against a server that says what it is told to.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use notification_service::{
    Delivery,
    senders::{FileMailer, FileTexter, MailTransport, Mailer, SmtpMailer, Text, Texter, UnusableUrl},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

use crate::words::mail;

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("notification-test-{}", Uuid::new_v4().simple())))
    }

    fn names(&self, under: &str) -> Vec<String> {
        let found = std::fs::read_dir(self.0.join(under)).expect("the folder");
        let mut names: Vec<_> =
            found.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn from() -> lettre::message::Mailbox {
    "Orders <orders@example.com>".parse().expect("a mailbox")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file")
}

#[tokio::test]
async fn a_mail_written_twice_is_one_file_and_the_same_bytes() {
    let (folder, mail) = (Folder::new(), mail());
    let mailer = FileMailer::new(folder.0.clone(), from());
    assert_eq!(mailer.send(&mail).await, Delivery::Sent);
    let file = folder.0.join(format!("{}.eml", mail.id));
    let first = read(&file);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(mailer.send(&mail).await, Delivery::Sent);
    assert_eq!(mailer.send(&mail).await, Delivery::Sent);
    assert_eq!(folder.names(""), [format!("{}.eml", mail.id)], "no draft stays behind");
    assert_eq!(read(&file), first);
    for header in [
        format!("Message-ID: <{}@example.com>\r\n", mail.id),
        "To: \"Ada Example\" <ada@example.com>\r\n".to_owned(),
        "From: Orders <orders@example.com>\r\n".to_owned(),
        "Subject: We received your order 00000001\r\n".to_owned(),
        "Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n".to_owned(),
    ] {
        assert!(first.contains(&header), "{header}{first}");
    }
    assert!(first.contains("text/plain") && first.contains("text/html"));
}

#[tokio::test]
async fn two_processes_at_the_same_mail_leave_one_whole_file() {
    let (folder, mail) = (Folder::new(), mail());
    let mailer = FileMailer::new(folder.0.clone(), from());
    let (one, other) = tokio::join!(mailer.send(&mail), mailer.send(&mail));
    assert_eq!((one, other), (Delivery::Sent, Delivery::Sent));
    assert_eq!(folder.names("").len(), 1);
}

#[tokio::test]
async fn a_text_message_sent_twice_is_one_file() {
    let folder = Folder::new();
    let texter = FileTexter::new(folder.0.join("sms"));
    let text = Text { id: Uuid::nil(), number: "+15035550100".to_owned(), text: "Hello.".to_owned() };
    assert_eq!(texter.send(&text).await, Delivery::Sent);
    assert_eq!(texter.send(&text).await, Delivery::Sent);
    assert_eq!(folder.names("sms"), [format!("{}.txt", Uuid::nil())]);
    assert_eq!(
        read(&folder.0.join("sms").join(format!("{}.txt", Uuid::nil()))),
        "To: +15035550100\n\nHello.\n"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_a_failure_that_may_pass() {
    let folder = Folder::new();
    std::fs::write(&folder.0, "no folder").unwrap();
    let sent = FileMailer::new(folder.0.clone(), from()).send(&mail()).await;
    assert!(matches!(sent, Delivery::Later { .. }), "{sent:?}");
    std::fs::remove_file(&folder.0).unwrap();
}

#[tokio::test]
async fn a_name_cannot_add_a_header() {
    let folder = Folder::new();
    let mailer = FileMailer::new(folder.0.clone(), from());
    for odd in [
        "Ada\r\nBcc: everyone@example.com",
        "\"Ada\" \\",
        "Ада <b@example.com>,",
        "\u{2028}\u{85}\u{7f}\0",
        "🦀",
    ] {
        let mut mail = mail();
        mail.id = Uuid::new_v4();
        (mail.name, mail.email.subject) = (Some(odd.to_owned()), format!("Hello {odd}"));
        assert_eq!(mailer.send(&mail).await, Delivery::Sent, "{odd}");
        let written = read(&folder.0.join(format!("{}.eml", mail.id)));
        let (headers, _) = written.split_once("\r\n\r\n").unwrap();
        let names: Vec<_> = headers.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
        let ours = ["Message-ID", "Date", "From", "To", "Subject", "MIME-Version", "Content-Type"];
        assert!(names.iter().all(|name| ours.contains(name) || name.starts_with(' ')), "{headers}");
    }
}

/// What the server answers to `RCPT TO` of each connection, in sequence; what follows is accepted.
async fn server(answers: Vec<&'static str>) -> (SmtpMailer, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let mailer = SmtpMailer::new(&format!("smtp://{address}"), from()).expect("a URL");
    let (mut answers, mails) = (answers.into_iter(), Arc::new(Mutex::new(Vec::new())));
    let taken = mails.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Some(mail) = converse(stream, answers.next().unwrap_or("250 ok")).await {
                taken.lock().expect("no panic").push(mail);
            }
        }
    });
    (mailer, mails)
}

/// One connection; the mail, if it came to that.
async fn converse(stream: TcpStream, to_recipient: &str) -> Option<String> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let answer = match line.split([' ', '\r']).next().unwrap_or_default() {
            "RCPT" => to_recipient,
            "DATA" => break,
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    stream.write_all(b"354 go on\r\n").await.ok()?;
    let mut mail = String::new();
    while !mail.ends_with("\r\n.\r\n") {
        stream.read_line(&mut mail).await.ok()?;
    }
    stream.write_all(b"250 taken\r\n").await.ok()?;
    Some(mail)
}

#[tokio::test]
async fn a_server_that_is_busy_gets_the_same_mail_again_and_takes_it() {
    let (mailer, mails) = server(vec!["451 4.7.1 greylisted, try again"]).await;
    let mail = mail();
    let Delivery::Later { why } = mailer.send(&mail).await else { panic!("a 4xx may pass") };
    assert!(why.contains("greylisted"), "{why}");
    assert_eq!(mailer.send(&mail).await, Delivery::Sent);
    let mails = mails.lock().unwrap();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains(&format!("Message-ID: <{}@example.com>", mail.id)), "{}", mails[0]);
}

#[tokio::test]
async fn a_server_that_refuses_the_recipient_is_believed() {
    let (mailer, mails) = server(vec!["550 5.1.1 no such mailbox"]).await;
    let Delivery::Never { why } = mailer.send(&mail()).await else { panic!("a 5xx does not pass") };
    assert!(why.contains("no such mailbox"), "{why}");
    assert!(mails.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_wants_us_to_log_in_has_refused_no_recipient() {
    let (mailer, _) = server(vec!["530 5.7.0 authentication required"]).await;
    assert!(matches!(mailer.send(&mail()).await, Delivery::Later { .. }));
}

#[tokio::test]
async fn a_server_that_is_away_may_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mailer = SmtpMailer::new(&format!("smtp://{}", listener.local_addr().unwrap()), from()).unwrap();
    drop(listener);
    assert!(matches!(mailer.send(&mail()).await, Delivery::Later { .. }));
}

#[test]
fn a_url_that_names_no_mail_server_is_refused_at_start_without_being_repeated() {
    for bad in ["mail.example.com", "http://mail.example.com", "smtp://", "s3cret"] {
        let refused = MailTransport::new(bad, PathBuf::new(), from()).unwrap_err();
        assert_eq!(refused, UnusableUrl, "{bad}");
        assert!(!refused.to_string().contains("s3cret"));
    }
    assert!(matches!(MailTransport::new("", PathBuf::new(), from()), Ok(MailTransport::Files(_))));
}

#[test]
fn a_participant_reads_its_environment_and_hides_the_password() {
    let pairs =
        [("SMTP_URL", "smtps://shop:s3cret@mail.example.com"), ("MAIL_FROM", "Shop <shop@example.com>")];
    let mut env = chassis::config::Reader::from_pairs(&pairs);
    assert!(notification_service::participant(&mut env).is_ok());
    assert!(env.print().contains("SMTP_URL=smtps://shop:***@mail.example.com"), "{}", env.print());
    for bad in [("SMTP_URL", "s3cret"), ("MAIL_FROM", "nobody"), ("TIME_SCALE", "0")] {
        let mut env = chassis::config::Reader::from_pairs(&[bad]);
        let error = notification_service::participant(&mut env).expect_err(bad.0).to_string();
        assert!(error.contains(bad.0) && !error.contains("s3cret"), "{error}");
    }
}
