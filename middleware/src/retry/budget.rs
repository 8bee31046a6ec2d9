//! How many retries an upstream gets that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many retries an upstream gets that fails: a bucket that answers fill.
///
/// All calls to one provider, host and credential share it. As in AWS's SDKs it is fed by success and not by time
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>); as in gRPC every answer gives a part
/// of a retry (`retryThrottling`, <https://github.com/grpc/proposal/blob/master/A6-client-retries.md>). No retry is
/// held until it has ended: a budget that waiting retries use up would depend on how many calls run at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Budget {
    /// How many retries the full bucket holds. Default 100.
    pub retries: u32,
    /// What part of a retry each answer gives back, from 0 to 1. Default 0.3: enough while up to 23% of all attempts
    /// fail, and never more than 30% of load on top.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub ratio: f64,
}

impl Default for Budget {
    fn default() -> Self {
        // AWS's SDKs hold 100, too: 500 tokens, of which a retry takes 5.
        Budget { retries: 100, ratio: 0.3 }
    }
}

/// A retry, in the unit that buckets count in.
const RETRY: u64 = 1000;

/// The bucket of one upstream: a budget, and what of it is used up.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    used: Arc<AtomicU64>,
    size: u64,
    fed: u64,
}

impl Bucket {
    pub(super) fn new(budget: Budget, used: Arc<AtomicU64>) -> Self {
        let fed = (budget.ratio.clamp(0.0, 1.0) * RETRY as f64).round() as u64;
        Bucket { used, size: u64::from(budget.retries) * RETRY, fed }
    }

    /// Takes a retry; false when there is none.
    pub(super) fn take(&self) -> bool {
        let more = |used: u64| used.checked_add(RETRY).filter(|used| *used <= self.size);
        self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    /// An answer came.
    pub(super) fn give(&self) {
        self.free(self.fed);
    }

    /// A retry that was taken is not made.
    pub(super) fn put_back(&self) {
        self.free(RETRY);
    }

    fn free(&self, units: u64) {
        let less = |used: u64| (used > 0).then(|| used.saturating_sub(units));
        let _ = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }
}
