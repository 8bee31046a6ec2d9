//! Answers as they should be.

use belvedere_core::event::{Event, FinishReason};
use belvedere_core::request::{Function, ToolChoice};
use belvedere_core::usage::Class;
use schemars::JsonSchema;
use serde::Deserialize;

use super::*;

#[tokio::test]
async fn a_chat_is_answered_whole_and_streamed() {
    for (wire, server, client) in each(Script::default()).await {
        for stream in [false, true] {
            let answer = ask(&client, stream).await.unwrap();
            assert_eq!(
                (answer.text().as_str(), answer.finish_reason()),
                ("You said: Hi", Some(FinishReason::Stop)),
                "{wire}"
            );
            let usage = answer.usage.unwrap();
            assert_eq!(
                (usage.get(&Class::Input), usage.output_tokens()),
                (Some(1), Some(3)),
                "{wire} {stream}"
            );
        }
        let stats = server.until(|stats| stats.answers.finished == 2).await;
        assert_eq!((stats.requests, stats.by_wire[wire], stats.by_status[&200]), (2, 2, 2));
    }
}

#[tokio::test]
async fn a_stream_comes_token_by_token() {
    for (wire, _server, client) in each(Step::text("one two three four")).await {
        let mut events = soon(client.stream("Hi")).await.unwrap();
        let mut tokens = Vec::new();
        while let Some(event) = soon(events.next()).await {
            if let Event::Text { delta, .. } = event.unwrap() {
                tokens.push(delta.to_string());
            }
        }
        assert_eq!(tokens, ["one ", "two ", "three ", "four"], "{wire}");
    }
}

#[tokio::test]
async fn a_demanded_tool_is_called() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let mut request = Request::from("Hi").with_tools([Function::new("weather", "The weather.", schema)]);
    request.tool_choice = Some(ToolChoice::Required);
    for (wire, _server, client) in each(Script::default()).await {
        // Ollama's wires can't demand a call.
        if wire.starts_with("ollama.") {
            continue;
        }
        for stream in [false, true] {
            let answer = ask_for(&client, request.clone(), stream).await.unwrap();
            let calls: Vec<_> = answer.tool_calls().map(|call| (call.name, call.input)).collect();
            assert_eq!(calls, [("weather", r#"{"city":"city"}"#)], "{wire} {stream}");
            assert_eq!(answer.finish_reason(), Some(FinishReason::ToolCalls), "{wire} {stream}");
        }
    }
}

#[tokio::test]
async fn scripted_calls_come_in_parallel_and_in_pieces() {
    let script = step(json!({"answer": {"token_size": 3, "tool_calls": [
        {"name": "a", "input": {"x": 1}}, {"name": "b", "input": {"y": "Grüße"}},
    ]}}));
    let tool = |name| Function::new(name, "A tool.", json!({"type": "object"}));
    let request = Request::from("Hi").with_tools([tool("a"), tool("b")]);
    for (wire, _server, client) in each(script).await {
        if wire == WITHOUT_TOOLS {
            continue;
        }
        for stream in [false, true] {
            let answer = ask_for(&client, request.clone(), stream).await.unwrap();
            let calls: Vec<_> = answer.tool_calls().map(|call| (call.name, call.input)).collect();
            assert_eq!(calls, [("a", r#"{"x":1}"#), ("b", r#"{"y":"Grüße"}"#)], "{wire} {stream}");
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct City {
    name: String,
    age: i64,
    twin: Option<String>,
}

#[tokio::test]
async fn a_typed_answer_has_its_type() {
    for (wire, _server, client) in each(Script::default()).await {
        let city = soon(client.complete_as::<City>("Which city?")).await.unwrap().value;
        assert_eq!((city.name.as_str(), city.age, city.twin.as_deref()), ("name", 1, Some("twin")), "{wire}");
    }
}

#[tokio::test]
async fn reasoning_and_a_limit_arrive() {
    let script = step(json!({"answer": {"reasoning": "Hm, well.", "text": "one two three"}}));
    for (wire, _server, client) in each(script).await {
        for stream in [false, true] {
            let answer = ask_for(&client, Request::from("Hi").with_max_tokens(2), stream).await.unwrap();
            assert_eq!(
                (answer.text().as_str(), answer.finish_reason()),
                ("one two ", Some(FinishReason::Length)),
                "{wire}"
            );
            assert_eq!(answer.reasoning().as_deref(), Some("Hm, well."), "{wire} {stream}");
        }
    }
}

#[tokio::test]
async fn embeddings_and_models_are_served() {
    let (server, client) = one(Script::default()).await;
    let answer = soon(client.embed(["the sky", "the sea"])).await.unwrap();
    let lengths = answer.embeddings.iter().map(|e| e.vector.iter().map(|x| x * x).sum::<f64>());
    assert!(lengths.clone().count() == 2 && lengths.into_iter().all(|length| (length - 1.0).abs() < 1e-6));
    assert_eq!(answer.embeddings, soon(client.embed(["the sky", "the sea"])).await.unwrap().embeddings);
    assert_eq!(soon(client.models()).await.unwrap().models[0].id, "mock-1");
    assert_eq!(server.stats().by_wire["embeddings"], 2);
}

#[tokio::test]
async fn http2_is_spoken_too() {
    let server = MockServer::start([Step::text("over h2"), Step::default()]).await.unwrap();
    for wire in wires() {
        let client = client_over(&server, wire, lent(HttpVersion::Http2));
        for stream in [false, true] {
            assert_eq!(ask(&client, stream).await.unwrap().text(), "over h2", "{wire} {stream}");
        }
    }
    let (a, b) = {
        let client = client_over(&server, "openai.chat", lent(HttpVersion::Http2));
        tokio::join!(ask(&client, true), ask(&client, false))
    };
    assert_eq!((a.unwrap().text(), b.unwrap().text()), ("over h2".into(), "over h2".into()));
}

#[tokio::test]
async fn bytes_may_be_cut_anywhere_and_lines_end_in_cr_lf() {
    let answer = json!({"text": "Grüße, \u{1f600} und Tschüß", "reasoning": "äöü"});
    let deliveries = [
        json!({"split": {"bytes": 1}}),
        json!({"split": "characters"}),
        json!({"crlf": true}),
        json!({"crlf": true, "split": {"bytes": 7}}),
    ];
    for (wire, server, client) in each(Script::default()).await {
        for delivery in &deliveries {
            server.play(step(json!({"answer": answer, "delivery": delivery})));
            for stream in [false, true] {
                let said = ask(&client, stream).await.unwrap();
                assert_eq!(said.text(), "Grüße, \u{1f600} und Tschüß", "{wire} {stream} {delivery}");
                assert_eq!(said.reasoning().as_deref(), Some("äöü"), "{wire} {stream} {delivery}");
            }
        }
    }
}
