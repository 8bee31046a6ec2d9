//! Counters, scripts at run time, and the paths.

use std::sync::{Arc, Mutex};

use super::super::{Options, Stats};
use super::*;

#[tokio::test]
async fn an_unknown_path_lists_the_known_ones() {
    let server = MockServer::start(Script::default()).await.unwrap();
    let (status, body) = json_of(&server, "POST", "/v1/chat/completion", json!({})).await;
    assert_eq!(status, 404);
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("POST /v1/chat/completions"), "{message}");
    assert!(body["error"]["paths"].as_array().unwrap().len() >= 3);
    assert_eq!(server.stats().by_path["/v1/chat/completion"], 1);
}

#[tokio::test]
async fn a_bad_request_is_refused_in_the_words_of_the_wire() {
    let server = MockServer::start(Script::default()).await.unwrap();
    let (status, body) =
        json_of(&server, "POST", "/v1/chat/completions", json!({"model": "m", "messages": 7})).await;
    assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")), "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("messages"), "{body}");
}

#[tokio::test]
async fn counters_are_read_and_reset_over_http() {
    let (server, client) = one(Script::default()).await;
    ask(&client, true).await.unwrap();
    let (status, stats) = json_of(&server, "GET", "/stats", Value::Null).await;
    assert_eq!((status, &stats["requests"], &stats["by_status"]), (200, &json!(1), &json!({"200": 1})));
    let read: Stats = serde_json::from_value(stats).unwrap();
    assert!(read.bytes_out > 0 && read.connections.total >= 2, "{read:?}");
    let (_, stats) = json_of(&server, "POST", "/stats/reset", Value::Null).await;
    assert_eq!((&stats["requests"], &stats["answers"]["finished"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn another_script_is_played_at_run_time() {
    let (server, client) = one(Script::default()).await;
    let script = json!({"steps": [{"answer": {"text": "Another."}}]});
    assert_eq!(json_of(&server, "POST", "/script", script.clone()).await, (200, json!({"steps": 1})));
    assert_eq!(ask(&client, true).await.unwrap().text(), "Another.");
    assert_eq!(
        json_of(&server, "GET", "/script", Value::Null).await.1["steps"][0]["answer"]["text"],
        "Another."
    );
    let (status, body) = json_of(&server, "POST", "/script", json!({"steps": [{"anser": {}}]})).await;
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        status == 400 && message.contains("unknown field `anser`") && message.contains("`answer`"),
        "{message}"
    );
    assert_eq!(ask(&client, true).await.unwrap().text(), "Another.", "a bad script changes nothing");
    let (status, _, body) =
        http(&server, "POST", "/script", "steps:\n  - answer: { text: From YAML. }\n").await;
    assert_eq!(status, 200, "{body:?}");
    assert_eq!(ask(&client, false).await.unwrap().text(), "From YAML.");
    let (status, body) = json_of(&server, "DELETE", "/script", Value::Null).await;
    assert_eq!(status, 405, "{body}");
}

#[tokio::test]
async fn steps_are_matched_and_taken_in_turn() {
    let steps = json!({"steps": [
        {"times": 1, "answer": {"text": "first"}},
        {"when": {"model": "big-*"}, "answer": {"text": "big"}},
        {"when": {"headers": {"x-test": "*7"}}, "answer": {"text": "header"}},
        {"when": {"stream": true, "wire": "openai.*", "path": "*/completions"}, "answer": {"text": "streamed"}},
        {"answer": {"text": "rest"}},
    ]});
    let (server, client) = one(Script::from_json(steps).unwrap()).await;
    let mut said = Vec::new();
    said.push(ask(&client, true).await.unwrap().text());
    said.push(ask_for(&client, Request::from("Hi").with_model("big-1"), true).await.unwrap().text());
    let mut request = Request::from("Hi");
    request.options.get_or_insert_default().headers.insert("x-test".into(), "1-7".into());
    said.push(ask_for(&client, request, true).await.unwrap().text());
    said.push(ask(&client, true).await.unwrap().text());
    said.push(ask(&client, false).await.unwrap().text());
    assert_eq!(said, ["first", "big", "header", "streamed", "rest"]);
    assert_eq!(server.stats().requests, 5);
}

#[tokio::test]
async fn a_cancelled_call_is_seen_as_a_close() {
    for (wire, server, client) in
        each(Step::fault(super::super::Fault::Stall { after: 1, lasts: None })).await
    {
        let mut events = soon(client.stream("Hi")).await.unwrap();
        soon(events.next()).await.unwrap().unwrap();
        assert_eq!((server.stats().in_flight, server.stats().connections.open), (1, 1), "{wire}");
        drop(events);
        let stats = soon(server.until(|stats| stats.connections.open == 0)).await;
        assert_eq!((stats.answers.closed_by_client, stats.in_flight), (1, 0), "{wire}");
        assert_eq!(stats.answers.close_seen_ms.len(), 1);
    }
}

#[tokio::test]
async fn a_call_that_is_cancelled_before_its_head_is_seen_too() {
    let mut script = Step::default();
    script.timing.latency = Duration::from_secs(3600);
    let (server, client) = one(script).await;
    tokio::select! {
        biased;
        _ = client.stream("Hi") => panic!("no head, no answer"),
        _ = server.until(|stats| stats.in_flight == 1) => {}
    }
    let stats = soon(server.until(|stats| stats.in_flight == 0)).await;
    assert_eq!((stats.answers.closed_by_client, stats.by_status.len()), (1, 0));
}

#[tokio::test]
async fn each_request_is_one_line_of_the_log() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut options = Options::default();
    let kept = lines.clone();
    options.log = Some(Arc::new(move |line| kept.lock().unwrap().push(line.clone())));
    let server = MockServer::start_with(options, Step::text("There.").times(1)).await.unwrap();
    let client = client_of(&server, "openai.chat");
    ask(&client, true).await.unwrap();
    ask(&client, false).await.unwrap();
    let lines = lines.lock().unwrap();
    let steps: Vec<_> = lines.iter().map(|line| (line.step, line.end, line.wire)).collect();
    assert_eq!(steps, [(Some(0), "finished", Some("openai.chat")), (None, "finished", Some("openai.chat"))]);
    let line = lines[0].to_string();
    assert!(line.starts_with("200 POST /v1/chat/completions openai.chat mock-1 step 0 "), "{line}");
    assert!(lines[0].bytes > 0);
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let (server, client) = one(Step::fault(super::super::Fault::Stall { after: 0, lasts: None })).await;
    let events = soon(client.stream("Hi")).await.unwrap();
    drop(server);
    assert!(soon(events.collect()).await.is_err());
    let error = failure(&client, true).await;
    assert_eq!(error.kind(), belvedere_core::error::ErrorKind::Network, "{error}");
}

#[tokio::test]
async fn its_paths_are_told() {
    let server = MockServer::start(Script::default()).await.unwrap();
    let paths = server.paths();
    assert!(paths.contains(&("POST /v1/chat/completions", "openai.chat")), "{paths:?}");
    assert!(paths.contains(&("GET /stats", "counters")));
    assert_eq!(server.url(), format!("http://{}", server.address()));
}
