//! A layer that records or replays, so that any client can.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cassette, Matching, Pace, Recorder, Replay, Scrub};
use crate::context::Lent;
use crate::layer::Layer;
use crate::transport::Transport;
use std::sync::Arc;

/// Records a client's traffic to a cassette file, or answers from one. In a configuration its type is `cassette`,
/// in builds with the feature `testing`.
///
/// It wraps the lent network, so its place among the layers does not matter. A file is written each time an
/// exchange is over; a cassette that holds what looks like a secret is not, and the call fails instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CassetteLayer {
    /// The file.
    pub path: PathBuf,
    /// What to do. Default `auto`.
    #[serde(default)]
    pub mode: Mode,
    /// How requests are compared with recorded ones.
    #[serde(default)]
    pub matching: Matching,
    /// What is taken out beside credentials.
    #[serde(default)]
    pub scrub: Scrub,
    /// How fast it is replayed. Default `instant`.
    #[serde(default)]
    pub pace: Pace,
}

/// What a [`CassetteLayer`] does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// Records; what the file held is replaced.
    Record,
    /// Replays; nothing reaches the network.
    Replay,
    /// Replays when the file is there, records when it is not.
    #[default]
    Auto,
}

impl CassetteLayer {
    /// A cassette in this file.
    pub fn new(path: impl Into<PathBuf>, mode: Mode) -> Self {
        CassetteLayer {
            path: path.into(),
            mode,
            matching: Matching::default(),
            scrub: Scrub::default(),
            pace: Pace::default(),
        }
    }

    fn replay(&self, lent: &Lent) -> Arc<dyn Transport> {
        match Cassette::load(&self.path) {
            Ok(cassette) => {
                let replay = Replay::new(cassette, lent.clock.clone(), self.matching.clone(), self.pace);
                Arc::new(replay.with_scrub(self.scrub.clone()))
            }
            Err(error) => Arc::new(Unreadable(error)),
        }
    }
}

impl Layer for CassetteLayer {
    fn equip(&self, lent: Lent) -> Lent {
        let replays = match self.mode {
            Mode::Record => false,
            Mode::Replay => true,
            Mode::Auto => self.path.exists(),
        };
        let transport: Arc<dyn Transport> = match replays {
            true => self.replay(&lent),
            false => {
                let path = self.path.clone();
                let save = move |cassette: &Cassette| cassette.save(&path);
                Arc::new(Recorder::telling(
                    lent.transport.clone(),
                    lent.clock.clone(),
                    self.scrub.clone(),
                    save,
                ))
            }
        };
        Lent { transport, ..lent }
    }
}

/// A network that says why there is none: `equip` itself can't fail.
#[derive(Debug)]
struct Unreadable(crate::error::Error);

#[async_trait::async_trait]
impl Transport for Unreadable {
    async fn send(
        &self,
        _: http::Request<bytes::Bytes>,
        _: Option<Arc<crate::context::Wire>>,
    ) -> crate::error::Result<http::Response<crate::transport::Body>> {
        Err(self.0.clone())
    }
}
