//! The form of a log in a store.
//!
//! Under the log's key stand `<first offset, 20 digits>`: a batch, a JSON array of events; `end`: how the log
//! ended; and `lease`: the writer lives. Digits sort before letters, so a scan meets the events first.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::LogStore;
use super::state::Over;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::store::{Applied, Expect, Op, Store};

/// A batch has at most this many events.
pub(super) const BATCH: usize = 256;

/// How long a lease lives. Who sees none, and no end, knows that the writer is gone.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// How many entries are asked for at once.
pub(super) const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// How the log ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct End {
    /// How many events it had.
    pub(super) events: u64,
    /// The error it ended with; none when it was Finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Failure {
    #[serde(flatten, with = "crate::error::form::kind")]
    kind: ErrorKind,
    message: String,
}

impl End {
    pub(super) fn new(events: u64, over: &Over) -> Self {
        let failure = |error: &Error| Failure { kind: error.kind(), message: error.message().to_owned() };
        End { events, error: over.as_ref().err().map(failure) }
    }

    pub(super) fn over(&self) -> Over {
        match &self.error {
            None => Ok(()),
            Some(failure) => Err(Error::new(failure.kind, failure.message.clone())),
        }
    }
}

/// What an entry of a log is.
pub(super) enum Record {
    /// The batch that begins at this offset.
    Batch(u64, Vec<Event>),
    End(End),
    Lease,
}

/// The key of the batch that begins at `first`.
pub(super) fn batch_key(key: &str, first: u64) -> Arc<str> {
    format!("{key}/{first:020}").into()
}

fn end_key(key: &str) -> Arc<str> {
    format!("{key}/end").into()
}

fn lease_key(key: &str) -> Arc<str> {
    format!("{key}/lease").into()
}

/// Reads an entry that stands `under` the log's key.
pub(super) fn read(under: &str, value: &[u8]) -> Result<Record> {
    match under {
        "lease" => Ok(Record::Lease),
        "end" => json(value).map(Record::End),
        first => {
            let first = first.parse().map_err(|_| foreign())?;
            Ok(Record::Batch(first, json(value)?))
        }
    }
}

/// Reads a batch back.
pub(super) async fn fetch(store: Arc<dyn Store>, key: Arc<str>, first: u64) -> Result<Vec<Event>> {
    match store.get(&batch_key(&key, first)).await? {
        Some(entry) => json(&entry.value),
        None => Err(Error::new(ErrorKind::Truncated, "the events from there on are no longer in the store")),
    }
}

fn json<T: serde::de::DeserializeOwned>(value: &[u8]) -> Result<T> {
    serde_json::from_slice(value).map_err(|_| foreign())
}

/// Entries hold text of answers: nothing of one is quoted.
fn foreign() -> Error {
    Error::new(ErrorKind::Store, "an entry of the log in the store is not one of its records")
}

impl LogStore {
    /// Takes the place in the store: what an earlier log left there goes, and the lease begins.
    pub(super) async fn begin(&self) -> Result<()> {
        let prefix = format!("{}/", self.key);
        loop {
            let page = self.store.scan(&prefix, None, PAGE).await?;
            if page.entries.is_empty() {
                return self.put_lease().await;
            }
            self.apply(page.entries.into_iter().map(|(key, _)| Op::delete(key)).collect()).await?;
        }
    }

    pub(super) async fn put_batch(&self, first: u64, events: &[Event]) -> Result<()> {
        let value = to_bytes(&events)?;
        self.apply(vec![put(batch_key(&self.key, first), value, self.keep)]).await
    }

    pub(super) async fn put_lease(&self) -> Result<()> {
        self.apply(vec![put(lease_key(&self.key), Bytes::new(), LEASE)]).await
    }

    /// The end comes and the lease goes in one step: nobody sees neither.
    pub(super) async fn put_end(&self, end: &End) -> Result<()> {
        let value = to_bytes(end)?;
        let put = put(end_key(&self.key), value, self.keep);
        self.apply(vec![put, Op::delete(lease_key(&self.key))]).await
    }

    pub(super) async fn delete_batches(&self, first: &[u64]) -> Result<()> {
        self.apply(first.iter().map(|first| Op::delete(batch_key(&self.key, *first))).collect()).await
    }

    async fn apply(&self, ops: Vec<Op>) -> Result<()> {
        match self.store.apply(&ops).await? {
            Applied::All(_) => Ok(()),
            Applied::Refused { .. } => Err(Error::new(ErrorKind::Store, "the store refused a plain write")),
        }
    }
}

fn to_bytes(value: &impl Serialize) -> Result<Bytes> {
    let json = serde_json::to_vec(value);
    json.map(Bytes::from).map_err(|_| Error::new(ErrorKind::Unexpected, "an event has no JSON form"))
}

fn put(key: Arc<str>, value: Bytes, ttl: Duration) -> Op {
    Op::Put { key, value, ttl: Some(ttl), expect: Expect::Any }
}
