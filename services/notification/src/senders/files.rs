//! Messages as files, named by their id: written twice, there is still one.
//!
//! So that a second sending is not hidden by the first, each sending also adds a line to `sent.log` in
//! the same folder: when, which file, and `again` when the file was there already.
//!
//! A file appears whole or not at all, because it gets its name when it is complete. It is not
//! synced to disk: a folder is for development and tests, where no machine loses power.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::Utc;
use lettre::message::Mailbox;
use tokio::{fs, io::AsyncWriteExt as _};
use uuid::Uuid;

use super::{Mail, Mailer, Text, Texter, mail};
use crate::Delivery;

/// Name of the log of sendings.
const SENT_LOG: &str = "sent.log";
/// A disk that is busy for longer than this is at worst given the same file twice.
const WRITE_WITHIN: Duration = Duration::from_secs(2);

/// Writes e-mail into a folder, one `.eml` file each.
#[derive(Clone, Debug)]
pub struct FileMailer {
    directory: PathBuf,
    from: Mailbox,
}

impl FileMailer {
    /// Into this folder, which is made when the first mail comes.
    #[must_use]
    pub const fn new(directory: PathBuf, from: Mailbox) -> Self {
        Self { directory, from }
    }
}

impl Mailer for FileMailer {
    async fn send(&self, mail: &Mail) -> Delivery {
        match mail::build(&self.from, mail) {
            Ok(message) => write(&self.directory, &format!("{}.eml", mail.id), &message.formatted()).await,
            Err(why) => Delivery::Never { why },
        }
    }

    fn takes_at_most(&self) -> Duration {
        WRITE_WITHIN
    }
}

/// Plays a provider of text messages that takes each id once, and keeps them as files.
#[derive(Clone, Debug)]
pub struct FileTexter {
    directory: PathBuf,
}

impl FileTexter {
    /// Into this folder, which is made when the first text comes.
    #[must_use]
    pub const fn new(directory: PathBuf) -> Self {
        Self { directory }
    }
}

impl Texter for FileTexter {
    async fn send(&self, text: &Text) -> Delivery {
        let content = format!("To: {}\n\n{}\n", text.number, text.text);
        write(&self.directory, &format!("{}.txt", text.id), content.as_bytes()).await
    }
}

async fn write(directory: &Path, name: &str, content: &[u8]) -> Delivery {
    let written = async {
        let fresh = write_whole(directory, name, content).await?;
        log(directory, name, fresh).await
    };
    match written.await {
        Ok(()) => Delivery::Sent,
        Err(error) => Delivery::Later { why: format!("the message could not be written: {error}") },
    }
}

/// Gives whether it was not there yet.
async fn write_whole(directory: &Path, name: &str, content: &[u8]) -> io::Result<bool> {
    let target = directory.join(name);
    if fs::try_exists(&target).await? {
        return Ok(false);
    }
    // A name of its own, for two processes may be at the same message at once.
    let draft = directory.join(format!(".{name}.{}", Uuid::new_v4().simple()));
    if let Err(error) = fs::write(&draft, content).await {
        if error.kind() != io::ErrorKind::NotFound {
            let _ = fs::remove_file(&draft).await;
            return Err(error);
        }
        fs::create_dir_all(directory).await?;
        fs::write(&draft, content).await?;
    }
    fs::rename(&draft, &target).await?;
    Ok(true)
}

async fn log(directory: &Path, name: &str, fresh: bool) -> io::Result<()> {
    let again = if fresh { "" } else { " again" };
    let line = format!("{} {name}{again}\n", Utc::now().to_rfc3339());
    let mut log = fs::File::options().create(true).append(true).open(directory.join(SENT_LOG)).await?;
    // In one piece, so that the lines of two processes do not mix.
    log.write_all(line.as_bytes()).await?;
    log.flush().await
}
