//! What becomes of the streams of a client when they are paused or left: policies, buffers, and streams with an id.

mod held;
mod resuming;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::cancel::Waiter;
use crate::context::{Call, Lent};
use crate::control::PAUSE_BUFFER;
use crate::duration;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::events::Events;
use crate::log::{Cursor, EventLog, Full, Keep, LogOptions, LogStore, Writes};
use crate::pause::PausePolicy;
use crate::request::Scope;
use crate::store::{MemoryStore, Store};
use held::Held;
pub(crate) use resuming::Resuming;

/// What becomes of the streams of a client when they are paused or left. The section `streams` of a configuration.
///
/// ```
/// use belvedere_core::pause::PausePolicy;
/// use belvedere_core::streams::Streams;
///
/// let streams: Streams = serde_json::from_str(r#"{"pause": "spill", "keep": "1h"}"#)?;
/// assert_eq!(streams.pause, PausePolicy::Spill);
/// assert_eq!(streams.buffer, 32 * 1024, "the default");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Streams {
    /// What a pause does once its buffer is full. Default `backpressure`.
    pub pause: PausePolicy,
    /// How much a paused stream buffers, in bytes of memory. What an HTTP connection takes, 24 KiB, counts; a quarter is
    /// for events in any case. Default 32768.
    pub buffer: usize,
    /// How much of a stream with an id is held in memory, in bytes. Past it, events go to the client's store.
    /// Default 1048576.
    pub log: usize,
    /// How long a stream with an id can be attached to after its end. Default `10m`.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub keep: Duration,
}

impl Default for Streams {
    fn default() -> Self {
        Streams {
            pause: PausePolicy::default(),
            buffer: PAUSE_BUFFER,
            log: 1 << 20,
            keep: Duration::from_secs(600),
        }
    }
}

/// How long spilled events live: longer than a pause may sensibly last.
const SPILLED: Duration = Duration::from_secs(7 * 86_400);

/// The streams of one client: their settings, their store, and those that have an id.
pub(crate) struct Rooms {
    pub(crate) settings: Streams,
    store: Arc<dyn Store>,
    /// Whether other processes see the store.
    published: bool,
    held: Arc<Held>,
}

impl Rooms {
    pub(crate) fn new(lent: &Lent) -> Self {
        Rooms {
            settings: Streams::default(),
            store: Arc::new(MemoryStore::new(lent.clock.clone())),
            published: false,
            held: Arc::default(),
        }
    }

    /// The same streams with other settings.
    pub(crate) fn with(&self, settings: Streams, store: Option<Arc<dyn Store>>) -> Self {
        Rooms {
            settings,
            published: self.published || store.is_some(),
            store: store.unwrap_or_else(|| self.store.clone()),
            held: self.held.clone(),
        }
    }

    /// A log that a paused stream is read into.
    pub(crate) fn pause_log(
        &self,
        source: Events,
        call: &Call,
        lent: &Arc<Lent>,
        policy: PausePolicy,
    ) -> EventLog {
        let full = match policy {
            PausePolicy::Backpressure => Full::Wait,
            PausePolicy::Spill => Full::Spill,
            PausePolicy::Checkpoint => Full::Close,
        };
        let store = (policy == PausePolicy::Spill).then(|| LogStore {
            store: self.store.clone(),
            key: format!("belvedere/pause/{}", call.id).into(),
            keep: SPILLED,
            writes: Writes::Overflow,
        });
        let options = LogOptions {
            bytes: self.settings.buffer,
            keep: Keep::Unread,
            full,
            store,
            ..LogOptions::default()
        };
        EventLog::new(source, lent.clone(), options)
    }

    /// Whether a stream with this id may be opened, before anything is sent for it.
    ///
    /// # Errors
    /// As [`open`](Rooms::open), which asks again: calls may begin at once.
    pub(crate) fn check_free(&self, id: &SmolStr, call: &Call) -> Result<()> {
        self.held.check_free(&(call.scope.tenant.clone(), id.clone()))
    }

    /// Opens the log of a stream with an id, which goes on whoever reads it.
    ///
    /// # Errors
    /// `InvalidRequest` when a stream with this id is open.
    pub(crate) fn open(
        &self,
        id: &SmolStr,
        source: Events,
        call: &Call,
        lent: &Arc<Lent>,
    ) -> Result<EventLog> {
        let key = (call.scope.tenant.clone(), id.clone());
        let writes = if self.published { Writes::All } else { Writes::Overflow };
        let store = LogStore {
            store: self.store.clone(),
            key: stored_key(&key.0, id).into(),
            keep: self.settings.keep,
            writes,
        };
        let options = LogOptions {
            bytes: self.settings.log,
            full: Full::Spill,
            store: Some(store),
            ..LogOptions::default()
        };
        self.held.open(key, lent.clock.now(), self.settings.keep, || {
            let source = Events::new(Cancellable { source, cancel: call.cancel.waiter() });
            let log = EventLog::new(source, lent.clone(), options);
            log.detach();
            log
        })
    }

    /// A reader of the stream with this id, from an offset on.
    ///
    /// # Errors
    /// `InvalidRequest` when there is no such stream here and none can be elsewhere, or when its events from there on
    /// are gone.
    pub(crate) fn attach(&self, scope: &Scope, id: &str, offset: u64, lent: &Arc<Lent>) -> Result<Cursor> {
        let key = (scope.tenant.clone(), SmolStr::from(id));
        match self.held.get(&key, lent.clock.now(), self.settings.keep) {
            Some(log) => log.attach(offset),
            None if self.published => {
                Ok(EventLog::attach_stored(self.store.clone(), &stored_key(&key.0, id), offset, lent.clone()))
            }
            None => Err(Error::new(
                ErrorKind::InvalidRequest,
                "no stream with this id is open or was lately; it belongs to the scope's tenant, and to this process \
                 unless the client has a store",
            )
            .with("stream_id", id.to_owned())),
        }
    }
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("settings", &self.settings)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The place of a stream in the store. The lengths keep tenants apart whatever their names hold.
fn stored_key(tenant: &Option<SmolStr>, id: &str) -> String {
    match tenant {
        Some(tenant) => format!("belvedere/stream/{}:{tenant}/{id}", tenant.len()),
        None => format!("belvedere/stream/-/{id}"),
    }
}

/// A source that its call's cancel ends, whoever drives it.
struct Cancellable {
    source: Events,
    cancel: Waiter,
}

impl Stream for Cancellable {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if !this.cancel.is_given() {
            if let Poll::Ready(item) = this.source.poll_next_unpin(cx) {
                return Poll::Ready(item);
            }
            if this.cancel.listen(cx).is_pending() {
                return Poll::Pending;
            }
        }
        let cancelled = || Error::new(ErrorKind::Cancelled, "the call was cancelled");
        this.source.cancel();
        Poll::Ready(Some(Err(cancelled())))
    }
}

#[cfg(test)]
#[path = "streams/tests.rs"]
mod tests;
