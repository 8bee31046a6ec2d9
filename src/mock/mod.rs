//! A provider on this machine that does what a script says: answers, delays, errors and faults, over real HTTP, in
//! every wire of this build.
//!
//! It is for tests of programs that use providers, in any language. It speaks HTTP/1.1 and HTTP/2 (with prior
//! knowledge), without TLS.
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use belvedere::mock::{MockServer, Step};
//! use belvedere::{Client, Settings, provider};
//!
//! let server = MockServer::start([Step::error(503).times(1), Step::text("Hello.")]).await?;
//! let settings = Settings::default().with_base_url(server.url()).with_api_key("any").with_model("any");
//! let client = Client::new(provider("openai", settings)?);
//!
//! assert!(client.complete("Hi").await.is_err());
//! assert_eq!(client.complete("Hi").await?.text(), "Hello.");
//! assert_eq!(server.stats().requests, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body;
mod example;
mod flight;
mod paths;
mod plan;
mod say;
mod script;
mod serve;
mod server;
mod socket;
mod state;
mod stats;
mod vector;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

pub use flight::Line;
pub use script::{
    Answer, Body as ErrorBody, Call, Delivery, Failure, Fault, RetryForm, Script, Split, Step, Timing, When,
};
pub use server::{MockServer, Options};
pub use stats::{Answers, Connections, Stats};

/// Is given one line for each request, at its end.
pub type Log = Arc<dyn Fn(&Line) + Send + Sync>;

/// The body of a response.
type Body = UnsyncBoxBody<Bytes, io::Error>;
