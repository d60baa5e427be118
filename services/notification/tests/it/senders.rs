//! The senders that write files, and which sender the environment asks for.

use std::path::{Path, PathBuf};

use notification_service::{
    Delivery,
    senders::{FileMailer, FileTexter, MailTransport, Mailer, Text, Texter, UnusableUrl},
};
use uuid::Uuid;

use crate::words::{from, mail};

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

/// What `sent.log` says of each sending, without its time.
fn log(folder: &Path) -> Vec<String> {
    let lines = read(&folder.join("sent.log"));
    lines.lines().map(|line| line.split_once(' ').expect("a time").1.to_owned()).collect()
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
    assert_eq!(
        folder.names(""),
        [format!("{}.eml", mail.id), "sent.log".to_owned()],
        "no draft stays behind"
    );
    let name = format!("{}.eml", mail.id);
    assert_eq!(log(&folder.0), [name.clone(), name.clone(), format!("{name} again")]);
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
    assert_eq!(folder.names("").len(), 2, "the mail and the log");
    assert_eq!(log(&folder.0).len(), 2, "each sending has its line");
}

#[tokio::test]
async fn a_text_message_sent_twice_is_one_file() {
    let folder = Folder::new();
    let texter = FileTexter::new(folder.0.join("sms"));
    let text = Text { id: Uuid::nil(), number: "+15035550100".to_owned(), text: "Hello.".to_owned() };
    assert_eq!(texter.send(&text).await, Delivery::Sent);
    assert_eq!(texter.send(&text).await, Delivery::Sent);
    assert_eq!(folder.names("sms"), [format!("{}.txt", Uuid::nil()), "sent.log".to_owned()]);
    assert_eq!(log(&folder.0.join("sms")).len(), 2);
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

#[test]
fn a_url_that_names_no_mail_server_is_refused_at_start_without_being_repeated() {
    for bad in ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://mail?tls=maybe", "s3cret"] {
        let refused = MailTransport::new(bad, PathBuf::new(), from()).unwrap_err();
        assert_eq!(refused, UnusableUrl, "{bad}");
        assert!(!refused.to_string().contains("s3cret"));
    }
    for good in [
        "smtp://localhost",
        "smtp://[::1]:2525",
        "smtp://mail.example.com?tls=required",
        "smtp://mail.example.com?tls=opportunistic",
        "smtps://shop%40example.com:s%3Acret@mail.example.com:465",
    ] {
        let transport = MailTransport::new(good, PathBuf::new(), from());
        assert!(matches!(transport, Ok(MailTransport::Smtp(_))), "{good}");
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
