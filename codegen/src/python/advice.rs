//! What a program does about each kind of error: the part of the exceptions' documentation that Rust's enum has not.

use belvedere::error::{Category, ErrorKind};

/// What a caller does about a category, in one sentence.
pub(super) fn of_category(category: Category) -> &'static str {
    match category {
        Category::Transient => "The same call may work a moment later.",
        Category::RateLimit => "The same call works once the limit allows it.",
        Category::Auth => "Credentials have to change.",
        Category::Validation => "The request or the configuration has to change.",
        Category::Permanent => "Trying again does not help.",
    }
}

/// What happened, and what to do, by a kind's name. A kind without a row has what its category says.
pub(super) fn of_kind(kind: ErrorKind) -> (&'static str, &'static str) {
    ROWS.iter()
        .find(|(name, _, _)| *name == kind.name())
        .map_or(("", of_category(kind.category())), |(_, what, advice)| (what, advice))
}

const ROWS: &[(&str, &str, &str)] = &[
    (
        "network",
        "The connection could not be made, was reset, or broke.",
        "Let `Retry` repeat it. If it stays: check the address, the proxy and the name server.",
    ),
    (
        "overloaded",
        "The provider is overloaded or failed on its side.",
        "Let `Retry` wait, `Route` ask another target, and `Breaker` leave it alone for a while.",
    ),
    (
        "timeout",
        "A time limit ran out; `phase` says which: `connect`, `first_event`, `idle` or `total`.",
        "Raise that limit of the layer `Timeout`, or the call's `timeout`, if the answer is worth the wait.",
    ),
    (
        "truncated",
        "The answer ended without the provider's word that it is whole.",
        "`partial` has what came. `Repair` goes on from there by itself.",
    ),
    (
        "malformed",
        "The provider sent what its protocol does not allow.",
        "Check `base_url`: often it is the page of a proxy. Report it if the provider is at fault.",
    ),
    (
        "circuit_open",
        "A circuit breaker refused the call, because the provider failed too often.",
        "Wait for `retry_after`, or let `Route` ask another target.",
    ),
    (
        "store",
        "A store failed.",
        "Check the store that the layer names; `on_store_failure` says what holds meanwhile.",
    ),
    (
        "rate_limited",
        "Too many requests or tokens.",
        "Wait for `retry_after`; `Retry` does. `Limit` keeps a program below the limit in the first place.",
    ),
    (
        "unauthorized",
        "The credentials are missing or wrong.",
        "Check the key and the environment variable that it is read from.",
    ),
    (
        "forbidden",
        "The credentials are right and do not allow this.",
        "Ask for the permission, or use another key.",
    ),
    (
        "invalid_request",
        "The request is not acceptable as it is.",
        "The message names the field and what is allowed there.",
    ),
    (
        "context_too_long",
        "The request does not fit the model's context.",
        "Send less, or ask a model with a longer context. `count_tokens` counts beforehand.",
    ),
    (
        "unsupported",
        "The target or this build lacks what was asked for.",
        "Leave it out, ask another target, or set `unsupported=\"drop\"` on the provider.",
    ),
    (
        "config_invalid",
        "The configuration is wrong; the message lists every finding with its path.",
        "Correct them all: each says what is allowed.",
    ),
    (
        "model_not_found",
        "The model does not exist or is not open to this account.",
        "Check its name; `Route` asks another target.",
    ),
    (
        "content_filtered",
        "The provider's content filter refused the request or the answer.",
        "Change the request. `partial` has what was answered before.",
    ),
    (
        "quota_exhausted",
        "The account's quota or credit is used up.",
        "Pay, or let `Route` ask another account.",
    ),
    (
        "budget_exceeded",
        "A budget of the layer `Budget` is used up.",
        "Wait for its next period, or raise it. `client.budgets()` says how much is left.",
    ),
    (
        "blocked",
        "A guard's verdict.",
        "The request or the answer breaks a rule of this program; nothing goes around it.",
    ),
    (
        "cancelled",
        "The call was cancelled by its owner. It is not `asyncio.CancelledError`: that ends the task.",
        "Nothing: somebody called `cancel()`.",
    ),
    (
        "unexpected",
        "What none of the others says. An exception of a function in Python is its `__cause__`.",
        "Report it, with its `to_dict()`.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row() {
        for kind in ErrorKind::ALL {
            assert_ne!(of_kind(kind).0, "", "{kind}");
        }
        assert!(ROWS.iter().all(|(name, _, _)| ErrorKind::ALL.iter().any(|kind| kind.name() == *name)));
    }
}
