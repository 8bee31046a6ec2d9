//! What the fuzz targets share: how an input chooses its cuts, and what every reading of a response must keep.

mod case;
mod reading;

pub use case::Case;
pub use reading::{assert_laws, read};
