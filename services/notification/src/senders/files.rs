//! Messages as files, named by their id: written twice, there is still one.
//!
//! A file appears whole or not at all, because it gets its name when it is complete. It is not
//! synced to disk: a folder is for development and tests, where no machine loses power.

use std::{
    io,
    path::{Path, PathBuf},
};

use lettre::message::Mailbox;
use tokio::fs;
use uuid::Uuid;

use super::{Mail, Mailer, Text, Texter, mail};
use crate::Delivery;

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
    match write_whole(directory, name, content).await {
        Ok(()) => Delivery::Sent,
        Err(error) => Delivery::Later { why: format!("the message could not be written: {error}") },
    }
}

async fn write_whole(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let target = directory.join(name);
    if fs::try_exists(&target).await? {
        return Ok(());
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
    fs::rename(&draft, &target).await
}
