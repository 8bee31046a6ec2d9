//! Requests on Bedrock's wires: what each field becomes, and what the wires lack.

#![cfg(feature = "bedrock")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use belvedere_core::error::ErrorKind;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request, Tool};
use belvedere_providers::bedrock::{Converse, InvokeAnthropic};
use serde_json::{Map, Value, json};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "us.amazon.nova-2-lite-v1:0";

fn converse() -> Converse {
    Converse::in_region("us-east-1").unwrap().with_model("m")
}

fn request(body: Value) -> Request {
    serde_json::from_value(body).unwrap()
}

fn encoded(request: &Request) -> Value {
    serde_json::from_slice(converse().encode(request).unwrap().body()).unwrap()
}

/// The body for this OpenAI-style request.
fn body(value: Value) -> Value {
    encoded(&request(value))
}

/// The settings that are written for these fields of a request.
fn settings(model: &str, fields: Value) -> Value {
    let mut all = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    all.as_object_mut().unwrap().append(&mut fields.as_object().unwrap().clone());
    let mut body = body(all);
    body.as_object_mut().unwrap().remove("messages");
    body
}

fn refused(value: Value) -> (ErrorKind, String) {
    let mut all = json!({"messages": [{"role": "user", "content": "hi"}]});
    all.as_object_mut().unwrap().append(&mut value.as_object().unwrap().clone());
    let error = converse().encode(&request(all)).unwrap_err();
    (error.kind(), error.message().to_owned())
}

fn content(parts: Vec<Part>) -> Value {
    encoded(&Request::new([Message::new(Role::User, parts)]))["messages"][0]["content"].clone()
}

#[test]
fn the_least_request_is_whole() {
    let mut least = Request::from("hi");
    let outgoing = converse().encode(&least).unwrap();
    let address = "https://bedrock-runtime.us-east-1.amazonaws.com/model";
    assert_eq!(
        (outgoing.method().as_str(), outgoing.uri().to_string()),
        ("POST", format!("{address}/m/converse"))
    );
    assert_eq!(outgoing.headers()["content-type"], "application/json");
    assert_eq!(encoded(&least), json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}));
    least.stream = true;
    least.model = Some("arn:aws:bedrock:us-east-1:1:inference-profile/us.a-v1:0".into());
    let outgoing = converse().encode(&least).unwrap();
    let model = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a-v1%3A0";
    assert_eq!(outgoing.uri().to_string(), format!("{address}/{model}/converse-stream"));
    assert_eq!(outgoing.headers()["accept"], "application/vnd.amazon.eventstream");
    let mut bare = converse();
    bare.model = None;
    assert_eq!(bare.encode(&Request::from("hi")).unwrap_err().kind(), ErrorKind::InvalidRequest);
    bare = Converse::at("http://localhost:4566/aws/".parse().unwrap()).with_model("m");
    assert_eq!(
        bare.encode(&Request::from("hi")).unwrap().uri(),
        "http://localhost:4566/aws/model/m/converse"
    );
}

#[test]
fn settings_have_their_places() {
    assert_eq!(
        settings(
            "m",
            json!({
                "max_tokens": 10, "temperature": 0.5, "top_p": 0.9, "stop": ["a", "b"], "user": "u1",
                "n": 1, "logprobs": false, "parallel_tool_calls": true,
                "guardrailConfig": {"guardrailIdentifier": "g"}, "performanceConfig": {"latency": "optimized"},
            })
        ),
        json!({
            "inferenceConfig": {"maxTokens": 10, "temperature": 0.5, "topP": 0.9, "stopSequences": ["a", "b"]},
            "requestMetadata": {"user": "u1"},
            "guardrailConfig": {"guardrailIdentifier": "g"}, "performanceConfig": {"latency": "optimized"},
        })
    );
}

#[test]
fn what_stands_in_extra_wins_and_joins() {
    let written = settings(
        CLAUDE,
        json!({
            "max_tokens": 10, "top_k": 3, "inferenceConfig": {"maxTokens": 20, "x": 1},
            "additionalModelRequestFields": {"anthropic_beta": ["b"]},
        }),
    );
    assert_eq!(
        written,
        json!({
            "inferenceConfig": {"maxTokens": 20, "x": 1},
            "additionalModelRequestFields": {"anthropic_beta": ["b"], "top_k": 3},
        })
    );
    let mut request = Request::new([Message::system("second"), Message::user("hi")]);
    request.extra.insert("system".into(), json!([{"text": "first"}]));
    assert_eq!(encoded(&request)["system"], json!([{"text": "first"}, {"text": "second"}]));
}

#[test]
fn thinking_is_asked_for_in_the_models_own_words() {
    let fields = |model: &str, fields: Value| settings(model, fields)["additionalModelRequestFields"].clone();
    let effort = |word: &str| json!({"reasoning": {"effort": word}});
    let budget = json!({"reasoning": {"max_tokens": 2000}});
    assert_eq!(
        fields(CLAUDE, budget.clone()),
        json!({"thinking": {"type": "enabled", "budget_tokens": 2000}})
    );
    assert_eq!(fields(CLAUDE, effort("none")), json!({"thinking": {"type": "disabled"}}));
    assert_eq!(fields(CLAUDE, effort("high")), json!({"output_config": {"effort": "high"}}));
    assert_eq!(
        fields(NOVA, effort("high")),
        json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}})
    );
    assert_eq!(fields(NOVA, effort("none")), json!({"reasoningConfig": {"type": "disabled"}}));
    assert_eq!(fields(NOVA, json!({"top_k": 10})), json!({"inferenceConfig": {"topK": 10}}));
    assert_eq!(fields("openai.gpt-oss-120b-1:0", effort("low")), json!({"reasoning_effort": "low"}));
    assert_eq!(fields("qwen.qwen3-32b-v1:0", effort("high")), json!({"reasoning_config": "high"}));
    assert_eq!(fields("mistral.mistral-large", json!({"top_k": 5})), json!({"top_k": 5}));
    for (model, asked) in [("m", budget), ("m", effort("low")), ("m", json!({"top_k": 1}))] {
        let mut asked = asked;
        asked["model"] = json!(model);
        assert_eq!(refused(asked).0, ErrorKind::Unsupported);
    }
}

#[test]
fn tools_and_the_choice_among_them() {
    let function = json!({"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true,
        "cache_control": {"type": "ephemeral", "ttl": "1h"}});
    let config = |choice: Value| {
        settings("m", json!({"tools": [function], "tool_choice": choice}))["toolConfig"].clone()
    };
    assert_eq!(
        config(json!("auto")),
        json!({
            "tools": [
                {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}, "strict": true}},
                {"cachePoint": {"type": "default", "ttl": "1h"}},
            ],
            "toolChoice": {"auto": {}},
        })
    );
    assert_eq!(config(json!("required"))["toolChoice"], json!({"any": {}}));
    assert_eq!(config(json!({"name": "f"}))["toolChoice"], json!({"tool": {"name": "f"}}));
    let mut request = Request::from("hi");
    // In a request of JSON it needs a type, which the wire does not have.
    let own = json!({"type": "systemTool", "systemTool": {"name": "nova_grounding"}});
    let own = own.as_object().cloned().unwrap();
    request.tools = std::sync::Arc::new(vec![Tool::Provider(own)]);
    assert_eq!(
        encoded(&request)["toolConfig"],
        json!({"tools": [{"systemTool": {"name": "nova_grounding"}}]})
    );
    let bare = settings("m", json!({"tools": [{"name": "f"}]}));
    assert_eq!(
        bare["toolConfig"]["tools"][0]["toolSpec"],
        json!({"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}})
    );
}

#[test]
fn the_form_of_the_answer_is_a_schema_as_text() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "description": "d", "schema": {"type": "object"}}});
    assert_eq!(
        settings("m", json!({ "response_format": format }))["outputConfig"],
        json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema":
            {"name": "n", "description": "d", "schema": "{\"type\":\"object\"}"}}}})
    );
}

#[test]
fn what_the_wire_lacks_is_refused_by_name() {
    let tools = json!([{"name": "f"}]);
    for (parameter, value) in [
        ("n", json!({"n": 2})),
        ("seed", json!({"seed": 1})),
        ("presence_penalty", json!({"presence_penalty": 0.5})),
        ("frequency_penalty", json!({"frequency_penalty": 0.5})),
        ("logprobs", json!({"logprobs": true})),
        ("top_logprobs", json!({"top_logprobs": 2})),
        ("parallel_tool_calls", json!({"tools": tools, "parallel_tool_calls": false})),
        ("tool_choice", json!({"tools": tools, "tool_choice": "none"})),
        ("response_format", json!({"response_format": {"type": "json_object"}})),
    ] {
        let (kind, message) = refused(value);
        assert_eq!(kind, ErrorKind::Unsupported, "{parameter}");
        assert!(message.starts_with(parameter), "{message}");
    }
    assert_eq!(refused(json!({"tool_choice": "required"})).0, ErrorKind::InvalidRequest);
    let mut embed = Request::embed(["x"]);
    assert_eq!(converse().encode(&embed).unwrap_err().kind(), ErrorKind::Unsupported);
    embed.operation = Operation::Models;
    assert_eq!(converse().encode(&embed).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn roles_alternate_results_come_first_and_instructions_are_lifted() {
    let call = |id: &str, args: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": args}});
    let body = body(json!({"messages": [
        {"role": "system", "content": "first"},
        {"role": "user", "content": "go"},
        {"role": "developer", "content": [{"type": "text", "text": "second", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": "", "tool_calls": [call("a", "{\"x\": 1.0}"), call("b", "")]},
        {"role": "user", "content": "hurry"},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "no", "is_error": true},
    ]}));
    assert_eq!(
        body["system"],
        json!([{"text": "first"}, {"text": "second"}, {"cachePoint": {"type": "default"}}])
    );
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [{"text": "go"}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "a", "name": "f", "input": {"x": 1.0}}},
                {"toolUse": {"toolUseId": "b", "name": "f", "input": {}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "a", "content": [{"text": "1"}]}},
                {"toolResult": {"toolUseId": "b", "content": [{"text": "no"}], "status": "error"}},
                {"text": "hurry"},
            ]},
        ])
    );
}

fn media(kind: MediaKind, source: MediaSource) -> Media {
    Media::new(kind, source)
}

fn data(mime: &str) -> MediaSource {
    MediaSource::Data { mime: mime.into(), data: "hi".into() }
}

#[test]
fn media_are_bytes_or_lie_in_a_bucket() {
    let mut named = media(MediaKind::File, data("text/plain; charset=utf-8"));
    named.name = Some("my notes.v2".into());
    named.extra.insert("citations".into(), json!({"enabled": true}));
    let mut owned = media(MediaKind::Video, MediaSource::Url("s3://b/k.mp4".into()));
    owned.extra.insert("bedrock.converse".into(), json!({"bucketOwner": "123"}));
    let parts = vec![
        Part::Media(media(MediaKind::Image, data("image/jpeg"))),
        Part::Media(named),
        Part::Media(media(MediaKind::File, data("application/pdf"))),
        Part::Media(owned),
        Part::Media(media(MediaKind::Image, MediaSource::Url("s3://b/k.JPG".into()))),
        Part::Media(media(MediaKind::Audio, data("audio/mpeg"))),
    ];
    assert_eq!(
        content(parts),
        json!([
            {"image": {"format": "jpeg", "source": {"bytes": "aGk="}}},
            {"document": {"format": "txt", "name": "my notes-v2", "source": {"bytes": "aGk="}, "citations": {"enabled": true}}},
            {"document": {"format": "pdf", "name": "document messages[0] content[2]", "source": {"bytes": "aGk="}}},
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/k.mp4", "bucketOwner": "123"}}}},
            {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://b/k.JPG"}}}},
            {"audio": {"format": "mp3", "source": {"bytes": "aGk="}}},
        ])
    );
    for bad in [
        media(MediaKind::Image, MediaSource::Url("https://example.com/a.png".into())),
        media(MediaKind::Image, MediaSource::Id("file-1".into())),
        media(MediaKind::Image, data("image/tiff")),
        media(MediaKind::File, MediaSource::Url("s3://b/without-ending".into())),
    ] {
        let request = Request::new([Message::new(Role::User, vec![Part::Media(bad)])]);
        let error = converse().encode(&request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().starts_with("messages[0].content[0]"), "{error}");
    }
}

#[test]
fn thinking_goes_back_to_who_wrote_it() {
    let thought = |signature: Option<&str>, wire: &str| Part::Reasoning {
        text: "t".into(),
        signature: signature.map(Into::into),
        wire: wire.into(),
        extra: Map::new(),
    };
    let sent = |model: &str, part: Part| {
        let request =
            Request::new([Message::new(Role::Assistant, vec![part, Part::text("x")])]).with_model(model);
        encoded(&request)["messages"][0]["content"].clone()
    };
    let ours =
        json!([{"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}}, {"text": "x"}]);
    assert_eq!(sent(CLAUDE, thought(Some("s"), "bedrock.converse")), ours);
    assert_eq!(sent(CLAUDE, thought(Some("s"), "")), ours);
    assert_eq!(sent(CLAUDE, thought(Some("s"), "google.generate")), json!([{"text": "x"}]));
    for model in [CLAUDE, "us.deepseek.r1-v1:0"] {
        assert_eq!(sent(model, thought(None, "")), json!([{"text": "x"}]));
    }
    let unsigned = json!([{"reasoningContent": {"reasoningText": {"text": "t"}}}, {"text": "x"}]);
    assert_eq!(sent("moonshot.kimi-k2-thinking", thought(None, "")), unsigned);
}

#[test]
fn parts_of_another_wire_and_broken_calls_are_refused_by_place() {
    let refusal = |part: Part| {
        let request = Request::new([Message::new(Role::Assistant, vec![part])]);
        let error = converse().encode(&request).unwrap_err();
        (error.kind(), error.message().split(':').next().unwrap().to_owned())
    };
    let at = |end: &str| format!("messages[0].content[0]{end}");
    let foreign = Part::opaque("google.generate", "x", json!({"a": 1}));
    assert_eq!(refusal(foreign), (ErrorKind::Unsupported, at("")));
    let call = |id: &str, input: &str| Part::ToolCall {
        id: id.into(),
        name: "f".into(),
        input: input.into(),
        by: Default::default(),
        extra: Map::new(),
    };
    assert_eq!(refusal(call("", "{}")), (ErrorKind::InvalidRequest, at(".id")));
    assert_eq!(refusal(call("a", "{\"n\":")), (ErrorKind::InvalidRequest, at(".input")));
    let own =
        Part::opaque("bedrock.converse", "guardContent", json!({"guardContent": {"text": {"text": "x"}}}));
    assert_eq!(content(vec![own]), json!([{"guardContent": {"text": {"text": "x"}}}]));
}

#[test]
fn anthropics_body_has_the_model_in_the_address() {
    let mut wire = InvokeAnthropic::in_region("eu-west-1").unwrap().with_model(CLAUDE);
    wire.beta = vec!["b1".into()];
    let mut request = Request::from("hi");
    for (stream, action) in [(false, "invoke"), (true, "invoke-with-response-stream")] {
        request.stream = stream;
        let outgoing = wire.encode(&request).unwrap();
        let address = "https://bedrock-runtime.eu-west-1.amazonaws.com/model";
        let model = "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0";
        assert_eq!(outgoing.uri().to_string(), format!("{address}/{model}/{action}"));
        let body: Value = serde_json::from_slice(outgoing.body()).unwrap();
        assert_eq!(
            body,
            json!({
                "anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["b1"], "max_tokens": 4096,
                "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
            })
        );
    }
}
