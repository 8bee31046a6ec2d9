//! Laws W5 and W6 at the end of a run: what was spent, by a sum of its own.

use belvedere::EndKind;
use belvedere::context::Attempt;

use super::promise::Allowed;
use super::secrets_of;
use super::world::World;

/// At the end of a run, when nothing is left to do.
pub(super) fn end(world: &World) {
    // A store that stays away leaves reservations standing: they count as spent.
    let is_known = |budget: &Allowed| budget.is_once && !world.plan.layers.frame.store_fails;
    if let Some(budget) = world.plan.layers.rules.budget.filter(is_known) {
        spent(world, budget);
    }
    retries(world);
    secrets(world);
}

/// Law W5: nothing is open once all is over, and what was settled is what the attempts used.
fn spent(world: &World, budget: Allowed) {
    let accounts = world.stage.vault.accounts();
    let open: i64 = accounts.iter().map(|account| account.open).sum();
    if open != 0 {
        world.scene.breach("W5", format_args!("all is over, and {open} are open: {accounts:?}"));
    }
    let attempts: Vec<Attempt> = {
        let state = world.scene.lock();
        let calls = state.calls.iter().flat_map(|seen| &seen.calls);
        calls.flat_map(|call| call.attempts()).collect()
    };
    let known: Vec<Option<i64>> = attempts.iter().map(|attempt| cost(attempt, budget)).collect();
    let least: i64 = known.iter().flatten().sum();
    let settled: i64 = accounts.iter().map(|account| account.settled).sum();
    let is_exact = known.iter().all(Option::is_some);
    if settled < least || (is_exact && settled != least) {
        world
            .scene
            .breach("W5", format_args!("{settled} are settled, and attempts cost {least}: {attempts:?}"));
    }
}

/// What an attempt cost; `None` where that can only be estimated.
fn cost(attempt: &Attempt, budget: Allowed) -> Option<i64> {
    let usage = attempt.usage.as_ref().filter(|_| attempt.end == Some(EndKind::Finished))?;
    let (read, written) = (usage.input_tokens()?, usage.output_tokens()?);
    let (of_read, of_written) = budget.prices;
    Some(i64::try_from(read).ok()? * of_read + i64::try_from(written).ok()? * of_written)
}

/// Law W6: retries within their budget, where one upstream has it alone.
fn retries(world: &World) {
    let layers = &world.plan.layers;
    let Some((most, ratio)) = layers.rules.retries.filter(|_| !layers.has("route")) else { return };
    let state = world.scene.lock();
    let answers: usize = state.calls.iter().map(|seen| seen.requests).sum();
    let bound = f64::from(most) + ratio * answers as f64;
    let retries = state.retries;
    drop(state);
    if retries as f64 > bound + 1e-6 {
        world.scene.breach("W6", format_args!("{retries} retries, and {bound} is the most"));
    }
}

/// Law W12, for what is kept.
fn secrets(world: &World) {
    let text = world.stage.vault.text();
    for (what, secret) in (0..world.plan.callers.len()).flat_map(secrets_of) {
        if text.contains(&secret) {
            world.scene.breach("W12", format_args!("{what} stands in the store"));
        }
    }
}
