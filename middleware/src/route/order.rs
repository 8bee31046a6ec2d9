//! Who is asked, and in which order.

use belvedere_core::SmolStr;
use belvedere_core::context::{Attempt, Call, Context};
use belvedere_core::entropy::Entropy;
use belvedere_core::error::{ErrorKind, Status};
use belvedere_core::request::Request;
use belvedere_core::tokens::{Estimate, TokenCounter};
use belvedere_core::usage::Money;

use super::config::{Sticky, Strategy};
use super::service::Routed;
use super::target::Goal;

/// The targets a call may still ask, by index.
#[derive(Debug)]
pub(super) struct Order {
    left: Vec<usize>,
    /// So many of them, from the front, are asked in their turn. Behind them are those that wait for their
    /// conditions, and then those that are left out, as a last resort.
    ready: usize,
}

impl Order {
    /// The order of a call. One that goes on with a checkpoint can do so only where a `repair` layer stands.
    pub(super) fn of(route: &Routed, cx: &Context, request: &Request) -> Self {
        let refused = refused(route, cx, request);
        let fits = |(index, goal): &(usize, &Goal)| {
            !refused.contains(index) && (goal.info.resumes || cx.call.resume.is_none())
        };
        let mut order = Order { left: Vec::with_capacity(route.goals.len()), ready: 0 };
        let mut waiting = 0;
        for (index, goal) in route.goals.iter().enumerate().filter(fits) {
            match route.roster.is_out(index, &cx.lent) {
                Some(_) => order.left.push(index),
                None if goal.when.is_some() => {
                    order.left.insert(order.ready + waiting, index);
                    waiting += 1;
                }
                None => {
                    order.left.insert(order.ready, index);
                    order.ready += 1;
                }
            }
        }
        if let Some(ready) = order.left.get_mut(..order.ready) {
            route.arrange(ready, cx, request);
        }
        order
    }

    /// The target that is asked first. When all that are asked in their turn are left out, it is one that may be
    /// asked after what they failed with.
    pub(super) fn first(&mut self, route: &Routed, cx: &Context) -> Option<usize> {
        if self.ready > 0 {
            return Some(self.take(0));
        }
        let reasons: Vec<_> =
            self.left.iter().filter_map(|index| route.roster.is_out(*index, &cx.lent)).collect();
        let stands_in = |index: &usize| {
            let takes = |reason| route.goals.get(*index).is_some_and(|goal| goal.takes(reason));
            reasons.iter().any(|reason| takes(*reason))
        };
        let at = self.left.iter().position(stands_in).unwrap_or(0);
        (at < self.left.len()).then(|| self.take(at))
    }

    /// The next target for which this holds.
    pub(super) fn next(&mut self, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let at = self.left.iter().position(|index| fits(*index))?;
        Some(self.take(at))
    }

    /// The next target that is asked in its turn.
    pub(super) fn next_ready(&mut self) -> Option<usize> {
        (self.ready > 0).then(|| self.take(0))
    }

    /// Whether no other target is asked in its turn.
    pub(super) fn is_alone(&self) -> bool {
        self.ready == 0
    }

    fn take(&mut self, at: usize) -> usize {
        self.ready -= usize::from(at < self.ready);
        self.left.remove(at)
    }
}

/// The targets that refused this call before, for a reason that does not pass: whoever calls again asks the others.
/// When all have, none is left out.
fn refused(route: &Routed, cx: &Context, request: &Request) -> Vec<usize> {
    cx.call.with_attempts(|attempts| {
        let has_refused = |(_, goal): &(usize, &Goal)| {
            let mut own = attempts.iter().filter(|attempt| attempt.target.as_ref() == Some(&goal.name));
            own.any(|attempt| is_refusal(attempt, goal.model(request)))
        };
        let refused: Vec<usize> =
            route.goals.iter().enumerate().filter(has_refused).map(|(at, _)| at).collect();
        match refused.len() == route.goals.len() {
            true => Vec::new(),
            false => refused,
        }
    })
}

/// Whether an attempt failed for a reason that does not pass. `model` is what would be asked for now.
fn is_refusal(attempt: &Attempt, model: Option<&SmolStr>) -> bool {
    match attempt.error {
        Some(ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::QuotaExhausted) => true,
        // The request may have become shorter since, or name another model.
        None | Some(ErrorKind::ContextTooLong) => false,
        Some(kind) => kind.status() == Status::Permanent && attempt.model.as_ref() == model,
    }
}

impl Routed {
    /// Puts the targets that are asked in their turn in order.
    fn arrange(&self, ready: &mut [usize], cx: &Context, request: &Request) {
        let session = cx.call.scope.session.as_ref().filter(|_| self.sticky == Some(Sticky::Session));
        if let Some(session) = session {
            let affinity = |index: &usize| {
                self.goals.get(*index).map_or(0.0, |goal| affinity(session, &goal.name, goal.weight))
            };
            ready.sort_by(|a, b| affinity(b).total_cmp(&affinity(a)));
            return;
        }
        let entropy = cx.lent.entropy.as_ref();
        match self.roster.strategy {
            Strategy::Priority => {}
            Strategy::Weighted => {
                let weight = |index: &usize| self.goals.get(*index).map_or(0, |goal| u64::from(goal.weight));
                let first = drawn(ready.iter().map(weight), entropy).and_then(|at| ready.get_mut(..=at));
                if let Some(until_first) = first {
                    until_first.rotate_right(1);
                }
            }
            Strategy::LeastLatency => self.arrange_by_load(ready, cx),
            Strategy::Cost => self.arrange_by_cost(ready, &cx.call, request),
        }
    }

    fn arrange_by_load(&self, ready: &mut [usize], cx: &Context) {
        let now = cx.lent.clock.now();
        let load = |index: usize| self.roster.state(index).map_or(0.0, |state| state.lock().peak.load(now));
        let mut loads: Vec<(f64, usize)> = ready.iter().map(|index| (load(*index), *index)).collect();
        // Two choices instead of the best one: callers that all know the same would all go there.
        let entropy = cx.lent.entropy.as_ref();
        let first = drawn(loads.iter().map(|_| 1), entropy).map(|at| loads.remove(at));
        let second = drawn(loads.iter().map(|_| 1), entropy).map(|at| loads.remove(at));
        let (Some(first), Some(second)) = (first, second) else { return };
        let (better, other) = if second.0 < first.0 { (second, first) } else { (first, second) };
        loads.push(other);
        loads.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let sorted = [better].into_iter().chain(loads).map(|(_, index)| index);
        ready.iter_mut().zip(sorted).for_each(|(place, index)| *place = index);
    }
}

/// What an answer is taken to be long where nothing bounds it, in tokens.
const USUAL_OUTPUT: u64 = 500;

impl Routed {
    fn arrange_by_cost(&self, ready: &mut [usize], call: &Call, request: &Request) {
        let Some(prices) = &self.roster.prices else { return };
        let input = call.input_tokens().unwrap_or_else(|| Estimate.request(request));
        let output = request.max_tokens.unwrap_or(USUAL_OUTPUT);
        let cost = |index: &usize| {
            let goal = self.goals.get(*index)?;
            prices.price(&goal.info.name, goal.model(request)?)?.upper(input, Some(output))
        };
        ready.sort_by_cached_key(|index| cost(index).map_or((true, Money::ZERO), |cost| (false, cost)));
    }
}

/// Draws one by weight. `None` when there is nothing to draw.
fn drawn(weights: impl Iterator<Item = u64> + Clone, entropy: &dyn Entropy) -> Option<usize> {
    let total: u64 = weights.clone().sum();
    let mut left = u64::try_from((u128::from(entropy.next_u64()) * u128::from(total)) >> 64).ok()?;
    weights.enumerate().find_map(|(at, weight)| {
        let is_it = left < weight;
        left = left.saturating_sub(weight);
        is_it.then_some(at)
    })
}

/// How much a session belongs to a target: the same for ever, and a target that comes or goes moves only its own
/// share. Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted Distributed Hash Tables", SPAA 2005:
/// the logarithmic method).
fn affinity(session: &str, target: &str, weight: u32) -> f64 {
    // FNV-1a (RFC 9923) with a separator, and a last mixing (SplitMix64) for the high bits.
    let bytes = session.bytes().chain([0xff]).chain(target.bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    // Above 0 and below 1, of the 53 bits that a float holds.
    let point = ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    f64::from(weight) / -point.ln()
}
