//! Anthropic's events in the chunks of Bedrock's stream.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::error::ErrorKind;
use belvedere_core::message::Part;
use belvedere_providers::bedrock::InvokeAnthropic;
use serde_json::{Value, json};

use crate::samples::{event, exception, kind, read};
use crate::support::Read;

/// Anthropic's events in chunks.
fn chunks(events: &[Value]) -> Vec<u8> {
    let chunk =
        |value: &Value| event("chunk", &json!({"bytes": STANDARD.encode(value.to_string()), "p": "ab"}));
    events.iter().flat_map(chunk).collect()
}

fn invoked(body: &[u8]) -> Read {
    read(&InvokeAnthropic::in_region("us-east-1").unwrap(), "application/vnd.amazon.eventstream", body)
}

fn anthropic_events() -> Vec<Value> {
    vec![
        json!({"type": "message_start", "message": {"id": "m1", "model": "claude", "usage": {"input_tokens": 3}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "hello"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}),
        json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3}}),
    ]
}

#[test]
fn anthropics_events_come_in_chunks() {
    let read = invoked(&chunks(&anthropic_events()));
    assert_eq!(kind(&read), None);
    let answer = read.completion();
    assert_eq!((answer.id.as_deref(), answer.model.as_deref()), (Some("m1"), Some("claude")));
    assert_eq!((answer.text().as_str(), answer.reasoning().as_deref()), ("hello", Some("hm")));
    assert_eq!(answer.usage.as_ref().unwrap().total_tokens(), Some(7));
    let Part::Reasoning { wire, .. } = &answer.choices[0].parts[0] else { unreachable!() };
    assert_eq!(wire, "anthropic.messages", "signatures are good on both");
}

#[test]
fn s15_chunks_without_a_stop_reason_are_truncated() {
    let all = anthropic_events();
    let whole = invoked(&chunks(&all));
    for upto in 0..all.len() - 2 {
        let read = invoked(&chunks(&all[..upto]));
        assert_eq!(kind(&read), Some(ErrorKind::Truncated), "{upto}");
        assert_eq!(read.events, whole.events[..read.events.len()]);
    }
}

#[test]
fn s11_errors_come_between_chunks_and_in_them() {
    let all = anthropic_events();
    let inside = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    for at in 0..all.len() {
        let bytes = [chunks(&all[..at]), exception("throttlingException", "slow down"), chunks(&all[at..])];
        assert_eq!(kind(&invoked(&bytes.concat())), Some(ErrorKind::RateLimited), "at {at}");
        let bytes = [chunks(&all[..at]), chunks(std::slice::from_ref(&inside)), chunks(&all[at..])];
        assert_eq!(kind(&invoked(&bytes.concat())), Some(ErrorKind::Overloaded), "at {at}");
    }
    let bad = |upto| {
        kind(&invoked(&[chunks(&all[..upto]), exception("validationException", "bad state")].concat()))
    };
    assert_eq!((bad(1), bad(4)), (Some(ErrorKind::InvalidRequest), Some(ErrorKind::Overloaded)));
    assert_eq!(kind(&invoked(&event("chunk", &json!({"bytes": "!"})))), Some(ErrorKind::Malformed));
    let odd = [event("novelty", &json!({})), event("chunk", &json!({"bytes": null})), chunks(&all)].concat();
    assert_eq!(kind(&invoked(&odd)), None);
}
