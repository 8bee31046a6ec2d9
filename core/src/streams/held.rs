//! The streams of a client that have an id.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smol_str::SmolStr;

use crate::clock::Instant;
use crate::error::{Error, ErrorKind, Result};
use crate::log::EventLog;

/// Whose stream, and its id: nothing is ever shared between two tenants.
type Key = (Option<SmolStr>, SmolStr);

/// Streams by id. One that has ended leaves when its time is over and anybody asks for any.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<BTreeMap<Key, Room>>);

#[derive(Debug)]
struct Room {
    log: EventLog,
    /// When it was first seen to have ended.
    ended: Option<Instant>,
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Room>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the log that `make` gives under `key`.
    ///
    /// # Errors
    /// `InvalidRequest` when there is one that has not ended.
    pub(super) fn open(
        &self,
        key: Key,
        now: Instant,
        keep: Duration,
        make: impl FnOnce() -> EventLog,
    ) -> Result<EventLog> {
        let mut rooms = self.lock();
        sweep(&mut rooms, now, keep);
        check_free(&rooms, &key)?;
        let log = make();
        rooms.insert(key, Room { log: log.clone(), ended: None });
        Ok(log)
    }

    /// Whether a log may be opened under `key`.
    ///
    /// # Errors
    /// As [`open`](Held::open).
    pub(super) fn check_free(&self, key: &Key) -> Result<()> {
        check_free(&self.lock(), key)
    }

    /// The log under `key`.
    pub(super) fn get(&self, key: &Key, now: Instant, keep: Duration) -> Option<EventLog> {
        let mut rooms = self.lock();
        sweep(&mut rooms, now, keep);
        rooms.get(key).map(|room| room.log.clone())
    }
}

fn check_free(rooms: &BTreeMap<Key, Room>, key: &Key) -> Result<()> {
    if rooms.get(key).is_none_or(|room| room.log.end().is_some()) {
        return Ok(());
    }
    let what = "options.stream_id: a stream with this id is open; attach to it, or take another id";
    Err(Error::new(ErrorKind::InvalidRequest, what).with("stream_id", key.1.to_string()))
}

/// Lets go of what ended long enough ago.
fn sweep(rooms: &mut BTreeMap<Key, Room>, now: Instant, keep: Duration) {
    rooms.retain(|_, room| {
        if room.log.end().is_none() {
            return true;
        }
        now.since(*room.ended.get_or_insert(now)) < keep
    });
}
