//! The durable journal: an append-only file of JSON lines, written by one thread that flushes
//! whatever has gathered while it flushed the last time (group commit).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use anyhow::{Context, bail};
use tokio::sync::watch;

use crate::facts::Entry;

/// Where a line stands in the file: offset and length in bytes, without its newline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    offset: u64,
    length: u32,
}

/// The journal is closed or cannot be written any more, so nothing further may be answered.
#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be written any more")]
pub(crate) struct Lost;

/// The open journal. Dropping the last handle does not flush; `close` does.
pub(crate) struct Journal {
    queue: Arc<Queue>,
    /// How many bytes of the file are known to be on disk.
    durable: watch::Receiver<u64>,
    reader: File,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Queue {
    pending: Mutex<Pending>,
    arrived: Condvar,
}

/// Lines accepted and not yet handed to the file. Bounded by the number of open requests, because
/// each of them waits for its line to be durable.
struct Pending {
    bytes: Vec<u8>,
    /// Length of the file once these bytes are in it.
    end: u64,
    closed: bool,
}

impl Journal {
    /// Opens or makes the file, hands every entry in it to `replay`, and starts the writer.
    ///
    /// A last line that is torn (the process or the machine died while writing it) was never
    /// answered to anyone and is cut. Damage anywhere else is refused: those facts were promised.
    pub(crate) fn open(path: &Path, replay: impl FnMut(&Entry, Span)) -> anyhow::Result<Self> {
        let shown = path.display();
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("cannot open the journal {shown} (JOURNAL_PATH)"))?;
        // Two processes appending to one journal would each miss what the other captured.
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("the journal {shown} is in use by another process"),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock the journal {shown}"));
            }
        }
        let end = read_all(&file, replay).with_context(|| format!("in the journal {shown}"))?;
        if end < file.metadata()?.len() {
            tracing::warn!(journal = %shown, kept_bytes = end, "cut a torn last line off the journal");
            file.set_len(end)?;
        }
        file.sync_all()?;
        // Without this a power cut could forget that a new file exists at all.
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }

        let pending = Pending { bytes: Vec::new(), end, closed: false };
        let queue = Arc::new(Queue { pending: Mutex::new(pending), arrived: Condvar::new() });
        let (flushed, durable) = watch::channel(end);
        let reader = file.try_clone()?;
        let writing = queue.clone();
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_until_closed(&writing, &mut file, &flushed))?;
        Ok(Self { queue, durable, reader, writer: Mutex::new(Some(writer)) })
    }

    /// Queues one line and says where it will stand. The order of calls is the order in the file.
    pub(crate) fn append(&self, entry: &Entry) -> Span {
        let line = serde_json::to_vec(entry).expect("an entry is plain data with text keys");
        let mut pending = self.queue.lock();
        let span = Span { offset: pending.end, length: line.len() as u32 };
        pending.bytes.extend_from_slice(&line);
        pending.bytes.push(b'\n');
        pending.end += line.len() as u64 + 1;
        drop(pending);
        self.queue.arrived.notify_one();
        span
    }

    /// The length the file will have once everything appended so far is in it.
    pub(crate) fn end(&self) -> u64 {
        self.queue.lock().end
    }

    /// Waits until the first `position` bytes of the file are on disk.
    pub(crate) async fn durable(&self, position: u64) -> Result<(), Lost> {
        let mut durable = self.durable.clone();
        durable.wait_for(|flushed| *flushed >= position).await.map(|_| ()).map_err(|_| Lost)
    }

    /// Resolves when the writer has ended, be it by `close` or by an error.
    pub(crate) async fn lost(&self) {
        let mut durable = self.durable.clone();
        while durable.changed().await.is_ok() {}
    }

    /// Whether the writer has ended.
    pub(crate) fn is_lost(&self) -> bool {
        self.durable.has_changed().is_err()
    }

    /// Reads lines back as they stand in the file. Blocks on the disk.
    pub(crate) fn read(&self, spans: &[Span]) -> io::Result<Vec<serde_json::Value>> {
        spans
            .iter()
            .map(|span| {
                let mut line = vec![0; span.length as usize];
                self.reader.read_exact_at(&mut line, span.offset)?;
                Ok(serde_json::from_slice(&line)?)
            })
            .collect()
    }

    /// Flushes what is pending and unlocks the file. Blocks on the disk.
    pub(crate) fn close(&self) {
        self.queue.lock().closed = true;
        self.queue.arrived.notify_one();
        let writer = self.writer.lock().expect("joining the writer does not panic").take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the journal's writer panicked");
        }
        // The lock belongs to the open file, which `reader` shares; it must not outlive the promise
        // that a successor may open the journal now.
        if let Err(error) = self.reader.unlock() {
            tracing::warn!(%error, "cannot unlock the journal");
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().expect("nothing panics while it holds the journal's queue")
    }
}

/// The writer thread. Ending drops `flushed`, which tells every waiting request that its line will
/// never be durable.
fn write_until_closed(queue: &Queue, file: &mut File, flushed: &watch::Sender<u64>) {
    let mut batch = Vec::new();
    loop {
        let end = {
            let mut pending = queue.lock();
            while pending.bytes.is_empty() && !pending.closed {
                pending =
                    queue.arrived.wait(pending).expect("nothing panics while it holds the journal's queue");
            }
            if pending.bytes.is_empty() {
                return;
            }
            std::mem::swap(&mut batch, &mut pending.bytes);
            pending.end
        };
        if let Err(error) = file.write_all(&batch).and_then(|()| file.sync_data()) {
            // Never try again: after a failed flush the kernel may have dropped the pages, and a
            // second, successful flush would say nothing about them.
            tracing::error!(%error, "the journal cannot be written; stopping");
            return;
        }
        batch.clear();
        flushed.send_replace(end);
    }
}

/// Reads every complete line; returns the length up to which the file is sound.
fn read_all(file: &File, mut replay: impl FnMut(&Entry, Span)) -> anyhow::Result<u64> {
    let mut lines = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    let mut offset = 0;
    for number in 1_u64.. {
        line.clear();
        let length = lines.read_until(b'\n', &mut line)?;
        if length == 0 || line.last() != Some(&b'\n') {
            break;
        }
        match serde_json::from_slice::<Entry>(&line[..length - 1]) {
            Ok(entry) => replay(&entry, Span { offset, length: (length - 1) as u32 }),
            Err(_) if lines.fill_buf()?.is_empty() => break,
            Err(error) => bail!("line {number} is damaged ({error}); nothing was changed"),
        }
        offset += length as u64;
    }
    Ok(offset)
}
