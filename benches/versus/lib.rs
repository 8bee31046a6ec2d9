//! Belvedere with all layers on beside other Rust clients doing the same call bare: `cargo bench -p belvedere-versus`.
