//! What the transport adds to a request, and what it refuses to send.

use belvedere_core::error::ErrorKind;
use bytes::Bytes;
use http::header::USER_AGENT;

use crate::upstream::Upstream;
use crate::{Client, soon};

fn asking(address: &str) -> http::request::Builder {
    http::Request::post(address)
}

#[tokio::test]
async fn the_callers_own_user_agent_is_kept() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let request = asking(&upstream.base()).header(USER_AGENT, "theirs/1").body(Bytes::from("ask")).unwrap();
    let head = tokio::select! {
        biased;
        _ = client.lent.transport.send(request, None) => panic!("no head, no answer"),
        head = async { upstream.accept().await.request().await } => head,
    };
    assert!(head.contains("user-agent: theirs/1\r\n") && !head.contains("belvedere/"), "{head}");
    assert!(head.contains(&format!("host: 127.0.0.1:{}\r\n", upstream.port())), "{head}");
}

#[tokio::test]
async fn an_address_that_is_no_http_address_is_an_invalid_request() {
    let client = Client::new("http://lines.example/", &crate::direct());
    for address in ["ftp://lines.example/?t=canary", "/v1/lines?t=canary", "lines.example:80"] {
        let request = asking(address).body(Bytes::new()).unwrap();
        let error = soon(client.lent.transport.send(request, None)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{address}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
