//! The native transport on real sockets of the loopback: what is closed, what is kept, what an error says.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

mod bounded;
mod cancel;
mod dial;
mod ends;
mod lines;
mod pool;
mod proxy;
mod redirect;
mod request;
mod secure;
mod stalled;
mod upstream;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use belvedere_core::context::{Call, Context, Lent};
use belvedere_core::credentials::{ApiKeys, Secret};
use belvedere_core::http::Http;
use belvedere_core::request::Options;
use belvedere_core::service::Stack;
use belvedere_middleware::runtime::{Proxy, TransportOptions, lent};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use lines::LinesWire;
use upstream::Upstream;

/// The key all requests of these tests are signed with. It must show nowhere.
const CANARY: &str = "canary-key";

/// Waits for what has to happen within a bounded number of turns; the clock only saves a broken test from hanging.
fn soon<'a, T>(work: impl Future<Output = T> + 'a) -> LocalBoxFuture<'a, T> {
    #[expect(clippy::disallowed_methods, reason = "a safety net, no part of what is tested")]
    let bounded = tokio::time::timeout(Duration::from_secs(20), work);
    async { bounded.await.expect("it should have happened long ago") }.boxed_local()
}

/// Turns the scheduler until `seen`.
async fn until(mut seen: impl FnMut() -> bool) {
    soon(async {
        while !seen() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Turns the scheduler often enough that whatever can happen without outside help has happened.
async fn settle() {
    for _ in 0..2_000 {
        tokio::task::yield_now().await;
    }
}

fn direct() -> TransportOptions {
    let mut options = TransportOptions::default();
    options.proxy = Proxy::None;
    options
}

/// What is lent, and a service that speaks lines to `base`.
struct Client {
    lent: Arc<Lent>,
    stack: Stack,
}

impl Client {
    fn new(base: &str, options: &TransportOptions) -> Self {
        let keys = ApiKeys::bearer(&[Secret::new(CANARY)]).unwrap();
        let stack = Stack::new(Http::new(LinesWire::new(base), keys));
        Client { lent: Arc::new(lent(options).unwrap()), stack }
    }

    fn of(upstream: &Upstream) -> Self {
        Client::new(&upstream.base(), &direct())
    }

    fn context(&self) -> Context {
        let call = Arc::new(Call::new(&self.lent, Options::default()));
        Context::new(self.lent.clone(), call)
    }
}
