//! What limits and budgets share: whose calls are counted together, and what a call uses.

mod key;
mod patience;
mod usage;

pub use key::{Key, Per};
pub(crate) use patience::within;
pub(crate) use usage::{Seen, input_tokens, spent};
#[cfg(feature = "budget")]
pub(crate) use usage::{bytes_of, tokens_of};
