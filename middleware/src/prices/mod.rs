//! Prices of models, and what a usage costs.

mod bill;
mod model;
mod name;
mod per_million;
mod table;

pub use bill::Interval;
pub use model::{Above, ModelPrice};
pub use name::names;
pub use per_million::PerMillion;
pub use table::{Overrides, PriceTable};
