//! Answers that break.

use belvedere_core::error::{ErrorKind, TimeoutPhase};
use belvedere_core::event::FinishReason;
use belvedere_core::request::Function;
use belvedere_middleware::timeout::Timeout;

use super::super::Fault;
use super::*;

fn broken(fault: Fault) -> Step {
    Step { fault: Some(fault), ..Step::text("one two three") }
}

#[tokio::test]
async fn a_cut_answer_is_truncated() {
    for (wire, server, client) in each(broken(Fault::Cut { after: 2 })).await {
        let error = failure(&client, true).await;
        assert_eq!(error.kind(), ErrorKind::Truncated, "{wire}");
        assert_eq!(error.partial().unwrap().text(), "one two ", "{wire}");
        let kind = failure(&client, false).await.kind();
        assert!(matches!(kind, ErrorKind::Truncated | ErrorKind::Malformed), "{wire} {kind}");
        assert_eq!(server.until(|stats| stats.in_flight == 0).await.answers.cut, 2);
    }
}

#[tokio::test]
async fn a_closed_connection_is_truncated() {
    for (wire, _server, client) in each(broken(Fault::Close { after: 2 })).await {
        for stream in [true, false] {
            let error = failure(&client, stream).await;
            assert_eq!(error.kind(), ErrorKind::Truncated, "{wire} {stream} {error}");
        }
    }
}

#[tokio::test]
async fn a_reset_connection_is_an_error_of_the_network() {
    for (wire, server, client) in each(broken(Fault::Reset { after: 1 })).await {
        for stream in [true, false] {
            let error = failure(&client, stream).await;
            assert_eq!(error.kind(), ErrorKind::Network, "{wire} {stream} {error}");
        }
        let stats = server.until(|stats| stats.connections.open == 0).await;
        assert_eq!((stats.answers.cut, stats.connections.total), (2, 2), "{wire}");
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_over_http2_fails() {
    let server = MockServer::start(broken(Fault::Reset { after: 1 })).await.unwrap();
    let client = client_over(&server, "openai.chat", lent(HttpVersion::Http2));
    let error = failure(&client, true).await;
    assert!(matches!(error.kind(), ErrorKind::Network | ErrorKind::Truncated), "{error}");
    assert_eq!(server.stats().connections.open, 1, "the connection stands");
}

fn timeout(phase: TimeoutPhase) -> Timeout {
    let mut timeout = Timeout::default();
    let limit = Some(Duration::from_millis(60));
    match phase {
        TimeoutPhase::Idle => timeout.idle = limit,
        TimeoutPhase::FirstEvent => timeout.first_event = limit,
        _ => timeout.total = Some(Duration::from_millis(200)),
    }
    timeout
}

#[tokio::test]
async fn a_stall_is_caught_by_the_timeout_and_the_close_is_seen() {
    for (wire, server, client) in each(broken(Fault::Stall { after: 1, lasts: None })).await {
        let error = failure(&client.layer(timeout(TimeoutPhase::Idle)), true).await;
        assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutPhase::Idle), "{wire}");
        assert_eq!(error.partial().unwrap().text(), "one ", "{wire}");
        let stats = soon(server.until(|stats| stats.answers.closed_by_client == 1)).await;
        assert!(stats.answers.close_seen_ms[0] >= 50.0, "{wire} {:?}", stats.answers);
    }
}

#[tokio::test]
async fn a_stall_with_signs_of_life_is_not_idle() {
    let mut script = broken(Fault::Stall { after: 1, lasts: None });
    script.timing.keep_alive = Some(Duration::from_millis(10));
    for (wire, _server, client) in each(script).await {
        let client = client.layer(timeout(TimeoutPhase::Total));
        let error = failure(&client, true).await;
        assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutPhase::Total), "{wire}");
    }
}

#[tokio::test]
async fn a_first_token_that_does_not_come_is_caught() {
    for (wire, _server, client) in each(Step::default().after(Duration::from_secs(3600))).await {
        for stream in [true, false] {
            let error = failure(&client.clone().layer(timeout(TimeoutPhase::FirstEvent)), stream).await;
            assert_eq!(error.kind(), ErrorKind::Timeout(TimeoutPhase::FirstEvent), "{wire} {stream}");
        }
    }
}

#[tokio::test]
async fn garbage_is_an_error_and_never_an_answer() {
    for (wire, _server, client) in each(broken(Fault::Garbage { after: 1, text: None })).await {
        for stream in [true, false] {
            let error = failure(&client, stream).await;
            assert_eq!(error.kind(), ErrorKind::Malformed, "{wire} {stream} {error}");
        }
    }
}

#[tokio::test]
async fn tool_arguments_may_be_cut_off() {
    let script = step(
        json!({"answer": {"tool_calls": [{"name": "weather", "input": {"city": "Ulm"}, "truncate": 8}]}}),
    );
    let tool = Function::new("weather", "The weather.", json!({"type": "object"}));
    for (wire, _server, client) in each(script).await {
        if wire == WITHOUT_TOOLS {
            continue;
        }
        let request = Request::from("Hi").with_tools([tool.clone()]);
        let answer = ask_for(&client, request, true).await.unwrap();
        let input = answer.tool_calls().next().map(|call| call.input);
        // Wires whose arguments are objects have no place for half of one.
        let whole = ["google.generate", "ollama.chat"].contains(&wire);
        assert!(
            input == Some(r#"{"city":"#) || (whole && matches!(input, None | Some("" | "{}"))),
            "{wire} {input:?}"
        );
        assert_eq!(answer.finish_reason(), Some(FinishReason::Length), "{wire}");
    }
}

#[tokio::test]
async fn usage_and_finish_reason_may_be_missing() {
    let (_server, client) = one(step(json!({"answer": {"usage": false}}))).await;
    for stream in [true, false] {
        assert_eq!(ask(&client, stream).await.unwrap().usage, None, "{stream}");
    }
    let (_server, client) = one(step(json!({"answer": {"finish_reason": "missing"}}))).await;
    assert_eq!(failure(&client, true).await.kind(), ErrorKind::Truncated, "[DONE] is no finish");
}

#[tokio::test]
async fn a_wrong_content_type_is_said() {
    let script = step(json!({"delivery": {"content_type": "text/html", "headers": {"x-mock": "1"}}}));
    let (server, _client) = one(script).await;
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).to_string();
    let (status, kind, _) = http(&server, "POST", "/v1/chat/completions", &body).await;
    assert_eq!((status, kind.as_str()), (200, "text/html"));
}
