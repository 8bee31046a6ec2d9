//! A redirect is an answer, and is not followed (A9).

use belvedere_core::request::Request;
use futures_util::FutureExt;

use crate::upstream::Upstream;
use crate::{CANARY, Client, settle, soon};

#[tokio::test]
async fn a9_a_redirect_to_another_origin_gets_no_request_and_no_key() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (upstream, other) = (Upstream::new().await, Upstream::new().await);
        let client = Client::of(&upstream);
        let call = client.stack.call(client.context(), Request::from("hi"));
        let server = async {
            let mut peer = upstream.accept().await;
            let head = peer.request().await;
            assert!(head.contains(&format!("authorization: Bearer {CANARY}")), "{head}");
            let location = other.base();
            peer.write(&format!("HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))
                .await;
        };
        let (outcome, ()) = soon(async { tokio::join!(call, server) }).await;
        assert_eq!(outcome.unwrap_err().message(), "refused", "{status}");
        settle().await;
        assert!(other.serve_next().now_or_never().is_none(), "{status} was followed");
    }
}

#[tokio::test]
async fn the_user_agent_is_ours_and_no_encoding_is_asked_for() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let head = tokio::select! {
        biased;
        _ = client.stack.call(client.context(), Request::from("hi")) => panic!("no head, no answer"),
        head = async { upstream.accept().await.request().await } => head,
    };
    let agent = concat!("user-agent: belvedere/", env!("CARGO_PKG_VERSION"), "\r\n");
    assert!(head.contains(agent) && !head.contains("accept-encoding"), "{head}");
}
