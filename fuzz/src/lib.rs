//! What the fuzz targets share: how an input chooses its cuts, and what every reading of a response must keep.

mod case;
mod messages;
mod reading;

pub use case::Case;
pub use messages::messages;
pub use reading::{assert_laws, read};
