//! Credentials that have to be fetched: bearer tokens from a hook, OAuth, Google, Microsoft Entra and GitHub
//! Copilot.
//!
//! API keys are [`ApiKeys`](belvedere_core::credentials::ApiKeys). Each source here is a [`TokenSource`];
//! [`Token`] keeps what it gives and renews it in time.

mod copilot;
mod exchange;
mod google;
#[cfg(feature = "service_account")]
mod jwt;
mod oauth;
#[cfg(test)]
mod tests;
mod token;

pub use copilot::Copilot;
pub use google::Google;
pub use oauth::OAuth;
pub use token::{AccessToken, SKEW, Token, TokenSource};
