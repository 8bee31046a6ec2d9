//! What the pipeline did to a call.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What the pipeline did to a call, visible to the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// Everything since `Start` is void; a new answer follows.
    Restart {
        /// Why.
        reason: String,
    },
    /// The stream broke, and the answer goes on from another attempt. What came before stands.
    Continued {
        /// Why.
        reason: String,
        /// How the other attempt was asked to go on.
        by: ContinuedBy,
        /// How many bytes it repeated that were taken out.
        #[serde(default, skip_serializing_if = "is_zero_u64")]
        overlap: u64,
    },
    /// An attempt failed, and another one was made.
    Retried {
        /// The number of the retry; the first is 1.
        retry: u32,
        /// What the attempt failed with.
        reason: String,
    },
    /// A target failed or could not take the request, and another one answered.
    FellBack {
        /// The target that did not answer.
        from: SmolStr,
        /// The target that was asked instead.
        to: SmolStr,
        /// Why.
        reason: String,
    },
    /// The answer is of a second attempt, begun beside one that was slow.
    Hedged {
        /// The target that answered.
        target: SmolStr,
    },
    /// The pipeline chose the model.
    Chosen {
        /// The model.
        model: SmolStr,
        /// Why.
        reason: String,
    },
    /// The call failed; this is a last resort instead of its answer.
    Degraded {
        /// What the call failed with.
        reason: String,
    },
    /// A parameter that the target lacks was left out.
    ParameterDropped {
        /// Its name in the request.
        parameter: SmolStr,
        /// Why.
        reason: String,
    },
    /// The last frame of the wire lacked its end and was complete all the same.
    Unterminated,
    /// The provider's counters do not add up to its own total.
    UsageMismatch {
        /// The sum of the disjoint classes.
        classes: u64,
        /// The provider's total.
        reported: u64,
    },
    /// A word of a layer outside this crate.
    Layer {
        /// The layer's name.
        layer: SmolStr,
        /// What it did.
        message: String,
    },
}

/// How a broken answer was asked to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContinuedBy {
    /// The target was given the beginning of its answer
    /// ([`continue_final_message`](crate::request::Parameters::continue_final_message)).
    Prefix,
    /// The target was shown the beginning of its answer and asked for the rest.
    Request,
    /// The target was asked again, and what had been complete was taken out of what came.
    Again,
}

fn is_zero_u64(n: &u64) -> bool {
    *n == 0
}
