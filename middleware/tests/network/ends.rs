//! How a response ends, and what an error says and hides (L12, W12).

use belvedere_core::error::{Error, ErrorKind};
use belvedere_core::events::EndKind;
use belvedere_core::request::Request;
use futures_util::StreamExt;

use crate::upstream::{CHUNKED, Upstream};
use crate::{CANARY, Client, direct, soon};

/// What the server does after it has read the request.
enum Then {
    Write(&'static str),
    Reset,
}

/// One call against a server that says `body` and then closes, or resets.
async fn end_of(body: &'static str, then: Then) -> (usize, Option<Error>, Option<EndKind>) {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let call = async {
        let mut events = match client.stack.call(client.context(), Request::from("hi")).await {
            Ok(events) => events,
            Err(error) => return (0, Some(error), None),
        };
        let (mut count, mut error) = (0, None);
        while let Some(item) = events.next().await {
            match item {
                Ok(_) => count += 1,
                Err(e) => error = Some(e),
            }
        }
        (count, error, events.end())
    };
    let server = async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.write(body).await;
        match then {
            Then::Write(rest) => peer.write(rest).await,
            Then::Reset => peer.0.set_zero_linger().unwrap(),
        }
    };
    let (outcome, ()) = soon(async { tokio::join!(call, server) }).await;
    outcome
}

fn facts(error: &Error) -> Vec<(&str, &str)> {
    let wanted = |key: &str| matches!(key, "phase" | "cause");
    error.context().iter().filter(|(k, _)| wanted(k)).map(|(k, v)| (*k, v.as_str())).collect()
}

#[tokio::test]
async fn l12_a_clean_end_is_finished() {
    let body = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\ntext a\n\r\n5\r\ndone\n\r\n";
    let (count, error, end) = end_of(body, Then::Write("0\r\n\r\n")).await;
    assert_eq!((count, error.map(|e| e.to_string()), end), (4, None, Some(EndKind::Finished)));
}

#[tokio::test]
async fn l12_a_clean_end_without_the_terminal_signal_is_truncated() {
    let body = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\ntext a\n\r\n";
    let (count, error, end) = end_of(body, Then::Write("0\r\n\r\n")).await;
    assert_eq!((count, end), (2, Some(EndKind::Truncated)));
    assert_eq!(error.unwrap().message(), "no done");
}

#[tokio::test]
async fn l12_a_body_that_ends_before_its_end_is_truncated() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\ntext a\n\r\n";
    let measured = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\ntext a\n";
    for (body, rest) in [(chunked, ""), (chunked, "7\r\ntex"), (measured, "")] {
        let (count, error, end) = end_of(body, Then::Write(rest)).await;
        assert_eq!((count, end), (2, Some(EndKind::Truncated)), "{body} {rest}");
        let error = error.unwrap();
        assert_eq!(error.message(), "the connection ended inside the response");
        assert_eq!(facts(&error), [("phase", "read"), ("cause", "unexpected end of file")]);
    }
}

#[tokio::test]
async fn l12_a_reset_is_failed() {
    let body = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n";
    let (count, error, end) = end_of(body, Then::Reset).await;
    assert_eq!((count, end), (0, Some(EndKind::Failed)));
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(facts(&error), [("phase", "read"), ("cause", "connection reset")]);
}

#[tokio::test]
async fn a_close_before_the_head_is_a_network_error() {
    let (_, error, end) = end_of("", Then::Write("")).await;
    let error = error.unwrap();
    assert_eq!((error.kind(), end), (ErrorKind::Network, None));
    assert_eq!(error.message(), "the connection broke before the response came");
    assert_eq!(facts(&error), [("phase", "send")]);
}

#[tokio::test]
async fn what_is_no_http_is_a_network_error() {
    let (_, error, _) = end_of("SSH-2.0-OpenSSH\r\n\r\n", Then::Write("")).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Network);
}

#[tokio::test]
async fn a_refused_connection_names_host_and_cause() {
    let upstream = Upstream::new().await;
    let client = Client::of(&upstream);
    let port = upstream.port();
    drop(upstream);
    let error = soon(client.stack.call(client.context(), Request::from("hi"))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "network: no connection could be made; check that the host is up and whether a proxy is needed; \
             phase: connect; host: http://127.0.0.1:{port}; cause: connection refused; provider: lines"
        )
    );
}

#[tokio::test]
async fn a_name_that_is_none_is_a_dns_error() {
    // A label of more than 63 octets is refused before any server is asked (RFC 1035, section 2.3.4).
    let client = Client::new(&format!("http://{}/", "a".repeat(64)), &direct());
    let error = soon(client.stack.call(client.context(), Request::from("hi"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(facts(&error).first(), Some(&("phase", "dns")));
}

#[tokio::test]
async fn w12_no_error_shows_key_query_or_user() {
    let upstream = Upstream::new().await;
    let base = format!("http://canary-user:canary-password@127.0.0.1:{}/?t=canary-query", upstream.port());
    let client = Client::new(&base, &direct());
    drop(upstream);
    let refused = soon(client.stack.call(client.context(), Request::from("hi"))).await.unwrap_err();
    let (_, cut, _) = end_of(CHUNKED, Then::Write("")).await;
    for error in [refused, cut.unwrap()] {
        let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
        for secret in [CANARY, "canary"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
