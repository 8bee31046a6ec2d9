//! What a document comes to.

use super::Stores;
use crate::error::{Error, ErrorKind, Result};
use crate::pause::PausePolicy;
use crate::pipeline::Pipeline;
use crate::streams::Streams;

/// The parts of a client that a document says.
pub(crate) struct Plan {
    pub(crate) pipeline: Pipeline,
    pub(crate) streams: Option<Streams>,
    pub(crate) stores: Stores,
}

impl Plan {
    /// Checks what only the parts together tell.
    ///
    /// # Errors
    /// `ConfigInvalid` when they do not go together.
    pub(super) fn checked(self) -> Result<Self> {
        let info = self.pipeline.stack().info();
        if info.is_nowhere() {
            let what = "provider: is missing, and `route` names no targets; name one of them";
            return Err(Error::new(ErrorKind::ConfigInvalid, what));
        }
        let keeps_checkpoints = self.streams.as_ref().is_some_and(|s| s.pause == PausePolicy::Checkpoint);
        if keeps_checkpoints && !info.resumes {
            let what = "streams.pause: `checkpoint` needs the `repair` layer, which goes on with it; add it to `layers`";
            return Err(Error::new(ErrorKind::ConfigInvalid, what));
        }
        Ok(self)
    }
}
