//! Ports that a platform keeps for as long as it lives.
//!
//! A port that is merely free now may be somebody else's a moment later: tests run side by side, and a
//! service that a test has killed leaves its port free until it is started again. So a port is held
//! by a lock on a file of its name, and lies below the range the kernel gives to outgoing connections.

use std::{fs::File, net::TcpListener, path::Path};

use uuid::Uuid;

/// Between the ports of the test servers (20000 to 29999) and those of outgoing connections (from 32768).
const PORTS: std::ops::Range<u16> = 30_000..32_768;

/// A port, and the lock that keeps it.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) number: u16,
    _kept: File,
}

/// A port that nobody listens on and no other platform of these test servers keeps. `folder` is the
/// same for all of them.
pub(super) fn keep_port(folder: &Path) -> Port {
    std::fs::create_dir_all(folder).unwrap();
    // Everybody begins somewhere else, so that few ask for the same one.
    let first = usize::try_from(Uuid::new_v4().as_u128() % PORTS.len() as u128).unwrap();
    PORTS
        .cycle()
        .skip(first)
        .take(PORTS.len())
        .find_map(|number| {
            let file =
                File::options().create(true).append(true).open(folder.join(number.to_string())).unwrap();
            let is_ours = file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", number)).is_ok();
            is_ours.then_some(Port { number, _kept: file })
        })
        .expect("not all of 2,768 ports are taken")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_port_is_not_given_to_another_though_nobody_listens_on_it() {
        let folder = std::env::temp_dir().join(format!("ports-{}", Uuid::new_v4()));
        let kept: Vec<Port> = (0..300).map(|_| keep_port(&folder)).collect();
        let mut numbers: Vec<u16> = kept.iter().map(|port| port.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), kept.len());
        let first = kept[0].number;
        let file = File::open(folder.join(first.to_string())).unwrap();
        assert!(file.try_lock().is_err());
        drop(kept);
        assert!(file.try_lock().is_ok());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
