//! What the fuzz targets share: how an input chooses its cuts, and what every reading of a response and every writing
//! of a request must keep.

mod case;
mod messages;
mod reading;
mod writing;

pub use case::Case;
pub use messages::messages;
pub use reading::{assert_laws, read};
pub use writing::{asked, assert_read_again, assert_settles};
