//! The package for Python: what is generated of it.

use crate::command::{Tally, cargo, stream};

/// `cargo xtask python`: writes the generated modules anew. `Ok(false)`: they could not be written.
///
/// # Errors
/// When an argument is unknown.
pub(crate) fn command(arguments: &[String]) -> Result<bool, String> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("unknown argument `{unknown}`; python takes none"));
    }
    let mut line = cargo(&["run", "--quiet", "--package", "belvedere-codegen", "--", "python"]);
    Ok(stream(&mut line, &mut Tally::default()).inspect_err(|reason| eprintln!("{reason}")).is_ok())
}
