//! Reading a log that another process writes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::record::{BATCH, End, PAGE, Record, batch_key, read};
use super::state::truncated;
use crate::context::Lent;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::store::{self, Store};

/// How often the store is asked for more.
const POLL: Duration = Duration::from_millis(100);

/// How often nothing may be found of the writer before it is given up: a store that does not read a page at one
/// moment may show neither the lease nor the end once.
const MISSES: u32 = 2;

/// Follows a log in a store.
pub(super) struct Follower {
    store: Arc<dyn Store>,
    /// What the keys of the log begin with.
    prefix: String,
    lent: Arc<Lent>,
    /// After the last batch that was read.
    after: store::Cursor,
    /// The offset of the next event that is to be read.
    offset: u64,
    ready: VecDeque<Event>,
    /// Something of the log was seen.
    found: bool,
    misses: u32,
}

/// What a look at the store showed.
enum Seen {
    Events,
    End(End),
    Lease,
    Nothing,
}

impl Follower {
    pub(super) fn new(store: Arc<dyn Store>, key: &str, offset: u64, lent: Arc<Lent>) -> Self {
        let prefix = format!("{key}/");
        // The batch that has the offset may begin before it, but no further than a batch is long.
        let after = match offset.checked_sub(BATCH as u64) {
            Some(before) => store::Cursor::after(batch_key(key, before)),
            None => store::Cursor::after(prefix.as_str()),
        };
        Follower { store, prefix, lent, after, offset, ready: VecDeque::new(), found: false, misses: 0 }
    }

    /// The next event; `None` after the last one of an answer that Finished.
    pub(super) async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            match self.look().await? {
                Seen::Events => continue,
                Seen::End(end) if end.events == self.offset => return end.over().map(|()| None),
                Seen::End(end) if end.events < self.offset => {
                    return Err(truncated("the log ended before the offset that was attached to"));
                }
                Seen::Lease => self.misses = 0,
                Seen::Nothing if !self.found => return Err(self.unknown()),
                Seen::End(_) | Seen::Nothing => {
                    self.misses += 1;
                    if self.misses == MISSES {
                        return Err(truncated("the writer of the log is gone, or what it wrote"));
                    }
                }
            }
            self.lent.clock.sleep(POLL).await;
        }
    }

    /// Reads the entries that come next.
    async fn look(&mut self) -> Result<Seen> {
        let page = self.store.scan(&self.prefix, Some(&self.after), PAGE).await?;
        let mut seen = Seen::Nothing;
        for (key, entry) in page.entries {
            self.found = true;
            match read(key.strip_prefix(&self.prefix).unwrap_or_default(), &entry.value)? {
                Record::Batch(first, events) => {
                    self.take(first, events)?;
                    self.after = store::Cursor::after(key);
                    seen = Seen::Events;
                }
                // What stands behind events is read again, after them.
                _ if matches!(seen, Seen::Events) => {}
                Record::End(end) => seen = Seen::End(end),
                Record::Lease => seen = Seen::Lease,
            }
        }
        Ok(seen)
    }

    /// Keeps what of a batch comes next.
    fn take(&mut self, first: u64, events: Vec<Event>) -> Result<()> {
        if first > self.offset {
            return Err(truncated("the events from there on are no longer in the store"));
        }
        let skip = usize::try_from(self.offset.saturating_sub(first)).unwrap_or(usize::MAX);
        let before = self.ready.len();
        self.ready.extend(events.into_iter().skip(skip));
        self.offset += (self.ready.len() - before) as u64;
        Ok(())
    }

    fn unknown(&self) -> Error {
        Error::new(ErrorKind::InvalidRequest, "cannot attach: there is no such log in the store")
    }
}
